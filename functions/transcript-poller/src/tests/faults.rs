//! What the contact centre may do to a poller, and what must come of it all the same.

use std::collections::BTreeSet;
use std::time::Duration;

use cxone_simulator::{Fault, FaultRule, RetryAfter};
use serde_json::Value;

use super::home::{Home, bad_call};

const TRANSCRIPTS: &str = "/api/v2/interactions/*/transcripts";
const ATTRIBUTES: &str = "/api/v2/interactions/*/attributes";
const SUGGESTIONS: &str = "/api/v2/agentassist/suggestions";

/// Plays the call that turns bad under faults, and says what came of it: every segment scored once, the newest
/// attributes at the contact centre, one suggestion.
async fn play(variables: &[(&str, &str)], faults: Vec<FaultRule>) -> Home {
    let home = Home::with(variables, vec![bad_call("call-1")]).await;
    faults
        .into_iter()
        .for_each(|fault| home.simulator.fault(fault));
    home.register("call-1").await;
    let run = home.start("a");
    home.until(|home| home.caught_up("call-1") && home.suggestions("call-1").len() == 1)
        .await;
    run.finish().await;
    let scored = home.scored("call-1");
    assert_eq!(
        scored.iter().collect::<BTreeSet<_>>().len(),
        scored.len(),
        "a segment was scored twice"
    );
    assert_eq!(home.suggestions("call-1").len(), 1);
    home
}

fn status(path: &str, status: u16, times: u64) -> FaultRule {
    FaultRule::new(path, Fault::Status(status, RetryAfter::Absent)).times(times)
}

#[tokio::test]
async fn attributes_and_suggestions_that_fail_are_sent_again_from_stored_intent() {
    for code in [403, 404, 500, 503] {
        let faults = vec![status(ATTRIBUTES, code, 2), status(SUGGESTIONS, code, 2)];
        let home = play(&[], faults).await;
        let keys: BTreeSet<_> = home
            .suggestions("call-1")
            .iter()
            .map(|s| s.key.clone())
            .collect();
        assert_eq!(keys.len(), 1, "{code}");
        assert!(home.simulator.requests("POST", SUGGESTIONS) >= 3, "{code}");
    }
}

#[tokio::test]
async fn polls_that_fail_lose_no_segment() {
    for code in [403, 404, 500, 502, 503, 504] {
        play(&[], vec![status(TRANSCRIPTS, code, 2)]).await;
    }
}

#[tokio::test]
async fn a_revoked_token_costs_one_new_one() {
    let revoke = FaultRule::new(TRANSCRIPTS, Fault::RevokeTokens)
        .after(3)
        .times(1);
    let home = play(&[], vec![revoke]).await;
    assert_eq!(home.simulator.requests("POST", "/oauth/token"), 2);
}

#[tokio::test]
async fn a_429_is_waited_out_for_every_call() {
    let limited = FaultRule::new(TRANSCRIPTS, Fault::Status(429, RetryAfter::Seconds(1))).times(1);
    play(&[], vec![limited]).await;
    // Longer than the client waits within one call: the poller pauses.
    let limited = FaultRule::new(TRANSCRIPTS, Fault::Status(429, RetryAfter::Seconds(4))).times(1);
    let home = play(&[], vec![limited]).await;
    assert_eq!(
        home.simulator.world().traffic.statuses("GET", TRANSCRIPTS)[&429],
        1
    );
}

#[tokio::test]
async fn lost_answers_and_broken_ones_double_nothing() {
    for fault in [Fault::LoseAnswer, Fault::Truncate, Fault::Drop] {
        let faults = [TRANSCRIPTS, ATTRIBUTES, SUGGESTIONS]
            .map(|path| FaultRule::new(path, fault.clone()).times(2));
        play(&[], faults.to_vec()).await;
    }
    for fault in [Fault::MalformedJson, Fault::WrongContent] {
        play(&[], vec![FaultRule::new(TRANSCRIPTS, fault).times(2)]).await;
    }
}

#[tokio::test]
async fn a_suggestion_that_is_refused_for_good_is_given_up() {
    let home = Home::new(vec![bad_call("call-1")]).await;
    home.simulator.fault(FaultRule::new(
        SUGGESTIONS,
        Fault::Status(422, RetryAfter::Absent),
    ));
    home.register("call-1").await;
    let run = home.start("a");
    home.until(|home| home.caught_up("call-1")).await;
    let refused = async {
        while home
            .view("call-1")
            .await
            .suggestions
            .first()
            .is_none_or(|s| s.status != "refused")
        {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    };
    tokio::time::timeout(super::PATIENCE, refused)
        .await
        .expect("given up");
    run.finish().await;
    let suggestions = home.view("call-1").await.suggestions.len() as u64;
    let tries = home.simulator.requests("POST", SUGGESTIONS);
    assert!(
        (5..=5 * suggestions).contains(&tries),
        "{tries} tries of {suggestions} suggestions, at most 5 each"
    );
    let sent = home.attributes("call-1");
    assert!(
        sent.get("realtime_sentiment_score")
            .is_some_and(Value::is_string),
        "the rest went on"
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
    play(&[], faults).await;
}
