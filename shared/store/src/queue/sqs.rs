//! The queue on SQS. The redrive policy of the queue moves a message that came back too often to the dead-letter queue;
//! [`Queue::dead_letter`] sends a message there at once, with its reason.

use std::time::Duration;

use aws_config::SdkConfig;
use aws_config::timeout::TimeoutConfig;
use aws_sdk_sqs::Client;
use aws_sdk_sqs::types::{
    ChangeMessageVisibilityBatchRequestEntry, MessageAttributeValue, MessageSystemAttributeName,
};

use super::message::{Message, Queue, RECEIVE_MAX, check_body, stored_reason};
use crate::Error;
use crate::aws::FailedCall;

/// The longest wait for a message that SQS allows.
const RECEIVE_WAIT_MAX: Duration = Duration::from_secs(20);
/// How much longer than its wait a call that receives messages may take.
const RECEIVE_MARGIN: Duration = Duration::from_secs(5);

/// Most messages of one request that changes when they are visible again.
const CHANGES_MAX: usize = 10;

/// A queue on SQS and the queue of its dead letters.
#[derive(Debug, Clone)]
pub struct Sqs {
    client: Client,
    url: String,
    dead_letters: Option<String>,
}

impl Sqs {
    /// Creates a client of the queue at `url`; `dead_letters` is the URL of the queue that [`Queue::dead_letter`] sends to.
    /// Nothing is sent yet.
    pub fn new(config: &SdkConfig, url: impl Into<String>, dead_letters: Option<String>) -> Self {
        Self {
            client: Client::new(config),
            url: url.into(),
            dead_letters,
        }
    }

    /// Creates a queue, for local use and tests, and returns its URL; the deployed queues come from the template. A queue
    /// that exists is left as it is.
    ///
    /// # Errors
    /// [`Error::Limit`] for a name that is not allowed, [`Error::Unavailable`] without an answer.
    pub async fn create(config: &SdkConfig, name: &str) -> Result<String, Error> {
        let failed = FailedCall {
            store: "SQS",
            operation: "CreateQueue",
            what: name,
        };
        let answer = Client::new(config)
            .create_queue()
            .queue_name(name)
            .send()
            .await;
        answer
            .map_err(|error| failed.with_cause(error))?
            .queue_url
            .ok_or_else(|| Error::Corrupt {
                what: format!("the answer for the queue {name}"),
                source: "it has no URL".into(),
            })
    }

    /// Changes the moments at which a few messages become visible again.
    async fn change_visibility(&self, messages: &[(&Message, Duration)]) -> Result<(), Error> {
        const OPERATION: &str = "ChangeMessageVisibilityBatch";
        let entries = messages
            .iter()
            .enumerate()
            .filter(|(_, (message, _))| !message.receipt.is_empty())
            .map(|(index, (message, hidden))| {
                ChangeMessageVisibilityBatchRequestEntry::builder()
                    .id(index.to_string())
                    .receipt_handle(&message.receipt)
                    .visibility_timeout(whole_seconds(*hidden))
                    .build()
            })
            .collect::<Result<Vec<_>, _>>()
            .map_err(|source| Error::Corrupt {
                what: format!("a request of {OPERATION}"),
                source: Box::new(source),
            })?;
        if entries.is_empty() {
            return Ok(());
        }
        let answer = self
            .client
            .change_message_visibility_batch()
            .queue_url(&self.url)
            .set_entries(Some(entries))
            .send()
            .await
            .map_err(|error| self.failed_call(OPERATION).with_cause(error))?;
        // A fault of the sender is a receipt whose message was deleted or is visible already.
        match answer.failed.iter().find(|entry| !entry.sender_fault) {
            None => Ok(()),
            Some(entry) => Err(Error::Unavailable {
                store: "SQS",
                operation: OPERATION,
                source: entry.code.clone().into(),
            }),
        }
    }

    fn failed_call(&self, operation: &'static str) -> FailedCall<'_> {
        FailedCall {
            store: "SQS",
            operation,
            what: &self.url,
        }
    }
}

impl Queue for Sqs {
    async fn send(&self, body: &str) -> Result<String, Error> {
        check_body(body)?;
        let answer = self
            .client
            .send_message()
            .queue_url(&self.url)
            .message_body(body)
            .send()
            .await;
        let sent = answer.map_err(|error| self.failed_call("SendMessage").with_cause(error))?;
        Ok(sent.message_id.unwrap_or_default())
    }

