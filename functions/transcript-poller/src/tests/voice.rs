//! The poller over the calls of a simulated tenant, whose words come over the notification socket with all its habits.

use std::sync::Arc;
use std::time::Duration;

use backends::interactions::Interactions;
use cxone_simulator::live::{Call, Line};
use cxone_simulator::tenant::digital::case::Writer;
use cxone_simulator::tenant::notify_state::NotifyState;
use cxone_simulator::tenant::{Quirks, TenantHandle, TenantSettings, TenantSimulator};
use cxone_simulator::{Conversations, Scenario};
use jiff::Timestamp;
use serde_json::Value;
use store::state::State;
use testkit::{TestFixture, eventually, eventually_async};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use super::fixture::provider;
use crate::config::Config;
use crate::contact_times::ContactTimes;
use crate::{CallSelection, Deps, PollSummary, poll};

/// The number of the first call of these tests.
const CALL: &str = "128000000001";

/// The path of the list of calls that go on.
const ACTIVE: &str = "/incontactapi/services/v31.0/contacts/active";

/// A tenant with one call, and the stores of a poller.
struct Tenant {
    handle: TenantHandle,
    fixture: TestFixture,
    calls: Interactions<State>,
}

impl Tenant {
    /// Starts a tenant whose call goes on for a quarter of an hour. The customer and the agent speak after one minute, when a poller has
    /// listened for long.
    async fn start(allows_foreign: bool, settings: &[(&str, &str)]) -> Self {
        let lines = [
            ("customer", 60_000, "This is awful, I am furious."),
            ("agent", 61_000, "I am sorry to hear that."),
            ("customer", 80_000, "Nobody helps me, I hate this."),
            ("agent", 96_000, "Goodbye."),
        ];
        let mut lines = lines
            .map(|(who, at_ms, text)| Line::said(who, at_ms, text))
            .to_vec();
        // What is still being said when the call breaks off is never complete.
        lines.push(Line {
            final_after_ms: 3_600_000,
            ..Line::said("agent", 900_000, "Are you still")
        });
        let scenario = Scenario {
            conversations: Conversations {
                per_day: 0,
                ..Conversations::default()
            },
            calls: vec![Call::new("live-1", lines)],
            tenant: TenantSettings {
                quirks: Quirks::all_workable(),
                foreign_topics: allows_foreign,
                ..TenantSettings::default()
            },
            ..Scenario::default()
        };
        let handle = TenantSimulator::start(scenario).await.unwrap();
        let hosts = handle.hosts();
        let fixture = TestFixture::builder()
            .settings(&[
                ("CXONE_PROFILE", "cxone"),
                ("CXONE_ISSUER", &hosts.issuer),
                ("CXONE_DIGITAL_URL", &hosts.digital),
                ("CXONE_VOICE_NOTIFICATIONS_URL", &hosts.notify),
                ("CXONE_DIGITAL_REQUESTS_PER_SECOND", "100"),
                ("CXONE_ACD_REQUESTS_PER_SECOND", "100"),
                ("CXONE_SENTIMENT_FIELD", "ai_sentiment"),
                ("POLL_IDLE_MS", "100"),
                ("POLL_RELIST_MS", "100"),
                ("LATE_SWEEP_MS", "200"),
            ])
            .settings(settings)
            .start()
            .await;
        Self {
            calls: Interactions::new(fixture.state.clone(), 1),
            handle,
            fixture,
        }
    }

    fn notify(&self) -> &NotifyState {
        &self.handle.world().notify
    }

    /// Lets the time of the tenant pass.
    fn advance(&self, seconds: u64) {
        let clock = &self.handle.world().clock;
        clock.advance(Duration::from_secs(seconds));
    }

