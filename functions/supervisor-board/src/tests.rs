//! The board on embedded stores, by requests as a gateway passes them on.

use backends::Backends;
use cxone_simulator::Scenario;
use cxone_simulator::live::{Call, Line};
use http::StatusCode;
use insights_core::board::{BoardRow, ConversationKind, MarkKind, RowAlert, Severity};
use jiff::Timestamp;
use runtime::config::Env;
use serde_json::{Value, json};
use testkit::TestFixture;

use super::*;
use crate::config::Config;

mod contests;
mod events;
mod rules_and_card;
mod sign_on;

const KEY: &str = "a-key-of-the-floor";
const OTHER_KEY: &str = "a-key-without-the-scope";

struct BoardFixture {
    base: TestFixture,
    deps: Deps,
}

async fn fixture(calls: Vec<Call>) -> BoardFixture {
    let keys = json!([
        {"name": "floor", "key": KEY, "scopes": ["board"]},
        {"name": "local", "key": "local-board-key", "scopes": ["board"]},
        {"name": "studio", "key": OTHER_KEY, "scopes": ["score"]},
    ]);
    let scenario = Scenario {
        calls,
        ..Scenario::default()
    };
    let base = TestFixture::builder()
        .scenario(scenario)
        .secret("api_keys", keys.to_string())
        .setting("BOARD_REFRESH_MS", "200")
        .start()
        .await;
    let deps = deps_of(&base.backends(), &base.env);
    BoardFixture { base, deps }
}

fn deps_of(backends: &Backends, env: &Env) -> Deps {
    Deps::new(backends, Config::from_env(env).unwrap()).unwrap()
}

fn request(method: &str, path: &str, headers: &[(&str, &str)], body: &Value) -> Request {
    let mut request = http::Request::builder().method(method).uri(path);
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let body = if body.is_null() {
        String::new()
    } else {
        body.to_string()
    };
    request.body(body.into()).unwrap()
}

const PAGE: [(&str, &str); 2] = [("x-board", "1"), ("content-type", "application/json")];

impl BoardFixture {
    async fn send(&self, request: Request) -> Response {
        handle(&self.deps, request).await.unwrap()
    }

    async fn get(&self, path: &str, cookie: &str) -> Response {
        let headers = [("cookie", cookie)];
        self.send(request("GET", path, &headers, &Value::Null))
            .await
    }

    async fn post(&self, path: &str, cookie: &str, body: &Value) -> Response {
        let headers = [PAGE[0], PAGE[1], ("cookie", cookie)];
        self.send(request("POST", path, &headers, body)).await
    }

    /// Logs in and returns the cookie.
    async fn log_in(&self) -> String {
        let body = json!({"key": KEY, "name": "Grace"});
        let response = self.post("/board/login", "", &body).await;
        assert_eq!(response.status(), 200);
        let cookie = response.headers()["set-cookie"].to_str().unwrap();
        cookie.split(';').next().unwrap().to_owned()
    }

    async fn write_row(&self, id: &str, alert_at: Option<i64>) {
        let now = Timestamp::now();
        let row = BoardRow {
            started_ms: now.as_millisecond(),
            read_ms: now.as_millisecond(),
            alert: alert_at.map(|at_ms| RowAlert {
                rule: "customer-average".to_owned(),
                version: "v".to_owned(),
                at_ms,
                average: 200,
                severity: Severity::Severe,
                model: None,
            }),
            ..BoardRow::default()
        };
        self.deps.board.write(id, &row, now).await.unwrap();
        self.deps.snapshots.expire().await;
    }
}

fn json_of(response: &Response) -> Value {
    serde_json::from_str(response.body()).unwrap()
}

/// Returns the name of the event, its id and its data.
fn event_of(response: &Response) -> (String, String, Value) {
    let field = |name: &str| {
        let mut lines = response.body().lines();
        let line = lines.find_map(|line| line.strip_prefix(name));
        line.unwrap().to_owned()
    };
    let data = serde_json::from_str(&field("data: ")).unwrap();
    (field("event: "), field("id: "), data)
}