    async fn receive(
        &self,
        limit: usize,
        wait: Duration,
        visible_after: Duration,
    ) -> Result<Vec<Message>, Error> {
        let wait = wait.min(RECEIVE_WAIT_MAX);
        // The usual time limits of a call would cut a long poll short.
        let timeouts = TimeoutConfig::builder()
            .operation_attempt_timeout(wait + RECEIVE_MARGIN)
            .operation_timeout(wait + RECEIVE_MARGIN * 2)
            .build();
        let answer = self
            .client
            .receive_message()
            .queue_url(&self.url)
            .max_number_of_messages(i32::try_from(limit.clamp(1, RECEIVE_MAX)).unwrap_or(1))
            .wait_time_seconds(whole_seconds(wait))
            .visibility_timeout(whole_seconds(visible_after))
            .message_system_attribute_names(MessageSystemAttributeName::ApproximateReceiveCount)
            .customize()
            .config_override(aws_sdk_sqs::config::Builder::new().timeout_config(timeouts))
            .send()
            .await
            .map_err(|error| self.failed_call("ReceiveMessage").with_cause(error))?;
        Ok(answer
            .messages
            .unwrap_or_default()
            .into_iter()
            .map(delivered_message)
            .collect())
    }

    async fn delete(&self, receipt: &str) -> Result<(), Error> {
        let sent = self
            .client
            .delete_message()
            .queue_url(&self.url)
            .receipt_handle(receipt)
            .send()
            .await;
        match sent {
            Ok(_) => Ok(()),
            // This is the receipt of a message that is gone already.
            Err(error)
                if error.as_service_error().is_some_and(|error| {
                    error.is_receipt_handle_is_invalid() || error.is_invalid_id_format()
                }) =>
            {
                Ok(())
            }
            Err(error) => Err(self.failed_call("DeleteMessage").with_cause(error)),
        }
    }

    async fn give_back(&self, messages: &[(&Message, Duration)]) -> Result<(), Error> {
        // One request takes ten messages. That one of them fails says nothing of the others.
        let requests = messages
            .chunks(CHANGES_MAX)
            .map(|few| self.change_visibility(few));
        futures::future::join_all(requests)
            .await
            .into_iter()
            .collect()
    }

    async fn dead_letter(&self, message: &Message, reason: &str) -> Result<(), Error> {
        let dead_letters = self
            .dead_letters
            .as_ref()
            .ok_or_else(|| Error::missing(format!("the dead-letter queue of {}", self.url)))?;
        let mut request = self
            .client
            .send_message()
            .queue_url(dead_letters)
            .message_body(&message.body);
        for (name, value) in [
            ("reason", stored_reason(reason)),
            ("original_id", &message.id),
        ] {
            let value = MessageAttributeValue::builder()
                .data_type("String")
                .string_value(value)
                .build()
                .map_err(|source| Error::Corrupt {
                    what: message.id.clone(),
                    source: Box::new(source),
                })?;
            request = request.message_attributes(name, value);
        }
        request.send().await.map_err(|error| {
            FailedCall {
                store: "SQS",
                operation: "SendMessage",
                what: dead_letters,
            }
            .with_cause(error)
        })?;
        Ok(())
    }
}

/// Builds a message of what SQS delivered.
fn delivered_message(from: aws_sdk_sqs::types::Message) -> Message {
    let deliveries = from
        .attributes
        .as_ref()
        .and_then(|all| all.get(&MessageSystemAttributeName::ApproximateReceiveCount))
        .and_then(|count| count.parse().ok())
        .unwrap_or(1);
    Message {
        id: from.message_id.unwrap_or_default(),
        receipt: from.receipt_handle.unwrap_or_default(),
        body: from.body.unwrap_or_default(),
        deliveries,
    }
}

/// Returns whole seconds, rounded up: nothing becomes visible before its time.
fn whole_seconds(duration: Duration) -> i32 {
    let seconds = duration.as_secs() + u64::from(duration.subsec_nanos() > 0);
    i32::try_from(seconds).unwrap_or(i32::MAX)
}
