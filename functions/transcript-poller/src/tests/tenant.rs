//! The poller over the digital contacts of a simulated tenant, with all its habits switched on.

use std::sync::Arc;
use std::time::Duration;

use backends::ended_contacts::{EndedContact, EndedContacts};
use backends::interactions::Interactions;
use cxone_simulator::tenant::digital::case::Writer;
use cxone_simulator::tenant::{Quirk, Quirks, TenantHandle, TenantSettings, TenantSimulator};
use cxone_simulator::{Conversations, Scenario};
use jiff::Timestamp;
use store::state::State;
use testkit::{TestFixture, eventually, eventually_async};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use super::fixture::provider;
use crate::config::Config;
use crate::contact_times::ContactTimes;
use crate::{CallSelection, Deps, PollSummary, poll};

/// Starts a tenant without past contacts, with every habit but that of removed texts.
async fn start_tenant() -> TenantHandle {
    let scenario = Scenario {
        conversations: Conversations {
            per_day: 0,
            ..Conversations::default()
        },
        tenant: TenantSettings {
            // A contact whose texts are removed after its end has nothing to score once it is opened again.
            quirks: Quirks::all_workable().without(Quirk::RemovedContent),
            ..TenantSettings::default()
        },
        ..Scenario::default()
    };
    TenantSimulator::start(scenario).await.unwrap()
}

#[tokio::test]
async fn a_score_is_written_once_a_minute_and_blocks_no_agent() {
    let tenant = start_tenant().await;
    let hosts = tenant.hosts();
    let fixture = TestFixture::builder()
        .settings(&[
            ("CXONE_PROFILE", "cxone"),
            ("CXONE_ISSUER", &hosts.issuer),
            ("CXONE_DIGITAL_URL", &hosts.digital),
            ("CXONE_DIGITAL_REQUESTS_PER_SECOND", "100"),
            ("CXONE_SENTIMENT_FIELD", "ai_sentiment"),
            ("CXONE_TREND_FIELD", "ai_trend"),
            ("POLL_IDLE_MS", "100"),
        ])
        .start()
        .await;
    let digital = &tenant.world().digital;
    let number = digital.open();
    let id = number.to_string();
    digital
        .say(number, Writer::Customer, "This is awful, I am furious.")
        .unwrap();
    let run = |holder: &'static str| {
        let env = fixture.env.clone().with("CXONE_BASE_URL", "");
        let (backends, id) = (fixture.backends(), id.clone());
        let stop = CancellationToken::new();
        let ending = stop.clone();
        let task = tokio::spawn(async move {
            let config = Config::from_env(&env).unwrap();
            let config = config.with_scorer(provider().await);
            let deps = Arc::new(Deps::new(&backends, config).await.unwrap());
            deps.calls.open(&id, Timestamp::now()).await.unwrap();
            let calls = CallSelection::Ids(vec![id]);
            poll(&deps, calls, holder, stop).await.unwrap()
        });
        (ending, task)
    };
    let (stop, task) = run("first");
    eventually("the score is in the custom field", || {
        digital.custom_fields(number).contains_key("ai_sentiment")
    })
    .await;
    let written = digital.custom_fields(number);
    // The agent writes a lot, and the score changes, within the minute.
    for line in 0..100 {
        digital
            .say(
                number,
                Writer::Agent,
                &format!("I am looking at line {line}."),
            )
            .unwrap();
    }
    digital
        .say(
            number,
            Writer::Customer,
            "Thank you, this is great, I love it!",
        )
        .unwrap();
    stop.cancel();
    let summary = task.await.unwrap();
    assert!(summary.segments >= 1);
    // Another process takes the call over, and knows of the write by the field itself.
    let (stop, task) = run("second");
    let reads = tenant.requests("GET", "/dfo/3.0/contacts/*/messages");
    eventually("the second process reads the contact", || {
        tenant.requests("GET", "/dfo/3.0/contacts/*/messages") > reads + 5
    })
    .await;
    stop.cancel();
    task.await.unwrap();
    assert_eq!(digital.custom_fields(number), written);
    assert_eq!(
        tenant.requests("PUT", "/dfo/3.0/contacts/*/custom-fields"),
        1
    );
    assert_eq!(digital.blocked_agent_messages(), 0);
}

/// A poller that follows what is registered in a tenant, in a task of its own.
struct Following {
    fixture: TestFixture,
    calls: Interactions<State>,
}

impl Following {
    async fn start(tenant: &TenantHandle, open_contacts: &str) -> Self {
        let hosts = tenant.hosts();
        let fixture = TestFixture::builder()
            .settings(&[
                ("CXONE_PROFILE", "cxone"),
                ("CXONE_ISSUER", &hosts.issuer),
                ("CXONE_DIGITAL_URL", &hosts.digital),
                ("CXONE_DIGITAL_REQUESTS_PER_SECOND", "100"),
                ("POLL_IDLE_MS", "100"),
                ("POLL_RELIST_MS", "100"),
                ("POLL_OPEN_CONTACTS", open_contacts),
            ])
            .start()
            .await;
        Self {
            calls: Interactions::new(fixture.state.clone(), 1),
            fixture,
        }
    }