#[tokio::test]
async fn everything_but_the_page_needs_a_session_whose_key_has_the_scope() {
    let fixture = fixture(Vec::new()).await;
    for path in ["/board", "/board/board.js", "/board/board.css"] {
        assert_eq!(fixture.get(path, "").await.status(), 200, "{path}");
    }
    for path in ["/board/events", "/board/session", "/board/calls/a"] {
        let response = fixture.get(path, "board=a.b").await;
        assert_eq!(response.status(), 401, "{path}");
        assert!(response.headers().get("www-authenticate").is_none());
        let policy = response.headers()["content-security-policy"]
            .to_str()
            .unwrap();
        assert!(!policy.contains("unsafe"), "{policy}");
    }
    let wrong = |key: &str| json!({"key": key, "name": "Grace"});
    let response = fixture.post("/board/login", "", &wrong("no-key")).await;
    assert_eq!(response.status(), StatusCode::UNAUTHORIZED);
    let response = fixture.post("/board/login", "", &wrong(OTHER_KEY)).await;
    assert_eq!(response.status(), StatusCode::FORBIDDEN);
    let cookie = fixture.log_in().await;
    let session = json_of(&fixture.get("/board/session", &cookie).await);
    assert_eq!(session["viewer"], "Grace");
    // A session of plain HTTP is none by TLS, where a network could have planted it.
    let headers = [("cookie", cookie.as_str()), ("x-forwarded-proto", "https")];
    let secure = request("GET", "/board/session", &headers, &Value::Null);
    assert_eq!(fixture.send(secure).await.status(), 401);
}

#[tokio::test]
async fn a_session_ends_with_its_key() {
    let fixture = fixture(Vec::new()).await;
    let cookie = fixture.log_in().await;
    let keys = json!([{"name": "floor", "key": "another-key-of-it", "scopes": ["board"]}]);
    let base = TestFixture::builder()
        .secret("api_keys", keys.to_string())
        .start()
        .await;
    let deps = deps_of(&base.backends(), &base.env);
    let headers = [("cookie", cookie.as_str())];
    let later = request("GET", "/board/session", &headers, &Value::Null);
    assert_eq!(handle(&deps, later).await.unwrap().status(), 401);
}

#[tokio::test]
async fn whoever_logs_out_is_logged_out_in_every_process_and_others_are_not() {
    let fixture = fixture(Vec::new()).await;
    let (cookie, other) = (fixture.log_in().await, fixture.log_in().await);
    assert_ne!(cookie, other, "two sessions of one person are two");
    let session = async |deps: &Deps, cookie: &str| {
        let headers = [("cookie", cookie)];
        let asked = request("GET", "/board/session", &headers, &Value::Null);
        handle(deps, asked).await.unwrap().status()
    };
    let elsewhere = deps_of(&fixture.base.backends(), &fixture.base.env);
    assert_eq!(session(&elsewhere, &cookie).await, 200);
    for _ in 0..2 {
        let response = fixture.post("/board/logout", &cookie, &json!({})).await;
        assert_eq!(response.status(), 200, "a second logout changes nothing");
        let taken = response.headers()["set-cookie"].to_str().unwrap();
        assert!(taken.contains("Max-Age=0"), "{taken}");
    }
    assert_eq!(session(&fixture.deps, &cookie).await, 401);
    let started_later = deps_of(&fixture.base.backends(), &fixture.base.env);
    assert_eq!(session(&started_later, &cookie).await, 401);
    testkit::eventually_async(
        "the process that knew the session hears of it",
        async || session(&elsewhere, &cookie).await == 401,
    )
    .await;
    for deps in [&fixture.deps, &elsewhere, &started_later] {
        assert_eq!(session(deps, &other).await, 200);
    }
    for path in ["/board/events", "/board/calls/a"] {
        assert_eq!(fixture.get(path, &cookie).await.status(), 401, "{path}");
    }
    let body = json!({"action": "acknowledge", "alert": {"rule": "r", "at": 1}});
    let response = fixture.post("/board/alerts/a", &cookie, &body).await;
    assert_eq!(response.status(), 401);
}

#[tokio::test]
async fn a_change_that_another_site_may_have_made_is_refused() {
    let fixture = fixture(Vec::new()).await;
    let cookie = fixture.log_in().await;
    let body = json!({"action": "acknowledge", "alert": {"rule": "r", "at": 1}});
    let cases: [&[(&str, &str)]; 3] = [
        &[("content-type", "application/json")],
        &[
            ("x-board", "1"),
            ("content-type", "application/json"),
            ("sec-fetch-site", "cross-site"),
        ],
        &[
            ("x-board", "1"),
            ("content-type", "application/json"),
            ("sec-fetch-site", "same-site"),
        ],
    ];
    for headers in cases {
        let mut headers = headers.to_vec();
        headers.push(("cookie", &cookie));
        for path in ["/board/alerts/a", "/board/logout", "/board/login"] {
            let response = fixture.send(request("POST", path, &headers, &body)).await;
            assert_eq!(response.status(), 403, "{path} {headers:?}");
        }
    }
}

