//! The files of a report, and the way of a run to them.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use analytics_report::event::ReportTask;
use analytics_report::{LineScore, Reply, create_report, run_task};
use cxone_simulator::conversations::{Author, Fixed, Line, Links};
use cxone_simulator::{Conversations, Fault, FaultRule, RetryAfter};
use insights_core::signals::Signal;
use insights_http::Deadline;

use crate::support::*;

#[tokio::test]
async fn a_week_becomes_a_csv_a_summary_plots_and_a_page() {
    let simulator = start(generated(30)).await;
    let folder = tempfile::tempdir().unwrap();
    let mut deps = deps(&simulator, folder.path());
    // The scores are compared with those of the texts as they were said.
    deps.config.redaction = None;
    let written = create_report(&deps, week(), "", until()).await.unwrap();
    assert_eq!(
        (written.conversations, written.failed_transcripts.len()),
        (170, 0)
    );
    assert_eq!(
        files(folder.path()),
        [
            "conversation_details.csv",
            "conversations.csv",
            "plots/outcome_vs_sentiment.png",
            "plots/outcome_vs_sentiment.svg",
            "plots/sentiment_by_quarter.png",
            "plots/sentiment_by_quarter.svg",
            "plots/sentiment_distribution.png",
            "plots/sentiment_distribution.svg",
            "plots/topic_clusters.png",
            "plots/topic_clusters.svg",
            "report.html",
            "summary.json",
        ]
    );
    let rows = rows(folder.path());
    let summary = summary(folder.path());
    assert_eq!(
        (rows.len(), summary["conversations"]["total"].as_u64()),
        (170, Some(170))
    );
    assert_eq!(summary["complete"], true);
    assert!(rows.is_sorted_by_key(|row| row["start_time"].clone()));
    let with = rows
        .iter()
        .filter(|row| row["has_transcript"] == "true")
        .count() as u64;
    assert_eq!(summary["conversations"]["with_transcript"], with);
    assert!(with < 170, "some have no transcript");
    for row in &rows {
        let said = row["has_transcript"] == "true";
        assert_eq!(said, !row["transcript_text"].is_empty());
        assert_eq!(said, row["topic_cluster"] != "-1");
        let polarity = insights_core::vader::polarity(&row["transcript_text"]);
        assert_eq!(
            row["sentiment_score"].parse::<f64>().unwrap(),
            polarity.compound
        );
    }
    let escalated = &summary["outcomes"]["rows"][1];
    assert_eq!(escalated["outcome"], "Escalation");
    assert!(
        escalated["mean"].as_f64() < summary["outcomes"]["rows"][0]["mean"].as_f64(),
        "{escalated}"
    );
}

#[tokio::test]
async fn the_order_of_answers_changes_no_byte() {
    let simulator = start(generated(20)).await;
    let straight = tempfile::tempdir().unwrap();
    report(&simulator, straight.path()).await.unwrap();
    let rule =
        FaultRule::new(TRANSCRIPTS, Fault::Delay(Duration::from_millis(30))).probability(0.3);
    simulator.fault(rule);
    let shuffled = tempfile::tempdir().unwrap();
    report(&simulator, shuffled.path()).await.unwrap();
    assert_eq!(figures(straight.path()), figures(shuffled.path()));
}

#[tokio::test]
async fn a_map_over_days_makes_the_same_report_as_a_single_run() {
    let simulator = start(generated(20)).await;
    let alone = tempfile::tempdir().unwrap();
    report(&simulator, alone.path()).await.unwrap();
    let mapped = tempfile::tempdir().unwrap();
    let deps = deps(&simulator, mapped.path());
    let reduce = ReportTask::Reduce {
        run: "week".to_owned(),
        period: week(),
    };
    let early = run_task(&deps, reduce.clone(), until()).await.unwrap_err();
    assert!(
        format!("{early:#}").contains("not collected yet"),
        "{early:#}"
    );
    for day in week().days().into_iter().rev() {
        let reply = run_task(
            &deps,
            ReportTask::Map {
                run: "week".to_owned(),
                day,
            },
            until(),
        )
        .await
        .unwrap();
        assert!(
            matches!(
                reply,
                Reply::Map {
                    failed_transcripts: 0,
                    ..
                }
            ),
            "{reply:?}"
        );
    }
    run_task(&deps, reduce, until()).await.unwrap();
    assert_eq!(
        figures(alone.path()),
        figures(&mapped.path().join("reports/week"))
    );
}

