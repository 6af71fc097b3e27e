//! All calls of a shard, or chosen ones, followed at once until told to stop.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use anyhow::Context;
use backends::interactions::Entry;
use insights_core::live::interaction::Reason;
use jiff::Timestamp;
use serde::Serialize;
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use crate::Deps;
use crate::follow::{Follower, Round};

/// The longest wait for a call that somebody else holds: a lease that is given back is taken up within it.
const HELD_WAIT: Duration = Duration::from_secs(2);

/// Which calls to follow.
#[derive(Debug, Clone)]
pub enum Calls {
    /// Those listed in these shards, as they come and go.
    Shards(Vec<u32>),
    /// These, listed or not, until told to stop.
    These(Vec<String>),
}

/// What was done.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
pub struct Summary {
    /// Calls that were followed.
    pub calls: u64,
    /// Batches scored.
    pub batches: u64,
    /// Segments scored.
    pub segments: u64,
    /// Suggestions sent.
    pub suggestions: u64,
    /// Rounds in which something failed.
    pub failures: u64,
}

/// What all followers of a run have done so far.
#[derive(Debug, Default)]
pub(crate) struct Tally {
    batches: AtomicU64,
    segments: AtomicU64,
    suggestions: AtomicU64,
    failures: AtomicU64,
}

impl Tally {
    pub(crate) fn counted(&self, segments: usize) {
        self.batches.fetch_add(1, Ordering::Relaxed);
        self.segments.fetch_add(segments as u64, Ordering::Relaxed);
    }

    pub(crate) fn suggested(&self) {
        self.suggestions.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn failed(&self) {
        self.failures.fetch_add(1, Ordering::Relaxed);
    }
}

/// How long a round that is underway at the stop may take to end. What it has not done by then is as after a crash:
/// the next process does it.
const GRACE: Duration = Duration::from_secs(3);

/// The calls that tasks follow. A task sees a new entry of its call here, and ends when its sender is dropped; a sender
/// whose task has ended is closed.
type Followed = HashMap<String, watch::Sender<Entry>>;

/// Follows calls until `stop`, then gives their leases back. `holder` names this run in the leases: unique.
///
/// # Errors
/// If the calls cannot be listed the first time; later failures are logged and tried again.
pub async fn poll(
    deps: &Arc<Deps>,
    calls: Calls,
    holder: &str,
    stop: CancellationToken,
) -> anyhow::Result<Summary> {
    let run = Run {
        deps: Arc::clone(deps),
        tally: Arc::default(),
        holder: holder.into(),
        stop,
    };
    let (mut tasks, mut followed, mut seen) = (JoinSet::new(), Followed::new(), 0);
    let mut listed = run.list(&calls).await.context("cannot list the live calls");
    let mut first = true;
    loop {
        match listed {
            Ok(entries) => {
                run.reconcile(entries, &mut followed, &mut tasks, &mut seen);
                deps.pace.set_calls(followed.len());
                runtime::metrics::gauge("live_calls", followed.len() as f64);
            }
            Err(error) if first => return Err(error),
            Err(error) => tracing::warn!(
                cause = %insights_core::WithCauses(error.as_ref()),
                "the list of calls was not read"
            ),
        }
        first = false;
        tokio::select! {
            // First: tasks that the stop ended must not look like calls that are registered again.
            biased;
            () = run.stop.cancelled() => break,
            () = tokio::time::sleep(deps.config.relist) => {}
        }
        while let Some(ended) = tasks.try_join_next() {
            if let Err(error) = ended {
                tracing::error!(%error, "a call's task failed; it is followed anew");
            }
        }
        // A call that has ended may be registered again; chosen ones are not asked for again.
        if matches!(calls, Calls::Shards(_)) {
            followed.retain(|_, entry| !entry.is_closed());
        }
        listed = run.list(&calls).await.context("cannot list the live calls");
    }
    while tasks.join_next().await.is_some() {}
    let tally = &run.tally;
    let [batches, segments, suggestions, failures] = [
        &tally.batches,
        &tally.segments,
        &tally.suggestions,
        &tally.failures,
    ]
    .map(|n| n.load(Ordering::Relaxed));
    let summary = Summary {
        calls: seen,
        batches,
        segments,
        suggestions,
        failures,
    };
    tracing::info!(
        calls = seen,
        batches,
        segments,
        suggestions,
        failures,
        "handed over"
    );
    Ok(summary)
}

#[derive(Clone)]
struct Run {
    deps: Arc<Deps>,
    tally: Arc<Tally>,
    holder: Arc<str>,
    stop: CancellationToken,
}

impl Run {
    async fn list(&self, calls: &Calls) -> Result<Vec<(Option<u32>, Entry)>, store::Error> {
        let mut all = Vec::new();
        match calls {
            Calls::These(ids) => {
                all.extend(ids.iter().map(|id| {
                    (
                        None,
                        Entry {
                            id: id.clone(),
                            version: 0,
                        },
                    )
                }));
            }
            Calls::Shards(shards) => {
                for shard in shards {
                    let entries = self.deps.calls.list(*shard, Timestamp::now()).await?;
                    all.extend(entries.into_iter().map(|entry| (Some(*shard), entry)));
                }
            }
        }
        if all.len() > self.deps.config.max_calls {
            let (calls, followed) = (all.len(), self.deps.config.max_calls);
            tracing::error!(
                calls,
                followed,
                "more calls than one invocation follows: raise POLL_SHARDS"
            );
            runtime::metrics::count("calls_unfollowed", (calls - followed) as u64);
            all.truncate(followed);
        }
        Ok(all)
    }

