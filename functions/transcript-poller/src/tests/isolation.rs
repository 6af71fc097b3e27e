//! What fails alone: a fault of one thing must not be charged to another.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::Json;
use axum::http::StatusCode;
use axum::response::IntoResponse;
use cxone_simulator::live::{Call, Line};
use cxone_simulator::{Fault, FaultRule, RetryAfter};
use insights_http::CallLimits;
use insights_http::client::{IdleConnections, build_client};
use insights_http::secret::FixedSecret;
use jiff::Timestamp;
use sentiment::service::NlpClient;
use sentiment::{HttpProvider, Provider};
use serde_json::{Value, json};
use testkit::eventually_async;

use super::fixture::{PollerFixture, declining_call};

const TRANSCRIPTS: &str = "/api/v2/interactions/*/transcripts";
const ATTRIBUTES: &str = "/api/v2/interactions/*/attributes";
const SUGGESTIONS: &str = "/api/v2/agentassist/suggestions";

fn status(path: &str, status: u16) -> FaultRule {
    FaultRule::new(path, Fault::Status(status, RetryAfter::Absent))
}

/// Returns a call that turns bad, and goes on with a segment each 200 ms for four seconds.
fn long_declining_call(id: &str) -> Call {
    let mut call = declining_call(id);
    call.lines.extend((0..20).map(|n| Line {
        duration_ms: 100,
        final_after_ms: 50,
        ..Line::said(
            "customer",
            1500 + 200 * n,
            &format!("It is useless, number {n}"),
        )
    }));
    call
}

#[tokio::test]
async fn suggestions_that_cannot_be_sent_delay_no_segment() {
    let faults = [
        status(SUGGESTIONS, 503),
        status(SUGGESTIONS, 403),
        FaultRule::new(SUGGESTIONS, Fault::Delay(Duration::from_secs(60))),
    ];
    for fault in faults {
        let fixture = PollerFixture::start(vec![long_declining_call("call-1")]).await;
        fixture.simulator().fault(fault.clone());
        fixture.register("call-1").await;
        let run = fixture.start_poller("a");
        fixture
            .wait_until("all segments are scored and shown", |fixture| {
                fixture.is_caught_up("call-1")
            })
            .await;
        let lag = fixture.simulator().world().live.lag();
        run.finish().await;
        let polls = fixture.simulator().requests("GET", TRANSCRIPTS);
        assert!(
            polls >= 20,
            "{fault:?}: {polls} polls in four seconds, {lag:?}"
        );
        let batches = fixture.batches("call-1").len();
        assert!(
            batches >= 10,
            "{fault:?}: segments came in {batches} batches"
        );
    }
}

#[tokio::test]
async fn attributes_that_cannot_be_sent_delay_neither_segments_nor_suggestions() {
    for fault in [
        status(ATTRIBUTES, 503),
        FaultRule::new(ATTRIBUTES, Fault::Delay(Duration::from_secs(60))),
    ] {
        let fixture = PollerFixture::start(vec![long_declining_call("call-1")]).await;
        fixture.simulator().fault(fault.clone());
        fixture.register("call-1").await;
        let run = fixture.start_poller("a");
        let total = fixture.simulator().world().live.lines("call-1");
        fixture
            .wait_until(
                "all segments are scored, and a suggestion is sent",
                |fixture| {
                    fixture.scored_ids("call-1").len() == total
                        && !fixture.suggestions("call-1").is_empty()
                },
            )
            .await;
        let batches = fixture.batches("call-1").len();
        assert!(
            batches >= 10,
            "{fault:?}: segments came in {batches} batches"
        );
        fixture.simulator().world().faults.clear();
        fixture
            .wait_until("the newest attributes arrive after the outage", |fixture| {
                fixture.is_caught_up("call-1")
            })
            .await;
        run.finish().await;
    }
}

