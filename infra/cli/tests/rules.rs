//! The commands `rules` and `card` as a user runs them.

#![expect(clippy::unwrap_used, reason = "a panic is how a test fails")]

use std::path::Path;
use std::process::{Command, Output};

const RULES: &str = r#"
[[rule]]
id = "refund"
severity = "warn"
when = { said = ["refund"], by = "customer" }

[[rule]]
id = "quiet"
severity = "warn"
when = { silence = "> 10s" }
"#;

const CALLS: &str = r#"{"interactionId": "call-1", "segments": [{"text": "I was charged twice and want a refund.", "startTime": 1000, "endTime": 4000, "direction": "customer"}, {"text": "I have refunded 20 dollars to your card.", "startTime": 5000, "endTime": 8000, "direction": "agent"}]}
{"interactionId": "call-2", "segments": [{"text": "Hello there", "startTime": 1000, "endTime": 2000, "direction": "agent"}, {"text": "Sorry, I was away", "startTime": 30000, "endTime": 32000, "direction": "customer"}]}
"#;

fn run(folder: &Path, arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_cxone-insights"))
        .current_dir(folder)
        .args(arguments)
        .output()
        .unwrap()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

fn folder() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("rules.toml"), RULES).unwrap();
    std::fs::write(folder.path().join("calls.jsonl"), CALLS).unwrap();
    folder
}

#[test]
fn a_fault_is_named_with_its_place_and_fails_the_check() {
    let folder = folder();
    assert!(
        run(folder.path(), &["rules", "check", "rules.toml"])
            .status
            .success()
    );
    std::fs::write(
        folder.path().join("bad.toml"),
        "[[rule]]\nid = \"x\"\nwhen = { sad = 1 }\n",
    )
    .unwrap();
    let output = run(folder.path(), &["rules", "check", "bad.toml"]);
    assert_eq!(output.status.code(), Some(1));
    assert!(
        text(&output.stderr).contains("bad.toml: line 3, column 10: rule x: found the key `sad`")
    );
}

#[test]
fn a_replay_gives_the_same_bytes_and_fails_over_its_budget() {
    let folder = folder();
    let replay = [
        "rules",
        "replay",
        "rules.toml",
        "--against",
        "built-in",
        "--file",
        "calls.jsonl",
        "--json",
    ];
    let (one, other) = (run(folder.path(), &replay), run(folder.path(), &replay));
    assert!(one.status.success(), "{}", text(&one.stderr));
    assert_eq!(one.stdout, other.stdout);
    let comparison: serde_json::Value = serde_json::from_slice(&one.stdout).unwrap();
    assert_eq!(comparison["rules"][0]["hits"], 1);
    assert_eq!(comparison["rules"][0]["quotes"][0]["text"], "refund");
    assert_eq!(comparison["rules"][1]["gained"][0], "call-2");
    let budget = run(
        folder.path(),
        &[
            "rules",
            "replay",
            "rules.toml",
            "--file",
            "calls.jsonl",
            "--budget",
            "1/h",
        ],
    );
    assert_eq!(budget.status.code(), Some(1));
    assert!(text(&budget.stderr).contains("over the budget"));
}

#[test]
fn tuning_recommends_a_limit_and_draws_a_picture() {
    let folder = folder();
    let output = run(
        folder.path(),
        &[
            "rules",
            "tune",
            "rules.toml",
            "--file",
            "calls.jsonl",
            "--budget",
            "0/h",
            "--picture",
            "tune.svg",
        ],
    );
    assert!(output.status.success(), "{}", text(&output.stderr));
    assert!(
        text(&output.stdout).contains("within 0/h: \"> 30000ms\""),
        "{}",
        text(&output.stdout)
    );
    let picture = std::fs::read_to_string(folder.path().join("tune.svg")).unwrap();
    assert!(picture.starts_with("<svg") && picture.contains("budget 0/h"));
}

#[test]
fn a_card_quotes_the_call() {
    let folder = folder();
    let output = run(
        folder.path(),
        &[
            "card",
            "call-1",
            "--file",
            "calls.jsonl",
            "--rules",
            "rules.toml",
        ],
    );
    let shown = text(&output.stdout);
    assert!(
        shown.contains("\"I was charged twice and want a refund.\""),
        "{shown}"
    );
    assert!(
        shown.contains("\"I have refunded 20 dollars to your card.\""),
        "{shown}"
    );
    assert!(
        shown.contains("risk        0 s, customer") && shown.contains("[refund]"),
        "{shown}"
    );
}

