//! The event that Lambda makes of a batch of SQS messages, and the answer that names those which must come again.

use serde::{Deserialize, Serialize};
use store::queue::Message;

/// A batch.
#[derive(Clone, Deserialize)]
pub struct SqsEvent {
    /// Its messages.
    #[serde(rename = "Records")]
    pub records: Vec<Record>,
}

/// A message.
#[derive(Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Record {
    message_id: String,
    #[serde(default)]
    receipt_handle: String,
    #[serde(default)]
    body: String,
    #[serde(default)]
    attributes: Attributes,
}

#[derive(Clone, Default, Deserialize)]
struct Attributes {
    #[serde(default, rename = "ApproximateReceiveCount")]
    receive_count: String,
}

/// Shows no body.
impl std::fmt::Debug for SqsEvent {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_list()
            .entries(self.records.iter().map(|record| &record.message_id))
            .finish()
    }
}

impl From<Record> for Message {
    fn from(record: Record) -> Self {
        Self {
            id: record.message_id,
            receipt: record.receipt_handle,
            body: record.body,
            deliveries: record.attributes.receive_count.parse().unwrap_or(1),
        }
    }
}

/// The messages that must come again (the event source has `ReportBatchItemFailures`).
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct BatchResponse {
    batch_item_failures: Vec<Failure>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
struct Failure {
    item_identifier: String,
}

impl BatchResponse {
    /// A response that names these messages.
    #[must_use]
    pub fn new(failed: Vec<String>) -> Self {
        Self {
            batch_item_failures: failed
                .into_iter()
                .map(|item_identifier| Failure { item_identifier })
                .collect(),
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_batch_is_read_and_its_failures_are_named_as_lambda_expects() {
        let event: SqsEvent = serde_json::from_value(json!({"Records": [{
            "messageId": "m-1", "receiptHandle": "r", "body": "{}", "eventSource": "aws:sqs",
            "attributes": {"ApproximateReceiveCount": "3", "SentTimestamp": "1"}
        }]}))
        .unwrap();
        let message = Message::from(event.records[0].clone());
        assert_eq!(
            (
                message.id.as_str(),
                message.receipt.as_str(),
                message.deliveries
            ),
            ("m-1", "r", 3)
        );
        assert!(!format!("{event:?}").contains("{}"));
        let response = serde_json::to_value(BatchResponse::new(vec!["m-1".to_owned()])).unwrap();
        assert_eq!(
            response,
            json!({"batchItemFailures": [{"itemIdentifier": "m-1"}]})
        );
    }
}
