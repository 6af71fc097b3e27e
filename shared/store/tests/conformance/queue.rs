//! The queue.

use std::collections::BTreeSet;
use std::time::Duration;

use futures::future::join_all;
use store::Error;
use store::queue::{BODY_MAX_BYTES, Queue, RECEIVE_MAX, SqliteQueue, Sqs};

const HIDDEN: Duration = Duration::from_secs(60);
const AT_ONCE: Duration = Duration::ZERO;

async fn sqs() -> (Sqs, Sqs) {
    let config = store::aws::load_config(Some(&dev_stack::aws().endpoint_url)).await;
    let url = Sqs::create(&config, &dev_stack::unique("queue"))
        .await
        .expect("a queue");
    let dead = Sqs::create(&config, &dev_stack::unique("dead"))
        .await
        .expect("a queue");
    (
        Sqs::new(&config, url, Some(dead.clone())),
        Sqs::new(&config, dead, None),
    )
}

fn sqlite(folder: &tempfile::TempDir) -> SqliteQueue {
    SqliteQueue::open(folder.path().join("queue.db"), "embeddings").expect("a queue")
}

async fn a_message_comes_once_while_it_is_hidden_and_never_after_it_was_deleted(
    queue: &impl Queue,
) {
    assert!(
        queue
            .receive(10, AT_ONCE, HIDDEN)
            .await
            .expect("an answer")
            .is_empty()
    );
    let body = "{\"text\":\"zażółć 😀\\u0000\"}\n\t";
    let id = queue.send(body).await.expect("sent");
    let received = queue.receive(10, AT_ONCE, HIDDEN).await.expect("an answer");
    assert_eq!(received.len(), 1);
    assert_eq!(
        (
            &received[0].id,
            received[0].body.as_str(),
            received[0].deliveries
        ),
        (&id, body, 1)
    );
    assert!(
        queue
            .receive(10, AT_ONCE, HIDDEN)
            .await
            .expect("an answer")
            .is_empty()
    );
    queue.delete(&received[0].receipt).await.expect("deleted");
    queue
        .delete(&received[0].receipt)
        .await
        .expect("deleted already");
    assert!(
        queue
            .receive(10, AT_ONCE, HIDDEN)
            .await
            .expect("an answer")
            .is_empty()
    );
}

async fn a_message_comes_again_when_its_time_is_over_with_its_count(queue: &impl Queue) {
    let id = queue.send("{}").await.expect("sent");
    let first = queue
        .receive(1, AT_ONCE, Duration::from_secs(1))
        .await
        .expect("an answer")
        .remove(0);
    let second = queue
        .receive(1, Duration::from_secs(10), Duration::ZERO)
        .await
        .expect("an answer")
        .remove(0);
    assert_eq!(
        (&second.id, first.deliveries, second.deliveries),
        (&id, 1, 2)
    );
    assert_ne!(first.receipt, second.receipt);
    let third = queue
        .receive(1, Duration::from_secs(10), HIDDEN)
        .await
        .expect("an answer")
        .remove(0);
    assert_eq!(third.deliveries, 3);
}