const WEIGHTED: &str = r#"
[[rule]]
id = "greeting"
title = "The agent greets"
good = true
weight = 1
when = { said = ["welcome"], by = "agent" }
"#;

/// Returns an environment in which no contact center is asked.
fn run_with(folder: &Path, variables: &[(&str, &str)], arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_cxone-insights"))
        .current_dir(folder)
        .args(arguments)
        .envs(variables.iter().copied())
        .output()
        .unwrap()
}

#[test]
fn an_objection_to_a_scorecard_is_kept_and_shown_and_counts_against_the_precision() {
    let folder = folder();
    std::fs::write(folder.path().join("weighted.toml"), WEIGHTED).unwrap();
    let card = |more: &[&str]| {
        let arguments = [
            "card",
            "call-2",
            "--file",
            "calls.jsonl",
            "--rules",
            "weighted.toml",
        ];
        let arguments: Vec<&str> = arguments.iter().chain(more).copied().collect();
        run(folder.path(), &arguments)
    };
    let contest = ["--contest", "greeting", "--by", "Grace", "--reason"];
    let with = |reason: &'static str| contest.iter().copied().chain([reason]).collect::<Vec<_>>();
    let shown = card(&with("the customer spoke first"));
    assert!(shown.status.success(), "{}", text(&shown.stderr));
    let expected = "contested by Grace: the customer spoke first";
    assert!(
        text(&shown.stdout).contains(expected),
        "{}",
        text(&shown.stdout)
    );
    let json = card(&[&with("it was said before the recording")[..], &["--json"]].concat());
    let value: serde_json::Value = serde_json::from_slice(&json.stdout).unwrap();
    let contests = &value["scorecard"]["answers"][0]["contests"];
    assert_eq!(
        contests.as_array().unwrap().len(),
        2,
        "both are kept: {value}"
    );
    assert_eq!(contests[0]["reason"], "the customer spoke first");
    assert_eq!(
        value["scorecard"]["score"], 0.0,
        "the score stays what the rules say"
    );
    for (arguments, error) in [
        (with(" "), "the reason has 1 to 300 characters"),
        (
            vec!["--contest", "polite", "--by", "Grace", "--reason", "x"],
            "the scorecard has no rule polite",
        ),
        (vec!["--contest", "greeting"], "--by"),
    ] {
        let refused = card(&arguments);
        assert!(!refused.status.success());
        assert!(
            text(&refused.stderr).contains(error),
            "{}",
            text(&refused.stderr)
        );
    }
}

#[test]
fn rules_that_ask_for_similar_texts_are_answered_by_the_local_model_and_the_check_says_where() {
    let folder = folder();
    std::fs::write(
        folder.path().join("like.toml"),
        "[[rule]]\nid = \"money-back\"\nseverity = \"warn\"\nwhen = { said_like = \"please give me my money back\", above = 0.5 }\n",
    )
    .unwrap();
    let check = run(folder.path(), &["rules", "check", "like.toml"]);
    assert!(check.status.success());
    assert!(
        text(&check.stdout).contains("asks said_like: known to `rules replay`"),
        "{}",
        text(&check.stdout)
    );
    let replay = [
        "rules",
        "replay",
        "like.toml",
        "--file",
        "calls.jsonl",
        "--json",
    ];
    let output = run(folder.path(), &replay);
    assert!(output.status.success(), "{}", text(&output.stderr));
    let comparison: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(comparison["rules"][0]["hits"], 1, "{comparison}");
    assert_eq!(comparison["rules"][0]["unknown"], 0);
    assert!(
        comparison["rules"][0]["quotes"][0]["text"]
            .as_str()
            .unwrap()
            .contains("refund")
    );
    let service = run_with(folder.path(), &[("EMBEDDING_PROVIDER", "openai")], &replay);
    let comparison: serde_json::Value = serde_json::from_slice(&service.stdout).unwrap();
    assert_eq!(
        comparison["rules"][0]["unknown"], 2,
        "no text goes to a service"
    );
}

