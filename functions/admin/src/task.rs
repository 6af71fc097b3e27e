//! The tasks that an event names, and the reply to each.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// A task of an operator, as the event names it.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(tag = "task", rename_all = "snake_case")]
pub enum Task {
    /// The tables of the database are created or brought up to date, and the rows of other models are counted.
    Migrate,
    /// Conversations are embedded from JSON lines of the bucket: payloads of webhooks, or archives of chats.
    Backfill {
        /// The start of the keys of the objects.
        prefix: String,
        /// Where an earlier invocation stopped.
        #[serde(default)]
        cursor: Option<BackfillCursor>,
    },
    /// Dead letters are sent back to the queue.
    Redrive {
        /// A part of the reason that a dead letter must have; none for all dead letters.
        #[serde(default)]
        reason: Option<String>,
        /// Where an earlier invocation stopped: dead letters of before this moment are sent back.
        #[serde(default)]
        cursor: Option<Timestamp>,
    },
    /// A conversation is deleted, and its earlier events do not bring it back.
    Forget {
        /// The contact center's id of the conversation.
        conversation_id: String,
    },
    /// Conversations that are older than the retention are deleted.
    Expire {
        /// Whether the rows of models that are not used any more are deleted too.
        #[serde(default)]
        other_models: bool,
    },
}

/// Where a backfill stopped.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct BackfillCursor {
    /// The key of the object that comes next.
    pub key: String,
    /// The number of lines of that object that are done.
    pub lines: usize,
}

/// What became of a task.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct Reply {
    /// Whether nothing is left to do. Otherwise the caller sends the same event again, with this cursor if there is one.
    pub done: bool,
    /// Where the next invocation goes on.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cursor: Option<serde_json::Value>,
    /// How many conversations, rows or messages came to which end.
    #[serde(flatten)]
    pub counts: BTreeMap<String, u64>,
}

impl Reply {
    /// Adds to a count of the reply.
    pub fn count(&mut self, name: &str, by: u64) {
        *self.counts.entry(name.to_owned()).or_default() += by;
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn each_event_names_its_task_and_a_cursor_of_a_reply_is_taken_back() {
        let read = |event: serde_json::Value| serde_json::from_value::<Task>(event).unwrap();
        assert_eq!(read(json!({"task": "migrate"})), Task::Migrate);
        assert_eq!(
            read(json!({"task": "expire"})),
            Task::Expire {
                other_models: false
            }
        );
        let cursor = BackfillCursor {
            key: "archive/c-2.jsonl".to_owned(),
            lines: 64,
        };
        let reply = Reply {
            cursor: serde_json::to_value(&cursor).ok(),
            ..Reply::default()
        };
        let reply = serde_json::to_value(reply).unwrap();
        let again = json!({"task": "backfill", "prefix": "archive/", "cursor": reply["cursor"]});
        assert_eq!(
            read(again),
            Task::Backfill {
                prefix: "archive/".to_owned(),
                cursor: Some(cursor)
            }
        );
        let unknown = serde_json::from_value::<Task>(json!({"task": "drop"}));
        assert!(unknown.unwrap_err().to_string().contains("unknown variant"));
    }
}
