//! A database that hangs, forgets connections, is missing or comes late.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

use super::*;

/// A network that forgets connections: it swallows what is sent on those that are open when it forgets, and forwards later
/// ones.
struct ForgetfulNetwork {
    url: String,
    connections: Arc<AtomicUsize>,
    forgotten: Arc<tokio::sync::watch::Sender<usize>>,
    is_away: Arc<AtomicBool>,
}

impl ForgetfulNetwork {
    async fn before(url: &str) -> Self {
        let (user, rest) = url.split_once('@').unwrap();
        let (address, name) = rest.split_once('/').unwrap();
        let server: SocketAddr = address.replace("localhost", "127.0.0.1").parse().unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("{user}@{}/{name}", listener.local_addr().unwrap());
        let network = Self {
            url,
            connections: Arc::default(),
            forgotten: Arc::new(tokio::sync::watch::channel(0).0),
            is_away: Arc::default(),
        };
        let (connections, forgotten) = (
            Arc::clone(&network.connections),
            Arc::clone(&network.forgotten),
        );
        let is_away = Arc::clone(&network.is_away);
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                if is_away.load(Ordering::Relaxed) {
                    continue;
                }
                let number = connections.fetch_add(1, Ordering::Relaxed) + 1;
                let server = TcpStream::connect(server).await.unwrap();
                let (from_client, to_client) = client.into_split();
                let (from_server, to_server) = server.into_split();
                for (from, to) in [(from_client, to_server), (from_server, to_client)] {
                    tokio::spawn(forward(from, to, number, forgotten.subscribe()));
                }
            }
        });
        network
    }

    /// Forgets the connections that are open now.
    fn forget(&self) {
        self.forgotten
            .send_replace(self.connections.load(Ordering::Relaxed));
    }

    fn store(&self, connections: usize) -> PgVectors {
        let url = SecretString::from(self.url.clone());
        PgVectors::new(&url, SOURCE, model("first", 4), connections).unwrap()
    }
}