    /// Begins to follow new calls, tells tasks of changed entries, and lets those go whose call is gone from the list.
    fn reconcile(
        &self,
        entries: Vec<(Option<u32>, Entry)>,
        followed: &mut Followed,
        tasks: &mut JoinSet<()>,
        seen: &mut u64,
    ) {
        let listed: std::collections::HashSet<&String> =
            entries.iter().map(|(_, entry)| &entry.id).collect();
        followed.retain(|id, _| listed.contains(id));
        for (shard, entry) in entries {
            if let Some(sender) = followed.get(&entry.id) {
                sender.send_if_modified(|known| {
                    let changed = *known != entry;
                    known.clone_from(&entry);
                    changed
                });
                continue;
            }
            let (sender, receiver) = watch::channel(entry.clone());
            *seen += 1;
            followed.insert(entry.id, sender);
            tasks.spawn(self.clone().follow(shard, receiver));
        }
    }

    /// One call's task: rounds with pauses until the call ends, leaves the list, or the run stops.
    async fn follow(self, shard: Option<u32>, mut entry: watch::Receiver<Entry>) {
        let id = entry.borrow_and_update().id.clone();
        let mut follower = Follower::new(&self.deps, &self.tally, &id, &self.holder);
        // A list that was just read begins everywhere in the idle time, not all at once.
        let mut wait = self.deps.config.idle.mul_f64(rand::random::<f64>() * 0.5);
        loop {
            tokio::select! {
                () = self.stop.cancelled() => break,
                () = tokio::time::sleep(wait) => {}
                changed = entry.changed() => {
                    if changed.is_err() { break }
                    follower.reload();
                }
            }
            let known = entry.borrow().version;
            let round = tokio::select! {
                round = follower.round() => round,
                () = self.grace() => break,
            };
            wait = match round {
                Round::More => Duration::ZERO,
                Round::Idle => self.deps.pace.idle(),
                Round::Failed => self.deps.pace.backoff(follower.failures()),
                Round::Held(until) => Duration::try_from(until.duration_since(Timestamp::now()))
                    .unwrap_or_default()
                    .min(HELD_WAIT),
                Round::Ended(reason) => {
                    self.ended(
                        shard,
                        &Entry {
                            id: id.clone(),
                            version: known,
                        },
                        reason,
                    )
                    .await;
                    return;
                }
            };
        }
        follower.release().await;
    }

    async fn grace(&self) {
        self.stop.cancelled().await;
        tokio::time::sleep(GRACE).await;
    }

    async fn ended(&self, shard: Option<u32>, entry: &Entry, reason: Reason) {
        tracing::info!(interaction = entry.id, ?reason, "no longer followed");
        let Some(shard) = shard else { return };
        if let Err(error) = self.deps.calls.unlist(shard, entry, Timestamp::now()).await {
            let cause = insights_core::WithCauses(&error).to_string();
            tracing::warn!(
                interaction = entry.id,
                cause,
                "the call stays listed until the next poll"
            );
        }
    }
}
