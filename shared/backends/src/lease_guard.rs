//! Leases that renew themselves while their holder works, and cancel the work when they are lost.
//!
//! A [`LeaseGuard`] is the only way in which the product holds a lease of the state store for longer than one call: the
//! renewal of an access token and the chat session of an agent each hold one. The poller's right to work on a live
//! interaction is a different thing: the holder is a field of the interaction's item, so that one conditional write both
//! stores the state and proves that its writer still holds the interaction. A lease in an item of its own could not
//! fence that write.
//!
//! What a guard promises:
//! - The lease is renewed three times within its duration, and more often while renewals fail.
//! - No call to the store outlasts the lease: a store that hangs cannot make the holder believe that it still holds.
//! - [`LeaseGuard::lost`] is canceled when another holder took the lease, and a safety margin before the lease ends
//!   without a renewal, so that the work can stop before another holder begins.
//! - A renewal whose answer was lost is recognized as the holder's own write, not mistaken for another holder.

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use insights_core::WithCauses;
use jiff::{SignedDuration, Timestamp};
use store::Error;
use store::state::lease::Lease;
use store::state::{Key, StateStore};
use tokio::sync::oneshot;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

/// How many renewals are made within the duration of a lease while the store answers; also the part of the duration that one
/// renewal may take.
const RENEWALS_PER_DURATION: u32 = 3;
/// How many pauses after a failed renewal fit in the duration of a lease.
const RETRY_PAUSES_PER_DURATION: u32 = 10;
/// How many safety margins fit in the duration of a lease, which counts as lost one margin before its end: the clocks of two
/// machines differ, and canceled work takes a moment to stop.
const MARGINS_PER_DURATION: u32 = 20;
/// Pause between two tries to take a lease that somebody else holds.
const ACQUIRE_INTERVAL: Duration = Duration::from_millis(500);

/// Tells the time of day. Leases are compared between machines, so that this is the wall clock and not a monotonic one.
pub type Clock = Arc<dyn Fn() -> Timestamp + Send + Sync>;

/// Access to the leases of one state store.
#[derive(Clone)]
pub struct Leases<S> {
    store: S,
    clock: Clock,
}

impl<S> std::fmt::Debug for Leases<S> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Leases").finish_non_exhaustive()
    }
}

impl<S: StateStore + Clone + 'static> Leases<S> {
    /// Creates the access to the leases of `store`, with the clock of the system.
    #[must_use]
    pub fn new(store: S) -> Self {
        Self::with_clock(store, Arc::new(Timestamp::now))
    }

    /// Creates the access to the leases of `store`, with another clock, for tests.
    #[must_use]
    pub fn with_clock(store: S, clock: Clock) -> Self {
        Self { store, clock }
    }

    /// Takes the lease `key` for `holder` if nobody else holds it, and keeps it until the guard is released or dropped;
    /// returns `None` if somebody else holds it. `holder` is a name that no other holder has.
    ///
    /// If the process dies, the lease ends by itself after `duration`.
    ///
    /// # Errors
    /// The errors of the store. [`Error::Limit`] if `duration` is longer than a timestamp can express.
    pub async fn try_acquire(
        &self,
        key: Key,
        holder: &str,
        duration: Duration,
    ) -> Result<Option<LeaseGuard>, Error> {
        let stored_duration = SignedDuration::try_from(duration).map_err(|error| Error::Limit {
            what: format!("the duration of the lease {key}"),
            limit: "it must fit a timestamp".to_owned(),
            source: Some(Box::new(error)),
        })?;
        // Measured before the call: the stored end counts from the moment at which the call was made.
        let asked = Instant::now();
        let now = (self.clock)();
        let lease = Lease::acquire(&self.store, key, holder, stored_duration, now).await?;
        Ok(lease.map(|lease| {
            LeaseGuard::keep(Keeper {
                leases: self.clone(),
                ends: end_of(asked, duration),
                lease,
                duration,
                stored_duration,
                lost: CancellationToken::new(),
            })
        }))
    }

    /// Takes the lease as [`Self::try_acquire`] does, and waits up to `wait` for another holder to release it or to let it
    /// end.
    ///
    /// # Errors
    /// As [`Self::try_acquire`].
    pub async fn acquire_within(
        &self,
        key: Key,
        holder: &str,
        duration: Duration,
        wait: Duration,
    ) -> Result<Option<LeaseGuard>, Error> {
        let until = Instant::now() + wait;
        loop {
            let guard = self.try_acquire(key.clone(), holder, duration).await?;
            if guard.is_some() || Instant::now() >= until {
                return Ok(guard);
            }
            tokio::time::sleep_until(until.min(Instant::now() + ACQUIRE_INTERVAL)).await;
        }
    }
}

