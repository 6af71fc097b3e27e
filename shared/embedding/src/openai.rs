//! OpenAI's embeddings API, or a service that speaks it: texts in, one vector for each text out.

use std::sync::Arc;
use std::time::Duration;

use insights_http::exchange::HttpClient;
use insights_http::keyed_service::KeyedService;
use insights_http::secret::SecretSource;
use insights_http::url::parse_url;
use insights_http::{Answer, CallLimits, Deadline, Error};
use secrecy::SecretString;
use serde::Deserialize;

/// The base URL of OpenAI itself.
pub const OPENAI_URL: &str = "https://api.openai.com";

/// Most texts in one request, as the product allows; OpenAI takes 2048.
pub const MAX_INPUTS: usize = 200;

/// Most tokens in one request, all texts together, as the product allows.
pub const MAX_REQUEST_TOKENS: usize = 8000;

/// How long one attempt may take: 200 texts take the service seconds.
const ATTEMPT_TIMEOUT: Duration = Duration::from_secs(30);

/// A client of one service for one model. Clones share the connections and the circuit breaker.
#[derive(Debug, Clone)]
pub struct EmbeddingsClient {
    service: KeyedService,
    model: String,
    dimension: usize,
}

/// The answer of the service as JSON.
#[derive(Deserialize)]
struct ServiceAnswer {
    data: Vec<IndexedVector>,
}

/// A vector with the index of its text in the request.
#[derive(Deserialize)]
struct IndexedVector {
    index: usize,
    embedding: Vec<f32>,
}

impl EmbeddingsClient {
    /// Creates a client that posts to `{base}/v1/embeddings` for vectors of `model`, which must have `dimension` values.
    ///
    /// An attempt takes at most 30 s, whatever `limits` allows beyond.
    ///
    /// # Errors
    /// [`Error::Invalid`] unless `base` is a plain `http` or `https` URL.
    pub fn new(
        http: impl Into<HttpClient>,
        base: &str,
        model: &str,
        dimension: usize,
        key: Arc<dyn SecretSource<SecretString>>,
        limits: CallLimits,
    ) -> Result<Self, Error> {
        let url = format!("{}/v1/embeddings", base.trim_end_matches('/'));
        let url = parse_url("the embeddings URL", &url)?;
        let limits = CallLimits {
            attempt_timeout: ATTEMPT_TIMEOUT,
            ..limits
        };
        let key_name = "the key of the embeddings service";
        Ok(Self {
            service: KeyedService::new(http, url, key_name, key, limits),
            model: model.to_owned(),
            dimension,
        })
    }

    /// Returns the name of the model.
    #[must_use]
    pub fn model(&self) -> &str {
        &self.model
    }

    /// Returns the length of the model's vectors.
    #[must_use]
    pub fn dimension(&self) -> usize {
        self.dimension
    }

    /// Embeds up to [`MAX_INPUTS`] texts, and returns their vectors in the order of the texts, whatever the order of the
    /// answer.
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
        let body =
            serde_json::json!({ "model": self.model, "input": texts, "encoding_format": "float" });
        let answer = self.service.post(&body, deadline).await?;
        self.sort_vectors(&answer, texts.len())
    }

    /// Reads the vectors of an answer, and puts them into the order of the texts.
    fn sort_vectors(&self, answer: &Answer, texts: usize) -> Result<Vec<Vec<f32>>, Error> {
        let invalid = |reason: String| Error::invalid_response(&answer.endpoint, reason);
        let ServiceAnswer { data } = answer.json()?;
        if data.len() != texts {
            let vectors = data.len();
            return Err(invalid(format!("{vectors} vectors came for {texts} texts")));
        }
        let mut vectors: Vec<Vec<f32>> = vec![Vec::new(); texts];
        for IndexedVector { index, embedding } in data {
            if embedding.len() != self.dimension {
                return Err(invalid(format!(
                    "a vector has {} dimensions where {} has {}",
                    embedding.len(),
                    self.model,
                    self.dimension
                )));
            }
            if !embedding.iter().all(|value| value.is_finite()) {
                return Err(invalid(
                    "a vector has a value that is not finite".to_owned(),
                ));
            }
            match vectors.get_mut(index) {
                Some(vector) if vector.is_empty() => *vector = embedding,
                _ => {
                    return Err(invalid(format!(
                        "the index {index} is out of range or came twice"
                    )));
                }
            }
        }
        Ok(vectors)
    }
}
