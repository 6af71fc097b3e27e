//! A day of all seven functions: their own programs, invoked by `cargo lambda`, on AWS services, PostgreSQL and the
//! simulated contact centre. What runs is what deploys; what differs is who starts it.

use std::time::{Duration, Instant};

use cxone_simulator::chat::script::{Line as ChatLine, ScriptedChat};
use cxone_simulator::live::{Call, Line};
use cxone_simulator::{Handle, Scenario, Simulator};
use dev_stack::{Aws, Settings};
use jiff::Timestamp;
use secrecy::SecretString;
use serde_json::{Value, json};
use store::objects::Objects;
use store::queue::{Queue, Sqs};

use crate::embedding::sqs_event;
use crate::events::event;
use e2e::programs::{FUNCTIONS, PATIENCE, Programs};

/// What nothing may log: words of the customers and secrets.
const CANARIES: [&str; 7] = [
    "frustrated",
    "zanzibar",
    "marmalade",
    "local-key",
    "local-webhook-secret",
    "demo-secret",
    "demo-client",
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

/// The environment of `events/local.env`, with these servers' addresses and names of its own.
fn settings(aws: &Aws, centre: &str) -> Settings {
    let mut settings = dev_stack::own_environment_on(aws, "day");
    settings.insert("CXONE_BASE_URL".to_owned(), centre.to_owned());
    settings
}

/// The servers of a day.
struct Day {
    programs: Programs,
    centre: Handle,
    objects: Objects,
    queue: Sqs,
    told: Sqs,
    _database: dev_stack::Database,
}

impl Day {
    async fn begin() -> Self {
        let centre = Simulator::start(scenario()).await.expect("the simulator");
        let aws = dev_stack::aws();
        let database = dev_stack::fresh_database();
        let settings = settings(&aws, &centre.url());
        dev_stack::make_resources(&settings, &database.url).expect("the resources");
        let config = store::aws::config(Some(&aws.endpoint_url)).await;
        let queue = Sqs::new(&config, settings["EMBEDDING_QUEUE_URL"].clone(), None);
        let told = Sqs::create(&config, &dev_stack::unique("told"))
            .await
            .expect("a queue");
        subscribe(&aws.endpoint_url, &settings["ESCALATION_TOPIC_ARN"], &told).await;
        let told = Sqs::new(&config, told, None);
        let objects = Objects::s3(&config, &settings["OBJECT_BUCKET"]).expect("the bucket");
        let mut programs = Programs::idle(settings).await;
        for function in FUNCTIONS {
            programs.begin(function);
        }
        Self {
            programs,
            centre,
            objects,
            queue,
            told,
            _database: database,
        }
    }

    /// The status and the body of an HTTP function's answer to a file of `events/`.
    async fn call(&self, function: &str, name: &str) -> (u64, Value) {
        answer(&self.programs.invoke(function, name).await)
    }

    /// The same, for an event of the caller's.
    async fn call_with(&self, function: &str, event: &Value) -> (u64, Value) {
        answer(&self.programs.invoke_with(function, event).await)
    }

    /// Gives everything in the queue to the writer, as Lambda does, and deletes what it does not name as failed.
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
                .invoke_with("embedding-writer", &sqs_event(&messages))
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

/// Lets a queue of the same emulator hear a topic, which only this test wants.
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

fn answer(reply: &Value) -> (u64, Value) {
    let body = reply["body"].as_str().expect("a body");
    (
        reply["statusCode"].as_u64().expect("a status"),
        serde_json::from_str(body).expect("JSON"),
    )
}

/// Waits for something to become true.
async fn until(what: &str, day: &Day, mut is: impl AsyncFnMut(&Day) -> bool) {
    let end = Instant::now() + PATIENCE;
    while !is(day).await {
        assert!(
            Instant::now() < end,
            "{what} did not come to be\n{}",
            day.programs.logged()
        );
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

/// The request for a call's interaction, made of an event that asks for the health.
fn interaction(method: &str) -> Value {
    let mut event = event("data-action-health.json");
    let path = "/interactions/call-8842";
    event["rawPath"] = json!(path);
    event["routeKey"] = json!(format!("{method} /interactions/{{id}}"));
    event["requestContext"]["http"]["method"] = json!(method);
    event["requestContext"]["http"]["path"] = json!(path);
    event["headers"]["x-api-key"] = json!("local-key");
    event
}

/// The signed webhook of `events/`, signed now.
fn webhook() -> Value {
    let mut event = event("webhook-receiver-signed.json");
    let body = event["body"].as_str().expect("a body");
    let now = Timestamp::now();
    let secret = SecretString::from("local-webhook-secret");
    let signature = webhook_receiver::signature::sign(&secret, now, body.as_bytes());
    event["headers"]["x-signature"] = json!(signature);
    event["headers"]["x-timestamp"] = json!(now.as_second().to_string());
    event
}

/// A Studio script asks for scores.
async fn data_actions(day: &Day) {
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
    let curled = insights_http::client::build_client(insights_http::client::IdleConnections::Close)
        .expect("a client")
        .post(day.programs.url("data-action", "/data-actions/sentiment"))
        .header("x-api-key", "local-key")
        .json(&json!({"interaction_text": "I am extremely frustrated with this service."}))
        .send()
        .await
        .expect("an answer");
    assert_eq!(curled.status(), 200);
    let curled: Value = curled.json().await.expect("JSON");
    assert_eq!(curled["alert_triggered"], true, "{curled}");
}

/// A call goes bad while it is polled; the poller is killed underway, and another invocation goes on.
async fn live_call(day: &mut Day) {
    let put = interaction("PUT");
    let (status, body) = day.call_with("data-action", &put).await;
    assert!((200..300).contains(&status), "{status} {body}");
    {
        let day = &*day;
        let poller = day
            .programs
            .invoke("transcript-poller", "transcript-poller-schedule.json");
        let first = until("the call's attributes", day, async |day| {
            !day.centre.world().live.attributes("call-8842").is_empty()
        });
        tokio::select! {
            reply = poller => panic!("the poller ended by itself: {reply}"),
            () = first => {}
        }
    }
    day.programs.kill("transcript-poller");
    day.programs.begin("transcript-poller");
    let day = &*day;
    let poller = day
        .programs
        .invoke("transcript-poller", "transcript-poller-schedule.json");
    let scored = async {
        until("the suggestion", day, async |day| {
            !day.centre.world().live.suggestions("call-8842").is_empty()
        })
        .await;
        until("all segments", day, async |day| {
            let (_, shown) = day.call_with("data-action", &interaction("GET")).await;
            shown["segments"].as_array().map(Vec::len) == Some(6)
        })
        .await;
        let (status, _) = day.call_with("data-action", &interaction("DELETE")).await;
        assert!((200..300).contains(&status), "{status}");
    };
    let (reply, ()) = tokio::join!(poller, scored);
    assert!(reply.is_object(), "{reply}");
    let live = &day.centre.world().live;
    assert_eq!(live.suggestions("call-8842").len(), 1);
    let attributes = live.attributes("call-8842");
    let score: f64 = attributes["realtime_sentiment_score"]
        .as_str()
        .expect("text")
        .parse()
        .expect("a number");
    assert!((0.0..0.5).contains(&score), "{attributes:?}");
}

/// Finished conversations become findable; a repetition adds nothing, and what cannot be read waits with its reason.
async fn conversations(day: &Day) {
    let signed = webhook();
    let (status, body) = day.call_with("webhook-receiver", &signed).await;
    assert_eq!(status, 202, "{body}");
    let (again, body) = day.call_with("webhook-receiver", &signed).await;
    assert!([200, 202, 409].contains(&again), "{again} {body}");
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
    // The queue's own redelivery, with a message that nobody can read among them.
    day.programs
        .invoke("embedding-writer", "embedding-writer-batch.json")
        .await;
    day.programs
        .invoke("embedding-writer", "embedding-writer-poison.json")
        .await;
    let listed = day
        .programs
        .command(&["dlq", "list", "--aws", "--json"])
        .await;
    assert_eq!(listed.lines().count(), 1, "{}", day.programs.logged());
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

/// The chats of an agent, stored, escalated and archived.
async fn chats(day: &Day) {
    let reply = day
        .programs
        .invoke("chat-session", "chat-session-schedule.json");
    let archived = until("the archives", day, async |day| {
        let archives = day.objects.list("archive/").await.expect("a list");
        archives.len() == 2
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
        .told
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
    let chat = &day.centre.world().chat;
    let presence = chat.presence("agent-001");
    assert_eq!(
        presence.last().map(|status| status.to_lowercase()),
        Some("offline".to_owned()),
        "{presence:?}"
    );
}

/// The report of a week, with its plots.
async fn reports(day: &Day) {
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
    let mut day = Day::begin().await;
    data_actions(&day).await;
    live_call(&mut day).await;
    conversations(&day).await;
    chats(&day).await;
    reports(&day).await;
    let logged = day.programs.logged();
    for canary in CANARIES {
        assert!(!logged.contains(canary), "{canary} was logged:\n{logged}");
    }
    // Two pollers, the first of them killed, and two chat workers: one token each system.
    for path in ["/oauth/token", "/oauth2/token", "/api/v2/oauth/token"] {
        assert_eq!(day.centre.requests("POST", path), 1, "{path}");
    }
}
