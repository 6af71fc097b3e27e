//! The poller over the digital contacts of a simulated tenant, with all its habits switched on.

use std::sync::Arc;

use cxone_simulator::tenant::digital::case::Writer;
use cxone_simulator::tenant::{Quirk, Quirks, TenantSettings, TenantSimulator};
use cxone_simulator::{Conversations, Scenario};
use jiff::Timestamp;
use testkit::{TestFixture, eventually};
use tokio_util::sync::CancellationToken;

use super::fixture::provider;
use crate::config::Config;
use crate::{CallSelection, Deps, poll};

#[tokio::test]
async fn a_score_is_written_once_a_minute_and_blocks_no_agent() {
    let quirks = Quirk::all().filter(|quirk| *quirk != Quirk::ForeignHost);
    let scenario = Scenario {
        conversations: Conversations {
            per_day: 0,
            ..Conversations::default()
        },
        tenant: TenantSettings {
            quirks: quirks.fold(Quirks::none(), Quirks::with),
            ..TenantSettings::default()
        },
        ..Scenario::default()
    };
    let tenant = TenantSimulator::start(scenario).await.unwrap();
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
