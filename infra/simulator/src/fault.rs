//! Fault rules: which requests they match, how often they apply, and what goes wrong.

mod raw;

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use self::raw::RawRule;

/// What goes wrong with a request.
#[derive(Debug, Clone, PartialEq)]
pub enum Fault {
    /// The request is answered with this status and not carried out.
    Status(u16, RetryAfter),
    /// The answer is delayed by this time; further rules apply.
    Delay(Duration),
    /// The connection is closed, and the request is not carried out.
    Drop,
    /// The request is carried out, but the connection is closed instead of an answer.
    LoseAnswer,
    /// The request is carried out, but the connection breaks in the middle of the answer.
    Truncate,
    /// The request is carried out, but the answer is cut JSON.
    MalformedJson,
    /// The request is carried out, but the answer is a page of HTML with status 200.
    WrongContent,
    /// The request is answered with this status and body and not carried out.
    Answer(u16, Value),
    /// All tokens are revoked before the request is carried out.
    RevokeTokens,
}

/// The `Retry-After` header of a [`Fault::Status`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RetryAfter {
    /// The header is left out.
    Absent,
    /// The header has this number of seconds.
    Seconds(u64),
    /// The header has the HTTP date that is this number of seconds from the answer; negative for the past.
    DateIn(i64),
}

/// A fault with the requests that it matches and the number of times that it applies.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "RawRule", into = "RawRule")]
pub struct FaultRule {
    /// Paths that the rule matches.
    pub path: Pattern,
    /// Method that the rule matches; every method if `None`.
    pub method: Option<String>,
    /// Number of matching requests that pass before the rule applies.
    pub after: u64,
    /// Number of requests to which the rule applies; unlimited if `None`.
    pub times: Option<u64>,
    /// Probability from 0 to 1 that the rule applies to a matching request.
    pub probability: f64,
    /// Fault that the rule applies.
    pub fault: Fault,
}

impl FaultRule {
    /// Returns a rule that applies to every request on `path`, of any method.
    #[must_use]
    pub fn new(path: &str, fault: Fault) -> Self {
        Self {
            path: Pattern(path.to_owned()),
            method: None,
            after: 0,
            times: None,
            probability: 1.0,
            fault,
        }
    }

    /// Restricts the rule to one method.
    #[must_use]
    pub fn method(mut self, method: &str) -> Self {
        self.method = Some(method.to_owned());
        self
    }

    /// Restricts the rule to this number of requests.
    #[must_use]
    pub fn times(mut self, times: u64) -> Self {
        self.times = Some(times);
        self
    }

    /// Lets this number of matching requests pass before the rule applies.
    #[must_use]
    pub fn after(mut self, requests: u64) -> Self {
        self.after = requests;
        self
    }

    /// Sets the probability from 0 to 1 with which the rule applies.
    #[must_use]
    pub fn probability(mut self, probability: f64) -> Self {
        self.probability = probability;
        self
    }
}

/// A pattern of paths, in which `*` matches one segment and `**` at the end matches the rest.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Pattern(pub String);

impl Pattern {
    /// Matches a path against the pattern.
    #[must_use]
    pub fn matches(&self, path: &str) -> bool {
        let mut segments = path.split('/');
        for wanted in self.0.split('/') {
            match (wanted, segments.next()) {
                ("**", _) => return true,
                (_, None) => return false,
                ("*", Some(segment)) if !segment.is_empty() => {}
                (wanted, Some(segment)) if wanted == segment => {}
                _ => return false,
            }
        }
        segments.next().is_none()
    }
}

/// The rules that are in force, in order, and the random numbers for their probabilities.
#[derive(Debug)]
pub struct Faults(Mutex<(Vec<FaultRule>, StdRng)>);

impl Faults {
    /// Returns the rules of a scenario.
    #[must_use]
    pub fn new(seed: u64, rules: Vec<FaultRule>) -> Self {
        Self(Mutex::new((rules, StdRng::seed_from_u64(seed))))
    }

    /// Adds a rule after those in force.
    pub fn add(&self, rule: FaultRule) {
        self.lock().0.push(rule);
    }

    /// Removes all rules that are in force.
    pub fn clear(&self) {
        self.lock().0.clear();
    }

    /// Returns the rules in force; `times` is the number of requests that are left for each rule.
    #[must_use]
    pub fn rules(&self) -> Vec<FaultRule> {
        self.lock().0.clone()
    }

    /// Returns the faults that apply to a request. Delays and revocations accumulate; the first other fault is the last.
    pub(crate) fn hit(&self, method: &str, path: &str) -> Vec<Fault> {
        let (rules, random) = &mut *self.lock();
        let mut hits = Vec::new();
        for rule in rules.iter_mut() {
            let concerned = rule.path.matches(path)
                && rule.method.as_deref().is_none_or(|wanted| wanted == method);
            if !concerned || rule.times == Some(0) {
                continue;
            }
            if rule.after > 0 {
                rule.after -= 1;
                continue;
            }
            if rule.probability < 1.0 && !random.random_bool(rule.probability) {
                continue;
            }
            rule.times = rule.times.map(|times| times - 1);
            hits.push(rule.fault.clone());
            if !matches!(rule.fault, Fault::Delay(_) | Fault::RevokeTokens) {
                break;
            }
        }
        rules.retain(|rule| rule.times != Some(0));
        hits
    }

    fn lock(&self) -> MutexGuard<'_, (Vec<FaultRule>, StdRng)> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests;
