//! OpenAI's embeddings API, or a service that speaks it: texts in, a vector each out.

use std::sync::Arc;
use std::time::Duration;

use http::StatusCode;
use secrecy::SecretString;
use serde::Deserialize;
use url::Url;

use insights_http::secret::{self, Freshness, SecretSource, bearer_header};
use insights_http::url::parse_url;
use insights_http::{Answer, CallLimits, Deadline, Error, Transport};

/// Where OpenAI itself answers.
pub const OPENAI_URL: &str = "https://api.openai.com";

/// The most texts of one request, by the contract; the service itself takes 2048.
pub const MAX_INPUTS: usize = 200;

/// The most tokens of one request in all, by the contract.
pub const MAX_REQUEST_TOKENS: usize = 8000;

/// How long one try may take: 200 texts take the service seconds.
const TRY_TIMEOUT: Duration = Duration::from_secs(30);

/// A client of one service, model and dimension.
#[derive(Clone)]
pub struct EmbeddingsClient {
    url: Url,
    model: String,
    dimension: usize,
    key: Arc<dyn SecretSource<SecretString>>,
    transport: Transport,
}

impl std::fmt::Debug for EmbeddingsClient {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "EmbeddingsClient({}, {})", self.url, self.model)
    }
}

#[derive(Deserialize)]
struct Wire {
    data: Vec<Item>,
}

#[derive(Deserialize)]
struct Item {
    index: usize,
    embedding: Vec<f32>,
}

impl EmbeddingsClient {
    /// A client that posts to `{base}/v1/embeddings` for vectors of `model`, which must have `dimension` values.
    ///
    /// A try takes at most 30 s, whatever `limits` allows beyond.
    ///
    /// # Errors
    /// [`Error::Invalid`] unless `base` is a plain `http` or `https` URL.
    pub fn new(
        http: reqwest::Client,
        base: &str,
        model: &str,
        dimension: usize,
        key: Arc<dyn SecretSource<SecretString>>,
        limits: CallLimits,
    ) -> Result<Self, Error> {
        let url = format!("{}/v1/embeddings", base.trim_end_matches('/'));
        let limits = CallLimits {
            try_timeout: TRY_TIMEOUT,
            ..limits
        };
        Ok(Self {
            url: parse_url("the embeddings URL", &url)?,
            model: model.to_owned(),
            dimension,
            key,
            transport: Transport::new(http, limits),
        })
    }

    /// The model's name.
    #[must_use]
    pub fn model(&self) -> &str {
        &self.model
    }

    /// The length of its vectors.
    #[must_use]
    pub fn dimension(&self) -> usize {
        self.dimension
    }

    /// The vectors of up to [`MAX_INPUTS`] texts, in their order, whatever the order of the answer.
    ///
    /// A refused key (401) is read anew once, in case it was rotated.
    ///
    /// # Errors
    /// [`Error::InvalidResponse`] unless the answer has exactly one vector of the right length and finite values for each
    /// text; [`Error::Rejected`] with 400 for texts that the service does not take; and [`Error`] as its other variants
    /// say.
    pub async fn embed(&self, texts: &[&str], deadline: Deadline) -> Result<Vec<Vec<f32>>, Error> {
        if texts.is_empty() {
            return Ok(Vec::new());
        }
        if texts.len() > MAX_INPUTS {
            let allowed = format!("at most {MAX_INPUTS} texts a request are allowed");
            return Err(Error::invalid("the texts to embed", allowed));
        }
        let answer = self.ask(texts, Freshness::Cached, deadline).await?;
        let answer = match answer.status {
            StatusCode::UNAUTHORIZED => self.ask(texts, Freshness::Bypass, deadline).await?,
            _ => answer,
        };
        let endpoint = answer.endpoint.clone();
        match answer.status.as_u16() {
            200..=299 => self.ordered(&answer, texts.len()),
            401 | 403 => Err(Error::Unauthorized { endpoint }),
            404 => Err(Error::NotFound { endpoint }),
            status => Err(Error::Rejected { endpoint, status }),
        }
    }

    async fn ask(
        &self,
        texts: &[&str],
        read: Freshness,
        deadline: Deadline,
    ) -> Result<Answer, Error> {
        const KEY: &str = "the key of the embeddings service";
        let endpoint = self.url.path();
        let late = || Error::DeadlineExceeded {
            endpoint: endpoint.to_owned(),
        };
        let reading = secret::read_secret(&*self.key, KEY, read);
        let key = deadline.bound(reading).await.ok_or_else(late)??;
        let header =
            bearer_header(&key).ok_or_else(|| Error::invalid(KEY, "a header cannot carry it"))?;
        let body =
            serde_json::json!({ "model": self.model, "input": texts, "encoding_format": "float" });
        self.transport
            .call(endpoint, deadline, |http| {
                http.post(self.url.clone())
                    .header(http::header::AUTHORIZATION, header.clone())
                    .json(&body)
            })
            .await
    }

    fn ordered(&self, answer: &Answer, texts: usize) -> Result<Vec<Vec<f32>>, Error> {
        let wrong = |reason: String| Error::response(&answer.endpoint, reason);
        let Wire { data } = answer.json()?;
        if data.len() != texts {
            return Err(wrong(format!(
                "{} vectors came for {texts} texts",
                data.len()
            )));
        }
        let mut vectors: Vec<Vec<f32>> = vec![Vec::new(); texts];
        for Item { index, embedding } in data {
            if embedding.len() != self.dimension {
                return Err(wrong(format!(
                    "a vector has {} dimensions where {} has {}",
                    embedding.len(),
                    self.model,
                    self.dimension
                )));
            }
            if !embedding.iter().all(|value| value.is_finite()) {
                return Err(wrong("a vector has a value that is not finite".to_owned()));
            }
            match vectors.get_mut(index) {
                Some(place) if place.is_empty() => *place = embedding,
                _ => {
                    return Err(wrong(format!(
                        "the index {index} is out of range or came twice"
                    )));
                }
            }
        }
        Ok(vectors)
    }
}
