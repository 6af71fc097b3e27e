//! Nothing that a report writes holds personal data where redaction is asked for.

use std::collections::BTreeMap;

use analytics_report::event::ReportTask;
use analytics_report::{create_report, run_task};
use cxone_simulator::{Conversations, Fault, FaultRule};
use insights_core::pii::RedactionPolicy;
use serde_json::json;
use testkit::CapturedLogs;

use crate::support::*;

/// Personal data, each with the words around it by which it is recognized.
const CANARIES: [(&str, &str); 4] = [
    ("my card is 4111 1111 1111 1111", "4111 1111"),
    ("write to canary.person@example.com", "canary.person"),
    ("call me at (415) 555-0132", "555-0132"),
    ("my IBAN is DE89 3704 0044 0532 0130 00", "3704 0044"),
];

#[tokio::test]
async fn no_file_object_or_log_line_has_personal_data_of_a_redacted_report() {
    let logs = CapturedLogs::install(tracing::Level::TRACE);
    let mut fixed: Vec<_> = CANARIES
        .iter()
        .enumerate()
        .map(|(at, (text, _))| said(&format!("c-{at}"), "resolved", &[text, "that was great"]))
        .collect();
    fixed.push(said("broken", "resolved", &["good"]));
    let simulator = start(Conversations::only(fixed)).await;
    // A transcript that fails keeps the checkpoints.
    simulator.fault(FaultRule::new(
        "/api/v1/conversations/broken/transcripts",
        Fault::Answer(200, json!({})),
    ));
    let folder = tempfile::tempdir().unwrap();
    let mut deps = deps(&simulator, folder.path());
    deps.config.redaction = Some(RedactionPolicy::default());
    create_report(&deps, week(), "", until()).await.unwrap();
    let map = ReportTask::Map {
        run: "mapped".to_owned(),
        day: "2026-11-02".parse().unwrap(),
    };
    run_task(&deps, map, until()).await.unwrap();

    let written = files(folder.path());
    let has = |start: &str| written.iter().any(|name| name.starts_with(start));
    assert!(
        has("parts/all/00000.") && has("parts/mapped/2026-11-02/00000."),
        "{written:?}"
    );
    for name in written {
        let bytes = std::fs::read(folder.path().join(&name)).unwrap();
        let text = String::from_utf8_lossy(&bytes);
        for (_, canary) in CANARIES {
            assert!(!text.contains(canary), "{canary} is in {name}");
        }
    }
    logs.assert_never_logged(&CANARIES.map(|(_, canary)| canary));

    // The figures are those of the words that were said.
    let scores: BTreeMap<String, f64> = rows(folder.path())
        .into_iter()
        .map(|row| {
            (
                row["conversation_id"].clone(),
                row["sentiment_score"].parse().unwrap(),
            )
        })
        .collect();
    for (at, (text, _)) in CANARIES.iter().enumerate() {
        let said = format!("{text} that was great");
        let polarity = insights_core::vader::polarity(&said);
        assert_eq!(scores[&format!("c-{at}")], polarity.compound, "{said}");
    }
    let terms = summary(folder.path())["topics"].to_string();
    assert!(!terms.contains("canary"), "{terms}");
}
