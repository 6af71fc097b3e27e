//! The simulated tenant of the demo with the profile `cxone`: its hosts on separate ports, and every habit of the real product
//! that a client can work with.

use std::borrow::BorrowMut;
use std::ops::Range;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use cxone_simulator::live::Call;
use cxone_simulator::tenant::digital::case::Writer;
use cxone_simulator::tenant::{Quirks, TenantSettings, TenantWorld};
use cxone_simulator::{Conversations, Scenario};
use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan};
use tokio::task::JoinSet;

use crate::local_context::{LocalArgs, LocalContext};

/// Number of past conversations per day: enough for a report, and few enough to embed within seconds.
const CONVERSATIONS_PER_DAY: u32 = 15;

/// Number of past days that have conversations.
const HISTORY_DAYS: u32 = 4;

/// Requests a second to each part. A simulated tenant has no other tools that need some of them.
const REQUESTS_PER_SECOND: &str = "100";

/// Numbers that one run of the demo may use for contacts of its own.
const NUMBERS_OF_A_RUN: i64 = 1000;

/// Starts the tenant and opens the stores. The chats of the scenario are played at `chat_speed`.
///
/// # Errors
/// If the tenant or a store cannot be opened, or a setting names a contact center.
pub(super) async fn open(local: &LocalArgs, chat_speed: f64) -> anyhow::Result<LocalContext> {
    // Numbers that no earlier run used, since the state of earlier runs may still exist.
    let run = Timestamp::now().as_second() % 100_000;
    let scenario = Scenario {
        conversations: Conversations {
            per_day: CONVERSATIONS_PER_DAY,
            ..Conversations::default()
        },
        tenant: TenantSettings {
            quirks: Quirks::all_workable(),
            history_days: HISTORY_DAYS,
            first_digital_number: 127_000_000_000 + run * NUMBERS_OF_A_RUN,
            ..TenantSettings::default()
        },
        ..crate::chat::scenario(chat_speed)
    };
    let mut context = LocalContext::open_with(local, scenario, None).await?;
    let tenant = context.simulated_tenant.as_ref();
    let hosts = tenant
        .context("the demo plays a simulated tenant: unset the settings that name another, and choose a --data-dir without an access key")?
        .hosts();
    println!(
        "a simulated tenant with every habit of the real product: issuer {}, API {}, digital {}",
        hosts.issuer, hosts.api, hosts.digital
    );
    for name in [
        "CXONE_ANALYTICS_REQUESTS_PER_SECOND",
        "CXONE_ACD_REQUESTS_PER_SECOND",
        "CXONE_DIGITAL_REQUESTS_PER_SECOND",
    ] {
        context.env = context.env.with(name, REQUESTS_PER_SECOND);
    }
    Ok(context)
}

/// Begins an open digital contact for each call, whose number becomes the call's id.
///
/// # Errors
/// If there is no simulated tenant.
pub(super) fn open_contacts<C: BorrowMut<Call>>(
    context: &LocalContext,
    calls: impl IntoIterator<Item = C>,
) -> anyhow::Result<()> {
    let world = world(context).context("there is no simulated tenant")?;
    for mut call in calls {
        call.borrow_mut().id = world.digital.open().to_string();
    }
    Ok(())
}

/// Writes what is said in calls into their contacts, each message at its time, until the result is dropped. Does nothing without a
/// simulated tenant, where the calls play by themselves.
pub(super) fn write_in_contacts(context: &LocalContext, calls: Vec<Call>) -> JoinSet<()> {
    let mut writing = JoinSet::new();
    let Some(world) = world(context) else {
        return writing;
    };
    for call in calls {
        writing.spawn(write(Arc::clone(&world), call));
    }
    writing
}

async fn write(world: Arc<TenantWorld>, call: Call) {
    let Ok(number) = call.id.parse() else {
        return;
    };
    let mut written_ms = 0;
    for line in call.lines {
        let wait = u64::try_from(line.at_ms - written_ms).unwrap_or(0);
        tokio::time::sleep(Duration::from_millis(wait)).await;
        written_ms = line.at_ms.max(written_ms);
        let writer = match line.direction.as_str() {
            "customer" => Writer::Customer,
            _ => Writer::Agent,
        };
        world.digital.say(number, writer, &line.text);
    }
}

/// Ends the contacts of calls; does nothing without a simulated tenant.
pub(super) fn end_contacts(context: &LocalContext, calls: &[Call]) {
    let Some(world) = world(context) else {
        return;
    };
    for number in calls.iter().filter_map(|call| call.id.parse().ok()) {
        world.digital.close(number);
    }
}

/// Returns whether a conversation is one of the scripted chats. Without a simulated tenant there are no others.
pub(super) fn is_scripted_chat(context: &LocalContext, conversation_id: &str) -> bool {
    let Some(numbers) = world(context).map(|world| numbers_of(&world)) else {
        return true;
    };
    let number = conversation_id.parse();
    number.is_ok_and(|number| numbers.contains(&number))
}

/// Returns the numbers of the contacts that the demo begins.
fn numbers_of(world: &TenantWorld) -> Range<i64> {
    let first = world.settings().first_digital_number;
    first..first + NUMBERS_OF_A_RUN
}

fn world(context: &LocalContext) -> Option<Arc<TenantWorld>> {
    let tenant = context.simulated_tenant.as_ref()?;
    Some(Arc::clone(tenant.world()))
}

/// Returns the first and the last day that the report is about: two past days, all of whose segments have appeared.
pub(super) fn reported_days() -> (String, String) {
    let today = Timestamp::now().to_zoned(TimeZone::UTC).date();
    let day = |ago: i64| today.saturating_sub(ago.days()).to_string();
    (day(3), day(2))
}
