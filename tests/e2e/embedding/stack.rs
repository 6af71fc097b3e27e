//! The embedding pipeline on real servers: PostgreSQL, SQS, and the shipped model or the simulated embeddings service.

use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use aws_lambda_events::sqs::SqsEvent;
use backends::settings::DatabaseSecretSettings;
use backends::{Backends, secret_key};
use bytes::Bytes;
use embedding::provider::{EmbeddingProvider, Provider};
use embedding::settings::EmbeddingSettings;
use embedding::setup::build_provider;
use insights_http::Deadline;
use insights_http::client::IdleConnections;
use jiff::Timestamp;
use runtime::Response;
use runtime::config::Env;
use runtime::lambda::{self, Invocation};
use secrecy::SecretString;
use serde_json::{Value, json};
use store::aws::SdkConfig;
use store::queue::{AnyQueue, Message, Queue, Sqs};
use store::state::{DynamoState, State};
use store::vectors::{Access, VectorStore, Vectors};
use testkit::{TcpProxy, demo_secrets, secret_values, secrets_of};
use tokio::sync::OnceCell;

/// The three functions of the embedding pipeline, and the servers behind them.
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

/// Stores that the functions reach in another way than usual.
#[derive(Default)]
struct Stores {
    queue: Option<SdkConfig>,
    state: Option<State>,
}

/// Returns the configuration of clients that reach the AWS services through a proxy.
async fn through(proxy: &TcpProxy) -> SdkConfig {
    store::aws::load_config(Some(&format!("http://{}", proxy.addr()))).await
}

/// Starts a proxy in front of a database, and returns the URL of the database behind it.
pub(crate) async fn proxy_of(database: &dev_stack::Database) -> (TcpProxy, String) {
    let (user, rest) = database.url.split_once('@').expect("a user");
    let (address, name) = rest.split_once('/').expect("a name");
    let server: SocketAddr = address
        .replace("localhost", "127.0.0.1")
        .parse()
        .expect("an address");
    let proxy = TcpProxy::start(server).await;
    let url = format!("{user}@{}/{name}", proxy.addr());
    (proxy, url)
}

/// Returns stores in a folder, with a database.
pub(crate) fn backends(folder: &Path, database_url: &str) -> Backends {
    Backends::laptop(folder, secret_values(&[("database_url", database_url)]))
}

/// Returns the provider that an environment names.
pub(crate) async fn provider(env: &Env) -> Provider {
    let settings = EmbeddingSettings::from_env(env).expect("the settings");
    let key = secret_key(&secrets_of(&[]), "openai_api_key");
    build_provider(&settings, key, IdleConnections::Keep)
        .await
        .expect("a provider")
}

/// Opens the vectors in the database of the secrets.
pub(crate) async fn open_vectors(
    backends: &Backends,
    provider: &Provider,
    env: &Env,
) -> anyhow::Result<Vectors> {
    let secrets = backends.secrets(&DatabaseSecretSettings::from_env(env)?.id)?;
    let settings = EmbeddingSettings::from_env(env)?;
    let model = provider.model().clone();
    let vectors = backends
        .vectors(&secrets, model, settings.connections, Access::ReadWrite)
        .await?;
    vectors
        .prepare(Deadline::within(Duration::from_secs(60)).instant())
        .await?;
    Ok(vectors)
}

/// Returns the shipped model, which is loaded once for all tests.
pub(crate) async fn local_provider() -> Provider {
    static PROVIDER: OnceCell<Provider> = OnceCell::const_new();
    PROVIDER
        .get_or_init(|| async { provider(&Env::default()).await })
        .await
        .clone()
}

impl Stack {
    /// Starts a stack with a database of its own and the shipped model.
    pub(crate) async fn start() -> Self {
        let database = dev_stack::create_database();
        let mut stack = Self::on(&database.url, local_provider().await, &Env::default()).await;
        stack.database = Some(database);
        stack
    }

    /// Starts a stack with a database of its own and the shipped model, whose queue and state table are reached through proxies.
    pub(crate) async fn behind(queue: &TcpProxy, state: &TcpProxy) -> Self {
        let database = dev_stack::create_database();
        let state = through(state).await;
        let table = DynamoState::new(&state, dev_stack::unique("state"));
        table.create_table().await.expect("a table");
        let stores = Stores {
            queue: Some(through(queue).await),
            state: Some(State::Dynamo(table)),
        };
        let provider = local_provider().await;
        let mut stack = Self::with(&database.url, provider, &Env::default(), stores).await;
        stack.database = Some(database);
        stack
    }

    /// Starts a stack on a given database with the shipped model, whose queue is reached through a proxy.
    pub(crate) async fn on_through(database_url: &str, queue: &TcpProxy) -> Self {
        let stores = Stores {
            queue: Some(through(queue).await),
            ..Stores::default()
        };
        let provider = local_provider().await;
        Self::with(database_url, provider, &Env::default(), stores).await
    }

    /// Starts a stack on a given database, with a given provider and more settings.
    pub(crate) async fn on(database_url: &str, provider: Provider, env: &Env) -> Self {
        Self::with(database_url, provider, env, Stores::default()).await
    }