#[tokio::test]
async fn a_forbidden_suggestion_is_given_up_and_warned_of_once() {
    let logs = testkit::CapturedLogs::install(tracing::Level::WARN);
    let id = "call-forbidden";
    let fixture = PollerFixture::start(vec![long_declining_call(id)]).await;
    fixture.simulator().fault(status(SUGGESTIONS, 403));
    fixture.register(id).await;
    let run = fixture.start_poller("a");
    eventually_async("the suggestion is given up", async || {
        let suggestions = fixture.view(id).await.suggestions;
        suggestions
            .first()
            .is_some_and(|suggestion| suggestion.status == "refused")
    })
    .await;
    fixture
        .wait_until("the call is scored", |fixture| fixture.is_caught_up(id))
        .await;
    run.finish().await;
    let logged = logs.text();
    let warnings: Vec<&str> = logged
        .lines()
        .filter(|line| line.contains(id) && line.contains("suggestion"))
        .collect();
    assert_eq!(warnings.len(), 1, "{warnings:?}");
    assert!(warnings[0].contains("agentassist:write"), "{warnings:?}");
}

/// Starts a sentiment service that refuses some texts, fails on others and scores the rest.
async fn start_picky_service() -> Provider {
    async fn score(Json(request): Json<Value>) -> axum::response::Response {
        let text = request["text"].as_str().unwrap_or_default();
        if text.contains("REFUSE") {
            return StatusCode::UNPROCESSABLE_ENTITY.into_response();
        }
        if text.contains("BREAK") {
            return StatusCode::INTERNAL_SERVER_ERROR.into_response();
        }
        if text.contains("SCALE") {
            return Json(json!({"score": 77, "emotions": []})).into_response();
        }
        Json(json!({"score": 0.25, "emotions": []})).into_response()
    }
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/v1/sentiment", listener.local_addr().unwrap());
    let app = axum::Router::new().fallback(score);
    tokio::spawn(async move { axum::serve(listener, app).await });
    let limits = CallLimits {
        // Each text has one attempt, so that the broken one does not open the breaker between the others.
        retry: insights_http::retry::RetryPolicy::SINGLE_ATTEMPT,
        // On a machine under load an ordinary text must not count as one that the service fails on.
        attempt_timeout: Duration::from_secs(30),
        ..testkit::quick_limits()
    };
    let client = NlpClient::new(
        build_client(IdleConnections::Close).unwrap(),
        &url,
        Arc::new(FixedSecret("key".into())),
        limits,
    );
    Provider::Http(Box::new(HttpProvider::new(client.unwrap())))
}

#[tokio::test]
async fn segments_that_cannot_be_scored_stop_neither_their_batch_nor_their_call() {
    let mut lines: Vec<Line> = (0..20)
        .map(|n| Line::said("customer", n * 1000 - 30_000, &format!("line {n}")))
        .collect();
    lines[3].text = "REFUSE this one".to_owned();
    lines[7].text = "BREAK on this one".to_owned();
    lines[11].text = "SCALE of another service".to_owned();
    // The text that the service fails on is blamed only while others are scored, so that more is said until it is given up,
    // however slowly that goes.
    let turns = testkit::WAIT_TIMEOUT.as_millis() as i64 / 200;
    lines.extend((0..turns).map(|n| Line {
        duration_ms: 100,
        ..Line::said("agent", 500 + n * 200, &format!("later {n}"))
    }));
    let fixture = PollerFixture::start(vec![Call::new("call-1", lines)])
        .await
        .with_provider(start_picky_service().await);
    fixture.register("call-1").await;
    let run = fixture.start_poller("a");
    eventually_async("3 segments are given up", async || {
        fixture.state("call-1").await.unscored_count() == 3
    })
    .await;
    run.finish().await;
    let scored = fixture.scored_ids("call-1");
    assert!(scored.len() > 17, "the call went on: {}", scored.len());
    assert_eq!(scored.iter().collect::<BTreeSet<_>>().len(), scored.len());
    assert_eq!(fixture.state("call-1").await.unscored_count(), 3);
    assert_eq!(fixture.view("call-1").await.average, 0.25);
}

#[tokio::test]
async fn a_segment_with_a_wrong_clock_does_not_end_the_scoring_of_its_call() {
    let fixture = PollerFixture::start(vec![long_declining_call("call-1")]).await;
    let hours_ahead = Timestamp::now().as_millisecond() + 2 * 3_600_000;
    let odd = json!([
        {"text": "I am in another zone", "startTime": hours_ahead, "endTime": hours_ahead + 900,
            "direction": "agent", "isFinal": true},
        {"text": "Backwards", "startTime": hours_ahead - 7_200_000, "endTime": hours_ahead - 7_230_000,
            "direction": "agent", "isFinal": true},
    ]);
    fixture
        .simulator()
        .fault(FaultRule::new(TRANSCRIPTS, Fault::Answer(200, odd)).times(3));
    fixture.register("call-1").await;
    let run = fixture.start_poller("a");
    let total = fixture.simulator().world().live.lines("call-1") + 2;
    fixture
        .wait_until("the odd segments and all others are scored", |fixture| {
            fixture.scored_ids("call-1").len() == total
        })
        .await;
    run.finish().await;
    let scored = fixture.scored_ids("call-1");
    assert_eq!(scored.iter().collect::<BTreeSet<_>>().len(), total);
}

