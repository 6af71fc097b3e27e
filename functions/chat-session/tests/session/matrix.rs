//! Every dependency of a session with every fault it can have: what does not need that dependency works all the same.
//!
//! Each case runs a session while one dependency has one fault, and looks at what works meanwhile. Then the fault ends, the session is
//! stopped, another one follows, and nothing may be lost or announced twice. `--nocapture` prints the table.

#![expect(clippy::unwrap_used, reason = "helpers of tests may unwrap")]

use std::time::Duration;

use chat_session::records::{self, EscalationRecord};
use chat_session::session::{OutgoingMessage, Update};
use cxone_simulator::{Fault, FaultRule, RetryAfter, Scenario};
use futures::StreamExt;
use serde_json::json;
use testkit::eventually_async;
use tokio::sync::oneshot;
use wiremock::matchers::method;
use wiremock::{Mock, MockServer, ResponseTemplate};

use crate::faulty_state::{Call, FaultyState, StoreFault};
use crate::fixture::{AGENT, RunningSession, SessionFixture};

/// How long "never" is here: longer than a case takes.
const NEVER: Duration = Duration::from_secs(600);
/// How long a slow answer takes.
const SLOW: Duration = Duration::from_secs(2);
/// Number of cases that run at the same time.
const CONCURRENCY: usize = 6;

const STREAM: &str = "/api/v2/chat/stream";
const TOKEN: &str = "/api/v2/oauth/token";
const TRANSCRIPT: &str = "/api/v2/chat/conversations/*/transcript";
const PRESENCE: &str = "/api/v2/presence/users/*";
const ROUTING: &str = "/api/v2/routing/users/*";

/// What a session does for its users.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Work {
    /// Messages of customers are stored and shown.
    Receive,
    /// Escalations of customers are announced.
    Notify,
    /// Messages of the agent arrive.
    Send,
    /// The agent is available.
    Presence,
    /// The conversation that ended is archived.
    Archive,
}

const ALL: [Work; 5] = [
    Work::Receive,
    Work::Notify,
    Work::Send,
    Work::Presence,
    Work::Archive,
];

/// What a case breaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Dependency {
    Token,
    Stream,
    Transcript,
    Presence,
    Routing,
    Webhook,
    Archive,
    StoreDeletes,
    StoreReads,
}

/// How it is broken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Unavailable,
    Forbidden,
    RateLimited,
    Hang,
    Slow,
    Reset,
    NotJson,
    WrongShape,
}

const KINDS: [Kind; 8] = [
    Kind::Unavailable,
    Kind::Forbidden,
    Kind::RateLimited,
    Kind::Hang,
    Kind::Slow,
    Kind::Reset,
    Kind::NotJson,
    Kind::WrongShape,
];

impl Dependency {
    /// Returns the work that needs this dependency, once the session is connected.
    fn needed_for(self) -> &'static [Work] {
        match self {
            // The token that a connected session has lasts; a new connection would need another one.
            Self::Token | Self::Transcript | Self::StoreDeletes => &[],
            // Everything begins with what the stream brings, the load of the agent included.
            Self::Stream => &ALL,
            Self::Presence | Self::Routing => &[Work::Presence],
            Self::Webhook => &[Work::Notify],
            // An archive is not written before it is known whether the conversation was erased.
            Self::StoreReads => &[Work::Notify, Work::Archive],
            Self::Archive => &[Work::Archive],
        }
    }

    fn path(self) -> Option<&'static str> {
        match self {
            Self::Token => Some(TOKEN),
            Self::Stream => Some(STREAM),
            Self::Transcript => Some(TRANSCRIPT),
            Self::Presence => Some(PRESENCE),
            Self::Routing => Some(ROUTING),
            _ => None,
        }
    }
}

impl Kind {
    fn fault(self) -> Fault {
        match self {
            Self::Unavailable => Fault::Status(503, RetryAfter::Absent),
            Self::Forbidden => Fault::Status(403, RetryAfter::Absent),
            Self::RateLimited => Fault::Status(429, RetryAfter::Seconds(1)),
            Self::Hang => Fault::Delay(NEVER),
            Self::Slow => Fault::Delay(SLOW),
            Self::Reset => Fault::Drop,
            Self::NotJson => Fault::WrongContent,
            Self::WrongShape => Fault::Answer(200, json!({"unexpected": true})),
        }
    }