#[tokio::test]
async fn a_killed_run_goes_on_and_fetches_nothing_that_it_has() {
    let simulator = start(generated(60)).await;
    let whole = tempfile::tempdir().unwrap();
    report(&simulator, whole.path()).await.unwrap();
    let all = simulator.requests("GET", TRANSCRIPTS);
    simulator.world().traffic.clear();

    let folder = tempfile::tempdir().unwrap();
    let slow = FaultRule::new(TRANSCRIPTS, Fault::Delay(Duration::from_millis(5)));
    simulator.fault(slow);
    let path = folder.path().to_owned();
    let deps = deps(&simulator, &path);
    let killed =
        tokio::spawn(async move { create_report(&deps, week(), "", until()).await.map(|_| ()) });
    while simulator.requests("GET", TRANSCRIPTS) < all / 2 {
        tokio::task::yield_now().await;
    }
    killed.abort();
    assert!(killed.await.unwrap_err().is_cancelled());
    simulator.world().faults.clear();

    report(&simulator, folder.path()).await.unwrap();
    let again = simulator.requests("GET", TRANSCRIPTS) - all;
    // At most a chunk of 25 and what was in flight is fetched twice.
    assert!(again <= 25 + 16, "{again} of {all} were fetched twice");
    assert_eq!(
        simulator.requests("POST", QUERY),
        2 * 17,
        "each run asked for the list once: 340 rows by 20 a page"
    );
    assert_eq!(figures(whole.path()), figures(folder.path()));
}

#[tokio::test]
async fn a_transcript_that_fails_is_listed_with_its_reason_and_fetched_by_the_next_run() {
    let simulator = start(Conversations::only(vec![
        said("broken", "escalated", &["I am furious"]),
        said("good-1", "resolved", &["Thank you, great help"]),
        said("good-2", "resolved", &["That was really great, thank you"]),
    ]))
    .await;
    simulator.fault(FaultRule::new(
        "/api/v1/conversations/broken/transcripts",
        Fault::Status(500, RetryAfter::Absent),
    ));
    let folder = tempfile::tempdir().unwrap();
    let written = report(&simulator, folder.path()).await.unwrap();
    assert_eq!(written.failed_transcripts.len(), 1);
    let summary_then = summary(folder.path());
    assert_eq!(summary_then["complete"], false);
    let failure = &summary_then["failed_transcripts"][0];
    assert_eq!(failure["conversation_id"], "broken");
    assert!(
        failure["reason"].as_str().unwrap().contains("status 500"),
        "{failure}"
    );
    assert_eq!(rows(folder.path())[0]["has_transcript"], "false");
    assert!(
        std::fs::read_to_string(folder.path().join("report.html"))
            .unwrap()
            .contains("Incomplete")
    );

    simulator.world().faults.clear();
    simulator.world().traffic.clear();
    let written = report(&simulator, folder.path()).await.unwrap();
    assert_eq!(
        (
            written.failed_transcripts.len(),
            simulator.requests("GET", TRANSCRIPTS)
        ),
        (0, 1)
    );
    assert_eq!(summary(folder.path())["complete"], true);
    assert!(
        !folder.path().join("parts").exists(),
        "neither checkpoints nor their empty folder are left"
    );
}

#[tokio::test]
async fn faults_on_the_way_cost_no_conversation() {
    let simulator = start(generated(30)).await;
    let quiet = tempfile::tempdir().unwrap();
    report(&simulator, quiet.path()).await.unwrap();
    for (path, fault, share) in [
        (
            TRANSCRIPTS,
            Fault::Status(429, RetryAfter::Seconds(0)),
            0.15,
        ),
        (TRANSCRIPTS, Fault::Status(503, RetryAfter::Absent), 0.03),
        (TRANSCRIPTS, Fault::Drop, 0.02),
        (TRANSCRIPTS, Fault::RevokeTokens, 0.02),
        (QUERY, Fault::Status(429, RetryAfter::Absent), 0.1),
        (QUERY, Fault::LoseAnswer, 0.1),
    ] {
        simulator.fault(FaultRule::new(path, fault).probability(share));
    }
    let noisy = tempfile::tempdir().unwrap();
    report(&simulator, noisy.path()).await.unwrap();
    assert_eq!(figures(quiet.path()), figures(noisy.path()));
    assert!(
        simulator.requests("POST", "/oauth2/token") > 2,
        "the token was renewed underway"
    );
}

#[tokio::test]
async fn links_may_be_relative_and_a_loop_ends_the_list() {
    for links in [Links::Relative, Links::Loop] {
        let simulator = start(Conversations {
            links,
            ..generated(12)
        })
        .await;
        let folder = tempfile::tempdir().unwrap();
        let written = report(&simulator, folder.path()).await.unwrap();
        assert_eq!(written.conversations, 68, "{links:?}");
        let pages = if links == Links::Loop { 5 } else { 4 };
        assert_eq!(simulator.requests("POST", QUERY), pages, "{links:?}");
    }
}

