//! The retry decision for every class of failure, and the two forms of the `Retry-After` header.

use std::time::UNIX_EPOCH;

use proptest::prelude::*;

use super::*;

const LONG: Duration = Duration::from_secs(3600);
const SECOND: Duration = Duration::from_secs(1);

fn wait(policy: RetryPolicy, tries: u32, class: RetryClass, random: f64) -> Duration {
    match policy.decide(tries, class, LONG, random) {
        Decision::Wait(wait) => wait,
        Decision::Stop => panic!("stopped after {tries} tries"),
    }
}

#[test]
fn a_rate_limit_without_a_header_waits_up_to_two_to_the_attempt_seconds() {
    let policy = RetryPolicy::default();
    let longest: Vec<u64> = (1..=7)
        .map(|tries| wait(policy, tries, RetryClass::RateLimited(None), 1.0).as_secs())
        .collect();
    assert_eq!(longest, [1, 2, 4, 8, 16, 30, 30]);
    assert_eq!(
        wait(policy, 3, RetryClass::RateLimited(None), 0.0),
        Duration::ZERO
    );
    assert_eq!(
        wait(policy, 3, RetryClass::RateLimited(None), 0.5),
        2 * SECOND
    );
}

#[test]
fn a_failure_backs_off_from_a_fifth_of_a_second() {
    let longest: Vec<u128> = (1..=5)
        .map(|tries| wait(RetryPolicy::default(), tries, RetryClass::Failed, 1.0).as_millis())
        .collect();
    assert_eq!(longest, [200, 400, 800, 1600, 3200]);
}

#[test]
fn a_wait_that_the_server_asks_for_is_kept_at_least() {
    let asked = RetryClass::RateLimited(Some(5 * SECOND));
    assert_eq!(wait(RetryPolicy::default(), 1, asked, 0.0), 5 * SECOND);
    assert_eq!(
        wait(RetryPolicy::default(), 1, asked, 1.0),
        Duration::from_millis(5500)
    );
}

#[test]
fn a_wait_that_is_too_short_by_habit_grows_with_the_backoff() {
    let policy = RetryPolicy {
        lengthens_asked_waits: true,
        ..RetryPolicy::default()
    };
    let asked = RetryClass::RateLimited(Some(Duration::from_secs(2)));
    assert!(wait(policy, 1, asked, 0.9) >= Duration::from_secs(2));
    assert!(wait(policy, 4, asked, 0.9) > Duration::from_secs(7));
    let long = RetryClass::RateLimited(Some(Duration::from_secs(40)));
    assert!(wait(policy, 4, long, 0.0) >= Duration::from_secs(40));
}

#[test]
fn a_wait_past_the_deadline_stops_at_once() {
    let policy = RetryPolicy::default();
    let asked = RetryClass::RateLimited(Some(5 * SECOND));
    assert_eq!(policy.decide(1, asked, 5 * SECOND, 0.0), Decision::Stop);
    assert_eq!(
        policy.decide(3, RetryClass::Failed, Duration::from_millis(700), 1.0),
        Decision::Stop
    );
    assert_eq!(
        policy.decide(1, RetryClass::Failed, Duration::ZERO, 0.0),
        Decision::Stop
    );
}

#[test]
fn final_failures_and_used_up_attempts_stop() {
    let policy = RetryPolicy {
        max_attempts: 3,
        ..RetryPolicy::default()
    };
    assert_eq!(
        policy.decide(1, RetryClass::Final, LONG, 0.0),
        Decision::Stop
    );
    assert_ne!(
        policy.decide(2, RetryClass::Failed, LONG, 0.0),
        Decision::Stop
    );
    assert_eq!(
        policy.decide(3, RetryClass::Failed, LONG, 0.0),
        Decision::Stop
    );
    assert_eq!(
        policy.decide(3, RetryClass::RateLimited(Some(Duration::ZERO)), LONG, 0.0),
        Decision::Stop
    );
    assert_eq!(
        RetryPolicy::SINGLE_ATTEMPT.decide(1, RetryClass::RateLimited(None), LONG, 0.0),
        Decision::Stop
    );
}

