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