#[test]
fn the_card_reads_a_rule_file_of_the_bucket_and_the_card_that_was_kept() {
    let folder = folder();
    let objects = folder.path().join("insights-data");
    let started = run(
        folder.path(),
        &[
            "card",
            "call-2",
            "--file",
            "calls.jsonl",
            "--rules",
            "rules.toml",
        ],
    );
    assert!(started.status.success(), "{}", text(&started.stderr));
    std::fs::create_dir_all(objects.join("rules")).unwrap();
    std::fs::write(objects.join("rules/live.toml"), WEIGHTED).unwrap();
    let variables = [("RULES_FILE", "object:rules/live.toml")];
    let arguments = ["card", "call-2", "--file", "calls.jsonl"];
    let shown = run_with(folder.path(), &variables, &arguments);
    assert!(shown.status.success(), "{}", text(&shown.stderr));
    assert!(
        text(&shown.stdout).contains("The agent greets"),
        "{}",
        text(&shown.stdout)
    );
    let json = run(
        folder.path(),
        &["card", "call-1", "--file", "calls.jsonl", "--json"],
    );
    let value: serde_json::Value = serde_json::from_slice(&json.stdout).unwrap();
    std::fs::create_dir_all(objects.join("archive")).unwrap();
    let kept = serde_json::json!({"conversation_id": "chat-9", "rules_version": "v", "card": value["card"]});
    std::fs::write(objects.join("archive/chat-9.card.json"), kept.to_string()).unwrap();
    let shown = run(folder.path(), &["card", "chat-9"]);
    assert!(
        text(&shown.stdout).contains("charged twice"),
        "{} {}",
        text(&shown.stdout),
        text(&shown.stderr)
    );
}

/// Replays the built-in rules over yesterday's conversations and returns the comparison.
fn replay_yesterday(
    folder: &Path,
    profile: &[&str],
    variables: &[(&str, &str)],
) -> serde_json::Value {
    let day = |days: i64| {
        let then = jiff::Timestamp::now() - jiff::SignedDuration::from_hours(24 * days);
        then.strftime("%Y-%m-%d").to_string()
    };
    let (from, to) = (day(2), day(1));
    let period = [
        "rules", "replay", "built-in", "--from", &from, "--to", &to, "--json",
    ];
    let arguments: Vec<&str> = period.iter().chain(profile).copied().collect();
    let output = run_with(folder, variables, &arguments);
    assert!(output.status.success(), "{}", text(&output.stderr));
    serde_json::from_slice(&output.stdout).unwrap()
}

#[test]
fn conversations_and_the_marks_of_the_board_are_read_without_options() {
    let folder = folder();
    let comparison = replay_yesterday(folder.path(), &["--profile", "tutorial"], &[]);
    assert!(comparison["conversations"].as_u64().unwrap() > 0);
    let precise = |comparison: &serde_json::Value| {
        let rules = comparison["rules"].as_array().unwrap().iter();
        rules.filter(|rule| !rule["precision"].is_null()).count()
    };
    assert_eq!(precise(&comparison), 0, "nobody has marked anything");
}

#[tokio::test(flavor = "multi_thread")]
async fn conversations_of_a_tenant_are_replayed_too() {
    let folder = folder();
    let scenario = cxone_simulator::Scenario {
        conversations: cxone_simulator::Conversations {
            per_day: 4,
            ..cxone_simulator::Conversations::default()
        },
        ..cxone_simulator::Scenario::default()
    };
    let settings = scenario.tenant.clone();
    let tenant = cxone_simulator::tenant::TenantSimulator::start(scenario)
        .await
        .unwrap();
    let data = folder.path().join("insights-data");
    std::fs::create_dir_all(&data).unwrap();
    let secrets = format!(
        "client_id = {:?}\nclient_secret = {:?}\naccess_key_id = {:?}\naccess_key_secret = {:?}\n",
        settings.client_id,
        settings.client_secret,
        settings.access_key_id,
        settings.access_key_secret
    );
    std::fs::write(data.join("secrets.toml"), secrets).unwrap();
    let issuer = tenant.hosts().issuer.to_string();
    let path = folder.path().to_owned();
    let replayed = tokio::task::spawn_blocking(move || {
        replay_yesterday(&path, &["--profile", "cxone", "--cxone-url", &issuer], &[])
    });
    let comparison = replayed.await.unwrap();
    assert!(
        comparison["conversations"].as_u64().unwrap() > 0,
        "{comparison}"
    );
    tenant.shutdown().await;
}
