#![doc = include_str!("../README.md")]

pub mod config;
mod delivery;
pub mod deps;
mod ended_notices;
mod event;
mod memory;
pub mod sink;
mod summary;

use std::time::Duration;

use anyhow::Context;
use backends::erasure::ErasedConversations;
use backends::lease_guard::Leases;
use insights_core::WithCauses;
use insights_core::feed::KnownConversation;
use insights_http::Deadline;
use runtime::metrics;

pub use crate::deps::Deps;
pub use crate::summary::Summary;

use crate::delivery::{Delivering, deliver_pending};
use crate::ended_notices::EndedNotices;
use crate::memory::{FeedMemory, Stored};

/// How long a lease lasts that is not renewed.
const LEASE_DURATION: Duration = Duration::from_secs(60);

/// Longest time of one step of the list, tries and waits between them included.
const STEP_TIMEOUT: Duration = Duration::from_secs(120);

/// Feeds until the list is read and everything is delivered that can be, or until the deadline.
///
/// # Errors
/// If the contact center refuses the credentials or a right, or the state store or the sink fails. What was done until then stays
/// done, and the next run goes on behind it.
pub async fn feed(deps: &Deps, deadline: Deadline) -> anyhow::Result<Summary> {
    let memory = FeedMemory::new(&deps.state, deps.source.name());
    let clock = std::sync::Arc::clone(&deps.clock);
    let leases = Leases::with_clock(deps.state.clone(), clock);
    let holder = uuid::Uuid::new_v4().to_string();
    let guard = leases
        .try_acquire(memory.lease_key(), &holder, LEASE_DURATION)
        .await
        .context("the lease of the feeder could not be taken")?;
    let Some(guard) = guard else {
        tracing::info!("another run of the feeder is at work");
        return Ok(Summary {
            is_busy: true,
            ..Summary::default()
        });
    };
    let result = guard.run(feed_under_lease(deps, &memory, deadline)).await;
    if let Err(error) = guard.release().await {
        tracing::warn!(
            cause = %WithCauses(&error),
            "the lease of the feeder was not given back and ends by itself"
        );
    }
    let summary = result.context("another run may be at work")??;
    record(&summary);
    Ok(summary)
}

async fn feed_under_lease(
    deps: &Deps,
    memory: &FeedMemory<'_>,
    deadline: Deadline,
) -> anyhow::Result<Summary> {
    let mut summary = Summary::default();
    // The contact center still knows conversations that were erased here.
    let erased = ErasedConversations::read(&deps.state, (deps.clock)())
        .await
        .context("the records of erasures were not read")?;
    let mut delivering = Delivering::new(deps, memory, &erased, deadline);
    let has_time = deliver_pending(&mut delivering, &mut summary).await?;
    if has_time {
        let notices = EndedNotices::read(deps, memory).await?;
        let hints = notices.unknown_contacts();
        summary.is_complete =
            read_list(deps, memory, hints, deadline, &mut delivering, &mut summary).await?;
        if summary.is_complete {
            notices.remove(deps).await?;
        }
        summary.waiting = 0;
        deliver_pending(&mut delivering, &mut summary).await?;
    }
    Ok(summary)
}

/// Reads the list behind the checkpoint, and delivers between its pages what they bring. Returns whether the list was read to its
/// end.
async fn read_list(
    deps: &Deps,
    memory: &FeedMemory<'_>,
    hints: &[String],
    deadline: Deadline,
    delivering: &mut Delivering<'_>,
    summary: &mut Summary,
) -> anyhow::Result<bool> {
    let now = (deps.clock)();
    let checkpoint = memory.checkpoint(now).await?;
    let source = &deps.source;
    let mut list = source.finished_since(checkpoint.as_deref(), hints, now)?;
    loop {
        let page = match list.next_page(deadline.or_within(STEP_TIMEOUT)).await {
            Ok(Some(page)) => page,
            Ok(None) => return Ok(true),
            Err(error) if error.is_retryable() => {
                tracing::warn!(
                    cause = %WithCauses(&error),
                    "the list of finished conversations was not read to its end, the next run goes on"
                );
                summary.interruption = Some(WithCauses(&error).to_string());
                return Ok(false);
            }
            Err(error) => {
                return Err(error).context("the list of finished conversations cannot be read");
            }
        };
        summary.unusable += page.unusable;
        let mut changed = Vec::new();
        for conversation in page.conversations {
            summary.listed += 1;
            if delivering.is_erased(&conversation.conversation_id) {
                continue;
            }
            let id = conversation.conversation_id.clone();
            if note(deps, memory, conversation).await? {
                changed.push(id);
            }
        }
        summary.changed += changed.len();
        if let Some(checkpoint) = page.checkpoint {
            memory.store_checkpoint(checkpoint, (deps.clock)()).await?;
        }
        if !delivering.deliver(changed, summary).await? {
            return Ok(false);
        }
    }
}

/// Notes a conversation that the list names. Returns whether it is new or has changed.
async fn note(
    deps: &Deps,
    memory: &FeedMemory<'_>,
    conversation: insights_core::analytics::Conversation,
) -> anyhow::Result<bool> {
    let now = (deps.clock)();
    let id = conversation.conversation_id.clone();
    let stored = memory.known(&id, now).await?;
    let mut stored = match stored {
        None => Stored::new(KnownConversation::new(conversation)),
        Some(mut stored) => {
            if !stored.known.merge(conversation) {
                return Ok(false);
            }
            stored
        }
    };
    memory.mark_pending(&id, now).await?;
    memory.store(&mut stored, now).await?;
    Ok(true)
}

fn record(summary: &Summary) {
    for (name, count) in [
        ("feed_conversations_listed", summary.listed),
        ("feed_conversations_delivered", summary.delivered),
        ("feed_conversations_removed", summary.removed),
        ("feed_conversations_without_text", summary.without_text),
    ] {
        if count > 0 {
            metrics::count(name, count as u64);
        }
    }
    if summary.is_complete {
        metrics::count("feed_lists_completed", 1);
    }
    metrics::gauge("feed_conversations_waiting", summary.waiting as f64);
    tracing::info!(
        listed = summary.listed,
        changed = summary.changed,
        delivered = summary.delivered,
        removed = summary.removed,
        without_text = summary.without_text,
        waiting = summary.waiting,
        unusable = summary.unusable,
        is_complete = summary.is_complete,
        "the feeder has read the list of finished conversations"
    );
}