#[tokio::test]
async fn a_browser_that_comes_again_gets_what_has_changed_or_everything() {
    let fixture = fixture(Vec::new()).await;
    let cookie = fixture.log_in().await;
    fixture.write_row("call-1", None).await;
    let (name, id, data) = event_of(&fixture.get("/board/events", &cookie).await);
    assert_eq!(
        (name.as_str(), data["rows"].as_array().unwrap().len()),
        ("snapshot", 1)
    );
    fixture.write_row("call-2", Some(7)).await;
    let path = format!("/board/events?after={id}");
    let response = fixture.get(&path, &cookie).await;
    assert!(
        response.body().starts_with("retry: 2000\n\n"),
        "it may be the whole reply"
    );
    let (name, _, data) = event_of(&response);
    assert_eq!(name, "changes");
    assert_eq!(data["rows"][0]["id"], "call-2");
    assert_eq!(data["head"]["open"], 1);
    let (name, _, _) = event_of(&fixture.get("/board/events?after=unknown", &cookie).await);
    assert_eq!(name, "snapshot");
}

#[tokio::test]
async fn a_mark_is_stored_once_with_its_name_for_the_replay_and_only_for_the_alert_that_was_seen() {
    let fixture = fixture(Vec::new()).await;
    let cookie = fixture.log_in().await;
    fixture.write_row("a/b", Some(7)).await;
    let wrong = json!({"action": "wrong", "alert": {"rule": "customer-average", "at": 7}, "reason": "a joke"});
    for _ in 0..2 {
        let response = fixture.post("/board/alerts/a%2Fb", &cookie, &wrong).await;
        assert_eq!(response.status(), 200, "{}", response.body());
        let row = &json_of(&response)["row"];
        assert_eq!(
            (&row["handling"], &row["alert"]["by"]),
            (&json!("wrong"), &json!("Grace"))
        );
    }
    let kept = backends::board::read_marks(&fixture.deps.state, "a/b", Timestamp::now());
    let kept = kept.await.unwrap();
    assert_eq!(kept.len(), 1);
    assert_eq!(
        (kept[0].kind, kept[0].by.as_str(), kept[0].key.as_str()),
        (MarkKind::Wrong, "Grace", "floor")
    );
    let other = json!({"action": "acknowledge", "alert": {"rule": "customer-average", "at": 8}});
    assert_eq!(
        fixture
            .post("/board/alerts/a%2Fb", &cookie, &other)
            .await
            .status(),
        409
    );
    assert_eq!(
        fixture
            .post("/board/alerts/none", &cookie, &other)
            .await
            .status(),
        404
    );
    for bad in [
        json!({"action": "wrong", "alert": {"rule": "customer-average", "at": 7}, "reason": " "}),
        json!({"action": "snooze", "alert": {"rule": "customer-average", "at": 7}}),
        json!({"action": "snooze", "alert": {"rule": "customer-average", "at": 7}, "minutes": 4_000_000_000_u32}),
        json!({"action": "delete", "alert": {"rule": "customer-average", "at": 7}}),
        json!([]),
    ] {
        let response = fixture.post("/board/alerts/a%2Fb", &cookie, &bad).await;
        assert_eq!(response.status(), 400, "{bad}");
    }
}

#[tokio::test]
async fn an_opened_call_has_its_transcript_masked_and_one_that_is_not_live_is_not_opened() {
    let lines = vec![
        Line::said("agent", -20_000, "Can I have your card number please?"),
        Line::said("customer", -15_000, "it is 4111 1111 1111 1111 <b>now</b>"),
    ];
    let fixture = fixture(vec![Call::new("call-1", lines)]).await;
    let cookie = fixture.log_in().await;
    assert_eq!(
        fixture.get("/board/calls/call-1", &cookie).await.status(),
        404
    );
    fixture
        .write_row("call-1", Some(Timestamp::now().as_millisecond()))
        .await;
    let response = fixture.get("/board/calls/call-1", &cookie).await;
    let body = json_of(&response);
    assert_eq!(body["readable"], true);
    let turns = body["transcript"]["turns"].as_array().unwrap();
    assert_eq!(turns.len(), 2);
    let text = turns[1]["text"].as_str().unwrap();
    assert!(
        text.contains("[CARD]") && text.contains("<b>now</b>"),
        "{text}"
    );
    assert_eq!(body["why"]["rule"], "customer-average");
    let row = fixture
        .deps
        .board
        .row("call-1", ConversationKind::Call, Timestamp::now());
    assert_eq!(
        row.await.unwrap().unwrap().last_line,
        "",
        "nothing new is stored"
    );
    drop(fixture.base);
}
