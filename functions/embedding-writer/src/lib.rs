//! The embedding writer: webhook events from the queue to rows in the database.
//!
//! A batch is indexed together. An event that can never be indexed goes to the dead letters with its reason; one that may
//! pass later is reported as failed and comes again, within seconds where a store is away; the others are done. Nothing is deleted before it is stored, and Lambda
//! deletes: the function itself has no need of that right.

pub mod config;
pub mod deps;
mod given_back;
pub mod sqs;

use std::collections::BTreeMap;
use std::time::Instant;

use aws_lambda_events::sqs::{SqsBatchResponse, SqsEvent};
use embedding::indexer::{Indexed, IndexingError, NotIndexed};
use futures::future::join_all;
use insights_core::WithCauses;
use insights_core::webhook::WebhookEvent;
use insights_http::Deadline;
use jiff::Timestamp;
use runtime::lambda::Invocation;
use runtime::metrics;
use store::queue::{Message, Queue};

pub use crate::deps::Deps;

/// How many messages of a batch came to which end.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct Report {
    /// Messages whose conversation is stored now.
    pub stored: usize,
    /// Messages whose conversation was removed, because its source has removed its text.
    pub removed: usize,
    /// Messages that changed nothing: delivered before, or older than what is stored.
    pub unchanged: usize,
    /// Messages that went to the dead letters.
    pub dead_lettered: usize,
    /// Ids of the messages that must come again.
    pub failed: Vec<String>,
    /// How many of those must come again because the database failed.
    pub store_errors: usize,
    /// How many of those must come again because the model or the service that embeds failed.
    pub model_errors: usize,
}

/// Handles a batch that Lambda took from SQS.
///
/// # Errors
/// If a message of the batch has no identifier. Every other failure is in the reply.
pub async fn handle(
    deps: &Deps,
    event: SqsEvent,
    invocation: Invocation,
) -> anyhow::Result<SqsBatchResponse> {
    let messages = sqs::messages(event)?;
    let report = process(deps, &messages, Deadline::at(invocation.deadline.into())).await;
    Ok(sqs::batch_response(report.failed))
}

/// Indexes the messages of a batch. Those that are not in [`Report::failed`] may be deleted.
pub async fn process(deps: &Deps, messages: &[Message], deadline: Deadline) -> Report {
    let started = Instant::now();
    let mut report = Report::default();
    let mut waiting_for_store: Vec<&Message> = Vec::new();
    let (mut events, mut sources) = (Vec::new(), Vec::new());
    let mut dead_letters: Vec<(&Message, String)> = Vec::new();
    let now = Timestamp::now();
    for message in messages {
        match WebhookEvent::parse(message.body.as_bytes(), now) {
            Ok(event) => {
                events.push(event);
                sources.push(message);
            }
            Err(invalid) => dead_letters.push((message, invalid.to_string())),
        }
    }
    let results = deps.indexer.index(events, deadline).await;
    let mut chunks = 0;
    let mut causes: BTreeMap<String, (IndexingError, Vec<&str>)> = BTreeMap::new();
    for (message, result) in sources.into_iter().zip(results) {
        match result {
            Ok(Indexed::Stored { chunks: rows }) => {
                report.stored += 1;
                chunks += rows;
            }
            Ok(Indexed::Removed) => report.removed += 1,
            Ok(Indexed::Unchanged | Indexed::Outdated) => report.unchanged += 1,
            Err(rejected @ NotIndexed::Rejected { .. }) => {
                let reason = WithCauses(&rejected).to_string();
                dead_letters.push((message, reason));
            }
            Err(NotIndexed::Later { source, .. }) => {
                report.failed.push(message.id.clone());
                if source.is_of_store() {
                    report.store_errors += 1;
                    waiting_for_store.push(message);
                } else {
                    report.model_errors += 1;
                }
                let of_one_kind = causes.entry(WithCauses(&source).to_string());
                let (_, message_ids) = of_one_kind.or_insert((source, Vec::new()));
                message_ids.push(&message.id);
            }
        }
    }
    // A database that is away fails every message of the batch in the same way, which is logged once.
    for (error, message_ids) in causes.into_values() {
        tracing::warn!(
            messages = message_ids.len(),
            message_ids = message_ids.join(" "),
            cause = %WithCauses(&error),
            "these messages were not indexed and come again"
        );
    }
    let buried = dead_letters
        .iter()
        .map(|(message, reason)| dead_letter(deps, message, reason));
    for ((message, _), is_buried) in dead_letters.iter().zip(join_all(buried).await) {
        if is_buried {
            report.dead_lettered += 1;
        } else {
            report.failed.push(message.id.clone());
            waiting_for_store.push(message);
        }
    }
    given_back::give_back(&deps.queue, &waiting_for_store, deadline).await;
    record(&report, chunks, started);
    report
}

/// Sends a message to the dead letters, and returns whether it may be deleted. A message whose dead letter cannot be sent is
/// received again.
async fn dead_letter(deps: &Deps, message: &Message, reason: &str) -> bool {
    match deps.queue.dead_letter(message, reason).await {
        Ok(()) => {
            tracing::error!(
                message_id = message.id,
                reason,
                "the message went to the dead letters"
            );
            true
        }
        Err(error) => {
            tracing::error!(message_id = message.id, reason, cause = %WithCauses(&error), "the dead letter was not sent; the message comes again");
            false
        }
    }
}

fn record(report: &Report, chunks: usize, started: Instant) {
    let duration_ms = started.elapsed().as_secs_f64() * 1e3;
    for (name, count) in [
        ("conversations_stored", report.stored),
        ("conversations_removed", report.removed),
        ("conversations_unchanged", report.unchanged),
        ("dead_letters", report.dead_lettered),
        ("model_errors", report.model_errors),
        ("store_errors", report.store_errors),
        ("inference_count", chunks),
    ] {
        if count > 0 {
            metrics::count(name, count as u64);
        }
    }
    metrics::observe("batch_ms", duration_ms);
    tracing::info!(
        stored = report.stored,
        removed = report.removed,
        unchanged = report.unchanged,
        dead_lettered = report.dead_lettered,
        failed = report.failed.len(),
        chunks,
        duration_ms,
        "the batch was processed"
    );
}

#[cfg(test)]
mod tests;
