//! A fixture with sessions: each runs like a process of its own, on the stores and the simulator of the shared fixture.

use std::collections::BTreeSet;
use std::ops::Deref;
use std::sync::Arc;
use std::time::Duration;

use chat_session::Deps;
use chat_session::config::Config;
use chat_session::records::{self, OpenRecord};
use chat_session::session::{self, Options, OutgoingMessage, Report, Update};
use cxone_simulator::{Fault, FaultRule, RetryAfter, Scenario};
use insights_core::chat::archive::ArchiveLine;
use insights_core::chat::stored_message::{StoredMessage, Via};
use insights_core::signals::Signals;
use jiff::Timestamp;
use runtime::Observer;
use serde_json::Value;
use store::state::{Expect, Put, StateStore};
use testkit::TestFixture;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use crate::faulty_state::FaultyState;

pub(crate) use testkit::eventually;

/// The agent of all tests.
pub(crate) const AGENT: &str = "agent-1";

/// Settings that make the tests quick and leave what is said as it is. The defaults are tested where they are declared.
const QUICK_SETTINGS: [(&str, &str); 11] = [
    // Most messages here are numbers in a row, which would count as the pieces of a card number.
    ("REDACT_PII", "off"),
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

/// The shared fixture, with the settings of chat sessions.
pub(crate) struct SessionFixture(TestFixture);

/// A session that runs in a task.
pub(crate) struct RunningSession {
    pub(crate) stop: CancellationToken,
    pub(crate) updates: mpsc::Receiver<Update>,
    pub(crate) outbound: mpsc::Sender<OutgoingMessage>,
    pub(crate) task: JoinHandle<anyhow::Result<Report>>,
}

impl Deref for SessionFixture {
    type Target = TestFixture;

    fn deref(&self) -> &TestFixture {
        &self.0
    }
}

impl SessionFixture {
    /// Stores what an earlier session has left of the chat `chat-1`: a message of its customer, and the note of the chat.
    pub(crate) async fn leave_chat(
        &self,
        state: &FaultyState,
        text: &str,
        at_ms: i64,
        note: &OpenRecord,
    ) {
        let chat = &self.simulator.world().chat;
        let message = chat.say_at("chat-1", "customer", text, at_ms);
        let stored = StoredMessage {
            message: serde_json::from_value(message).expect("a message"),
            via: Via::Stream,
            arrival: u64::try_from(at_ms * 1000).expect("after 1970"),
            latency_ms: None,
            model_sentiment: None,
            signals: Signals::NONE,
            language: None,
        };
        for put in [
            Put::encode(records::message_key(&stored.message), &stored, None),
            Put::encode(records::open_key(AGENT, "chat-1"), note, None),
        ] {
            let put = put.expect("an item");
            state
                .put(put, Expect::Any, Timestamp::now())
                .await
                .expect("stored");
        }
    }

    /// Starts the simulator with a scenario, and opens empty stores.
    pub(crate) async fn new(scenario: Scenario, settings: &[(&str, &str)]) -> Self {
        let fixture = TestFixture::builder()
            .scenario(scenario)
            .settings(&QUICK_SETTINGS)
            .settings(settings);
        Self(fixture.start().await)
    }

    /// Starts the simulator with a scenario, on a state store that fails on demand.
    pub(crate) async fn on(
        state: &FaultyState,
        scenario: Scenario,
        settings: &[(&str, &str)],
    ) -> Self {
        let fixture = TestFixture::builder()
            .scenario(scenario)
            .settings(&QUICK_SETTINGS)
            .settings(settings)
            .state(state.state());
        Self(fixture.start().await)
    }

    /// Adds settings that are known only once the simulator runs.
    pub(crate) fn with_settings(mut self, settings: &[(&str, &str)]) -> Self {
        for (name, value) in settings {
            self.0.env = self.0.env.with(name, *value);
        }
        self
    }

    /// Builds dependencies as another process would: they share nothing but the files and the simulator.
    pub(crate) async fn deps(&self) -> Arc<Deps> {
        let config = Config::from_env(&self.env).expect("the configuration");
        let deps = Deps::new(&self.backends(), config).await;
        Arc::new(deps.expect("dependencies"))
    }

    /// Starts a session that waits for the lease.
    pub(crate) async fn start(&self, holder: &str) -> RunningSession {
        self.start_with(Options {
            lease_wait: Duration::from_secs(20),
            ..Options::new(holder.to_owned())
        })
        .await
    }

    /// Starts a session with these options, and with channels for updates and outbound messages.
    pub(crate) async fn start_with(&self, options: Options) -> RunningSession {
        let deps = self.deps().await;
        let (update_sender, updates) = mpsc::channel(100_000);
        let (outbound, outgoing) = mpsc::channel(100);
        let stop = options.stop.clone();
        let options = Options {
            updates: Observer::sending(update_sender),
            outbound: Some(outgoing),
            ..options
        };
        let task = tokio::spawn(async move { session::run(deps, AGENT, options).await });
        RunningSession {
            stop,
            updates,
            outbound,
            task,
        }
    }

    /// Starts a session and waits until it is connected.
    pub(crate) async fn connected(&self, holder: &str) -> RunningSession {
        let before = self.simulator.world().chat.connections_opened();
        let running = self.start(holder).await;
        eventually("the session connects", || {
            self.simulator.world().chat.connections_opened() > before
        })
        .await;
        running
    }

    /// Returns the archive of a conversation.
    pub(crate) async fn archive(&self, conversation: &str) -> Vec<ArchiveLine> {
        let lines = chat_session::archive::read_archive(&self.objects, conversation)
            .await
            .expect("a readable archive");
        lines.unwrap_or_else(|| panic!("{conversation} is not archived"))
    }

    /// Returns the messages that the simulator has of a conversation, in order of time.
    pub(crate) fn messages(&self, conversation: &str) -> Vec<Value> {
        let mut messages = self.simulator.world().chat.messages(conversation);
        messages.sort_by_key(|message| message["timestamp"].as_i64());
        messages
    }

    /// Asserts that the archive of a conversation holds each of its messages once, in order.
    pub(crate) async fn assert_archived(&self, conversation: &str) {
        let archived: Vec<Value> = self
            .archive(conversation)
            .await
            .iter()
            .map(wire_form)
            .collect();
        let messages = self.messages(conversation);
        assert_eq!(
            archived.len(),
            messages.len(),
            "{conversation}: number of messages"
        );
        assert_eq!(archived, messages, "{conversation}");
    }
}

impl RunningSession {
    /// Stops the session and returns its report.
    pub(crate) async fn stop(self) -> Report {
        self.stop.cancel();
        let ended = tokio::time::timeout(Duration::from_secs(180), self.task).await;
        ended
            .expect("the session ends in time")
            .expect("the session does not panic")
            .expect("the session ends without an error")
    }

    /// Ends the session as a killed process ends: at its next await point, without cleaning up.
    pub(crate) async fn kill(self) {
        self.task.abort();
        let _ = self.task.await;
    }

    /// Waits until the session shows a message of a customer or an agent.
    pub(crate) async fn shows(&mut self, conversation: &str, text: &str) {
        self.next(&format!("the message {text:?}"), |update| {
            matches!(update, Update::Message { message, .. }
                if message.conversation_id == conversation && message.text == text)
        })
        .await;
    }

    /// Waits until the session has shown a message of each of these conversations, in any order.
    pub(crate) async fn shows_each_of(&mut self, conversations: &[&str]) {
        let mut missing: BTreeSet<&str> = conversations.iter().copied().collect();
        while !missing.is_empty() {
            let wanted = missing.clone();
            let update = self
                .next(&format!("a message of each of {wanted:?}"), |update| {
                    matches!(update, Update::Message { message, .. }
                        if wanted.contains(message.conversation_id.as_str()))
                })
                .await;
            if let Update::Message { message, .. } = update {
                missing.remove(message.conversation_id.as_str());
            }
        }
    }

    /// Waits for an update, and skips all others before it.
    pub(crate) async fn next(&mut self, what: &str, is_wanted: impl Fn(&Update) -> bool) -> Update {
        let mut others = Vec::new();
        let search = async {
            while let Some(update) = self.updates.recv().await {
                if is_wanted(&update) {
                    return Some(update);
                }
                others.push(update);
            }
            None
        };
        match tokio::time::timeout(Duration::from_secs(180), search).await {
            Ok(Some(update)) => update,
            Ok(None) => panic!("the session ended before: {what}; other updates: {others:#?}"),
            Err(_) => panic!("not in time: {what}; other updates: {others:#?}"),
        }
    }
}

/// Returns the message of an archive line as the chat API shows the message.
pub(crate) fn wire_form(line: &ArchiveLine) -> Value {
    serde_json::to_value(&line.message).expect("JSON")
}

/// Returns a rule by which every request on a path is answered with this status.
pub(crate) fn status(path: &str, status: u16) -> FaultRule {
    FaultRule::new(path, Fault::Status(status, RetryAfter::Absent))
}

/// Returns the current time in milliseconds since the epoch.
pub(crate) fn now_ms() -> i64 {
    jiff::Timestamp::now().as_millisecond()
}
