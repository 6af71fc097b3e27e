//! The HTTP sentiment provider: a service outside that scores a text.

use std::sync::Arc;
use std::time::Duration;

use http::StatusCode;
use secrecy::SecretString;
use serde::Deserialize;
use url::Url;

use insights_http::secret::{self, Freshness, SecretSource, bearer_header};
use insights_http::url::parse_url;
use insights_http::{Answer, CallLimits, Deadline, Error, Transport};

/// The most emotion tags in an answer, and the most bytes of one: the reply to the contact centre must stay small.
const MAX_TAGS: usize = 32;
const MAX_TAG_BYTES: usize = 64;

/// The largest answer in bytes.
const MAX_ANSWER: usize = 64 << 10;

/// How long one try may take, so that a Data Action's 5 s hold more than one.
const TRY_TIMEOUT: Duration = Duration::from_secs(2);

/// What the service says about a text.
#[derive(Debug, Clone, PartialEq)]
pub struct Sentiment {
    /// 0 negative, 0.5 neutral, 1 positive; an answer outside 0..1 is clamped to it.
    pub score: f64,
    /// The emotions it found, at most 32.
    pub emotions: Vec<String>,
}

/// A client of one service.
#[derive(Clone)]
pub struct NlpClient {
    url: Url,
    key: Arc<dyn SecretSource<SecretString>>,
    transport: Transport,
}

impl std::fmt::Debug for NlpClient {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "NlpClient({})", self.url)
    }
}

#[derive(Deserialize)]
struct Wire {
    score: f64,
    emotions: Vec<String>,
}

impl NlpClient {
    /// A client that posts to `url` with a key from `key`.
    ///
    /// A try takes at most 2 s and an answer has at most 64 KB, whatever `limits` allows beyond.
    ///
    /// # Errors
    /// [`Error::Invalid`] unless `url` is a plain `http` or `https` URL.
    pub fn new(
        http: reqwest::Client,
        url: &str,
        key: Arc<dyn SecretSource<SecretString>>,
        limits: CallLimits,
    ) -> Result<Self, Error> {
        let limits = CallLimits {
            try_timeout: limits.try_timeout.min(TRY_TIMEOUT),
            max_answer: limits.max_answer.min(MAX_ANSWER),
            ..limits
        };
        Ok(Self {
            url: parse_url("the sentiment URL", url)?,
            key,
            transport: Transport::new(http, limits),
        })
    }

    /// The sentiment of a text.
    ///
    /// Sends `{"text"}` with the key as bearer token. A refused key (401) is read anew once, in case it was rotated.
    ///
    /// # Errors
    /// [`Error::InvalidResponse`] for an answer that is not `{"score": number, "emotions": [string]}`, and [`Error`] as
    /// its other variants say. A service that is down fails inside the deadline with a retryable error.
    pub async fn analyse(&self, text: &str, deadline: Deadline) -> Result<Sentiment, Error> {
        let answer = self.ask(text, Freshness::Cached, deadline).await?;
        let answer = match answer.status {
            StatusCode::UNAUTHORIZED => self.ask(text, Freshness::Bypass, deadline).await?,
            _ => answer,
        };
        let endpoint = answer.endpoint.clone();
        match answer.status.as_u16() {
            200..=299 => validated(&answer),
            401 | 403 => Err(Error::Unauthorized { endpoint }),
            404 => Err(Error::NotFound { endpoint }),
            status => Err(Error::Rejected { endpoint, status }),
        }
    }

    async fn ask(&self, text: &str, read: Freshness, deadline: Deadline) -> Result<Answer, Error> {
        let endpoint = self.url.path();
        let reading = secret::read_secret(&*self.key, "the key of the sentiment service", read);
        let late = || Error::DeadlineExceeded {
            endpoint: endpoint.to_owned(),
        };
        let key = deadline.bound(reading).await.ok_or_else(late)??;
        let header = bearer_header(&key).ok_or_else(|| {
            Error::invalid(
                "the key of the sentiment service",
                "a header cannot carry it",
            )
        })?;
        let body = serde_json::json!({ "text": text });
        self.transport
            .call(endpoint, deadline, |http| {
                http.post(self.url.clone())
                    .header(http::header::AUTHORIZATION, header.clone())
                    .json(&body)
            })
            .await
    }
}

fn validated(answer: &Answer) -> Result<Sentiment, Error> {
    // An object first: serde would take an array's elements for the fields in their order.
    let fields: serde_json::Map<String, serde_json::Value> = answer.json()?;
    let Wire { score, emotions } = serde_json::from_value(fields.into()).map_err(|_| {
        Error::response(
            &answer.endpoint,
            "it must have `score`, a number, and `emotions`, an array of strings",
        )
    })?;
    if !score.is_finite() {
        return Err(Error::response(&answer.endpoint, "the score is not finite"));
    }
    if emotions.len() > MAX_TAGS
        || emotions
            .iter()
            .any(|tag| tag.is_empty() || tag.len() > MAX_TAG_BYTES)
    {
        let allowed =
            format!("emotions must be at most {MAX_TAGS} tags of 1 to {MAX_TAG_BYTES} bytes");
        return Err(Error::response(&answer.endpoint, allowed));
    }
    Ok(Sentiment {
        score: score.clamp(0.0, 1.0),
        emotions,
    })
}
