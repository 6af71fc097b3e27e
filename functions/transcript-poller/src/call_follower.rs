//! One call, followed by one process: carries out what the transition asks for.

mod centre;

use std::collections::VecDeque;

use backends::interactions::Held;
use insights_core::live::interaction::Reason;
use insights_core::live::{Batch, Effect, Event, Left};
use jiff::Timestamp;
use runtime::metrics;
use sentiment::ProviderError;

use crate::Deps;
use crate::poll::Tally;

/// How a round ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Round {
    /// All is well; the next one is due after the idle time.
    Idle,
    /// There is more already.
    More,
    /// Something failed; what was not done is done again after a pause.
    Failed,
    /// Somebody else works on the call until then.
    Held(Timestamp),
    /// The call is over and nothing is left to send.
    Ended(Reason),
}

/// Why a round stopped before its end.
enum Stop {
    Left(Left),
    /// What is in memory may not be what is stored: read it again.
    Store(store::Error),
    Score(ProviderError),
}

/// Follows a call.
pub(crate) struct Follower<'a> {
    deps: &'a Deps,
    tally: &'a Tally,
    id: &'a str,
    holder: &'a str,
    held: Option<Held>,
    /// Failed rounds in a row.
    failures: u32,
    /// Refusals in a row.
    refusals: std::collections::HashMap<String, u32>,
    failed: bool,
    more: bool,
}

impl<'a> Follower<'a> {
    pub(crate) fn new(deps: &'a Deps, tally: &'a Tally, id: &'a str, holder: &'a str) -> Self {
        Self {
            deps,
            tally,
            id,
            holder,
            held: None,
            failures: 0,
            refusals: std::collections::HashMap::new(),
            failed: false,
            more: false,
        }
    }

    /// Forgets what is in memory: somebody changed the stored state.
    pub(crate) fn reload(&mut self) {
        self.held = None;
    }

    /// Failed rounds in a row.
    pub(crate) fn failures(&self) -> u32 {
        self.failures
    }

    /// One round: claim if needed, send what is owed, poll, score, store, send.
    pub(crate) async fn round(&mut self) -> Round {
        (self.failed, self.more) = (false, false);
        let done = match self.claim().await {
            Ok(()) => self.step(Event::Tick).await,
            Err(stop) => Err(stop),
        };
        let round = match done {
            Ok(()) if self.failed => Round::Failed,
            Ok(()) if self.more => Round::More,
            Ok(()) => Round::Idle,
            Err(stop) => self.stopped(stop),
        };
        self.failures = if round == Round::Failed {
            self.failures + 1
        } else {
            0
        };
        round
    }

    /// Gives the lease back, so that the next process need not wait for its end.
    pub(crate) async fn release(&mut self) {
        if self.held.is_some()
            && let Err(Stop::Store(error)) = self.step(Event::Release).await
        {
            tracing::info!(interaction = self.id, %error, "the lease was not given back; it runs out");
        }
        self.held = None;
    }

    async fn claim(&mut self) -> Result<(), Stop> {
        if self.held.is_some() {
            return Ok(());
        }
        let held = self
            .deps
            .calls
            .load_or_new(self.id, Timestamp::now())
            .await
            .map_err(Stop::Store)?;
        self.held = Some(held);
        self.step(Event::Claim {
            holder: self.holder.to_owned(),
        })
        .await
    }

    fn stopped(&mut self, stop: Stop) -> Round {
        match stop {
            Stop::Left(left) => {
                self.held = None;
                match left {
                    Left::Held(until) => Round::Held(until),
                    Left::Ended(reason) => Round::Ended(reason),
                }
            }
            Stop::Store(error) => {
                self.held = None;
                match error {
                    store::Error::Conflict { .. } => {
                        tracing::debug!(
                            interaction = self.id,
                            "somebody else wrote the state: reading it again"
                        );
                    }
                    error => {
                        let cause = insights_core::WithCauses(&error).to_string();
                        tracing::warn!(interaction = self.id, cause, "the state store failed");
                        self.tally.failed();
                    }
                }
                Round::Failed
            }
            Stop::Score(error) => {
                let cause = insights_core::WithCauses(&error).to_string();
                tracing::warn!(
                    interaction = self.id,
                    cause,
                    "a segment was not scored; it is fetched again"
                );
                metrics::count("model_errors", 1);
                self.tally.failed();
                Round::Failed
            }
        }
    }

    /// Feeds an event to the transition and carries out its effects, and theirs, depth first.
    async fn step(&mut self, event: Event) -> Result<(), Stop> {
        let mut todo: VecDeque<Effect> = self.feed(event).into();
        while let Some(effect) = todo.pop_front() {
            for effect in self.perform(effect).await?.into_iter().rev() {
                todo.push_front(effect);
            }
        }
        Ok(())
    }

    fn feed(&mut self, event: Event) -> Vec<Effect> {
        match &mut self.held {
            Some(held) => held.step(event, &self.deps.config.rules, Timestamp::now()),
            None => Vec::new(),
        }
    }

    async fn perform(&mut self, effect: Effect) -> Result<Vec<Effect>, Stop> {
        match effect {
            Effect::Save => self.save().await.map(|()| Vec::new()),
            Effect::Leave(left) => Err(Stop::Left(left)),
            Effect::Fetch { from, sweep } => Ok(self.fetch(from, sweep).await),
            Effect::Skipped { late, implausible } => {
                tracing::info!(
                    interaction = self.id,
                    late,
                    implausible,
                    "segments were left out"
                );
                metrics::count("segments_skipped", (late + implausible) as u64);
                Ok(Vec::new())
            }
            Effect::Score { segments, more } => {
                let batch = self
                    .deps
                    .scorer
                    .score(segments)
                    .await
                    .map_err(Stop::Score)?;
                self.more = more;
                Ok(self.feed(Event::Scored { batch, more }))
            }
            Effect::Report(batch) => {
                self.report(&batch);
                Ok(Vec::new())
            }
            Effect::Patch {
                revision,
                attributes,
            } => Ok(self.patch(revision, &attributes).await),
            Effect::Post(suggestion) => Ok(self.post(suggestion).await),
        }
    }

    async fn save(&mut self) -> Result<(), Stop> {
        match &mut self.held {
            Some(held) => self
                .deps
                .calls
                .save(held, Timestamp::now())
                .await
                .map_err(Stop::Store),
            None => Ok(()),
        }
    }

    fn report(&self, batch: &Batch) {
        self.tally.counted(batch.segments.len());
        metrics::count("segments_scored", batch.segments.len() as u64);
        let newest = batch
            .segments
            .iter()
            .map(|(_, _, end, ..)| *end)
            .max()
            .unwrap_or_default();
        let lag = Timestamp::now().as_millisecond() - newest;
        // A recording, or a clock that differs, says nothing about the poller.
        if (0..86_400_000).contains(&lag) {
            metrics::observe("poller_lag_ms", lag as f64);
        }
        if let Some(watcher) = &self.deps.watcher {
            watcher(self.id, batch);
        }
    }
}