    fn reply(self) -> ResponseTemplate {
        match self {
            Self::Unavailable | Self::Reset => ResponseTemplate::new(503),
            Self::Forbidden => ResponseTemplate::new(403),
            Self::RateLimited => ResponseTemplate::new(429).insert_header("retry-after", "1"),
            Self::Hang => ResponseTemplate::new(204).set_delay(NEVER),
            Self::Slow => ResponseTemplate::new(204).set_delay(SLOW),
            Self::NotJson => ResponseTemplate::new(302),
            Self::WrongShape => ResponseTemplate::new(404),
        }
    }

    const fn store_fault(self) -> StoreFault {
        match self {
            Self::Forbidden => StoreFault::Refuse,
            Self::Hang => StoreFault::Hang,
            Self::Slow => StoreFault::Delay(SLOW),
            _ => StoreFault::Fail,
        }
    }

    /// Returns whether what needs the dependency works nevertheless, only later.
    const fn only_delays(self) -> bool {
        matches!(self, Self::Slow)
    }
}

/// One case of the matrix, while it runs.
struct Case {
    fixture: SessionFixture,
    state: FaultyState,
    hook: MockServer,
}

impl Case {
    async fn start() -> Self {
        let state = FaultyState::new();
        let hook = MockServer::start().await;
        accept(&hook).await;
        let uri = hook.uri();
        let settings = [
            ("ESCALATION_WEBHOOK_URL", uri.as_str()),
            ("CHAT_MAX_CHATS", "4"),
        ];
        let fixture = SessionFixture::on(&state, Scenario::default(), &settings).await;
        Self {
            fixture,
            state,
            hook,
        }
    }

    async fn break_dependency(&self, dependency: Dependency, kind: Kind) {
        if let Some(path) = dependency.path() {
            self.fixture
                .simulator
                .fault(FaultRule::new(path, kind.fault()));
        }
        match dependency {
            Dependency::Stream => {
                let chat = &self.fixture.simulator.world().chat;
                chat.break_connections();
                // A connection that is about to break would still carry what is said now.
                eventually_async("the stream is down", async || chat.connections() == 0).await;
            }
            Dependency::Webhook => {
                self.hook.reset().await;
                let broken = Mock::given(method("POST")).respond_with(kind.reply());
                broken.mount(&self.hook).await;
            }
            Dependency::Archive => {
                // A file in the place of the folder: nothing can be written below it.
                std::fs::write(self.fixture.folder.path().join("archive"), "").unwrap();
            }
            Dependency::StoreDeletes => self.state.fail(Call::Delete, "", kind.store_fault()),
            Dependency::StoreReads => self.state.fail(Call::Get, "", kind.store_fault()),
            _ => {}
        }
    }

    async fn heal(&self, dependency: Dependency) {
        self.fixture.simulator.world().faults.clear();
        self.state.heal();
        match dependency {
            Dependency::Webhook => {
                self.hook.reset().await;
                accept(&self.hook).await;
            }
            Dependency::Archive => {
                std::fs::remove_file(self.fixture.folder.path().join("archive")).unwrap();
            }
            _ => {}
        }
    }

    async fn is_announced(&self, conversation: &str) -> bool {
        let partition = records::conversation_partition(conversation);
        let escalations = self.state.items(&partition, "e#").await;
        escalations
            .iter()
            .any(|item| item.decode::<EscalationRecord>().unwrap().notified)
    }

