//! Canaries: 40 kinds of secrets are planted in every input (live calls, chats, webhooks, reports, reasons that supervisors type), and looked for
//! in every store, log line, metric, reply, page and file.
//!
//! Everything runs in a process of its own, whose output is read: the metrics of a function are lines of its output.
//!
//! Two places hold what was said by design, and are left out: the messages of chats in the state table, which expire, and a message of
//! the queue until it was worked.

mod board;
mod secrets;

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use analytics_report::range::Period;
use bytes::Bytes;
use chat_session::session::{self, Options};
use cxone_simulator::chat::script::{Line as ChatLine, ScriptedChat};
use cxone_simulator::conversations::{Author, Fixed, Line as TranscriptLine};
use cxone_simulator::live::{Call, Line};
use cxone_simulator::{Conversations, Scenario};
use insights_core::board::ConversationKind;
use insights_http::Deadline;
use jiff::Timestamp;
use runtime::Observer;
use runtime::lambda::{self, Invocation};
use secrecy::SecretString;
use serde_json::{Value, json};
use store::queue::{AnyQueue, Queue, SqliteQueue};
use testkit::{CapturedLogs, TestFixture, demo_secrets, eventually};
use tokio_util::sync::CancellationToken;
use transcript_poller::{CallSelection, CountedBatch};

use crate::secrets::{PLANTED, Planted};

/// The agent whose chats are worked.
const CHAT_AGENT: &str = "agent-1";
/// What is said besides the secrets, by which a test knows that the words of a conversation arrived.
const LAST_WORDS: &str = "that was everything, thank you";

fn id(place: usize) -> String {
    format!("c-{place:02}")
}

fn scenario() -> Scenario {
    let mut scenario = Scenario {
        conversations: Conversations::only(PLANTED.iter().enumerate().map(past).collect()),
        ..Scenario::default()
    };
    for (place, planted) in PLANTED.iter().enumerate() {
        let turns = || planted.turns.iter().chain([&("customer", LAST_WORDS)]);
        let lines = turns().zip(0..).map(|((who, text), place)| Line {
            duration_ms: 150,
            final_after_ms: 50,
            ..Line::said(who, 200 * place, text)
        });
        scenario.calls.push(Call {
            waits: true,
            ..Call::new(&id(place), lines.collect())
        });
        scenario.chat.conversations.push(ScriptedChat {
            id: id(place),
            lines: turns()
                .map(|(who, text)| ChatLine {
                    after_ms: 20,
                    from: (*who).to_owned(),
                    text: (*text).to_owned(),
                })
                .collect(),
            transcript: true,
            ends: true,
        });
    }
    scenario
}

/// A conversation of the past, for the report.
fn past((place, planted): (usize, &Planted)) -> Fixed {
    let turns = planted.turns.iter().chain([&("customer", LAST_WORDS)]);
    Fixed {
        conversation_id: id(place),
        start_time: "2026-11-02T09:00:00Z".to_owned(),
        duration: 60,
        disposition: "resolved".to_owned(),
        lines: Some(
            turns
                .zip(0..)
                .map(|((who, text), second)| TranscriptLine {
                    author: if *who == "agent" {
                        Author::Agent
                    } else {
                        Author::Customer
                    },
                    text: (*text).to_owned(),
                    timestamp: Some(format!("2026-11-02T09:00:{:02}Z", 3 * second)),
                })
                .collect(),
        ),
    }
}

/// Returns whether a text holds a canary. Up to seven figures alone also stand in times, versions and random identifiers by chance, so
/// they count only as a word of a sentence or as a whole text.
fn is_said(text: &str, canary: &str) -> bool {
    let is_short = canary.len() <= 7 && canary.bytes().all(|byte| byte.is_ascii_digit());
    let is_border = |byte: Option<&u8>| byte.is_none_or(|byte| b" \"\\\n".contains(byte));
    text.match_indices(canary).any(|(start, _)| {
        let (before, after) = (start.checked_sub(1), start + canary.len());
        let bytes = text.as_bytes();
        !is_short
            || is_border(before.and_then(|place| bytes.get(place))) && is_border(bytes.get(after))
    })
}

