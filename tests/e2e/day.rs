//! A day of all functions: the programs that are deployed, invoked by `cargo lambda`, on emulated AWS services,
//! PostgreSQL and the simulated contact center.

use std::time::Duration;

use cxone_simulator::chat::script::{Line as ChatLine, ScriptedChat};
use cxone_simulator::live::{Call, Line};
use cxone_simulator::{Handle, Scenario, Simulator};
use dev_stack::{Aws, Settings};
use insights_core::chat::archive_key::is_archive_key;
use jiff::Timestamp;
use secrecy::SecretString;
use serde_json::{Value, json};
use store::objects::Objects;
use store::queue::{Queue, Sqs};

use e2e::programs::FunctionPrograms;
use testkit::events::event;
use testkit::{FUNCTIONS, demo_secrets, eventually_async};

use crate::embedding::sqs_event;

/// Words of customers, and secrets: no function may log any of them.
const NEVER_LOGGED: [&str; 7] = [
    "frustrated",
    "zanzibar",
    "marmalade",
    demo_secrets::API_KEY,
    demo_secrets::WEBHOOK_SECRET,
    demo_secrets::CLIENT_SECRET,
    demo_secrets::CLIENT_ID,
];

fn scenario() -> Scenario {
    let said = [
        ("agent", "Good morning, how can I help you?"),
        (
            "customer",
            "Hello, thank you, it is about my parcel to zanzibar.",
        ),
        (
            "customer",
            "It is late again, that is really annoying and disappointing.",
        ),
        (
            "customer",
            "I am furious, this is the worst service I have ever had.",
        ),
        ("agent", "I am refunding it right now."),
        ("customer", "I hate this, I want my money back now."),
    ];
    let lines = (0..)
        .zip(said)
        .map(|(place, (who, text))| Line {
            duration_ms: 900,
            final_after_ms: 100,
            repeats: place == 1,
            ..Line::said(who, 1000 * place, text)
        })
        .collect();
    let chat = |id: &str, lines: &[(&str, &str)]| ScriptedChat {
        id: id.to_owned(),
        lines: lines
            .iter()
            .map(|(from, text)| ChatLine {
                after_ms: 200,
                from: (*from).to_owned(),
                text: (*text).to_owned(),
            })
            .collect(),
        transcript: true,
        ends: true,
    };
    let mut scenario = Scenario::default();
    scenario.calls.push(Call {
        waits: true,
        ..Call::new("call-8842", lines)
    });
    scenario.chat.conversations = vec![
        chat(
            "chat-1",
            &[
                ("customer", "My marmalade arrived broken."),
                ("agent", "I am sorry to hear that."),
                ("customer", "I will talk to my lawyer about this."),
            ],
        ),
        chat("chat-2", &[("customer", "Thanks!"), ("agent", "Any time.")]),
    ];
    scenario.conversations.per_day = 40;
    scenario
}

/// Returns the environment of `events/local.env` with the addresses of these servers and with resource names that no other
/// test uses.
fn settings(aws: &Aws, cxone_url: &str) -> Settings {
    let mut settings = dev_stack::unique_environment_on(aws, "day");
    settings.insert("CXONE_BASE_URL".to_owned(), cxone_url.to_owned());
    settings
}

/// The programs of all functions, and the servers on which they work.
struct Day {
    programs: FunctionPrograms,
    simulator: Handle,
    objects: Objects,
    queue: Sqs,
    /// Receives what is published to the topic of escalations.
    escalations: Sqs,
    _database: dev_stack::Database,
}

impl Day {
    async fn start() -> Self {
        let simulator = Simulator::start(scenario()).await.expect("the simulator");
        let aws = dev_stack::aws();
        let database = dev_stack::create_database();
        let settings = settings(&aws, &simulator.url());
        dev_stack::create_resources(&settings, &database.url).expect("the resources");
        let config = store::aws::load_config(Some(&aws.endpoint_url)).await;
        let queue = Sqs::new(&config, settings["EMBEDDING_QUEUE_URL"].clone(), None);
        let escalations_url = Sqs::create(&config, &dev_stack::unique("escalations"))
            .await
            .expect("a queue");
        let topic = &settings["ESCALATION_TOPIC_ARN"];
        subscribe(&aws.endpoint_url, topic, &escalations_url).await;
        let escalations = Sqs::new(&config, escalations_url, None);
        let objects =
            Objects::open_bucket(&config, &settings["OBJECT_BUCKET"]).expect("the bucket");
        let mut programs = FunctionPrograms::start(settings).await;
        for function in FUNCTIONS {
            programs.start_program(function.name);
        }
        Self {
            programs,
            simulator,
            objects,
            queue,
            escalations,
            _database: database,
        }
    }

