//! The rows of the agent's chats on the board of supervisors. They are written beside the session, which they never delay, and nothing of
//! the session depends on them.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use backends::board::{Board, REFRESH_INTERVAL};
use insights_core::WithCauses;
use insights_core::board::{BoardRow, ChatUpdate, ConversationKind, LastLine};
use insights_core::chat::message::Identity;
use insights_core::live::Speaker;
use insights_core::scale::Score;
use insights_http::Deadline;
use jiff::Timestamp;
use runtime::{Observer, metrics};
use store::state::State;
use tokio::sync::{mpsc, watch};
use tokio::time::{Instant, MissedTickBehavior};

use super::updates::Update;
use crate::deps::Deps;

/// Number of updates that may wait for the task. Further ones are dropped: the row is then behind until the next message.
const QUEUE_LIMIT: usize = 512;
/// Number of messages of a conversation whose scores may still come.
const UNSCORED_LIMIT: usize = 300;
/// Interval at which changed rows are written.
const WRITE_INTERVAL: Duration = Duration::from_secs(1);
/// Longest time of one call of the store.
const STORE_TIMEOUT: Duration = Duration::from_secs(2);

/// Starts the task that writes the rows of the conversations in `open`, and returns an observer that passes updates on to it and then to
/// `updates`. The task ends when the observer and its clones are dropped.
pub(super) fn start(
    deps: &Arc<Deps>,
    agent: &str,
    open: watch::Receiver<Vec<String>>,
    updates: Observer<Update>,
) -> Observer<Update> {
    let (sender, receiver) = mpsc::channel(QUEUE_LIMIT);
    let rows = BoardRows {
        board: Board::new(deps.state.clone(), 1),
        agent: agent.to_owned(),
        has_model: deps.scorer.is_enabled(),
        chats: HashMap::new(),
        has_warned: false,
    };
    tokio::spawn(rows.run(receiver, open));
    updates.preceded_by(move |update: &Update| {
        if matches!(
            update,
            Update::Message { .. }
                | Update::Scored { .. }
                | Update::Escalated { .. }
                | Update::RuleHits { .. }
                | Update::UnknownRules { .. }
        ) {
            let _is_full = sender.try_send(update.clone());
        }
    })
}

/// The row of one chat, and what is not written of it yet.
struct ChatRow {
    row: BoardRow,
    line: LastLine,
    /// Messages whose scores may still come: when each was sent, and whether the customer wrote it.
    unscored: HashMap<Identity, (i64, bool)>,
    /// When the row was last written; `None` if it must be written now.
    written_at: Option<Instant>,
}

/// Writes the rows of one agent's chats.
struct BoardRows {
    board: Board<State>,
    agent: String,
    has_model: bool,
    chats: HashMap<String, ChatRow>,
    has_warned: bool,
}

