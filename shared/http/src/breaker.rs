//! The circuit breaker: an endpoint that keeps failing is not called for a while, then tried with one call.
//!
//! [`Breaker`] is the pure state machine with the time passed in; [`SharedBreaker`] shares one between the calls to an
//! endpoint, and [`EndpointBreakers`] keeps one for each endpoint of a server, so that an endpoint that is broken never stops
//! the calls to another one.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use http::Method;
use tokio::time::Instant;

/// When a circuit breaker opens, and for how long.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BreakerConfig {
    /// Number of failures in a row that open the breaker.
    pub failures: u32,
    /// How long the breaker stays open before one call may try the server.
    pub open_for: Duration,
}

impl Default for BreakerConfig {
    /// 5 failures in a row and 30 s, as the contact center's API asks of its callers.
    fn default() -> Self {
        Self {
            failures: 5,
            open_for: Duration::from_secs(30),
        }
    }
}

/// What a call showed about the server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// The server answered with anything but a 5xx, so it works.
    Alive,
    /// The server answered with a 5xx, or there was no connection.
    Failed,
    /// The call showed nothing, because its caller gave it up.
    Unknown,
}

/// The right to make one call, which goes back to [`Breaker::record`].
#[derive(Debug, PartialEq, Eq)]
pub struct CallPermit {
    /// The number of the trial call, if this call is one.
    trial: Option<u64>,
    period: u64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Closed { failures: u32 },
    Open { until: Instant },
    Trial { id: u64 },
}

/// The circuit breaker of one endpoint, as a pure state machine.
#[derive(Debug)]
pub struct Breaker {
    config: BreakerConfig,
    state: State,
    /// How often the breaker has opened. The verdict of a call from an earlier period no longer counts.
    period: u64,
    trials: u64,
}

impl Breaker {
    /// Builds a closed breaker, one that lets calls through.
    #[must_use]
    pub fn new(config: BreakerConfig) -> Self {
        Self {
            config,
            state: State::Closed { failures: 0 },
            period: 0,
            trials: 0,
        }
    }

    /// Asks for the permit to make a call at `now`.
    ///
    /// # Errors
    /// The time for which the breaker stays open; zero while its one trial call is in flight.
    pub fn admit(&mut self, now: Instant) -> Result<CallPermit, Duration> {
        match self.state {
            State::Closed { .. } => Ok(CallPermit {
                trial: None,
                period: self.period,
            }),
            State::Open { until } if now < until => Err(until - now),
            State::Open { .. } => {
                self.trials += 1;
                self.state = State::Trial { id: self.trials };
                Ok(CallPermit {
                    trial: Some(self.trials),
                    period: self.period,
                })
            }
            State::Trial { .. } => Err(Duration::ZERO),
        }
    }

    /// Records what a call showed at `now`.
    pub fn record(&mut self, permit: CallPermit, verdict: Verdict, now: Instant) {
        match (self.state, permit.trial) {
            (State::Trial { id }, Some(trial)) if id == trial => match verdict {
                Verdict::Alive => self.state = State::Closed { failures: 0 },
                Verdict::Failed => self.open(now),
                // The trial showed nothing, so the next caller makes another one.
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

/// One circuit breaker, shared by all calls to an endpoint.
#[derive(Debug, Clone)]
pub struct SharedBreaker(Arc<Mutex<Breaker>>);

impl SharedBreaker {
    /// Builds a closed breaker that clones share.
    #[must_use]
    pub fn new(config: BreakerConfig) -> Self {
        Self(Arc::new(Mutex::new(Breaker::new(config))))
    }

    /// Asks for the permit to make a call now.
    ///
    /// # Errors
    /// As [`Breaker::admit`].
    pub fn admit(&self) -> Result<CallGuard, Duration> {
        let permit = self.lock().admit(Instant::now())?;
        Ok(CallGuard {
            breaker: self.clone(),
            permit: Some(permit),
        })
    }

    fn lock(&self) -> MutexGuard<'_, Breaker> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A call in flight.
///
/// A guard that is dropped without a verdict (a canceled call) counts as [`Verdict::Unknown`], so that a canceled trial call
/// does not keep the breaker open.
#[derive(Debug)]
pub struct CallGuard {
    breaker: SharedBreaker,
    permit: Option<CallPermit>,
}

impl CallGuard {
    /// Ends the call with what it showed about the server.
    pub fn finish(mut self, verdict: Verdict) {
        self.record(verdict);
    }

    fn record(&mut self, verdict: Verdict) {
        if let Some(permit) = self.permit.take() {
            self.breaker.lock().record(permit, verdict, Instant::now());
        }
    }
}

impl Drop for CallGuard {
    fn drop(&mut self) {
        self.record(Verdict::Unknown);
    }
}

/// Largest number of endpoints of one server that have a breaker of their own. Endpoints are path templates, of which the
/// product has fewer than twenty; those beyond the limit share one breaker.
const MAX_ENDPOINTS: usize = 64;

/// The circuit breakers of one server: one for each endpoint, which is a method and a path template. Clones share them.
#[derive(Debug, Clone)]
pub struct EndpointBreakers {
    config: BreakerConfig,
    breakers: Arc<Mutex<HashMap<(Method, String), SharedBreaker>>>,
    beyond_limit: SharedBreaker,
}

impl EndpointBreakers {
    /// Builds the breakers of a server, all of them closed.
    #[must_use]
    pub fn new(config: BreakerConfig) -> Self {
        Self {
            config,
            breakers: Arc::default(),
            beyond_limit: SharedBreaker::new(config),
        }
    }

    /// Returns the breaker of an endpoint, which is created with its first call.
    #[must_use]
    pub fn breaker(&self, method: &Method, endpoint: &str) -> SharedBreaker {
        let mut breakers = self.breakers.lock().unwrap_or_else(PoisonError::into_inner);
        let key = (method.clone(), endpoint.to_owned());
        if let Some(breaker) = breakers.get(&key) {
            return breaker.clone();
        }
        if breakers.len() >= MAX_ENDPOINTS {
            return self.beyond_limit.clone();
        }
        let breaker = SharedBreaker::new(self.config);
        breakers.insert(key, breaker.clone());
        breaker
    }
}

#[cfg(test)]
mod tests;
