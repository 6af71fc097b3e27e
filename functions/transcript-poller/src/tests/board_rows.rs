//! The rows of live calls on the board of supervisors.

use backends::board::Board;
use insights_core::board::{BoardRow, ConversationKind};
use jiff::Timestamp;
use store::state::State;
use testkit::eventually_async;

use super::fixture::{PollerFixture, declining_call};

/// Returns the row of a call as a board reads it.
async fn row(board: &Board<State>, id: &str) -> Option<BoardRow> {
    let row = board.row(id, ConversationKind::Call, Timestamp::now());
    row.await.unwrap()
}

#[tokio::test]
async fn a_call_has_a_row_with_its_alert_until_it_ends() {
    let fixture = PollerFixture::start(vec![declining_call("call-1")]).await;
    let board = fixture.board();
    fixture.register("call-1").await;
    let run = fixture.start_poller("a");
    eventually_async("the row shows the alert", async || {
        row(&board, "call-1")
            .await
            .is_some_and(|row| row.alert.is_some())
    })
    .await;
    fixture
        .wait_until("the call is caught up", |fixture| {
            fixture.is_caught_up("call-1")
        })
        .await;
    eventually_async("the row shows the newest words", async || {
        let row = row(&board, "call-1").await.unwrap();
        row.last_line.contains("completely useless") && row.points.len() > 1
    })
    .await;
    let shown = row(&board, "call-1").await.unwrap();
    assert_eq!(shown.fired, ["customer-average"]);
    assert_eq!(shown.spoken.0.coverage(), Some(1.0));
    let model = shown.alert.unwrap().model.unwrap();
    assert_eq!(model.len(), 12, "{model}");
    let now = Timestamp::now();
    assert!(fixture.calls.stop("call-1", now).await.unwrap());
    eventually_async("the row of the ended call is gone", async || {
        row(&board, "call-1").await.is_none()
    })
    .await;
    run.finish().await;
}
