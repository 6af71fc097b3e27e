//! Dead letters on SQS.

use std::collections::BTreeMap;
use std::time::Duration;

use store::queue::{Queue, Sqs, SqsDeadLetters};

const HIDDEN: Duration = Duration::from_secs(60);
const AT_ONCE: Duration = Duration::ZERO;

async fn queue_and_dead_letters() -> (Sqs, Sqs, SqsDeadLetters) {
    let config = store::aws::load_config(Some(&dev_stack::aws().endpoint_url)).await;
    let url = Sqs::create(&config, &dev_stack::unique("queue"))
        .await
        .expect("a queue");
    let dead = Sqs::create(&config, &dev_stack::unique("dead"))
        .await
        .expect("a queue");
    let queue = Sqs::new(&config, url.clone(), Some(dead.clone()));
    (
        queue,
        Sqs::new(&config, dead.clone(), None),
        SqsDeadLetters::new(&config, url, dead),
    )
}

#[tokio::test]
async fn a_buried_message_is_found_with_its_reason_and_first_id_and_one_that_was_moved_says_so() {
    let (queue, plain, letters) = queue_and_dead_letters().await;
    let first = queue.send("{\"n\":1}").await.expect("sent");
    let taken = queue
        .receive(1, AT_ONCE, HIDDEN)
        .await
        .expect("an answer")
        .remove(0);
    queue
        .dead_letter(&taken, "the table has 1536 dimensions, not 384")
        .await
        .expect("buried");
    // What a redrive policy moves has no attributes of ours.
    let moved = plain.send("{\"n\":2}").await.expect("sent");

    let found: BTreeMap<_, _> = letters
        .hold(HIDDEN)
        .await
        .expect("an answer")
        .into_iter()
        .map(|letter| (letter.id.clone(), letter))
        .collect();
    assert_eq!(found.len(), 2);
    assert_eq!(
        found[&first].reason,
        "the table has 1536 dimensions, not 384"
    );
    assert_eq!(found[&first].body, "{\"n\":1}");
    assert!(found[&first].sent_at.is_some());
    assert_eq!(found[&moved].reason, "delivered too often without success");
}

#[tokio::test]
async fn a_held_letter_is_seen_by_nobody_else_until_it_is_released() {
    let (_, plain, letters) = queue_and_dead_letters().await;
    plain.send("{}").await.expect("sent");
    let held = letters.hold(HIDDEN).await.expect("an answer").remove(0);
    assert!(letters.hold(HIDDEN).await.expect("an answer").is_empty());
    letters.release(&held).await.expect("released");
    letters.release(&held).await.expect("released already");
    assert_eq!(letters.hold(HIDDEN).await.expect("an answer").len(), 1);
}

#[tokio::test]
async fn a_letter_that_is_sent_back_is_in_the_queue_and_no_longer_here() {
    let (queue, plain, letters) = queue_and_dead_letters().await;
    plain.send("{\"text\":\"😀\"}").await.expect("sent");
    let held = letters.hold(HIDDEN).await.expect("an answer").remove(0);
    letters.send_back(&held).await.expect("sent back");
    letters.release(&held).await.expect_err("it is gone");
    assert!(letters.hold(HIDDEN).await.expect("an answer").is_empty());
    let back = queue
        .receive(10, AT_ONCE, HIDDEN)
        .await
        .expect("an answer")
        .remove(0);
    assert_eq!(
        (back.body.as_str(), back.deliveries),
        ("{\"text\":\"😀\"}", 1)
    );
}
