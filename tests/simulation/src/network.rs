//! The network between a process and the contact center.

use std::sync::Arc;
use std::time::Duration;

use futures::future::BoxFuture;
use insights_http::error::SharedCause;
use insights_http::exchange::{HttpClient, HttpExchange};
use serde_json::Value;

use crate::embedding_service::embed;
use crate::faults::{Fault, Target};
use crate::processes::Process;
use crate::seeded_os;
use crate::stream;
use crate::world::SharedWorld;

/// The name of the contact center's host. Nothing is resolved.
pub const CONTACT_CENTER_URL: &str = "http://127.0.0.1:1";

/// The address of the service that scores texts.
pub const SCORING_URL: &str = "http://127.0.0.1:2/score";

/// The address of the receiver of notifications.
pub const WEBHOOK_URL: &str = "http://127.0.0.1:3/escalations";

/// The base address of the service that embeds texts.
pub const EMBEDDING_URL: &str = "http://127.0.0.1:4";

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
        let path = request.url().path().to_owned();
        let (fault, latency_ms) = {
            let mut world = self.world.lock();
            let begun_ms = seeded_os::elapsed_ms();
            let (waits, name) = (&world.asked_waits, self.process.name());
            if let Some(complaint) = waits.begin(name, target, &path, begun_ms) {
                world.complain(complaint);
            }
            if world.given_up.contains(name) && target != Target::Token {
                let complaint =
                    format!("{name} asks for {path}, although its session was given up");
                world.complain(complaint);
            }
            world.meet(target)
        };
        let latency = Duration::from_millis(latency_ms);
        tokio::time::sleep(latency).await;
        self.process.turn().await;
        if target == Target::Stream && matches!(fault, None | Some(Fault::Slow(_))) {
            if let Some(Fault::Slow(ms)) = fault {
                tokio::time::sleep(Duration::from_millis(ms.into())).await;
            }
            return self.open_stream(request).await.map_err(Into::into);
        }
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
        if let Some(fault) = fault {
            let mut world = self.world.lock();
            let now_ms = seeded_os::elapsed_ms();
            let is_quiet = !world.is_disturbed(&[Target::Token, Target::State], now_ms)
                && world.faults.lost_share == 0.0;
            let name = self.process.name();
            let waits = &mut world.asked_waits;
            waits.answer(name, target, &path, fault, now_ms, is_quiet);
        }
        answer.map_err(|cause: Box<dyn std::error::Error + Send + Sync>| cause.into())
    }

    /// Opens the stream of chats, or refuses a token that is not good.
    async fn open_stream(
        &self,
        request: reqwest::Request,
    ) -> Result<reqwest::Response, Box<dyn std::error::Error + Send + Sync>> {
        let now_ms = seeded_os::elapsed_ms();
        let end = {
            let mut world = self.world.lock();
            let line = || format!("{} opens the stream", self.process.name());
            world.trace.add(line);
            world.contact_center.token_end_ms(bearer(&request))
        };
        match end {
            Some(end_ms) if end_ms > now_ms => {
                stream::open(self.world.clone(), self.process.clone(), request, end_ms).await
            }
            _ => Ok(reply(401, &[], "{}")),
        }
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
        let path = request.url().path();
        let (status, body) = match target {
            Target::ChatTranscript | Target::Presence
                if world.contact_center.token_end_ms(bearer(request))
                    <= Some(seeded_os::elapsed_ms()) =>
            {
                (401, serde_json::json!({"error": "invalid_token"}))
            }
            Target::ChatTranscript => world.chats.transcript(path),
            Target::Presence => world.chats.set_presence(&body),
            Target::Webhook => world.chats.notify(header("idempotency-key")),
            Target::Embedding => embed(&body),
            _ => world.contact_center.answer(
                target,
                path,
                &query,
                bearer(request),
                header("idempotency-key"),
                &body,
            ),
        };
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

fn bearer(request: &reqwest::Request) -> Option<&str> {
    let header = request.headers().get(http::header::AUTHORIZATION)?;
    header.to_str().ok()?.strip_prefix("Bearer ")
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
        path if path.ends_with("/stream") => Target::Stream,
        path if path.ends_with("/transcript") => Target::ChatTranscript,
        path if path.contains("/presence/") || path.contains("/routing/") => Target::Presence,
        path if path.ends_with("/escalations") => Target::Webhook,
        path if path.ends_with("/embeddings") => Target::Embedding,
        _ => Target::Scoring,
    }
}