async fn forward(
    mut from: tokio::net::tcp::OwnedReadHalf,
    mut to: tokio::net::tcp::OwnedWriteHalf,
    number: usize,
    forgotten: tokio::sync::watch::Receiver<usize>,
) {
    let mut buffer = vec![0; 16 * 1024];
    loop {
        let length = from.read(&mut buffer).await.unwrap_or(0);
        if *forgotten.borrow() >= number {
            if length == 0 {
                return;
            }
            continue;
        }
        if length == 0 || to.write_all(&buffer[..length]).await.is_err() {
            return;
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_forgotten_connection_is_replaced_within_the_same_call() {
    let database = dev_stack::create_database();
    let network = ForgetfulNetwork::before(&database.url).await;
    let store = network.store(2);
    store
        .replace(&[conversation("a", 0, "h", &[0.0], "x")], soon())
        .await
        .unwrap();
    let question = query(0.0, 10, json!({}));
    let (one, two) = tokio::join!(store.search(&question, soon()), store.count(soon()));
    assert_eq!((one.unwrap().len(), two.unwrap()), (1, 1));
    network.forget();
    let before = network.connections.load(Ordering::Relaxed);
    for _ in 0..4 {
        let deadline = Instant::now() + Duration::from_secs(8);
        assert_eq!(store.search(&question, deadline).await.unwrap().len(), 1);
    }
    let new = network.connections.load(Ordering::Relaxed) - before;
    assert!((1..=2).contains(&new), "{new} connections were opened");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_statement_that_outlives_its_caller_is_canceled_and_its_connection_given_up() {
    let (database, store) = postgres(4).await;
    let client = raw_client(&database.0.url).await;
    // PostgreSQL shows one transaction the same activity again and again: another connection looks.
    let observer = raw_client(&database.0.url).await;
    // The table is locked, so that statements wait.
    client
        .batch_execute("BEGIN; LOCK TABLE conversation_embeddings IN ACCESS EXCLUSIVE MODE")
        .await
        .unwrap();
    let single = PgVectors::new(
        &SecretString::from(database.0.url.clone()),
        SOURCE,
        model("first", 4),
        1,
    )
    .unwrap();
    let waiting = single.clone();
    // The caller gives up, as an invocation does that is cut off.
    let caller = tokio::spawn(async move { waiting.count(soon()).await });
    until(async || lock_waits(&observer).await == 1).await;
    caller.abort();
    until(async || lock_waits(&observer).await == 0).await;
    client.batch_execute("ROLLBACK").await.unwrap();
    assert_eq!(single.count(soon()).await.unwrap(), 0);
    drop(store);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_database_ends_a_statement_at_the_callers_deadline() {
    let (database, store) = postgres(4).await;
    let client = raw_client(&database.0.url).await;
    let observer = raw_client(&database.0.url).await;
    client
        .batch_execute("BEGIN; LOCK TABLE conversation_embeddings IN ACCESS EXCLUSIVE MODE")
        .await
        .unwrap();
    let deadline = Instant::now() + Duration::from_millis(500);
    let error = store.count(deadline).await.unwrap_err();
    assert!(error.is_retryable(), "{error}");
    until(async || lock_waits(&observer).await == 0).await;
}

/// Returns the number of statements of the database that wait for a lock.
async fn lock_waits(observer: &tokio_postgres::Client) -> i64 {
    let waits = "SELECT count(*) FROM pg_stat_activity
        WHERE datname = current_database() AND wait_event_type = 'Lock'";
    observer.query_one(waits, &[]).await.unwrap().get(0)
}

/// Waits until something holds.
async fn until(holds: impl AsyncFn() -> bool) {
    let limit = Instant::now() + Duration::from_secs(20);
    while !holds().await {
        assert!(Instant::now() < limit, "it never held");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_store_opens_before_its_database_and_finds_it_later() {
    let database = dev_stack::create_database();
    let network = ForgetfulNetwork::before(&database.url).await;
    network.is_away.store(true, Ordering::Relaxed);
    let is_named = Arc::new(AtomicBool::new(false));
    let (named, url) = (Arc::clone(&is_named), network.url.clone());
    let read_url: ReadUrl = Arc::new(move |_| {
        let url = named.load(Ordering::Relaxed).then(|| url.clone());
        Box::pin(async move {
            url.map(SecretString::from).ok_or_else(|| Error::Missing {
                what: "the key database_url of the secret".to_owned(),
                source: None,
            })
        })
    });
    let store =
        PgVectors::with_url_source(read_url, SOURCE, model("first", 4), 2, Access::ReadWrite)
            .unwrap();
    let error = store.count(soon()).await.unwrap_err();
    assert!(error.to_string().contains("database_url"), "{error}");
    is_named.store(true, Ordering::Relaxed);
    assert!(store.count(soon()).await.unwrap_err().is_retryable());
    network.is_away.store(false, Ordering::Relaxed);
    assert_eq!(store.count(soon()).await.unwrap(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_user_that_only_reads_can_search_and_nothing_else() {
    let (database, store) = postgres(4).await;
    store
        .replace(&[conversation("a", 0, "h", &[0.0], "x")], soon())
        .await
        .unwrap();
    let client = raw_client(&database.0.url).await;
    let role = dev_stack::unique("reader").replace('-', "_");
    client
        .batch_execute(&format!(
            "CREATE ROLE {role} LOGIN PASSWORD 'r';
             GRANT SELECT ON conversation_embeddings, conversation_embeddings_schema TO {role}"
        ))
        .await
        .unwrap();
    let (scheme, rest) = database.0.url.split_once("://").unwrap();
    let url = format!("{scheme}://{role}:r@{}", rest.split_once('@').unwrap().1);
    let reader = PgVectors::with_url_source(
        url_source(&url),
        SOURCE,
        model("first", 4),
        1,
        Access::ReadOnly,
    )
    .unwrap();
    let question = query(0.0, 10, json!({}));
    assert_eq!(reader.search(&question, soon()).await.unwrap().len(), 1);
    let filtered = query(0.0, 10, json!({"intent_category": "x"}));
    assert_eq!(reader.search(&filtered, soon()).await.unwrap().len(), 1);
    let refused = reader
        .replace(&[conversation("b", 0, "h", &[0.0], "x")], soon())
        .await;
    assert!(matches!(refused, Err(Error::Missing { .. })), "{refused:?}");
    client
        .batch_execute(&format!("DROP OWNED BY {role}; DROP ROLE {role}"))
        .await
        .unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_program_of_before_writes_and_a_search_reads_a_database_of_either_version() {
    let database = Postgres(dev_stack::create_database());
    let client = raw_client(&database.0.url).await;
    let first = include_str!("../postgres/schema.sql").replace("{dimension}", "4");
    client.batch_execute(&first).await.unwrap();
    client
        .batch_execute(
            "CREATE TABLE conversation_embeddings_schema (version integer PRIMARY KEY, applied_at timestamptz NOT NULL DEFAULT now());
             INSERT INTO conversation_embeddings_schema (version) VALUES (1)",
        )
        .await
        .unwrap();
    let write = "SELECT replace_conversation_embeddings('nice_cxone', 'first', ARRAY['a'], ARRAY[to_timestamp(1700000001)], ARRAY['h'],
        ARRAY[gen_random_uuid()], ARRAY[1], ARRAY[0], ARRAY['text'], ARRAY['[1,0,0,0]'::vector], ARRAY['{}'::jsonb])";
    client.batch_execute(write).await.unwrap();
    let question = query(0.0, 10, json!({}));
    let reader = database.reader(model("first", 4));
    assert_eq!(reader.search(&question, soon()).await.unwrap().len(), 1);

    let store = database.store(model("first", 4)).await;
    assert_eq!(reader.search(&question, soon()).await.unwrap().len(), 1);
    // What was stored before has no digest and gives way to the same event.
    let same = conversation("a", 1, "h2", &[0.0, 1.0], "x");
    assert_eq!(
        store.replace(&[same], soon()).await.unwrap(),
        [ReplaceOutcome::Stored]
    );
    store.forget("a", at(9), soon()).await.unwrap();
    client.batch_execute(write).await.unwrap();
    assert_eq!(store.count(soon()).await.unwrap(), 0, "the removal holds");
}

#[test]
fn a_model_whose_name_cannot_be_stored_is_refused_at_start() {
    let url = SecretString::from("postgres://u:p@localhost/x".to_owned());
    for name in ["", "a\0b", &"x".repeat(1001)] {
        let refused = PgVectors::new(&url, SOURCE, model(name, 4), 1);
        assert!(matches!(refused, Err(Error::Missing { .. })));
    }
    PgVectors::new(&url, SOURCE, model(&"x".repeat(1000), 4), 1).unwrap();
}