    /// Invokes an HTTP function with a file of `events/` and returns the status and the body of the answer.
    async fn call(&self, function: &str, name: &str) -> (u64, Value) {
        status_and_body(&self.programs.invoke(function, name).await)
    }

    /// Invokes an HTTP function with an event that is given as JSON and returns the status and the body of the answer.
    async fn call_with_event(&self, function: &str, event: &Value) -> (u64, Value) {
        status_and_body(&self.programs.invoke_event(function, event).await)
    }

    /// Passes every message of the queue to the embedding writer, as Lambda does, deletes the messages that the writer does
    /// not report as failed, and returns the number of failures.
    async fn drain(&self) -> usize {
        let mut failed = 0;
        loop {
            let messages = self
                .queue
                .receive(10, Duration::from_secs(1), Duration::from_secs(60))
                .await
                .expect("messages");
            if messages.is_empty() {
                return failed;
            }
            let reply = self
                .programs
                .invoke_event("embedding-writer", &sqs_event(&messages))
                .await;
            let failures = reply["batchItemFailures"].as_array().expect("a list");
            failed += failures.len();
            for message in messages {
                if failures
                    .iter()
                    .all(|failure| failure["itemIdentifier"] != message.id.as_str())
                {
                    self.queue.delete(&message.receipt).await.expect("deleted");
                }
            }
        }
    }
}

/// Subscribes a queue of the emulator to a topic of the emulator.
async fn subscribe(endpoint: &str, topic: &str, queue_url: &str) {
    let name = queue_url.rsplit('/').next().expect("a name");
    let queue = format!("arn:aws:sqs:us-east-1:123456789012:{name}");
    let form = [
        ("Action", "Subscribe"),
        ("Version", "2010-03-31"),
        ("TopicArn", topic),
        ("Protocol", "sqs"),
        ("Endpoint", &queue),
    ];
    let scope = "AWS4-HMAC-SHA256 Credential=local/20261121/us-east-1/sns/aws4_request, SignedHeaders=host, Signature=0";
    let answer = insights_http::client::build_client(insights_http::client::IdleConnections::Close)
        .expect("a client")
        .post(endpoint)
        .header("authorization", scope)
        .form(&form)
        .send()
        .await
        .expect("an answer");
    assert!(answer.status().is_success(), "{answer:?}");
}

fn status_and_body(reply: &Value) -> (u64, Value) {
    let body = reply["body"].as_str().expect("a body");
    (
        reply["statusCode"].as_u64().expect("a status"),
        serde_json::from_str(body).expect("JSON"),
    )
}

/// Returns the event of a request for the live interaction `call-8842`, made of an event that asks for the health.
fn interaction_event(method: &str) -> Value {
    let mut event = event("data-action-health.json");
    let path = "/interactions/call-8842";
    event["rawPath"] = json!(path);
    event["routeKey"] = json!(format!("{method} /interactions/{{id}}"));
    event["requestContext"]["http"]["method"] = json!(method);
    event["requestContext"]["http"]["path"] = json!(path);
    event["headers"]["x-api-key"] = json!(demo_secrets::API_KEY);
    event
}

/// Returns the webhook event of `events/` with a signature of the current time.
fn signed_webhook_event() -> Value {
    let mut event = event("webhook-receiver-signed.json");
    let body = event["body"].as_str().expect("a body");
    let now = Timestamp::now();
    let secret = SecretString::from(demo_secrets::WEBHOOK_SECRET);
    let signature = webhook_receiver::signature::sign(&secret, now, body.as_bytes());
    event["headers"]["x-signature"] = json!(signature);
    event["headers"]["x-timestamp"] = json!(now.as_second().to_string());
    event
}

