//! The tasks on the stores of a laptop, and dead letters on SQS.
#![expect(clippy::unwrap_used, reason = "a panic is how a test fails")]

use std::time::{Duration, Instant};

use admin::config::Config;
use admin::task::{Reply, Task};
use admin::{Deps, handle};
use backends::Backends;
use insights_http::Deadline;
use runtime::config::Env;
use runtime::lambda::Invocation;
use serde_json::{Value, json};
use store::queue::{Queue, Sqs, SqsDeadLetters};
use store::vectors::VectorStore;

async fn deps(folder: &tempfile::TempDir, env: &[(&str, &str)]) -> Deps {
    let backends = Backends::laptop(folder.path(), testkit::secret_values(&[]));
    let env = Env::from_pairs(env.iter().copied());
    let config = Config::from_env(&env).unwrap();
    Deps::new(&backends, config).await.unwrap()
}

async fn run(deps: &Deps, task: Value, seconds: u64) -> anyhow::Result<Reply> {
    let task: Task = serde_json::from_value(task)?;
    let invocation = Invocation {
        request_id: "r".to_owned(),
        deadline: Instant::now() + Duration::from_secs(seconds),
    };
    handle(deps, task, invocation).await
}

async fn rows(deps: &Deps) -> u64 {
    let deadline = Deadline::within(Duration::from_secs(30)).instant();
    deps.indexer.store().count(deadline).await.unwrap()
}

fn payload(id: &str, timestamp: &str) -> String {
    json!({"event": "conversation.completed", "timestamp": timestamp, "conversationId": id,
        "data": {"subject": format!("Refund of order {id}")}})
    .to_string()
}

#[tokio::test(flavor = "multi_thread")]
async fn conversations_are_filled_in_once_forgotten_for_good_and_deleted_by_age() {
    let folder = tempfile::tempdir().unwrap();
    let deps = deps(&folder, &[("VECTOR_RETENTION_DAYS", "30")]).await;
    let now = jiff::Timestamp::now().to_string();
    let lines = [payload("a", &now), payload("b", &now), "broken".to_owned()];
    let objects = &deps.objects;
    objects.put("old/1.jsonl", lines.join("\n")).await.unwrap();
    let ancient = payload("ancient", "2020-01-01T00:00:00Z");
    objects.put("old/2.jsonl", ancient).await.unwrap();
    let chat = json!({"conversationId": "chat", "from": {"type": "customer", "id": "u"}, "text": "Where is it?",
        "timestamp": jiff::Timestamp::now().as_millisecond(), "source": "both"});
    objects.put("old/3.jsonl", chat.to_string()).await.unwrap();
    objects
        .put("other/4.jsonl", payload("c", &now))
        .await
        .unwrap();

    let backfill = json!({"task": "backfill", "prefix": "old/"});
    // An invocation that is nearly over does nothing and says where to go on.
    let reply = run(&deps, backfill.clone(), 30).await.unwrap();
    assert!(!reply.done);
    assert_eq!(
        reply.cursor.unwrap(),
        json!({"key": "old/1.jsonl", "lines": 0})
    );
    let reply = run(&deps, backfill.clone(), 600).await.unwrap();
    assert!(reply.done);
    assert_eq!((reply.counts["stored"], reply.counts["rejected"]), (4, 1));
    assert_eq!(rows(&deps).await, 4);
    let again =
        json!({"task": "backfill", "prefix": "old/", "cursor": {"key": "old/2.jsonl", "lines": 0}});
    let reply = run(&deps, again, 600).await.unwrap();
    assert_eq!((reply.counts["unchanged"], reply.counts["objects"]), (2, 2));

    let forget = json!({"task": "forget", "conversation_id": "a"});
    for deleted in [1, 0] {
        let reply = run(&deps, forget.clone(), 600).await.unwrap();
        assert_eq!((reply.done, reply.counts["deleted"]), (true, deleted));
    }
    let reply = run(&deps, json!({"task": "expire"}), 600).await.unwrap();
    assert_eq!((reply.done, reply.counts["deleted"]), (true, 1));
    assert_eq!(rows(&deps).await, 2);
    run(&deps, backfill, 600).await.unwrap();
    let reply = run(&deps, json!({"task": "expire"}), 600).await.unwrap();
    assert_eq!(reply.counts["deleted"], 1);
    assert_eq!(rows(&deps).await, 2, "what was forgotten stays away");

    let reply = run(&deps, json!({"task": "migrate"}), 600).await.unwrap();
    assert_eq!(
        (reply.done, reply.counts["rows_of_other_models"]),
        (true, 0)
    );
    let blank = json!({"task": "forget", "conversation_id": " "});
    assert!(run(&deps, blank, 600).await.is_err());
    let redrive = run(&deps, json!({"task": "redrive"}), 600).await;
    assert!(redrive.unwrap_err().to_string().contains("dlq redrive"));
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_retention_nothing_is_deleted() {
    let folder = tempfile::tempdir().unwrap();
    let deps = deps(&folder, &[]).await;
    let ancient = payload("ancient", "2020-01-01T00:00:00Z");
    deps.objects.put("old/1.jsonl", ancient).await.unwrap();
    let backfill = json!({"task": "backfill", "prefix": "old/"});
    run(&deps, backfill, 600).await.unwrap();
    let reply = run(&deps, json!({"task": "expire"}), 600).await.unwrap();
    assert!(reply.done && reply.counts.is_empty());
    assert_eq!(rows(&deps).await, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn dead_letters_go_back_once_and_by_their_reason() {
    let folder = tempfile::tempdir().unwrap();
    let mut deps = deps(&folder, &[]).await;
    let aws = store::aws::load_config(Some(&dev_stack::aws().endpoint_url)).await;
    let dead = Sqs::create(&aws, &dev_stack::unique("dead")).await.unwrap();
    let url = Sqs::create(&aws, &dev_stack::unique("queue"))
        .await
        .unwrap();
    let queue = Sqs::new(&aws, url.clone(), Some(dead.clone()));
    for (body, reason) in [("{\"n\":1}", "provider away"), ("{\"n\":2}", "not JSON")] {
        queue.send(body).await.unwrap();
        let hidden = Duration::from_secs(60);
        let message = queue
            .receive(1, Duration::from_secs(1), hidden)
            .await
            .unwrap()
            .remove(0);
        queue.dead_letter(&message, reason).await.unwrap();
        queue.delete(&message.receipt).await.unwrap();
    }
    deps.dead_letters = Some(SqsDeadLetters::new(&aws, url, dead));
    let redrive = json!({"task": "redrive", "reason": "away"});
    let reply = run(&deps, redrive.clone(), 600).await.unwrap();
    assert_eq!((reply.done, reply.counts["sent_back"]), (true, 1));
    let reply = run(&deps, redrive, 600).await.unwrap();
    assert!(reply.done && !reply.counts.contains_key("sent_back"));
    let hidden = Duration::from_secs(60);
    let back = queue
        .receive(10, Duration::from_secs(1), hidden)
        .await
        .unwrap();
    let bodies: Vec<&str> = back.iter().map(|message| message.body.as_str()).collect();
    assert_eq!(bodies, ["{\"n\":1}"]);
    let reply = run(&deps, json!({"task": "redrive"}), 600).await.unwrap();
    assert_eq!(reply.counts["sent_back"], 1, "the other one was released");
}
