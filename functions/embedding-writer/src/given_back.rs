//! Messages that failed because a store is away, and when they come again.
//!
//! SQS would hide such a message for its whole visibility timeout, twelve minutes, however soon the store is back. The writer shortens
//! that to a few seconds, for as many deliveries as an outage of half an hour and more needs. From then on the visibility timeout
//! applies, since the queue allows a message no more than a thousand deliveries, and a message must be tried for days.

use std::time::Duration;

use insights_core::WithCauses;
use insights_core::backoff::BackoffPolicy;
use insights_http::Deadline;
use store::queue::{Message, Queue};

/// Deliveries of a message after which it comes again soon. In the template, `maxReceiveCount` is this and four days of visibility
/// timeouts.
const SOON_DELIVERIES: u32 = 480;

/// Most time that giving messages back may take: a queue that does not answer must not use up the time of the batch.
const GIVING_BACK_TIMEOUT: Duration = Duration::from_secs(5);

/// What is left of the time of a batch for its reply.
const REPLY_MARGIN: Duration = Duration::from_secs(1);

/// Returns how long a message stays hidden after this many deliveries; `None` for the rest of its visibility timeout. `random` is
/// uniform in 0..=1.
fn hidden_for(deliveries: u32, random: f64) -> Option<Duration> {
    (deliveries <= SOON_DELIVERIES)
        .then(|| BackoffPolicy::GIVEN_BACK_MESSAGE.delay(deliveries, random))
}

/// Gives messages back to their queue, so that they come again soon. Those whose time cannot be changed come again at the end of
/// their visibility timeout.
pub(crate) async fn give_back(queue: &impl Queue, messages: &[&Message], deadline: Deadline) {
    let hidden: Vec<(&Message, Duration)> = messages
        .iter()
        .filter_map(|message| Some((*message, hidden_for(message.deliveries, rand::random())?)))
        .collect();
    if hidden.is_empty() {
        return;
    }
    let limit = deadline
        .earlier_by(REPLY_MARGIN)
        .or_within(GIVING_BACK_TIMEOUT);
    match limit.bound(queue.give_back(&hidden)).await {
        Some(Ok(())) => {}
        Some(Err(error)) => tracing::warn!(
            messages = hidden.len(),
            cause = %WithCauses(&error),
            "these messages come again only after their visibility timeout"
        ),
        None => tracing::warn!(
            messages = hidden.len(),
            "the queue did not answer in time; these messages come again only after their visibility timeout"
        ),
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use store::Error;

    use super::*;

    /// What a queue does when messages are given back.
    #[derive(Debug, Clone, Copy)]
    enum Answer {
        Taken,
        Refused,
        Never,
    }

    /// A queue that remembers what was given back.
    #[derive(Debug)]
    struct GivenBackQueue {
        answer: Answer,
        given: Mutex<Vec<(String, Duration)>>,
    }

    impl GivenBackQueue {
        fn new(answer: Answer) -> Self {
            Self {
                answer,
                given: Mutex::default(),
            }
        }
    }

    impl Queue for GivenBackQueue {
        async fn send(&self, _body: &str) -> Result<String, Error> {
            unreachable!("nothing is sent")
        }

        async fn receive(
            &self,
            _limit: usize,
            _wait: Duration,
            _visible_after: Duration,
        ) -> Result<Vec<Message>, Error> {
            unreachable!("nothing is received")
        }

        async fn delete(&self, _receipt: &str) -> Result<(), Error> {
            unreachable!("Lambda deletes")
        }

        async fn give_back(&self, messages: &[(&Message, Duration)]) -> Result<(), Error> {
            let given = messages
                .iter()
                .map(|(one, hidden)| (one.id.clone(), *hidden));
            self.given.lock().unwrap().extend(given);
            match self.answer {
                Answer::Taken => Ok(()),
                Answer::Refused => Err(Error::Unavailable {
                    store: "a queue",
                    operation: "give back",
                    source: "it refuses".into(),
                }),
                Answer::Never => std::future::pending().await,
            }
        }

        async fn dead_letter(&self, _message: &Message, _reason: &str) -> Result<(), Error> {
            unreachable!("nothing is buried")
        }
    }

    fn message(id: &str, deliveries: u32) -> Message {
        Message {
            id: id.to_owned(),
            receipt: format!("receipt of {id}"),
            body: "{}".to_owned(),
            deliveries,
        }
    }

    #[test]
    fn a_message_comes_again_within_seconds_which_grow_and_differ() {
        let bounds = |deliveries| {
            let of = |random| hidden_for(deliveries, random).unwrap();
            (of(0.0).as_millis(), of(1.0).as_millis())
        };
        assert_eq!(
            [1, 2, 3, 4, 100, SOON_DELIVERIES].map(bounds),
            [
                (1000, 2000),
                (2000, 4000),
                (4000, 8000),
                (4000, 8000),
                (4000, 8000),
                (4000, 8000)
            ]
        );
        // A message without a count has been delivered once.
        assert_eq!(bounds(0), bounds(1));
    }

    #[test]
    fn messages_come_soon_through_half_an_hour_and_then_for_four_days() {
        let shortest: Duration = (1..=1000).map_while(|count| hidden_for(count, 0.0)).sum();
        assert!(shortest > Duration::from_secs(30 * 60), "{shortest:?}");
        for count in [SOON_DELIVERIES + 1, 960, u32::MAX] {
            assert_eq!(hidden_for(count, 0.5), None);
        }
    }

    #[tokio::test]
    async fn each_message_is_given_back_for_the_time_of_its_own_count() {
        let queue = GivenBackQueue::new(Answer::Taken);
        let messages = [message("new", 1), message("old", 7), message("oldest", 481)];
        let messages: Vec<&Message> = messages.iter().collect();
        let deadline = Deadline::within(Duration::from_secs(60));
        give_back(&queue, &messages, deadline).await;
        let given = queue.given.lock().unwrap();
        let ids: Vec<&str> = given.iter().map(|(id, _)| id.as_str()).collect();
        assert_eq!(ids, ["new", "old"]);
        assert!(given[0].1 <= Duration::from_secs(2), "{given:?}");
        assert!(given[1].1 >= Duration::from_secs(4), "{given:?}");
    }

    #[tokio::test(start_paused = true)]
    async fn a_queue_that_refuses_or_hangs_holds_no_batch_up() {
        let message = message("one", 1);
        let started = tokio::time::Instant::now();
        for answer in [Answer::Refused, Answer::Never] {
            let queue = GivenBackQueue::new(answer);
            let deadline = Deadline::within(Duration::from_secs(60));
            give_back(&queue, &[&message], deadline).await;
            assert_eq!(queue.given.lock().unwrap().len(), 1, "{answer:?}");
        }
        assert_eq!(started.elapsed(), GIVING_BACK_TIMEOUT);
        // Close to its end, a batch keeps the time that its reply takes.
        let queue = GivenBackQueue::new(Answer::Never);
        let started = tokio::time::Instant::now();
        let deadline = Deadline::within(Duration::from_secs(3));
        give_back(&queue, &[&message], deadline).await;
        assert_eq!(started.elapsed(), Duration::from_secs(2));
    }

    #[tokio::test]
    async fn nothing_is_asked_of_the_queue_where_nothing_comes_soon() {
        let queue = GivenBackQueue::new(Answer::Refused);
        let old = message("old", SOON_DELIVERIES + 1);
        let deadline = Deadline::within(Duration::from_secs(60));
        give_back(&queue, &[], deadline).await;
        give_back(&queue, &[&old], deadline).await;
        assert!(queue.given.lock().unwrap().is_empty());
    }
}