/// Asserts that a place holds no part of any secret.
fn assert_clean(place: &str, bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    let found: Vec<String> = PLANTED
        .iter()
        .flat_map(|planted| {
            planted
                .canaries
                .iter()
                .map(|canary| (planted.kind, *canary))
        })
        .filter(|(_, canary)| is_said(&text, canary))
        .map(|(kind, canary)| format!("{kind}: {canary:?}"))
        .collect();
    assert!(found.is_empty(), "{place} holds {}", found.join(", "));
}

/// Returns every file below a folder.
fn files(folder: &Path) -> Vec<(String, Vec<u8>)> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).expect("a folder") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            found.extend(files(&path));
        } else {
            found.push((
                path.display().to_string(),
                std::fs::read(&path).expect("a file"),
            ));
        }
    }
    found
}

fn assert_folder_is_clean(folder: &Path) {
    let files = files(folder);
    assert!(!files.is_empty(), "nothing was written");
    for (name, bytes) in files {
        assert_clean(&name, &bytes);
    }
}

/// The variable that says what is masked in the process that works with the canaries.
const MASKED: &str = "CANARIES_REDACT_PII";

/// Returns what is masked in this process, if the process works with the canaries.
fn masked() -> Option<String> {
    std::env::var(MASKED).ok()
}

async fn fixture() -> TestFixture {
    let keys = json!([
        {"name": "floor", "key": board::KEY, "scopes": ["board"]},
    ]);
    TestFixture::builder()
        .scenario(scenario())
        .secret("api_keys", keys.to_string())
        .setting("REDACT_PII", masked().expect("a process with canaries"))
        .settings(&[
            ("POLL_IDLE_MS", "100"),
            ("CHAT_ARCHIVE_DELAY_MS", "50"),
            ("CHAT_RATE_PER_SECOND", "10000"),
            ("CHAT_RATE_CAPACITY", "1000"),
            ("REPORT_REQUESTS_PER_SECOND", "5000"),
        ])
        .start()
        .await
}

/// Past conversations become a report.
async fn write_reports() {
    let fixture = fixture().await;
    let config = analytics_report::config::Config::from_env(&fixture.env).expect("the settings");
    let deps = analytics_report::Deps::new(&fixture.backends(), config).expect("a report");
    let period = Period::between("2026-11-02", "2026-11-02").expect("a day");
    let until = Deadline::within(Duration::from_secs(120));
    let written = analytics_report::create_report(&deps, period, "reports/r/", until)
        .await
        .expect("the report");
    assert_eq!(written.with_transcript, PLANTED.len());
    let csv = fixture.folder.path().join("reports/r/conversations.csv");
    let csv = std::fs::read_to_string(csv).expect("the file");
    assert_eq!(csv.matches(LAST_WORDS).count(), PLANTED.len());
    assert_folder_is_clean(fixture.folder.path());
}

/// Live calls are followed to their last words.
async fn follow_calls() {
    let fixture = fixture().await;
    let config = data_action::config::Config::from_env(&fixture.env).expect("the settings");
    let calls = data_action::Deps::new(&fixture.backends(), config)
        .await
        .expect("live calls");
    for place in 0..PLANTED.len() {
        let path = format!("/interactions/{}", id(place));
        let request = request("PUT", &path, Bytes::new());
        let response =
            lambda::answer(request, |request| data_action::handle(&calls, request)).await;
        assert!(response.status().is_success(), "{}", response.body());
    }
    let config = transcript_poller::config::Config::from_env(&fixture.env).expect("the settings");
    let poller = transcript_poller::Deps::new(&fixture.backends(), config).await;
    let scored = Arc::new(AtomicUsize::new(0));
    let counter = Arc::clone(&scored);
    let observer = Observer::new(move |batch: CountedBatch| {
        counter.fetch_add(batch.report.segments.len(), Ordering::Relaxed);
    });
    let poller = Arc::new(poller.expect("a poller").with_observer(observer));
    let stop = CancellationToken::new();
    let stopped = stop.clone();
    let running = tokio::spawn(async move {
        transcript_poller::poll(&poller, CallSelection::Shards(vec![0]), "test", stopped).await
    });
    let world = fixture.simulator.world();
    let said: usize = PLANTED.iter().map(|planted| planted.turns.len() + 1).sum();
    eventually("every segment of every call is scored", || {
        scored.load(Ordering::Relaxed) >= said
    })
    .await;
    stop.cancel();
    running.await.expect("the poller").expect("a summary");
    for place in 0..PLANTED.len() {
        let sent = json!(world.live.attributes(&id(place))).to_string();
        assert_clean("the attributes of a call", sent.as_bytes());
        for suggestion in world.live.suggestions(&id(place)) {
            let shown = format!("{suggestion:?}");
            assert_clean("a suggestion", shown.as_bytes());
        }
    }
    for place in 0..PLANTED.len() {
        let path = format!("/interactions/{}", id(place));
        let request = request("GET", &path, Bytes::new());
        let response =
            lambda::answer(request, |request| data_action::handle(&calls, request)).await;
        assert_clean("the view of a call", response.body().as_bytes());
    }
    board::open_and_mark(&fixture, ConversationKind::Call).await;
    assert_folder_is_clean(fixture.folder.path());
}