#[tokio::test]
async fn a_link_to_another_host_is_refused_and_said() {
    let simulator = start(Conversations {
        links: Links::Foreign,
        ..generated(12)
    })
    .await;
    let folder = tempfile::tempdir().unwrap();
    let error = format!("{:#}", report(&simulator, folder.path()).await.unwrap_err());
    assert!(error.contains("another host: elsewhere.example"), "{error}");
    assert_eq!(files(folder.path()), [""; 0]);
}

#[tokio::test]
async fn a_missing_scope_stops_the_run_and_is_named() {
    let simulator = start(generated(12)).await;
    simulator.world().change(|settings| {
        settings.granted_scopes.remove("read:conversation");
    });
    let folder = tempfile::tempdir().unwrap();
    let error = format!("{:#}", report(&simulator, folder.path()).await.unwrap_err());
    assert!(error.contains("`read:conversation`"), "{error}");
}

#[tokio::test]
async fn a_run_out_of_time_keeps_its_checkpoints_for_the_next_run() {
    let simulator = start(generated(30)).await;
    let folder = tempfile::tempdir().unwrap();
    let deps = deps(&simulator, folder.path());
    simulator.fault(FaultRule::new(TRANSCRIPTS, Fault::Delay(Duration::from_secs(30))).after(60));
    let error = create_report(&deps, week(), "", Deadline::within(Duration::from_secs(3)))
        .await
        .unwrap_err();
    assert!(
        format!("{error:#}").contains("the next run goes on from here"),
        "{error:#}"
    );
    let first_chunk = |name: &String| name.starts_with("parts/all/00000.");
    assert!(files(folder.path()).iter().any(first_chunk));
}

#[tokio::test]
async fn none_one_and_three_conversations_make_a_report() {
    for (count, topics) in [(0, 0), (1, 1), (3, 3)] {
        let texts = [
            "The refund never came, I am angry!",
            "The router is broken",
            "A lovely parcel, thank you",
        ];
        let fixed = texts.iter().take(count).enumerate();
        let fixed = fixed
            .map(|(at, text)| said(&format!("c-{at}"), "resolved", &[text]))
            .collect();
        let simulator = start(Conversations::only(fixed)).await;
        let folder = tempfile::tempdir().unwrap();
        assert_eq!(
            report(&simulator, folder.path())
                .await
                .unwrap()
                .conversations,
            count
        );
        assert_eq!(
            summary(folder.path())["topics"].as_array().unwrap().len(),
            topics
        );
        assert_eq!(rows(folder.path()).len(), count);
    }
}

#[tokio::test]
async fn transcripts_without_a_word_have_no_topic() {
    let simulator = start(Conversations::only(vec![
        said("empty", "resolved", &[]),
        said("blank", "resolved", &[" ", ""]),
        said("digits", "resolved", &["123 !!!"]),
        Fixed {
            lines: None,
            ..said("none", "abandoned", &[])
        },
    ]))
    .await;
    let folder = tempfile::tempdir().unwrap();
    report(&simulator, folder.path()).await.unwrap();
    let rows = rows(folder.path());
    assert!(
        rows.iter()
            .all(|row| row["topic_cluster"] == "-1" && row["sentiment_label"] == "neutral")
    );
    let with: Vec<_> = rows
        .iter()
        .filter(|row| row["has_transcript"] == "true")
        .map(|row| &row["conversation_id"])
        .collect();
    assert_eq!(with, ["digits"]);
}

#[tokio::test]
async fn formulas_scripts_and_long_texts_come_out_as_they_went_in() {
    let long = "I am not happy with this invoice, but the agent was great! ".repeat(3_500);
    let odd = [
        ("=cmd|' /C calc'!A0", "=1+1 is what I typed"),
        ("plus", "+44 20 7946 0000"),
        ("quoted", "she said \"no, thanks\"\nand left"),
        ("scripts", "这个发票不对 счёт-фактура неверна 😀👍"),
        ("one", "refund"),
        ("long", &long),
    ];
    let simulator = start(Conversations::only(
        odd.map(|(id, text)| said(id, "resolved", &[text])).into(),
    ))
    .await;
    let folder = tempfile::tempdir().unwrap();
    let mut deps = deps(&simulator, folder.path());
    deps.config.redaction = None;
    create_report(&deps, week(), "", until()).await.unwrap();
    let found: BTreeMap<_, _> = rows(folder.path())
        .into_iter()
        .map(|row| {
            (
                row["conversation_id"].clone(),
                row["transcript_text"].clone(),
            )
        })
        .collect();
    assert_eq!(found["'=cmd|' /C calc'!A0"], "'=1+1 is what I typed");
    assert_eq!(found["plus"], "'+44 20 7946 0000");
    assert_eq!(found["quoted"], odd[2].1);
    assert_eq!(found["scripts"], odd[3].1);
    assert_eq!(found["long"].len(), long.trim().len());
}

