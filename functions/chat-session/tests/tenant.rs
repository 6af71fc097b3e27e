//! Sessions over the digital contacts of a simulated tenant, with all its habits switched on.

#![expect(
    clippy::unwrap_used,
    reason = "helpers of tests may unwrap: a panic is how a test fails"
)]

use std::sync::Arc;
use std::time::Duration;

use backends::TenantShare;
use backends::ended_contacts::{EndedContact, EndedContacts};
use backends::settings::{ContactCenterSecretSettings, CxoneSettings};
use chat_session::Deps;
use chat_session::chat_center::ChatCenter;
use chat_session::config::Config;
use chat_session::session::{self, Options, OutgoingMessage, RefusedMessage, Report, Update};
use chat_session::tenant_chats::{EVERYBODY, TenantChats};
use cxone_simulator::tenant::digital::case::Writer;
use cxone_simulator::tenant::{Quirk, Quirks, TenantHandle, TenantSettings, TenantSimulator};
use cxone_simulator::{Conversations, Scenario};
use insights_http::client::build_stream_client;
use jiff::Timestamp;
use runtime::Observer;
use runtime::config::Env;
use testkit::{TestFixture, eventually};
use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

/// Longest time that a test waits for something.
const WAIT_TIMEOUT: Duration = Duration::from_secs(180);

/// A tenant and the stores of the sessions that watch it.
struct Stage {
    tenant: TenantHandle,
    fixture: TestFixture,
    hub: bool,
    list_interval: Duration,
}

struct Running {
    stop: CancellationToken,
    updates: mpsc::Receiver<Update>,
    outbound: mpsc::Sender<OutgoingMessage>,
    task: JoinHandle<anyhow::Result<Report>>,
}

/// Returns all habits of a tenant but the one that no client may cope with.
fn all_quirks() -> Quirks {
    Quirk::all()
        .filter(|quirk| *quirk != Quirk::ForeignHost)
        .fold(Quirks::none(), Quirks::with)
}

impl Stage {
    async fn new() -> Self {
        let scenario = Scenario {
            conversations: Conversations {
                per_day: 0,
                ..Conversations::default()
            },
            tenant: TenantSettings {
                quirks: all_quirks(),
                ..TenantSettings::default()
            },
            ..Scenario::default()
        };
        let tenant = TenantSimulator::start(scenario).await.unwrap();
        let hosts = tenant.hosts();
        let fixture = TestFixture::builder().settings(&[
            ("CXONE_PROFILE", "cxone"),
            ("CXONE_ISSUER", &hosts.issuer),
            ("CXONE_DIGITAL_URL", &hosts.digital),
            ("CXONE_EVENT_HUB_URL", &hosts.event_hub),
            ("CXONE_DIGITAL_REQUESTS_PER_SECOND", "100"),
            ("SENTIMENT_PROVIDER", "lexicon"),
            ("REDACT_PII", "off"),
            ("CHAT_LEASE_MS", "1500"),
            ("CHAT_ARCHIVE_DELAY_MS", "100"),
        ]);
        Self {
            tenant,
            fixture: fixture.start().await,
            hub: false,
            list_interval: Duration::from_millis(200),
        }
    }

    async fn start(&self, agent: &str, holder: &str) -> Running {
        let mut env: Env = self.fixture.env.clone();
        // The fixture names the other contact center, which a tenant would take for the host of its API.
        env = env.with("CXONE_BASE_URL", "");
        let backends = self.fixture.backends();
        let config = Config::from_env(&env).unwrap();
        let mut deps = Deps::new(&backends, config).await.unwrap();
        let secret = ContactCenterSecretSettings::from_env(&env).unwrap();
        let client = backends
            .tenant_client(
                &CxoneSettings::from_env(&env).unwrap(),
                TenantShare::Chats,
                1,
                &backends.secrets(&secret.id).unwrap(),
                &deps.state,
            )
            .unwrap();
        let hub = self.hub.then(|| build_stream_client().unwrap().into());
        let watch = TenantChats::with_list_interval(client, hub, self.list_interval);
        let watch = watch.with_ended_contacts(deps.state.clone());
        deps.center = ChatCenter::Tenant(Arc::new(watch));
        let (shown, updates) = mpsc::channel(100_000);
        let (outbound, outgoing) = mpsc::channel(16);
        let stop = CancellationToken::new();
        let options = Options {
            lease_wait: WAIT_TIMEOUT,
            stop: stop.clone(),
            updates: Observer::sending(shown),
            outbound: Some(outgoing),
            ..Options::new(holder.to_owned())
        };
        let agent = agent.to_owned();
        let task = tokio::spawn(async move { session::run(Arc::new(deps), &agent, options).await });
        Running {
            stop,
            updates,
            outbound,
            task,
        }
    }

