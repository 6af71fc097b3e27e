//! Dead letters on SQS: what [`Queue::bury`](super::Queue::bury) or the queue's redrive policy put aside, to be looked at
//! and sent back. Only an operator's command needs it; no function may read its own dead letters.

use std::time::Duration;

use aws_config::SdkConfig;
use aws_sdk_sqs::Client;
use aws_sdk_sqs::types::{Message, MessageSystemAttributeName};
use jiff::Timestamp;

use super::RECEIVE_MAX;
use crate::Error;
use crate::aws::Failed;

/// How long a look at the queue waits: SQS then asks all its servers, and an empty answer means an empty queue.
const LOOK_SECONDS: i32 = 1;
/// The reason of a letter that the redrive policy moved, which has none of its own.
const REDRIVEN: &str = "delivered too often without success";

/// The dead letters of a queue on SQS.
#[derive(Debug, Clone)]
pub struct SqsDeadLetters {
    client: Client,
    queue: String,
    url: String,
}

/// A dead letter that is held: hidden from other readers until it is released or sent back, or its time is over.
#[derive(Debug, Clone)]
pub struct HeldLetter {
    /// The message's id in the queue where it was sent first.
    pub id: String,
    /// Why it is here.
    pub reason: String,
    /// When it was sent; for one that was buried, when that was.
    pub sent_at: Option<Timestamp>,
    /// What was sent.
    pub body: String,
    receipt: String,
}

impl SqsDeadLetters {
    /// The dead letters at the URL `dead_letters` of the queue at the URL `queue`. Nothing is sent yet.
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

    /// Up to [`RECEIVE_MAX`] letters that nobody holds, each held for `hold` (whole seconds). None means that there are
    /// no others.
    ///
    /// # Errors
    /// [`Error::Missing`] if there is no such queue, [`Error::Unavailable`] without an answer.
    pub async fn hold(&self, hold: Duration) -> Result<Vec<HeldLetter>, Error> {
        let answer = self
            .client
            .receive_message()
            .queue_url(&self.url)
            .max_number_of_messages(i32::try_from(RECEIVE_MAX).unwrap_or(1))
            .wait_time_seconds(LOOK_SECONDS)
            .visibility_timeout(i32::try_from(hold.as_secs()).unwrap_or(i32::MAX))
            .message_attribute_names("All")
            .message_system_attribute_names(MessageSystemAttributeName::SentTimestamp)
            .send()
            .await
            .map_err(|error| self.failed("ReceiveMessage", &self.url).with_cause(error))?;
        Ok(answer
            .messages
            .unwrap_or_default()
            .into_iter()
            .map(held)
            .collect())
    }

    /// Lets others see the letter again. One whose time is over is success.
    ///
    /// # Errors
    /// [`Error::Unavailable`] without an answer.
    pub async fn release(&self, letter: &HeldLetter) -> Result<(), Error> {
        let sent = self
            .client
            .change_message_visibility()
            .queue_url(&self.url)
            .receipt_handle(&letter.receipt)
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
                .failed("ChangeMessageVisibility", &self.url)
                .with_cause(error)),
        }
    }

    /// Puts the letter back in its queue, as a new message, and takes it from here. In this order: a kill between the two
    /// leaves it twice, never nowhere.
    ///
    /// # Errors
    /// [`Error::Unavailable`] without an answer; the letter may then be in both.
    pub async fn send_back(&self, letter: &HeldLetter) -> Result<(), Error> {
        let sent = self
            .client
            .send_message()
            .queue_url(&self.queue)
            .message_body(&letter.body);
        sent.send()
            .await
            .map_err(|error| self.failed("SendMessage", &self.queue).with_cause(error))?;
        let deleted = self
            .client
            .delete_message()
            .queue_url(&self.url)
            .receipt_handle(&letter.receipt);
        deleted
            .send()
            .await
            .map_err(|error| self.failed("DeleteMessage", &self.url).with_cause(error))?;
        Ok(())
    }

    fn failed<'a>(&self, operation: &'static str, what: &'a str) -> Failed<'a> {
        Failed {
            store: "SQS",
            operation,
            what,
        }
    }
}

fn held(message: Message) -> HeldLetter {
    let attribute = |name: &str| {
        let value = message.message_attributes.as_ref()?.get(name)?;
        value.string_value.clone()
    };
    let sent_at = message
        .attributes
        .as_ref()
        .and_then(|all| all.get(&MessageSystemAttributeName::SentTimestamp))
        .and_then(|millis| Timestamp::from_millisecond(millis.parse().ok()?).ok());
    HeldLetter {
        id: attribute("original_id")
            .or_else(|| message.message_id.clone())
            .unwrap_or_default(),
        reason: attribute("reason").unwrap_or_else(|| REDRIVEN.to_owned()),
        sent_at,
        body: message.body.unwrap_or_default(),
        receipt: message.receipt_handle.unwrap_or_default(),
    }
}
