//! How a check ended.

use std::fmt;
use std::time::Duration;

use insights_core::WithCauses;
use serde::ser::SerializeStruct;
use serde::{Serialize, Serializer};

use crate::check::Check;

/// Largest number of characters of what a result says.
const MAX_DETAIL_CHARS: usize = 400;

/// How a check ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Outcome {
    /// The deployment did what it should.
    Ok,
    /// The deployment did something else, or nothing in time.
    Failed,
    /// The check makes no sense on this deployment.
    Skipped,
}

impl Outcome {
    /// Returns the word by which a line says how a check ended; failures stand out.
    const fn word(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Failed => "FAILED",
            Self::Skipped => "skipped",
        }
    }
}

/// Why a check did not end well.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum NotOk {
    /// What was not as it should be.
    Failed(String),
    /// Why the check makes no sense here.
    Skipped(String),
}

impl NotOk {
    /// Adds what went wrong besides, so that the check has failed.
    pub(crate) fn and(self, besides: &str) -> Self {
        let (Self::Failed(reason) | Self::Skipped(reason)) = self;
        Self::Failed(format!("{reason}; {besides}"))
    }
}

impl From<insights_http::Error> for NotOk {
    fn from(error: insights_http::Error) -> Self {
        Self::Failed(WithCauses(&error).to_string())
    }
}

/// The result of a check, which is shown as one line. It holds no secret.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CheckResult {
    /// The check that was made.
    pub check: Check,
    /// How the check has ended.
    pub outcome: Outcome,
    /// What was seen, or what was wrong, in one line.
    pub detail: String,
    /// How long the check took.
    pub duration: Duration,
}

impl CheckResult {
    /// Builds the result of a check that took so long.
    pub(crate) fn new(check: Check, ended: Result<String, NotOk>, duration: Duration) -> Self {
        let (outcome, detail) = match ended {
            Ok(seen) => (Outcome::Ok, seen),
            Err(NotOk::Failed(reason)) => (Outcome::Failed, reason),
            Err(NotOk::Skipped(reason)) => (Outcome::Skipped, reason),
        };
        Self {
            check,
            outcome,
            detail: one_line(&detail, MAX_DETAIL_CHARS),
            duration,
        }
    }

    /// Returns the duration in whole milliseconds.
    fn duration_ms(&self) -> u64 {
        u64::try_from(self.duration.as_millis()).unwrap_or(u64::MAX)
    }
}

impl fmt::Display for CheckResult {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{:<7} {:<6} {:>6} ms  {}",
            self.outcome.word(),
            self.check.name(),
            self.duration_ms(),
            self.detail
        )
    }
}

impl Serialize for CheckResult {
    /// Writes the fields `check`, `outcome`, `duration_ms` and `detail`.
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut fields = serializer.serialize_struct("CheckResult", 4)?;
        fields.serialize_field("check", &self.check)?;
        fields.serialize_field("outcome", &self.outcome)?;
        fields.serialize_field("duration_ms", &self.duration_ms())?;
        fields.serialize_field("detail", &self.detail)?;
        fields.end()
    }
}

/// Returns a text of others as at most so many characters of one line that a terminal shows as they are.
pub(crate) fn one_line(text: &str, most: usize) -> String {
    let shown = |c: char| if c.is_control() { '?' } else { c };
    text.chars().take(most).map(shown).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_result_is_one_line_and_one_object() {
        let ended = Err(NotOk::Failed("it said\n\u{1b}[2J".to_owned()));
        let result = CheckResult::new(Check::Score, ended, Duration::from_micros(12_700));
        assert_eq!(result.to_string(), "FAILED  score      12 ms  it said??[2J");
        assert_eq!(
            serde_json::to_string(&result).unwrap(),
            r#"{"check":"score","outcome":"failed","duration_ms":12,"detail":"it said??[2J"}"#
        );
        let long = Ok("x".repeat(10_000));
        let result = CheckResult::new(Check::Call, long, Duration::ZERO);
        assert_eq!(result.detail.len(), MAX_DETAIL_CHARS);
    }

    #[test]
    fn what_went_wrong_besides_makes_a_skipped_check_a_failed_one() {
        let skipped = NotOk::Skipped("no database".to_owned());
        assert_eq!(
            skipped.and("it was not removed"),
            NotOk::Failed("no database; it was not removed".to_owned())
        );
    }
}