    fn say(&self, number: i64, writer: Writer, text: &str) {
        self.tenant
            .world()
            .digital
            .say(number, writer, text)
            .unwrap();
    }

    /// Returns the texts of an archive, once there is one with so many lines.
    async fn archived(&self, number: i64, lines: usize) -> Vec<String> {
        let id = number.to_string();
        let search = async {
            loop {
                let found = chat_session::archive::read_archive(&self.fixture.objects, &id)
                    .await
                    .unwrap()
                    .unwrap_or_default();
                if found.len() >= lines {
                    return found.into_iter().map(|line| line.message.text).collect();
                }
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
        };
        tokio::time::timeout(WAIT_TIMEOUT, search)
            .await
            .expect("an archive in time")
    }
}

impl Running {
    async fn next(&mut self, what: &str, is_wanted: impl Fn(&Update) -> bool) -> Update {
        let search = async {
            while let Some(update) = self.updates.recv().await {
                if is_wanted(&update) {
                    return update;
                }
            }
            panic!("the session ended before: {what}");
        };
        tokio::time::timeout(WAIT_TIMEOUT, search)
            .await
            .unwrap_or_else(|_| panic!("not in time: {what}"))
    }

    async fn shows(&mut self, text: &str) -> Update {
        let is_text = |update: &Update| matches!(update, Update::Message { message, .. } if message.text == text);
        self.next(text, is_text).await
    }

