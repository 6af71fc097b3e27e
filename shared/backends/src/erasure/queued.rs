//! The queue and the dead letters, where a conversation may wait.

use std::collections::HashSet;
use std::time::Duration;

#[cfg(feature = "embedded")]
use store::queue::SqliteQueue;
use store::queue::{HeldDeadLetter, SqsDeadLetters};

use store::Error;

/// How long SQS hides a dead letter that is looked at, if this process ends before it releases the letter.
const VISIBILITY_TIMEOUT: Duration = Duration::from_secs(300);

/// Where conversations wait to be embedded.
#[derive(Debug, Clone)]
pub enum QueuedMessages {
    /// The dead letters of a queue on SQS. A message that waits in SQS itself cannot be looked for; the vector store takes nothing of it
    /// once it knows that the conversation is erased.
    Sqs(SqsDeadLetters),
    /// Messages and dead letters of a queue in a file.
    #[cfg(feature = "embedded")]
    File(SqliteQueue),
    /// Nothing waits, because there is no queue yet.
    Nowhere,
}

impl QueuedMessages {
    /// Deletes what waits of a conversation, and returns how many messages and dead letters there were.
    ///
    /// # Errors
    /// The errors of the queue. What was deleted until then stays deleted.
    pub async fn delete_of(&self, conversation: &str) -> Result<usize, Error> {
        match self {
            Self::Nowhere => Ok(0),
            #[cfg(feature = "embedded")]
            Self::File(queue) => {
                let wanted = conversation.to_owned();
                queue.delete_where(move |body| is_of(body, &wanted)).await
            }
            Self::Sqs(letters) => {
                let mut held = Vec::new();
                let deleted = delete_letters(letters, conversation, &mut held).await;
                // Even after a failure, the letters that stay become visible to others.
                for letter in &held {
                    letters.release(letter).await?;
                }
                deleted
            }
        }
    }
}

async fn delete_letters(
    letters: &SqsDeadLetters,
    conversation: &str,
    held: &mut Vec<HeldDeadLetter>,
) -> Result<usize, Error> {
    let mut seen = HashSet::new();
    let mut deleted = 0;
    loop {
        let batch = letters.hold(VISIBILITY_TIMEOUT).await?;
        let mut has_new = false;
        for letter in batch {
            has_new |= seen.insert(letter.id.clone());
            if is_of(&letter.body, conversation) {
                letters.discard(&letter).await?;
                deleted += 1;
            } else {
                held.push(letter);
            }
        }
        // A letter is received twice only after its visibility timeout: by then, every letter was received once.
        if !has_new {
            return Ok(deleted);
        }
    }
}

/// Returns whether the body of a message is about a conversation. A body that is no JSON is, if it holds the id.
fn is_of(body: &str, conversation: &str) -> bool {
    match serde_json::from_str::<serde_json::Value>(body) {
        Ok(body) => match body.get("conversationId") {
            Some(serde_json::Value::String(id)) => id.trim() == conversation,
            Some(serde_json::Value::Number(id)) => id.to_string() == conversation,
            _ => false,
        },
        Err(_) => body.contains(conversation),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_belongs_to_the_conversation_that_it_names() {
        for (body, is_own) in [
            (r#"{"conversationId":"42"}"#, true),
            (r#"{"conversationId":42,"data":{}}"#, true),
            (r#"{"conversationId":"421"}"#, false),
            (r#"{"data":{"text":"42"}}"#, false),
            (r#"{"conversationId":"42""#, true),
            ("[]", false),
        ] {
            assert_eq!(is_of(body, "42"), is_own, "{body}");
        }
    }
}
