//! A contact center in memory, for tests of the tasks of a session in virtual time.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use backends::Backends;
use cxone::CxoneClient;
use cxone::endpoints::{CXONE_API, Site, System};
use cxone::oauth::{ClientCredentials, TokenSource};
use futures::StreamExt;
use futures::future::BoxFuture;
use hyper_util::rt::TokioIo;
use insights_http::CallLimits;
use insights_http::client::{IdleConnections, build_client};
use insights_http::error::SharedCause;
use insights_http::exchange::{HttpClient, HttpExchange};
use insights_http::retry::RetryPolicy;
use insights_http::secret::FixedSecret;
use runtime::config::Env;
use tempfile::TempDir;
use tokio::io::DuplexStream;

use crate::chat_center::ChatCenter;
use crate::config::Config;
use crate::deps::Deps;

/// Where the contact center is; nothing listens there.
const NOWHERE: &str = "http://127.0.0.1:9";

/// Most bytes that lie in the pipe of a stream in one direction.
const PIPE_BYTES: usize = 64 << 10;

/// What the contact center does with a request.
#[derive(Debug, Clone, Copy)]
pub(super) enum Treatment {
    /// The answer has this status and comes after this time.
    Status(u16, Duration),
    /// The request opens a stream, which answers pings and breaks after this time.
    Stream(Duration),
}

/// The contact center. It gives a token to everybody; what it does with any other request is up to the test.
pub(super) struct CenterInMemory {
    treat: Box<dyn Fn(&str) -> Treatment + Send + Sync>,
    /// Where the stores of the sessions are.
    folder: TempDir,
    counts: Mutex<Counts>,
}

#[derive(Debug, Default)]
struct Counts {
    paths: Vec<String>,
    in_progress: usize,
    most_in_progress: usize,
}

impl std::fmt::Debug for CenterInMemory {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("CenterInMemory").field(&self.counts).finish()
    }
}

impl CenterInMemory {
    /// Creates a contact center that treats a request as `treat` says of its path.
    pub(super) fn new(treat: impl Fn(&str) -> Treatment + Send + Sync + 'static) -> Arc<Self> {
        Arc::new(Self {
            treat: Box::new(treat),
            folder: tempfile::tempdir().unwrap(),
            counts: Mutex::default(),
        })
    }

    /// Returns the number of requests whose path contains `part`.
    pub(super) fn requests(&self, part: &str) -> usize {
        let counts = self.counts.lock().unwrap();
        let concerned = counts.paths.iter().filter(|path| path.contains(part));
        concerned.count()
    }

    /// Returns the largest number of requests that were in progress at the same time.
    pub(super) fn most_in_progress(&self) -> usize {
        self.counts.lock().unwrap().most_in_progress
    }

    /// Builds the dependencies of a session that works with this contact center, with the default settings. A call is one request.
    pub(super) async fn deps(self: &Arc<Self>) -> Arc<Deps> {
        let env = Env::from_pairs([
            ("CXONE_BASE_URL", NOWHERE),
            ("SENTIMENT_PROVIDER", "lexicon"),
        ]);
        let backends = Backends::laptop(self.folder.path(), testkit::secret_values(&[]));
        let config = Config::from_env(&env).unwrap();
        let mut deps = Deps::new(&backends, config).await.unwrap();
        let http = HttpClient::from(build_client(IdleConnections::Close).unwrap());
        let http = http.with_exchange(Arc::clone(self) as Arc<dyn HttpExchange>);
        let site = Site::new(CXONE_API, System::Chat, NOWHERE).unwrap();
        let credentials = FixedSecret(ClientCredentials {
            client_id: "client".to_owned(),
            client_secret: "secret".into(),
            access_key: None,
        });
        let limits = CallLimits {
            retry: RetryPolicy {
                max_attempts: 1,
                ..RetryPolicy::default()
            },
            ..CallLimits::default()
        };
        let tokens = TokenSource::new(http.clone(), site.clone(), Arc::new(credentials), limits);
        deps.center = ChatCenter::Tutorial {
            client: CxoneClient::new(http.clone(), site, Arc::new(tokens), limits),
            stream: http,
        };
        Arc::new(deps)
    }

    async fn answer(&self, request: reqwest::Request) -> Result<reqwest::Response, SharedCause> {
        let path = request.url().path().to_owned();
        if path.ends_with("/token") {
            return Ok(reply(200, r#"{"access_token":"t","expires_in":86400}"#));
        }
        {
            let mut counts = self.counts.lock().unwrap();
            counts.in_progress += 1;
            counts.most_in_progress = counts.most_in_progress.max(counts.in_progress);
            counts.paths.push(path.clone());
        }
        let answer = match (self.treat)(&path) {
            Treatment::Status(status, after) => {
                tokio::time::sleep(after).await;
                reply(status, "{}")
            }
            Treatment::Stream(life) => open_stream(request, life).await,
        };
        self.counts.lock().unwrap().in_progress -= 1;
        Ok(answer)
    }
}

impl HttpExchange for CenterInMemory {
    fn execute(
        &self,
        request: reqwest::Request,
    ) -> BoxFuture<'_, Result<reqwest::Response, SharedCause>> {
        Box::pin(self.answer(request))
    }
}

fn reply(status: u16, body: &str) -> reqwest::Response {
    let response = http::Response::builder().status(status);
    response.body(body.to_owned()).unwrap().into()
}

/// Opens a WebSocket over a pipe in memory, and returns the answer of its handshake, from which the client goes on.
async fn open_stream(request: reqwest::Request, life: Duration) -> reqwest::Response {
    let (client, server) = tokio::io::duplex(PIPE_BYTES);
    tokio::spawn(serve_stream(server, life));
    let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(client))
        .await
        .unwrap();
    tokio::spawn(connection.with_upgrades());
    let mut request = http::Request::<reqwest::Body>::try_from(request).unwrap();
    *request.uri_mut() = http::Uri::from_static("/stream");
    let host = http::HeaderValue::from_static("contact-center");
    request.headers_mut().insert(http::header::HOST, host);
    let mut answer = sender.send_request(request).await.unwrap();
    let upgrade = hyper::upgrade::on(&mut answer);
    let (mut parts, _) = answer.into_parts();
    parts.extensions.insert(upgrade);
    http::Response::from_parts(parts, reqwest::Body::from("")).into()
}

/// Answers the pings of a client until the life of the stream is over, which then breaks without a word.
async fn serve_stream(pipe: DuplexStream, life: Duration) {
    let mut socket = tokio_tungstenite::accept_async(pipe).await.unwrap();
    let reading = async { while let Some(Ok(_)) = socket.next().await {} };
    let _ = tokio::time::timeout(life, reading).await;
}
