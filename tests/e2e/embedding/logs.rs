//! What the logs hold, and what they never hold.

use std::io::Write;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tracing_subscriber::fmt::MakeWriter;

use super::stack::{Stack, conversation};

/// Everything that is logged.
#[derive(Clone, Default)]
struct Lines(Arc<Mutex<Vec<u8>>>);

impl Write for Lines {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().expect("the lines").extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

impl<'a> MakeWriter<'a> for Lines {
    type Writer = Self;

    fn make_writer(&'a self) -> Self {
        self.clone()
    }
}

#[tokio::test]
async fn no_word_of_a_conversation_and_no_secret_reaches_the_logs() {
    let lines = Lines::default();
    let subscriber = tracing_subscriber::fmt()
        .with_max_level(tracing::Level::INFO)
        .with_writer(lines.clone())
        .finish();
    let run = async {
        let stack = Stack::start().await;
        let canaries = "canary-word, card 4111 1111 1111 1111, canary@example.com, born 12/05/1980";
        let good = conversation("c-good", "2026-01-15T10:30:00Z", "canary-subject", canaries);
        assert_eq!(stack.deliver(&good).await.status, 202);
        let mut bad = good.clone();
        bad["timestamp"] = "canary-time".into();
        assert_eq!(stack.deliver(&bad).await.status, 400);
        let mut textless = good.clone();
        textless["conversationId"] = "c-textless".into();
        textless["data"] = serde_json::json!({"other": canaries});
        assert_eq!(stack.deliver(&textless).await.status, 202);
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
    };
    // For the whole process: one of a thread would miss what another thread's tests made the callsites forget.
    tracing::subscriber::set_global_default(subscriber).expect("the only subscriber");
    run.await;
    let logged = String::from_utf8(lines.0.lock().expect("the lines").clone()).expect("text");
    for expected in ["queued", "buried", "batch", "searched", "c-good"] {
        assert!(logged.contains(expected), "{expected:?} is not logged");
    }
    for never in [
        "canary",
        "4111",
        "12/05/1980",
        "local-key",
        "local-webhook-secret",
        "postgres://",
    ] {
        let line = logged.lines().find(|line| line.contains(never));
        assert!(line.is_none(), "{never:?} is logged: {line:?}");
    }
}
