//! The queue, the state table or the database hangs, refuses or is late: what still works, what waits, and that all goes on by itself.

use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use runtime::config::Env;
use serde_json::{Value, json};
use store::queue::Queue;
use testkit::TcpProxy;

use super::stack::{Stack, conversation, invoke, local_provider, proxy_of};

/// Time within which everything works again once a store does.
const RECOVERY: Duration = Duration::from_secs(30);

/// What a store does for a while.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fault {
    Hanging,
    Refusing,
    Late,
}

const FAULTS: [Fault; 3] = [Fault::Hanging, Fault::Refusing, Fault::Late];

impl Fault {
    fn begin(self, proxy: &TcpProxy) {
        match self {
            Self::Hanging => proxy.hang(),
            Self::Refusing => proxy.cut(),
            Self::Late => proxy.delay(Duration::from_millis(500)),
        }
    }
}

/// Starts a proxy in front of the AWS services.
async fn proxy() -> TcpProxy {
    let url = dev_stack::aws().endpoint_url.clone();
    let address: SocketAddr = url
        .trim_start_matches("http://")
        .trim_end_matches('/')
        .parse()
        .expect("an address");
    TcpProxy::start(address).await
}

/// Returns a conversation with a name of its own.
fn named(name: &str) -> Value {
    let text = format!("My parcel {name} arrived damaged, I want a refund.");
    conversation(name, "2026-01-15T10:30:00Z", "Refund", &text)
}

/// Sends a webhook during a fault. It is accepted late, or refused in time with an invitation to send it again.
async fn deliver_during(stack: &Stack, fault: Fault, payload: &Value, code: &str) -> bool {
    let response = stack.deliver(payload).await;
    let status = response.status().as_u16();
    if status == 202 {
        assert_eq!(fault, Fault::Late, "nothing was stored");
        return true;
    }
    let body: Value = serde_json::from_str(response.body()).expect("JSON");
    assert_eq!(status, 503, "{fault:?}: {body}");
    assert_eq!(body["error"]["retryable"], true, "{fault:?}: {body}");
    // A store that hangs takes the whole time of the answer.
    let codes = [code, "deadline_exceeded"];
    let found = body["error"]["code"].as_str().expect("a code");
    assert!(codes.contains(&found), "{fault:?}: {body}");
    false
}

