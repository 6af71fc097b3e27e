//! The erasure of a conversation that is at the same time live, chatting, queued, dead-lettered, archived, embedded and reported: no
//! store holds anything of it afterwards, and what comes late brings nothing back.

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use admin::task::{Reply, Task};
use backends::Backends;
use backends::board::{Board, contest, read_marks};
use backends::erasure::ErasedConversations;
use backends::interactions::Interactions;
use backends::settings::{ObjectSettings, QueueSettings, StateSettings};
use bytes::Bytes;
use chat_session::records;
use insights_core::board::{AlertMark, AlertReference, BoardRow, ConversationKind, MarkKind};
use insights_core::chat::archive_key::{archive_key, card_key};
use insights_core::chat::escalation::Severity;
use insights_core::chat::message::{Message, Sender};
use insights_http::Deadline;
use jiff::{SignedDuration, Timestamp};
use runtime::config::Env;
use runtime::lambda::{self, Invocation};
use serde_json::{Value, json};
use store::objects::Objects;
use store::queue::{AnyQueue, Queue};
use store::state::{Expect, Key, Put, State, StateStore};
use store::vectors::VectorStore;
use testkit::secret_values;

use crate::embedding::invoke_writer;

/// The conversation that is erased, and what is said in it alone.
const ERASED: &str = "erased-7";
const CANARY: &str = "zanzibar-canary";
/// A conversation that stays, and what is said in it.
const KEPT: &str = "kept-8";
const KEPT_WORDS: &str = "ordinary-words";
/// The key with the scope that erases, and one without it.
const ADMIN_KEY: &str = "erasing-key";
const API_KEYS: &str = r#"[{"name":"officer","key":"erasing-key","scopes":["admin"]},
    {"name":"reader","key":"reading-key","scopes":["search","webhook","score","calls","board"]}]"#;

/// The stores of a place, and the functions that work with them.
struct World {
    state: State,
    objects: Objects,
    queue: AnyQueue,
    admin: Arc<admin::Deps>,
    writer: Arc<embedding_writer::Deps>,
}

impl World {
    async fn open(backends: &Backends, env: &Env) -> Self {
        let config = embedding_writer::config::Config::from_env(env).expect("the settings");
        let dead_letters = config.dead_letter_url.clone();
        let writer = embedding_writer::Deps::new(backends, config).await;
        let config = admin::config::Config::from_env(env).expect("the settings");
        let admin = admin::Deps::new(backends, config).await;
        let settings = StateSettings::from_env(env).expect("the settings");
        let state = backends.state(&settings).expect("the state");
        let settings = ObjectSettings::from_env(env).expect("the settings");
        let objects = backends.objects(&settings).expect("the objects");
        let settings = QueueSettings::from_env(env).expect("the settings");
        let queue = backends.queue_with_dead_letters(&settings, &dead_letters);
        Self {
            state,
            objects,
            queue: queue.expect("the queue"),
            admin: Arc::new(admin.expect("the operator's function")),
            writer: Arc::new(writer.expect("the writer")),
        }
    }

