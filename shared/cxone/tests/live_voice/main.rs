//! The words of calls that go on, over the notification socket of a simulated tenant with all its habits.
#![expect(
    clippy::unwrap_used,
    reason = "helpers of tests may unwrap: a panic is how a test fails"
)]

mod odd_server;
mod tenant_client;

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

use cxone::tenant::TenantClient;
use cxone::tenant::live_voice::{CustomerMarks, ListeningTimes, LiveCalls, listen};
use cxone_simulator::live::{Call, Line};
use cxone_simulator::tenant::notify_state::NotifyState;
use cxone_simulator::tenant::{Quirk, Quirks, TenantHandle, TenantSettings, TenantSimulator};
use cxone_simulator::{Conversations, Scenario};
use insights_core::backoff::{BackoffPolicy, Jitter};
use insights_core::live::Speaker;
use insights_http::Deadline;
use insights_http::client::build_stream_client;
use secrecy::ExposeSecret;
use testkit::{CapturedLogs, eventually};
use tokio::task::JoinHandle;

use crate::tenant_client::client_of;

/// The number of the one call of these tests.
const CALL: &str = "128000000001";

/// The number of a line in a test, of which each is said ten minutes after the one before.
fn line(place: i64) -> Line {
    let who = if place % 2 == 0 { "customer" } else { "agent" };
    Line::said(
        who,
        600_000 * (place + 1),
        &format!("canarytext number {place}"),
    )
}

/// A tenant with one call of six lines, and a listener of it.
struct Listening {
    tenant: TenantHandle,
    client: TenantClient,
    calls: Arc<LiveCalls>,
    task: JoinHandle<()>,
}

impl Listening {
    async fn start(
        times: ListeningTimes,
        marks: CustomerMarks,
        change: impl FnOnce(&mut TenantSettings),
    ) -> Self {
        let mut settings = TenantSettings {
            quirks: Quirks::all_workable(),
            foreign_topics: true,
            ..TenantSettings::default()
        };
        change(&mut settings);
        let scenario = Scenario {
            conversations: Conversations {
                per_day: 0,
                ..Conversations::default()
            },
            calls: vec![Call::new("live-1", (0..6).map(line).collect())],
            tenant: settings,
            ..Scenario::default()
        };
        let tenant = TenantSimulator::start(scenario).await.unwrap();
        let client = client_of(&tenant, &tenant.hosts().notify);
        let calls = Arc::new(LiveCalls::new(marks));
        calls.follow(&HashSet::from([CALL.to_owned()]));
        let listening = listen(
            build_stream_client().unwrap().into(),
            client.clone(),
            Arc::clone(&calls),
            times,
        );
        let task = tokio::spawn(async move { match listening.await {} });
        Self {
            tenant,
            client,
            calls,
            task,
        }
    }

    fn notify(&self) -> &NotifyState {
        &self.tenant.world().notify
    }

    /// Lets so many further lines of the call be said.
    fn say(&self, lines: u64) {
        let clock = &self.tenant.world().clock;
        clock.advance(Duration::from_secs(600 * lines));
    }

    async fn is_subscribed(&self) {
        eventually("the call is subscribed to", || {
            self.calls.audible() == [CALL]
        })
        .await;
    }

    fn heard(&self) -> Vec<String> {
        let read = self.calls.read(CALL, 0).unwrap();
        read.segments.into_iter().map(|it| it.text).collect()
    }

    async fn hears(&self, places: &[i64]) {
        let wanted: Vec<_> = places.iter().map(|place| line(*place).text).collect();
        eventually("the lines are heard", || self.heard().len() >= wanted.len()).await;
        assert_eq!(self.heard(), wanted);
    }
}

