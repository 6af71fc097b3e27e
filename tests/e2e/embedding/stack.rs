//! The pipeline on real servers: PostgreSQL, SQS, the shipped model or the simulated service.

use std::sync::Arc;
use std::time::{Duration, Instant};

use backends::caller_keys::Callers;
use backends::stores::FunctionSecrets;
use embedding::config::Config;
use embedding::provider::Provider;
use embedding::searcher::Searcher;
use embedding::start;
use embedding_writer::sqs::SqsEvent;
use http::{HeaderValue, Method};
use insights_http::client::IdleConnections;
use jiff::Timestamp;
use runtime::config::Env;
use runtime::lambda::{self, Invocation};
use runtime::{Request, Response};
use secrecy::SecretString;
use serde_json::{Value, json};
use store::queue::{AnyQueue, Message, Queue, Sqs};
use store::secrets::SecretSource;
use store::state::{SqliteState, State};
use store::vectors::{VectorStore, Vectors};
use tokio::sync::OnceCell;

const SECRET: &str = "local-webhook-secret";

/// All three functions, and the servers behind them.
pub(crate) struct Stack {
    pub(crate) receiver: Arc<webhook_receiver::Deps>,
    pub(crate) writer: Arc<embedding_writer::Deps>,
    pub(crate) search: Arc<semantic_search::Deps>,
    pub(crate) vectors: Vectors,
    pub(crate) queue: Sqs,
    pub(crate) dead_letters: Sqs,
    _folder: tempfile::TempDir,
    database: Option<dev_stack::Database>,
}

pub(crate) fn secrets(database_url: &str) -> Arc<FunctionSecrets> {
    let values = [
        ("api_key", "local-key"),
        ("webhook_secret", SECRET),
        ("openai_api_key", "demo-openai-key"),
        ("database_url", database_url),
    ];
    let values = values.map(|(name, value)| (name.to_owned(), SecretString::from(value)));
    Arc::new(FunctionSecrets::new(SecretSource::Given(
        values.into_iter().collect(),
    )))
}

/// The shipped model, loaded once for all tests.
pub(crate) async fn local() -> Provider {
    static PROVIDER: OnceCell<Provider> = OnceCell::const_new();
    let load = || async {
        let config = Config::from_env(&Env::default()).expect("the defaults");
        start::provider(&config, &secrets("none"), IdleConnections::Close)
            .await
            .expect("the model loads")
    };
    PROVIDER.get_or_init(load).await.clone()
}

impl Stack {
    /// A stack with a database of its own and the shipped model.
    pub(crate) async fn start() -> Self {
        let database = dev_stack::fresh_database();
        let mut stack = Self::on(&database.url, local().await, &Env::default()).await;
        stack.database = Some(database);
        stack
    }

