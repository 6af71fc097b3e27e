//! A simulated contact centre, stores in a folder, and sessions that run on them.

use std::sync::Arc;
use std::time::Duration;

use backends::stores::FunctionSecrets;
use chat_session::session::{self, Options, Outgoing, Report, Update};
use chat_session::{Deps, start};
use cxone::endpoints::System;
use cxone_simulator::{Handle, Scenario, Simulator};
use insights_core::chat::archive::Line;
use insights_http::client::IdleConnections;
use runtime::config::Env;
use secrecy::SecretString;
use serde_json::Value;
use store::objects::Objects;
use store::secrets::{SecretSource, Secrets};
use store::state::{SqliteState, State};
use tempfile::TempDir;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

/// The agent of all tests.
pub(crate) const AGENT: &str = "agent-1";

/// What tests set to be quick; the numbers of the contract are tested where they are decided.
const QUICK: [(&str, &str); 10] = [
    ("SENTIMENT_PROVIDER", "lexicon"),
    ("CHAT_RECONNECT_BASE_MS", "40"),
    ("CHAT_RECONNECT_CAP_MS", "400"),
    ("CHAT_PING_MS", "150"),
    ("CHAT_PONG_MS", "1500"),
    ("CHAT_CONNECT_MS", "5000"),
    ("CHAT_LEASE_MS", "1500"),
    ("CHAT_ARCHIVE_DELAY_MS", "100"),
    ("CHAT_RATE_PER_SECOND", "10000"),
    ("CHAT_RATE_CAPACITY", "1000"),
];

pub(crate) struct Rig {
    pub(crate) sim: Handle,
    pub(crate) folder: TempDir,
    env: Env,
}

/// A session that runs.
pub(crate) struct Running {
    pub(crate) stop: CancellationToken,
    pub(crate) updates: mpsc::Receiver<Update>,
    pub(crate) outbound: mpsc::Sender<Outgoing>,
    pub(crate) task: JoinHandle<anyhow::Result<Report>>,
}

impl Rig {
    pub(crate) async fn new(scenario: Scenario, settings: &[(&str, &str)]) -> Self {
        let sim = Simulator::start(scenario).await.expect("a free port");
        let env = Env::from_pairs(QUICK).with("CXONE_BASE_URL", sim.url());
        let env = settings
            .iter()
            .fold(env, |env, (name, value)| env.with(name, *value));
        Self {
            sim,
            folder: TempDir::new().expect("a folder"),
            env,
        }
    }

    /// Dependencies as a process of its own would build them: nothing is shared but the files and the simulator.
    pub(crate) async fn deps(&self) -> Arc<Deps> {
        let secrets: Secrets = [
            ("client_id", "demo-client"),
            ("client_secret", "demo-secret"),
        ]
        .into_iter()
        .map(|(name, value)| (name.to_owned(), SecretString::from(value)))
        .collect();
        let secrets = Arc::new(FunctionSecrets::new(SecretSource::Given(secrets)));
        let state = State::Sqlite(
            SqliteState::open(self.folder.path().join("state.sqlite")).expect("a state file"),
        );
        let objects = Objects::folder(self.folder.path()).expect("a folder");
        let client = backends::cxone_client::client(
            &self.env,
            System::Chat,
            &secrets,
            &state,
            IdleConnections::Keep,
        )
        .expect("a client");
        Arc::new(
            start::build(&self.env, client, &secrets, state, objects)
                .await
                .expect("dependencies"),
        )
    }

    pub(crate) async fn start(&self, holder: &str) -> Running {
        self.start_with(Options {
            lease_wait: Duration::from_secs(20),
            ..Options::new(holder.to_owned())
        })
        .await
    }

    pub(crate) async fn start_with(&self, options: Options) -> Running {
        let deps = self.deps().await;
        let (show, updates) = mpsc::channel(100_000);
        let (outbound, outgoing) = mpsc::channel(100);
        let stop = options.stop.clone();
        let options = Options {
            updates: Some(show),
            outbound: Some(outgoing),
            ..options
        };
        let task = tokio::spawn(async move { session::run(deps, AGENT, options).await });
        Running {
            stop,
            updates,
            outbound,
            task,
        }
    }

    /// A session that is connected.
    pub(crate) async fn connected(&self, holder: &str) -> Running {
        let before = self.sim.world().chat.connections_opened();
        let running = self.start(holder).await;
        eventually("the session connects", || {
            self.sim.world().chat.connections_opened() > before
        })
        .await;
        running
    }

    /// The archive of a conversation.
    pub(crate) async fn archive(&self, conversation: &str) -> Vec<Line> {
        let deps = self.deps().await;
        let lines = chat_session::archive::read(&deps.objects, conversation)
            .await
            .expect("a readable archive");
        lines.unwrap_or_else(|| panic!("{conversation} is not archived"))
    }

    /// What is said in a conversation, in order of time.
    pub(crate) fn said(&self, conversation: &str) -> Vec<Value> {
        let mut said = self.sim.world().chat.messages(conversation);
        said.sort_by_key(|message| message["timestamp"].as_i64());
        said
    }

    /// Asserts that the archive holds what was said: each message once, in order.
    pub(crate) async fn assert_archived(&self, conversation: &str) {
        let archived: Vec<Value> = self.archive(conversation).await.iter().map(wire).collect();
        let said = self.said(conversation);
        assert_eq!(
            archived.len(),
            said.len(),
            "{conversation}: number of messages"
        );
        assert_eq!(archived, said, "{conversation}");
    }
}

impl Running {
    pub(crate) async fn stop(self) -> Report {
        self.stop.cancel();
        let ended = tokio::time::timeout(Duration::from_secs(60), self.task).await;
        ended
            .expect("the session ends in time")
            .expect("it does not panic")
            .expect("it ends well")
    }

    /// Ends it as a kill does: at the next await, without a word to anybody.
    pub(crate) async fn kill(self) {
        self.task.abort();
        let _ = self.task.await;
    }

    pub(crate) async fn next(&mut self, what: &str, wanted: impl Fn(&Update) -> bool) -> Update {
        let mut others = Vec::new();
        let search = async {
            while let Some(update) = self.updates.recv().await {
                if wanted(&update) {
                    return Some(update);
                }
                others.push(update);
            }
            None
        };
        match tokio::time::timeout(Duration::from_secs(20), search).await {
            Ok(Some(update)) => update,
            Ok(None) => panic!("the session ended before: {what}; meanwhile: {others:#?}"),
            Err(_) => panic!("not in time: {what}; meanwhile: {others:#?}"),
        }
    }
}

/// A line as the message was on the wire.
pub(crate) fn wire(line: &Line) -> Value {
    serde_json::to_value(&line.message).expect("JSON")
}

/// Waits until something is so.
pub(crate) async fn eventually(what: &str, mut is_so: impl FnMut() -> bool) {
    let end = tokio::time::Instant::now() + Duration::from_secs(30);
    while !is_so() {
        assert!(tokio::time::Instant::now() < end, "not in time: {what}");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

/// Milliseconds since the epoch.
pub(crate) fn now_ms() -> i64 {
    jiff::Timestamp::now().as_millisecond()
}
