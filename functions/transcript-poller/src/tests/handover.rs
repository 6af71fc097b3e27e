//! Tests with several processes: at the same time, one after the other, and one that dies.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::{Duration, Instant};

use runtime::lambda::Invocation;
use tokio::net::TcpListener;
use tokio::sync::mpsc;

use super::fixture::{PollerFixture, declining_call};
use crate::{Deps, FanOut, Trigger, handle};

fn assert_scored_once(fixture: &PollerFixture, id: &str) {
    let scored = fixture.scored_ids(id);
    assert_eq!(scored.len(), fixture.simulator().world().live.lines(id));
    assert_eq!(scored.iter().collect::<BTreeSet<_>>().len(), scored.len());
}

#[tokio::test]
async fn two_pollers_at_once_score_everything_once() {
    let fixture = PollerFixture::start(
        (0..6)
            .map(|n| declining_call(&format!("call-{n}")))
            .collect(),
    )
    .await;
    for n in 0..6 {
        fixture.register(&format!("call-{n}")).await;
    }
    let runs = [fixture.start_poller("a"), fixture.start_poller("b")];
    fixture
        .wait_until("all six calls are scored", |fixture| {
            (0..6).all(|n| fixture.is_caught_up(&format!("call-{n}")))
        })
        .await;
    for run in runs {
        run.finish().await;
    }
    for n in 0..6 {
        assert_scored_once(&fixture, &format!("call-{n}"));
        assert_eq!(fixture.suggestions(&format!("call-{n}")).len(), 1);
    }
}

#[tokio::test]
async fn a_killed_poller_is_replaced_when_its_lease_runs_out() {
    let fixture = PollerFixture::start(vec![declining_call("call-1")]).await;
    fixture.register("call-1").await;
    let killed = fixture.start_poller("a");
    fixture
        .wait_until("a segment is scored", |fixture| {
            !fixture.scored_ids("call-1").is_empty()
        })
        .await;
    killed.kill();
    let began = Instant::now();
    let next = fixture.start_poller("b");
    fixture
        .wait_until("the second poller has scored the call", |fixture| {
            fixture.is_caught_up("call-1")
        })
        .await;
    assert!(began.elapsed() < Duration::from_secs(20));
    next.finish().await;
    assert_scored_once(&fixture, "call-1");
}

#[tokio::test]
async fn an_invocation_hands_over_before_its_deadline() {
    let fixture = PollerFixture::start_with(
        &[("POLL_HANDOVER_SECONDS", "5"), ("LEASE_SECONDS", "300")],
        vec![declining_call("call-1")],
    )
    .await;
    fixture.register("call-1").await;
    let deadline = Instant::now() + Duration::from_millis(5600);
    let first = Invocation {
        request_id: "first".into(),
        deadline,
    };
    let summary = handle(&fixture.deps().await, Trigger::default(), first)
        .await
        .unwrap();
    assert!(Instant::now() < deadline);
    assert_eq!(summary.calls, 1);
    // The lease would last five minutes, so the next poller gets the call only because the lease was given back.
    let next = fixture.start_poller("second");
    fixture
        .wait_until("the next invocation has scored the call", |fixture| {
            fixture.is_caught_up("call-1")
        })
        .await;
    next.finish().await;
    assert_scored_once(&fixture, "call-1");
}

#[tokio::test]
async fn a_schedule_starts_an_invocation_for_every_other_shard() {
    let fixture = PollerFixture::start_with(&[("POLL_SHARDS", "4")], Vec::new()).await;
    let (started, mut starts) = mpsc::unbounded_channel();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let endpoint = format!("http://{}", listener.local_addr().unwrap());
    let app = axum::Router::new().fallback(move |request: axum::extract::Request| {
        let started = started.clone();
        async move {
            let (parts, body) = request.into_parts();
            let kind = parts.headers["x-amz-invocation-type"]
                .to_str()
                .unwrap()
                .to_owned();
            let trigger: Trigger =
                serde_json::from_slice(&axum::body::to_bytes(body, 1024).await.unwrap()).unwrap();
            started
                .send((parts.uri.path().to_owned(), kind, trigger.shard.unwrap()))
                .unwrap();
            axum::http::StatusCode::ACCEPTED
        }
    });
    tokio::spawn(async move { axum::serve(listener, app).await });
    let aws = store::aws::load_config(Some(&endpoint)).await;
    let mut deps = Arc::into_inner(fixture.deps().await).unwrap();
    deps.fan_out = Some(FanOut::new(
        aws_sdk_lambda::Client::new(&aws),
        "transcript-poller",
    ));
    let deps: Arc<Deps> = Arc::new(deps);
    let soon = || Invocation {
        request_id: "x".into(),
        deadline: Instant::now(),
    };
    handle(&deps, Trigger::default(), soon()).await.unwrap();
    let mut shards = BTreeSet::new();
    for _ in 0..3 {
        let (path, kind, shard) = starts.recv().await.unwrap();
        assert_eq!(
            (path.as_str(), kind.as_str()),
            (
                "/2015-03-31/functions/transcript-poller/invocations",
                "Event"
            )
        );
        shards.insert(shard);
    }
    assert_eq!(shards, BTreeSet::from([1, 2, 3]));
    handle(&deps, Trigger { shard: Some(3) }, soon())
        .await
        .unwrap();
    assert!(
        starts.try_recv().is_err(),
        "a shard's own invocation starts no others"
    );
    let error = handle(&deps, Trigger { shard: Some(4) }, soon())
        .await
        .unwrap_err()
        .to_string();
    assert!(error.contains("POLL_SHARDS is 4"), "{error}");
}
