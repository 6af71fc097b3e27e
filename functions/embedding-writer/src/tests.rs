//! What a batch reports and counts while the database or the provider is away.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use embedding::openai::EmbeddingsClient;
use embedding::provider::{OpenAiProvider, Provider};
use embedding::settings::EmbeddingSettings;
use embedding::setup::build_indexer;
use insights_http::CallLimits;
use insights_http::client::{IdleConnections, build_client};
use insights_http::secret::{SecretFn, SecretSourceError};
use runtime::config::Env;
use secrecy::SecretString;
use serde_json::json;
use store::queue::AnyQueue;
use store::vectors::{
    EmbeddedConversation, ReplaceOutcome, SearchHit, StoredVersion, VectorQuery, VectorStore,
    Vectors,
};
use testkit::CapturedMetrics;
use tokio::time::Instant as Moment;

use super::*;

/// A provider whose key cannot be read: it fails before anything is sent.
fn provider_without_a_key() -> Provider {
    let key = SecretFn(|_| async {
        let cause: SecretSourceError = Arc::new(std::io::Error::other("the secrets are away"));
        Err::<SecretString, _>(cause)
    });
    let client = EmbeddingsClient::new(
        build_client(IdleConnections::Close).unwrap(),
        "http://localhost:1",
        "a-model",
        2,
        Arc::new(key),
        CallLimits::default(),
    );
    Provider::OpenAi(Box::new(OpenAiProvider::new(client.unwrap(), 10, 1000)))
}

/// A store without rows, which may be away.
#[derive(Debug)]
struct EmptyStore {
    is_away: bool,
}

impl VectorStore for EmptyStore {
    async fn prepare(&self, _deadline: Moment) -> Result<(), store::Error> {
        Ok(())
    }

    async fn versions(
        &self,
        _conversations: &[&str],
        _deadline: Moment,
    ) -> Result<HashMap<String, StoredVersion>, store::Error> {
        if self.is_away {
            return Err(store::Error::Unavailable {
                store: "PostgreSQL",
                operation: "versions",
                source: "connection refused".into(),
            });
        }
        Ok(HashMap::new())
    }

    async fn replace(
        &self,
        _conversations: &[EmbeddedConversation],
        _deadline: Moment,
    ) -> Result<Vec<ReplaceOutcome>, store::Error> {
        unreachable!("nothing is embedded")
    }

    async fn search(
        &self,
        _query: &VectorQuery,
        _deadline: Moment,
    ) -> Result<Vec<SearchHit>, store::Error> {
        unreachable!("the writer does not search")
    }

    async fn count(&self, _deadline: Moment) -> Result<u64, store::Error> {
        unreachable!("the writer does not count")
    }

    async fn forget(
        &self,
        _conversation_id: &str,
        _moment: Timestamp,
        _deadline: Moment,
    ) -> Result<u64, store::Error> {
        unreachable!("the writer does not forget")
    }

    async fn delete_before(
        &self,
        _moment: Timestamp,
        _limit: u32,
        _deadline: Moment,
    ) -> Result<u64, store::Error> {
        unreachable!("the writer deletes nothing by age")
    }

    async fn other_models(&self, _deadline: Moment) -> Result<BTreeMap<String, u64>, store::Error> {
        unreachable!("the writer knows one model")
    }

    async fn delete_other_models(
        &self,
        _limit: u32,
        _deadline: Moment,
    ) -> Result<u64, store::Error> {
        unreachable!("the writer knows one model")
    }
}

/// A queue that remembers which messages were given back.
#[derive(Debug, Clone, Default)]
struct GivenBack(Arc<Mutex<Vec<String>>>);

impl Queue for GivenBack {
    async fn send(&self, _body: &str) -> Result<String, store::Error> {
        unreachable!("nothing is sent")
    }

    async fn receive(
        &self,
        _limit: usize,
        _wait: Duration,
        _visible_after: Duration,
    ) -> Result<Vec<Message>, store::Error> {
        unreachable!("Lambda receives")
    }

    async fn delete(&self, _receipt: &str) -> Result<(), store::Error> {
        unreachable!("Lambda deletes")
    }

    async fn give_back(&self, messages: &[(&Message, Duration)]) -> Result<(), store::Error> {
        let ids = messages.iter().map(|(message, _)| message.id.clone());
        self.0.lock().unwrap().extend(ids);
        Ok(())
    }

    async fn dead_letter(&self, _message: &Message, _reason: &str) -> Result<(), store::Error> {
        unreachable!("nothing is buried")
    }
}

fn message(id: &str) -> Message {
    let event = json!({
        "event": "conversation.completed", "timestamp": "2026-01-15T10:30:00Z", "conversationId": id,
        "data": {"customer": "The refund is late.", "agent": "I am sorry.", "subject": "Refund"},
    });
    Message {
        id: format!("message of {id}"),
        receipt: "a receipt".to_owned(),
        body: event.to_string(),
        deliveries: 1,
    }
}

/// Processes two messages; returns the report, what `store_errors` and `model_errors` count, and the messages that were given back.
async fn process_two(is_store_away: bool) -> (Report, [f64; 2], Vec<String>) {
    let settings = EmbeddingSettings::from_env(&Env::default()).unwrap();
    let store = EmptyStore {
        is_away: is_store_away,
    };
    let vectors = Vectors::other(store);
    let given_back = GivenBack::default();
    let deps = Deps {
        indexer: build_indexer(&settings, provider_without_a_key(), vectors).unwrap(),
        queue: AnyQueue::other(given_back.clone()),
    };
    let metrics = CapturedMetrics::default();
    let capturing = metrics.capture_here();
    let deadline = Deadline::within(Duration::from_secs(600));
    let report = process(&deps, &[message("a"), message("b")], deadline).await;
    drop(capturing);
    let counted = ["store_errors", "model_errors"].map(|name| metrics.total(name));
    let given_back = given_back.0.lock().unwrap().clone();
    (report, counted, given_back)
}

#[tokio::test]
async fn messages_that_the_database_fails_are_counted_as_its_errors_and_come_again_soon() {
    let (report, counted, given_back) = process_two(true).await;
    let expected = Report {
        failed: vec!["message of a".to_owned(), "message of b".to_owned()],
        store_errors: 2,
        ..Report::default()
    };
    assert_eq!(report, expected);
    assert_eq!(counted, [2.0, 0.0]);
    assert_eq!(given_back, expected.failed);
}

#[tokio::test]
async fn messages_that_the_provider_fails_are_counted_as_errors_of_the_model() {
    let (report, counted, given_back) = process_two(false).await;
    let expected = Report {
        failed: vec!["message of a".to_owned(), "message of b".to_owned()],
        model_errors: 2,
        ..Report::default()
    };
    assert_eq!(report, expected);
    assert_eq!(counted, [0.0, 2.0]);
    assert!(given_back.is_empty(), "{given_back:?}");
}