impl BoardRows {
    async fn run(
        mut self,
        mut updates: mpsc::Receiver<Update>,
        mut open: watch::Receiver<Vec<String>>,
    ) {
        let mut tick = tokio::time::interval(WRITE_INTERVAL);
        tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                update = updates.recv() => match update {
                    Some(update) => {
                        // The message of a conversation that was opened just now belongs to it.
                        self.open_and_close(&mut open).await;
                        self.take(update);
                    }
                    None => break,
                },
                _ = tick.tick() => {
                    self.open_and_close(&mut open).await;
                    self.write_due().await;
                }
            }
        }
        self.write_due().await;
    }

    /// Reads the rows of conversations that were opened, and removes those of conversations that have ended.
    async fn open_and_close(&mut self, open: &mut watch::Receiver<Vec<String>>) {
        if !open.has_changed().unwrap_or(false) {
            return;
        }
        let ids = open.borrow_and_update().clone();
        let ended: Vec<String> = self
            .chats
            .keys()
            .filter(|id| !ids.contains(id))
            .cloned()
            .collect();
        for id in ended {
            self.chats.remove(&id);
            let now = Timestamp::now();
            let removal = self.board.remove(&id, ConversationKind::Chat, now);
            let removed = Deadline::within(STORE_TIMEOUT).bound(removal).await;
            self.note_result(&id, removed);
        }
        for id in ids {
            if self.chats.contains_key(&id) {
                continue;
            }
            let now = Timestamp::now();
            let read = self.board.row(&id, ConversationKind::Chat, now);
            let read = Deadline::within(STORE_TIMEOUT).bound(read).await;
            let row = self.note_result(&id, read).flatten();
            let mut row = row.unwrap_or_else(|| BoardRow::of_new_chat(&self.agent, now));
            row.agent_id = Some(self.agent.clone());
            let line = LastLine::after(row.last_line.clone());
            let chat = ChatRow {
                row,
                line,
                unscored: HashMap::new(),
                written_at: None,
            };
            self.chats.insert(id, chat);
        }
    }

    fn take(&mut self, update: Update) {
        match update {
            Update::Message {
                message,
                lexicon,
                escalation,
                ..
            } => {
                let has_model = self.has_model;
                let Some(chat) = self.chats.get_mut(&message.conversation_id) else {
                    return;
                };
                let (at_ms, is_customer) = (message.timestamp_ms, message.from.is_customer());
                let is_agent = message.from.kind.eq_ignore_ascii_case("agent");
                chat.row.update_chat(&ChatUpdate::Message { at_ms });
                if is_customer || is_agent {
                    let speaker = if is_customer {
                        Speaker::Customer
                    } else {
                        Speaker::Agent
                    };
                    chat.line.push(speaker, at_ms, &message.text);
                    chat.row.last_line = chat.line.text().to_owned();
                    chat.expect_score(message.identity(), at_ms, is_customer);
                }
                if let Some(trigger) = escalation {
                    let severity = trigger.severity;
                    chat.row
                        .update_chat(&ChatUpdate::Escalated { at_ms, severity });
                }
                chat.written_at = None;
                if !has_model {
                    chat.score(message.identity(), lexicon.score);
                }
            }
            Update::Scored {
                conversation_id,
                identity,
                sentiment,
            } => {
                let Some(chat) = self.chats.get_mut(&conversation_id) else {
                    return;
                };
                if sentiment.unscored.is_none() {
                    chat.score(identity, sentiment.score);
                } else if let Some(language) = sentiment.language {
                    chat.row.language = Some(language.code().to_owned());
                    chat.written_at = None;
                }
            }
            Update::Escalated {
                conversation_id,
                trigger,
            } => {
                if let Some(chat) = self.chats.get_mut(&conversation_id) {
                    let at_ms = chat.row.heard_ms.unwrap_or(chat.row.started_ms);
                    let severity = trigger.severity;
                    chat.row
                        .update_chat(&ChatUpdate::Escalated { at_ms, severity });
                    chat.written_at = None;
                }
            }
            Update::RuleHits {
                conversation_id,
                hits,
            } => {
                if let Some(chat) = self.chats.get_mut(&conversation_id) {
                    for hit in &hits {
                        chat.row.note_hit(hit, true);
                    }
                    chat.written_at = None;
                }
            }
            Update::UnknownRules {
                conversation_id,
                unknown,
            } => {
                if let Some(chat) = self.chats.get_mut(&conversation_id)
                    && chat.row.unknown != unknown
                {
                    chat.row.unknown = unknown;
                    chat.written_at = None;
                }
            }
            _ => {}
        }
    }

    async fn write_due(&mut self) {
        let interval = Duration::try_from(REFRESH_INTERVAL).unwrap_or_default();
        let due: Vec<(String, BoardRow)> = self
            .chats
            .iter_mut()
            .filter(|(_, chat)| chat.written_at.is_none_or(|at| at.elapsed() >= interval))
            .map(|(id, chat)| {
                chat.written_at = Some(Instant::now());
                chat.row.read_ms = Timestamp::now().as_millisecond();
                (id.clone(), chat.row.clone())
            })
            .collect();
        for (id, row) in due {
            let write = self.board.write(&id, &row, Timestamp::now());
            let written = Deadline::within(STORE_TIMEOUT).bound(write).await;
            self.note_result(&id, written);
        }
    }

    /// Returns the answer of the store, and warns of the first failure in a row.
    fn note_result<T>(&mut self, id: &str, result: Option<Result<T, store::Error>>) -> Option<T> {
        let error = match result {
            Some(Ok(answer)) => {
                self.has_warned = false;
                return Some(answer);
            }
            Some(Err(error)) => Some(error),
            None => None,
        };
        metrics::count_store_error();
        let is_first = !std::mem::replace(&mut self.has_warned, true);
        match error {
            Some(error) if is_first => tracing::warn!(
                conversation_id = id,
                cause = %WithCauses(&error),
                "the row of a chat on the board was not read or written"
            ),
            None if is_first => tracing::warn!(
                conversation_id = id,
                "the row of a chat on the board was not read or written in time"
            ),
            _ => {}
        }
        None
    }
}

impl ChatRow {
    fn expect_score(&mut self, identity: Identity, at_ms: i64, is_customer: bool) {
        if self.unscored.len() >= UNSCORED_LIMIT {
            // Their scores will hardly come any more: the model is far behind, or off.
            self.unscored.clear();
        }
        self.unscored.insert(identity, (at_ms, is_customer));
    }

    fn score(&mut self, identity: Identity, score: Score) {
        let Some((at_ms, is_customer)) = self.unscored.remove(&identity) else {
            return;
        };
        self.row.update_chat(&ChatUpdate::Scored {
            at_ms,
            is_customer,
            score,
        });
        self.written_at = None;
    }
}