/// Chats are worked until they are archived.
async fn work_chats() {
    let fixture = fixture().await;
    let env = fixture.env.clone().with("SENTIMENT_PROVIDER", "lexicon");
    let config = chat_session::config::Config::from_env(&env).expect("the settings");
    let deps = chat_session::Deps::new(&fixture.backends(), config).await;
    let deps = Arc::new(deps.expect("a chat session"));
    let options = Options::new("test".to_owned());
    let stop = options.stop.clone();
    let working = Arc::clone(&deps);
    let session = tokio::spawn(async move { session::run(working, CHAT_AGENT, options).await });
    let archives = fixture.folder.path().join("archive");
    eventually("every chat is archived to its last words", || {
        let complete = |place| {
            let file = archives.join(format!("{}.jsonl", id(place)));
            std::fs::read_to_string(file).is_ok_and(|archive| archive.contains(LAST_WORDS))
        };
        (0..PLANTED.len()).all(complete)
    })
    .await;
    stop.cancel();
    session.await.expect("the session").expect("a report");
    assert_folder_is_clean(&archives);
    board::open_and_mark(&fixture, ConversationKind::Chat).await;
}

/// Webhooks are embedded and searched.
async fn embed_webhooks() {
    let fixture = fixture().await;
    let queue = SqliteQueue::open(fixture.folder.path().join("queue.sqlite"), "embedding");
    let queue = queue.expect("a queue");
    let backends = fixture
        .backends()
        .with_queue(AnyQueue::Sqlite(queue.clone()));
    let config = webhook_receiver::config::Config::from_env(&fixture.env).expect("the settings");
    let receiver = webhook_receiver::Deps::new(&backends, config).expect("a receiver");
    let config = embedding_writer::config::Config::from_env(&fixture.env).expect("the settings");
    let writer = embedding_writer::Deps::new(&backends, config)
        .await
        .expect("a writer");
    for (place, planted) in PLANTED.iter().enumerate() {
        let turns: Vec<Value> = planted
            .turns
            .iter()
            .chain([&("customer", LAST_WORDS)])
            .map(|(who, text)| json!({"speaker": who, "text": text}))
            .collect();
        let body = json!({
            "event": "conversation.completed", "timestamp": Timestamp::now().to_string(), "conversationId": id(place),
            "data": {"subject": "A question", "transcript": turns},
        })
        .to_string();
        let now = Timestamp::now();
        let secret = SecretString::from(demo_secrets::WEBHOOK_SECRET);
        let signature = webhook_receiver::signature::sign(&secret, now, body.as_bytes());
        let mut request = request("POST", "/webhooks/cxone", body.into());
        let headers = request.headers_mut();
        headers.insert("content-type", "application/json".parse().expect("a value"));
        headers.insert("x-signature", signature.parse().expect("a value"));
        headers.insert("x-timestamp", now.as_second().into());
        let response = lambda::answer(request, |request| {
            webhook_receiver::handle(&receiver, request)
        })
        .await;
        assert_eq!(response.status(), 202, "{}", response.body());
    }
    loop {
        let messages = queue
            .receive(10, Duration::from_millis(100), Duration::from_secs(120))
            .await
            .expect("messages");
        if messages.is_empty() {
            break;
        }
        let records: Vec<Value> = messages
            .iter()
            .map(|message| {
                json!({"messageId": message.id, "receiptHandle": message.receipt, "body": message.body, "eventSource": "aws:sqs"})
            })
            .collect();
        let event = serde_json::from_value(json!({ "Records": records })).expect("an event");
        let invocation = Invocation {
            request_id: "r".to_owned(),
            deadline: Instant::now() + Duration::from_secs(300),
        };
        let reply = embedding_writer::handle(&writer, event, invocation).await;
        let reply = serde_json::to_value(reply.expect("a reply")).expect("JSON");
        assert_eq!(reply["batchItemFailures"], json!([]));
        for message in &messages {
            queue.delete(&message.receipt).await.expect("deleted");
        }
    }
    // What was worked is overwritten in the file of the queue.
    queue.delete_where(|_| false).await.expect("emptied");

    let config = semantic_search::config::Config::from_env(&fixture.env).expect("the settings");
    let search = semantic_search::Deps::new(&backends, config)
        .await
        .expect("a search");
    for question in ["card+number", "my+name+is", "email", "password"] {
        let request = request(
            "GET",
            &format!("/search?q={question}&limit=50"),
            Bytes::new(),
        );
        let response =
            lambda::answer(request, |request| semantic_search::handle(&search, request)).await;
        assert_eq!(response.status(), 200);
        assert!(response.body().contains('['), "masks are found");
        assert_clean("the reply of a search", response.body().as_bytes());
    }
    assert_folder_is_clean(fixture.folder.path());
}