#[tokio::test]
async fn personal_data_is_masked_unless_it_is_set_otherwise() {
    let text = "My card is 4111 1111 1111 1111 and my mail jane.doe@example.com, thank you";
    let simulator = start(Conversations::only(vec![said("a", "resolved", &[text])])).await;
    let folder = tempfile::tempdir().unwrap();
    let mut deps = deps(&simulator, folder.path());
    create_report(&deps, week(), "", until()).await.unwrap();
    let shown = &rows(folder.path())[0]["transcript_text"];
    assert!(
        !shown.contains("4111") && !shown.contains("jane.doe"),
        "{shown}"
    );
    assert!(shown.contains("thank you"), "{shown}");

    deps.config.redaction = None;
    create_report(&deps, week(), "", until()).await.unwrap();
    assert_eq!(rows(folder.path())[0]["transcript_text"], text);
}

#[tokio::test]
async fn a_number_that_is_given_in_pieces_is_masked_whatever_the_order_of_the_lines() {
    let line = |author, text: &str, second: u32| Line {
        author,
        text: text.to_owned(),
        timestamp: Some(format!("2026-11-02T09:00:{second:02}Z")),
    };
    let mut spoken = said("a", "resolved", &[]);
    spoken.lines = Some(vec![
        line(Author::Agent, "card number please", 1),
        line(Author::Customer, "1111 1111", 9),
        line(Author::Customer, "4111 1111", 4),
        line(Author::Agent, "okay", 6),
    ]);
    let simulator = start(Conversations::only(vec![spoken])).await;
    let folder = tempfile::tempdir().unwrap();
    report(&simulator, folder.path()).await.unwrap();
    assert_eq!(
        rows(folder.path())[0]["transcript_text"],
        "card number please [CARD] okay [CARD]"
    );
}

#[tokio::test]
async fn hostile_text_is_shown_and_not_run() {
    let script = "<script>alert(1)</script>";
    let texts = [script, script, "refund refund"];
    let fixed = texts
        .iter()
        .enumerate()
        .map(|(at, text)| said(&format!("<img src={at}>"), "<b>resolved", &[text]))
        .collect();
    let simulator = start(Conversations::only(fixed)).await;
    let folder = tempfile::tempdir().unwrap();
    report(&simulator, folder.path()).await.unwrap();
    let page = std::fs::read_to_string(folder.path().join("report.html")).unwrap();
    assert!(
        !page.contains("<img") && !page.contains("<script"),
        "text became markup"
    );
    assert!(page.contains("&lt;img src=0&gt;"));
}

#[tokio::test]
async fn the_local_model_is_asked_for_the_customers_lines_alone() {
    let simulator = start(generated(5)).await;
    let folder = tempfile::tempdir().unwrap();
    let mut deps = deps(&simulator, folder.path());
    deps.model = Some(Arc::new(|texts: Vec<String>| {
        assert!(
            !texts.iter().any(|text| text.contains("how can I help you")),
            "an agent's line"
        );
        Box::pin(async move {
            Ok(texts
                .iter()
                .map(|text| LineScore {
                    score: Some(if text.contains('!') { 0.1 } else { 0.6 }),
                    signals: [Signal::Churn].into_iter().collect(),
                })
                .collect())
        })
    }));
    create_report(&deps, week(), "", until()).await.unwrap();
    let summary = summary(folder.path());
    assert!(
        summary["sentiment"]["model"]["model"]["n"].as_u64() > Some(10),
        "{summary}"
    );
    let page = std::fs::read_to_string(folder.path().join("report.html")).unwrap();
    assert!(page.contains("local model") && page.contains("<td>churn</td>"));
    assert_eq!(summary["signals"][0]["signal"], "churn");
    let details = std::fs::read_to_string(folder.path().join("conversation_details.csv")).unwrap();
    assert!(
        details
            .lines()
            .next()
            .unwrap()
            .ends_with(",language,signals")
    );
    assert!(details.lines().any(|line| line.ends_with(",churn")));
}