#[tokio::test]
async fn a_429_pauses_all_polls_at_the_first_refusal() {
    for retry_after in [
        RetryAfter::Absent,
        RetryAfter::Seconds(0),
        RetryAfter::DateIn(-60),
    ] {
        let settings = [("POLL_RATE_PER_SECOND", "20")];
        let ids: Vec<String> = (0..20).map(|n| format!("call-{n}")).collect();
        let fixture = PollerFixture::start_with(&settings, Vec::new()).await;
        fixture
            .simulator()
            .fault(FaultRule::new(TRANSCRIPTS, Fault::Status(429, retry_after)));
        for id in &ids {
            fixture.register(id).await;
        }
        let began = Instant::now();
        let run = fixture.start_poller("a");
        tokio::time::sleep(Duration::from_secs(3)).await;
        run.finish().await;
        let polls = fixture.simulator().requests("GET", TRANSCRIPTS);
        assert!(
            (1..=15).contains(&polls),
            "{retry_after:?}: {polls} polls in {:?}",
            began.elapsed()
        );
    }
}

#[tokio::test]
async fn the_lease_is_kept_while_all_polls_are_paused() {
    let fixture = PollerFixture::start(vec![declining_call("call-1")]).await;
    fixture
        .simulator()
        .fault(FaultRule::new(TRANSCRIPTS, Fault::Status(429, RetryAfter::Seconds(7))).times(1));
    fixture.register("call-1").await;
    let run = fixture.start_poller("a");
    fixture
        .wait_until("the contact center has asked for a pause", |fixture| {
            fixture.simulator().requests("GET", TRANSCRIPTS) == 1
        })
        .await;
    // Longer than the lease of three seconds, and shorter than the pause.
    tokio::time::sleep(Duration::from_secs(5)).await;
    let state = fixture.state("call-1").await;
    let lease = state.lease(Timestamp::now());
    assert!(
        lease.is_some_and(|lease| lease.holder.starts_with("a/")),
        "{lease:?}"
    );
    fixture
        .wait_until("the call is scored after the pause", |fixture| {
            fixture.is_caught_up("call-1")
        })
        .await;
    run.finish().await;
}

#[tokio::test]
async fn two_runs_of_one_name_do_not_share_a_lease() {
    let fixture = PollerFixture::start(vec![declining_call("call-1")]).await;
    fixture.register("call-1").await;
    let mut holders = BTreeSet::new();
    for _ in 0..2 {
        let run = fixture.start_poller("the-same-request");
        eventually_async("the run holds the lease", async || {
            let state = fixture.state("call-1").await;
            let lease = state.lease(Timestamp::now()).cloned();
            lease.is_some_and(|lease| holders.insert(lease.holder))
        })
        .await;
        run.finish().await;
    }
    assert_eq!(holders.len(), 2, "{holders:?}");
    assert!(
        holders
            .iter()
            .all(|name| name.starts_with("the-same-request/"))
    );
}

#[tokio::test]
async fn a_call_that_may_not_be_read_does_not_stop_the_others() {
    let calls = ["call-1", "call-2"].map(long_declining_call).to_vec();
    let fixture = PollerFixture::start(calls).await;
    fixture
        .simulator()
        .fault(status("/api/v2/interactions/call-1/transcripts", 403));
    for id in ["call-1", "call-2"] {
        fixture.register(id).await;
    }
    let run = fixture.start_poller("a");
    fixture
        .wait_until("the other call is scored", |fixture| {
            fixture.is_caught_up("call-2")
        })
        .await;
    let batches = fixture.batches("call-2").len();
    assert!(batches >= 10, "segments came in {batches} batches");
    fixture.simulator().world().faults.clear();
    fixture
        .wait_until("the call is scored when it may be read", |fixture| {
            fixture.is_caught_up("call-1")
        })
        .await;
    run.finish().await;
}