/// The work was canceled because its lease was lost.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the lease {key} was lost")]
pub struct LeaseLost {
    /// The lease that was lost.
    pub key: Key,
}

/// A lease that is held, and renewed by a task of its own until the guard is released or dropped.
///
/// A guard that is dropped gives the lease back in the background, so that a canceled caller does not keep others waiting;
/// [`Self::expire_on_drop`] changes that.
#[derive(Debug)]
#[must_use = "a guard that is dropped gives the lease back"]
pub struct LeaseGuard {
    key: Key,
    lost: CancellationToken,
    /// Tells the task to release the lease and to say how that went.
    release: Option<oneshot::Sender<oneshot::Sender<Result<(), Error>>>>,
    task: tokio::task::JoinHandle<()>,
    releases_on_drop: bool,
}

impl LeaseGuard {
    fn keep<S: StateStore + Clone + 'static>(keeper: Keeper<S>) -> Self {
        let (release, asked_to_release) = oneshot::channel();
        Self {
            key: keeper.lease.key.clone(),
            lost: keeper.lost.clone(),
            release: Some(release),
            task: tokio::spawn(keeper.run(asked_to_release)),
            releases_on_drop: true,
        }
    }

    /// Changes what happens when the guard is dropped: the lease is renewed no longer and ends by itself, as it does when
    /// the process dies. For holders whose successor must not begin at once after a failure.
    pub fn expire_on_drop(mut self) -> Self {
        self.releases_on_drop = false;
        self
    }

    /// Returns the key of the lease.
    #[must_use]
    pub fn key(&self) -> &Key {
        &self.key
    }

    /// Returns a token that is canceled when the lease is lost. The token stays as it is when the lease is released.
    #[must_use]
    pub fn lost(&self) -> CancellationToken {
        self.lost.clone()
    }

    /// Returns whether the lease is held still.
    #[must_use]
    pub fn is_held(&self) -> bool {
        !self.lost.is_cancelled()
    }

    /// Runs `work` while the lease is held, and drops it at its next await point when the lease is lost.
    ///
    /// # Errors
    /// [`LeaseLost`] if the lease was lost before the work was done.
    pub async fn run<F: Future>(&self, work: F) -> Result<F::Output, LeaseLost> {
        tokio::select! {
            biased;
            () = self.lost.cancelled() => Err(LeaseLost { key: self.key.clone() }),
            output = work => Ok(output),
        }
    }

    /// Gives the lease back, so that the next holder need not wait. A lease that was lost already stays with its new
    /// holder.
    ///
    /// # Errors
    /// The errors of the store; the lease then ends by itself.
    pub async fn release(mut self) -> Result<(), Error> {
        let (answer, answered) = oneshot::channel();
        let asked = match self.release.take() {
            Some(release) => release.send(answer).is_ok(),
            None => false,
        };
        // A task that has ended already lost its lease: there is nothing to give back.
        if !asked {
            return Ok(());
        }
        answered.await.unwrap_or(Ok(()))
    }
}

impl Drop for LeaseGuard {
    fn drop(&mut self) {
        // Without a receiver of its answer the task logs a failed release itself.
        match self.release.take() {
            Some(release) if self.releases_on_drop => {
                let (answer, _) = oneshot::channel();
                let _task_ended = release.send(answer);
            }
            Some(_) => self.task.abort(),
            None => {}
        }
    }
}