    /// Runs a poller whose watch asks quickly, and checks contacts of no list after `check`.
    fn run(
        &self,
        holder: &'static str,
        check: Duration,
    ) -> (CancellationToken, JoinHandle<PollSummary>) {
        let env = self.fixture.env.clone().with("CXONE_BASE_URL", "");
        let backends = self.fixture.backends();
        let stop = CancellationToken::new();
        let ending = stop.clone();
        let task = tokio::spawn(async move {
            let config = Config::from_env(&env).unwrap();
            let config = config.with_scorer(provider().await);
            let mut deps = Deps::new(&backends, config).await.unwrap();
            deps.contact_times = ContactTimes {
                step: Duration::from_millis(50),
                list: Duration::from_millis(100),
                check,
                grace: Duration::from_millis(500),
            };
            let calls = CallSelection::Shards(vec![0]);
            poll(&Arc::new(deps), calls, holder, stop).await.unwrap()
        });
        (ending, task)
    }

    async fn listed(&self) -> Vec<String> {
        let listed = self.calls.list(0, Timestamp::now()).await.unwrap();
        listed.into_iter().map(|call| call.id).collect()
    }

    async fn segments(&self, id: &str) -> u64 {
        let view = self.calls.view(id, Timestamp::now()).await.unwrap();
        let shown = view.map(|view| serde_json::to_value(&view).unwrap());
        shown.map_or(0, |shown| {
            shown["customer"]["segments"].as_u64().unwrap_or(0)
        })
    }

    async fn has_ended(&self, id: &str) -> bool {
        let loaded = self.calls.load(id, Timestamp::now()).await.unwrap();
        loaded.is_some_and(|loaded| loaded.call.ended().is_some())
    }
}

#[tokio::test]
async fn open_contacts_are_followed_up_to_the_limit_and_until_they_end() {
    let tenant = start_tenant().await;
    let following = Following::start(&tenant, "3").await;
    let digital = &tenant.world().digital;
    let numbers: Vec<i64> = (0..5).map(|_| digital.open()).collect();
    for number in &numbers {
        digital
            .say(*number, Writer::Customer, "I am furious about this.")
            .unwrap();
    }
    // Two processes at a time, as two invocations overlap: one of them watches.
    let runs = [
        following.run("first", Duration::from_secs(600)),
        following.run("second", Duration::from_secs(600)),
    ];
    eventually_async("three contacts are followed", || async {
        following.listed().await.len() == 3
    })
    .await;
    let first = following.listed().await;
    for id in &first {
        eventually_async("what was written is scored", || async {
            following.segments(id).await == 1
        })
        .await;
    }
    assert_eq!(following.listed().await.len(), 3);
    // The last words of a contact that ends are scored too, and another one takes its place.
    let ending = &first[0];
    let number: i64 = ending.parse().unwrap();
    digital
        .say(number, Writer::Customer, "Thank you, it works now.")
        .unwrap();
    digital.close(number);
    eventually_async("the call of the contact has ended", || async {
        following.has_ended(ending).await && !following.listed().await.contains(ending)
    })
    .await;
    assert_eq!(following.segments(ending).await, 2);
    eventually_async("another contact is followed", || async {
        following.listed().await.len() == 3
    })
    .await;
    // A customer who writes after the end opens the contact again. There is room once two others have ended.
    digital
        .say(number, Writer::Customer, "It broke again!")
        .unwrap();
    let others = numbers.iter().filter(|other| **other != number);
    others.for_each(|other| digital.close(*other));
    eventually_async("the contact is followed again", || async {
        following.listed().await == [ending.clone()] && following.segments(ending).await == 3
    })
    .await;
    for (stop, task) in runs {
        stop.cancel();
        task.await.unwrap();
    }
}

#[tokio::test]
async fn what_a_script_says_of_the_end_is_looked_up_and_proves_nothing() {
    let tenant = start_tenant().await;
    let following = Following::start(&tenant, "0").await;
    let digital = &tenant.world().digital;
    let [open, closed] = [digital.open(), digital.open()];
    for number in [open, closed] {
        digital
            .say(number, Writer::Customer, "Where is my parcel?")
            .unwrap();
        let id = number.to_string();
        following
            .calls
            .register(&id, Timestamp::now())
            .await
            .unwrap();
    }
    let (stop, task) = following.run("only", Duration::from_secs(600));
    for number in [open, closed] {
        let id = number.to_string();
        eventually_async("what was written is scored", || async {
            following.segments(&id).await == 1
        })
        .await;
    }
    let reads = || tenant.requests("GET", "/dfo/3.0/contacts/*");
    // Each is read once at the beginning, and then not for ten minutes.
    eventually("both are read", || reads() >= 2).await;
    digital.close(closed);
    let notices = EndedContacts::new(following.fixture.state.clone());
    let before = reads();
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
    eventually_async("the call of the ended contact has ended", || async {
        following.has_ended(&closed.to_string()).await
    })
    .await;
    eventually("the other one was read too", || reads() >= before + 3).await;
    assert!(!following.has_ended(&open.to_string()).await);
    assert!(following.listed().await.contains(&open.to_string()));
    stop.cancel();
    task.await.unwrap();
}
