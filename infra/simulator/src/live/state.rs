//! The live calls of a simulator: what was said so far, attributes and suggestions.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::SystemTime;

use serde::Serialize;
use serde_json::{Map, Value};

use super::lag::{self, Lag};
use super::script::{Call, Segment};

/// A suggestion that was shown to the agent.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Suggestion {
    /// Id that the simulator gave the suggestion.
    pub id: String,
    /// Text of the suggestion.
    pub content: String,
    /// Header `Idempotency-Key` of the request.
    pub key: Option<String>,
}

#[derive(Debug)]
pub(super) struct Running {
    pub(super) call: Call,
    /// Start in epoch milliseconds; `None` until the transcript of a waiting call is requested.
    pub(super) began: Option<i64>,
    pub(super) attributes: Map<String, Value>,
    pub(super) suggestions: Vec<Suggestion>,
    pub(super) lag: lag::LagMeter,
}

/// The live calls by interaction id.
#[derive(Debug, Default)]
pub struct State(Mutex<BTreeMap<String, Running>>);

impl State {
    /// Returns the state with calls that all start now.
    #[must_use]
    pub fn new(calls: Vec<Call>) -> Self {
        let state = Self::default();
        calls.into_iter().for_each(|call| state.begin(call));
        state
    }

    /// Starts a call now. A call with the same id starts over.
    pub fn begin(&self, call: Call) {
        let (lag, began) = (lag::LagMeter::default(), (!call.waits).then(now_ms));
        let running = Running {
            began,
            attributes: Map::new(),
            suggestions: Vec::new(),
            lag,
            call,
        };
        self.lock().insert(running.call.id.clone(), running);
    }

    /// Returns the attributes of a call; an unknown call has none.
    #[must_use]
    pub fn attributes(&self, id: &str) -> Map<String, Value> {
        self.lock()
            .get(id)
            .map(|call| call.attributes.clone())
            .unwrap_or_default()
    }

    /// Returns the suggestions of a call in order.
    #[must_use]
    pub fn suggestions(&self, id: &str) -> Vec<Suggestion> {
        self.lock()
            .get(id)
            .map(|call| call.suggestions.clone())
            .unwrap_or_default()
    }

    /// Returns the segments of a call that are final by now.
    #[must_use]
    pub fn finals(&self, id: &str) -> Vec<Segment> {
        let now = now_ms();
        let calls = self.lock();
        calls
            .get(id)
            .map(|call| call.call.finals(call.began.unwrap_or(now), now))
            .unwrap_or_default()
    }

    /// Returns the number of segments in a call's script; 0 for an unknown call.
    #[must_use]
    pub fn lines(&self, id: &str) -> usize {
        self.lock().get(id).map_or(0, |call| call.call.lines.len())
    }

    /// Returns the lag between final segments and attributes over all calls.
    #[must_use]
    pub fn lag(&self) -> Lag {
        self.lag_since(i64::MIN)
    }

    /// Returns the lag of the segments that attributes covered from this moment on, in epoch milliseconds.
    #[must_use]
    pub fn lag_since(&self, from_ms: i64) -> Lag {
        let calls = self.lock();
        Lag::of(calls.values().flat_map(|call| call.lag.done_since(from_ms)))
    }

    pub(super) fn lock(&self) -> MutexGuard<'_, BTreeMap<String, Running>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Returns the current time in milliseconds since the epoch.
pub(super) fn now_ms() -> i64 {
    let since = SystemTime::now()
        .duration_since(SystemTime::UNIX_EPOCH)
        .unwrap_or_default();
    i64::try_from(since.as_millis()).unwrap_or(i64::MAX)
}
