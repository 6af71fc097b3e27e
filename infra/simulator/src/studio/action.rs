//! The REST API action of Studio.

use std::collections::BTreeMap;
use std::time::Duration;

use serde_json::{Value, json};

use super::dynamic::{Dynamic, ScriptException};

/// Largest reply that Studio takes, in bytes.
const MAX_REPLY: usize = 32 << 10;
/// Longest time limit of an action, in milliseconds.
const LONGEST_TIMEOUT_MS: u64 = 90_000;
/// Verbs of the action.
const VERBS: [&str; 5] = ["GET", "PUT", "POST", "DELETE", "PATCH"];

/// The properties of a REST API action, as they are typed into Studio.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RestAction {
    /// Verb of the call.
    pub verb: String,
    /// Address of the call, with its query.
    pub service_address: String,
    /// Headers as one line of JSON.
    pub headers: String,
    /// Body as one line.
    pub parameters: String,
    /// Time limit in milliseconds.
    pub timeout_ms: u64,
}

/// What an action returns.
#[derive(Debug, Clone, PartialEq)]
pub struct Reply {
    /// The object `resultSet`, with the members `body` and `headers`.
    pub result_set: Dynamic,
    /// Number of times that the call was sent.
    pub deliveries: u32,
}

/// Why an action fails after all its repeats.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CallFailure {
    /// What went wrong the last time.
    pub reason: String,
    /// Number of times that the call was sent.
    pub deliveries: u32,
}

impl std::fmt::Display for CallFailure {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} after {} deliveries", self.reason, self.deliveries)
    }
}

impl std::error::Error for CallFailure {}

/// A client that calls as Studio does.
#[derive(Debug, Clone)]
pub struct Studio {
    client: reqwest::Client,
    repeats: u32,
}

impl Studio {
    /// Returns a client that repeats a failed call so many times: once or twice, since the help can be read both ways.
    ///
    /// # Panics
    /// If the system has no source of randomness for TLS.
    #[must_use]
    pub fn new(repeats: u32) -> Self {
        #[expect(
            clippy::disallowed_methods,
            reason = "this client is the contact center's, and no part of the product"
        )]
        let client = reqwest::Client::builder().no_proxy().build();
        Self {
            client: client.expect("a client without settings"),
            repeats,
        }
    }

    /// Carries out an action, with its repeats.
    ///
    /// # Errors
    /// [`CallFailure`] for properties that Studio does not take, and for replies that are no JSON of at most 32 KB with a status
    /// of success.
    pub async fn call(&self, action: &RestAction) -> Result<Reply, CallFailure> {
        let headers = headers(action).map_err(|exception| CallFailure {
            reason: exception.to_string(),
            deliveries: 0,
        })?;
        let mut deliveries = 0;
        loop {
            deliveries += 1;
            match self.deliver(action, &headers).await {
                Ok(result_set) => {
                    return Ok(Reply {
                        result_set,
                        deliveries,
                    });
                }
                Err(reason) if deliveries > self.repeats => {
                    return Err(CallFailure { reason, deliveries });
                }
                Err(_) => {}
            }
        }
    }

    async fn deliver(
        &self,
        action: &RestAction,
        headers: &BTreeMap<String, String>,
    ) -> Result<Dynamic, String> {
        let verb = action.verb.parse().map_err(|_| "no such verb".to_owned())?;
        let mut request = self
            .client
            .request(verb, &action.service_address)
            .timeout(Duration::from_millis(action.timeout_ms));
        for (name, value) in headers {
            request = request.header(name, value);
        }
        if action.verb != "GET" {
            request = request.body(action.parameters.clone());
        }
        let reply = request
            .send()
            .await
            .map_err(|_| "no reply in time".to_owned())?;
        let (status, reply_headers) = (reply.status(), reply.headers().clone());
        let body = reply
            .bytes()
            .await
            .map_err(|_| "no whole reply".to_owned())?;
        if !status.is_success() {
            return Err(format!("the status is {}", status.as_u16()));
        }
        if body.len() > MAX_REPLY {
            return Err("the reply has more than 32 KB".to_owned());
        }
        let body: Value =
            serde_json::from_slice(&body).map_err(|_| "the reply is no JSON".to_owned())?;
        let reply_headers: BTreeMap<&str, &str> = reply_headers
            .iter()
            .filter_map(|(name, value)| Some((name.as_str(), value.to_str().ok()?)))
            .collect();
        let body = match body {
            Value::Object(_) | Value::Array(_) => body,
            _ => return Err("the reply is no object".to_owned()),
        };
        Dynamic::of(json!({"body": body, "headers": reply_headers}))
            .map_err(|exception| exception.to_string())
    }
}

/// Checks the properties of an action, and returns its headers with those that CXone adds.
fn headers(action: &RestAction) -> Result<BTreeMap<String, String>, ScriptException> {
    if !VERBS.contains(&action.verb.as_str()) {
        return Err(ScriptException::new("the verb does not exist"));
    }
    if action.timeout_ms >= LONGEST_TIMEOUT_MS {
        return Err(ScriptException::new("the time limit is too long"));
    }
    if action.headers.contains('\n') || action.parameters.contains('\n') {
        return Err(ScriptException::new(
            "headers and parameters are one line each",
        ));
    }
    let given: BTreeMap<String, String> = serde_json::from_str(&action.headers)
        .map_err(|_| ScriptException::new("the headers are no JSON"))?;
    let mut headers = BTreeMap::from([
        ("accept".to_owned(), "application/json".to_owned()),
        (
            "content-type".to_owned(),
            "application/x-www-form-urlencoded".to_owned(),
        ),
    ]);
    for (name, value) in given {
        headers.insert(name.to_ascii_lowercase(), value);
    }
    Ok(headers)
}
