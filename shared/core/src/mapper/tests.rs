//! The mapper applied to payloads of the shapes that contact centers send.

use serde_json::json;

use super::*;

fn spoken(map: &str, data: Value) -> String {
    let map: FieldMap = map.parse().unwrap();
    let turns = map.extract_turns(data.as_object().unwrap());
    turns
        .iter()
        .map(|turn| format!("{}: {}", turn.label, turn.text))
        .collect::<Vec<_>>()
        .join(" ")
}

#[test]
fn paths_become_labeled_text_in_the_order_of_the_mapping() {
    let data = json!({
        "subject": "Order refund request",
        "transcript": {"agent": "Hello, how can I assist you?", "customer": "I need a full refund."}
    });
    assert_eq!(
        spoken(DEFAULT_FIELDS, data.clone()),
        "Agent: Hello, how can I assist you? Customer: I need a full refund. Subject: Order refund request"
    );
    assert_eq!(
        spoken("subject=Topic,transcript.customer=Caller", data),
        "Topic: Order refund request Caller: I need a full refund."
    );
}

#[test]
fn the_default_is_what_its_text_form_says() {
    assert_eq!(FieldMap::default(), DEFAULT_FIELDS.parse().unwrap());
    assert_eq!(FieldMap::default().to_string(), DEFAULT_FIELDS);
}

#[test]
fn one_leading_data_is_dropped_since_the_mapper_starts_there() {
    let data = json!({"subject": "Refund", "data": {"subject": "inner"}});
    assert_eq!(
        spoken("data.subject=Subject", data.clone()),
        "Subject: Refund"
    );
    assert_eq!(
        spoken("data.data.subject=Subject", data.clone()),
        "Subject: inner"
    );
    assert_eq!(spoken("data=Data", json!({"data": "word"})), "Data: word");
    let map: FieldMap = "data.data.subject=Subject".parse().unwrap();
    assert_eq!(map.to_string().parse(), Ok(map));
}

#[test]
fn missing_and_non_string_values_are_skipped() {
    let data = json!({"subject": 42, "transcript": {"agent": null, "customer": "  Hi  ", "x": {"y": true}}});
    assert_eq!(spoken(DEFAULT_FIELDS, data.clone()), "Customer: Hi");
    assert_eq!(
        spoken(
            "transcript.x.y.z=A,transcript.customer.deeper=B,nothing=C",
            data
        ),
        ""
    );
    assert_eq!(spoken(DEFAULT_FIELDS, json!({"subject": " \n "})), "");
    assert_eq!(
        spoken(DEFAULT_FIELDS, json!({"subject": "a\u{0}b"})),
        "Subject: a b"
    );
}

#[test]
fn a_list_of_turns_keeps_its_speakers_and_order() {
    let data = json!({"transcript": [
        {"speaker": "agent", "text": "Hello"},
        {"author": {"type": "customer"}, "text": "My bill is wrong"},
        {"role": "system"},
        {"text": "no speaker"},
        {"speaker": 7, "text": "numbered"},
        "plain",
        12,
        {"speaker": "agent", "text": " "},
    ]});
    assert_eq!(
        spoken(DEFAULT_FIELDS, data),
        "Agent: Hello Customer: My bill is wrong Transcript: no speaker Transcript: numbered Transcript: plain"
    );
}

#[test]
fn a_list_of_strings_is_several_turns_of_one_label() {
    assert_eq!(
        spoken(
            DEFAULT_FIELDS,
            json!({"transcript": {"customer": ["Hi", "", "I want out"]}})
        ),
        "Customer: Hi Customer: I want out"
    );
    assert_eq!(
        spoken(DEFAULT_FIELDS, json!({"transcript": "Hello there"})),
        "Transcript: Hello there"
    );
}

#[test]
fn a_bad_mapping_is_refused_with_its_entry_and_reason() {
    let long = format!("a={}", "x".repeat(65));
    let many = (0..65)
        .map(|n| format!("f{n}=L"))
        .collect::<Vec<_>>()
        .join(",");
    for (text, wrong) in [
        ("", "no `=`"),
        ("subject", "no `=`"),
        ("subject=", "label"),
        ("=Subject", "empty key"),
        ("a..b=X", "empty key"),
        ("a=X,b=Y,a=Z", "repeats"),
        ("data.a=X,a=Y", "repeats"),
        (long.as_str(), "64 characters"),
        (many.as_str(), "at most 64"),
    ] {
        let error = text.parse::<FieldMap>().unwrap_err().to_string();
        assert!(error.contains(wrong), "{text:?}: {error}");
    }
    assert_eq!("a=X,b".parse::<FieldMap>().unwrap_err().position, 2);
}

#[test]
fn a_removed_text_is_told_from_a_mapping_that_finds_nothing() {
    let map = FieldMap::default();
    let is_emptied = |data: serde_json::Value| map.is_emptied(data.as_object().unwrap());
    for emptied in [
        json!({}),
        json!({"subject": "", "other": "x"}),
        json!({"subject": null}),
        json!({"transcript": []}),
        json!({"transcript": {"agent": " ", "customer": "\u{0}"}, "subject": ""}),
        json!({"transcript": [{"speaker": "agent", "text": ""}, {"speaker": "customer", "text": null}]}),
    ] {
        assert!(is_emptied(emptied.clone()), "{emptied}");
    }
    for other in [
        json!({"content": "My card was stolen"}),
        json!({"subject": "", "transcript": {"operator": "Hello"}}),
        json!({"subject": 5}),
        json!({"transcript": [{"body": "Hello"}]}),
        json!({"subject": "Refund"}),
    ] {
        assert!(!is_emptied(other.clone()), "{other}");
    }
}
