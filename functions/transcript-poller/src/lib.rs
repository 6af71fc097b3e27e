//! The transcript poller: scores every final segment of every live call once, and within seconds sends the call's average,
//! its trend and, if the call goes bad, a suggestion to the contact center.
//!
//! - **Trigger:** an EventBridge schedule, once a minute. With several shards, the scheduled invocation starts one more
//!   invocation `{"shard": n}` for each of the other shards.
//! - **Reads:** the list of live calls and their states in the state store; the live transcripts of the contact center.
//! - **Writes:** the states of the calls; their rows on the board of supervisors; attributes of the interactions and suggestions in the contact center.
//! - **Idempotency keys:** a segment is scored once per interaction and segment identity (a hash of its times, speaker and
//!   text). A suggestion is sent with an `Idempotency-Key` that is stored before the first attempt and derived from the
//!   interaction, its registration and the number of the suggestion.
//!
//! # One invocation
//! 1. [`handle`] takes the shard from the [`Trigger`], starts invocations for the other shards if the schedule started this
//!    one, and follows the calls of its shard until shortly before the deadline (`POLL_HANDOVER_SECONDS`).
//! 2. [`poll`](fn@poll) reads the list of live calls every `POLL_RELIST_MS`. It starts one task for each new call and ends the task
//!    of each call that is no longer listed.
//! 3. A task claims its call: it reads the state and writes it with its own lease (`LEASE_SECONDS`), on the condition that
//!    nobody else wrote the state meanwhile. While another process holds the lease, the task waits and tries again.
//! 4. The task works in rounds. A round polls the transcript from the cursor or, for late segments, from some time behind it.
//!    A call in which nothing was said for long, while the polls succeeded, is ended.
//! 5. New final segments are scored, counted into the state and written with one conditional write. Only then attributes and
//!    suggestion are sent. [`insights_core::live`] decides all of this; this crate carries the decisions out.
//! 6. After a round the task waits for the idle time, or not at all if more segments are waiting, or for a growing time
//!    after failures.
//! 7. **Hand-over:** at the stop, rounds and deliveries that are underway get three seconds to end, and every task gives its
//!    lease back. The next invocation, which is waiting for the calls by then, claims them within two seconds.
//!
//! # The contacts of a tenant
//! A tenant has no list of live calls but that of its open digital contacts. The module `open_contacts` registers them where
//! `POLL_OPEN_CONTACTS` says so, and ends what has ended there.
//!
//! Where `CXONE_VOICE_NOTIFICATIONS` is on, the module `voice_watch` listens to the tenant's calls as well. What it hears waits in memory,
//! from which the rounds read it as they read any transcript.
//!
//! # What fails alone
//! - A send that fails has a delay of its own and is repeated beside the polls, which never wait for it.
//! - A segment that the provider of scores refuses, or fails on again and again, is counted without a score; the others of
//!   its batch count.
//! - A poll that fails delays the polls of its call. A 429, and a 403 that no other call contradicts, pause all polls.
//! - Whatever is done for a call belongs to its lease, which is renewed beside it. If the lease cannot be kept, it is ended.
//!
//! A process that dies gives no lease back. Its calls are claimed when the leases run out, and continued from the stored
//! states: what was scored and not written is scored again, what was not acknowledged is sent again with the same key.

mod call_follower;
mod call_selection;
pub mod config;
mod contact_center;
pub mod contact_times;
mod counted_batch;
mod deliveries;
pub mod deps;
mod ended_card;
mod fan_out;
mod leased_call;
pub mod live_center;
mod open_contacts;
pub mod poll;
mod request_pacer;
mod row_writer;
pub mod scorer;
mod segment_retries;
mod summary;
mod trigger;
pub mod voice_calls;
mod voice_watch;

use std::sync::Arc;

use anyhow::ensure;
use runtime::lambda::Invocation;
use tokio_util::sync::CancellationToken;

pub use crate::call_selection::CallSelection;
pub use crate::counted_batch::CountedBatch;
pub use crate::deps::Deps;
pub use crate::fan_out::FanOut;
pub use crate::poll::poll;
pub use crate::request_pacer::RequestPacer;
pub use crate::summary::PollSummary;
pub use crate::trigger::Trigger;

/// Follows the calls of a shard until shortly before the deadline of the invocation.
///
/// # Errors
/// Fails if the shard does not exist, if the first list of calls cannot be read, or if another invocation cannot be started.
pub async fn handle(
    deps: &Arc<Deps>,
    trigger: Trigger,
    invocation: Invocation,
) -> anyhow::Result<PollSummary> {
    let shards = deps.calls.shards();
    let shard = trigger.shard.unwrap_or(0);
    ensure!(
        shard < shards,
        "there is no shard {shard}; POLL_SHARDS is {shards}"
    );
    let fan_out_result = match &deps.fan_out {
        Some(fan_out) if trigger.shard.is_none() => fan_out.start_shards(1..shards).await,
        _ => Ok(()),
    };
    let stop = CancellationToken::new();
    let handover = invocation.stop_before(deps.config.handover);
    let handover_stop = stop.clone();
    let timer = tokio::spawn(async move {
        tokio::time::sleep_until(handover.instant()).await;
        handover_stop.cancel();
    });
    let summary = poll(
        deps,
        CallSelection::Shards(vec![shard]),
        &invocation.request_id,
        stop,
    )
    .await;
    timer.abort();
    // The calls of this shard come first. That the calls of another shard were not followed is still an error.
    fan_out_result?;
    summary
}

#[cfg(test)]
mod tests;
