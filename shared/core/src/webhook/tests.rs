//! The schema of the webhook: accepted bodies, refused bodies, and the messages of the refusals.

use proptest::prelude::*;

use super::*;

/// The moment at which the bodies of these tests are received.
const RECEIVED: &str = "2024-01-15T10:31:00Z";

fn parse(body: &[u8]) -> Result<WebhookEvent, InvalidEvent> {
    WebhookEvent::parse(body, RECEIVED.parse().unwrap())
}

fn body(event: &str, timestamp: &str, id: &str, data: &str) -> Vec<u8> {
    format!(r#"{{"event":{event},"timestamp":{timestamp},"conversationId":{id},"data":{data}}}"#)
        .into_bytes()
}

#[test]
fn a_completed_conversation_is_taken() {
    let event = parse(&body(
        r#""conversation.completed""#,
        r#""2024-01-15T10:30:00Z""#,
        r#""conv-1""#,
        r#"{"subject":"Refund"}"#,
    ))
    .unwrap();
    assert_eq!(event.conversation_id, "conv-1");
    assert_eq!(event.timestamp, "2024-01-15T10:30:00Z".parse().unwrap());
    assert_eq!(event.data["subject"], "Refund");
}

#[test]
fn a_time_with_an_offset_is_converted_and_one_without_is_utc() {
    for (text, instant) in [
        ("2024-01-15T12:30:00+02:00", "2024-01-15T10:30:00Z"),
        ("2024-01-15T10:30:00.250", "2024-01-15T10:30:00.25Z"),
    ] {
        let parsed = parse(&body(
            r#""conversation.completed""#,
            &format!("{text:?}"),
            r#""c""#,
            "{}",
        ))
        .unwrap();
        assert_eq!(parsed.timestamp, instant.parse().unwrap(), "{text}");
    }
}

#[test]
fn a_time_keeps_microseconds_as_the_stores_do() {
    let timestamp = r#""2024-01-15T10:30:00.1234567Z""#;
    let body = body(r#""conversation.completed""#, timestamp, r#""c""#, "{}");
    let event = parse(&body).unwrap();
    assert_eq!(
        event.timestamp,
        "2024-01-15T10:30:00.123456Z".parse().unwrap()
    );
}

#[test]
fn a_time_more_than_a_day_ahead_of_its_receipt_is_refused() {
    let parse = |timestamp: &str| {
        parse(&body(
            r#""conversation.completed""#,
            timestamp,
            r#""c""#,
            "{}",
        ))
    };
    assert!(parse(r#""2024-01-16T10:31:00Z""#).is_ok());
    for ahead in [
        r#""2024-01-16T10:31:00.000001Z""#,
        r#""9999-01-01T00:00:00Z""#,
        "4000000000",
        "4000000000000",
    ] {
        assert_eq!(
            parse(ahead).unwrap_err().to_string(),
            "timestamp: must be at most one day ahead of the moment of its receipt"
        );
    }
}

#[test]
fn numbers_and_other_texts_are_read_as_the_list_of_conversations_has_them() {
    for (timestamp, instant) in [
        ("1705314600", "2024-01-15T10:30:00Z"),
        ("1705314600250", "2024-01-15T10:30:00.25Z"),
        ("1705314600.5", "2024-01-15T10:30:00.5Z"),
        ("1705314600250.5", "2024-01-15T10:30:00.2505Z"),
        (r#""1705314600""#, "2024-01-15T10:30:00Z"),
        ("1705314600250500", "2024-01-15T10:30:00.2505Z"),
        (r#""1705314600250500000""#, "2024-01-15T10:30:00.2505Z"),
        (r#""Mon, 15 Jan 2024 10:30:00 GMT""#, "2024-01-15T10:30:00Z"),
        (r#""2024-01-15 11:30:00 +0100""#, "2024-01-15T10:30:00Z"),
        (r#""2024-01-15T10:30:00 UTC""#, "2024-01-15T10:30:00Z"),
        (r#""/Date(1705314600250)/""#, "2024-01-15T10:30:00.25Z"),
        (r#""1705314600250.5""#, "2024-01-15T10:30:00.2505Z"),
    ] {
        let body = body(
            r#""conversation.completed""#,
            timestamp,
            "471234567890",
            "{}",
        );
        let event = parse(&body).unwrap();
        assert_eq!(event.timestamp, instant.parse().unwrap());
        assert_eq!(event.conversation_id, "471234567890");
    }
}

#[test]
fn what_is_wrong_is_named_without_its_value() {
    let ok = (
        r#""conversation.completed""#,
        r#""2024-01-15T10:30:00Z""#,
        r#""c""#,
        "{}",
    );
    let long = format!("{:?}", "x".repeat(256));
    for (bad, field) in [
        (body(r#""canary.deleted""#, ok.1, ok.2, ok.3), "event"),
        (body("1", ok.1, ok.2, ok.3), "event"),
        (body(ok.0, r#""canary""#, ok.2, ok.3), "timestamp"),
        (body(ok.0, "-1705314600.5", ok.2, ok.3), "timestamp"),
        (body(ok.0, "1e300", ok.2, ok.3), "timestamp"),
        (body(ok.0, r#""17053146""#, ok.2, ok.3), "timestamp"),
        (body(ok.0, "-1", ok.2, ok.3), "timestamp"),
        (body(ok.0, "99999999999999999", ok.2, ok.3), "timestamp"),
        (body(ok.0, ok.1, r#""  ""#, ok.3), "conversationId"),
        (body(ok.0, ok.1, "17.5", ok.3), "conversationId"),
        (body(ok.0, ok.1, "-17", ok.3), "conversationId"),
        (
            body(ok.0, ok.1, r#""a\u0000canary""#, ok.3),
            "conversationId",
        ),
        (body(ok.0, ok.1, &long, ok.3), "conversationId"),
        (body(ok.0, ok.1, ok.2, r#""canary""#), "data"),
        (body(ok.0, ok.1, ok.2, "null"), "data"),
        (b"[\"canary\"]".to_vec(), "body"),
    ] {
        let error = parse(&bad).unwrap_err();
        assert!(error.to_string().starts_with(field), "{error}");
        assert!(!error.to_string().contains("canary"), "{error}");
    }
}

#[test]
fn a_missing_field_is_named() {
    for field in ["event", "timestamp", "conversationId", "data"] {
        let mut whole: Map<String, Value> = serde_json::from_slice(&body(
            r#""conversation.completed""#,
            r#""2024-01-15T10:30:00Z""#,
            r#""c""#,
            "{}",
        ))
        .unwrap();
        whole.remove(field);
        let error = parse(&serde_json::to_vec(&whole).unwrap()).unwrap_err();
        assert!(error.to_string().starts_with(field), "{error}");
    }
}

#[test]
fn size_encoding_and_syntax_are_checked_before_the_fields() {
    assert!(matches!(
        parse(&vec![b' '; MAX_BODY_BYTES + 1]),
        Err(InvalidEvent::TooLarge { .. })
    ));
    assert_eq!(
        parse(b"{\"a\xff\":1}"),
        Err(InvalidEvent::NotUtf8 { at: 3 })
    );
    assert!(matches!(
        parse(b"{\"event\":"),
        Err(InvalidEvent::NotJson { .. })
    ));
    assert!(matches!(parse(b""), Err(InvalidEvent::NotJson { .. })));
}

#[test]
fn odd_characters_and_numbers_do_not_make_an_event_unreadable() {
    let data = r#"{"subject":"cut \ud83d","cost":1e400,"turns":[null,{"text":"\ude21"}]}"#;
    let event = body(
        r#""conversation.completed""#,
        r#""2024-01-15T10:30:00Z""#,
        r#""c""#,
        data,
    );
    let marked = [b"\xef\xbb\xbf", event.as_slice()].concat();
    for event in [event, marked] {
        let event = parse(&event).unwrap();
        assert_eq!(event.data["subject"], "cut \u{fffd}");
        assert_eq!(event.data["cost"], Value::Null);
        assert_eq!(event.data["turns"][1]["text"], "\u{fffd}");
    }
}

#[test]
fn deep_nesting_is_refused() {
    let deep = |levels: usize| format!("{}1{}", r#"{"a":"#.repeat(levels), "}".repeat(levels));
    let parse = |data: &str| {
        parse(&body(
            r#""conversation.completed""#,
            r#""2024-01-15T10:30:00Z""#,
            r#""c""#,
            data,
        ))
    };
    assert!(parse(&deep(31)).is_ok());
    assert!(parse(&deep(33)).is_err());
    assert!(parse(&deep(5000)).is_err());
}

proptest! {
    #[test]
    fn no_body_makes_the_parser_panic(body in proptest::collection::vec(any::<u8>(), 0..512)) {
        let _ = parse(&body);
    }
}
