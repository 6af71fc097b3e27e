//! The batch that Lambda takes from SQS, as messages of a queue, and the reply that names those which must come again.

use anyhow::Context;
use aws_lambda_events::sqs::{SqsBatchResponse, SqsEvent, SqsMessage};
use store::queue::Message;

/// Returns the messages of a batch.
///
/// # Errors
/// If a message has no identifier, without which its failure could not be reported.
pub fn messages(event: SqsEvent) -> anyhow::Result<Vec<Message>> {
    event.records.into_iter().map(message).collect()
}

fn message(record: SqsMessage) -> anyhow::Result<Message> {
    let receive_count = record.attributes.get("ApproximateReceiveCount");
    Ok(Message {
        id: record
            .message_id
            .context("a message of the batch has no messageId")?,
        receipt: record.receipt_handle.unwrap_or_default(),
        body: record.body.unwrap_or_default(),
        deliveries: receive_count
            .and_then(|count| count.parse().ok())
            .unwrap_or(1),
    })
}

/// Returns the reply that names the failed messages; SQS delivers them again, since the event source has
/// `ReportBatchItemFailures`.
#[must_use]
pub fn batch_response(failed: Vec<String>) -> SqsBatchResponse {
    let mut response = SqsBatchResponse::default();
    response.set_failures(failed);
    response
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
        let message = messages(event).unwrap().remove(0);
        assert_eq!(
            (
                message.id.as_str(),
                message.receipt.as_str(),
                message.body.as_str(),
                message.deliveries
            ),
            ("m-1", "r", "{}", 3)
        );
        let response = serde_json::to_value(batch_response(vec!["m-1".to_owned()])).unwrap();
        assert_eq!(
            response,
            json!({"batchItemFailures": [{"itemIdentifier": "m-1"}]})
        );
    }

    #[test]
    fn a_message_with_less_than_all_fields_is_read_and_one_without_an_identifier_is_refused() {
        let event = |record| serde_json::from_value(json!({ "Records": [record] })).unwrap();
        let message = messages(event(json!({"messageId": "m-1"})))
            .unwrap()
            .remove(0);
        assert_eq!((message.body.as_str(), message.deliveries), ("", 1));
        let error = messages(event(json!({"body": "{}"}))).unwrap_err();
        assert_eq!(error.to_string(), "a message of the batch has no messageId");
    }
}
