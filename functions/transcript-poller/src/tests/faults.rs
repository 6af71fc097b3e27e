//! Faults of the contact center that must not change the result of a poller.

use std::collections::BTreeSet;
use std::time::Duration;

use cxone_simulator::{Fault, FaultRule, RetryAfter};
use serde_json::Value;

use super::fixture::{PollerFixture, declining_call};

const TRANSCRIPTS: &str = "/api/v2/interactions/*/transcripts";
const ATTRIBUTES: &str = "/api/v2/interactions/*/attributes";
const SUGGESTIONS: &str = "/api/v2/agentassist/suggestions";

/// Plays the call that turns bad under the given faults, and asserts that every segment is scored once, that the contact
/// center has the newest attributes, and that one suggestion was sent. Returns the fixture for further assertions.
async fn play_under_faults(variables: &[(&str, &str)], faults: Vec<FaultRule>) -> PollerFixture {
    let fixture = PollerFixture::start_with(variables, vec![declining_call("call-1")]).await;
    faults
        .into_iter()
        .for_each(|fault| fixture.simulator().fault(fault));
    fixture.register("call-1").await;
    let run = fixture.start_poller("a");
    fixture
        .wait_until(
            "the declining call is scored and has its suggestion in spite of the faults",
            |fixture| fixture.is_caught_up("call-1") && fixture.suggestions("call-1").len() == 1,
        )
        .await;
    run.finish().await;
    let scored = fixture.scored_ids("call-1");
    assert_eq!(
        scored.iter().collect::<BTreeSet<_>>().len(),
        scored.len(),
        "a segment was scored twice"
    );
    assert_eq!(fixture.suggestions("call-1").len(), 1);
    fixture
}

fn status(path: &str, status: u16, times: u64) -> FaultRule {
    FaultRule::new(path, Fault::Status(status, RetryAfter::Absent)).times(times)
}

#[tokio::test]
async fn attributes_and_suggestions_that_fail_are_sent_again_from_stored_intent() {
    for code in [403, 404, 500, 503] {
        let faults = vec![status(ATTRIBUTES, code, 2), status(SUGGESTIONS, code, 2)];
        let fixture = play_under_faults(&[], faults).await;
        let keys: BTreeSet<_> = fixture
            .suggestions("call-1")
            .iter()
            .map(|s| s.key.clone())
            .collect();
        assert_eq!(keys.len(), 1, "{code}");
        assert!(
            fixture.simulator().requests("POST", SUGGESTIONS) >= 3,
            "{code}"
        );
    }
}

#[tokio::test]
async fn polls_that_fail_lose_no_segment() {
    for code in [403, 404, 500, 502, 503, 504] {
        play_under_faults(&[], vec![status(TRANSCRIPTS, code, 2)]).await;
    }
}

#[tokio::test]
async fn a_revoked_token_costs_one_new_one() {
    let revoke = FaultRule::new(TRANSCRIPTS, Fault::RevokeTokens)
        .after(3)
        .times(1);
    let fixture = play_under_faults(&[], vec![revoke]).await;
    assert_eq!(fixture.simulator().requests("POST", "/oauth/token"), 2);
}

#[tokio::test]
async fn a_429_is_waited_out_for_every_call() {
    let limited = FaultRule::new(TRANSCRIPTS, Fault::Status(429, RetryAfter::Seconds(1))).times(1);
    play_under_faults(&[], vec![limited]).await;
    // The wait is longer than the client waits within one call, so the poller pauses.
    let limited = FaultRule::new(TRANSCRIPTS, Fault::Status(429, RetryAfter::Seconds(4))).times(1);
    let fixture = play_under_faults(&[], vec![limited]).await;
    assert_eq!(
        fixture
            .simulator()
            .world()
            .traffic
            .statuses("GET", TRANSCRIPTS)[&429],
        1
    );
}

#[tokio::test]
async fn lost_answers_and_broken_ones_double_nothing() {
    for fault in [Fault::LoseAnswer, Fault::Truncate, Fault::Drop] {
        let faults = [TRANSCRIPTS, ATTRIBUTES, SUGGESTIONS]
            .map(|path| FaultRule::new(path, fault.clone()).times(2));
        play_under_faults(&[], faults.to_vec()).await;
    }
    for fault in [Fault::MalformedJson, Fault::WrongContent] {
        play_under_faults(&[], vec![FaultRule::new(TRANSCRIPTS, fault).times(2)]).await;
    }
}

#[tokio::test]
async fn a_suggestion_that_is_refused_for_good_is_given_up() {
    let fixture = PollerFixture::start(vec![declining_call("call-1")]).await;
    fixture.simulator().fault(FaultRule::new(
        SUGGESTIONS,
        Fault::Status(422, RetryAfter::Absent),
    ));
    fixture.register("call-1").await;
    let run = fixture.start_poller("a");
    fixture
        .wait_until("the call is scored", |fixture| {
            fixture.is_caught_up("call-1")
        })
        .await;
    testkit::eventually_async("the suggestion is given up", async || {
        let suggestions = fixture.view("call-1").await.suggestions;
        suggestions
            .first()
            .is_some_and(|suggestion| suggestion.status == "refused")
    })
    .await;
    run.finish().await;
    let suggestions = fixture.view("call-1").await.suggestions.len() as u64;
    let tries = fixture.simulator().requests("POST", SUGGESTIONS);
    assert!(
        (5..=5 * suggestions).contains(&tries),
        "{tries} tries of {suggestions} suggestions, at most 5 each"
    );
    let sent = fixture.attributes("call-1");
    assert!(
        sent.get("realtime_sentiment_score")
            .is_some_and(Value::is_string),
        "the attributes were not sent"
    );
}

#[tokio::test]
async fn random_faults_everywhere_change_nothing_in_the_end() {
    let everywhere = |fault: Fault, probability| {
        [TRANSCRIPTS, ATTRIBUTES, SUGGESTIONS].map(|path| {
            FaultRule::new(path, fault.clone())
                .probability(probability)
                .times(6)
        })
    };
    let mut faults = Vec::new();
    faults.extend(everywhere(Fault::LoseAnswer, 0.1));
    faults.extend(everywhere(Fault::Drop, 0.1));
    faults.extend(everywhere(Fault::Status(500, RetryAfter::Absent), 0.1));
    faults.extend(everywhere(Fault::Delay(Duration::from_millis(300)), 0.3));
    play_under_faults(&[], faults).await;
}
