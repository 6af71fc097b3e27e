//! Follows all calls of a shard, or chosen calls, at the same time until a stop is requested.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use backends::interactions::ListedInteraction;
use insights_core::WithCauses;
use insights_core::live::EndReason;
use jiff::Timestamp;
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use crate::call_follower::{CallFollower, RoundOutcome};
use crate::call_selection::CallSelection;
use crate::deps::Deps;
use crate::open_contacts;
use crate::summary::{PollSummary, RunCounters};
use crate::voice_watch;

/// Longest delay before a call is claimed again whose lease another process holds. A lease that is given back early is thus
/// taken up within this time.
const MAX_CLAIM_DELAY: Duration = Duration::from_secs(2);

/// Longest delay before a call looks again at an endpoint whose circuit breaker is open.
const MAX_CLOSED_DELAY: Duration = Duration::from_secs(30);

/// Time for rounds that are underway at the stop. What a round has not done by then is as after a crash: the next process
/// does it.
const ROUND_GRACE: Duration = Duration::from_secs(3);

/// A call to follow, with the shard in whose list it was found.
struct SelectedCall {
    shard: Option<u32>,
    entry: ListedInteraction,
}

/// The calls that have a task, by their identifiers. A task receives new list entries of its call through the sender, and
/// ends when the sender is dropped. The sender of a task that has ended is closed.
type FollowedCalls = HashMap<String, watch::Sender<ListedInteraction>>;

/// Follows calls until `stop` is canceled, and then gives their leases back. `holder` begins the name of this run in the leases.
///
/// A random end makes the name unique: an invocation that is delivered twice has one request identifier, and two runs that
/// share a lease would work on one call at the same time.
///
/// # Errors
/// Fails if the first list of calls cannot be read. Later failures are logged, and the list is read again.
pub async fn poll(
    deps: &Arc<Deps>,
    selection: CallSelection,
    holder: &str,
    stop: CancellationToken,
) -> anyhow::Result<PollSummary> {
    let run = PollRun {
        deps: Arc::clone(deps),
        counters: Arc::default(),
        holder: format!("{holder}/{:016x}", rand::random::<u64>()).into(),
        stop,
    };
    // The run with the first list of calls watches the contacts of a tenant for all runs.
    let has_first_list = matches!(&selection, CallSelection::Shards(shards) if shards.contains(&0));
    let _contacts = has_first_list
        .then(|| open_contacts::watch(deps, &run.holder, &run.stop))
        .flatten();
    let _voice = voice_watch::watch(deps, &selection, &run.stop);
    let (mut tasks, mut followed, mut call_count) = (JoinSet::new(), FollowedCalls::new(), 0);
    let mut listed = run.list_calls(&selection).await;
    let mut is_first = true;
    loop {
        match listed.context("cannot list the live calls") {
            Ok(calls) => {
                call_count += run.reconcile(calls, &mut followed, &mut tasks);
                deps.pacer.set_followed_calls(followed.len());
                runtime::metrics::gauge("live_calls", followed.len() as f64);
            }
            Err(error) if is_first => return Err(error),
            Err(error) => tracing::warn!(
                cause = %WithCauses(error.as_ref()),
                "the list of live calls was not read"
            ),
        }
        is_first = false;
        tokio::select! {
            // The stop is looked at first: a task that it has ended must not look like a call that has ended by itself,
            // which would be followed again.
            biased;
            () = run.stop.cancelled() => break,
            () = tokio::time::sleep(deps.config.relist) => {}
        }
        while let Some(result) = tasks.try_join_next() {
            if let Err(error) = result {
                tracing::error!(
                    cause = %WithCauses(&error),
                    "the task of a call failed; the call is followed again"
                );
            }
        }
        // A listed call that has ended may be registered again and then needs a new task. Chosen calls are followed once.
        if matches!(selection, CallSelection::Shards(_)) {
            followed.retain(|_, entry| !entry.is_closed());
        }
        deps.refresh_rules().await;
        listed = run.list_calls(&selection).await;
    }
    while tasks.join_next().await.is_some() {}
    let summary = run.counters.summarize(call_count);
    tracing::info!(
        calls = summary.calls,
        batches = summary.batches,
        segments = summary.segments,
        suggestions = summary.suggestions,
        failures = summary.failures,
        "all live calls were handed over"
    );
    Ok(summary)
}

/// One run of the poller: what the tasks of all its calls share.
#[derive(Clone)]
struct PollRun {
    deps: Arc<Deps>,
    counters: Arc<RunCounters>,
    holder: Arc<str>,
    stop: CancellationToken,
}

