//! Events of both payload formats and of function URLs, broken events, and whatever else a generator comes up with.

use proptest::prelude::*;
use serde_json::json;

use super::*;
use crate::http::RequestExt;

fn read(event: &Value) -> Result<Request, EventError> {
    read_request(event.clone(), Instant::now())
}

/// The error that an event is refused with, in words.
fn refusal(event: &Value) -> String {
    read(event).unwrap_err().to_string()
}

/// An event of format 2.0 as an HTTP API makes it for a route with a parameter.
fn http_api_event(path: &str, id: &str) -> Value {
    json!({
        "version": "2.0", "routeKey": "PUT /interactions/{id}", "rawPath": path, "rawQueryString": "",
        "headers": {}, "pathParameters": {"id": id}, "isBase64Encoded": false,
        "requestContext": {
            "routeKey": "PUT /interactions/{id}", "stage": "$default", "apiId": "abc123",
            "domainName": "abc123.execute-api.eu-central-1.amazonaws.com",
            "http": {"method": "PUT", "path": path}
        }
    })
}

/// An event of format 2.0 as a function URL makes it.
fn function_url_event(path: &str) -> Value {
    json!({
        "version": "2.0", "routeKey": "$default", "rawPath": path, "rawQueryString": "",
        "headers": {}, "isBase64Encoded": false,
        "requestContext": {
            "accountId": "anonymous", "routeKey": "$default", "stage": "$default", "apiId": "u1",
            "domainName": "u1.lambda-url.eu-central-1.on.aws", "http": {"method": "PUT", "path": path}
        }
    })
}

/// An event of format 1.0 as a REST API makes it.
fn rest_api_event(path: &str) -> Value {
    json!({
        "httpMethod": "PUT", "path": path, "headers": {}, "multiValueHeaders": {},
        "requestContext": {"stage": "prod", "httpMethod": "PUT", "requestId": "r-1"}
    })
}

#[test]
fn a_format_2_event_loses_its_stage_and_keeps_its_query_order() {
    let event = json!({
        "version": "2.0", "rawPath": "/prod/search", "rawQueryString": "q=late+refund&limit=5&q=%C3%A9",
        "headers": {"X-Api-Key": "k", "content-type": "Application/JSON; charset=utf-8"},
        "requestContext": {"stage": "prod", "requestId": "r1", "http": {"method": "GET"}},
        "isBase64Encoded": false
    });
    let request = read(&event).unwrap();
    assert_eq!(
        (request.method().as_str(), request.uri().path()),
        ("GET", "/search")
    );
    assert_eq!(
        request.uri().query(),
        Some("q=late+refund&limit=5&q=%C3%A9")
    );
    assert_eq!(request.query_value("q").as_deref(), Some("late refund"));
    assert_eq!(request.header_text("x-api-key"), Some("k"));
    assert_eq!(request.media_type(), "application/json");
    assert_eq!(request.request_id(), "r1");
    assert!(request.body().is_empty());
}

#[test]
fn a_format_1_event_is_read_with_its_lists() {
    let event = json!({
        "httpMethod": "POST", "path": "/data-actions/sentiment",
        "requestContext": {"stage": "prod", "httpMethod": "POST"},
        "multiValueHeaders": {"Authorization": ["Bearer k"], "X-Forwarded-For": ["192.0.2.1", "192.0.2.2"]},
        "headers": {"Authorization": "Bearer k", "X-Forwarded-For": "192.0.2.2"},
        "multiValueQueryStringParameters": {"a": ["1 & é", "2"]}, "queryStringParameters": {"a": "2"},
        "body": "aGVsbG8=", "isBase64Encoded": true
    });
    let request = read(&event).unwrap();
    assert_eq!(request.uri().path(), "/data-actions/sentiment");
    assert_eq!(request.headers().get_all("authorization").iter().count(), 1);
    let forwarded = request.headers().get_all("x-forwarded-for");
    assert_eq!(forwarded.iter().count(), 2);
    assert_eq!(request.query_value("a").as_deref(), Some("1 & é"));
    assert_eq!(request.body(), "hello");
}

