//! The feed of embeddings from a simulated tenant with its habits switched on, into the queue.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use analytics_report::config::Config;
use analytics_report::event::ReportTask;
use analytics_report::{Deps, Reply, run_task};
use backends::ended_contacts::{EndedContact, EndedContacts};
use cxone_simulator::tenant::clock::Clock;
use cxone_simulator::tenant::digital::case::Writer;
use cxone_simulator::tenant::{Quirks, TenantHandle, TenantSettings, TenantSimulator};
use cxone_simulator::{Conversations, Scenario};
use insights_core::webhook::WebhookEvent;
use insights_http::Deadline;
use jiff::Timestamp;
use store::queue::{AnyQueue, Queue, RECEIVE_MAX, SqliteQueue};
use testkit::TestFixture;

/// Longest time that a feed may take; it only ends one that hangs.
const LIMIT: Duration = Duration::from_secs(240);

async fn start_tenant() -> TenantHandle {
    let scenario = Scenario {
        conversations: Conversations {
            per_day: 8,
            ..Conversations::default()
        },
        tenant: TenantSettings {
            quirks: Quirks::all_workable(),
            history_days: 3,
            // Nothing of the history waits for its text.
            transcript_delay_seconds: 0,
            ..TenantSettings::default()
        },
        ..Scenario::default()
    };
    TenantSimulator::start(scenario).await.unwrap()
}

/// Stores of their own, whose feeds put conversations into a queue of their own.
struct Feeding {
    clock: Clock,
    fixture: TestFixture,
    queue: AnyQueue,
}

impl Feeding {
    async fn start(tenant: &TenantHandle) -> Self {
        let hosts = tenant.hosts();
        let fixture = TestFixture::builder().settings(&[
            ("CXONE_PROFILE", "cxone"),
            ("CXONE_ISSUER", &hosts.issuer),
            ("CXONE_DIGITAL_URL", &hosts.digital),
            ("CXONE_ANALYTICS_REQUESTS_PER_SECOND", "100"),
            ("CXONE_ACD_REQUESTS_PER_SECOND", "100"),
            ("CXONE_DIGITAL_REQUESTS_PER_SECOND", "100"),
            ("FEED_CONVERSATIONS_PER_SECOND", "1000"),
            ("EMBEDDING_QUEUE_URL", "https://queue.example.com/embedding"),
        ]);
        let fixture = fixture.start().await;
        let queue = SqliteQueue::open(fixture.folder.path().join("feed.sqlite"), "embedding");
        let queue = AnyQueue::Sqlite(queue.unwrap());
        let clock = tenant.world().clock.clone();
        Self {
            clock,
            fixture,
            queue,
        }
    }

    async fn feed(&self) -> feeder::Summary {
        let env = self.fixture.env.clone().with("CXONE_BASE_URL", "");
        let backends = self.fixture.backends().with_queue(self.queue.clone());
        let mut deps = Deps::new(&backends, Config::from_env(&env).unwrap()).unwrap();
        let clock = self.clock.clone();
        deps.feeder.as_mut().unwrap().clock = Arc::new(move || clock.now());
        let task = ReportTask::from_event(&serde_json::json!({"feed": {}})).unwrap();
        match run_task(&deps, task, Deadline::within(LIMIT))
            .await
            .unwrap()
        {
            Reply::Feed(summary) => summary,
            other => panic!("{other:?}"),
        }
    }

    /// Takes everything out of the queue: the bodies of each conversation by the times of its events.
    async fn taken(&self) -> BTreeMap<String, BTreeMap<Timestamp, BTreeSet<String>>> {
        let mut taken: BTreeMap<_, BTreeMap<_, BTreeSet<_>>> = BTreeMap::new();
        loop {
            let waits = (Duration::ZERO, Duration::from_secs(60));
            let messages = self
                .queue
                .receive(RECEIVE_MAX, waits.0, waits.1)
                .await
                .unwrap();
            if messages.is_empty() {
                return taken;
            }
            for message in messages {
                let event = WebhookEvent::parse(message.body.as_bytes(), Timestamp::MAX).unwrap();
                let versions = taken.entry(event.conversation_id).or_default();
                versions
                    .entry(event.timestamp)
                    .or_default()
                    .insert(message.body.clone());
                self.queue.delete(&message.receipt).await.unwrap();
            }
        }
    }
}