    async fn works(&self, work: Work, session: &mut RunningSession) {
        let chat = &self.fixture.simulator.world().chat;
        match work {
            Work::Receive => {
                chat.say("received", "customer", "hello");
                session.shows("received", "hello").await;
            }
            Work::Notify => {
                chat.say("escalated", "customer", "I will call my lawyer");
                eventually_async("the escalation is announced", async || {
                    self.is_announced("escalated").await
                })
                .await;
            }
            Work::Send => {
                let (accepted, answer) = oneshot::channel();
                let outgoing = OutgoingMessage {
                    conversation_id: "sent".to_owned(),
                    text: "an answer".to_owned(),
                    accepted,
                };
                session.outbound.send(outgoing).await.unwrap();
                answer.await.unwrap().unwrap();
                eventually_async("the agent's message arrives", async || {
                    chat.messages("sent").len() == 1
                })
                .await;
            }
            Work::Presence => {
                // A change of the load shows at the contact center.
                let before = chat.routing(AGENT).len();
                chat.assign("assigned");
                eventually_async("the availability follows", async || {
                    chat.routing(AGENT).len() > before
                        && chat.presence(AGENT).last().map(String::as_str) == Some("available")
                })
                .await;
            }
            Work::Archive => {
                chat.say("ended", "customer", "goodbye");
                chat.end("ended");
                let archived = |update: &Update| matches!(update, Update::Archived { conversation_id, .. } if conversation_id == "ended");
                session.next("the archive", archived).await;
            }
        }
    }
}

async fn accept(hook: &MockServer) {
    let accepting = Mock::given(method("POST")).respond_with(ResponseTemplate::new(204));
    accepting.mount(hook).await;
}

/// Runs one case and returns its line of the table.
async fn run(dependency: Dependency, kind: Kind) -> String {
    let case = Case::start().await;
    let mut session = case.fixture.connected("one").await;
    let connected = |update: &Update| matches!(update, Update::Connected);
    session.next("the first connection", connected).await;
    let chat = &case.fixture.simulator.world().chat;
    eventually_async("the session serves", async || {
        chat.routing(AGENT).len() == 1 && case.state.writes("/session") >= 2
    })
    .await;
    case.break_dependency(dependency, kind).await;
    let is_stream_down = dependency == Dependency::Stream && !kind.only_delays();
    if dependency == Dependency::Stream && kind.only_delays() {
        session.next("the slow connection", connected).await;
    }
    let mut worked = Vec::new();
    for work in ALL {
        let is_hindered = dependency.needed_for().contains(&work) && !kind.only_delays();
        if !is_hindered {
            case.works(work, &mut session).await;
            worked.push(work);
        }
    }
    assert!(!session.task.is_finished(), "{dependency:?} {kind:?}");
    // What was hindered comes in nevertheless, and the end of the fault finds it.
    let late: Vec<&str> = ["escalated", "ended", "received"]
        .into_iter()
        .filter(|id| chat.messages(id).is_empty())
        .collect();
    for id in &late {
        chat.say(id, "customer", "I will call my lawyer");
    }
    case.heal(dependency).await;
    if is_stream_down {
        session.next("the stream is up", connected).await;
        // Conversations that the stream has missed as a whole are known once they are assigned or go on.
        late.iter().for_each(|id| chat.assign(id));
    }
    // A session that is stopped before it knows of a conversation cannot leave it to the next one.
    session.shows_each_of(&late).await;
    eventually_async("the escalation is announced in the end", async || {
        case.is_announced("escalated").await
    })
    .await;
    let ended = tokio::time::timeout(Duration::from_secs(120), session.stop()).await;
    ended.expect("the session ends");
    case.fixture.connected("two").await.stop().await;
    for id in ["escalated", "ended", "received"] {
        case.fixture.assert_archived(id).await;
    }
    assert_eq!(
        chat.presence(AGENT).last().map(String::as_str),
        Some("offline")
    );
    format!(
        "{:<14} {:<12} {worked:?}",
        format!("{dependency:?}"),
        format!("{kind:?}")
    )
}

#[tokio::test(flavor = "multi_thread")]
async fn what_does_not_need_a_broken_dependency_works_and_nothing_is_lost() {
    let mut cases = Vec::new();
    for dependency in [
        Dependency::Token,
        Dependency::Stream,
        Dependency::Transcript,
        Dependency::Presence,
        Dependency::Routing,
        Dependency::Webhook,
        Dependency::StoreDeletes,
        Dependency::StoreReads,
    ] {
        cases.extend(KINDS.map(|kind| (dependency, kind)));
    }
    cases.push((Dependency::Archive, Kind::Unavailable));
    let table: Vec<String> = futures::stream::iter(cases)
        .map(|(dependency, kind)| run(dependency, kind))
        .buffered(CONCURRENCY)
        .collect()
        .await;
    println!("{:<14} {:<12} works", "dependency", "fault");
    table.iter().for_each(|line| println!("{line}"));
}
