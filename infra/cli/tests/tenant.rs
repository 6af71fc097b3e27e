//! The commands with `--profile cxone` against the simulated tenant with every habit that a client can work with, as a user runs them.

mod tenant_command;

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Command, Stdio};

use cxone_simulator::live::{Call, Line};
use cxone_simulator::tenant::digital::case::Writer;
use cxone_simulator::tenant::{Quirks, TenantHandle, TenantSettings, TenantSimulator};
use cxone_simulator::{Conversations, Scenario};
use jiff::{Timestamp, ToSpan, tz::TimeZone};
use serde_json::Value;

use crate::tenant_command::on_tenant;

/// Starts a tenant with every habit that a client can work with and a few conversations a day.
async fn small_tenant() -> TenantHandle {
    let scenario = Scenario {
        conversations: Conversations {
            per_day: 6,
            ..Conversations::default()
        },
        tenant: TenantSettings {
            quirks: Quirks::all_workable(),
            history_days: 4,
            ..TenantSettings::default()
        },
        ..Scenario::default()
    };
    TenantSimulator::start(scenario).await.expect("a tenant")
}

/// Runs a command whose lines are JSON until a line satisfies a condition, and ends it.
fn run_until(mut command: Command, is_wanted: impl Fn(&Value) -> bool) {
    let mut child = command
        .stdout(Stdio::piped())
        .spawn()
        .expect("the command runs");
    let output = BufReader::new(child.stdout.take().expect("its output"));
    let mut lines = output.lines().map_while(Result::ok);
    let is_found = lines.any(|line| serde_json::from_str(&line).is_ok_and(|line| is_wanted(&line)));
    child.kill().expect("the command is ended");
    child.wait().expect("the command has ended");
    assert!(is_found, "the command ended before");
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_doctor_finds_that_everything_works() {
    let folder = tempfile::tempdir().expect("a folder");
    let tenant = small_tenant().await;
    let output = on_tenant(&tenant, folder.path(), &["doctor"]).output();
    let output = output.expect("the command runs");
    let (found, errors) = (text(&output.stdout), text(&output.stderr));
    assert!(output.status.success(), "{found}\n{errors}");
    for check in [
        "token",
        "hosts",
        "contact API",
        "contacts that ended",
        "analyzed segments",
        "order by first analysis",
        "text of a segment",
        "digital contacts",
    ] {
        let line = found
            .lines()
            .find(|line| line.get(20..).is_some_and(|rest| rest.starts_with(check)));
        let line = line.unwrap_or_else(|| panic!("no line of {check}: {found}"));
        assert!(line.starts_with("OK"), "{line}");
    }
    assert!(
        !found.contains("DEMOACCESSKEY") && !found.contains("demo-secret"),
        "{found}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_report_and_embeddings_are_made_of_a_simulated_tenant() {
    let folder = tempfile::tempdir().expect("a folder");
    let tenant = small_tenant().await;
    let run = |folder: &Path, arguments: &[&str]| {
        on_tenant(&tenant, folder, arguments)
            .output()
            .expect("the command runs")
    };
    let today = Timestamp::now().to_zoned(TimeZone::UTC).date();
    let day = today.saturating_sub(2.days()).to_string();
    let report = folder.path().join("report");
    let out = report.display().to_string();
    let output = run(
        folder.path(),
        &["report", "--from", &day, "--to", &day, "--out", &out],
    );
    assert!(output.status.success(), "{}", text(&output.stderr));
    let summary = std::fs::read(report.join("summary.json")).expect("a summary");
    let summary: Value = serde_json::from_slice(&summary).expect("JSON");
    assert_eq!(summary["complete"], true, "{summary:#}");
    let counts = &summary["conversations"];
    assert!(counts["with_transcript"].as_u64() >= Some(1), "{summary:#}");

    let output = run(folder.path(), &["embed", "--from-cxone"]);
    let output_text = text(&output.stderr);
    assert!(output.status.success(), "{output_text}");
    let embedded = output_text
        .split(", ")
        .find_map(|part| part.strip_suffix(" embedded"));
    assert!(
        embedded.and_then(|count| count.parse::<u32>().ok()) >= Some(3),
        "{output_text}"
    );
    let output = run(
        folder.path(),
        &["search", "a refund for a broken product", "--json"],
    );
    assert!(output.status.success(), "{}", text(&output.stderr));
    assert!(
        text(&output.stdout).contains("conversation"),
        "{}",
        text(&output.stdout)
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn chats_and_live_calls_are_followed_in_a_simulated_tenant() {
    let folder = tempfile::tempdir().expect("a folder");
    let tenant = small_tenant().await;
    let digital = &tenant.world().digital;
    let number = digital.open();
    let said = "This is awful, I want to speak to my lawyer.";
    digital
        .say(number, Writer::Customer, said)
        .expect("a contact");
    let id = number.to_string();
    let chat = on_tenant(
        &tenant,
        folder.path(),
        &["chat", "--agent", "all", "--json"],
    );
    run_until(chat, |line| line.to_string().contains("lawyer"));
    let poll = on_tenant(
        &tenant,
        folder.path(),
        &["poll", "--interaction", &id, "--json"],
    );
    run_until(poll, |line| {
        line["interaction_id"] == *id && line["segments"][0]["score"].is_number()
    });
}

#[tokio::test(flavor = "multi_thread")]
async fn the_words_of_a_call_are_scored_while_it_goes_on_where_that_is_switched_on() {
    let folder = tempfile::tempdir().expect("a folder");
    // The same sentence every second, however late the command begins to listen.
    let lines = (0..600).map(|second| Line::said("customer", 1000 * second, "I am furious."));
    let scenario = Scenario {
        conversations: Conversations {
            per_day: 0,
            ..Conversations::default()
        },
        calls: vec![Call::new("live-1", lines.collect())],
        tenant: TenantSettings {
            quirks: Quirks::all_workable(),
            foreign_topics: true,
            ..TenantSettings::default()
        },
        ..Scenario::default()
    };
    let tenant = TenantSimulator::start(scenario).await.expect("a tenant");
    let id = "128000000001";
    let mut poll = on_tenant(
        &tenant,
        folder.path(),
        &["poll", "--interaction", id, "--json"],
    );
    poll.env("CXONE_VOICE_NOTIFICATIONS", "on");
    run_until(poll, |line| {
        line["interaction_id"] == *id && line["segments"][0]["score"].is_number()
    });
    assert_eq!(tenant.world().notify.connections_opened(), 1);
}
