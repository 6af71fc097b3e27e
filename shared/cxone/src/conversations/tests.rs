//! Pages of the list as they are on the wire; the calls are tested against the simulator where the report is.

use insights_core::lenient_json;

use super::*;

fn page(text: &str) -> Result<ConversationPage, String> {
    lenient_json::from_str::<WirePage>(text)
        .map_err(|error| error.to_string())?
        .into_page(true)
}

#[test]
fn a_page_counts_the_rows_that_name_no_conversation() {
    let found =
        page(r#"{"data": [null, {"conversationId": "a", "score": 1e999}, 7, {"duration": 3}], "nextLink": null}"#)
            .expect("a page");
    assert_eq!((found.conversations.len(), found.unusable), (1, 3));
    let empty = page(r#"{"data": []}"#).expect("a page");
    assert_eq!((empty.conversations.len(), empty.unusable), (0, 0));
    for quiet in [
        r#"{"data": [], "error": null}"#,
        r#"{"data": [], "errors": []}"#,
        r#"{"data": [], "error": null, "errors": []}"#,
        r#"{"data": [], "total": 0, "count": "0", "success": true, "status": "ok"}"#,
    ] {
        assert!(page(quiet).is_ok(), "{quiet}");
    }
}

#[test]
fn a_member_that_says_nothing_reports_no_error() {
    for (error, is_quiet) in [
        ("null", true),
        ("false", true),
        ("true", false),
        ("0", true),
        ("0.0", true),
        ("7", false),
        ("\" \"", true),
        ("\"limit\"", false),
        ("[]", true),
        ("[null]", false),
        ("{}", true),
        ("{\"code\": null}", false),
    ] {
        let text = format!("{{\"data\": [], \"error\": {error}}}");
        assert_eq!(page(&text).is_ok(), is_quiet, "{error}");
    }
}

#[test]
fn an_answer_without_the_list_is_no_quiet_day() {
    for text in [
        "{}",
        r#"{"error": "query limit exceeded"}"#,
        r#"{"conversations": []}"#,
        r#"{"data": null}"#,
        r#"{"data": {}}"#,
        r#"{"data": [], "error": "query limit exceeded"}"#,
        r#"{"data": [{"conversationId": "a"}], "errors": [{"message": "partial"}]}"#,
        r#"{"data": [{"id": "a"}, {"id": "b"}]}"#,
        r#"{"data": [], "totalHits": 12}"#,
        r#"{"data": [], "total": "5"}"#,
        r#"{"data": [], "success": false, "message": "timed out"}"#,
        r#"{"data": [], "status": "FAILED"}"#,
        "[]",
        "null",
    ] {
        assert!(page(text).is_err(), "{text}");
    }
    // The last of several pages may be empty, and a page with rows may count more than it has.
    let last = lenient_json::from_str::<WirePage>(r#"{"data": [], "total": 200}"#).expect("a page");
    assert!(last.into_page(false).is_ok());
    assert!(page(r#"{"data": [{"conversationId": "a"}], "total": 200}"#).is_ok());
}