#[test]
fn a_server_that_asks_for_no_wait_gets_the_backoff() {
    let asked = RetryClass::RateLimited(Some(Duration::ZERO));
    let longest: Vec<u64> = (1..=4)
        .map(|tries| wait(RetryPolicy::default(), tries, asked, 1.0).as_secs())
        .collect();
    assert_eq!(longest, [1, 2, 4, 8]);
}

#[test]
fn work_that_nobody_waits_for_tries_until_its_deadline_and_waits_out_the_breaker() {
    let policy = RetryPolicy::UNTIL_DEADLINE;
    assert_eq!(wait(policy, 1, RetryClass::Failed, 1.0), SECOND);
    assert_eq!(wait(policy, 1000, RetryClass::Failed, 1.0), 30 * SECOND);
    assert_eq!(
        policy.decide_on_open_breaker(30 * SECOND, LONG, 0.0),
        Decision::Wait(30 * SECOND)
    );
    // While the trial call of somebody else is in flight, the breaker is not looked at without a pause.
    assert_eq!(
        policy.decide_on_open_breaker(Duration::ZERO, LONG, 0.0),
        Decision::Wait(SECOND / 2)
    );
    assert_eq!(
        policy.decide_on_open_breaker(30 * SECOND, 30 * SECOND, 0.0),
        Decision::Stop
    );
    assert_eq!(
        RetryPolicy::default().decide_on_open_breaker(SECOND, LONG, 0.0),
        Decision::Stop
    );
}

#[test]
fn only_four_statuses_are_transient() {
    let transient: Vec<u16> = (200..600).filter(|&status| is_transient(status)).collect();
    assert_eq!(transient, [500, 502, 503, 504]);
}

#[test]
fn retry_after_reads_seconds_and_all_three_date_forms() {
    // RFC 9110's own example date.
    let now = UNIX_EPOCH + Duration::from_secs(784_111_777 - 90);
    for text in [
        "90",
        " 90 ",
        "Sun, 06 Nov 1994 08:49:37 GMT",
        "Sunday, 06-Nov-94 08:49:37 GMT",
        "Sun Nov  6 08:49:37 1994",
    ] {
        assert_eq!(
            parse_retry_after(text, now),
            Some(Duration::from_secs(90)),
            "{text}"
        );
    }
    let past = now + LONG;
    assert_eq!(
        parse_retry_after("Sun, 06 Nov 1994 08:49:37 GMT", past),
        None,
        "a date that has passed asks for no wait"
    );
    for text in ["", "-1", "1.5", "soon", "1 s", "+3", "0", "000"] {
        assert_eq!(parse_retry_after(text, now), None, "{text}");
    }
    let day = Some(Duration::from_secs(86_400));
    assert_eq!(parse_retry_after("99999999999999999999999", now), day);
}

proptest! {
    #[test]
    fn any_header_is_read_without_a_panic_and_within_a_day(text in ".{0,40}") {
        let wait = parse_retry_after(&text, UNIX_EPOCH);
        prop_assert!(wait.is_none_or(|wait| wait <= Duration::from_secs(86_400)));
    }

    #[test]
    fn whole_seconds_are_read_as_such(seconds in 1_u64..=86_400) {
        let read = parse_retry_after(&seconds.to_string(), UNIX_EPOCH);
        prop_assert_eq!(read, Some(Duration::from_secs(seconds)));
    }

    #[test]
    fn any_date_is_read_back(from in 0_u64..4_000_000_000, ahead in 1_u64..=86_400) {
        let now = UNIX_EPOCH + Duration::from_secs(from);
        let date = httpdate::fmt_http_date(now + Duration::from_secs(ahead));
        prop_assert_eq!(parse_retry_after(&date, now), Some(Duration::from_secs(ahead)));
    }

    #[test]
    fn a_wait_always_ends_before_the_deadline(
        tries in 0_u32..12,
        asked in proptest::option::of(0_u64..20_000),
        limited: bool,
        remaining in 0_u64..20_000,
        random in 0.0..1.0_f64,
    ) {
        let asked = asked.map(Duration::from_millis);
        let class = if limited { RetryClass::RateLimited(asked) } else { RetryClass::Failed };
        let remaining = Duration::from_millis(remaining);
        if let Decision::Wait(wait) = RetryPolicy::default().decide(tries, class, remaining, random) {
            prop_assert!(wait < remaining);
            if let (true, Some(asked)) = (limited, asked) {
                prop_assert!(wait >= asked);
            }
        }
    }
}
