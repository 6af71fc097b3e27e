//! A client of an HTTP service that scores a text.

use std::sync::Arc;
use std::time::Duration;

use insights_core::scale::Score;
use insights_http::exchange::HttpClient;
use insights_http::keyed_service::KeyedService;
use insights_http::secret::SecretSource;
use insights_http::url::parse_url;
use insights_http::{Answer, CallLimits, Deadline, Error};
use secrecy::SecretString;
use serde::Deserialize;

use crate::score::SentimentScore;

/// Most emotions in an answer: the reply to the contact center must stay small.
const MAX_EMOTIONS: usize = 32;

/// Largest size of the name of an emotion, in bytes.
const MAX_EMOTION_BYTES: usize = 64;

/// Largest size of an answer, in bytes.
const MAX_ANSWER_BYTES: usize = 64 << 10;

/// How long one attempt may take, so that the 5 s of a Data Action hold more than one.
const ATTEMPT_TIMEOUT: Duration = Duration::from_secs(2);

/// A client of one sentiment service. Clones share the connections and the circuit breaker.
#[derive(Debug, Clone)]
pub struct NlpClient(KeyedService);

/// The answer of the service as JSON.
#[derive(Deserialize)]
struct ServiceAnswer {
    score: f64,
    emotions: Vec<String>,
}

impl NlpClient {
    /// Creates a client that posts to `url` with a key from `key`.
    ///
    /// An attempt takes at most 2 s and an answer has at most 64 KB, whatever `limits` allows beyond.
    ///
    /// # Errors
    /// [`Error::Invalid`] unless `url` is a plain `http` or `https` URL.
    pub fn new(
        http: impl Into<HttpClient>,
        url: &str,
        key: Arc<dyn SecretSource<SecretString>>,
        limits: CallLimits,
    ) -> Result<Self, Error> {
        let limits = CallLimits {
            attempt_timeout: limits.attempt_timeout.min(ATTEMPT_TIMEOUT),
            max_answer_bytes: limits.max_answer_bytes.min(MAX_ANSWER_BYTES),
            ..limits
        };
        let url = parse_url("the sentiment URL", url)?;
        let key_name = "the key of the sentiment service";
        Ok(Self(KeyedService::new(http, url, key_name, key, limits)))
    }

    /// Scores a text: posts `{"text"}` with the key as bearer token.
    ///
    /// # Errors
    /// [`Error::InvalidResponse`] for an answer that is not `{"score": number, "emotions": [string]}` with a score from 0 to 1
    /// and at most 32 emotions, and [`Error`] as its other variants say. A service that is down fails inside the deadline with a
    /// retryable error.
    pub async fn score(&self, text: &str, deadline: Deadline) -> Result<SentimentScore, Error> {
        let body = serde_json::json!({ "text": text });
        parse_answer(&self.0.post(&body, deadline).await?)
    }
}

/// Reads the answer of the service, and checks that it keeps the limits.
fn parse_answer(answer: &Answer) -> Result<SentimentScore, Error> {
    let invalid = |reason: String| Error::invalid_response(&answer.endpoint, reason);
    // An object first: serde would take the elements of an array for the fields in their order.
    let fields: serde_json::Map<String, serde_json::Value> = answer.json()?;
    let ServiceAnswer { score, emotions } =
        serde_json::from_value(fields.into()).map_err(|_| {
            // The words of serde may quote the value.
            invalid(
                "it must have `score`, a number, and `emotions`, an array of strings".to_owned(),
            )
        })?;
    let is_allowed = |emotion: &String| (1..=MAX_EMOTION_BYTES).contains(&emotion.len());
    if emotions.len() > MAX_EMOTIONS || !emotions.iter().all(is_allowed) {
        return Err(invalid(format!(
            "emotions must be at most {MAX_EMOTIONS} names of 1 to {MAX_EMOTION_BYTES} bytes"
        )));
    }
    // A score outside the scale is not clamped: the service has another scale, and its scores would all be wrong.
    let score = Score::try_from(score)
        .map_err(|_| invalid("the score must be a number from 0 to 1".to_owned()))?;
    Ok(SentimentScore::new(score, emotions))
}
