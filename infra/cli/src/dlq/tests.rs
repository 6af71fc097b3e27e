//! Dead letters of a file and of SQS are selected by reason, listed and sent back.

use std::path::Path;
use std::time::Duration;

use store::queue::{Queue, SqliteQueue, Sqs, SqsDeadLetters};
use tokio::time::Instant;

use super::dead_letters::LOCAL_QUEUE;
use super::*;

const HIDDEN: Duration = Duration::from_secs(60);

/// Sends a message for each reason and makes it a dead letter.
async fn add_dead_letters(queue: &impl Queue, reasons: &[&str]) {
    for (n, reason) in reasons.iter().enumerate() {
        queue.send(&format!("{{\"n\":{n}}}")).await.unwrap();
        let message = queue
            .receive(1, Duration::ZERO, HIDDEN)
            .await
            .unwrap()
            .remove(0);
        queue.dead_letter(&message, reason).await.unwrap();
        queue.delete(&message.receipt).await.unwrap();
    }
}

/// Receives the messages of the queue and returns their number.
async fn receive_all(queue: &impl Queue) -> usize {
    queue
        .receive(10, Duration::ZERO, HIDDEN)
        .await
        .unwrap()
        .len()
}

fn open_file(folder: &Path) -> SqliteQueue {
    SqliteQueue::open(folder.join(LOCAL_QUEUE.0), LOCAL_QUEUE.1).unwrap()
}

async fn create_sqs() -> (Sqs, DeadLetters) {
    let config = store::aws::load_config(Some(&dev_stack::aws().endpoint_url)).await;
    let url = Sqs::create(&config, &dev_stack::unique("queue"))
        .await
        .unwrap();
    let dead = Sqs::create(&config, &dev_stack::unique("dead"))
        .await
        .unwrap();
    let letters = DeadLetters::Sqs(SqsDeadLetters::new(&config, url.clone(), dead.clone()));
    (Sqs::new(&config, url, Some(dead)), letters)
}

async fn list(letters: &DeadLetters, reason: Option<&str>, limit: usize) -> Vec<DeadLetter> {
    let mut found = Vec::new();
    letters
        .process(reason, limit, Action::List(&mut found))
        .await
        .unwrap();
    found
}

async fn send_back(letters: &DeadLetters, reason: Option<&str>, limit: usize) -> usize {
    let mut sent = 0;
    letters
        .process(
            reason,
            limit,
            Action::SendBack {
                rate: 1000,
                sent: &mut sent,
            },
        )
        .await
        .unwrap();
    sent
}

async fn letters_are_found_by_reason_and_only_those_go_back(
    queue: &impl Queue,
    letters: &DeadLetters,
) {
    add_dead_letters(
        queue,
        &[
            "not JSON: line 1",
            "1536 Dimensions, not 384",
            "not JSON: line 1",
        ],
    )
    .await;
    assert_eq!(list(letters, None, 100).await.len(), 3);
    assert_eq!(list(letters, Some("json"), 1).await.len(), 1);
    assert_eq!(
        list(letters, Some("DIMENSION"), 100).await[0].reason,
        "1536 Dimensions, not 384"
    );

    assert_eq!(send_back(letters, Some("dimension"), 100).await, 1);
    assert_eq!(receive_all(queue).await, 1);
    assert_eq!(list(letters, None, 100).await.len(), 2);

    assert_eq!(send_back(letters, None, 1).await, 1);
    assert_eq!(send_back(letters, None, 100).await, 1);
    assert_eq!(send_back(letters, None, 100).await, 0);
    assert_eq!(receive_all(queue).await, 2);
}

#[tokio::test]
async fn letters_of_a_file_are_found_by_reason_and_only_those_go_back() {
    let folder = tempfile::tempdir().unwrap();
    let queue = open_file(folder.path());
    let letters = DeadLetters::File(open_file(folder.path()));
    letters_are_found_by_reason_and_only_those_go_back(&queue, &letters).await;
}

#[tokio::test]
async fn letters_on_sqs_are_found_by_reason_and_only_those_go_back() {
    let (queue, letters) = create_sqs().await;
    letters_are_found_by_reason_and_only_those_go_back(&queue, &letters).await;
}

#[tokio::test]
async fn more_letters_than_one_answer_holds_are_all_found_and_seen_again() {
    let (queue, letters) = create_sqs().await;
    add_dead_letters(&queue, &["too many"; 23]).await;
    assert_eq!(list(&letters, None, 100).await.len(), 23);
    assert_eq!(list(&letters, None, 100).await.len(), 23);
    assert_eq!(send_back(&letters, None, 100).await, 23);
}

#[tokio::test(start_paused = true)]
async fn letters_go_back_no_faster_than_the_rate() {
    let folder = tempfile::tempdir().unwrap();
    let queue = open_file(folder.path());
    add_dead_letters(&queue, &["a"; 11]).await;
    let started = Instant::now();
    let mut sent = 0;
    let letters = DeadLetters::File(queue);
    letters
        .process(
            None,
            100,
            Action::SendBack {
                rate: 5,
                sent: &mut sent,
            },
        )
        .await
        .unwrap();
    assert_eq!(sent, 11);
    assert!(
        started.elapsed() >= Duration::from_secs(2),
        "{:?}",
        started.elapsed()
    );
}

#[tokio::test]
async fn a_folder_without_a_queue_is_named() {
    let local = LocalArgs {
        data_dir: "/nonexistent".into(),
        cxone_url: None,
        profile: None,
        aws: false,
    };
    let error = DeadLetters::open(&local).await.err().unwrap().to_string();
    assert_eq!(
        error,
        "/nonexistent/queue.sqlite does not exist: no function has used this data folder yet"
    );
}

#[test]
fn the_table_has_a_line_per_reason_with_the_most_frequent_first() {
    let letter = |id: &str, reason: &str, second: i64| DeadLetter {
        id: id.to_owned(),
        reason: reason.to_owned(),
        sent_at: Timestamp::from_second(second).ok(),
        bytes: 1,
    };
    let letters = [
        letter("m1", "rare", 0),
        letter("m2", "often", 60),
        letter("m3", "often", 0),
    ];
    let text = table(&letters);
    let lines: Vec<_> = text.lines().collect();
    assert_eq!(
        lines[1],
        "      2  1970-01-01T00:00:00Z  1970-01-01T00:01:00Z  often (m2)"
    );
    assert_eq!(
        lines[2],
        "      1  1970-01-01T00:00:00Z  1970-01-01T00:00:00Z  rare (m1)"
    );
    assert_eq!(table(&[]), "no dead letters\n");
}
