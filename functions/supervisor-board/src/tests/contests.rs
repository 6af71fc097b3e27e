//! Objections to answers of rules, and the cards of calls that have ended.

use insights_core::card::CardRecord;
use insights_core::live::{CallDetails, Speaker};
use insights_core::pii::RedactionPolicy;
use insights_core::rules::{RuleFile, example_dialogue};

use super::*;

const RULES: &str = r#"
[[rule]]
id = "greeting"
title = "The agent <b>greets</b>"
weight = 2
good = true
when = { said = ["good morning"], by = "agent" }

[[rule]]
id = "cancel"
severity = "severe"
weight = 1
when = { said = ["cancel my contract"], by = "customer" }

[[rule]]
id = "gold"
when = { skill = ["gold"] }
"#;

const CALL: &str = "agent: hello\ncustomer: I was charged twice, my card is 4111 1111 1111 1111\n\
                    customer: otherwise I cancel my contract\nagent: I will refund you by Friday";

impl BoardFixture {
    /// Keeps the card of a call that has ended.
    async fn keep_card(&self, id: &str) -> CardRecord {
        let now = Timestamp::now();
        let details = CallDetails {
            agent_name: Some("Ada".to_owned()),
            ..CallDetails::default()
        };
        let registered = self.deps.calls.register_with(id, details, now);
        registered.await.unwrap();
        let call = example_dialogue(CALL, Speaker::Customer);
        let file = RuleFile::from_toml(RULES).unwrap();
        let policy = RedactionPolicy::default();
        let record = CardRecord::new(id, &call, &file, file.evaluate(&call), Some(&policy));
        self.deps.calls.keep_card(id, &record, now).await.unwrap();
        self.deps
            .board
            .remove(id, ConversationKind::Call, now)
            .await
            .unwrap();
        record
    }
}

#[tokio::test]
async fn the_card_of_an_ended_call_is_shown_to_whoever_has_a_session() {
    let fixture = fixture(Vec::new()).await;
    let record = fixture.keep_card("call-1").await;
    assert_eq!(fixture.get("/board/cards/call-1", "").await.status(), 401);
    let cookie = fixture.log_in().await;
    let other = fixture.get("/board/cards/call-2", &cookie).await;
    assert_eq!(other.status(), 404);
    let response = fixture.get("/board/cards/call-1", &cookie).await;
    assert_eq!(response.status(), 200);
    assert_eq!(response.headers()["cache-control"], "no-store");
    let body = json_of(&response);
    assert_eq!(body["row"]["agent_name"], "Ada");
    let reason = body["card"][0]["quote"]["text"].as_str().unwrap();
    assert!(reason.contains("charged twice"), "{reason}");
    assert_eq!(body["card"][3]["rule"], "cancel");
    assert!(!body.to_string().contains("4111"), "{body}");
    let hit = &body["rules"]["hits"][0];
    assert_eq!(
        (&hit["rule"], &hit["missing"]),
        (&json!("cancel"), &json!(1))
    );
    assert_eq!(body["began"], record.hits[0].at - record.hits[0].offset_ms);
    assert_eq!(body["rules"]["unknown"], json!(["gold"]));
    let scorecard = &body["scorecard"];
    assert_eq!(scorecard["score"], json!(0.0));
    let answers = scorecard["answers"].as_array().unwrap();
    let ids: Vec<_> = answers.iter().map(|one| one["rule"].as_str()).collect();
    assert_eq!(ids, [Some("greeting"), Some("cancel")]);
    assert_eq!(answers[0]["passed"], false);
}

#[tokio::test]
async fn an_answer_is_contested_once_by_the_same_words_with_a_masked_reason() {
    let fixture = fixture(Vec::new()).await;
    fixture.keep_card("call-1").await;
    let cookie = fixture.log_in().await;
    let path = "/board/cards/call-1";
    let objection =
        json!({"rule": "greeting", "reason": " it was said; mail jane@example.com \u{202e}"});
    let foreign = request("POST", path, &[PAGE[1], ("cookie", &cookie)], &objection);
    assert_eq!(fixture.send(foreign).await.status(), 403);
    let unnamed = fixture.post(path, "", &objection).await;
    assert_eq!(unnamed.status(), 401);
    for _ in 0..2 {
        let response = fixture.post(path, &cookie, &objection).await;
        assert_eq!(response.status(), 200);
        let contests = json_of(&response)["contests"].clone();
        let contests = contests.as_array().unwrap();
        assert_eq!(contests.len(), 1, "said twice, kept once");
        assert_eq!(contests[0]["by"], "Grace");
        assert_eq!(contests[0]["reason"], "it was said; mail [EMAIL]");
    }
    let second = json!({"rule": "cancel", "reason": "<img src=x onerror=alert(1)>"});
    assert_eq!(fixture.post(path, &cookie, &second).await.status(), 200);
    let shown = json_of(&fixture.get(path, &cookie).await);
    let contests = shown["contests"].as_array().unwrap().iter();
    let rules: Vec<_> = contests.map(|one| one["rule"].clone()).collect();
    assert_eq!(rules, ["greeting", "cancel"]);
    let kept = backends::board::read_marks(&fixture.deps.state, "call-1", Timestamp::now());
    let kept = kept.await.unwrap();
    assert!(kept.iter().all(|mark| mark.kind == MarkKind::Contested));
    assert!(kept[1].alert.at_ms > 0 && kept[1].key == "floor");
    for (bad, code) in [
        (json!({"rule": "other", "reason": "x"}), "no_such_answer"),
        (
            json!({"rule": "greeting", "reason": " "}),
            "invalid_contest",
        ),
        (
            json!({"rule": "greeting", "reason": "é".repeat(301)}),
            "invalid_contest",
        ),
        (json!({"rule": "greeting"}), "invalid_contest"),
    ] {
        let response = fixture.post(path, &cookie, &bad).await;
        assert_eq!(response.status(), 400, "{code}");
        assert_eq!(json_of(&response)["error"]["code"], code);
    }
    let nowhere = fixture.post("/board/cards/none", &cookie, &objection).await;
    assert_eq!(nowhere.status(), 404);
}

#[tokio::test]
async fn a_conversation_takes_a_bounded_number_of_objections() {
    let fixture = fixture(Vec::new()).await;
    fixture.keep_card("call-1").await;
    let cookie = fixture.log_in().await;
    let mut statuses = Vec::new();
    for number in 0..101 {
        let objection = json!({"rule": "greeting", "reason": format!("reason {number}")});
        let response = fixture.post("/board/cards/call-1", &cookie, &objection);
        statuses.push(response.await.status().as_u16());
    }
    assert_eq!(statuses, [vec![200; 100], vec![409]].concat());
}
