//! What the embedding pipeline logs, and what it never logs.

use std::time::Duration;

use testkit::{CapturedLogs, demo_secrets};

use super::stack::{Stack, conversation};

#[tokio::test]
async fn no_word_of_a_conversation_and_no_secret_reaches_the_logs_at_any_level() {
    let logs = CapturedLogs::install_as_deployed("trace");
    let stack = Stack::start().await;
    let canaries = "canary-word, card 4111 1111 1111 1111, canary@example.com, born 12/05/1980";
    let good = conversation("c-good", "2026-01-15T10:30:00Z", "canary-subject", canaries);
    assert_eq!(stack.deliver(&good).await.status(), 202);
    let mut bad = good.clone();
    bad["timestamp"] = "canary-time".into();
    assert_eq!(stack.deliver(&bad).await.status(), 400);
    let mut textless = good.clone();
    textless["conversationId"] = "c-textless".into();
    textless["data"] = serde_json::json!({"other": canaries});
    assert_eq!(stack.deliver(&textless).await.status(), 202);
    let messages = stack.take(Duration::from_secs(60)).await;
    assert_eq!(messages.len(), 2);
    assert!(stack.write(&messages).await.is_empty());
    let (status, found) = stack.find(&[("q", "canary-question")]).await;
    assert_eq!(
        (status, found["results"].as_array().map(Vec::len)),
        (200, Some(1))
    );
    assert_eq!(
        stack.find(&[("q", "x"), ("limit", "canary-limit")]).await.0,
        400
    );
    let logged = logs.text();
    for expected in [
        "the delivery was queued",
        "the message went to the dead letters",
        "the batch was processed",
        "the search was answered",
        "c-good",
    ] {
        assert!(logged.contains(expected), "{expected:?} is not logged");
    }
    logs.assert_never_logged(&[
        "canary",
        "4111 1111",
        "12/05/1980",
        demo_secrets::API_KEY,
        demo_secrets::WEBHOOK_SECRET,
        "postgres://",
    ]);
}