#[test]
fn an_event_of_cargo_lambda_keeps_its_method_and_gets_a_list_of_cookies() {
    let event = json!({
        "version": "2.0", "httpMethod": "GET", "routeKey": "$default", "rawPath": "/interactions/a%20b",
        "cookies": ["one=1", "two=2"], "headers": {"host": "localhost:9000"}, "body": null,
        "requestContext": {
            "routeKey": "$default", "stage": "$default", "domainName": "localhost", "domainPrefix": "data-action",
            "http": {"method": "DELETE", "path": "/interactions/a%20b"}
        }
    });
    let request = read(&event).unwrap();
    assert_eq!(request.method(), "DELETE");
    assert_eq!(request.header_text("cookie"), Some("one=1; two=2"));
    assert_eq!(request.path_segments().unwrap(), ["interactions", "a b"]);
    let format = PayloadFormat::of(&event);
    assert_eq!(format, PayloadFormat::V2);
    let reply = serde_json::to_value(format.reply(Response::new("{}".to_owned()))).unwrap();
    assert_eq!(reply["cookies"], json!([]));
}

#[test]
fn a_reply_is_written_in_the_format_of_its_event() {
    let mut response = Response::new(r#"{"a":1}"#.to_owned());
    *response.status_mut() = http::StatusCode::ACCEPTED;
    let content_type = HeaderValue::from_static("application/json");
    response.headers_mut().insert("content-type", content_type);
    for (event, format) in [
        (rest_api_event("/health"), PayloadFormat::V1),
        (function_url_event("/health"), PayloadFormat::V2),
        (http_api_event("/interactions/1", "1"), PayloadFormat::V2),
    ] {
        assert_eq!(PayloadFormat::of(&event), format, "{event}");
        let reply = serde_json::to_value(format.reply(response.clone())).unwrap();
        assert_eq!(
            (&reply["statusCode"], &reply["body"]),
            (&json!(202), &json!(r#"{"a":1}"#))
        );
        assert_eq!(
            (&reply["headers"]["content-type"], &reply["isBase64Encoded"]),
            (&json!("application/json"), &json!(false))
        );
    }
}

#[test]
fn a_stage_is_only_cut_where_it_is_a_whole_segment() {
    for (path, stage, expected) in [
        ("/production/x", "prod", "/production/x"),
        ("/prod", "prod", "/prod"),
        ("/prod/", "prod", "/"),
        ("/$default/x", "$default", "/$default/x"),
    ] {
        assert_eq!(without_stage(path, Some(stage)), expected);
    }
    assert_eq!(without_stage("/prod/x", None), "/prod/x");
}

#[test]
fn every_kind_of_api_gives_the_identifier_that_the_caller_encoded() {
    // The caller sends the first text; an HTTP API delivers the second one, the others deliver what was sent.
    for (sent, decoded) in [
        ("call-1", "call-1"),
        ("a%2Fb", "a/b"),
        ("%2541", "%41"),
        ("100%25", "100%"),
        ("k%C3%A4se", "käse"),
        ("a%20b", "a b"),
        ("a+b", "a+b"),
        ("a%3Fb%23c", "a?b#c"),
        ("%5B%7B%22%3C%5C%7C%5E%60", "[{\"<\\|^`"),
    ] {
        let (sent_path, decoded_path) = (
            format!("/interactions/{sent}"),
            format!("/interactions/{decoded}"),
        );
        for event in [
            http_api_event(&decoded_path, decoded),
            function_url_event(&sent_path),
            rest_api_event(&sent_path),
        ] {
            let request = read(&event).unwrap();
            assert_eq!(
                request.path_segments().unwrap(),
                ["interactions", decoded],
                "{event}"
            );
        }
    }
}

#[test]
fn a_decoded_path_without_matching_parameters_is_encoded_as_a_whole() {
    let mut event = http_api_event("/interactions/%41 b", "other");
    let segments = |event: &Value| read(event).unwrap().path_segments().unwrap();
    assert_eq!(segments(&event), ["interactions", "%41 b"]);
    event["requestContext"]["routeKey"] = json!("$default");
    assert_eq!(segments(&event), ["interactions", "%41 b"]);
    event["requestContext"]["routeKey"] = json!("ANY /{proxy+}");
    event["pathParameters"] = json!({"proxy": "interactions/%41 b"});
    assert_eq!(segments(&event), ["interactions", "%41 b"]);
}

#[test]
fn a_named_stage_of_an_http_api_is_cut_before_the_route_is_compared() {
    let mut event = http_api_event("/prod/interactions/a/b", "a/b");
    event["requestContext"]["stage"] = json!("prod");
    let request = read(&event).unwrap();
    assert_eq!(request.uri(), "/interactions/a%2Fb");
}

#[test]
fn a_path_that_is_not_utf8_is_read_and_refused_when_it_is_decoded() {
    let request = read(&function_url_event("/interactions/%ff")).unwrap();
    assert_eq!(request.path_segments().unwrap_err().code(), "invalid_path");
}

#[test]
fn invalid_headers_are_left_out_and_the_others_stay() {
    let mut event = function_url_event("/health");
    event["headers"] = json!({
        "x-api-key": "k", "user-agent": "Müller", "bad name": "x", "x-lines": "a\r\nb", "x-number": 5,
        "host": "a host", "x-forwarded-proto": "no scheme"
    });
    let request = read(&event).unwrap();
    let names: Vec<_> = request.headers().keys().map(HeaderName::as_str).collect();
    assert_eq!(names, ["x-api-key", "user-agent", "x-forwarded-proto"]);
    let mut event = rest_api_event("/health");
    event["multiValueHeaders"] = json!({"x-api-key": ["a\nb", "k", null], "Host": ["a host"]});
    let request = read(&event).unwrap();
    assert_eq!(request.header_text("x-api-key"), Some("k"));
    assert_eq!(request.headers().len(), 1);
}

#[test]
fn a_query_with_characters_that_no_uri_has_is_read() {
    let mut event = function_url_event("/search");
    event["rawQueryString"] = json!("q=<b> \"x\" é#1&limit=5");
    let request = read(&event).unwrap();
    assert_eq!(request.query_value("q").as_deref(), Some("<b> \"x\" é#1"));
    assert_eq!(request.query_value("limit").as_deref(), Some("5"));
}

#[test]
fn a_request_identifier_is_kept_within_its_limit() {
    let mut event = rest_api_event("/health");
    event["requestContext"]["requestId"] = json!("é".repeat(500));
    let request = read(&event).unwrap();
    assert_eq!(request.request_id(), "é".repeat(MAX_REQUEST_ID_CHARS));
}

#[test]
fn what_is_no_request_is_refused_with_the_reason() {
    let recognized = "the event is not an API Gateway request (payload format 1.0 or 2.0)";
    for (event, reason) in [
        (json!([]), ": it is not an object"),
        (json!({}), ": it has no path"),
        (json!({"interaction_text": "hello"}), ": it has no path"),
        (
            json!({"httpMethod": "GET", "path": "x"}),
            ": its path does not begin with a slash",
        ),
        (
            json!({"httpMethod": "GET", "path": "/", "body": {"a": 1}}),
            ": its body is not a string",
        ),
        (
            function_url_event(&format!("/{}", "x".repeat(MAX_TARGET_BYTES))),
            ": its path and query are too long",
        ),
        (json!({"path": "/", "requestContext": {}}), ""),
        (
            json!({"httpMethod": "G T", "path": "/", "requestContext": {"httpMethod": "G T"}}),
            "",
        ),
    ] {
        assert_eq!(refusal(&event), format!("{recognized}{reason}"), "{event}");
    }
}

#[test]
fn a_body_that_is_not_base64_is_refused_as_such() {
    for mut event in [rest_api_event("/"), function_url_event("/")] {
        event["body"] = json!("***");
        event["isBase64Encoded"] = json!(true);
        assert!(matches!(read(&event), Err(EventError::InvalidBody(_))));
        event["body"] = json!(" aGk=\n");
        assert_eq!(read(&event).unwrap().body(), "hi");
        event["isBase64Encoded"] = Value::Null;
        event["body"] = json!("***");
        assert_eq!(read(&event).unwrap().body(), "***");
    }
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
        let _either = read(&event);
    }

    #[test]
    fn no_text_in_an_event_makes_the_parser_panic(
        path in "/\\PC{0,20}", query in "\\PC{0,20}", header in "\\PC{0,20}", host in "\\PC{0,20}", stage in "\\PC{0,8}",
    ) {
        for mut event in [http_api_event(&path, &path), function_url_event(&path), rest_api_event(&path)] {
            event["rawQueryString"] = json!(query);
            event["queryStringParameters"] = json!({query.as_str(): query});
            event["headers"] = json!({"host": host, "x-forwarded-proto": header, header.as_str(): "x"});
            event["requestContext"]["domainName"] = json!(host);
            event["requestContext"]["stage"] = json!(stage);
            let request = read(&event).unwrap();
            let _either = (request.path_segments(), request.query_value("q"));
        }
    }

    #[test]
    fn any_body_survives_base64(body in prop::collection::vec(any::<u8>(), 0..300), stage in "[a-z]{1,8}") {
        let event = json!({
            "rawPath": format!("/{stage}/data-actions/sentiment"), "body": STANDARD.encode(&body), "isBase64Encoded": true,
            "requestContext": {"stage": stage, "http": {"method": "POST"}}
        });
        let request = read(&event).unwrap();
        prop_assert_eq!(&request.body()[..], &body[..]);
        prop_assert_eq!(request.uri().path(), "/data-actions/sentiment");
    }
}
