//! Dead letters on SQS: messages that [`Queue::dead_letter`](super::Queue::dead_letter) or the redrive policy of the queue
//! put aside, to be looked at and sent back. Only an operator's command needs them; no function may read its own dead
//! letters.

use std::time::Duration;

use aws_config::SdkConfig;
use aws_sdk_sqs::Client;
use aws_sdk_sqs::types::{Message, MessageSystemAttributeName};
use jiff::Timestamp;

use super::message::RECEIVE_MAX;
use crate::Error;
use crate::aws::FailedCall;

/// How long a call waits for dead letters, in seconds. With a wait SQS asks all its servers, so that an empty answer means
/// an empty queue.
const RECEIVE_WAIT_SECONDS: i32 = 1;
/// The reason of a dead letter that the redrive policy moved, which has no reason of its own.
const REASON_OF_REDRIVE_POLICY: &str = "delivered too often without success";

/// The dead letters of a queue on SQS.
#[derive(Debug, Clone)]
pub struct SqsDeadLetters {
    client: Client,
    queue: String,
    url: String,
}

/// A dead letter that is hidden from other readers until it is released or sent back, or its hold ends.
#[derive(Debug, Clone)]
pub struct HeldDeadLetter {
    /// The id of the message in the queue where it was sent first.
    pub id: String,
    /// Why the message was not processed.
    pub reason: String,
    /// When the message became a dead letter, or was first sent if the redrive policy moved it.
    pub sent_at: Option<Timestamp>,
    /// The text that was sent.
    pub body: String,
    receipt: String,
}

impl SqsDeadLetters {
    /// Creates a client of the dead letters at the URL `dead_letters`, which belong to the queue at the URL `queue`.
    /// Nothing is sent yet.
    pub fn new(
        config: &SdkConfig,
        queue: impl Into<String>,
        dead_letters: impl Into<String>,
    ) -> Self {
        Self {
            client: Client::new(config),
            queue: queue.into(),
            url: dead_letters.into(),
        }
    }

    /// Takes up to [`RECEIVE_MAX`] dead letters that nobody holds, and holds each for `hold` (whole seconds). An empty
    /// list means that there are no others.
    ///
    /// # Errors
    /// [`Error::Missing`] if there is no such queue, [`Error::Unavailable`] without an answer.
    pub async fn hold(&self, hold: Duration) -> Result<Vec<HeldDeadLetter>, Error> {
        let answer = self
            .client
            .receive_message()
            .queue_url(&self.url)
            .max_number_of_messages(i32::try_from(RECEIVE_MAX).unwrap_or(1))
            .wait_time_seconds(RECEIVE_WAIT_SECONDS)
            .visibility_timeout(i32::try_from(hold.as_secs()).unwrap_or(i32::MAX))
            .message_attribute_names("All")
            .message_system_attribute_names(MessageSystemAttributeName::SentTimestamp)
            .send()
            .await
            .map_err(|error| {
                self.failed_call("ReceiveMessage", &self.url)
                    .with_cause(error)
            })?;
        Ok(answer
            .messages
            .unwrap_or_default()
            .into_iter()
            .map(held_dead_letter)
            .collect())
    }

    /// Lets other readers see the dead letter again. A dead letter whose hold has ended is success.
    ///
    /// # Errors
    /// [`Error::Unavailable`] without an answer.
    pub async fn release(&self, dead_letter: &HeldDeadLetter) -> Result<(), Error> {
        let sent = self
            .client
            .change_message_visibility()
            .queue_url(&self.url)
            .receipt_handle(&dead_letter.receipt)
            .visibility_timeout(0)
            .send()
            .await;
        match sent {
            Ok(_) => Ok(()),
            Err(error)
                if error
                    .as_service_error()
                    .is_some_and(|error| error.is_message_not_inflight()) =>
            {
                Ok(())
            }
            Err(error) => Err(self
                .failed_call("ChangeMessageVisibility", &self.url)
                .with_cause(error)),
        }
    }

    /// Deletes a dead letter for good. A dead letter whose hold has ended stays.
    ///
    /// # Errors
    /// [`Error::Unavailable`] without an answer.
    pub async fn discard(&self, dead_letter: &HeldDeadLetter) -> Result<(), Error> {
        let deleted = self
            .client
            .delete_message()
            .queue_url(&self.url)
            .receipt_handle(&dead_letter.receipt);
        deleted.send().await.map_err(|error| {
            self.failed_call("DeleteMessage", &self.url)
                .with_cause(error)
        })?;
        Ok(())
    }

    /// Sends the message to its queue again and deletes the dead letter. In this order, a crash in between leaves the
    /// message twice, never nowhere.
    ///
    /// # Errors
    /// [`Error::Unavailable`] without an answer; the message may then be in both queues.
    pub async fn send_back(&self, dead_letter: &HeldDeadLetter) -> Result<(), Error> {
        let sent = self
            .client
            .send_message()
            .queue_url(&self.queue)
            .message_body(&dead_letter.body);
        sent.send().await.map_err(|error| {
            self.failed_call("SendMessage", &self.queue)
                .with_cause(error)
        })?;
        self.discard(dead_letter).await
    }

    fn failed_call<'a>(&self, operation: &'static str, what: &'a str) -> FailedCall<'a> {
        FailedCall {
            store: "SQS",
            operation,
            what,
        }
    }
}

/// Builds a dead letter of what SQS delivered.
fn held_dead_letter(message: Message) -> HeldDeadLetter {
    let attribute = |name: &str| {
        let value = message.message_attributes.as_ref()?.get(name)?;
        value.string_value.clone()
    };
    let sent_at = message
        .attributes
        .as_ref()
        .and_then(|all| all.get(&MessageSystemAttributeName::SentTimestamp))
        .and_then(|millis| Timestamp::from_millisecond(millis.parse().ok()?).ok());
    HeldDeadLetter {
        id: attribute("original_id")
            .or_else(|| message.message_id.clone())
            .unwrap_or_default(),
        reason: attribute("reason").unwrap_or_else(|| REASON_OF_REDRIVE_POLICY.to_owned()),
        sent_at,
        body: message.body.unwrap_or_default(),
        receipt: message.receipt_handle.unwrap_or_default(),
    }
}
