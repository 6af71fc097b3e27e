//! The circuit breaker: a server that keeps failing is left alone for a while, then tried with one call.
//!
//! [`Breaker`] is the pure state machine with the time passed in; [`SharedBreaker`] shares one between the calls to a host.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

/// When the breaker opens and for how long.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BreakerConfig {
    /// Failures in a row that open it; the contract's 5.
    pub failures: u32,
    /// How long it stays open; the contract's 30 s.
    pub open_for: Duration,
}

impl Default for BreakerConfig {
    fn default() -> Self {
        Self {
            failures: 5,
            open_for: Duration::from_secs(30),
        }
    }
}

/// What a call told about the server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// It answered with anything but a 5xx: it lives.
    Alive,
    /// A 5xx, or no connection.
    Failed,
    /// Nothing: the call was given up by its caller.
    Unknown,
}

/// The right to make one call; it goes back to [`Breaker::record`].
#[derive(Debug, PartialEq, Eq)]
pub struct Permit {
    trial: Option<u64>,
    period: u64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Closed { failures: u32 },
    Open { until: Instant },
    Trial { id: u64 },
}

/// The state machine of one host.
#[derive(Debug)]
pub struct Breaker {
    config: BreakerConfig,
    state: State,
    /// Counts the times it opened: what a call from before says no longer counts.
    period: u64,
    trials: u64,
}

impl Breaker {
    /// A closed breaker.
    #[must_use]
    pub fn new(config: BreakerConfig) -> Self {
        Self {
            config,
            state: State::Closed { failures: 0 },
            period: 0,
            trials: 0,
        }
    }

    /// Asks for a call at `now`.
    ///
    /// # Errors
    /// The time for which the host is left alone yet; zero while the one trial call is under way.
    pub fn admit(&mut self, now: Instant) -> Result<Permit, Duration> {
        match self.state {
            State::Closed { .. } => Ok(Permit {
                trial: None,
                period: self.period,
            }),
            State::Open { until } if now < until => Err(until - now),
            State::Open { .. } => {
                self.trials += 1;
                self.state = State::Trial { id: self.trials };
                Ok(Permit {
                    trial: Some(self.trials),
                    period: self.period,
                })
            }
            State::Trial { .. } => Err(Duration::ZERO),
        }
    }

    /// Takes in what a call told at `now`.
    pub fn record(&mut self, permit: Permit, verdict: Verdict, now: Instant) {
        match (self.state, permit.trial) {
            (State::Trial { id }, Some(trial)) if id == trial => match verdict {
                Verdict::Alive => self.state = State::Closed { failures: 0 },
                Verdict::Failed => self.open(now),
                // The trial told nothing: the next caller makes it.
                Verdict::Unknown => self.state = State::Open { until: now },
            },
            (State::Closed { failures }, _) if permit.period == self.period => match verdict {
                Verdict::Alive => self.state = State::Closed { failures: 0 },
                Verdict::Failed if failures + 1 >= self.config.failures => self.open(now),
                Verdict::Failed => {
                    self.state = State::Closed {
                        failures: failures + 1,
                    }
                }
                Verdict::Unknown => {}
            },
            _ => {}
        }
    }

    fn open(&mut self, now: Instant) {
        self.period += 1;
        self.state = State::Open {
            until: now + self.config.open_for,
        };
    }
}

/// One breaker, shared by all calls to a host.
#[derive(Debug, Clone)]
pub struct SharedBreaker(Arc<Mutex<Breaker>>);

impl SharedBreaker {
    /// A gate with a closed breaker.
    #[must_use]
    pub fn new(config: BreakerConfig) -> Self {
        Self(Arc::new(Mutex::new(Breaker::new(config))))
    }

    /// Asks for a call now.
    ///
    /// # Errors
    /// As [`Breaker::admit`].
    pub fn enter(&self) -> Result<CallGuard, Duration> {
        let permit = self.lock().admit(Instant::now())?;
        Ok(CallGuard {
            gate: self.clone(),
            permit: Some(permit),
        })
    }

    fn lock(&self) -> MutexGuard<'_, Breaker> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A call under way. Dropped without a verdict (a cancelled call) it counts as [`Verdict::Unknown`], so that a
/// cancelled trial does not keep the gate shut.
#[derive(Debug)]
pub struct CallGuard {
    gate: SharedBreaker,
    permit: Option<Permit>,
}

impl CallGuard {
    /// Ends the call with what it told.
    pub fn end(mut self, verdict: Verdict) {
        self.give(verdict);
    }

    fn give(&mut self, verdict: Verdict) {
        if let Some(permit) = self.permit.take() {
            self.gate.lock().record(permit, verdict, Instant::now());
        }
    }
}

impl Drop for CallGuard {
    fn drop(&mut self) {
        self.give(Verdict::Unknown);
    }
}

#[cfg(test)]
mod tests;
