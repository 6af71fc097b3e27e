//! The provider that people log in at: where its endpoints are, its keys, and the exchange of a code for an identity token.

use std::sync::Arc;
use std::time::Duration;

use http::StatusCode;
use insights_http::exchange::HttpClient;
use insights_http::retry::RetryPolicy;
use insights_http::{CallLimits, Deadline, Transport};
use jsonwebtoken::jwk::Jwk;
use jsonwebtoken::{Algorithm, DecodingKey};
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;
use serde_json::Value;
use tokio::sync::Mutex;
use tokio::time::Instant;
use url::Url;

use super::error::SignOnError;
use super::identity_token::InvalidToken;
use super::verifier::family_of;

/// How long endpoints and keys are kept.
const KEPT_FOR: Duration = Duration::from_secs(3600);
/// Shortest time between two reads of the keys because of keys that are not known.
const SHORTEST_REREAD: Duration = Duration::from_secs(10);
/// Largest number of keys that are read.
const MAX_KEYS: usize = 50;
/// Largest answer of the provider in bytes.
const MAX_ANSWER_BYTES: usize = 1 << 20;

/// Where the provider's endpoints are, as it says itself.
#[derive(Debug, Clone, Deserialize)]
pub(super) struct Discovery {
    pub(super) issuer: String,
    pub(super) authorization_endpoint: Url,
    token_endpoint: Url,
    jwks_uri: Url,
    #[serde(default)]
    token_endpoint_auth_methods_supported: Option<Vec<String>>,
}

/// A key of the provider.
#[derive(Clone)]
struct ProviderKey {
    id: Option<String>,
    algorithm: Option<String>,
    key: DecodingKey,
}

struct ProviderFacts {
    discovery: Arc<Discovery>,
    keys: Vec<ProviderKey>,
    read_at: Instant,
}

/// The OpenID provider, with what was read of it last.
pub(super) struct Provider {
    issuer: Url,
    transport: Transport,
    state: Mutex<ProviderState>,
}

#[derive(Default)]
struct ProviderState {
    known: Option<ProviderFacts>,
    reread_at: Option<Instant>,
}

impl std::fmt::Debug for Provider {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Provider")
            .field("issuer", &self.issuer.as_str())
            .finish_non_exhaustive()
    }
}

/// What proves this application to the provider.
pub(super) struct Client<'a> {
    pub(super) id: &'a str,
    pub(super) secret: SecretString,
    pub(super) redirect_url: &'a Url,
}

/// Returns whether a URL leads over TLS, or to this machine.
pub(super) fn is_trustworthy(url: &Url) -> bool {
    let is_local = matches!(url.host_str(), Some("127.0.0.1" | "localhost" | "[::1]"));
    url.scheme() == "https" || (url.scheme() == "http" && is_local)
}

impl Provider {
    /// Creates the access to a provider, of which nothing is read yet.
    pub(super) fn new(issuer: Url, http: impl Into<HttpClient>) -> Self {
        let limits = CallLimits {
            max_answer_bytes: MAX_ANSWER_BYTES,
            attempt_timeout: Duration::from_secs(4),
            // A code is good for one attempt, and a person looks on.
            retry: RetryPolicy {
                max_attempts: 1,
                ..RetryPolicy::default()
            },
            ..CallLimits::default()
        };
        Self {
            issuer,
            transport: Transport::new(http, limits),
            state: Mutex::default(),
        }
    }

    /// Returns where the endpoints are.
    pub(super) async fn discovery(
        &self,
        deadline: Deadline,
    ) -> Result<Arc<Discovery>, SignOnError> {
        let mut state = self.state.lock().await;
        self.read_if_old(&mut state, deadline).await
    }

    /// Returns the key by which a token is signed. Keys are read again, at most every few seconds, if it is not known.
    pub(super) async fn key(
        &self,
        id: Option<&str>,
        algorithm: Algorithm,
        deadline: Deadline,
    ) -> Result<DecodingKey, SignOnError> {
        let mut state = self.state.lock().await;
        self.read_if_old(&mut state, deadline).await?;
        if let Some(key) = find(&state, id, algorithm) {
            return Ok(key);
        }
        let may_read = state
            .reread_at
            .is_none_or(|at| at.elapsed() >= SHORTEST_REREAD);
        if may_read {
            state.reread_at = Some(Instant::now());
            state.known = Some(self.read(deadline).await?);
        }
        find(&state, id, algorithm)
            .ok_or(InvalidToken("the provider has no such key"))
            .map_err(SignOnError::InvalidToken)
    }

