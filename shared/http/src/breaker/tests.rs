//! The states of the breaker, with the time passed in, and the guard of a call.

use super::*;

const OPEN: Duration = Duration::from_secs(30);
const TICK: Duration = Duration::from_millis(1);

fn fail(breaker: &mut Breaker, times: u32, now: Instant) {
    for _ in 0..times {
        let permit = breaker.admit(now).unwrap();
        breaker.record(permit, Verdict::Failed, now);
    }
}

fn open(now: Instant) -> Breaker {
    let mut breaker = Breaker::new(BreakerConfig::default());
    fail(&mut breaker, 5, now);
    breaker
}

#[test]
fn five_failures_in_a_row_open_it_for_thirty_seconds() {
    let now = Instant::now();
    let mut breaker = Breaker::new(BreakerConfig::default());
    fail(&mut breaker, 4, now);
    assert!(breaker.admit(now).is_ok());
    fail(&mut breaker, 1, now);
    assert_eq!(breaker.admit(now), Err(OPEN));
    assert_eq!(breaker.admit(now + OPEN - TICK), Err(TICK));
    assert!(breaker.admit(now + OPEN).is_ok());
}

#[test]
fn an_answer_between_failures_starts_the_count_again() {
    let now = Instant::now();
    let mut breaker = Breaker::new(BreakerConfig::default());
    fail(&mut breaker, 4, now);
    let permit = breaker.admit(now).unwrap();
    breaker.record(permit, Verdict::Alive, now);
    fail(&mut breaker, 4, now);
    assert!(breaker.admit(now).is_ok());
}

#[test]
fn a_canceled_call_counts_neither_way() {
    let now = Instant::now();
    let mut breaker = Breaker::new(BreakerConfig::default());
    fail(&mut breaker, 4, now);
    let permit = breaker.admit(now).unwrap();
    breaker.record(permit, Verdict::Unknown, now);
    fail(&mut breaker, 1, now);
    assert_eq!(breaker.admit(now), Err(OPEN));
}

#[test]
fn one_trial_is_let_through_and_decides() {
    let now = Instant::now();
    let later = now + OPEN;
    for (verdict, after) in [(Verdict::Alive, None), (Verdict::Failed, Some(OPEN))] {
        let mut breaker = open(now);
        let trial = breaker.admit(later).unwrap();
        assert_eq!(breaker.admit(later), Err(Duration::ZERO), "a second trial");
        breaker.record(trial, verdict, later);
        assert_eq!(breaker.admit(later).err(), after);
    }
}

#[test]
fn a_canceled_trial_makes_way_for_the_next() {
    let now = Instant::now();
    let mut breaker = open(now);
    let trial = breaker.admit(now + OPEN).unwrap();
    breaker.record(trial, Verdict::Unknown, now + OPEN);
    let trial = breaker.admit(now + OPEN).unwrap();
    breaker.record(trial, Verdict::Alive, now + OPEN);
    assert!(breaker.admit(now + OPEN).is_ok());
}

#[test]
fn calls_from_before_it_opened_no_longer_count() {
    let now = Instant::now();
    let mut breaker = Breaker::new(BreakerConfig::default());
    let [one, two] = [breaker.admit(now).unwrap(), breaker.admit(now).unwrap()];
    fail(&mut breaker, 5, now);
    breaker.record(one, Verdict::Alive, now);
    assert_eq!(
        breaker.admit(now),
        Err(OPEN),
        "an old success does not close it"
    );
    let trial = breaker.admit(now + OPEN).unwrap();
    breaker.record(two, Verdict::Failed, now + OPEN);
    breaker.record(trial, Verdict::Alive, now + OPEN);
    fail(&mut breaker, 4, now + OPEN);
    assert!(
        breaker.admit(now + OPEN).is_ok(),
        "an old failure does not count after it closed"
    );
}

#[tokio::test(start_paused = true)]
async fn a_guard_dropped_without_a_verdict_does_not_keep_the_breaker_open() {
    let breaker = SharedBreaker::new(BreakerConfig::default());
    for _ in 0..5 {
        breaker.admit().unwrap().finish(Verdict::Failed);
    }
    assert_eq!(breaker.admit().unwrap_err(), OPEN);
    tokio::time::advance(OPEN).await;
    let trial = breaker.admit().unwrap();
    assert_eq!(breaker.admit().unwrap_err(), Duration::ZERO);
    drop(trial);
    breaker.admit().unwrap().finish(Verdict::Alive);
    assert!(breaker.admit().is_ok());
}

#[tokio::test(start_paused = true)]
async fn an_endpoint_that_is_broken_leaves_the_others_closed() {
    let breakers = EndpointBreakers::new(BreakerConfig::default());
    for _ in 0..5 {
        let permit = breakers.breaker(&Method::POST, "/suggestions").admit();
        permit.unwrap().finish(Verdict::Failed);
    }
    assert!(
        breakers
            .breaker(&Method::POST, "/suggestions")
            .admit()
            .is_err()
    );
    assert!(
        breakers
            .breaker(&Method::GET, "/suggestions")
            .admit()
            .is_ok()
    );
    assert!(
        breakers
            .breaker(&Method::GET, "/transcripts")
            .admit()
            .is_ok()
    );
    assert!(
        breakers
            .clone()
            .breaker(&Method::POST, "/suggestions")
            .admit()
            .is_err()
    );
}

#[tokio::test(start_paused = true)]
async fn the_number_of_breakers_is_bounded_and_the_rest_share_one() {
    let breakers = EndpointBreakers::new(BreakerConfig::default());
    for number in 0..MAX_ENDPOINTS + 5 {
        let breaker = breakers.breaker(&Method::GET, &format!("/path/{number}"));
        breaker.admit().unwrap().finish(Verdict::Failed);
    }
    assert_eq!(breakers.breakers.lock().unwrap().len(), MAX_ENDPOINTS);
    assert!(
        breakers
            .breaker(&Method::GET, "/path/1000")
            .admit()
            .is_err()
    );
    assert!(breakers.breaker(&Method::GET, "/path/1").admit().is_ok());
}