    /// Puts a conversation into every store, with these words in each.
    async fn fill(&self, id: &str, words: &str) {
        let now = Timestamp::now();
        let put = |key: Key, body: Value| Put::encode(key, &body, None).expect("an item");
        Interactions::new(self.state.clone(), 7)
            .register(id, now)
            .await
            .expect("a live call");
        let message = |kind: &str, sender: &str, at: i64| Message {
            conversation_id: id.to_owned(),
            from: Sender {
                kind: kind.to_owned(),
                id: sender.to_owned(),
            },
            text: format!("{words} {at}"),
            timestamp_ms: at,
        };
        let said = message("agent", "agent-1", 1_000);
        let text = serde_json::to_value(&said).expect("JSON");
        let refused = records::message_key(&message("customer", "u-1", 3_000));
        let items = vec![
            put(records::message_key(&said), text.clone()),
            put(records::outbound_key("agent-1", &said), text.clone()),
            put(
                records::open_key("agent-2", id),
                json!({"since_ms": 1, "ended": false}),
            ),
            put(
                records::notice_key("agent-2", id, Severity::Legal.name()),
                json!({"conversation": id, "escalation": {"phrase": words}}),
            ),
            put(
                records::set_aside_key("agent-2", &refused),
                json!({"key": refused.to_string(), "bytes": 1, "item": {"text": words}}),
            ),
            put(
                Key::new(
                    records::spill_partition("agent-2", id),
                    "00000000000000000001",
                ),
                text,
            ),
        ];
        self.state.put_many(items, now).await.expect("chat items");
        self.fill_board(id, words, now).await;

        let payload = payload(id, words);
        let events = vec![event(&payload)];
        let deadline = Deadline::within(Duration::from_secs(60));
        let indexed = self.admin.indexer.index(events, deadline).await;
        assert!(indexed.iter().all(Result::is_ok), "{indexed:?}");

        self.queue
            .send(&payload)
            .await
            .expect("a dead letter to be");
        let hidden = Duration::from_secs(60);
        let mut taken = Vec::new();
        while taken.is_empty() {
            taken = self
                .queue
                .receive(1, Duration::from_secs(1), hidden)
                .await
                .expect("a message");
        }
        let taken = taken.remove(0);
        self.queue
            .dead_letter(&taken, "tried")
            .await
            .expect("a dead letter");
        self.queue.delete(&taken.receipt).await.expect("deleted");

        // The archive and the files of a report have an earlier version each.
        let line = json!({"conversationId": id, "from": {"type": "customer", "id": "u"}, "text": words, "timestamp": 1, "source": "both"});
        let record = json!({"conversation_id": id, "text": words});
        for version in 0..2 {
            let objects = [
                (archive_key(id), format!("{line}\n")),
                (
                    format!("reports/{id}/conversations.csv"),
                    format!("conversation_id,text\n{id},{words} {version}\n{KEPT},{KEPT_WORDS}\n"),
                ),
                (format!("parts/{id}/all/00000.jsonl"), format!("{record}\n")),
                (
                    format!("parts/{id}/all/listing.json"),
                    json!({"chunks": [[record]]}).to_string(),
                ),
                (
                    format!("reports/{id}/summary.json"),
                    json!({"failed_transcripts": [{"conversation_id": id, "reason": words}]})
                        .to_string(),
                ),
            ];
            for (key, content) in objects {
                self.objects.put(&key, content).await.expect("an object");
            }
        }
        // What a finished report deletes stays as an earlier version for a while.
        let gone = format!("parts/{id}/all/00001.jsonl");
        self.objects
            .put(&gone, format!("{record}\n"))
            .await
            .expect("an object");
        self.objects.delete(&gone).await.expect("deleted");
    }

    /// Puts a conversation onto the board, with what supervisors said about it and the card that is kept of it.
    async fn fill_board(&self, id: &str, words: &str, now: Timestamp) {
        let board = Board::new(self.state.clone(), 4);
        let row = BoardRow {
            last_line: words.to_owned(),
            ..BoardRow::default()
        };
        let retention = SignedDuration::from_hours(24);
        let mark = |kind: MarkKind, at_ms: i64| AlertMark {
            alert: AlertReference {
                rule: "greeting".to_owned(),
                version: "v".to_owned(),
                at_ms,
            },
            kind,
            by: "Grace".to_owned(),
            key: "floor".to_owned(),
            at_ms,
            until_ms: None,
            reason: Some(words.to_owned()),
        };
        for kind in [ConversationKind::Call, ConversationKind::Chat] {
            board
                .write(
                    id,
                    &BoardRow {
                        kind,
                        ..row.clone()
                    },
                    now,
                )
                .await
                .expect("a row");
            let wrong = mark(
                MarkKind::Wrong,
                1_000 + i64::from(kind == ConversationKind::Chat),
            );
            board
                .mark(id, kind, &wrong, retention, now)
                .await
                .expect("a mark");
        }
        let objection = mark(MarkKind::Contested, 2_000);
        contest(&self.state, id, &objection, retention, now)
            .await
            .expect("an objection");
        let card = json!({"card": {"reason": {"quote": words}}});
        let key = Key::new(format!("interaction#{id}"), "card");
        let put = Put::encode(key, &card, None).expect("a card");
        self.state
            .put(put, Expect::Any, now)
            .await
            .expect("a kept card");
        for version in 0..2 {
            let card = json!({"version": version, "quote": words}).to_string();
            self.objects
                .put(&card_key(id), card)
                .await
                .expect("the card of a chat");
        }
    }