    /// Exchanges a code for the identity token.
    pub(super) async fn identity_token(
        &self,
        client: &Client<'_>,
        code: &str,
        verifier: &str,
        deadline: Deadline,
    ) -> Result<String, SignOnError> {
        #[derive(Deserialize)]
        struct Granted {
            id_token: String,
        }
        let discovery = self.discovery(deadline).await?;
        let methods = discovery.token_endpoint_auth_methods_supported.as_ref();
        let is_in_form = methods.is_some_and(|methods| {
            let has = |wanted: &str| methods.iter().any(|method| method == wanted);
            has("client_secret_post") && !has("client_secret_basic")
        });
        let secret = client.secret.expose_secret();
        let answer = self
            .transport
            .call("POST sign-on token", deadline, |http| {
                let mut form = vec![
                    ("grant_type", "authorization_code"),
                    ("code", code),
                    ("redirect_uri", client.redirect_url.as_str()),
                    ("code_verifier", verifier),
                ];
                let request = http
                    .post(discovery.token_endpoint.clone())
                    .header(http::header::ACCEPT, "application/json");
                if is_in_form {
                    form.push(("client_id", client.id));
                    form.push(("client_secret", secret));
                    return request.form(&form);
                }
                // The standard has both encoded as in a form before they are joined.
                let encoded =
                    |text: &str| url::form_urlencoded::byte_serialize(text.as_bytes()).collect();
                let (id, secret): (String, String) = (encoded(client.id), encoded(secret));
                request.basic_auth(id, Some(secret)).form(&form)
            })
            .await
            .map_err(SignOnError::Provider)?;
        match answer.status {
            StatusCode::OK => {
                let granted: Granted = answer.json().map_err(SignOnError::Provider)?;
                Ok(granted.id_token)
            }
            StatusCode::BAD_REQUEST => Err(SignOnError::RefusedByProvider),
            _ => Err(SignOnError::Unusable("it refused this application")),
        }
    }

    async fn read_if_old(
        &self,
        state: &mut ProviderState,
        deadline: Deadline,
    ) -> Result<Arc<Discovery>, SignOnError> {
        let known = match state.known.take() {
            Some(known) if known.read_at.elapsed() < KEPT_FOR => known,
            _ => self.read(deadline).await?,
        };
        let known = state.known.insert(known);
        Ok(Arc::clone(&known.discovery))
    }

    async fn read(&self, deadline: Deadline) -> Result<ProviderFacts, SignOnError> {
        let base = self.issuer.as_str().trim_end_matches('/');
        let place = format!("{base}/.well-known/openid-configuration");
        let place = Url::parse(&place)
            .map_err(|_| SignOnError::Unusable("its discovery has no address"))?;
        let discovery: Discovery = self.get("GET sign-on discovery", &place, deadline).await?;
        if discovery.issuer.trim_end_matches('/') != base {
            return Err(SignOnError::Unusable("its discovery names another issuer"));
        }
        let endpoints = [
            &discovery.authorization_endpoint,
            &discovery.token_endpoint,
            &discovery.jwks_uri,
        ];
        if !endpoints.into_iter().all(is_trustworthy) {
            return Err(SignOnError::Unusable("an endpoint of it has no TLS"));
        }
        let keys: Value = self
            .get("GET sign-on keys", &discovery.jwks_uri, deadline)
            .await?;
        let keys = keys["keys"].as_array().map_or(&[][..], Vec::as_slice);
        Ok(ProviderFacts {
            keys: keys.iter().take(MAX_KEYS).filter_map(read_key).collect(),
            discovery: Arc::new(discovery),
            read_at: Instant::now(),
        })
    }

    async fn get<T: serde::de::DeserializeOwned>(
        &self,
        endpoint: &str,
        url: &Url,
        deadline: Deadline,
    ) -> Result<T, SignOnError> {
        let answer = self
            .transport
            .call(endpoint, deadline, |http| http.get(url.clone()))
            .await
            .map_err(SignOnError::Provider)?;
        if answer.status != StatusCode::OK {
            return Err(SignOnError::Unusable(
                "it does not say where its endpoints or keys are",
            ));
        }
        answer.json().map_err(SignOnError::Provider)
    }
}

/// Reads a key; one that is of an unknown kind, or for something else than signatures, is left out.
fn read_key(key: &Value) -> Option<ProviderKey> {
    let text = |name: &str| key[name].as_str().map(str::to_owned);
    if text("use").is_some_and(|purpose| purpose != "sig") {
        return None;
    }
    let parsed: Jwk = serde_json::from_value(key.clone()).ok()?;
    Some(ProviderKey {
        id: text("kid"),
        algorithm: text("alg"),
        key: DecodingKey::from_jwk(&parsed).ok()?,
    })
}

/// Finds the key with this name. A token that names none has the only key of its kind.
fn find(state: &ProviderState, id: Option<&str>, algorithm: Algorithm) -> Option<DecodingKey> {
    let name = format!("{algorithm:?}");
    let is_usable = |key: &&ProviderKey| {
        family_of(algorithm) == Some(key.key.family())
            && key.algorithm.as_ref().is_none_or(|own| *own == name)
    };
    let keys = state.known.as_ref()?.keys.iter().filter(is_usable);
    let mut named = keys.filter(|key| id.is_none() || key.id.as_deref() == id);
    let found = named.next()?;
    (id.is_some() || named.next().is_none()).then(|| found.key.clone())
}
