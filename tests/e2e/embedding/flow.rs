//! Conversations come in by webhook and are found by a search, each once, whatever fails in between.

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use cxone_simulator::{Fault, FaultRule, RetryAfter, Scenario, Simulator};
use futures::future::join_all;
use runtime::config::Env;
use serde_json::{Value, json};
use store::queue::{Queue, Sqs};
use testkit::events::event;
use testkit::{CapturedMetrics, demo_secrets};

use super::stack::{
    Stack, backends, conversation, invoke, local_provider, open_vectors, provider, proxy_of,
};
use crate::events::request;

/// Time of the first version of each conversation.
const FIRST_VERSION_TIME: &str = "2026-01-15T10:30:00Z";
/// Time of the edited versions.
const EDITED_VERSION_TIME: &str = "2026-01-15T11:30:00Z";
/// Time of the versions that were edited again.
const LAST_VERSION_TIME: &str = "2026-01-15T12:30:00Z";

/// Returns the webhook payloads of four finished conversations.
fn conversations() -> Vec<Value> {
    vec![
        conversation(
            "refund",
            FIRST_VERSION_TIME,
            "Order refund request",
            "I need a full refund because the item arrived damaged.",
        ),
        conversation(
            "login",
            FIRST_VERSION_TIME,
            "Login troubleshooting",
            "The password reset link is not working, I get a 500 error.",
        ),
        conversation(
            "hours",
            FIRST_VERSION_TIME,
            "Opening hours",
            "Are you open on Sundays?",
        ),
        conversation(
            "card",
            FIRST_VERSION_TIME,
            "Billing",
            "My card 4111 1111 1111 1111 was charged twice.",
        ),
    ]
}

