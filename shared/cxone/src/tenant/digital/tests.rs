//! Pages of contacts and messages in every shape that was seen.

use http::{HeaderMap, StatusCode};
use serde_json::json;

use super::*;

fn answer(body: &Value) -> Answer {
    Answer {
        endpoint: "{dfo}/contacts".to_owned(),
        status: StatusCode::OK,
        headers: HeaderMap::new(),
        body: body.to_string().into_bytes().into(),
    }
}

fn walk() -> DigitalWalk {
    DigitalWalk::new(DigitalQuery {
        statuses: OPEN_STATUSES,
        created: None,
    })
}

fn page(ids: &[&str], hits: u32, token: Option<&str>) -> Answer {
    let data: Vec<_> = ids
        .iter()
        .map(|id| json!({"id": id, "status": "Open", "createdAt": "2026-11-20T09:59:12+00:00"}))
        .collect();
    answer(&json!({"hits": hits, "data": data, "scrollToken": token}))
}

fn ids(page: Option<Vec<DigitalContact>>) -> Vec<String> {
    page.unwrap_or_default()
        .into_iter()
        .map(|contact| contact.id)
        .collect()
}

#[test]
fn a_walk_ends_with_the_count_an_empty_page_or_a_missing_token() {
    let mut counted = walk();
    assert_eq!(
        ids(counted
            .take(&page(&["1", "2"], 3, Some("t1")))
            .expect("a page")),
        ["1", "2"]
    );
    assert!(!counted.has_ended);
    assert_eq!(
        ids(counted.take(&page(&["3"], 3, Some("t2"))).expect("a page")),
        ["3"]
    );
    assert!(counted.has_ended);

    let mut emptied = walk();
    emptied.take(&page(&["1"], 9, Some("t1"))).expect("a page");
    emptied.take(&page(&[], 9, Some("t2"))).expect("a page");
    assert!(emptied.has_ended);

    let mut without_token = walk();
    without_token.take(&page(&["1"], 9, None)).expect("a page");
    assert!(without_token.has_ended);
}

#[test]
fn a_contact_on_two_pages_counts_once_and_the_same_token_may_lead_on() {
    let mut moving = walk();
    moving
        .take(&page(&["1", "2"], 9, Some("t")))
        .expect("a page");
    assert_eq!(
        ids(moving
            .take(&page(&["2", "3"], 9, Some("t")))
            .expect("a page")),
        ["3"]
    );
    assert!(!moving.has_ended);
}

#[test]
fn contacts_are_read_from_numbers_and_texts() {
    let body = json!({"hits": "1", "data": [
        {"id": 127_000_000_001_i64, "status": "CLOSED", "statusUpdatedAt": "2026-11-20T10:00:00+00:00", "createdAt": 1795168922,
         "inboxAssigneeUser": {"id": 13650, "incontactId": "11eb", "isBotUser": false},
         "endUser": {"messageStatistics": {"inbound": "3", "outbound": 2}}},
        {"id": "2", "status": "open", "inboxAssigneeUser": null, "endUser": []}, {"status": "open"}, 5]});
    let mut walk = walk();
    let found = walk
        .take(&answer(&body))
        .expect("a page")
        .expect("contacts");
    assert_eq!((found.len(), walk.unusable), (2, 2));
    assert!(found[0].is_finished() && !found[1].is_finished());
    assert_eq!(
        (found[0].agent_id.as_deref(), found[0].message_counts),
        (Some("11eb"), Some((3, 2)))
    );
    assert_eq!(
        (found[1].agent_id.as_deref(), found[1].message_counts),
        (None, None)
    );
}

fn message(value: Value) -> Option<(DigitalMessage, bool)> {
    serde_json::from_value::<WireMessage>(value)
        .ok()?
        .into_message()
}

#[test]
fn authors_and_texts_of_messages_are_found() {
    let read = |value| message(value).expect("a message").0;
    let customer = read(
        json!({"id": "m1", "direction": "inbound", "createdAtWithMilliseconds": "2026-11-20T09:59:12.310+00:00",
        "messageContent": {"type": "TEXT", "payload": {"text": "I was charged twice."}}}),
    );
    assert_eq!(
        (customer.author, customer.text.as_str()),
        (Author::Customer, "I was charged twice.")
    );
    assert_eq!(customer.at.map(|at| at.subsec_millisecond()), Some(310));
    let bot = read(
        json!({"id": 7, "direction": "outbound", "authorUser": {"isBotUser": "true"},
        "messageContent": {"payload": {"elements": [{"type": "TITLE", "text": "Choose"}, {"elements": [{"text": "Refund", "id": "x"}]}]}}}),
    );
    assert_eq!(
        (bot.author, bot.text.as_str(), bot.id.as_str()),
        (Author::Bot, "Choose Refund", "7")
    );
    let agent = read(
        json!({"id": "m2", "direction": "outbound", "authorUser": null, "createdAt": 1795168922,
        "messageContent": {"payload": {"text": {"content": "Which one?"}, "actions": []}, "fallbackText": "other"}}),
    );
    assert_eq!(
        (agent.author, agent.text.as_str()),
        (Author::Agent, "Which one?")
    );
    assert!(!format!("{agent:?}").contains("Which"));
}

#[test]
fn a_removed_text_is_gone_even_where_the_answer_still_has_it() {
    for removed in [
        json!({"reason": "GDPR", "removedAt": "2026-11-20T10:00:00Z"}),
        json!("TTL"),
        json!(true),
    ] {
        let (found, is_cut) = message(json!({"id": "m", "direction": "inbound", "contentRemoved": removed,
            "hasAdditionalMessageContent": true, "messageContent": {"payload": {"text": "secret"}}}))
        .expect("a message");
        assert!(found.is_removed && found.text.is_empty() && !is_cut);
    }
    let (kept, is_cut) = message(
        json!({"id": "m", "direction": "inbound", "contentRemoved": null,
        "hasAdditionalMessageContent": true, "messageContent": {"payload": {"text": "cut"}}}),
    )
    .expect("a message");
    assert!(!kept.is_removed && is_cut);
    let all = |messages: Vec<DigitalMessage>| DigitalMessages {
        messages,
        unreadable: 0,
    };
    assert!(!all(vec![kept.clone()]).is_removed() && !all(Vec::new()).is_removed());
    let gone = DigitalMessage {
        text: String::new(),
        is_removed: true,
        ..kept.clone()
    };
    assert!(all(vec![gone.clone()]).is_removed());
    assert!(
        !all(vec![gone, kept]).is_removed(),
        "what is left is worth keeping"
    );
}

#[test]
fn what_is_no_message_is_none() {
    for value in [
        json!({"id": "m"}),
        json!({"direction": "inbound"}),
        json!({"id": "m", "direction": "sideways"}),
        json!(null),
        json!([]),
    ] {
        assert!(message(value.clone()).is_none(), "{value}");
    }
}

#[test]
fn deeply_nested_and_very_long_contents_are_bounded() {
    let mut nested = json!({"text": "deep"});
    for _ in 0..40 {
        nested = json!({"elements": [nested]});
    }
    let read = |content| {
        message(json!({"id": "m", "direction": "inbound", "messageContent": content}))
            .expect("a message")
            .0
            .text
    };
    assert_eq!(read(json!({"payload": {"elements": [nested]}})), "");
    let long = "ä".repeat(MAX_TEXT_BYTES);
    assert!(read(json!({"payload": {"text": long}})).len() <= MAX_TEXT_BYTES);
}
