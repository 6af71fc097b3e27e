//! The hits of rules and the call card of an opened conversation.

use insights_core::board::UnknownRules;
use insights_core::chat::archive_dialogue::utterance_of_message;
use insights_core::live::Speaker;
use insights_core::rules::{RuleFile, example_dialogue};
use store::state::{Expect, Key, Put, StateStore};

use super::*;

const RULES: &str = r#"
[[rule]]
id = "card-number-said"
severity = "severe"
when = { said = ["card is"], by = "customer" }

[[rule]]
id = "not-welcomed"
severity = "warn"
when = { not_said = ["welcome"], by = "agent", within = "first 1s" }
"#;

#[tokio::test]
async fn an_opened_chat_has_its_hits_and_its_card_in_masked_quotes() {
    let fixture = fixture(Vec::new()).await;
    let cookie = fixture.log_in().await;
    let now = Timestamp::now();
    let chat = &fixture.base.simulator.world().chat;
    chat.assign("chat-1");
    for (who, text) in [
        (
            "customer",
            "Hello, I was charged twice and my card is 4111 1111 1111 1111",
        ),
        ("agent", "I will refund 45 dollars by Friday."),
    ] {
        chat.say("chat-1", who, text);
    }
    let deadline = insights_http::Deadline::within(std::time::Duration::from_secs(30));
    let read = fixture.deps.center.read_chat("chat-1", deadline);
    let messages = read.await.unwrap().unwrap().messages;
    let mut dialogue = example_dialogue("", Speaker::Customer);
    dialogue.utterances = messages.iter().filter_map(utterance_of_message).collect();
    dialogue.facts.end = dialogue.utterances.last().map(|last| last.end + 5000);
    let hits = RuleFile::from_toml(RULES).unwrap().evaluate(&dialogue).hits;
    assert_eq!(hits.len(), 2);
    for hit in &hits {
        let key = Key::new("chat#chat-1", format!("h#{}", hit.key()));
        let stored = json!({ "hit": hit, "agent": "a", "told": true });
        let put = Put::encode(key, &stored, None).unwrap();
        fixture.deps.state.put(put, Expect::Any, now).await.unwrap();
    }
    let mut row = BoardRow::of_new_chat("a", now);
    for hit in &hits {
        row.note_hit(hit, true);
    }
    fixture.deps.board.write("chat-1", &row, now).await.unwrap();
    let body = json_of(&fixture.get("/board/calls/chat-1", &cookie).await);
    let shown = body["rules"]["hits"].as_array().unwrap();
    let ids: Vec<_> = shown
        .iter()
        .map(|hit| hit["rule"].as_str().unwrap())
        .collect();
    assert_eq!(ids, ["card-number-said", "not-welcomed"], "the worst first");
    assert_eq!(shown[0]["quotes"][0]["text"], "card is");
    assert_eq!(shown[0]["quotes"][0]["speaker"], "customer");
    assert_eq!(
        (&shown[1]["quotes"], &shown[1]["missing"]),
        (&json!([]), &json!(0))
    );
    assert_eq!(body["why"]["rule"], "card-number-said");
    assert_eq!(body["why"]["turns"].as_array().unwrap().len(), 1);
    let card = body["card"].as_array().unwrap();
    assert_eq!(card.len(), 5);
    assert_eq!(card[0]["name"], "reason");
    let reason = card[0]["quote"]["text"].as_str().unwrap();
    assert!(
        reason.contains("charged twice") && reason.contains("[CARD]"),
        "{reason}"
    );
    assert_eq!(
        card[2]["quote"]["text"],
        "I will refund 45 dollars by Friday."
    );
    assert_eq!(
        (&card[3]["name"], &card[3]["rule"]),
        (&json!("risk"), &json!("card-number-said"))
    );
    assert!(!body.to_string().contains("1111"), "{body}");
    // What one says about the alert concerns that alert; the other one then waits.
    let wrong =
        json!({"action": "wrong", "alert": {"rule": "card-number-said", "at": 1}, "reason": "x"});
    assert_eq!(
        fixture
            .post("/board/alerts/chat-1", &cookie, &wrong)
            .await
            .status(),
        409
    );
    let at = hits
        .iter()
        .find(|hit| hit.rule == "card-number-said")
        .unwrap()
        .at;
    let wrong = json!({"action": "wrong", "alert": {"rule": "card-number-said", "at": at}, "reason": "a form"});
    for _ in 0..2 {
        let response = fixture.post("/board/alerts/chat-1", &cookie, &wrong).await;
        let answer = json_of(&response);
        assert_eq!(answer["row"]["alert"]["rule"], "not-welcomed", "{answer}");
        assert_eq!(answer["row"]["handling"], "open");
    }
    let kept = backends::board::read_marks(&fixture.deps.state, "chat-1", now);
    assert_eq!(kept.await.unwrap().len(), 1, "said twice, kept once");
    // A hit of a live conversation can be contested too.
    let objection = json!({"rule": "not-welcomed", "reason": "it was another word"});
    let response = fixture
        .post("/board/cards/chat-1", &cookie, &objection)
        .await;
    assert_eq!(response.status(), 200);
    let body = json_of(&fixture.get("/board/calls/chat-1", &cookie).await);
    assert_eq!(body["contests"][0]["rule"], "not-welcomed");
    assert_eq!(body["contests"][0]["reason"], "it was another word");
}

#[tokio::test]
async fn rules_of_a_chat_that_cannot_be_answered_are_shown_with_their_gaps() {
    let fixture = fixture(Vec::new()).await;
    let cookie = fixture.log_in().await;
    let now = Timestamp::now();
    fixture.base.simulator.world().chat.assign("chat-2");
    let row = BoardRow {
        unknown: UnknownRules {
            rules: vec!["gold".to_owned()],
            gaps: vec![(1, 2)],
        },
        ..BoardRow::of_new_chat("a", now)
    };
    fixture.deps.board.write("chat-2", &row, now).await.unwrap();
    let body = json_of(&fixture.get("/board/calls/chat-2", &cookie).await);
    assert_eq!(
        body["rules"],
        json!({"hits": [], "unknown": ["gold"], "gaps": [[1, 2]]})
    );
}

#[tokio::test]
async fn a_conversation_without_hits_and_words_says_so() {
    let fixture = fixture(Vec::new()).await;
    let cookie = fixture.log_in().await;
    fixture.write_row("call-9", None).await;
    let body = json_of(&fixture.get("/board/calls/call-9", &cookie).await);
    assert_eq!(
        body["rules"],
        json!({"hits": [], "unknown": [], "gaps": []})
    );
    assert_eq!((&body["card"], &body["why"]), (&Value::Null, &Value::Null));
}
