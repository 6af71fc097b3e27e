//! The metrics that the alarms look at.

use std::time::Duration;

use cxone_simulator::{Fault, FaultRule, RetryAfter};
use testkit::CapturedMetrics;

use super::fixture::{PollerFixture, declining_call};

const TRANSCRIPTS: &str = "/api/v2/interactions/*/transcripts";
const ATTRIBUTES: &str = "/api/v2/interactions/*/attributes";
const SUGGESTIONS: &str = "/api/v2/agentassist/suggestions";

#[tokio::test]
async fn each_poll_is_a_round_and_a_failed_one_an_error_too() {
    let metrics = CapturedMetrics::default();
    let _capturing = metrics.capture_here();
    let fixture = PollerFixture::start(vec![declining_call("call-1")]).await;
    let unavailable = Fault::Status(503, RetryAfter::Absent);
    let fault = FaultRule::new(TRANSCRIPTS, unavailable).times(2);
    fixture.simulator().fault(fault);
    fixture.register("call-1").await;
    let run = fixture.start_poller("a");
    fixture
        .wait_until("the call is scored", |fixture| {
            fixture.is_caught_up("call-1")
        })
        .await;
    run.finish().await;
    let rounds = metrics.total("poll_rounds");
    let path = "/api/v2/interactions/call-1/transcripts";
    let requests = fixture.simulator().requests("GET", path) as f64;
    // The end of the run may cut off the last one.
    assert!((requests..=requests + 1.0).contains(&rounds), "{rounds}");
    assert_eq!(metrics.total("poll_errors"), 2.0);
    assert!(rounds > 2.0, "{rounds}");
    assert_eq!(metrics.total("send_errors"), 0.0);
    assert_eq!(metrics.total("segments_unscored"), 0.0);
}

#[tokio::test]
async fn the_lag_ends_when_the_contact_center_has_taken_the_scores() {
    let metrics = CapturedMetrics::default();
    let _capturing = metrics.capture_here();
    let fixture = PollerFixture::start(vec![declining_call("call-1")]).await;
    let delay = Duration::from_millis(1500);
    fixture
        .simulator()
        .fault(FaultRule::new(ATTRIBUTES, Fault::Delay(delay)));
    fixture.register("call-1").await;
    let run = fixture.start_poller("a");
    fixture
        .wait_until("the call is scored", |fixture| {
            fixture.is_caught_up("call-1")
        })
        .await;
    run.finish().await;
    let lags = metrics.values("poller_lag_ms");
    assert!(!lags.is_empty());
    assert!(lags.iter().all(|lag| *lag >= 1500.0), "{lags:?}");
}

#[tokio::test]
async fn what_cannot_be_sent_is_counted_apart_from_what_is_given_up() {
    let metrics = CapturedMetrics::default();
    let _capturing = metrics.capture_here();
    let fixture = PollerFixture::start(vec![declining_call("call-1")]).await;
    let refused = Fault::Status(422, RetryAfter::Absent);
    fixture
        .simulator()
        .fault(FaultRule::new(SUGGESTIONS, refused));
    fixture.register("call-1").await;
    let run = fixture.start_poller("a");
    testkit::eventually("a suggestion is given up", || {
        metrics.total("sends_refused") >= 1.0
    })
    .await;
    run.finish().await;
    assert!(metrics.total("send_errors") >= metrics.total("sends_refused"));
    assert_eq!(metrics.total("poll_errors"), 0.0);
    assert_eq!(metrics.total("suggestions_sent"), 0.0);
}
