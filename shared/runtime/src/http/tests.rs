//! Events of both payload formats, broken ones, and whatever else a generator comes up with.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use proptest::prelude::*;

use super::*;

fn parse(event: &Value) -> Result<Request, EventError> {
    Request::from_event(event, Instant::now())
}

#[test]
fn a_format_2_event_loses_its_stage_and_keeps_its_query_order() {
    let event = json!({
        "version": "2.0", "rawPath": "/prod/search", "rawQueryString": "q=late+refund&limit=5&q=%C3%A9",
        "headers": {"X-Api-Key": "k", "content-type": "Application/JSON; charset=utf-8"},
        "requestContext": {"stage": "prod", "requestId": "r1", "http": {"method": "GET"}},
        "isBase64Encoded": false
    });
    let request = parse(&event).unwrap();
    assert_eq!(
        (request.method.as_str(), request.path.as_str()),
        ("GET", "/search")
    );
    assert_eq!(request.query("q"), Some("late refund"));
    assert_eq!(request.query[2].1, "é");
    assert_eq!(request.header("x-api-key"), Some("k"));
    assert_eq!(request.media_type(), "application/json");
    assert_eq!(request.request_id, "r1");
    assert!(request.body.is_empty());
}

#[test]
fn a_format_1_event_is_read_with_its_lists() {
    let event = json!({
        "httpMethod": "POST", "path": "/data-actions/sentiment", "requestContext": {"stage": "prod"},
        "multiValueHeaders": {"Authorization": ["Bearer k"]}, "headers": {"Authorization": "Bearer k"},
        "multiValueQueryStringParameters": {"a": ["1", "2"]}, "queryStringParameters": {"a": "2"},
        "body": "aGVsbG8=", "isBase64Encoded": true
    });
    let request = parse(&event).unwrap();
    assert_eq!(request.path, "/data-actions/sentiment");
    assert_eq!(request.headers.len(), 1);
    assert_eq!(
        request.query,
        [("a".into(), "1".into()), ("a".into(), "2".into())]
    );
    assert_eq!(request.body, "hello");
}

#[test]
fn a_stage_is_only_cut_where_it_is_a_whole_segment() {
    for (path, stage, expected) in [
        ("/production/x", "prod", "/production/x"),
        ("/prod", "prod", "/prod"),
        ("/prod/", "prod", "/"),
        ("/$default/x", "$default", "/$default/x"),
    ] {
        assert_eq!(without_stage(path, stage), expected);
    }
}

#[test]
fn what_is_no_request_is_refused_with_the_reason() {
    for (event, reason) in [
        (json!([]), "it is not an object"),
        (json!({}), "it has no method"),
        (json!({"interaction_text": "hello"}), "it has no method"),
        (json!({"httpMethod": "GET"}), "it has no path"),
        (
            json!({"httpMethod": "G T", "path": "/"}),
            "its method is invalid",
        ),
        (
            json!({"httpMethod": "GET", "path": "/", "body": {"a": 1}}),
            "its body is not a string",
        ),
    ] {
        assert_eq!(
            parse(&event).unwrap_err(),
            EventError::NotHttp(reason),
            "{event}"
        );
    }
    let event = json!({"httpMethod": "GET", "path": "/", "body": "***", "isBase64Encoded": true});
    assert_eq!(parse(&event).unwrap_err(), EventError::Body);
}

#[test]
fn path_segments_are_decoded_once() {
    let request = Request::new(Method::GET, "/interactions/a%2Fb+c%3D%2525");
    assert_eq!(request.segments(), ["interactions", "a/b+c=%25"]);
}

#[test]
fn a_reply_too_large_for_studio_becomes_an_error() {
    let response = Response::ok(&"x".repeat(MAX_REPLY_BYTES));
    assert_eq!(response.status, 500);
}

fn any_json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<String>().prop_map(Value::from),
    ];
    leaf.prop_recursive(4, 32, 6, |inner| {
        let keys = prop_oneof![
            Just("httpMethod"),
            Just("path"),
            Just("rawPath"),
            Just("rawQueryString"),
            Just("headers"),
            Just("multiValueHeaders"),
            Just("requestContext"),
            Just("http"),
            Just("method"),
            Just("stage"),
            Just("body"),
            Just("isBase64Encoded"),
            Just("queryStringParameters"),
            Just("x"),
        ];
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::vec((keys, inner), 0..8).prop_map(|pairs| Value::Object(
                pairs.into_iter().map(|(k, v)| (k.to_owned(), v)).collect()
            )),
        ]
    })
}

proptest! {
    #[test]
    fn no_event_makes_the_parser_panic(event in any_json()) {
        let _either = parse(&event);
    }

    #[test]
    fn any_body_survives_base64(body in prop::collection::vec(any::<u8>(), 0..300), stage in "[a-z]{1,8}") {
        let event = json!({
            "rawPath": format!("/{stage}/data-actions/sentiment"), "body": STANDARD.encode(&body), "isBase64Encoded": true,
            "requestContext": {"stage": stage, "http": {"method": "POST"}}
        });
        let request = parse(&event).unwrap();
        prop_assert_eq!(request.body, body);
        prop_assert_eq!(request.path, "/data-actions/sentiment");
    }
}