#[tokio::test]
async fn a_feed_that_is_killed_again_and_again_puts_each_conversation_into_the_queue() {
    let tenant = start_tenant().await;
    let whole = Feeding::start(&tenant).await;
    assert!(whole.feed().await.is_complete);
    let expected: BTreeSet<String> = whole.taken().await.into_keys().collect();
    assert!(expected.len() >= 8, "{expected:?}");

    let killed = Feeding::start(&tenant).await;
    let mut kills = 0;
    // Each run is killed after more requests than the one before, and leaves its lease behind.
    for requests in (4..).step_by(3) {
        let lease = store::state::Key::new(lease_partition(&tenant), "lease");
        let now = Timestamp::now();
        let any = store::state::Expect::Any;
        store::state::StateStore::delete(&killed.fixture.state, &lease, any, now)
            .await
            .unwrap();
        let before = tenant.requests("GET", "/**");
        let is_over = async {
            while tenant.requests("GET", "/**") < before + requests {
                tokio::time::sleep(Duration::from_millis(2)).await;
            }
        };
        tokio::select! {
            biased;
            () = is_over => kills += 1,
            summary = killed.feed() => {
                assert!(summary.is_complete, "{summary:?}");
                break;
            }
        }
    }
    assert!(kills >= 3, "only {kills} kills");
    let taken = killed.taken().await;
    let ids: BTreeSet<String> = taken.keys().cloned().collect();
    assert!(ids.is_superset(&expected), "{expected:?}\n{ids:?}");
    for (id, versions) in &taken {
        for bodies in versions.values() {
            assert_eq!(bodies.len(), 1, "{id}: one time, two texts");
        }
    }
    // What was fed is known: another run feeds none of it, but for the contact whose text was removed meanwhile.
    killed.feed().await;
    let again = killed.taken().await;
    assert!(again.len() <= 2, "{:?}", again.keys());
}

/// Returns the partition of what the feed of a tenant knows.
fn lease_partition(tenant: &TenantHandle) -> String {
    format!("feed#{}/#", tenant.hosts().issuer)
}

#[tokio::test]
async fn a_notice_of_an_end_brings_a_contact_that_was_open_for_longer_than_lists_reach_back() {
    let tenant = start_tenant().await;
    let digital = &tenant.world().digital;
    let [ended, open] = [digital.open(), digital.open()];
    for number in [ended, open] {
        digital
            .say(number, Writer::Customer, "My parcel is still not here.")
            .unwrap();
    }
    // Both have been open for longer than the lists of ended contacts reach back.
    tenant
        .world()
        .clock
        .advance(Duration::from_secs(20 * 86_400));
    digital.close(ended);
    let feeding = Feeding::start(&tenant).await;
    let notices = EndedContacts::new(feeding.fixture.state.clone());
    let now = feeding.clock.now();
    let told_at = now - Duration::from_secs(3600);
    for (number, media_type) in [(ended, "9"), (open, "9"), (480_000_000_001, "4")] {
        let notice = EndedContact {
            contact_id: number.to_string(),
            master_id: number.to_string(),
            media_type: media_type.to_owned(),
            skill: String::new(),
            told_at,
        };
        notices.note(&notice, now).await.unwrap();
    }
    let summary = feeding.feed().await;
    assert!(summary.is_complete, "{summary:?}");
    let taken = feeding.taken().await;
    assert!(taken.contains_key(&ended.to_string()), "{:?}", taken.keys());
    assert!(!taken.contains_key(&open.to_string()));
    let left = notices.list(None, 10, now).await.unwrap();
    assert!(left.is_empty(), "{left:?}");
}
