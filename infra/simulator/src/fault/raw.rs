//! Fault rules as scenario files and the admin API write them: flat, with the keys that belong to each kind.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{Fault, FaultRule, Pattern, RetryAfter};

/// A rule as scenario files and the admin API write it.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawRule {
    path: String,
    kind: Kind,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    method: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    after: Option<u64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    times: Option<u64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    probability: Option<f64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    status: Option<u16>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    retry_after: Option<u64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    retry_after_date_in: Option<i64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    delay_ms: Option<u64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    body: Option<Value>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Kind {
    Status,
    Delay,
    Drop,
    LoseAnswer,
    Truncate,
    MalformedJson,
    WrongContent,
    Answer,
    RevokeTokens,
}

impl TryFrom<RawRule> for FaultRule {
    type Error = String;

    fn try_from(raw: RawRule) -> Result<Self, String> {
        if !raw.path.starts_with('/') {
            return Err(format!("path `{}` must begin with /", raw.path));
        }
        let probability = raw.probability.unwrap_or(1.0);
        if !(0.0..=1.0).contains(&probability) {
            return Err(format!("probability {probability} must be 0 to 1"));
        }
        Ok(Self {
            fault: raw.fault()?,
            path: Pattern(raw.path),
            method: raw.method.map(|method| method.to_uppercase()),
            after: raw.after.unwrap_or(0),
            times: raw.times,
            probability,
        })
    }
}

impl RawRule {
    fn fault(&self) -> Result<Fault, String> {
        let kind = self.kind;
        let belongs = |set: bool, key: &str, to: &[Kind]| {
            if set && !to.contains(&kind) {
                Err(format!("{key} does not belong to this kind"))
            } else {
                Ok(())
            }
        };
        belongs(
            self.status.is_some(),
            "status",
            &[Kind::Status, Kind::Answer],
        )?;
        belongs(self.retry_after.is_some(), "retry_after", &[Kind::Status])?;
        belongs(
            self.retry_after_date_in.is_some(),
            "retry_after_date_in",
            &[Kind::Status],
        )?;
        belongs(self.delay_ms.is_some(), "delay_ms", &[Kind::Delay])?;
        belongs(self.body.is_some(), "body", &[Kind::Answer])?;
        if self
            .status
            .is_some_and(|status| !(200..=599).contains(&status))
        {
            return Err("status must be 200 to 599".to_owned());
        }
        let need = |key: &str| format!("this kind needs {key}");
        Ok(match kind {
            Kind::Status => Fault::Status(
                self.status.ok_or_else(|| need("status"))?,
                self.retry_after()?,
            ),
            Kind::Delay => Fault::Delay(Duration::from_millis(
                self.delay_ms.ok_or_else(|| need("delay_ms"))?,
            )),
            Kind::Answer => Fault::Answer(
                self.status.unwrap_or(200),
                self.body.clone().ok_or_else(|| need("body"))?,
            ),
            Kind::Drop => Fault::Drop,
            Kind::LoseAnswer => Fault::LoseAnswer,
            Kind::Truncate => Fault::Truncate,
            Kind::MalformedJson => Fault::MalformedJson,
            Kind::WrongContent => Fault::WrongContent,
            Kind::RevokeTokens => Fault::RevokeTokens,
        })
    }

    fn retry_after(&self) -> Result<RetryAfter, String> {
        match (self.retry_after, self.retry_after_date_in) {
            (None, None) => Ok(RetryAfter::Absent),
            (Some(seconds), None) => Ok(RetryAfter::Seconds(seconds)),
            (None, Some(seconds)) if seconds.abs() <= 86_400 => Ok(RetryAfter::DateIn(seconds)),
            (None, Some(_)) => Err("retry_after_date_in must be within a day".to_owned()),
            _ => Err("give retry_after or retry_after_date_in, not both".to_owned()),
        }
    }
}

impl From<FaultRule> for RawRule {
    fn from(rule: FaultRule) -> Self {
        let mut raw = Self {
            path: rule.path.0,
            kind: Kind::Status,
            method: rule.method,
            after: (rule.after > 0).then_some(rule.after),
            times: rule.times,
            probability: Some(rule.probability),
            status: None,
            retry_after: None,
            retry_after_date_in: None,
            delay_ms: None,
            body: None,
        };
        raw.kind = match rule.fault {
            Fault::Status(status, retry_after) => {
                raw.status = Some(status);
                match retry_after {
                    RetryAfter::Absent => {}
                    RetryAfter::Seconds(seconds) => raw.retry_after = Some(seconds),
                    RetryAfter::DateIn(seconds) => raw.retry_after_date_in = Some(seconds),
                }
                Kind::Status
            }
            Fault::Delay(delay) => {
                raw.delay_ms = Some(u64::try_from(delay.as_millis()).unwrap_or(u64::MAX));
                Kind::Delay
            }
            Fault::Answer(status, body) => {
                (raw.status, raw.body) = (Some(status), Some(body));
                Kind::Answer
            }
            Fault::Drop => Kind::Drop,
            Fault::LoseAnswer => Kind::LoseAnswer,
            Fault::Truncate => Kind::Truncate,
            Fault::MalformedJson => Kind::MalformedJson,
            Fault::WrongContent => Kind::WrongContent,
            Fault::RevokeTokens => Kind::RevokeTokens,
        };
        raw
    }
}
