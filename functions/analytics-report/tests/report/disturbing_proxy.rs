//! An HTTP proxy that disturbs the requests to one endpoint as broken servers and networks do.

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use axum::body::{Body, to_bytes};
use axum::extract::{Request, State};
use axum::http::request::Parts;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use insights_http::client::{IdleConnections, build_client};

/// What happens to a request instead of its answer.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Disturbance {
    Status(u16),
    /// There is no answer.
    Hang,
    /// The answer comes late.
    Slow,
    /// The connection breaks in the middle of the answer.
    Reset,
    /// The answer is a page of HTML with status 200.
    NotJson,
    /// The answer is JSON of another shape with status 200.
    WrongShape,
    /// The answer has status 200 and no body.
    Empty,
}

impl Disturbance {
    pub(crate) const ALL: [Self; 9] = [
        Self::Status(503),
        Self::Status(403),
        Self::Status(429),
        Self::Hang,
        Self::Slow,
        Self::Reset,
        Self::NotJson,
        Self::WrongShape,
        Self::Empty,
    ];
}

impl fmt::Display for Disturbance {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = match self {
            Self::Status(status) => return f.pad(&status.to_string()),
            Self::Hang => "hang",
            Self::Slow => "slow",
            Self::Reset => "reset",
            Self::NotJson => "not JSON",
            Self::WrongShape => "wrong shape",
            Self::Empty => "empty 200",
        };
        f.pad(name)
    }
}

/// Which requests are disturbed.
pub(crate) type Matches = fn(&Parts) -> bool;

type Rule = Arc<Mutex<Option<(Matches, Disturbance)>>>;

/// A proxy on a port of its own in front of a server. Without a rule it forwards everything.
pub(crate) struct DisturbingProxy {
    url: String,
    rule: Rule,
    serving: tokio::task::JoinHandle<()>,
}

impl Drop for DisturbingProxy {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

#[derive(Clone)]
struct Forwarding {
    http: reqwest::Client,
    server: Arc<str>,
    rule: Rule,
}

impl DisturbingProxy {
    /// Starts a proxy in front of the server at a base URL.
    pub(crate) async fn start(server: &str) -> Self {
        let rule = Rule::default();
        let forwarding = Forwarding {
            http: build_client(IdleConnections::Close).unwrap(),
            server: server.trim_end_matches('/').into(),
            rule: Arc::clone(&rule),
        };
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let app = axum::Router::new().fallback(answer).with_state(forwarding);
        let serving = tokio::spawn(async move {
            axum::serve(listener, app).await.unwrap();
        });
        Self { url, rule, serving }
    }

    /// Returns the base URL of the proxy.
    pub(crate) fn url(&self) -> &str {
        &self.url
    }

    /// Disturbs the matching requests from now on.
    pub(crate) fn disturb(&self, matches: Matches, disturbance: Disturbance) {
        *self.rule() = Some((matches, disturbance));
    }

    /// Ends the disturbance: every request is forwarded again.
    pub(crate) fn restore(&self) {
        *self.rule() = None;
    }

    fn rule(&self) -> std::sync::MutexGuard<'_, Option<(Matches, Disturbance)>> {
        self.rule.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

async fn answer(State(forwarding): State<Forwarding>, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let rule = *forwarding
        .rule
        .lock()
        .unwrap_or_else(PoisonError::into_inner);
    let disturbance = rule
        .filter(|(matches, _)| matches(&parts))
        .map(|(_, disturbance)| disturbance);
    let broken = || std::io::Error::from(std::io::ErrorKind::ConnectionReset);
    match disturbance {
        None => forward(&forwarding, parts, body).await,
        Some(Disturbance::Status(status)) => StatusCode::from_u16(status).unwrap().into_response(),
        Some(Disturbance::Hang) => std::future::pending().await,
        Some(Disturbance::Slow) => {
            tokio::time::sleep(Duration::from_millis(300)).await;
            forward(&forwarding, parts, body).await
        }
        Some(Disturbance::Reset) => {
            let pieces = futures::stream::iter([Ok("{\"data\":"), Err(broken())]);
            Body::from_stream(pieces).into_response()
        }
        Some(Disturbance::NotJson) => "<html><body>Service page</body></html>".into_response(),
        Some(Disturbance::WrongShape) => "{\"message\": \"query limit exceeded\"}".into_response(),
        Some(Disturbance::Empty) => StatusCode::OK.into_response(),
    }
}

async fn forward(forwarding: &Forwarding, parts: Parts, body: Body) -> Response {
    let path = parts.uri.path_and_query().map_or("/", |path| path.as_str());
    let mut headers = parts.headers;
    headers.remove(header::HOST);
    let body = to_bytes(body, usize::MAX).await.unwrap_or_default();
    let sent = forwarding
        .http
        .request(parts.method, format!("{}{path}", forwarding.server))
        .headers(headers)
        .body(body)
        .send()
        .await;
    let Ok(answered) = sent else {
        return StatusCode::BAD_GATEWAY.into_response();
    };
    let (status, mut headers) = (answered.status(), HeaderMap::new());
    for (name, value) in answered.headers() {
        if ![
            header::TRANSFER_ENCODING,
            header::CONTENT_LENGTH,
            header::CONNECTION,
        ]
        .contains(name)
        {
            headers.insert(name.clone(), value.clone());
        }
    }
    let body = answered.bytes().await.unwrap_or_default();
    (status, headers, body).into_response()
}
