//! The function's events of the folder `events/`, as API Gateway sends them, through `handle`.

use std::time::{Duration, Instant};

use insights_core::card::CardRecord;
use insights_core::live::{CallDetails, Speaker};
use insights_core::pii::RedactionPolicy;
use insights_core::rules::{RuleFile, example_dialogue};
use runtime::http::event::read_request;
use testkit::events::{event, event_names};

use super::*;

/// The call that the events name.
const CALL: &str = "call-8842";
/// The moment of the alert that the events name.
const ALERT_AT: i64 = 1_795_168_800_000;

/// Returns the request of an event, with the cookie of a session in the place of the one that the file holds.
fn event_request(name: &str, cookie: &str) -> Request {
    let mut event = event(name);
    if event["headers"]["cookie"].is_string() {
        event["headers"]["cookie"] = json!(cookie);
    }
    read_request(event, Instant::now() + Duration::from_secs(30)).unwrap()
}

#[tokio::test]
async fn every_event_of_the_board_is_answered_as_its_name_says() {
    let fixture = fixture(Vec::new()).await;
    let now = Timestamp::now();
    let answer = async |name: &str, cookie: &str| {
        let name = format!("supervisor-board-{name}.json");
        fixture.send(event_request(&name, cookie)).await
    };
    assert_eq!(answer("page", "").await.status(), 200);
    assert_eq!(answer("events-without-session", "").await.status(), 401);
    let login = answer("login", "").await;
    assert_eq!(login.status(), 200);
    let cookie = login.headers()["set-cookie"].to_str().unwrap();
    let cookie = cookie.split(';').next().unwrap().to_owned();
    for closed in ["open-call", "kept-card", "mark-wrong", "contest"] {
        assert_eq!(
            answer(closed, "__Host-board=x").await.status(),
            401,
            "{closed}"
        );
        assert_eq!(answer(closed, &cookie).await.status(), 404, "{closed}");
    }

    fixture.write_row(CALL, Some(ALERT_AT)).await;
    assert_eq!(answer("open-call", &cookie).await.status(), 200);
    let marked = json_of(&answer("mark-wrong", &cookie).await);
    assert_eq!(marked["row"]["handling"], "wrong");

    let registered = &fixture.deps.calls;
    let details = CallDetails::default();
    registered.register_with(CALL, details, now).await.unwrap();
    let file = "[[rule]]\nid = \"greeting\"\nweight = 1\ngood = true\nwhen = { said = [\"welcome\"], by = \"agent\" }\n";
    let file = RuleFile::from_toml(file).unwrap();
    let call = example_dialogue("agent: hello", Speaker::Customer);
    let policy = RedactionPolicy::default();
    let record = CardRecord::new(CALL, &call, &file, file.evaluate(&call), Some(&policy));
    registered.keep_card(CALL, &record, now).await.unwrap();
    let contested = json_of(&answer("contest", &cookie).await);
    assert_eq!(contested["contests"][0]["rule"], "greeting");
    let kept = json_of(&answer("kept-card", &cookie).await);
    assert_eq!(kept["contests"][0]["reason"], "the customer spoke first");

    let known = event_names();
    let own = known
        .iter()
        .filter(|name| name.starts_with("supervisor-board-"));
    assert_eq!(own.count(), 7, "an event that no test sends");
}
