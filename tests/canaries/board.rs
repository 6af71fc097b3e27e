//! The board of supervisors: its stream, every opened conversation, and marks whose reason quotes what was said.

use bytes::Bytes;
use insights_core::board::{BoardRow, ConversationKind, RowAlert, Severity};
use jiff::Timestamp;
use runtime::lambda;
use serde_json::{Value, json};
use supervisor_board::Deps;
use supervisor_board::config::Config;
use testkit::TestFixture;

use crate::secrets::{PLANTED, Planted};
use crate::{LAST_WORDS, assert_clean, id, request};

/// The key of the supervisors.
pub(crate) const KEY: &str = "a-key-of-the-floor";
/// The moment of the alert of every conversation.
const ALERT_AT: i64 = 7;

/// Opens everything that the board shows of conversations of a kind, and marks their alerts.
pub(crate) async fn open_and_mark(fixture: &TestFixture, kind: ConversationKind) {
    let config = Config::from_env(&fixture.env).expect("the settings");
    let deps = Deps::new(&fixture.backends(), config).expect("a board");
    for place in 0..PLANTED.len() {
        raise_alert(&deps, &id(place), kind).await;
    }
    let cookie = log_in(&deps).await;
    for (place, planted) in PLANTED.iter().enumerate() {
        let path = format!("/board/alerts/{}", id(place));
        let reason = quote(planted);
        let mark =
            json!({"action": "wrong", "alert": {"rule": "r", "at": ALERT_AT}, "reason": reason});
        let marked = send(&deps, "POST", &path, &cookie, &mark).await;
        assert!(marked.contains("it was a joke"), "{marked}");
        assert_clean("the reply to a mark", marked.as_bytes());
        let path = format!("/board/calls/{}", id(place));
        let opened = send(&deps, "GET", &path, &cookie, &Value::Null).await;
        assert!(opened.contains(LAST_WORDS), "{opened}");
        assert_clean("an opened conversation", opened.as_bytes());
    }
    let stream = send(&deps, "GET", "/board/events", &cookie, &Value::Null).await;
    assert!(stream.contains(&id(PLANTED.len() - 1)), "{stream}");
    assert_clean("the stream of the board", stream.as_bytes());
    let page = send(&deps, "GET", "/board", &cookie, &Value::Null).await;
    assert_clean("the page of the board", page.as_bytes());
}

/// Returns a reason that quotes the whole dialogue, as a supervisor pastes it.
fn quote(planted: &Planted) -> String {
    let turns = planted
        .turns
        .iter()
        .map(|(who, text)| format!("{who}: {text}"));
    format!("it was a joke. {}", turns.collect::<Vec<_>>().join(" "))
}

/// Gives a conversation a row, or the row that it has an alert.
async fn raise_alert(deps: &Deps, id: &str, kind: ConversationKind) {
    let now = Timestamp::now();
    let known = deps.board.row(id, kind, now).await.expect("the rows");
    let row = BoardRow {
        kind,
        started_ms: 1,
        read_ms: now.as_millisecond(),
        alert: Some(RowAlert {
            rule: "r".to_owned(),
            version: "v".to_owned(),
            at_ms: ALERT_AT,
            average: 200,
            severity: Severity::Severe,
            model: None,
        }),
        ..known.unwrap_or_default()
    };
    deps.board.write(id, &row, now).await.expect("a row");
}

async fn log_in(deps: &Deps) -> String {
    let body = json!({"key": KEY, "name": "Grace"}).to_string();
    let mut request = request("POST", "/board/login", Bytes::from(body));
    let headers = request.headers_mut();
    headers.insert("x-board", "1".parse().expect("a value"));
    headers.insert("content-type", "application/json".parse().expect("a value"));
    let response = lambda::answer(request, |request| supervisor_board::handle(deps, request)).await;
    assert_eq!(response.status(), 200, "{}", response.body());
    let cookie = response.headers()["set-cookie"].to_str().expect("text");
    cookie.split(';').next().expect("a cookie").to_owned()
}

/// Sends a request with a session and returns the body of the reply.
async fn send(deps: &Deps, method: &str, path: &str, cookie: &str, body: &Value) -> String {
    let body = if body.is_null() {
        Bytes::new()
    } else {
        body.to_string().into()
    };
    let mut request = request(method, path, body);
    let headers = request.headers_mut();
    headers.insert("x-board", "1".parse().expect("a value"));
    headers.insert("content-type", "application/json".parse().expect("a value"));
    headers.insert("cookie", cookie.parse().expect("a value"));
    let response = lambda::answer(request, |request| supervisor_board::handle(deps, request)).await;
    assert!(
        response.status().is_success(),
        "{path}: {}",
        response.body()
    );
    response.body().to_string()
}