fn request(method: &str, path: &str, body: Bytes) -> runtime::Request {
    let invocation = Invocation {
        request_id: "r".to_owned(),
        deadline: Instant::now() + Duration::from_secs(60),
    };
    http::Request::builder()
        .method(method)
        .uri(path)
        .header("x-api-key", demo_secrets::API_KEY)
        .extension(invocation)
        .body(body)
        .expect("a request")
}

#[test]
fn figures_count_where_somebody_says_them() {
    for text in ["2334", "\"text\":\"2334\"", "5425 mm hmm 2334 yes"] {
        assert!(is_said(text, "2334"), "{text}");
    }
    assert!(is_said("98480 22338", "22338") && !is_said("1795223381", "22338"));
    for text in ["0.2334", "\"at\":17952334", "a-2334-b", "12334"] {
        assert!(!is_said(text, "2334"), "{text}");
    }
    assert!(is_said("x4916/3385/", "4916/3385"));
}

/// Plants every secret in every input of this process. The tests below read what the process wrote.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "runs in a process of its own, which the other tests start"]
async fn canaries_go_through_everything() {
    if masked().is_none() {
        return;
    }
    runtime::metrics::init("canaries", "canaries");
    let logs = CapturedLogs::install_as_deployed("trace");
    write_reports().await;
    follow_calls().await;
    work_chats().await;
    embed_webhooks().await;
    runtime::metrics::flush();
    let logged = logs.text();
    assert!(
        logged.contains("the conversation was archived"),
        "{}",
        logged.len()
    );
    assert_clean("the log", logged.as_bytes());
}

/// Runs the process with the canaries, and looks for them in its output: its metrics, and whatever else it wrote.
fn assert_nothing_gets_out(masked: &str) {
    assert!(PLANTED.len() >= 40);
    let process = std::env::current_exe().expect("this program");
    let output = std::process::Command::new(process)
        .args([
            "--exact",
            "canaries_go_through_everything",
            "--ignored",
            "--nocapture",
        ])
        .env(MASKED, masked)
        .env("RUST_BACKTRACE", "0")
        .output()
        .expect("a process");
    let written = String::from_utf8_lossy(&output.stdout);
    assert!(
        output.status.success(),
        "{written}\n{}",
        String::from_utf8_lossy(&output.stderr)
    );
    let metrics: Vec<&str> = written
        .lines()
        .filter(|line| line.contains("\"_aws\""))
        .collect();
    for name in [
        "personal_data_masked",
        "report_written",
        "board_marks",
        "board_transcripts",
    ] {
        let is_named = metrics
            .iter()
            .any(|line| line.contains(&format!("\"{name}\"")));
        assert!(
            is_named,
            "{name} is in none of {} lines of metrics",
            metrics.len()
        );
    }
    assert_clean("the metrics and the output", &output.stdout);
    assert_clean("the errors", &output.stderr);
}

#[test]
fn no_secret_that_is_said_is_found_in_any_store_log_metric_page_or_file() {
    assert_nothing_gets_out("store");
}

#[test]
fn no_secret_that_is_said_is_found_anywhere_where_what_is_shown_is_masked_too() {
    assert_nothing_gets_out("always");
}
