//! Faults: which requests they hit, how often, and what goes wrong.

mod raw;

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use self::raw::RawRule;

/// What goes wrong.
#[derive(Debug, Clone, PartialEq)]
pub enum Fault {
    /// The request is answered with this status and not carried out.
    Status(u16, RetryAfter),
    /// The answer is late by this much; further rules apply.
    Delay(Duration),
    /// The connection is closed; the request is not carried out.
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
    /// None.
    Absent,
    /// In whole seconds.
    Seconds(u64),
    /// As the HTTP date this many seconds from then; negative for the past.
    DateIn(i64),
}

/// A fault, which requests it hits, and how often.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "RawRule", into = "RawRule")]
pub struct FaultRule {
    /// The paths.
    pub path: Pattern,
    /// The method; any if `None`.
    pub method: Option<String>,
    /// How many matching requests pass unharmed first.
    pub after: u64,
    /// How many it hits; no end if `None`.
    pub times: Option<u64>,
    /// The probability that a matching request is hit, 0 to 1.
    pub probability: f64,
    /// What goes wrong.
    pub fault: Fault,
}

impl FaultRule {
    /// A rule that hits every request on `path`, of any method.
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

    /// The same rule for one method.
    #[must_use]
    pub fn method(mut self, method: &str) -> Self {
        self.method = Some(method.to_owned());
        self
    }

    /// The same rule, for so many requests.
    #[must_use]
    pub fn times(mut self, times: u64) -> Self {
        self.times = Some(times);
        self
    }

    /// The same rule, after so many requests have passed.
    #[must_use]
    pub fn after(mut self, requests: u64) -> Self {
        self.after = requests;
        self
    }

    /// The same rule with a probability, 0 to 1.
    #[must_use]
    pub fn probability(mut self, probability: f64) -> Self {
        self.probability = probability;
        self
    }
}

/// A path in which `*` stands for any one segment, and `**` at the end for any rest.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Pattern(pub String);

impl Pattern {
    /// Whether the path fits.
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

/// The rules in force, in order, and the random numbers for their probabilities.
#[derive(Debug)]
pub struct Faults(Mutex<(Vec<FaultRule>, StdRng)>);

impl Faults {
    /// The rules of a scenario.
    #[must_use]
    pub fn new(seed: u64, rules: Vec<FaultRule>) -> Self {
        Self(Mutex::new((rules, StdRng::seed_from_u64(seed))))
    }

    /// Adds a rule behind those in force.
    pub fn add(&self, rule: FaultRule) {
        self.lock().0.push(rule);
    }

    /// Removes all rules.
    pub fn clear(&self) {
        self.lock().0.clear();
    }

    /// The rules in force; `times` is what is left of each.
    #[must_use]
    pub fn rules(&self) -> Vec<FaultRule> {
        self.lock().0.clone()
    }

    /// The faults that hit a request: delays and revocations add up, the first other one ends the search.
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
