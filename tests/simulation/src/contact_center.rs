//! The contact center of a simulation: live calls, tokens, and the service that scores texts.

use std::collections::{BTreeMap, BTreeSet};

use rand::Rng;
use rand::rngs::StdRng;
use serde_json::{Value, json};

use crate::faults::Target;
use crate::hold::Hold;
use crate::seeded_os::{self, START_SECONDS};

/// How long a token lives, in seconds.
const TOKEN_SECONDS: u64 = 90;

/// One utterance of a call.
#[derive(Debug, Clone)]
pub struct Line {
    /// When it begins, in milliseconds of the run.
    pub start_ms: u64,
    /// When it ends, in milliseconds of the run.
    pub end_ms: u64,
    /// When the transcript shows it as final.
    pub final_ms: u64,
    /// Whether the customer speaks.
    pub is_customer: bool,
    /// The text, which no other line of the run has. It ends in the score that the service gives it.
    pub text: String,
    /// Whether the scoring service refuses the text for good.
    pub is_refused: bool,
}

/// A live call of the simulated contact center.
#[derive(Debug, Clone, Default)]
pub struct Call {
    /// The utterances, by their start.
    pub lines: Vec<Line>,
    /// When somebody registers the call, in milliseconds of the run.
    pub registered_ms: u64,
    /// When somebody stops the call; `None` if it ends by silence.
    pub stopped_ms: Option<u64>,
    /// The attributes that were sent last.
    pub attributes: BTreeMap<String, String>,
    /// When the transcript was last read with success, in milliseconds of the run.
    pub read_ms: Option<u64>,
}

/// The contact center and the scoring service of a run.
#[derive(Debug, Default)]
pub struct ContactCenter {
    /// The calls by their identifiers.
    pub calls: BTreeMap<String, Call>,
    /// The suggestions by their idempotency keys: call and text.
    pub suggestions: BTreeMap<String, (String, String)>,
    /// Suggestions whose text differs from that of an earlier one with the same key.
    pub changed_suggestions: Vec<String>,
    /// Number of tokens that were given.
    tokens: u64,
    /// Tokens that were revoked.
    revoked: BTreeSet<u64>,
}

/// An answer: status and body.
pub type Reply = (u16, Value);

impl ContactCenter {
    /// Draws the calls of a run; all of them are over by `until_ms`, and nobody speaks during a hold.
    #[must_use]
    pub fn draw(random: &mut StdRng, until_ms: u64, hold: Option<Hold>) -> Self {
        let calls = (0..random.random_range(1..=3))
            .map(|number| {
                (
                    format!("call-{number}"),
                    draw_call(random, number, until_ms, hold),
                )
            })
            .collect();
        Self {
            calls,
            ..Self::default()
        }
    }

    /// Answers a request that has arrived.
    pub fn answer(
        &mut self,
        target: Target,
        path: &str,
        query: &[(String, String)],
        token: Option<&str>,
        key: Option<&str>,
        body: &Value,
    ) -> Reply {
        let now_ms = seeded_os::elapsed_ms();
        if target == Target::Token {
            self.tokens += 1;
            let token = format!("token-{}-{}", self.tokens, now_ms / 1000 + TOKEN_SECONDS);
            return (
                200,
                json!({"access_token": token, "token_type": "Bearer", "expires_in": TOKEN_SECONDS}),
            );
        }
        if target == Target::Scoring {
            return score(body);
        }
        if !self.is_token_good(token, now_ms) {
            return (401, json!({"error": "invalid_token"}));
        }
        match target {
            Target::Suggestions => self.suggest(key, body),
            Target::Attributes => self.set_attributes(path, body),
            _ => self.transcript(path, query, now_ms),
        }
    }

    fn is_token_good(&self, token: Option<&str>, now_ms: u64) -> bool {
        self.token_end_ms(token).is_some_and(|end| end > now_ms)
    }

    /// Returns until when a token is good, in milliseconds of the run; `None` if it never was or is revoked.
    #[must_use]
    pub fn token_end_ms(&self, token: Option<&str>) -> Option<u64> {
        let mut parts = token.unwrap_or_default().split('-').skip(1);
        let mut next = || parts.next().and_then(|part| part.parse::<u64>().ok());
        let (number, expiry) = (next()?, next()?);
        (!self.revoked.contains(&number)).then_some(expiry * 1000)
    }

    /// Revokes all tokens that were given so far.
    pub fn revoke_tokens(&mut self) {
        self.revoked.extend(1..=self.tokens);
    }