impl PollRun {
    async fn list_calls(
        &self,
        selection: &CallSelection,
    ) -> Result<Vec<SelectedCall>, store::Error> {
        let mut calls = Vec::new();
        match selection {
            CallSelection::Ids(ids) => calls.extend(ids.iter().map(|id| SelectedCall {
                shard: None,
                entry: ListedInteraction {
                    id: id.clone(),
                    version: 0,
                },
            })),
            CallSelection::Shards(shards) => {
                for &shard in shards {
                    let entries = self.deps.calls.list(shard, Timestamp::now()).await?;
                    calls.extend(entries.into_iter().map(|entry| SelectedCall {
                        shard: Some(shard),
                        entry,
                    }));
                }
            }
        }
        let max_calls = self.deps.config.max_calls;
        if calls.len() > max_calls {
            tracing::error!(
                calls = calls.len(),
                max_calls,
                "there are more live calls than one invocation follows: raise POLL_SHARDS"
            );
        }
        let unfollowed = calls.len().saturating_sub(max_calls);
        runtime::metrics::gauge("calls_unfollowed", unfollowed as f64);
        calls.truncate(max_calls);
        Ok(calls)
    }

    /// Starts tasks for new calls, passes changed list entries on to the tasks of their calls, and ends the tasks of calls
    /// that are no longer listed. Returns the number of started tasks.
    fn reconcile(
        &self,
        calls: Vec<SelectedCall>,
        followed: &mut FollowedCalls,
        tasks: &mut JoinSet<()>,
    ) -> u64 {
        let listed: HashSet<&String> = calls.iter().map(|call| &call.entry.id).collect();
        followed.retain(|id, _| listed.contains(id));
        let mut started = 0;
        for SelectedCall { shard, entry } in calls {
            if let Some(sender) = followed.get(&entry.id) {
                sender.send_if_modified(|known| {
                    let is_changed = *known != entry;
                    known.clone_from(&entry);
                    is_changed
                });
                continue;
            }
            let (sender, receiver) = watch::channel(entry.clone());
            followed.insert(entry.id, sender);
            tasks.spawn(self.clone().follow_call(shard, receiver));
            started += 1;
        }
        started
    }

    /// Runs the rounds of one call until the call ends, leaves the list, or the run stops.
    async fn follow_call(self, shard: Option<u32>, mut entry: watch::Receiver<ListedInteraction>) {
        let id = entry.borrow_and_update().id.clone();
        let mut follower = CallFollower::new(&self.deps, &self.counters, &id, &self.holder);
        // The calls of a list that was just read begin at random times, so that their polls do not coincide.
        let jitter = rand::random::<f64>() * 0.5;
        let mut next_round = Instant::now() + self.deps.config.idle.mul_f64(jitter);
        let mut delivery_grace = ROUND_GRACE;
        loop {
            tokio::select! {
                () = self.stop.cancelled() => break,
                () = tokio::time::sleep_until(next_round) => {}
                changed = entry.changed() => {
                    if changed.is_err() { break }
                    follower.forget_state();
                }
                () = follower.wait_for_delivery() => {
                    follower.settle_deliveries().await;
                    continue;
                }
            }
            // The version before the round: if the call is registered again during the round, the entry has a newer version
            // and is not removed when the round finds the call ended.
            let version = entry.borrow().version;
            let outcome = tokio::select! {
                outcome = follower.run_round() => outcome,
                () = self.wait_for_round_grace() => {
                    delivery_grace = Duration::ZERO;
                    break;
                }
            };
            let delay = match outcome {
                RoundOutcome::MoreWaiting => Duration::ZERO,
                RoundOutcome::CaughtUp => self.deps.pacer.idle_delay(),
                RoundOutcome::Failed => self.deps.pacer.retry_delay(follower.failed_rounds()),
                RoundOutcome::EndpointClosed(duration) => {
                    duration.min(MAX_CLOSED_DELAY) + self.deps.pacer.idle_delay()
                }
                RoundOutcome::LeasedUntil(until) => {
                    Duration::try_from(until.duration_since(Timestamp::now()))
                        .unwrap_or_default()
                        .min(MAX_CLAIM_DELAY)
                }
                RoundOutcome::Ended(reason) => {
                    // Before the entry goes, so that a process that dies here leaves it to the next one.
                    follower.keep_card().await;
                    follower.remove_row().await;
                    self.unlist(
                        shard,
                        &ListedInteraction {
                            id: id.clone(),
                            version,
                        },
                        reason,
                    )
                    .await;
                    return;
                }
            };
            next_round = Instant::now() + delay;
        }
        follower.hand_over(delivery_grace).await;
    }

    async fn wait_for_round_grace(&self) {
        self.stop.cancelled().await;
        tokio::time::sleep(ROUND_GRACE).await;
    }

    /// Removes a call that has ended from the list of its shard.
    async fn unlist(&self, shard: Option<u32>, entry: &ListedInteraction, reason: EndReason) {
        tracing::info!(
            interaction_id = entry.id,
            ?reason,
            "the call has ended and is no longer followed"
        );
        let Some(shard) = shard else { return };
        if let Err(error) = self.deps.calls.unlist(shard, entry, Timestamp::now()).await {
            tracing::warn!(
                interaction_id = entry.id,
                cause = %WithCauses(&error),
                "the call was not removed from the list of live calls"
            );
        }
    }
}
