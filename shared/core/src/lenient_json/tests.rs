//! Bodies as other systems write them, and properties of any body.

use proptest::prelude::*;
use serde::Deserialize;
use serde_json::{Value, json};

use super::*;

#[derive(Debug, PartialEq, Deserialize)]
struct Line {
    text: String,
}

#[test]
fn half_a_surrogate_pair_is_the_replacement_character() {
    for (body, text) in [
        (r#""furious \ud83d""#, "furious \u{fffd}"),
        (r#""\uDE00 low first""#, "\u{fffd} low first"),
        (r#""\ud83d\ud83d\ude00""#, "\u{fffd}\u{1f600}"),
        (r#""\ud83dx""#, "\u{fffd}x"),
        (r#""\ud83d\n""#, "\u{fffd}\n"),
        (r#""\ud83d\u0041""#, "\u{fffd}A"),
        (r#""whole \ud83d\ude00""#, "whole \u{1f600}"),
        (r#""a backslash \\ud83d""#, "a backslash \\ud83d"),
        (r#""a quote \"\ud83d""#, "a quote \"\u{fffd}"),
    ] {
        assert_eq!(from_str::<String>(body).unwrap(), text, "{body}");
    }
    let object: Value = from_str(r#"{"\ud83d": 1}"#).unwrap();
    assert_eq!(object, json!({"\u{fffd}": 1}));
}

#[test]
fn a_number_out_of_range_is_null_and_harms_nothing_else() {
    for (body, value) in [
        ("[1e400]", json!([null])),
        ("[-1e999,2]", json!([null, 2])),
        (
            r#"{"unread":1E+400,"text":"1e400"}"#,
            json!({"unread": null, "text": "1e400"}),
        ),
        ("[1e308,-1.5e-400,0e999]", json!([1e308, -0.0, 0.0])),
        // The limit itself is read.
        ("[1.79e308,-1.79e308]", json!([1.79e308, -1.79e308])),
        ("[NaN,Infinity,-Infinity]", json!([null, null, null])),
        (r#"["NaN","-Infinity"]"#, json!(["NaN", "-Infinity"])),
    ] {
        assert_eq!(from_str::<Value>(body).unwrap(), value, "{body}");
    }
    let digits = format!("[{}]", "9".repeat(400));
    assert_eq!(from_str::<Value>(&digits).unwrap(), json!([null]));
}

#[test]
fn a_byte_order_mark_is_skipped() {
    assert_eq!(from_slice::<u8>(b"\xef\xbb\xbf 7").unwrap(), 7);
    assert_eq!(from_str::<u8>("\u{feff}7").unwrap(), 7);
    assert_eq!(decode(b"\xef\xbb\xbfa").unwrap(), "a");
    assert_eq!(decode(b"\xef\xbb\xbfa\xf0\x9f\x98").unwrap(), "a\u{fffd}");
}

#[test]
fn what_is_no_json_stays_refused_at_its_place() {
    for body in [
        "",
        "{",
        r#"{"a":}"#,
        r#""\ud83""#,
        r#""\ud8zz""#,
        "[01]",
        "[nan]",
        "Nan",
        "[-]",
        "[1e]",
        "\u{feff}",
        "\"\n\"",
    ] {
        assert!(from_str::<Value>(body).is_err(), "{body}");
    }
    let error = from_str::<Value>(r#"{"a":"\ud83d","b":1e400,"#).unwrap_err();
    assert_eq!((error.line(), error.column()), (1, 24));
}

#[test]
fn nesting_stays_bounded() {
    let deep = format!("{}1e400{}", "[".repeat(100_000), "]".repeat(100_000));
    assert!(from_str::<Value>(&deep).is_err());
    assert!(from_str::<LenientList<Value>>(&deep).is_err());
}

#[test]
fn a_cut_character_is_replaced_and_another_encoding_is_refused() {
    assert_eq!(
        decode("furious \u{1f621}".as_bytes()).unwrap(),
        "furious \u{1f621}"
    );
    assert_eq!(decode(b"furious \xf0\x9f\x98").unwrap(), "furious \u{fffd}");
    assert_eq!(decode(b"furious \xf0").unwrap(), "furious \u{fffd}");
    assert_eq!(
        decode(b"\"furious \xf0\x9f\x98\"}").unwrap(),
        "\"furious \u{fffd}\"}"
    );
    assert_eq!(decode(b"caf\xe9 noir"), Err(NotUtf8 { at: 3 }));
    assert_eq!(decode(b"ab\xff"), Err(NotUtf8 { at: 2 }));
    assert_eq!(decode(b"\xf0\x9f\x98 and \xfe"), Err(NotUtf8 { at: 8 }));
}

#[test]
fn odd_elements_are_counted_and_the_good_ones_kept() {
    let list: LenientList<Line> = from_str(
        r#"[null, {"text": "one"}, {"text": 5}, "two", 7, ["three"], {}, {"text": "four", "more": 1}]"#,
    )
    .unwrap();
    let texts: Vec<&str> = list
        .elements
        .iter()
        .map(|line| line.text.as_str())
        .collect();
    assert_eq!((texts, list.skipped), (vec!["one", "four"], 6));
    assert!(from_str::<LenientList<Line>>(r#"{"text": "one"}"#).is_err());
    assert_eq!(
        from_str::<LenientList<Vec<u8>>>("[[1], [], 2]")
            .unwrap()
            .skipped,
        1
    );
}

/// Any JSON without numbers out of range.
fn any_json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        (-1e300_f64..1e300).prop_map(Value::from),
        "\\PC{0,12}|[\\\\\"u\\-eENI0-9]{0,12}".prop_map(Value::from),
    ];
    leaf.prop_recursive(4, 32, 6, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..6).prop_map(Value::from),
            prop::collection::btree_map("\\PC{0,6}", inner, 0..6)
                .prop_map(|map| Value::Object(map.into_iter().collect())),
        ]
    })
}

proptest! {
    #[test]
    fn what_a_strict_parser_reads_is_read_the_same_and_not_copied(value in any_json()) {
        let text = value.to_string();
        prop_assert!(matches!(repair::repair(&text), Cow::Borrowed(_)));
        prop_assert_eq!(from_str::<Value>(&text).unwrap(), serde_json::from_str::<Value>(&text).unwrap());
    }

    #[test]
    fn whatever_a_strict_parser_reads_is_read_the_same(
        text in "(\\[|\\]|\\{|\\}|:|,|\"|\\\\|u|d83d|de00|[0-9]|e|-|\\.|null|true|NaN| ){0,24}",
    ) {
        if let Ok(strict) = serde_json::from_str::<Value>(&text) {
            prop_assert_eq!(from_str::<Value>(&text).unwrap(), strict);
        }
    }

    #[test]
    fn no_bytes_make_it_panic(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        let _ = from_slice::<Value>(&bytes);
        let _ = from_slice::<LenientList<Line>>(&bytes);
        let _ = decode(&bytes);
    }

    #[test]
    fn a_text_cut_inside_an_escape_is_read(text in "[a-z\u{1f600}-\u{1f64f}]{1,20}", half in 0xd800_u32..0xe000) {
        let body = format!("{{\"text\": {}\\u{half:04x}\", \"rest\": 1e999}}", json!(text).to_string().trim_end_matches('"'));
        let line: Line = from_str(&body).unwrap();
        prop_assert_eq!(line.text, format!("{text}\u{fffd}"));
    }

    #[test]
    fn each_odd_element_is_skipped_and_each_good_one_kept(good in prop::collection::vec(any::<bool>(), 0..20)) {
        let elements: Vec<Value> = good
            .iter()
            .map(|good| if *good { json!({"text": "x"}) } else { json!(null) })
            .collect();
        let list: LenientList<Line> = from_str(&json!(elements).to_string()).unwrap();
        let count = good.iter().filter(|good| **good).count();
        prop_assert_eq!((list.elements.len(), list.skipped), (count, good.len() - count));
    }
}