/// Checks the Data Action: a Studio script asks for scores.
async fn check_data_action(day: &Day) {
    let (status, bad) = day.call("data-action", "data-action-json.json").await;
    assert_eq!(status, 200, "{bad}");
    assert!(
        bad["sentiment_score"].as_f64().expect("a score") < 0.3,
        "{bad}"
    );
    assert_eq!(bad["alert_triggered"], true, "{bad}");
    let (_, good) = day.call("data-action", "data-action-positive.json").await;
    assert!(
        good["sentiment_score"].as_f64().expect("a score") > 0.7,
        "{good}"
    );
    assert_eq!(good["alert_triggered"], false, "{good}");
    let (status, _) = day.call("data-action", "data-action-form.json").await;
    assert_eq!(status, 200);
    for (name, status) in [
        ("data-action-wrong-key.json", 401),
        ("data-action-no-key.json", 401),
        ("data-action-empty-text.json", 400),
        ("data-action-invalid-utf8.json", 400),
        ("data-action-wrong-content-type.json", 415),
    ] {
        let (answered, body) = day.call("data-action", name).await;
        assert_eq!(answered, status, "{name}: {body}");
        assert_eq!(body["error"]["retryable"], false, "{name}: {body}");
    }
    let (status, health) = day.call("data-action", "data-action-health.json").await;
    assert_eq!(status, 200, "{health}");
    let response =
        insights_http::client::build_client(insights_http::client::IdleConnections::Close)
            .expect("a client")
            .post(
                day.programs
                    .function_url("data-action", "/data-actions/sentiment"),
            )
            .header("x-api-key", demo_secrets::API_KEY)
            .json(&json!({"interaction_text": "I am extremely frustrated with this service."}))
            .send()
            .await
            .expect("an answer");
    assert_eq!(response.status(), 200);
    let reply: Value = response.json().await.expect("JSON");
    assert_eq!(reply["alert_triggered"], true, "{reply}");
}

/// Checks the poller: a call goes bad while it is polled, the poller is killed meanwhile, and the next invocation continues.
async fn check_live_call(day: &mut Day) {
    let put = interaction_event("PUT");
    let (status, body) = day.call_with_event("data-action", &put).await;
    assert!((200..300).contains(&status), "{status} {body}");
    {
        let day = &*day;
        let poller = day
            .programs
            .invoke("transcript-poller", "transcript-poller-schedule.json");
        let first = eventually_async("the call has attributes", async || {
            !day.simulator
                .world()
                .live
                .attributes("call-8842")
                .is_empty()
        });
        tokio::select! {
            reply = poller => panic!("the poller ended by itself: {reply}"),
            () = first => {}
        }
    }
    day.programs.kill_program("transcript-poller");
    day.programs.start_program("transcript-poller");
    let day = &*day;
    let poller = day
        .programs
        .invoke("transcript-poller", "transcript-poller-schedule.json");
    let scored = async {
        eventually_async("the agent gets a suggestion", async || {
            !day.simulator
                .world()
                .live
                .suggestions("call-8842")
                .is_empty()
        })
        .await;
        eventually_async("all segments are scored", async || {
            let (_, shown) = day
                .call_with_event("data-action", &interaction_event("GET"))
                .await;
            shown["segments"].as_array().map(Vec::len) == Some(6)
        })
        .await;
        let (status, _) = day
            .call_with_event("data-action", &interaction_event("DELETE"))
            .await;
        assert!((200..300).contains(&status), "{status}");
    };
    let (reply, ()) = tokio::join!(poller, scored);
    assert!(reply.is_object(), "{reply}");
    let live = &day.simulator.world().live;
    assert_eq!(live.suggestions("call-8842").len(), 1);
    let attributes = live.attributes("call-8842");
    let score: f64 = attributes["realtime_sentiment_score"]
        .as_str()
        .expect("text")
        .parse()
        .expect("a number");
    assert!((0.0..0.5).contains(&score), "{attributes:?}");
}

