//! Starts of the functions' programs: from the start of a process to its first TLS connection, its first signed request and its
//! first answer.

use std::time::{Duration, Instant};

use dev_stack::Settings;
use insights_http::client::{IdleConnections, build_client};
use testkit::events::event_path;
use testkit::process::{cpu_seconds_of, peak_resident_megabytes};

use crate::programs::{FunctionPrograms, PROGRAM_TIMEOUT};
use crate::tls_proxy::TlsProxy;

/// What one start of a function took.
#[derive(Debug, Clone, Copy)]
pub struct Start {
    /// Time until the first TLS connection to an AWS service; `None` if the function needs none for the event.
    pub connection: Option<Duration>,
    /// Time until the first signed request arrived at an AWS service.
    pub signed_request: Option<Duration>,
    /// Time until the first answer of the function.
    pub answer: Duration,
    /// Processor time of the process until then, in seconds.
    pub cpu_seconds: f64,
    /// Largest resident memory of the process until then, in megabytes.
    pub peak_megabytes: f64,
}

/// The emulated Lambda runtime, with the AWS services behind TLS as in the cloud.
#[derive(Debug)]
pub struct ColdStarts {
    programs: FunctionPrograms,
    proxy: TlsProxy,
    _database: dev_stack::Database,
}

impl ColdStarts {
    /// Starts the servers that the functions need.
    ///
    /// # Panics
    /// If a server does not start.
    pub async fn prepare() -> Self {
        let aws = dev_stack::aws();
        let database = dev_stack::create_database();
        let settings = dev_stack::unique_environment_on(&aws, "cold");
        dev_stack::create_resources(&settings, &database.url).expect("the resources");
        let upstream = aws.endpoint_url.trim_start_matches("http://").to_owned();
        let proxy = TlsProxy::start(upstream).await;
        let programs = FunctionPrograms::start(through(&proxy, settings)).await;
        Self {
            programs,
            proxy,
            _database: database,
        }
    }

    /// Starts a function, invokes it once, and ends it.
    ///
    /// # Panics
    /// If the function does not answer.
    pub async fn measure(&mut self, function: &'static str) -> Start {
        let client = build_client(IdleConnections::Close).expect("a client");
        let _forgotten = self.proxy.take_moments();
        let started = Instant::now();
        let process = self.programs.start_program(function);
        let answer = client
            .post(self.programs.invoke_url(function))
            .body(quick_event(function))
            .timeout(PROGRAM_TIMEOUT)
            .send()
            .await
            .unwrap_or_else(|error| panic!("{function}: {error}\n{}", self.programs.logs()));
        answer.bytes().await.expect("an answer");
        let answer = started.elapsed();
        let moments = self.proxy.take_moments();
        let after_start = |moment: Instant| moment.duration_since(started);
        let start = Start {
            connection: moments.connection.map(after_start),
            signed_request: moments.signed_request.map(after_start),
            answer,
            cpu_seconds: cpu_seconds_of(process),
            peak_megabytes: peak_resident_megabytes(process),
        };
        self.programs.kill_program(function);
        start
    }
}

/// Returns the settings with the AWS services behind the TLS server.
fn through(proxy: &TlsProxy, mut settings: Settings) -> Settings {
    settings.insert("AWS_ENDPOINT_URL".to_owned(), proxy.url());
    let certificate = proxy.certificate().display().to_string();
    settings.insert("SSL_CERT_FILE".to_owned(), certificate);
    settings
}

/// Returns an event that a function answers as soon as the function is ready. Functions that work until their deadline get
/// an event that they refuse.
fn quick_event(function: &str) -> String {
    let named = |name: &str| std::fs::read_to_string(event_path(name)).expect("an event");
    match function {
        "admin" => r#"{"task": "none"}"#.to_owned(),
        "analytics-report" => r#"{"from": "never", "to": "never"}"#.to_owned(),
        "chat-session" => named("chat-session-bad-agent.json"),
        "data-action" => named("data-action-json.json"),
        "embedding-writer" => r#"{"Records": []}"#.to_owned(),
        "heartbeat" => r#""no event""#.to_owned(),
        "semantic-search" => named("semantic-search-no-question.json"),
        "supervisor-board" => named("supervisor-board-page.json"),
        "transcript-poller" => r#"{"shard": 1000}"#.to_owned(),
        _ => named("webhook-receiver-wrong-signature.json"),
    }
}