async fn each_message_goes_to_one_of_several_receivers(queue: &(impl Queue + Clone + 'static)) {
    let mut sent = BTreeSet::new();
    for n in 0..40 {
        sent.insert(queue.send(&format!("{n}")).await.expect("sent"));
    }
    let receivers = (0..8).map(|_| {
        let queue = queue.clone();
        tokio::spawn(async move {
            queue
                .receive(RECEIVE_MAX + 5, AT_ONCE, HIDDEN)
                .await
                .expect("an answer")
        })
    });
    let mut received = Vec::new();
    for batch in join_all(receivers).await {
        let batch = batch.expect("no panic");
        assert!(batch.len() <= RECEIVE_MAX);
        received.extend(batch.into_iter().map(|message| message.id));
    }
    assert_eq!(received.len(), 40);
    assert_eq!(received.into_iter().collect::<BTreeSet<_>>(), sent);
}

async fn a_waiting_receiver_wakes_when_a_message_comes(queue: &(impl Queue + Clone + 'static)) {
    let waiting = queue.clone();
    let receiver = tokio::spawn(async move {
        waiting
            .receive(1, Duration::from_secs(15), HIDDEN)
            .await
            .expect("an answer")
    });
    queue.send("late").await.expect("sent");
    let received = receiver.await.expect("no panic");
    assert_eq!(received.len(), 1);
    assert_eq!(received[0].body, "late");
}

async fn bodies_have_limits(queue: &impl Queue) {
    let largest = "x".repeat(BODY_MAX_BYTES);
    queue.send(&largest).await.expect("within the limit");
    let received = queue.receive(1, AT_ONCE, HIDDEN).await.expect("an answer");
    assert_eq!(received[0].body, largest);
    for bad in [
        String::new(),
        format!("{largest}x"),
        "a\u{0}b".to_owned(),
        "a\u{1b}b".to_owned(),
    ] {
        let error = queue.send(&bad).await.expect_err("refused");
        assert!(matches!(error, Error::Limit { .. }), "{error:?}");
    }
}

async fn messages_that_are_given_back_come_at_their_own_times(queue: &impl Queue) {
    // More than one request of SQS takes.
    for n in 0..13 {
        queue.send(&format!("{n}")).await.expect("sent");
    }
    let mut taken = Vec::new();
    while taken.len() < 13 {
        let messages = queue.receive(10, AT_ONCE, HIDDEN).await;
        taken.extend(messages.expect("an answer"));
    }
    // Two of them stay hidden: for a longer time, and for that of their delivery.
    let (kept, rest) = taken.split_first().expect("messages");
    let (late, soon) = rest.split_first().expect("messages");
    let mut given: Vec<_> = soon.iter().map(|one| (one, Duration::ZERO)).collect();
    given.insert(3, (late, HIDDEN));
    queue.give_back(&given).await.expect("given back");
    let mut again = BTreeSet::new();
    loop {
        let messages = queue.receive(10, AT_ONCE, HIDDEN).await.expect("an answer");
        if messages.is_empty() {
            break;
        }
        for message in messages {
            assert_eq!(message.deliveries, 2);
            assert!(again.insert(message.id), "delivered twice");
        }
    }
    let expected: BTreeSet<_> = soon.iter().map(|one| one.id.clone()).collect();
    assert_eq!(again, expected);
    assert!(![&kept.id, &late.id].iter().any(|id| again.contains(*id)));
    queue.give_back(&[]).await.expect("nothing to give back");
}

async fn giving_back_what_is_gone_changes_nothing(queue: &impl Queue) {
    let mut taken = Vec::new();
    for body in ["done", "left"] {
        queue.send(body).await.expect("sent");
        taken.extend(queue.receive(1, AT_ONCE, HIDDEN).await.expect("an answer"));
    }
    let (done, left) = (&taken[0], &taken[1]);
    queue.delete(&done.receipt).await.expect("deleted");
    let given = [(done, Duration::ZERO), (left, Duration::ZERO)];
    queue.give_back(&given).await.expect("given back");
    let again = queue.receive(10, AT_ONCE, HIDDEN).await.expect("an answer");
    let bodies: Vec<_> = again.iter().map(|one| one.body.as_str()).collect();
    assert_eq!(bodies, ["left"]);
}

macro_rules! conformance {
    ($($test:ident)*) => {
        mod sqs_conforms {
            $(
                #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
                async fn $test() {
                    super::$test(&super::sqs().await.0).await;
                }
            )*
        }
        mod sqlite_conforms {
            $(
                #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
                async fn $test() {
                    let folder = tempfile::tempdir().expect("a folder");
                    super::$test(&super::sqlite(&folder)).await;
                }
            )*
        }
    };
}

conformance! {
    a_message_comes_once_while_it_is_hidden_and_never_after_it_was_deleted
    a_message_comes_again_when_its_time_is_over_with_its_count
    each_message_goes_to_one_of_several_receivers
    a_waiting_receiver_wakes_when_a_message_comes
    bodies_have_limits
    messages_that_are_given_back_come_at_their_own_times
    giving_back_what_is_gone_changes_nothing
}

#[tokio::test]
async fn a_buried_message_lies_in_the_dead_letter_queue() {
    let (queue, dead) = sqs().await;
    queue.send("poison").await.expect("sent");
    let message = queue
        .receive(1, AT_ONCE, HIDDEN)
        .await
        .expect("an answer")
        .remove(0);
    queue
        .dead_letter(&message, &"ż".repeat(3000))
        .await
        .expect("buried");
    // Whoever received the message deletes it, as one that was processed.
    queue.delete(&message.receipt).await.expect("deleted");
    assert!(
        queue
            .receive(1, AT_ONCE, HIDDEN)
            .await
            .expect("an answer")
            .is_empty()
    );
    let letter = dead
        .receive(1, AT_ONCE, HIDDEN)
        .await
        .expect("an answer")
        .remove(0);
    assert_eq!(letter.body, "poison");
    let error = dead
        .dead_letter(&letter, "again")
        .await
        .expect_err("it has no dead letters of its own");
    assert!(matches!(error, Error::Missing { .. }), "{error:?}");
}

#[tokio::test]
async fn a_queue_that_is_not_there_is_no_matter_of_retries() {
    let endpoint = dev_stack::aws().endpoint_url;
    let config = store::aws::load_config(Some(&endpoint)).await;
    let queue = Sqs::new(
        &config,
        format!("{endpoint}/123456789012/no-such-queue"),
        None,
    );
    let error = queue.send("{}").await.expect_err("no queue");
    assert!(
        matches!(&error, Error::Missing { what, .. } if what.contains("no-such-queue")),
        "{error:?}"
    );
}

#[tokio::test]
async fn dead_letters_keep_their_reason_and_can_be_redriven() {
    let folder = tempfile::tempdir().expect("a folder");
    let queue = sqlite(&folder);
    let poison = queue.send("poison").await.expect("sent");
    let message = queue
        .receive(1, AT_ONCE, Duration::ZERO)
        .await
        .expect("an answer")
        .remove(0);
    queue
        .dead_letter(&message, "no transcript")
        .await
        .expect("buried");
    queue.delete(&message.receipt).await.expect("harmless");
    let unlucky = queue.send("unlucky").await.expect("sent");
    for delivery in 1..=960 {
        let message = queue
            .receive(1, AT_ONCE, Duration::ZERO)
            .await
            .expect("an answer")
            .remove(0);
        assert_eq!(
            (message.id, message.deliveries),
            (unlucky.clone(), delivery)
        );
    }
    assert!(
        queue
            .receive(1, AT_ONCE, HIDDEN)
            .await
            .expect("an answer")
            .is_empty()
    );
    let letters = queue.list_dead_letters(10).await.expect("an answer");
    let reasons: Vec<_> = letters
        .iter()
        .map(|it| (it.id.as_str(), it.reason.as_str(), it.deliveries))
        .collect();
    let expected = [
        (poison.as_str(), "no transcript", 1),
        (unlucky.as_str(), "delivered 960 times without success", 960),
    ];
    assert_eq!(reasons, expected);
    // The file keeps it all: another opening of it sees the same.
    let reopened = sqlite(&folder);
    assert!(reopened.redrive(&unlucky).await.expect("an answer"));
    assert!(!reopened.redrive(&unlucky).await.expect("an answer"));
    let message = queue
        .receive(1, AT_ONCE, HIDDEN)
        .await
        .expect("an answer")
        .remove(0);
    assert_eq!((message.body.as_str(), message.deliveries), ("unlucky", 1));
}

#[tokio::test]
async fn queues_of_one_file_are_apart() {
    let folder = tempfile::tempdir().expect("a folder");
    let one = sqlite(&folder);
    let other = SqliteQueue::open(folder.path().join("queue.db"), "other").expect("a queue");
    one.send("mine").await.expect("sent");
    assert!(
        other
            .receive(1, AT_ONCE, HIDDEN)
            .await
            .expect("an answer")
            .is_empty()
    );
    assert_eq!(
        one.receive(1, AT_ONCE, HIDDEN)
            .await
            .expect("an answer")
            .len(),
        1
    );
}
