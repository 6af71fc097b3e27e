//! The network between a process and the contact center.

use std::sync::Arc;
use std::time::Duration;

use futures::future::BoxFuture;
use insights_http::error::SharedCause;
use insights_http::exchange::{HttpClient, HttpExchange};
use serde_json::Value;

use crate::faults::{Fault, Target};
use crate::processes::Process;
use crate::world::SharedWorld;

/// The name of the contact center's host. Nothing is resolved.
pub const CONTACT_CENTER_URL: &str = "http://127.0.0.1:1";

/// The address of the service that scores texts.
pub const SCORING_URL: &str = "http://127.0.0.1:2/score";

/// The network as one process sees it.
#[derive(Debug, Clone)]
pub struct SimulatedNetwork {
    world: SharedWorld,
    process: Process,
}

impl SimulatedNetwork {
    /// Returns an HTTP client of a process whose requests go to the simulated servers.
    #[must_use]
    pub fn client(world: SharedWorld, process: Process) -> HttpClient {
        /// The builder of requests; building one loads the root certificates, which takes longer than a whole run.
        static REQUESTS: std::sync::OnceLock<reqwest::Client> = std::sync::OnceLock::new();
        let requests = REQUESTS.get_or_init(|| {
            insights_http::client::build_client(insights_http::client::IdleConnections::Keep)
                .expect("an HTTP client")
        });
        HttpClient::from(requests.clone()).with_exchange(Arc::new(Self { world, process }))
    }

    async fn carry(&self, request: reqwest::Request) -> Result<reqwest::Response, SharedCause> {
        let target = target_of(&request);
        let (fault, latency_ms) = {
            let mut world = self.world.lock();
            *world.contact_center.requests.entry(target).or_default() += 1;
            world.meet(target)
        };
        let latency = Duration::from_millis(latency_ms);
        tokio::time::sleep(latency).await;
        self.process.turn().await;
        let answer = match fault {
            None => Ok(self.answer(target, &request)),
            Some(fault) => {
                let line = || {
                    format!(
                        "{} {} {} meets {fault:?}",
                        self.process.name(),
                        request.method(),
                        request.url().path()
                    )
                };
                self.world.lock().trace.add(line);
                match fault {
                    Fault::Status(status) => Ok(reply(status, &[], "{}")),
                    Fault::RateLimited(None) => Ok(reply(429, &[], "{}")),
                    Fault::RateLimited(Some(seconds)) => {
                        Ok(reply(429, &[("retry-after", seconds.to_string())], "{}"))
                    }
                    Fault::Refused => Err("the connection was refused".into()),
                    Fault::Hang => std::future::pending().await,
                    Fault::LostAnswer => {
                        let _ = self.answer(target, &request);
                        Err("the connection broke".into())
                    }
                    Fault::Slow(ms) => {
                        let answer = self.answer(target, &request);
                        tokio::time::sleep(Duration::from_millis(ms.into())).await;
                        Ok(answer)
                    }
                    Fault::NotJson => Ok(reply(200, &[], "<html>busy</html>")),
                    Fault::WrongShape => Ok(reply(200, &[], r#"{"error":"query limit exceeded"}"#)),
                }
            }
        };
        tokio::time::sleep(latency).await;
        answer.map_err(|cause: Box<dyn std::error::Error + Send + Sync>| cause.into())
    }

    fn answer(&self, target: Target, request: &reqwest::Request) -> reqwest::Response {
        let header = |name: &str| {
            request
                .headers()
                .get(name)
                .and_then(|value| value.to_str().ok())
        };
        let body = request
            .body()
            .and_then(reqwest::Body::as_bytes)
            .and_then(|bytes| serde_json::from_slice(bytes).ok())
            .unwrap_or(Value::Null);
        let query: Vec<(String, String)> = request
            .url()
            .query_pairs()
            .map(|(name, value)| (name.into_owned(), value.into_owned()))
            .collect();
        let mut world = self.world.lock();
        let (status, body) = world.contact_center.answer(
            target,
            request.url().path(),
            &query,
            header("authorization").and_then(|value| value.strip_prefix("Bearer ")),
            header("idempotency-key"),
            &body,
        );
        let line = || {
            format!(
                "{} {} {} -> {status}",
                self.process.name(),
                request.method(),
                request.url().path()
            )
        };
        world.trace.add(line);
        let text = if status == 204 {
            String::new()
        } else {
            body.to_string()
        };
        reply(status, &[], &text)
    }
}

impl HttpExchange for SimulatedNetwork {
    fn execute(
        &self,
        request: reqwest::Request,
    ) -> BoxFuture<'_, Result<reqwest::Response, SharedCause>> {
        Box::pin(self.carry(request))
    }
}

fn reply(status: u16, headers: &[(&str, String)], body: &str) -> reqwest::Response {
    let mut response = http::Response::builder().status(status);
    for (name, value) in headers {
        response = response.header(*name, value);
    }
    response
        .body(body.to_owned())
        .expect("a valid response")
        .into()
}

fn target_of(request: &reqwest::Request) -> Target {
    let url = request.url();
    match url.path() {
        path if path.ends_with("/token") => Target::Token,
        path if path.ends_with("/transcripts") => Target::Transcript,
        path if path.ends_with("/attributes") => Target::Attributes,
        path if path.ends_with("/suggestions") => Target::Suggestions,
        _ => Target::Scoring,
    }
}