impl Drop for Listening {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// Times under which a connection that ends is followed by the next one at once.
fn quick() -> ListeningTimes {
    ListeningTimes {
        reconnect: BackoffPolicy::new(
            Duration::from_millis(20),
            Duration::from_millis(100),
            Jitter::None,
        ),
        ..ListeningTimes::default()
    }
}

#[tokio::test]
async fn interim_texts_repeats_and_gaps_change_nothing() {
    let listening = Listening::start(quick(), CustomerMarks::default(), |_| ()).await;
    listening.is_subscribed().await;
    listening.say(3);
    listening.hears(&[0, 1, 2]).await;
    listening.notify().repeat_all();
    // What was sent comes again before the next line.
    listening.say(1);
    listening.hears(&[0, 1, 2, 3]).await;
    let read = listening.calls.read(CALL, 0).unwrap();
    let from = read.segments[2].end;
    assert_eq!(
        listening.calls.read(CALL, from).unwrap().segments,
        read.segments[2..]
    );
    // Nobody tells who is who: no word of a customer may count as the agent's.
    assert!(
        read.segments
            .iter()
            .all(|said| said.speaker == Speaker::Customer && said.is_final)
    );
}

#[tokio::test]
async fn the_customer_is_who_the_settings_or_the_channel_say() {
    let marked = CustomerMarks::new(vec!["p-2".to_owned()]);
    let by_setting = Listening::start(quick(), marked, |_| ()).await;
    let by_channel = Listening::start(quick(), CustomerMarks::default(), |settings| {
        settings.quirks = Quirks::all_workable().without(Quirk::NotifyInterims);
    })
    .await;
    for listening in [by_setting, by_channel] {
        listening.is_subscribed().await;
        listening.say(2);
        listening.hears(&[0, 1]).await;
        let read = listening.calls.read(CALL, 0).unwrap();
        let speakers: Vec<_> = read.segments.iter().map(|said| said.speaker).collect();
        assert_eq!(speakers, [Speaker::Customer, Speaker::Agent]);
    }
}

#[tokio::test]
async fn a_broken_connection_is_followed_by_another_that_subscribes_again() {
    let listening = Listening::start(quick(), CustomerMarks::default(), |_| ()).await;
    listening.is_subscribed().await;
    listening.say(1);
    listening.hears(&[0]).await;
    for connections in 2..5 {
        listening.notify().break_connections();
        eventually("another connection subscribes", || {
            listening.notify().connections_opened() == connections
                && listening.notify().subscriptions().len() as u64 == connections
        })
        .await;
    }
    // The answer to the last subscription is before the next line.
    listening.say(1);
    listening.hears(&[0, 1]).await;
    assert_eq!(listening.calls.away_for(), None);
}

#[tokio::test]
async fn three_heartbeats_without_an_answer_end_the_connection_and_one_does_not() {
    let times = ListeningTimes {
        heartbeat: Duration::from_millis(400),
        ..quick()
    };
    let listening = Listening::start(times, CustomerMarks::default(), |_| ()).await;
    listening.is_subscribed().await;
    // The second one is not acknowledged.
    eventually("heartbeats go on", || listening.notify().heartbeats() >= 6).await;
    assert_eq!(listening.notify().connections_opened(), 1);
    listening.notify().set_deaf(true);
    eventually("another connection is opened", || {
        listening.notify().connections_opened() >= 2
    })
    .await;
    listening.notify().set_deaf(false);
    listening.is_subscribed().await;
}

#[tokio::test]
async fn a_refused_call_is_asked_for_rarely_and_a_right_that_comes_later_is_used() {
    let times = ListeningTimes {
        heartbeat: Duration::from_millis(50),
        ..quick()
    };
    let listening = Listening::start(times, CustomerMarks::default(), |settings| {
        settings.foreign_topics = false;
        settings.quirks = Quirks::none();
    })
    .await;
    let asked = || listening.notify().subscriptions().len();
    eventually("the call is asked for", || asked() > 0).await;
    eventually("time passes", || listening.notify().heartbeats() >= 5).await;
    assert_eq!(asked(), 1);
    assert!(listening.calls.audible().is_empty() && listening.heard().is_empty());
    let soon = BackoffPolicy::fixed(Duration::from_millis(50));
    let times = ListeningTimes {
        refused: soon,
        ..quick()
    };
    let listening = Listening::start(times, CustomerMarks::default(), |settings| {
        settings.foreign_topics = false;
    })
    .await;
    let asked = || listening.notify().subscriptions().len();
    eventually("the call is asked for again", || asked() > 2).await;
    let allow = |settings: &mut TenantSettings| settings.foreign_topics = true;
    listening.tenant.world().change(allow);
    listening.is_subscribed().await;
    assert_eq!(listening.notify().connections_opened(), 1);
}

#[tokio::test]
async fn a_token_that_dies_or_expires_is_replaced() {
    // A connection of such a token lives for eleven seconds.
    let listening = Listening::start(quick(), CustomerMarks::default(), |settings| {
        settings.token_expires_in = 61;
    })
    .await;
    listening.is_subscribed().await;
    listening.tenant.world().common.tokens.revoke_all();
    listening.notify().break_connections();
    let connections = || listening.notify().connections_opened();
    eventually("another token is used", || connections() >= 2).await;
    eventually("the token expires", || connections() >= 3).await;
    eventually("the call is subscribed to again", || {
        listening.notify().subscriptions().len() >= 3
    })
    .await;
    listening.say(1);
    listening.hears(&[0]).await;
}

#[tokio::test]
async fn logs_and_debug_output_hold_no_token_and_no_word() {
    let logs = CapturedLogs::install_as_deployed("trace");
    let listening = Listening::start(quick(), CustomerMarks::default(), |_| ()).await;
    listening.is_subscribed().await;
    listening.say(2);
    listening.hears(&[0, 1]).await;
    listening
        .tenant
        .world()
        .change(|settings| settings.foreign_topics = false);
    listening.notify().break_connections();
    eventually("the refusal is logged", || {
        logs.text().contains("does not give the live words")
    })
    .await;
    let deadline = Deadline::within(Duration::from_secs(30));
    let token = listening.client.tokens().token(deadline).await.unwrap();
    let printed = format!("{:?} {:?}", listening.calls, listening.client);
    for text in [logs.text(), printed] {
        assert!(!text.contains("canarytext"), "{text}");
        assert!(!text.contains(token.secret().expose_secret()), "{text}");
    }
}