    async fn stop(self) -> Report {
        self.stop.cancel();
        let ended = tokio::time::timeout(WAIT_TIMEOUT, self.task).await;
        ended.expect("the session ends in time").unwrap().unwrap()
    }
}

#[tokio::test]
async fn a_contact_is_scored_escalated_and_archived_once() {
    let stage = Stage::new().await;
    let number = stage.tenant.world().digital.open();
    stage.say(number, Writer::Customer, "Good morning.");
    let mut running = stage.start(EVERYBODY, "one").await;
    running.shows("Good morning.").await;
    stage.say(number, Writer::Agent, "Hello, how may I help?");
    stage.say(
        number,
        Writer::Customer,
        "This is awful, I will call my lawyer.",
    );
    // The list shows a part of a long text, and the message itself the whole.
    let long = format!(
        "I have waited {} and nobody came.",
        "very long ".repeat(60).trim_end()
    );
    stage.say(number, Writer::Customer, &long);
    let shown = running.shows("This is awful, I will call my lawyer.").await;
    let Update::Message {
        escalation,
        lexicon,
        ..
    } = shown
    else {
        panic!("a message is shown");
    };
    assert!(
        escalation.is_some() && lexicon.negative > 0.0,
        "{lexicon:?}"
    );
    running.shows(&long).await;
    stage.tenant.world().digital.close(number);
    let archived = stage.archived(number, 4).await;
    let expected = [
        "Good morning.",
        "Hello, how may I help?",
        "This is awful, I will call my lawyer.",
        &long,
    ];
    assert_eq!(archived, expected);
    let (accepted, answer) = oneshot::channel();
    let outgoing = OutgoingMessage {
        conversation_id: number.to_string(),
        text: "not from here".to_owned(),
        accepted,
    };
    running.outbound.send(outgoing).await.unwrap();
    assert_eq!(answer.await.unwrap(), Err(RefusedMessage::Watched));
    let report = running.stop().await;
    assert_eq!(report.summary.unwrap().archived, 1);
    assert!(
        stage.tenant.world().writes.all().is_empty(),
        "nothing is written"
    );
}

#[tokio::test]
async fn a_notice_of_an_end_makes_the_list_be_read_at_once_and_proves_nothing() {
    let stage = Stage {
        list_interval: Duration::from_secs(100_000),
        ..Stage::new().await
    };
    let digital = &stage.tenant.world().digital;
    let [open, closed] = [digital.open(), digital.open()];
    for number in [open, closed] {
        stage.say(number, Writer::Customer, "Is it done?");
    }
    let mut running = stage.start(EVERYBODY, "one").await;
    for _ in 0..2 {
        running.shows("Is it done?").await;
    }
    digital.close(closed);
    let notices = EndedContacts::new(stage.fixture.state.clone());
    for number in [open, closed] {
        let now = Timestamp::now();
        let notice = EndedContact {
            contact_id: number.to_string(),
            master_id: number.to_string(),
            media_type: "9".to_owned(),
            skill: String::new(),
            told_at: now,
        };
        notices.note(&notice, now).await.unwrap();
    }
    let ended = running
        .next("the end", |update| matches!(update, Update::Ended { .. }))
        .await;
    let closed = closed.to_string();
    assert!(
        matches!(&ended, Update::Ended { conversation_id } if *conversation_id == closed),
        "{ended:?}"
    );
    // The other contact goes on: what is written in it is read with the next list, which another notice asks for.
    stage.say(open, Writer::Customer, "I am still here.");
    let now = Timestamp::now();
    notices.remove(&open.to_string(), now).await.unwrap();
    let notice = EndedContact {
        contact_id: open.to_string(),
        master_id: open.to_string(),
        media_type: String::new(),
        skill: String::new(),
        told_at: now,
    };
    notices.note(&notice, now).await.unwrap();
    running.shows("I am still here.").await;
    running.stop().await;
}

#[tokio::test]
async fn a_contact_that_ended_while_nobody_watched_is_archived_with_all_its_messages() {
    let stage = Stage::new().await;
    let number = stage.tenant.world().digital.open();
    stage.say(number, Writer::Customer, "first");
    let mut killed = stage.start(EVERYBODY, "killed").await;
    killed.shows("first").await;
    killed.task.abort();
    let _ = (&mut killed.task).await;
    stage.say(number, Writer::Customer, "while nobody watched");
    stage.tenant.world().digital.close(number);
    let running = stage.start(EVERYBODY, "successor").await;
    assert_eq!(
        stage.archived(number, 2).await,
        ["first", "while nobody watched"]
    );
    running.stop().await;
}

#[tokio::test]
async fn an_agent_learns_of_own_contacts_alone() {
    let stage = Stage::new().await;
    let world = stage.tenant.world();
    let mut numbers: Vec<i64> = (0..12).map(|_| world.digital.open()).collect();
    let agent_of = |number: i64| world.digital.case(number).unwrap().agent;
    let agent = agent_of(numbers[0]).user_id();
    let others = numbers.split_off(1);
    let other = others
        .into_iter()
        .find(|number| agent_of(*number).user_id() != agent)
        .expect("twelve contacts have more than one agent");
    stage.say(other, Writer::Customer, "somebody else's");
    stage.say(numbers[0], Writer::Customer, "mine");
    let mut running = stage.start(&agent, "one").await;
    running.shows("mine").await;
    stage.say(numbers[0], Writer::Customer, "mine again");
    running.shows("mine again").await;
    let report = running.stop().await;
    assert_eq!(report.summary.unwrap().recovered, 2);
}

#[tokio::test]
async fn hints_of_the_event_hub_are_followed_before_the_next_list_and_lost_ones_are_read_after_a_reconnect()
 {
    let mut stage = Stage::new().await;
    stage.hub = true;
    // No list tells in this test what has changed.
    stage.list_interval = Duration::from_secs(3600);
    let world = Arc::clone(stage.tenant.world());
    let number = world.digital.open();
    stage.say(number, Writer::Customer, "before");
    let mut running = stage.start(EVERYBODY, "one").await;
    running.shows("before").await;
    eventually("the contact is followed at the hub", || {
        world.hub.subscriptions().contains(&number)
    })
    .await;
    stage.say(number, Writer::Customer, "told by the hub");
    running.shows("told by the hub").await;
    world.hub.break_connections();
    stage.say(number, Writer::Customer, "while the hub was away");
    running.shows("while the hub was away").await;
    running.stop().await;
}