    /// Counts what the state table holds of a conversation on the board and beside it.
    async fn board_items(&self, id: &str) -> usize {
        let now = Timestamp::now();
        let mut items = read_marks(&self.state, id, now).await.expect("marks").len();
        let entries = Board::new(self.state.clone(), 4)
            .read(now)
            .await
            .expect("the board");
        items += entries.iter().filter(|entry| entry.id == id).count();
        let card = Key::new(format!("interaction#{id}"), "card");
        items
            + usize::from(
                self.state
                    .get(&card, now)
                    .await
                    .expect("an answer")
                    .is_some(),
            )
    }

    /// Returns everything that queue and objects hold, with earlier versions.
    async fn queue_and_objects(&self) -> String {
        let mut text = String::new();
        for entry in self.objects.list("").await.expect("a list") {
            let is_database = entry.key.contains(".sqlite");
            if let Some(content) = self.objects.get(&entry.key).await.expect("an object")
                && !is_database
            {
                text.push_str(&entry.key);
                text.push_str(&String::from_utf8_lossy(&content));
            }
        }
        for version in self
            .objects
            .list_earlier_versions("")
            .await
            .expect("a list")
        {
            if version.is_deletion {
                continue;
            }
            let content = self.objects.get_earlier(&version).await.expect("an answer");
            text.push_str(&String::from_utf8_lossy(&content.expect("a version")));
        }
        text
    }

    /// Lets the embedding writer do what is queued.
    async fn drain(&self) {
        loop {
            let messages = self
                .queue
                .receive(10, Duration::from_secs(1), Duration::from_secs(60))
                .await
                .expect("messages");
            if messages.is_empty() {
                return;
            }
            let failed = invoke_writer(&self.writer, &messages).await;
            assert_eq!(failed, Vec::<String>::new());
            for message in &messages {
                self.queue.delete(&message.receipt).await.expect("deleted");
            }
        }
    }

    async fn rows(&self) -> u64 {
        let deadline = Deadline::within(Duration::from_secs(30));
        let count = self.admin.indexer.store().count(deadline.instant()).await;
        count.expect("a count")
    }

    async fn request(&self, method: &str, path: &str, key: &str) -> (u16, Value) {
        let invocation = Invocation {
            request_id: "r".to_owned(),
            deadline: Instant::now() + Duration::from_secs(120),
        };
        let request = http::Request::builder()
            .method(method)
            .uri(path)
            .header("x-api-key", key)
            .extension(invocation)
            .body(Bytes::new())
            .expect("a request");
        let response = lambda::answer(request, |request| {
            admin::erasure_request::handle_request(&self.admin, request)
        })
        .await;
        let body = serde_json::from_str(response.body()).expect("JSON");
        (response.status().as_u16(), body)
    }

    async fn assert_recorded(&self) {
        let now = Timestamp::now();
        let erased = ErasedConversations::read(&self.state, now)
            .await
            .expect("the records");
        assert!(erased.contains(ERASED) && !erased.contains(KEPT));
        let listed = self
            .state
            .list("erasure", "", None, 10, now)
            .await
            .expect("the records");
        for item in listed {
            let shown = format!("{} {}", item.key, item.body);
            assert!(
                !shown.contains(ERASED) && !shown.contains(CANARY),
                "{shown}"
            );
            assert!(shown.contains("\"done\":true"), "{shown}");
        }
    }
}