    async fn with(database_url: &str, provider: Provider, env: &Env, stores: Stores) -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let aws = store::aws::load_config(Some(&dev_stack::aws().endpoint_url)).await;
        let dead = Sqs::create(&aws, &dev_stack::unique("dead"))
            .await
            .expect("a queue");
        let url = Sqs::create(&aws, &dev_stack::unique("embedding"))
            .await
            .expect("a queue");
        let of_queue = stores.queue.as_ref().unwrap_or(&aws);
        let queue = Sqs::new(of_queue, url.clone(), Some(dead.clone()));
        let env = env.clone().with("DATABASE_CONNECTIONS", "4");
        let backends = backends(folder.path(), database_url).with_queue(AnyQueue::Sqs(queue));
        let backends = match stores.state {
            Some(state) => backends.with_state(state),
            None => backends,
        };
        let vectors = open_vectors(&backends, &provider, &env)
            .await
            .expect("the vectors");
        let backends = backends.with_vectors(vectors.clone());
        let settings = EmbeddingSettings::from_env(&env).expect("the settings");
        let settings = settings.with_provider(provider);
        let config = webhook_receiver::config::Config::from_env(&env).expect("the settings");
        let receiver = webhook_receiver::Deps::new(&backends, config).expect("a receiver");
        let config = embedding_writer::config::Config::from_env(&env).expect("the settings");
        let config = config.with_embedding(settings.clone());
        let writer = embedding_writer::Deps::new(&backends, config).await;
        let config = semantic_search::config::Config::from_env(&env).expect("the settings");
        let config = config.with_embedding(settings);
        let search = semantic_search::Deps::new(&backends, config).await;
        Self {
            receiver: Arc::new(receiver),
            writer: Arc::new(writer.expect("a writer")),
            search: Arc::new(search.expect("a search")),
            vectors,
            queue: Sqs::new(&aws, url, Some(dead.clone())),
            dead_letters: Sqs::new(&aws, dead, None),
            _folder: folder,
            database: None,
        }
    }

    /// Sends a webhook payload as CXone does, signed with the current time.
    pub(crate) async fn deliver(&self, payload: &Value) -> Response {
        let body = payload.to_string();
        let now = Timestamp::now();
        let signature = webhook_receiver::signature::sign(
            &SecretString::from(demo_secrets::WEBHOOK_SECRET),
            now,
            body.as_bytes(),
        );
        let request = http::Request::post("/webhooks/cxone")
            .header("content-type", "application/json")
            .header("x-signature", signature)
            .header("x-timestamp", now.as_second())
            .body(body.into())
            .expect("a request");
        lambda::answer(request, |request| {
            webhook_receiver::handle(&self.receiver, request)
        })
        .await
    }

    /// Receives messages of the queue, which become visible again after `hidden`.
    pub(crate) async fn take(&self, hidden: Duration) -> Vec<Message> {
        self.queue
            .receive(10, Duration::from_secs(1), hidden)
            .await
            .expect("messages")
    }

    /// Passes messages to the embedding writer as Lambda does, deletes the messages that the writer does not report as failed,
    /// and returns the ids of those that failed.
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

    /// Passes messages to the embedding writer until the queue is empty.
    pub(crate) async fn drain(&self) {
        loop {
            let messages = self.take(Duration::from_secs(60)).await;
            if messages.is_empty() {
                return;
            }
            assert_eq!(self.write(&messages).await, Vec::<String>::new());
        }
    }

    /// Searches and returns the status and the body of the answer.
    pub(crate) async fn find(&self, query: &[(&str, &str)]) -> (u16, Value) {
        let query = url::form_urlencoded::Serializer::new(String::new())
            .extend_pairs(query)
            .finish();
        let invocation = Invocation {
            request_id: "r".to_owned(),
            deadline: Instant::now() + Duration::from_secs(30),
        };
        let request = http::Request::get(format!("/search?{query}"))
            .header("x-api-key", demo_secrets::API_KEY)
            .extension(invocation)
            .body(Bytes::new())
            .expect("a request");
        let response = lambda::answer(request, |request| {
            semantic_search::handle(&self.search, request)
        })
        .await;
        (
            response.status().as_u16(),
            serde_json::from_str(response.body()).expect("JSON"),
        )
    }

    /// Returns the URL of the stack's own database.
    pub(crate) fn database_url(&self) -> &str {
        &self.database.as_ref().expect("a database of its own").url
    }

    /// Returns the number of stored vectors.
    pub(crate) async fn rows(&self) -> u64 {
        let deadline = Deadline::within(Duration::from_secs(30));
        let count = self.vectors.count(deadline.instant()).await;
        count.expect("a count")
    }
}

/// Returns the event that Lambda makes of a batch of messages.
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

/// Invokes the embedding writer with a batch of messages and returns the ids of those that failed.
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
    let response = embedding_writer::handle(writer, event, invocation)
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

/// Returns the webhook payload of a finished conversation.
pub(crate) fn conversation(id: &str, timestamp: &str, subject: &str, customer: &str) -> Value {
    json!({
        "event": "conversation.completed", "timestamp": timestamp, "conversationId": id,
        "data": {"subject": subject, "transcript": {"agent": "Hello, how can I help you?", "customer": customer}}
    })
}