/// Checks the embedding pipeline: finished conversations are found by a search, a repeated delivery adds nothing, and an
/// unreadable message becomes a dead letter with its reason.
async fn check_embedding_pipeline(day: &Day) {
    let signed = signed_webhook_event();
    let (status, body) = day.call_with_event("webhook-receiver", &signed).await;
    assert_eq!(status, 202, "{body}");
    let (repeated, body) = day.call_with_event("webhook-receiver", &signed).await;
    assert!([200, 202, 409].contains(&repeated), "{repeated} {body}");
    let (status, body) = day
        .call("webhook-receiver", "webhook-receiver-key.json")
        .await;
    assert_eq!(status, 202, "{body}");
    for (name, status) in [
        ("webhook-receiver-wrong-signature.json", 401),
        ("webhook-receiver-bad-payload.json", 400),
    ] {
        let (answered, body) = day.call("webhook-receiver", name).await;
        assert_eq!(answered, status, "{name}: {body}");
    }
    assert_eq!(day.drain().await, 0);
    // The queue delivers the batch again, together with a message that cannot be parsed.
    day.programs
        .invoke("embedding-writer", "embedding-writer-batch.json")
        .await;
    day.programs
        .invoke("embedding-writer", "embedding-writer-poison.json")
        .await;
    let listed = day
        .programs
        .run_command(&["dlq", "list", "--aws", "--json"])
        .await;
    assert_eq!(listed.lines().count(), 1, "{}", day.programs.logs());
    let listed: Value = serde_json::from_str(listed.trim()).expect("one letter");
    let reason = listed["reason"].as_str().expect("a reason");
    assert!(reason.contains("timestamp"), "{listed}");
    let (status, found) = day
        .call("semantic-search", "semantic-search-refund.json")
        .await;
    assert_eq!(status, 200, "{found}");
    let hits = found["results"].as_array().expect("hits");
    assert_eq!(hits[0]["conversation_id"], "conv-8842-abc", "{found}");
    let (status, _) = day
        .call("semantic-search", "semantic-search-no-question.json")
        .await;
    assert_eq!(status, 400);
}

/// Checks the chat session: an agent's chats are escalated and archived, and the agent goes offline at the end.
async fn check_chat_session(day: &Day) {
    let reply = day
        .programs
        .invoke("chat-session", "chat-session-schedule.json");
    let archived = eventually_async("both chats are archived", async || {
        let objects = day.objects.list("archive/").await.expect("a list");
        // Beside each archive lies the card of its conversation.
        let archives = objects.iter().filter(|entry| is_archive_key(&entry.key));
        archives.count() == 2
    });
    let (reply, ()) = tokio::join!(reply, archived);
    assert_eq!(reply["sessions"][0]["agent"], "agent-001", "{reply}");
    let archive = day
        .objects
        .get("archive/chat-1.jsonl")
        .await
        .expect("an answer")
        .expect("an archive");
    let text = String::from_utf8(archive.to_vec()).expect("text");
    assert_eq!(text.lines().count(), 3, "{text}");
    assert!(
        text.lines()
            .all(|line| serde_json::from_str::<Value>(line).is_ok()),
        "{text}"
    );
    let notices = day
        .escalations
        .receive(10, Duration::from_secs(5), Duration::from_secs(60))
        .await
        .expect("notices");
    assert_eq!(notices.len(), 1);
    let notice: Value = serde_json::from_str(&notices[0].body).expect("SNS's envelope");
    let notice: Value =
        serde_json::from_str(notice["Message"].as_str().expect("text")).expect("JSON");
    assert_eq!(
        (
            &notice["conversationId"],
            &notice["severity"],
            &notice["text"]
        ),
        (&json!("chat-1"), &json!("legal"), &Value::Null)
    );
    let chat = &day.simulator.world().chat;
    let presence = chat.presence("agent-001");
    assert_eq!(
        presence.last().map(|status| status.to_lowercase()),
        Some("offline".to_owned()),
        "{presence:?}"
    );
}

/// Checks the report of a week, with its plots.
async fn check_report(day: &Day) {
    day.programs
        .invoke("analytics-report", "analytics-report-range.json")
        .await;
    let keys = day.objects.list("reports/").await.expect("a list");
    for file in [
        "conversations.csv",
        "summary.json",
        "report.html",
        "plots/sentiment_distribution.png",
    ] {
        assert!(
            keys.iter().any(|entry| entry.key.ends_with(file)),
            "no {file} in {keys:?}"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn all_functions_run_a_day_under_the_lambda_runtime() {
    let mut day = Day::start().await;
    check_data_action(&day).await;
    check_live_call(&mut day).await;
    check_embedding_pipeline(&day).await;
    check_chat_session(&day).await;
    check_report(&day).await;
    let logged = day.programs.logs();
    for word in NEVER_LOGGED {
        assert!(!logged.contains(word), "{word} was logged:\n{logged}");
    }
    // Two pollers ran, the first of which was killed, and several other functions: all share one token of each system.
    for path in ["/oauth/token", "/oauth2/token", "/api/v2/oauth/token"] {
        assert_eq!(day.simulator.requests("POST", path), 1, "{path}");
    }
}