/// Repeats a webhook as its sender does, until it is accepted.
async fn deliver_again(stack: &Stack, fault: Fault, payload: &Value) {
    let restored = Instant::now();
    while stack.deliver(payload).await.status() != 202 {
        let waited = restored.elapsed();
        assert!(
            waited < RECOVERY,
            "{fault:?}: not accepted after {waited:?}"
        );
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
}

/// Returns the ids of the conversations that a search for all of them finds.
async fn found(stack: &Stack) -> BTreeSet<String> {
    let question = [("q", "a parcel that arrived damaged"), ("limit", "50")];
    let (status, body) = stack.find(&question).await;
    assert_eq!(status, 200, "{body}");
    let results = body["results"].as_array().expect("results");
    let id = |hit: &Value| hit["conversation_id"].as_str().expect("an id").to_owned();
    results.iter().map(id).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn while_the_queue_is_away_what_was_taken_is_stored_and_senders_are_asked_to_repeat() {
    let (queue, state) = (proxy().await, proxy().await);
    let stack = Stack::behind(&queue, &state).await;
    let mut expected = BTreeSet::new();
    for fault in FAULTS {
        let (before, during) = (format!("before-{fault:?}"), format!("during-{fault:?}"));
        assert_eq!(stack.deliver(&named(&before)).await.status(), 202);
        stack.queue.send("not JSON").await.expect("sent");
        let mut in_hand = Vec::new();
        while in_hand.len() < 2 {
            in_hand.extend(stack.take(Duration::from_secs(600)).await);
        }

        fault.begin(&queue);
        // A batch in hand is stored. What can never be stored needs the queue, and comes again.
        let failed = invoke(&stack.writer, &in_hand).await;
        let poison = in_hand.iter().find(|one| one.body == "not JSON");
        let poison = poison.expect("the poison").clone();
        if fault != Fault::Late {
            assert_eq!(failed, std::slice::from_ref(&poison.id), "{fault:?}");
        }
        expected.insert(before);
        assert_eq!(found(&stack).await, expected, "{fault:?}");
        deliver_during(&stack, fault, &named(&during), "queue_unavailable").await;
        queue.restore();

        deliver_again(&stack, fault, &named(&during)).await;
        if !failed.is_empty() {
            let again = invoke(&stack.writer, &[poison]).await;
            assert!(again.is_empty(), "{fault:?}");
        }
        for message in in_hand {
            stack.queue.delete(&message.receipt).await.expect("deleted");
        }
        stack.drain().await;
        expected.insert(during);
        assert_eq!(found(&stack).await, expected, "{fault:?}");
    }
    assert_eq!(stack.rows().await, expected.len() as u64);
    // A dead letter whose sending was not answered may be there more than once, and none is missing.
    let letters = stack
        .dead_letters
        .receive(10, Duration::ZERO, Duration::from_secs(60))
        .await
        .expect("dead letters");
    assert!(letters.len() >= FAULTS.len(), "{}", letters.len());
    assert!(letters.iter().all(|letter| letter.body == "not JSON"));
}

#[tokio::test(flavor = "multi_thread")]
async fn while_the_state_table_is_away_only_webhooks_wait() {
    let (queue, state) = (proxy().await, proxy().await);
    let stack = Stack::behind(&queue, &state).await;
    let mut expected = BTreeSet::new();
    for fault in FAULTS {
        let (before, during) = (format!("before-{fault:?}"), format!("during-{fault:?}"));
        assert_eq!(stack.deliver(&named(&before)).await.status(), 202);

        fault.begin(&state);
        deliver_during(&stack, fault, &named(&during), "state_unavailable").await;
        // Neither the writer nor the search has anything to do with the table.
        stack.drain().await;
        expected.insert(before);
        let known = found(&stack).await;
        assert!(known.is_superset(&expected), "{fault:?}: {known:?}");
        state.restore();

        deliver_again(&stack, fault, &named(&during)).await;
        // Delivered once more, it is known and not queued again.
        let repeated = stack.deliver(&named(&during)).await;
        let answer: Value = serde_json::from_str(repeated.body()).expect("JSON");
        assert_eq!(
            (repeated.status().as_u16(), &answer["accepted"]),
            (202, &json!(true))
        );
        stack.drain().await;
        expected.insert(during);
        assert_eq!(found(&stack).await, expected, "{fault:?}");
    }
    assert_eq!(stack.rows().await, expected.len() as u64);
}

/// How long the template's queue hides a message from other writers.
const VISIBILITY_TIMEOUT: Duration = Duration::from_secs(722);

/// Takes a batch from the queue as Lambda does, and has it written. Returns how many messages failed.
async fn write_a_batch(stack: &Stack) -> usize {
    let messages = stack.take(VISIBILITY_TIMEOUT).await;
    if messages.is_empty() {
        return 0;
    }
    stack.write(&messages).await.len()
}

#[tokio::test(flavor = "multi_thread")]
async fn what_failed_without_the_database_is_stored_within_half_a_minute_of_its_return() {
    let database = dev_stack::create_database();
    let (proxy, url) = proxy_of(&database).await;
    let stack = Stack::on(&url, local_provider().await, &Env::default()).await;
    let (mut stored, mut expected) = (0, BTreeSet::new());
    for (fault, deliveries) in [(Fault::Refusing, 3), (Fault::Hanging, 1)] {
        fault.begin(&proxy);
        for number in 0..3 {
            let name = format!("{fault:?}-{number}");
            assert_eq!(stack.deliver(&named(&name)).await.status(), 202);
            expected.insert(name);
        }
        stack.queue.send("not JSON").await.expect("sent");
        // Each message fails, and comes again to fail once more.
        let mut failures = 0;
        while failures < 3 * deliveries {
            failures += write_a_batch(&stack).await;
        }
        proxy.restore();

        let restored = Instant::now();
        while stack.rows().await < expected.len() as u64 {
            let waited = restored.elapsed();
            assert!(waited < RECOVERY, "{fault:?}: {waited:?}");
            write_a_batch(&stack).await;
        }
        assert_eq!(found(&stack).await, expected, "{fault:?}");
        stored += 3;
        assert_eq!(stack.rows().await, stored, "each is stored once");
    }
    // What can never be stored became a dead letter at its first delivery, although the database was away.
    let letters = stack
        .dead_letters
        .receive(10, Duration::ZERO, Duration::from_secs(60))
        .await
        .expect("dead letters");
    let bodies: Vec<&str> = letters.iter().map(|letter| letter.body.as_str()).collect();
    assert_eq!(bodies, ["not JSON"; 2]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_whose_return_cannot_be_told_to_the_queue_is_not_lost() {
    let database = dev_stack::create_database();
    let (proxy, url) = proxy_of(&database).await;
    let queue = self::proxy().await;
    let stack = Stack::on_through(&url, &queue).await;
    assert_eq!(stack.deliver(&named("kept")).await.status(), 202);
    let messages = stack.take(Duration::from_secs(20)).await;
    proxy.cut();
    queue.cut();
    // Neither store answers: the message is reported as failed, in time.
    let started = Instant::now();
    let failed = invoke(&stack.writer, &messages).await;
    assert_eq!(failed, [messages[0].id.clone()]);
    assert!(started.elapsed() < Duration::from_secs(50));
    queue.restore();
    proxy.restore();
    // It comes again when its visibility timeout is over.
    while stack.rows().await == 0 {
        write_a_batch(&stack).await;
    }
    assert_eq!(stack.rows().await, 1);
}
