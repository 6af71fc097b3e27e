//! Tests with a hundred calls, and of what a segment costs in DynamoDB.

use cxone_simulator::live::{Call, Line};
use store::state::{DynamoState, State};

use super::fixture::PollerFixture;

/// Returns a call in which somebody says something every three seconds, from `offset_ms` on.
fn steady(id: &str, offset_ms: i64, lines: i64) -> Call {
    let line = |n: i64| {
        let who = if n % 2 == 0 { "customer" } else { "agent" };
        Line {
            duration_ms: 2000,
            ..Line::said(
                who,
                offset_ms + n * 3000,
                &format!("I would like to know more about item {n}"),
            )
        }
    };
    Call::new(id, (0..lines).map(line).collect())
}

#[tokio::test]
async fn of_a_hundred_calls_a_segment_reaches_the_attributes_within_two_and_a_half_seconds() {
    let calls: Vec<Call> = (0..100)
        .map(|n| steady(&format!("call-{n}"), 1000 + n * 30, 4))
        .collect();
    let fixture =
        PollerFixture::start_with(&[("POLL_IDLE_MS", "1000"), ("LEASE_SECONDS", "15")], calls)
            .await;
    for n in 0..100 {
        fixture.register(&format!("call-{n}")).await;
    }
    let run = fixture.start_poller("a");
    fixture
        .wait_until("all 400 segments have reached the attributes", |fixture| {
            fixture.simulator().world().live.lag().segments == 400
        })
        .await;
    let summary = run.finish().await;
    assert_eq!(
        (summary.calls, summary.segments, summary.failures),
        (100, 400, 0)
    );
    let lag = fixture.simulator().world().live.lag();
    assert!(lag.p95_ms <= 2500, "{lag:?}");
}

#[tokio::test]
async fn a_segment_costs_one_write_of_the_state_and_no_read() {
    let aws = store::aws::load_config(Some(&dev_stack::aws().endpoint_url)).await;
    let table = DynamoState::new(&aws, dev_stack::unique("poller"));
    table.create_table().await.unwrap();
    // The call has lasted for half an hour already; then twenty segments come one by one.
    let mut call = steady("call-1", -1_800_000, 600);
    call.lines.extend((0..20).map(|n| Line {
        duration_ms: 100,
        ..Line::said("customer", 2000 + n * 300, "It is fine")
    }));
    let variables = [("POLL_RELIST_MS", "60000"), ("LEASE_SECONDS", "60")];
    let fixture =
        PollerFixture::start_on(State::Dynamo(table.clone()), &variables, vec![call]).await;
    fixture.register("call-1").await;
    let run = fixture.start_poller("a");
    fixture
        .wait_until("the first 600 segments are scored", |fixture| {
            fixture.scored_ids("call-1").len() >= 600
        })
        .await;
    let capacity = || {
        (
            table.capacity().read_units(),
            table.capacity().write_units(),
        )
    };
    let (reads, writes) = capacity();
    let before = fixture.batches("call-1").len();
    fixture
        .wait_until("the last 20 segments are scored", |fixture| {
            fixture.is_caught_up("call-1")
        })
        .await;
    let batches = (fixture.batches("call-1").len() - before) as u64;
    let (reads, writes) = (capacity().0 - reads, capacity().1 - writes);
    run.finish().await;
    println!(
        "{batches} batches of {} segments: {reads} read units, {writes} write units",
        fixture.scored_ids("call-1").len() - 600
    );
    assert_eq!(reads, 0, "a segment is not paid for by reading");
    // A hundred remembered segments are 2 KB, two write units, and the row of the board is one more. A suggestion may add the
    // write of its answer.
    assert!(
        writes <= (batches + 2) * 5,
        "{writes} write units for {batches} batches"
    );
}