fn payload(id: &str, words: &str) -> String {
    json!({
        "event": "conversation.completed", "timestamp": Timestamp::now().to_string(), "conversationId": id,
        "data": {"subject": "Refund", "transcript": {"agent": "Hello", "customer": format!("I said {words}")}},
    })
    .to_string()
}

fn event(payload: &str) -> insights_core::webhook::WebhookEvent {
    insights_core::webhook::WebhookEvent::parse(payload.as_bytes(), Timestamp::now())
        .expect("an event")
}

fn assert_without_canary(place: &str, text: &str) {
    assert!(!text.contains(CANARY), "{place} holds what was said");
    assert!(
        !text.contains(&format!("{ERASED},")),
        "{place} names the conversation"
    );
}

/// The bytes of all files of a folder.
fn all_bytes(folder: &Path) -> Vec<(String, Vec<u8>)> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).expect("a folder") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            found.extend(all_bytes(&path));
        } else {
            found.push((
                path.display().to_string(),
                std::fs::read(&path).expect("a file"),
            ));
        }
    }
    found
}

fn holds(bytes: &[u8], word: &str) -> bool {
    bytes
        .windows(word.len())
        .any(|window| window == word.as_bytes())
}

#[tokio::test(flavor = "multi_thread")]
async fn on_a_laptop_no_byte_of_an_erased_conversation_is_left() {
    let folder = tempfile::tempdir().expect("a folder");
    let env = Env::from_pairs([("CHAT_AGENTS", "agent-2, agent-3"), ("REDACT_PII", "off")]);
    let backends = Backends::laptop(folder.path(), secret_values(&[("api_keys", API_KEYS)]));
    let world = World::open(&backends, &env).await;
    world.fill(ERASED, CANARY).await;
    world.fill(KEPT, KEPT_WORDS).await;
    world
        .queue
        .send(&payload(ERASED, CANARY))
        .await
        .expect("a queued message");
    assert_eq!(world.rows().await, 2);
    let before = all_bytes(folder.path());
    assert!(
        before
            .iter()
            .filter(|(_, bytes)| holds(bytes, CANARY))
            .count()
            >= 5
    );

    let path = format!("/conversations/{ERASED}");
    assert_eq!(world.request("DELETE", &path, "reading-key").await.0, 403);
    assert_eq!(world.request("DELETE", &path, "no-key").await.0, 401);
    assert_eq!(world.request("GET", &path, ADMIN_KEY).await.0, 405);
    assert_eq!(world.rows().await, 2, "a refused request erases nothing");
    assert_eq!(
        world.board_items(ERASED).await,
        6,
        "rows, marks and the card"
    );
    let (status, reply) = world.request("DELETE", &path, ADMIN_KEY).await;
    assert_eq!((status, &reply["done"]), (200, &json!(true)), "{reply}");
    assert_eq!(
        (&reply["vectors"], &reply["queue_messages"]),
        (&json!(1), &json!(2))
    );
    let (status, reply) = world.request("DELETE", &path, ADMIN_KEY).await;
    assert_eq!(
        (status, &reply["objects"]),
        (200, &json!(0)),
        "a repetition is harmless"
    );

    assert_eq!(world.board_items(ERASED).await, 0);
    assert_eq!(world.board_items(KEPT).await, 6, "others stay on the board");

    // Events of before the erasure bring nothing back.
    world
        .queue
        .send(&payload(ERASED, CANARY))
        .await
        .expect("a late message");
    world.drain().await;
    assert_eq!(world.rows().await, 1);
    world.request("DELETE", &path, ADMIN_KEY).await;
    for (file, bytes) in all_bytes(folder.path()) {
        assert!(!holds(&bytes, CANARY), "{file} holds what was said");
    }
    let kept = all_bytes(folder.path());
    assert!(
        kept.iter()
            .filter(|(_, bytes)| holds(bytes, KEPT_WORDS))
            .count()
            >= 5
    );
    world.assert_recorded().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn in_aws_and_postgresql_nothing_of_an_erased_conversation_is_left() {
    let database = dev_stack::create_database();
    let aws = dev_stack::aws();
    let mut settings = dev_stack::unique_environment_on(&aws, "erasure");
    dev_stack::create_resources(&settings, &database.url).expect("the resources");
    settings.insert("CHAT_AGENTS".to_owned(), "agent-2".to_owned());
    settings.insert("REDACT_PII".to_owned(), "off".to_owned());
    let env = Env::from_pairs(
        settings
            .iter()
            .map(|(name, value)| (name.as_str(), value.as_str())),
    );
    let backends = Backends::aws(&env).await.expect("the stores");
    let world = World::open(&backends, &env).await;
    let deadline = Deadline::within(Duration::from_secs(60));
    world
        .admin
        .indexer
        .store()
        .prepare(deadline.instant())
        .await
        .expect("the tables");
    world.fill(ERASED, CANARY).await;
    world.fill(KEPT, KEPT_WORDS).await;
    world
        .queue
        .send(&payload(ERASED, CANARY))
        .await
        .expect("a queued message");
    assert!(world.queue_and_objects().await.contains(CANARY));
    assert!(state_table(&settings).await.contains(CANARY));
    assert!(vector_tables(&database.url).await.contains(CANARY));

    let task =
        || serde_json::from_value::<Task>(json!({"task": "forget", "conversation_id": ERASED}));
    let invocation = || Invocation {
        request_id: "r".to_owned(),
        deadline: Instant::now() + Duration::from_secs(600),
    };
    let reply: Reply = admin::handle(&world.admin, task().expect("a task"), invocation())
        .await
        .expect("a reply");
    assert!(reply.done, "{reply:?}");
    assert_eq!(
        (reply.counts["deleted"], reply.counts["queue_messages"]),
        (1, 1)
    );
    assert_eq!(world.board_items(ERASED).await, 0);
    assert_eq!(world.board_items(KEPT).await, 6, "others stay on the board");
    // A message that waited in the queue is dropped when its turn comes.
    world.drain().await;

    assert_without_canary("a bucket", &world.queue_and_objects().await);
    let table = state_table(&settings).await;
    assert_without_canary("the table", &table);
    assert!(table.contains(KEPT_WORDS));
    let vectors = vector_tables(&database.url).await;
    assert_without_canary("the database", &vectors);
    assert!(vectors.contains(KEPT_WORDS));
    let letters = world.admin.dead_letters.as_ref().expect("dead letters");
    let letters = letters
        .hold(Duration::from_secs(30))
        .await
        .expect("dead letters");
    let left: String = letters.iter().map(|letter| letter.body.as_str()).collect();
    assert_without_canary("a dead letter", &left);
    assert!(left.contains(KEPT_WORDS), "others stay");
    world.assert_recorded().await;
}

/// Everything that the state table holds, as text.
async fn state_table(settings: &dev_stack::Settings) -> String {
    let config = store::aws::load_config(Some(&settings["AWS_ENDPOINT_URL"])).await;
    let client = aws_sdk_dynamodb::Client::new(&config);
    let mut pages = client
        .scan()
        .table_name(&settings["STATE_TABLE"])
        .into_paginator()
        .send();
    let mut text = String::new();
    while let Some(page) = pages.next().await {
        let page = page.expect("a page");
        text.push_str(&format!("{:?}", page.items()));
    }
    text
}

/// Everything that the tables of vectors hold, as text.
async fn vector_tables(url: &str) -> String {
    let (client, connection) = tokio_postgres::connect(url, tokio_postgres::NoTls)
        .await
        .expect("a connection");
    let running = tokio::spawn(connection);
    let mut text = String::new();
    for table in ["conversation_embeddings", "conversation_removals"] {
        let rows = client
            .query(&format!("SELECT row_to_json(t)::text FROM {table} t"), &[])
            .await
            .expect("rows");
        for row in rows {
            text.push_str(row.get::<_, &str>(0));
        }
    }
    running.abort();
    text
}