    fn transcript(&mut self, path: &str, query: &[(String, String)], now_ms: u64) -> Reply {
        let from = query
            .iter()
            .find(|(name, _)| name == "startTime")
            .and_then(|(_, value)| value.parse::<i64>().ok())
            .unwrap_or(i64::MIN);
        let Some(call) = self.calls.get_mut(call_id(path)) else {
            return (404, json!({"error": "not found"}));
        };
        call.read_ms = Some(now_ms);
        let segments = call
            .lines
            .iter()
            .filter(|line| line.start_ms <= now_ms && wall_ms(line.end_ms) >= from)
            .map(|line| {
                json!({
                    "text": line.text,
                    "startTime": wall_ms(line.start_ms),
                    "endTime": wall_ms(line.end_ms),
                    "direction": if line.is_customer { "customer" } else { "agent" },
                    "isFinal": line.final_ms <= now_ms,
                })
            })
            .collect();
        (200, Value::Array(segments))
    }

    fn set_attributes(&mut self, path: &str, body: &Value) -> Reply {
        let Some(call) = self.calls.get_mut(call_id(path)) else {
            return (404, json!({"error": "not found"}));
        };
        for (name, value) in body["attributes"].as_object().into_iter().flatten() {
            let value = value.as_str().unwrap_or_default().to_owned();
            call.attributes.insert(name.clone(), value);
        }
        (204, Value::Null)
    }

    fn suggest(&mut self, key: Option<&str>, body: &Value) -> Reply {
        let call = body["interactionId"]
            .as_str()
            .unwrap_or_default()
            .to_owned();
        let text = body["suggestions"][0]["content"]
            .as_str()
            .unwrap_or_default()
            .to_owned();
        let key = key.unwrap_or_default().to_owned();
        if let Some(known) = self.suggestions.get(&key) {
            if *known != (call, text) {
                self.changed_suggestions.push(key);
            }
            return (409, json!({"error": "known"}));
        }
        self.suggestions.insert(key, (call, text));
        (
            201,
            json!({"id": format!("suggestion-{}", self.suggestions.len())}),
        )
    }
}

/// Returns the wall clock of a moment of the run, in milliseconds since the epoch.
#[must_use]
pub fn wall_ms(run_ms: u64) -> i64 {
    START_SECONDS * 1000 + i64::try_from(run_ms).unwrap_or(i64::MAX)
}

fn call_id(path: &str) -> &str {
    path.split('/').nth(4).unwrap_or_default()
}

fn score(body: &Value) -> Reply {
    let text = body["text"].as_str().unwrap_or_default();
    if text.contains("refused") {
        return (422, json!({"error": "this text is not scored"}));
    }
    let score = text
        .rsplit(' ')
        .next()
        .and_then(|last| last.parse::<f64>().ok())
        .unwrap_or(0.5);
    (200, json!({"score": score, "emotions": []}))
}

fn draw_call(random: &mut StdRng, number: usize, until_ms: u64, hold: Option<Hold>) -> Call {
    let postpone = |at_ms| hold.map_or(at_ms, |hold| hold.postpone(at_ms));
    let registered_ms = random.random_range(0..until_ms / 3);
    let over_ms = random.random_range(until_ms / 2..until_ms);
    let (mut lines, mut at_ms) = (Vec::new(), postpone(registered_ms));
    let is_refusing = random.random_bool(0.2);
    while at_ms < over_ms {
        let end_ms = at_ms + random.random_range(300..4000);
        let lag_ms = if random.random_bool(0.1) {
            random.random_range(1000..6000)
        } else {
            random.random_range(50..900)
        };
        let is_refused = is_refusing && random.random_bool(0.2);
        let word = if is_refused { "refused" } else { "said" };
        let score = f64::from(random.random_range(0..=1000)) / 1000.0;
        lines.push(Line {
            start_ms: at_ms,
            end_ms,
            final_ms: end_ms + lag_ms,
            is_customer: random.random_bool(0.6),
            text: format!("call {number} line {} {word} {score}", lines.len()),
            is_refused,
        });
        at_ms = postpone(end_ms + random.random_range(0..5000));
    }
    let last_ms = lines
        .iter()
        .map(|line| line.final_ms)
        .max()
        .unwrap_or(over_ms);
    Call {
        lines,
        registered_ms,
        stopped_ms: random.random_bool(0.3).then_some(last_ms + 8000),
        ..Call::default()
    }
}