/// Returns the ids of the found conversations, nearest first.
fn ids(found: &Value) -> Vec<String> {
    let results = found["results"].as_array().expect("results");
    results
        .iter()
        .map(|hit| hit["conversation_id"].as_str().expect("an id").to_owned())
        .collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_signed_webhook_becomes_rows_that_a_search_finds() {
    let stack = Stack::start().await;
    for payload in conversations() {
        assert_eq!(stack.deliver(&payload).await.status(), 202);
    }
    stack.drain().await;
    assert_eq!(stack.rows().await, 4);

    for (question, expected, category) in [
        ("I want my money back", "refund", "billing_dispute"),
        ("cannot log in", "login", "technical_support"),
        ("when is the shop open", "hours", "general_inquiry"),
    ] {
        let (status, found) = stack.find(&[("q", question), ("limit", "4")]).await;
        assert_eq!(status, 200);
        assert_eq!(ids(&found)[0], expected, "{question}");
        let first = &found["results"][0];
        assert_eq!(first["metadata"]["intent_category"], category);
        assert_eq!(first["metadata"]["source"], "cxone_data_action");
        assert_eq!(first["metadata"]["conversation_id"], expected);
        let scores: Vec<f64> = found["results"]
            .as_array()
            .unwrap()
            .iter()
            .map(|hit| hit["score"].as_f64().unwrap())
            .collect();
        assert!(
            scores.len() == 4 && scores.windows(2).all(|pair| pair[0] >= pair[1]),
            "{scores:?}"
        );
    }
    let (_, found) = stack
        .find(&[("q", "charged"), ("contains_pii", "true")])
        .await;
    assert_eq!(ids(&found), ["card"]);
    assert_eq!(
        found["results"][0]["metadata"]["pii_kinds"],
        json!(["credit_card"])
    );
    let (_, found) = stack
        .find(&[("q", "anything"), ("intent", "technical_support")])
        .await;
    assert_eq!(ids(&found), ["login"]);
    for query in [
        vec![],
        vec![("q", " ")],
        vec![("q", "x"), ("limit", "none")],
    ] {
        assert_eq!(stack.find(&query).await.0, 400);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn redelivery_edits_and_two_writers_at_once_leave_no_row_double_or_stale() {
    let stack = Stack::start().await;
    for payload in conversations() {
        stack.deliver(&payload).await;
        assert_eq!(stack.deliver(&payload).await.status(), 202);
    }
    let messages = stack.take(Duration::from_secs(60)).await;
    assert_eq!(messages.len(), 4, "a repeated delivery is not queued again");
    // The queue delivers at least once: several writers get the same batch.
    let writers = (0..4).map(|_| {
        let (writer, messages) = (Arc::clone(&stack.writer), messages.clone());
        tokio::spawn(async move { invoke(&writer, &messages).await })
    });
    for failed in join_all(writers).await {
        assert_eq!(failed.expect("a writer"), Vec::<String>::new());
    }
    assert_eq!(stack.rows().await, 4);

    // The conversation gets longer, then shorter, and then its first version arrives late.
    let sentence = "We talked about the delivery of my new kitchen table for a long time. ";
    let long = conversation(
        "refund",
        EDITED_VERSION_TIME,
        "Edited",
        &sentence.repeat(100),
    );
    stack.write(&queued(&stack, &long).await).await;
    let with_long = stack.rows().await;
    assert!(with_long > 6, "{with_long} rows");
    let short = conversation(
        "refund",
        LAST_VERSION_TIME,
        "Edited again",
        "It is about a suitcase.",
    );
    stack.write(&queued(&stack, &short).await).await;
    assert_eq!(stack.rows().await, 4);
    assert_eq!(invoke(&stack.writer, &messages).await, Vec::<String>::new());
    assert_eq!(stack.rows().await, 4);
    let (_, found) = stack.find(&[("q", "suitcase"), ("limit", "1")]).await;
    assert!(
        found["results"][0]["text"]
            .as_str()
            .unwrap()
            .contains("suitcase")
    );
}

/// Delivers a payload once more and returns the messages that are new in the queue.
async fn queued(stack: &Stack, payload: &Value) -> Vec<store::queue::Message> {
    assert_eq!(stack.deliver(payload).await.status(), 202);
    stack
        .take(Duration::from_secs(60))
        .await
        .into_iter()
        .filter(|message| message.deliveries == 1)
        .collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_database_that_goes_away_mid_batch_costs_a_redelivery_and_no_row() {
    let database = dev_stack::create_database();
    let (proxy, url) = proxy_of(&database).await;
    let stack = Stack::on(&url, local_provider().await, &Env::default()).await;
    for payload in conversations() {
        stack.deliver(&payload).await;
    }
    let messages = stack.take(Duration::from_secs(60)).await;
    // The first message is stored; then the connections are cut while the others are being written.
    assert_eq!(stack.write(&messages[..1]).await, Vec::<String>::new());
    let writer = Arc::clone(&stack.writer);
    let others = messages[1..].to_vec();
    let writing = tokio::spawn(async move { invoke(&writer, &others).await });
    proxy.cut();
    let failed = writing.await.expect("the writer answers");
    // The cut came either before anything was stored or after all of it was stored: a part is never stored.
    assert!(failed.len() == 3 || failed.is_empty(), "{failed:?}");
    assert_eq!(stack.find(&[("q", "refund")]).await.0, 503);
    proxy.restore();
    // The queue delivers the messages again, the one that was stored included.
    assert_eq!(stack.write(&messages).await, Vec::<String>::new());
    assert_eq!(stack.rows().await, 4);
    assert_eq!(stack.find(&[("q", "refund")]).await.0, 200);
}

/// Returns the settings of the simulated embeddings service.
fn embeddings_service(simulator: &cxone_simulator::Handle) -> Env {
    Env::from_pairs([
        ("EMBEDDING_PROVIDER", "openai"),
        ("OPENAI_BASE_URL", simulator.url().as_str()),
    ])
}

/// Starts a stack with the simulated embeddings service.
async fn with_embeddings_service(simulator: &cxone_simulator::Handle, database_url: &str) -> Stack {
    let env = embeddings_service(simulator);
    Stack::on(database_url, provider(&env).await, &env).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_provider_that_refuses_one_text_costs_that_conversation_alone() {
    let database = dev_stack::create_database();
    let simulator = Simulator::start(Scenario::default())
        .await
        .expect("a simulator");
    simulator
        .world()
        .change(|settings| settings.openai_refuses = Some("canary-refused".to_owned()));
    // The first call meets a rate limit, which is waited out.
    let limited = Fault::Status(429, RetryAfter::Seconds(1));
    simulator.fault(FaultRule::new("/v1/embeddings", limited).times(1));
    let stack = with_embeddings_service(&simulator, &database.url).await;
    let mut payloads = conversations();
    payloads.push(conversation(
        "refused",
        FIRST_VERSION_TIME,
        "Odd",
        "This canary-refused text is not taken.",
    ));
    for payload in &payloads {
        stack.deliver(payload).await;
    }
    stack.drain().await;
    assert_eq!(stack.rows().await, 4);
    let (_, found) = stack
        .find(&[
            ("q", "full refund because the item arrived damaged"),
            ("limit", "1"),
        ])
        .await;
    assert_eq!(ids(&found), ["refund"]);
    let dead_letters = dead_letter_bodies(&stack.dead_letters).await;
    assert_eq!(dead_letters.len(), 1);
    assert!(
        dead_letters[0].contains("canary-refused"),
        "the whole payload is kept, to be repaired"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_provider_that_is_down_sends_the_batch_back_and_nothing_is_lost() {
    let database = dev_stack::create_database();
    let simulator = Simulator::start(Scenario::default())
        .await
        .expect("a simulator");
    let stack = with_embeddings_service(&simulator, &database.url).await;
    // The key is refused. That is no text's fault, so that no message becomes a dead letter.
    simulator
        .world()
        .change(|settings| settings.openai_api_key = "another".to_owned());
    stack.deliver(&conversations()[0]).await;
    let messages = stack.take(Duration::from_secs(60)).await;
    assert_eq!(stack.write(&messages).await, [messages[0].id.clone()]);
    assert_eq!(
        (
            stack.rows().await,
            dead_letter_bodies(&stack.dead_letters).await.len()
        ),
        (0, 0)
    );
    simulator
        .world()
        .change(|settings| settings.openai_api_key = demo_secrets::OPENAI_API_KEY.to_owned());
    assert_eq!(stack.write(&messages).await, Vec::<String>::new());
    assert_eq!(stack.rows().await, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn poison_goes_to_the_dead_letters_and_the_rest_of_its_batch_is_stored() {
    let stack = Stack::start().await;
    for body in [
        "{\"event\": \"conversation.completed\"}".to_owned(),
        "not JSON".to_owned(),
        conversation("unmapped", FIRST_VERSION_TIME, " ", "")
            .to_string()
            .replace("\"customer\"", "\"caller\"")
            .replace("\"agent\"", "\"operator\""),
        conversations()[0].to_string(),
    ] {
        stack.queue.send(&body).await.expect("sent");
    }
    let metrics = CapturedMetrics::default();
    let capturing = metrics.capture_here();
    stack.drain().await;
    drop(capturing);
    assert_eq!(stack.rows().await, 1);
    assert_eq!(dead_letter_bodies(&stack.dead_letters).await.len(), 3);
    assert_eq!(metrics.total("dead_letters"), 3.0);
    assert_eq!(metrics.total("conversations_stored"), 1.0);
    assert_eq!(metrics.total("store_errors"), 0.0);
}

/// Returns the bodies of the dead letters.
async fn dead_letter_bodies(queue: &Sqs) -> Vec<String> {
    let messages = queue
        .receive(10, Duration::ZERO, Duration::from_secs(60))
        .await
        .expect("an answer");
    messages.into_iter().map(|message| message.body).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_conversation_whose_text_was_removed_is_found_no_more() {
    let stack = Stack::start().await;
    for payload in conversations() {
        stack.deliver(&payload).await;
    }
    let first = stack.take(Duration::from_secs(60)).await;
    assert_eq!(stack.write(&first).await, Vec::<String>::new());
    assert_eq!(stack.rows().await, 4);
    let removed = json!({
        "event": "conversation.completed", "timestamp": EDITED_VERSION_TIME, "conversationId": "card",
        "data": {"subject": "", "transcript": {"agent": "", "customer": null}}
    });
    stack.deliver(&removed).await;
    let metrics = CapturedMetrics::default();
    let capturing = metrics.capture_here();
    stack.drain().await;
    drop(capturing);
    assert_eq!(metrics.total("conversations_removed"), 1.0);
    assert_eq!(stack.rows().await, 3);
    // The queue delivers the text once more, and it stays away.
    assert_eq!(invoke(&stack.writer, &first).await, Vec::<String>::new());
    let (_, found) = stack.find(&[("q", "my card was charged twice")]).await;
    assert!(!ids(&found).contains(&"card".to_owned()), "{found}");
    assert_eq!(dead_letter_bodies(&stack.dead_letters).await.len(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_database_the_functions_start_and_nothing_is_lost() {
    let database = dev_stack::create_database();
    let named = Stack::on(&database.url, local_provider().await, &Env::default()).await;
    let folder = tempfile::tempdir().expect("a temporary folder");
    // On AWS there is no file in place of a database.
    let unnamed = store::vectors::PgVectors::with_url_source(
        Arc::new(|_| {
            Box::pin(async {
                Err(store::Error::Missing {
                    what: "the key database_url of the secret".to_owned(),
                    source: None,
                })
            })
        }),
        "nice_cxone",
        embedding::provider::EmbeddingProvider::model(&local_provider().await).clone(),
        1,
        store::vectors::Access::ReadWrite,
    )
    .expect("a store");
    let backends = backends(folder.path(), "")
        .with_queue(store::queue::AnyQueue::Sqs(named.queue.clone()))
        .with_vectors(store::vectors::Vectors::Postgres(unnamed));
    let env = Env::default();
    let settings = embedding::settings::EmbeddingSettings::from_env(&env)
        .expect("the settings")
        .with_provider(local_provider().await);
    let config = embedding_writer::config::Config::from_env(&env).expect("the settings");
    let config = config.with_embedding(settings.clone());
    let writer = embedding_writer::Deps::new(&backends, config).await;
    let writer = Arc::new(writer.expect("a writer starts without a database"));
    let config = semantic_search::config::Config::from_env(&env).expect("the settings");
    let search = semantic_search::Deps::new(&backends, config.with_embedding(settings)).await;
    let search = search.expect("a search starts without a database");

    for payload in conversations() {
        named.deliver(&payload).await;
    }
    let messages = named.take(Duration::from_secs(60)).await;
    let failed = invoke(&writer, &messages).await;
    assert_eq!(failed.len(), messages.len(), "every message comes again");
    assert_eq!(dead_letter_bodies(&named.dead_letters).await.len(), 0);
    let answer = runtime::lambda::answer(request("semantic-search-refund.json"), |request| {
        semantic_search::handle(&search, request)
    })
    .await;
    assert_eq!(answer.status(), 503);
    assert_eq!(answer.headers()["retry-after"], "15");
    assert!(
        answer.body().contains("\"retryable\":true"),
        "{}",
        answer.body()
    );
    // Once there is a database, what came again is stored.
    assert_eq!(named.write(&messages).await, Vec::<String>::new());
    assert_eq!(named.rows().await, 4);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_table_of_another_dimension_stops_the_start_by_name() {
    let stack = Stack::start().await;
    let url = stack.database_url().to_owned();
    let simulator = Simulator::start(Scenario::default())
        .await
        .expect("a simulator");
    let env = embeddings_service(&simulator);
    let provider = provider(&env).await;
    let backends = backends(Path::new("unused"), &url);
    let error = open_vectors(&backends, &provider, &env)
        .await
        .expect_err("another dimension");
    let message = format!("{error:#}");
    assert!(
        message.contains("text-embedding-3-small with 1536") && message.contains("384"),
        "{message}"
    );
    assert_eq!(stack.rows().await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_events_do_what_their_names_say() {
    let stack = Stack::start().await;
    let receive = async |name: &str| {
        runtime::lambda::answer(request(name), |request| {
            webhook_receiver::handle(&stack.receiver, request)
        })
        .await
        .status()
    };
    assert_eq!(receive("webhook-receiver-key.json").await, 202);
    assert_eq!(receive("webhook-receiver-wrong-signature.json").await, 401);
    assert_eq!(receive("webhook-receiver-bad-payload.json").await, 400);
    assert_eq!(receive("webhook-receiver-contact-ended.json").await, 200);
    assert_eq!(receive("webhook-receiver-case-closed.json").await, 200);
    // The signature of this event is valid at one fixed time.
    let signed = request("webhook-receiver-signed.json");
    let then = jiff::Timestamp::from_second(1_795_170_600).expect("a time");
    let answer = webhook_receiver::handle_at(&stack.receiver, &signed, then)
        .await
        .expect("accepted");
    assert_eq!(answer.status(), 202);

    let batch: aws_lambda_events::sqs::SqsEvent =
        serde_json::from_value(event("embedding-writer-batch.json")).expect("a batch");
    let invocation = runtime::lambda::Invocation {
        request_id: "r".to_owned(),
        deadline: std::time::Instant::now() + Duration::from_secs(60),
    };
    let response = embedding_writer::handle(&stack.writer, batch, invocation)
        .await
        .expect("a response");
    assert_eq!(
        serde_json::to_value(response).expect("JSON"),
        json!({"batchItemFailures": []})
    );
    assert_eq!(stack.rows().await, 2);

    let search = async |name: &str| {
        runtime::lambda::answer(request(name), |request| {
            semantic_search::handle(&stack.search, request)
        })
        .await
    };
    let found: Value =
        serde_json::from_str(search("semantic-search-refund.json").await.body()).expect("JSON");
    assert_eq!(
        ids(&found).into_iter().collect::<BTreeSet<_>>(),
        BTreeSet::from(["conv-8842-abc".to_owned()])
    );
    assert_eq!(
        search("semantic-search-no-question.json").await.status(),
        400
    );
}
