//! The subcommand `poll` as a process: it is killed, started again on the same data folder, and stopped by Ctrl-C.
#![expect(clippy::unwrap_used, reason = "a panic is how a test fails")]
#![cfg(unix)]

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, ChildStdout, Command, Stdio};
use std::time::{Duration, Instant};

use cxone_simulator::live::{Call, Line};
use cxone_simulator::{Handle, Scenario, Simulator};
use serde_json::Value;

/// A running `poll --json` with its output.
struct Poll {
    child: Child,
    output: BufReader<ChildStdout>,
}

impl Poll {
    fn start(simulator: &Handle, folder: &Path) -> Self {
        let mut child = Command::new(env!("CARGO_BIN_EXE_cxone-insights"))
            .args([
                "poll",
                "--json",
                "--interaction",
                "call-1",
                "--cxone-url",
                &simulator.url(),
                "--data-dir",
            ])
            .arg(folder)
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let output = BufReader::new(child.stdout.take().unwrap());
        Self { child, output }
    }

    /// Reads the next batch of the output.
    fn batch(&mut self) -> Value {
        let mut line = String::new();
        self.output.read_line(&mut line).unwrap();
        serde_json::from_str(&line).unwrap()
    }

    fn signal(&self, signal: &str) {
        assert!(
            Command::new("kill")
                .args([signal, &self.child.id().to_string()])
                .status()
                .unwrap()
                .success()
        );
    }
}

/// Counts the segments of a batch by id.
fn count_segments(seen: &mut BTreeMap<String, u32>, batch: &Value) {
    for segment in batch["segments"].as_array().unwrap() {
        *seen
            .entry(segment["id"].as_str().unwrap().to_owned())
            .or_default() += 1;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_killed_poll_goes_on_within_twenty_seconds_and_scores_nothing_twice() {
    let lines = (0..30).map(|n| {
        Line::said(
            "customer",
            n * 1000 - 8000,
            &format!("I am not happy about item {n}"),
        )
    });
    let call = Call::new("call-1", lines.collect());
    let simulator = Simulator::start(Scenario {
        calls: vec![call],
        ..Scenario::default()
    })
    .await
    .unwrap();
    let folder = tempfile::tempdir().unwrap();
    let mut seen = BTreeMap::new();
    let mut first = Poll::start(&simulator, folder.path());
    let batch = first.batch();
    assert_eq!(batch["interaction_id"], "call-1");
    for name in ["average", "trend", "suggestion"] {
        assert!(batch.get(name).is_some(), "{name} in {batch}");
    }
    for name in ["id", "start", "end", "direction", "score"] {
        assert!(
            batch["segments"][0].get(name).is_some(),
            "{name} in {batch}"
        );
    }
    count_segments(&mut seen, &batch);
    first.child.kill().unwrap();
    // What was printed between the last line read and the end.
    for line in (&mut first.output).lines() {
        count_segments(&mut seen, &serde_json::from_str(&line.unwrap()).unwrap());
    }
    first.child.wait().unwrap();
    let began = Instant::now();
    let mut second = Poll::start(&simulator, folder.path());
    count_segments(&mut seen, &second.batch());
    assert!(
        began.elapsed() < Duration::from_secs(20),
        "{:?}",
        began.elapsed()
    );
    while seen.len() < 30 {
        count_segments(&mut seen, &second.batch());
    }
    assert!(seen.values().all(|count| *count == 1), "{seen:?}");
    second.signal("-INT");
    let code = second.child.wait().unwrap().code();
    assert!(matches!(code, Some(0 | 130)), "{code:?}");
    let attributes = simulator.world().live.attributes("call-1");
    assert!(
        attributes["realtime_sentiment_score"]
            .as_str()
            .unwrap()
            .parse::<f64>()
            .unwrap()
            < 0.5
    );
    simulator.shutdown().await;
}

#[test]
fn recorded_calls_show_how_many_alerts_each_threshold_would_raise() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("calls.jsonl");
    let segment = |second: u32, score: f64| {
        format!(
            r#"{{"start": {}, "end": {}, "direction": "customer", "score": {score}}}"#,
            second * 1000,
            second * 1000 + 900
        )
    };
    let falling: Vec<String> = [0.8, 0.6, 0.3, 0.1, 0.05, 0.05]
        .iter()
        .zip(0..)
        .map(|(score, n)| segment(n * 12, *score))
        .collect();
    let line = |id: &str, segments: &[String]| {
        format!(
            r#"{{"interaction_id": "{id}", "segments": [{}]}}"#,
            segments.join(",")
        )
    };
    let calm = [segment(0, 0.7), segment(9, 0.8)];
    std::fs::write(
        &file,
        format!("{}\n\n{}\n", line("falling", &falling), line("calm", &calm)),
    )
    .unwrap();
    let run = |arguments: &[&str]| {
        let output = Command::new(env!("CARGO_BIN_EXE_cxone-insights"))
            .arg("alerts")
            .arg(&file)
            .args(arguments)
            .output()
            .unwrap();
        (
            output.status.code(),
            String::from_utf8(output.stdout).unwrap(),
            String::from_utf8(output.stderr).unwrap(),
        )
    };
    let (code, table, _) = run(&["--threshold", "0.05", "--threshold", "0.35"]);
    assert_eq!(code, Some(0));
    let row = |name: &str| -> Vec<String> {
        let line = table.lines().find(|line| line.starts_with(name)).unwrap();
        line[40..].split_whitespace().map(str::to_owned).collect()
    };
    assert_eq!(row("falling"), ["6", "0", "2"]);
    assert_eq!(row("calm"), ["2", "0", "0"]);
    assert_eq!(row("calls with an alert"), ["2", "0", "1"]);
    let (_, json, _) = run(&["--json"]);
    let first: Value = serde_json::from_str(json.lines().next().unwrap()).unwrap();
    assert_eq!(
        (&first["interaction_id"], &first["alerts"]),
        (&Value::from("calm"), &serde_json::json!([]))
    );
    std::fs::write(&file, "{\"interactionId\": \"x\"}\n").unwrap();
    let (code, _, error) = run(&[]);
    assert_eq!(code, Some(1));
    assert!(
        error.contains("line 1") && error.contains("segments"),
        "{error}"
    );
    assert_eq!(run(&["--threshold", "2"]).0, Some(2));
}