/// The task that renews one lease.
struct Keeper<S> {
    leases: Leases<S>,
    lease: Lease,
    duration: Duration,
    stored_duration: SignedDuration,
    /// The moment at which the lease counts as lost unless it is renewed before.
    ends: Instant,
    lost: CancellationToken,
}

/// What one try to renew a lease has led to.
enum Renewal {
    Renewed,
    TakenByAnother,
    Failed(Error),
    NotAnswered,
}

impl<S: StateStore + Clone + 'static> Keeper<S> {
    async fn run(
        mut self,
        mut asked_to_release: oneshot::Receiver<oneshot::Sender<Result<(), Error>>>,
    ) {
        let mut pause = self.duration / RENEWALS_PER_DURATION;
        loop {
            tokio::select! {
                asked = &mut asked_to_release => {
                    if let Ok(answer) = asked {
                        self.release(answer).await;
                    }
                    return;
                }
                () = tokio::time::sleep_until(self.ends.min(Instant::now() + pause)) => {}
            }
            // A function that was frozen wakes up here: its monotonic clock may have stood still, the wall clock has not.
            if self.has_ended() {
                tracing::error!(lease = %self.lease.key, "the lease ended before it was renewed");
                return self.lost.cancel();
            }
            pause = match self.renew().await {
                Renewal::Renewed => self.duration / RENEWALS_PER_DURATION,
                Renewal::TakenByAnother => {
                    tracing::warn!(lease = %self.lease.key, "the lease was lost to another holder");
                    return self.lost.cancel();
                }
                Renewal::Failed(error) => {
                    tracing::warn!(
                        lease = %self.lease.key,
                        cause = %WithCauses(&error),
                        "the lease was not renewed, trying again"
                    );
                    self.duration / RETRY_PAUSES_PER_DURATION
                }
                Renewal::NotAnswered => {
                    tracing::warn!(lease = %self.lease.key, "the state store did not answer the renewal of a lease");
                    self.duration / RETRY_PAUSES_PER_DURATION
                }
            };
        }
    }

    /// Makes one try to renew the lease, which takes a third of the duration at most and ends with the lease.
    async fn renew(&mut self) -> Renewal {
        let asked = Instant::now();
        let until = self.ends.min(asked + self.duration / RENEWALS_PER_DURATION);
        let now = (self.leases.clock)();
        let renewing = self
            .lease
            .clone()
            .renew(&self.leases.store, self.stored_duration, now);
        match tokio::time::timeout_at(until, renewing).await {
            Ok(Ok(Some(renewed))) => {
                self.lease = renewed;
                self.ends = end_of(asked, self.duration);
                Renewal::Renewed
            }
            Ok(Ok(None)) => Renewal::TakenByAnother,
            Ok(Err(error)) => Renewal::Failed(error),
            Err(_) => Renewal::NotAnswered,
        }
    }

    fn has_ended(&self) -> bool {
        Instant::now() >= self.ends || (self.leases.clock)() >= self.lease.until
    }

    /// Gives the lease back, as long as it would last anyway, and reports how that went.
    async fn release(self, answer: oneshot::Sender<Result<(), Error>>) {
        let key = self.lease.key.clone();
        let now = (self.leases.clock)();
        let releasing = self.lease.release(&self.leases.store, now);
        let released = match tokio::time::timeout_at(self.ends, releasing).await {
            Ok(released) => released,
            // The lease is over, which is what the release was for.
            Err(_) => Ok(()),
        };
        if let Err(Err(error)) = answer.send(released) {
            tracing::warn!(
                lease = %key,
                cause = %WithCauses(&error),
                "the lease was not given back and ends by itself"
            );
        }
    }
}

/// Returns the moment at which a lease that was asked for at `asked` counts as lost.
fn end_of(asked: Instant, duration: Duration) -> Instant {
    asked + (duration - duration / MARGINS_PER_DURATION)
}

#[cfg(test)]
mod tests;
