//! Tests of the poller with the simulated contact center, a real state store and the shipped model.

mod board_rows;
mod faults;
mod fixture;
mod handover;
mod isolation;
mod metrics;
mod rules;
mod scale;
mod tenant;
mod voice;

use std::collections::BTreeSet;

use cxone_simulator::live::{Call, Line};
use cxone_simulator::{Fault, FaultRule, RetryAfter};
use insights_core::live::Trend;

use fixture::{PollerFixture, declining_call};

#[tokio::test]
async fn a_call_that_turns_bad_is_seen_with_its_trend_and_its_suggestion() {
    let fixture = PollerFixture::start(vec![declining_call("call-1")]).await;
    fixture.register("call-1").await;
    let run = fixture.start_poller("a");
    fixture
        .wait_until(
            "the declining call is scored and has its suggestion",
            |fixture| fixture.suggestions("call-1").len() == 1 && fixture.is_caught_up("call-1"),
        )
        .await;
    run.finish().await;
    let attributes = fixture.attributes("call-1");
    let average: f64 = attributes["realtime_sentiment_score"]
        .as_str()
        .unwrap()
        .parse()
        .unwrap();
    assert!(average < 0.5, "{attributes:?}");
    assert!(
        attributes.contains_key("customer_sentiment_score")
            && attributes.contains_key("agent_sentiment_trend")
    );
    let view = fixture.view("call-1").await;
    assert_eq!(view.suggestions.len(), 1);
    assert_eq!((view.suggestions[0].status, view.status), ("sent", "live"));
    assert_eq!(
        view.suggestions[0].id.as_ref(),
        Some(&fixture.suggestions("call-1")[0].id)
    );
    assert_eq!(
        fixture.suggestions("call-1")[0].key.as_ref(),
        Some(&view.suggestions[0].idempotency_key)
    );
    let batches = fixture.batches("call-1");
    assert_eq!(
        batches
            .iter()
            .filter(|batch| batch.suggestion.is_some())
            .count(),
        1
    );
    assert!(batches.iter().any(|batch| {
        batch
            .sentiment
            .customer
            .is_some_and(|r| r.trend == Trend::Declining)
    }));
}

#[tokio::test]
async fn repeats_late_segments_and_partials_count_once_or_never() {
    let mut lines: Vec<Line> = (0..20)
        .map(|n| Line::said("customer", n * 200 - 3000, &format!("line {n}")))
        .collect();
    for (place, line) in lines.iter_mut().enumerate() {
        line.duration_ms = 150;
        line.repeats = place % 3 == 0;
        // Every fifth becomes final two seconds after its successors.
        line.final_after_ms = if place % 5 == 4 { 2500 } else { 100 };
    }
    let fixture = PollerFixture::start_with(
        &[("LATE_SWEEP_MS", "500")],
        vec![Call::new("call-1", lines)],
    )
    .await;
    fixture.register("call-1").await;
    let run = fixture.start_poller("a");
    fixture
        .wait_until("all 20 segments are final and scored", |fixture| {
            fixture.final_count("call-1") == 20 && fixture.scored_ids("call-1").len() >= 20
        })
        .await;
    run.finish().await;
    let scored = fixture.scored_ids("call-1");
    assert_eq!(
        (scored.len(), scored.iter().collect::<BTreeSet<_>>().len()),
        (20, 20)
    );
    assert_eq!(fixture.view("call-1").await.customer.segments, 20);
}

#[tokio::test]
async fn a_removed_call_is_left_alone_and_leaves_the_list() {
    let fixture = PollerFixture::start(vec![declining_call("call-1")]).await;
    fixture.register("call-1").await;
    let run = fixture.start_poller("a");
    fixture
        .wait_until("a segment is scored", |fixture| {
            !fixture.scored_ids("call-1").is_empty()
        })
        .await;
    fixture
        .calls
        .stop("call-1", jiff::Timestamp::now())
        .await
        .unwrap();
    fixture.wait_until_listed(0).await;
    assert_eq!(fixture.view("call-1").await.status, "stopped");
    fixture.register("call-1").await;
    fixture
        .wait_until(
            "the call is scored after its second registration",
            |fixture| fixture.is_caught_up("call-1"),
        )
        .await;
    run.finish().await;
    let scored = fixture.scored_ids("call-1");
    assert_eq!(
        scored.iter().collect::<BTreeSet<_>>().len(),
        scored.len(),
        "nothing was scored twice"
    );
}