    /// A stack on a database, with a provider and more of an environment.
    pub(crate) async fn on(database_url: &str, provider: Provider, env: &Env) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let aws = store::aws::config(Some(&dev_stack::aws().endpoint_url)).await;
        let dead = Sqs::create(&aws, &dev_stack::unique("dead"))
            .await
            .expect("a queue");
        let url = Sqs::create(&aws, &dev_stack::unique("embedding"))
            .await
            .expect("a queue");
        let queue = Sqs::new(&aws, url, Some(dead.clone()));
        let secrets = secrets(database_url);
        let config = Config::from_env(&env.clone().with("DATABASE_CONNECTIONS", "4"))
            .expect("a configuration");
        let vectors = start::database(&config, &provider, &secrets)
            .await
            .expect("the vectors");
        let state =
            State::Sqlite(SqliteState::open(folder.path().join("state.db")).expect("a state"));
        let receiver = webhook_receiver::start::build(
            env,
            Arc::clone(&secrets),
            state,
            AnyQueue::Sqs(queue.clone()),
        );
        let indexer =
            start::indexer(&config, provider.clone(), vectors.clone()).expect("an indexer");
        let searcher = Searcher::new(provider, vectors.clone());
        Self {
            receiver: Arc::new(receiver.expect("a receiver")),
            writer: Arc::new(embedding_writer::Deps {
                indexer,
                queue: AnyQueue::Sqs(queue.clone()),
            }),
            search: Arc::new(semantic_search::Deps {
                callers: Callers::new(secrets),
                searcher,
            }),
            vectors,
            dead_letters: Sqs::new(&aws, dead, None),
            queue,
            _folder: folder,
            database: None,
        }
    }

    /// Sends a payload as CXone does, signed now.
    pub(crate) async fn deliver(&self, payload: &Value) -> Response {
        let body = payload.to_string();
        let now = Timestamp::now();
        let signature =
            webhook_receiver::signature::sign(&SecretString::from(SECRET), now, body.as_bytes());
        let mut request = Request::new(Method::POST, "/webhooks/cxone");
        request.body = body.into();
        for (name, value) in [
            ("content-type", "application/json"),
            ("x-signature", &signature),
            ("x-timestamp", &now.as_second().to_string()),
        ] {
            request.headers.insert(
                http::HeaderName::from_bytes(name.as_bytes()).expect("a name"),
                HeaderValue::from_str(value).expect("a value"),
            );
        }
        let receiver = Arc::clone(&self.receiver);
        lambda::answer(request, |request| {
            webhook_receiver::handle(receiver, request)
        })
        .await
    }

    /// Takes messages that become visible again after a time.
    pub(crate) async fn take(&self, hidden: Duration) -> Vec<Message> {
        self.queue
            .receive(10, Duration::from_secs(1), hidden)
            .await
            .expect("messages")
    }

    /// Gives messages to the writer as Lambda does, and deletes those it does not name as failed. Gives the failed ids.
    pub(crate) async fn write(&self, messages: &[Message]) -> Vec<String> {
        let failed = invoke(&self.writer, messages).await;
        for message in messages
            .iter()
            .filter(|message| !failed.contains(&message.id))
        {
            self.queue.delete(&message.receipt).await.expect("deleted");
        }
        failed
    }

    /// Writes until the queue is empty.
    pub(crate) async fn drain(&self) {
        loop {
            let messages = self.take(Duration::from_secs(60)).await;
            if messages.is_empty() {
                return;
            }
            assert_eq!(self.write(&messages).await, Vec::<String>::new());
        }
    }

    /// A search's status and body.
    pub(crate) async fn find(&self, query: &[(&str, &str)]) -> (u16, Value) {
        let mut request = Request::new(Method::GET, "/search");
        request.deadline = Instant::now() + Duration::from_secs(30);
        request.query = query
            .iter()
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
            .collect();
        request
            .headers
            .insert("x-api-key", HeaderValue::from_static("local-key"));
        let search = Arc::clone(&self.search);
        let response =
            lambda::answer(request, |request| semantic_search::handle(search, request)).await;
        (
            response.status,
            serde_json::from_str(&response.body).expect("JSON"),
        )
    }

    /// The URL of its own database.
    pub(crate) fn database_url(&self) -> &str {
        &self.database.as_ref().expect("a database of its own").url
    }

    pub(crate) async fn rows(&self) -> u64 {
        self.vectors.count().await.expect("a count")
    }
}

/// The event that Lambda makes of messages.
pub(crate) fn sqs_event(messages: &[Message]) -> Value {
    let records: Vec<Value> = messages
        .iter()
        .map(|message| {
            json!({
                "messageId": message.id, "receiptHandle": message.receipt, "body": message.body,
                "attributes": {"ApproximateReceiveCount": message.deliveries.to_string()}, "eventSource": "aws:sqs",
            })
        })
        .collect();
    json!({ "Records": records })
}

/// Invokes the writer with a batch, as Lambda would make it of the messages.
pub(crate) async fn invoke(
    writer: &Arc<embedding_writer::Deps>,
    messages: &[Message],
) -> Vec<String> {
    let event: SqsEvent = serde_json::from_value(sqs_event(messages)).expect("an event");
    let deadline = Instant::now() + Duration::from_secs(60);
    let invocation = Invocation {
        request_id: "r".to_owned(),
        deadline,
    };
    let response = embedding_writer::handle(Arc::clone(writer), event, invocation)
        .await
        .expect("a response");
    let response = serde_json::to_value(response).expect("JSON");
    let failures = response["batchItemFailures"].as_array().expect("a list");
    failures
        .iter()
        .map(|failure| {
            failure["itemIdentifier"]
                .as_str()
                .expect("an id")
                .to_owned()
        })
        .collect()
}

/// The event of a conversation.
pub(crate) fn conversation(id: &str, timestamp: &str, subject: &str, customer: &str) -> Value {
    json!({
        "event": "conversation.completed", "timestamp": timestamp, "conversationId": id,
        "data": {"subject": subject, "transcript": {"agent": "Hello, how can I help you?", "customer": customer}}
    })
}
