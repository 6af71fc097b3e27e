//! The rows of chats on the board of supervisors.

#![expect(clippy::unwrap_used, reason = "helpers of tests may unwrap")]

use backends::board::Board;
use cxone_simulator::Scenario;
use insights_core::board::{BoardRow, ConversationKind, Severity};
use jiff::Timestamp;
use store::state::State;
use tempfile::TempDir;
use testkit::eventually_async;

use crate::fixture::{AGENT, SessionFixture};

async fn row(board: &Board<State>, id: &str) -> Option<BoardRow> {
    let row = board.row(id, ConversationKind::Chat, Timestamp::now());
    row.await.unwrap()
}

/// Sessions that read a rule file, and the board that they write to.
struct RulesOnBoard {
    folder: TempDir,
    fixture: SessionFixture,
    board: Board<State>,
}

impl RulesOnBoard {
    async fn new(rules: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("rules.toml");
        std::fs::write(&path, rules).unwrap();
        let settings = [("RULES_FILE", path.to_str().unwrap())];
        let fixture = SessionFixture::new(Scenario::default(), &settings).await;
        let board = Board::new(fixture.state.clone(), 1);
        Self {
            folder,
            fixture,
            board,
        }
    }

    /// Replaces the rule file, which the next session reads.
    fn replace_rules(&self, rules: &str) {
        std::fs::write(self.folder.path().join("rules.toml"), rules).unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_chat_has_a_row_with_its_escalation_until_it_ends_and_a_later_session_goes_on_with_it() {
    let fixture = SessionFixture::new(Scenario::default(), &[]).await;
    let board = Board::new(fixture.state.clone(), 1);
    let session = fixture.connected("one").await;
    let chat = &fixture.simulator.world().chat;
    chat.assign("chat-1");
    chat.say(
        "chat-1",
        "customer",
        "My lawyer will hear of this, it is terrible",
    );
    chat.say("chat-1", "agent", "I am sorry to hear that");
    eventually_async(
        "the row shows the escalation and the customer's words",
        async || {
            row(&board, "chat-1").await.is_some_and(|row| {
                row.alert.is_some()
                    && row.last_line.starts_with("My lawyer")
                    && row.customer.is_some()
            })
        },
    )
    .await;
    let shown = row(&board, "chat-1").await.unwrap();
    assert_eq!(shown.agent_id.as_deref(), Some(AGENT));
    assert_eq!(shown.alert.unwrap().rule, "escalation-legal");
    session.kill().await;
    let _session = fixture.connected("two").await;
    chat.say("chat-1", "customer", "hello again");
    eventually_async("the later session keeps the alert", async || {
        row(&board, "chat-1")
            .await
            .is_some_and(|row| row.last_line == "hello again" && row.alert.is_some())
    })
    .await;
    chat.end("chat-1");
    eventually_async("the row of the ended chat is gone", async || {
        row(&board, "chat-1").await.is_none()
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rule_that_hits_is_the_alert_of_the_row_also_after_a_session_that_died_before_it_wrote() {
    let rules = "[[rule]]\nid = \"cancel\"\nseverity = \"severe\"\nwhen = { said = [\"cancel * contract\"], by = \"customer\" }\n";
    let on_board = RulesOnBoard::new(rules).await;
    let RulesOnBoard { fixture, board, .. } = &on_board;
    let session = fixture.connected("one").await;
    let chat = &fixture.simulator.world().chat;
    chat.assign("chat-1");
    chat.say("chat-1", "customer", "Please cancel my contract");
    let has_alert = async || {
        let row = row(board, "chat-1").await;
        row.and_then(|row| row.alert)
            .is_some_and(|alert| alert.rule == "cancel" && alert.severity == Severity::Severe)
    };
    eventually_async("the row shows the hit", has_alert).await;
    session.kill().await;
    let now = Timestamp::now();
    let removal = board.remove("chat-1", ConversationKind::Chat, now);
    removal.await.unwrap();
    let _session = fixture.connected("two").await;
    eventually_async("the next session writes the hit anew", has_alert).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_row_names_the_rules_that_a_chat_cannot_answer_and_a_later_session_corrects_them() {
    let asks_skill = "[[rule]]\nid = \"gold\"\nwhen = { skill = [\"gold\"] }\n";
    let on_board = RulesOnBoard::new(asks_skill).await;
    let RulesOnBoard { fixture, board, .. } = &on_board;
    let session = fixture.connected("one").await;
    let chat = &fixture.simulator.world().chat;
    chat.assign("chat-1");
    chat.say("chat-1", "customer", "Hello");
    let unknown = async || {
        let row = row(board, "chat-1").await;
        row.map(|row| row.unknown.rules).unwrap_or_default()
    };
    eventually_async("the rule is unknown", async || unknown().await == ["gold"]).await;
    session.kill().await;
    let answered = "[[rule]]\nid = \"hello\"\nwhen = { said = [\"hello\"] }\n";
    on_board.replace_rules(answered);
    let _session = fixture.connected("two").await;
    eventually_async("no rule is unknown any more", async || {
        unknown().await.is_empty() && row(board, "chat-1").await.is_some()
    })
    .await;
}