#[tokio::test]
async fn silence_ends_a_call() {
    let fixture = PollerFixture::start_with(&[("SILENCE_END_SECONDS", "10")], Vec::new()).await;
    // The call was registered an hour ago, nothing was said since, and nobody has listened so far.
    let then = jiff::Timestamp::now() - jiff::SignedDuration::from_secs(3600);
    fixture.calls.register("call-1", then).await.unwrap();
    let began = std::time::Instant::now();
    let run = fixture.start_poller("a");
    fixture.wait_until_listed(0).await;
    assert!(
        began.elapsed() >= std::time::Duration::from_secs(10),
        "the call was listened to for {:?}",
        began.elapsed()
    );
    run.finish().await;
    assert_eq!(fixture.view("call-1").await.status, "silence");
}

#[tokio::test]
async fn a_call_that_could_not_be_read_is_read_when_the_contact_center_is_back() {
    let fixture = PollerFixture::start_with(&[("SILENCE_END_SECONDS", "10")], Vec::new()).await;
    fixture.simulator().fault(FaultRule::new(
        "/api/v2/interactions/*/transcripts",
        Fault::Status(503, RetryAfter::Absent),
    ));
    // For the poller, the call has been silent for much longer than a call may be.
    let then = jiff::Timestamp::now() - jiff::SignedDuration::from_secs(3600);
    fixture.calls.register("call-1", then).await.unwrap();
    let run = fixture.start_poller("a");
    fixture
        .wait_until("several polls have failed", |fixture| {
            let polls = "/api/v2/interactions/*/transcripts";
            fixture.simulator().requests("GET", polls) >= 4
        })
        .await;
    let world = fixture.simulator().world();
    world.faults.clear();
    world.live.begin(declining_call("call-1"));
    fixture
        .wait_until("everything that was said is scored", |fixture| {
            fixture.is_caught_up("call-1")
        })
        .await;
    run.finish().await;
    assert_eq!(fixture.view("call-1").await.status, "live");
}

#[tokio::test]
async fn chosen_calls_are_followed_without_being_listed() {
    let fixture = PollerFixture::start(vec![declining_call("call-1")]).await;
    let run = fixture.start_poller_for("a", &["call-1"]);
    fixture
        .wait_until("the chosen call is scored", |fixture| {
            fixture.is_caught_up("call-1")
        })
        .await;
    run.finish().await;
    assert_eq!(fixture.listed_calls().await, 0);
}

#[tokio::test]
async fn text_that_is_empty_is_neutral_and_long_text_is_cut_by_the_model() {
    let long = "I am very happy with this. ".repeat(400);
    let lines = vec![
        Line::said("customer", -9000, " "),
        Line::said("agent", -6000, &long),
    ];
    let fixture = PollerFixture::start(vec![Call::new("call-1", lines)]).await;
    fixture.register("call-1").await;
    let run = fixture.start_poller("a");
    fixture
        .wait_until("both segments are scored", |fixture| {
            fixture.scored_ids("call-1").len() == 2
        })
        .await;
    run.finish().await;
    let view = fixture.view("call-1").await;
    assert_eq!(view.customer.average, 0.5);
    assert!(view.agent.average > 0.7, "{}", view.agent.average);
}

#[test]
fn every_event_of_the_function_is_read() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../../events");
    let read = |name: &str| -> crate::Trigger {
        serde_json::from_slice(&std::fs::read(format!("{folder}/{name}")).unwrap()).unwrap()
    };
    assert_eq!(read("transcript-poller-schedule.json").shard, None);
    assert_eq!(read("transcript-poller-shard.json").shard, Some(0));
}
