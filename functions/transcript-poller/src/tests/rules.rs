//! Rules of a rule file on live calls: their hits are shown, suggested and kept once, whoever dies or hands over.

use std::path::PathBuf;

use insights_core::board::ConversationKind;
use insights_core::board::row::AVERAGE_RULE;
use jiff::Timestamp;

use super::fixture::{PollerFixture, declining_call};

const RULES: &str = r#"
[[rule]]
id = "furious"
severity = "severe"
suggest = "Offer a supervisor."
when = { said = ["furious"], by = "customer" }

[[rule]]
id = "notice-missing"
severity = "warn"
when = { not_said = ["call (is|may be) recorded"], by = "agent", within = "first 5s" }

[[rule]]
id = "greeting"
when = { said = ["thank you for calling"], by = "agent" }
"#;

fn rule_file(folder: &tempfile::TempDir, text: &str) -> PathBuf {
    let path = folder.path().join("rules.toml");
    std::fs::write(&path, text).unwrap();
    path
}

async fn fixture(path: &std::path::Path) -> PollerFixture {
    let settings = [
        ("RULES_FILE", path.to_str().unwrap()),
        ("RULES_SETTLE_MS", "200"),
        ("RULES_RELOAD_SECONDS", "1"),
    ];
    PollerFixture::start_with(&settings, vec![declining_call("call-1")]).await
}

fn hits(view: &insights_core::live::CallView) -> Vec<&str> {
    let mut ids: Vec<&str> = view.rules.iter().map(|hit| hit.rule.as_str()).collect();
    ids.sort_unstable();
    ids
}

#[tokio::test]
async fn a_hit_is_kept_and_suggested_once_over_a_death_and_a_hand_over() {
    let folder = tempfile::tempdir().unwrap();
    let fixture = fixture(&rule_file(&folder, RULES)).await;
    fixture.register("call-1").await;
    let killed = fixture.start_poller("a");
    fixture
        .wait_until("a segment is scored", |fixture| {
            !fixture.scored_ids("call-1").is_empty()
        })
        .await;
    killed.kill();
    let next = fixture.start_poller("b");
    fixture
        .wait_until("the suggestion of the rule arrived", |fixture| {
            fixture.is_caught_up("call-1") && fixture.suggestions("call-1").len() == 1
        })
        .await;
    next.finish().await;
    let last = fixture.start_poller("c");
    fixture
        .wait_until("the attributes name the rules", |fixture| {
            fixture.attributes("call-1").contains_key("rules_fired")
        })
        .await;
    last.finish().await;
    let view = fixture.view("call-1").await;
    assert_eq!(hits(&view), ["furious", "greeting", "notice-missing"]);
    let notice = view
        .rules
        .iter()
        .find(|hit| hit.rule == "notice-missing")
        .unwrap();
    assert_eq!(
        notice.offset_ms, 5000,
        "the second at which the window ended"
    );
    assert!(notice.quotes.is_empty());
    let furious = view.rules.iter().find(|hit| hit.rule == "furious").unwrap();
    assert_eq!((furious.quotes[0].from, furious.quotes[0].to), (5, 12));
    // The policy of the settings is replaced by the rules of the file.
    assert_eq!(fixture.suggestions("call-1").len(), 1);
    assert_eq!(view.suggestions[0].content, "Offer a supervisor.");
    let fired = fixture.attributes("call-1")["rules_fired"]
        .as_str()
        .unwrap()
        .to_owned();
    assert_eq!(fired.split(',').count(), 3, "{fired}");
    let board = fixture.board();
    let row = board.row("call-1", ConversationKind::Call, Timestamp::now());
    let row = row.await.unwrap().unwrap();
    let mut alerts: Vec<_> = row.alerts().map(|alert| alert.rule.as_str()).collect();
    alerts.retain(|rule| *rule != AVERAGE_RULE);
    assert_eq!(
        alerts,
        ["furious", "notice-missing"],
        "the worst first, and none for a rule that is only noted"
    );
    assert!(row.fired.iter().any(|rule| rule == "greeting"), "{row:?}");
}

#[tokio::test]
async fn the_last_good_file_stays_in_force_also_for_a_process_that_starts_later() {
    let folder = tempfile::tempdir().unwrap();
    let path = rule_file(&folder, RULES);
    let fixture = fixture(&path).await;
    let first = fixture.deps().await;
    let version = first.rules.current().unwrap().version().to_owned();
    rule_file(&folder, "[[rule]]\nid = \"broken\"\nwhen = { sad = 1 }\n");
    let later = fixture.deps().await;
    assert_eq!(later.rules.current().unwrap().version(), version);
    std::fs::remove_file(&path).unwrap();
    let last = fixture.deps().await;
    assert_eq!(last.rules.current().unwrap().version(), version);
    assert!(last.live_settings().rules.is_some());
    rule_file(&folder, &RULES.replace("furious", "angry"));
    testkit::eventually_async("the mended file is used", async || {
        first.refresh_rules().await;
        first.live_settings().rules.as_ref().unwrap().version() != version
    })
    .await;
}

#[tokio::test]
async fn a_call_that_has_ended_leaves_its_card_with_the_hits_that_were_told_live() {
    let folder = tempfile::tempdir().unwrap();
    let weighted = RULES.replace(
        "id = \"greeting\"",
        "id = \"greeting\"\nweight = 2\ngood = true",
    );
    let fixture = fixture(&rule_file(&folder, &weighted)).await;
    fixture.register("call-1").await;
    let run = fixture.start_poller("a");
    fixture
        .wait_until("the hit is told", |fixture| {
            fixture.is_caught_up("call-1") && fixture.suggestions("call-1").len() == 1
        })
        .await;
    let now = jiff::Timestamp::now;
    let before = fixture.calls.card("call-1", now()).await.unwrap();
    assert_eq!(before, None, "the call goes on");
    assert!(fixture.calls.stop("call-1", now()).await.unwrap());
    testkit::eventually_async("the card is kept", async || {
        fixture.calls.card("call-1", now()).await.unwrap().is_some()
    })
    .await;
    run.finish().await;
    let record = fixture.calls.card("call-1", now()).await.unwrap().unwrap();
    let insights_core::card::CardLine::Quote(risk) = &record.card.risk else {
        panic!("{:?}", record.card.risk)
    };
    assert_eq!(
        (risk.text.as_str(), risk.rule.as_deref()),
        ("furious", Some("furious"))
    );
    let view = fixture.view("call-1").await;
    assert_eq!(record.hits.len(), view.rules.len());
    let scorecard = record.scorecard.unwrap();
    assert_eq!((scorecard.answers.len(), scorecard.score), (1, Some(1.0)));
}
