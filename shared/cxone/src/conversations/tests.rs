//! Rows and lines as they are on the wire; the calls are tested against the simulator where the report is.

use insights_core::lenient_json;

use super::*;

fn row(text: &str) -> Option<Conversation> {
    serde_json::from_str::<WireConversation>(text)
        .unwrap()
        .into_conversation()
}

fn lines(text: &str) -> Vec<Line> {
    let lines: LenientList<WireLine> = lenient_json::from_str(text).unwrap();
    let lines = lines.elements.into_iter();
    lines.filter_map(WireLine::into_line).collect()
}

#[test]
fn a_row_is_read_whatever_is_missing() {
    let full = row(
        r#"{"conversationId": "a", "start_time": "2023-10-01T10:15:00+02:00", "duration": 245, "disposition": "resolved"}"#,
    );
    let full = full.unwrap();
    assert_eq!(
        (full.start_time.as_str(), full.duration_seconds),
        ("2023-10-01T08:15:00Z", 245.0)
    );
    let bare = row(r#"{"conversationId": 17, "duration": "12.5", "disposition": null}"#).unwrap();
    assert_eq!(
        (bare.conversation_id.as_str(), bare.start_time.as_str()),
        ("17", "")
    );
    assert_eq!(
        (bare.duration_seconds, bare.disposition.as_str()),
        (12.5, "unknown")
    );
    let odd = row(
        r#"{"conversationId": "b", "start_time": "yesterday", "duration": -3, "disposition": ""}"#,
    )
    .unwrap();
    assert_eq!(
        (
            odd.start_time.as_str(),
            odd.duration_seconds,
            odd.disposition.as_str()
        ),
        ("yesterday", 0.0, "unknown")
    );
}

#[test]
fn a_row_without_an_id_is_no_conversation() {
    assert_eq!(row(r#"{"duration": 5}"#), None);
    assert_eq!(row(r#"{"conversationId": " "}"#), None);
    assert_eq!(row(r#"{"conversationId": {"a": 1}}"#), None);
}

#[test]
fn only_what_agent_and_customer_say_is_read() {
    let found = lines(
        r#"[{"text": "Contact connected", "author": {"type": "system"}, "timestamp": 1},
            {"text": "Hi", "author": {"type": "Agent"}, "timestamp": "2026-11-02T09:00:00Z"},
            {"text": null, "author": {"type": "customer"}},
            {"text": "lost"}, {"text": "bot", "author": {}},
            {"text": "Hello", "author": {"type": "customer"}, "timestamp": 1793610001500}]"#,
    );
    let said: Vec<_> = found
        .iter()
        .map(|line| (line.speaker, line.text.as_str()))
        .collect();
    assert_eq!(
        said,
        [
            (Speaker::Agent, "Hi"),
            (Speaker::Customer, ""),
            (Speaker::Customer, "Hello")
        ]
    );
    assert_eq!(found[0].at, "2026-11-02T09:00:00Z".parse().ok());
    assert_eq!(found[2].at, "2026-11-02T09:00:01.5Z".parse().ok());
}

#[test]
fn an_odd_line_does_not_hide_the_others() {
    let found = lines(
        r#"[null, {"text": "one \ud83d", "author": {"type": "customer"}, "confidence": 1e400},
            {"text": "two", "author": "customer"}, {"text": "three", "author": ["customer"]}, 7, "four", [],
            {"text": "five", "author": {"type": 5}}, {"text": "six", "author": {"type": "agent"}}]"#,
    );
    let said: Vec<_> = found.iter().map(|line| line.text.as_str()).collect();
    assert_eq!(said, ["one \u{fffd}", "two", "six"]);
}

#[test]
fn an_odd_row_does_not_hide_the_others() {
    let page: WirePage = lenient_json::from_str(
        r#"{"data": [null, {"conversationId": "a", "score": 1e999}, [], "b", {"conversationId": "\ude00"}]}"#,
    )
    .unwrap();
    let rows = page.data.unwrap();
    assert_eq!((rows.elements.len(), rows.skipped), (2, 3));
}

#[test]
fn moments_are_read_with_and_without_an_offset() {
    let nine = "2026-11-02T09:00:00Z".parse().ok();
    for text in [
        "2026-11-02T09:00:00Z",
        "2026-11-02T09:00:00",
        "2026-11-02 09:00:00",
        " 2026-11-02T10:00:00+01:00",
    ] {
        assert_eq!(parse_instant(&json!(text)), nine, "{text}");
    }
    assert_eq!(parse_instant(&json!("soon")), None);
    assert_eq!(parse_instant(&json!(true)), None);
}