    fn run(&self, holder: &'static str) -> (CancellationToken, JoinHandle<PollSummary>) {
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
                check: Duration::from_millis(200),
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

    /// Returns how many segments of the customer and of the agent count.
    async fn segments(&self, id: &str) -> (u64, u64) {
        let view = self.calls.view(id, Timestamp::now()).await.unwrap();
        let shown = view.map(|view| serde_json::to_value(&view).unwrap());
        let of = |who: &str| {
            let shown = shown.as_ref().unwrap_or(&Value::Null);
            shown[who]["segments"].as_u64().unwrap_or(0)
        };
        (of("customer"), of("agent"))
    }

    async fn has_ended(&self, id: &str) -> bool {
        let loaded = self.calls.load(id, Timestamp::now()).await.unwrap();
        loaded.is_some_and(|loaded| loaded.call.ended().is_some())
    }
}

#[tokio::test]
async fn a_call_is_scored_once_over_a_hand_over_and_ends_with_the_contact() {
    let on = [
        ("CXONE_VOICE_NOTIFICATIONS", "on"),
        ("CXONE_VOICE_CUSTOMER", "p-2"),
    ];
    let tenant = Tenant::start(true, &on).await;
    let (stop_first, first) = tenant.run("first");
    eventually_async("the call is followed", || async {
        tenant.listed().await == [CALL]
    })
    .await;
    tenant.advance(64);
    eventually_async("what was said is scored", || async {
        tenant.segments(CALL).await == (1, 1)
    })
    .await;
    // The next invocation listens before the one before it hands over.
    let (stop_second, second) = tenant.run("second");
    eventually("the second process listens", || {
        tenant.notify().subscriptions().len() == 2
    })
    .await;
    let connections = tenant.notify().connections_opened();
    tenant.notify().break_connections();
    eventually("both are connected again", || {
        tenant.notify().connections_opened() == connections + 2
            && tenant.notify().subscriptions().len() == 4
    })
    .await;
    tenant.notify().repeat_all();
    tenant.advance(20);
    eventually_async("what was said is scored", || async {
        tenant.segments(CALL).await == (2, 1)
    })
    .await;
    stop_first.cancel();
    let summary = first.await.unwrap();
    assert!(summary.segments >= 2, "{summary:?}");
    tenant.advance(15);
    eventually_async("the second process scores what is said", || async {
        tenant.segments(CALL).await == (2, 2)
    })
    .await;
    tenant.advance(1000);
    eventually_async("the call has ended and is followed no longer", || async {
        tenant.has_ended(CALL).await && tenant.listed().await.is_empty()
    })
    .await;
    stop_second.cancel();
    let summary = second.await.unwrap();
    assert!(summary.segments >= 1, "{summary:?}");
    assert_eq!(tenant.segments(CALL).await, (2, 2));
    // A call has no custom fields to write, and is read as no digital contact once it is known.
    let fields = "/dfo/3.0/contacts/*/custom-fields";
    assert_eq!(tenant.handle.requests("PUT", fields), 0);
}

#[tokio::test]
async fn a_call_that_ends_while_nobody_runs_is_ended_by_the_next_run() {
    let tenant = Tenant::start(true, &[("CXONE_VOICE_NOTIFICATIONS", "on")]).await;
    let (stop, task) = tenant.run("first");
    eventually_async("the call is followed", || async {
        tenant.listed().await == [CALL]
    })
    .await;
    stop.cancel();
    task.await.unwrap();
    tenant.advance(1000);
    // A digital contact that somebody has registered goes on, in the same lists.
    let number = tenant.handle.world().digital.open();
    let id = number.to_string();
    tenant.calls.register(&id, Timestamp::now()).await.unwrap();
    let (stop, task) = tenant.run("second");
    eventually_async("the call is followed no longer", || async {
        tenant.listed().await == [id.clone()] && tenant.has_ended(CALL).await
    })
    .await;
    stop.cancel();
    task.await.unwrap();
}

#[tokio::test]
async fn a_call_whose_words_are_refused_is_asked_for_once_and_not_followed() {
    let tenant = Tenant::start(false, &[("CXONE_VOICE_NOTIFICATIONS", "on")]).await;
    let (stop, task) = tenant.run("only");
    let asked = || tenant.notify().subscriptions().len();
    eventually("the call is asked for", || asked() == 1).await;
    let lists = || tenant.handle.requests("GET", ACTIVE);
    let before = lists();
    eventually("the list is read on", || lists() >= before + 5).await;
    assert_eq!(asked(), 1);
    assert!(tenant.listed().await.is_empty());
    stop.cancel();
    assert_eq!(task.await.unwrap().calls, 0);
}

#[tokio::test]
async fn a_call_that_somebody_stopped_is_left_alone() {
    let tenant = Tenant::start(true, &[("CXONE_VOICE_NOTIFICATIONS", "on")]).await;
    let (stop, task) = tenant.run("only");
    eventually_async("the call is followed", || async {
        tenant.listed().await == [CALL]
    })
    .await;
    tenant.calls.stop(CALL, Timestamp::now()).await.unwrap();
    eventually_async("the call is followed no longer", || async {
        tenant.listed().await.is_empty()
    })
    .await;
    tenant.advance(64);
    let lists = || tenant.handle.requests("GET", ACTIVE);
    let before = lists();
    eventually("the list is read on", || lists() >= before + 5).await;
    assert!(tenant.listed().await.is_empty());
    assert_eq!(tenant.segments(CALL).await, (0, 0));
    stop.cancel();
    task.await.unwrap();
}

#[tokio::test]
async fn nobody_listens_unless_it_is_switched_on() {
    let tenant = Tenant::start(true, &[]).await;
    let digital = &tenant.handle.world().digital;
    let number = digital.open();
    digital
        .say(number, Writer::Customer, "Where is my parcel?")
        .unwrap();
    let id = number.to_string();
    tenant.calls.register(&id, Timestamp::now()).await.unwrap();
    let (stop, task) = tenant.run("only");
    eventually_async("a digital contact is scored", || async {
        tenant.segments(&id).await.0 == 1
    })
    .await;
    stop.cancel();
    task.await.unwrap();
    assert_eq!(tenant.handle.requests("GET", ACTIVE), 0);
    assert_eq!(tenant.notify().connections_opened(), 0);
}
