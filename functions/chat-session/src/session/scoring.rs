//! The queue of messages that the model scores. Scoring runs beside the processing of messages and never delays it.

use std::sync::Arc;

use futures::StreamExt;
use insights_core::WithCauses;
use insights_core::chat::stored_message::StoredMessage;
use insights_core::unscored::Unscored;
use jiff::Timestamp;
use runtime::Observer;
use store::state::{Expect, StateStore};
use tokio::sync::mpsc;

use super::updates::Update;
use crate::deps::Deps;
use crate::records::{self, ScoreRecord};

/// Number of messages that may wait for the model. A further message is not scored by the model, and is counted.
const QUEUE_LIMIT: usize = 256;
/// Number of messages that are scored at the same time: the number of cores of a small machine.
const CONCURRENCY: usize = 2;

/// The two ends of the scoring task: takes messages, and gives each back with the signals that the model found.
#[derive(Debug)]
pub(super) struct ScoringQueue {
    sender: Option<mpsc::Sender<StoredMessage>>,
    done: mpsc::Receiver<StoredMessage>,
    skipped: u64,
}

/// Where the scoring task reports to.
struct Reports {
    updates: Observer<Update>,
    done: mpsc::Sender<StoredMessage>,
}

impl ScoringQueue {
    /// Starts the task that scores, if there is a model. The task ends when the queue is dropped.
    pub(super) fn start(deps: &Arc<Deps>, updates: Observer<Update>) -> Self {
        let (finished, done) = mpsc::channel(QUEUE_LIMIT);
        let reports = Reports {
            updates,
            done: finished,
        };
        let is_enabled = deps.scorer.is_enabled();
        Self {
            sender: is_enabled.then(|| start_task(Arc::clone(deps), reports)),
            done,
            skipped: 0,
        }
    }

    /// Waits for a message that the model is done with, also where the model failed. Dropping the future loses none. Returns `None`
    /// once the task has ended and all of them were taken.
    pub(super) async fn next_done(&mut self) -> Option<StoredMessage> {
        self.done.recv().await
    }

    /// Lets the task end when it has scored what waits.
    pub(super) fn close(&mut self) {
        self.sender = None;
    }

    /// Hands a message to the model, or counts it as skipped if too many messages wait. Returns whether the model has it.
    pub(super) fn enqueue(&mut self, stored: &StoredMessage) -> bool {
        let Some(sender) = &self.sender else {
            return false;
        };
        let is_taken = sender.try_send(stored.clone()).is_ok();
        self.skipped += u64::from(!is_taken);
        is_taken
    }

    /// Returns the number of messages that the model did not score.
    pub(super) const fn skipped(&self) -> u64 {
        self.skipped
    }
}

fn start_task(deps: Arc<Deps>, reports: Reports) -> mpsc::Sender<StoredMessage> {
    let (sender, receiver) = mpsc::channel::<StoredMessage>(QUEUE_LIMIT);
    let messages = futures::stream::unfold(receiver, async |mut receiver| {
        receiver.recv().await.map(|stored| (stored, receiver))
    });
    tokio::spawn(async move {
        messages
            .for_each_concurrent(CONCURRENCY, async |stored| {
                let stored = score(&deps, stored, &reports.updates).await;
                // The session has ended if nobody takes it: the next one finds the signals in the store.
                let _ = reports.done.send(stored).await;
            })
            .await;
    });
    sender
}

/// Scores a message and stores the score. Returns the message with what the model found.
async fn score(
    deps: &Deps,
    mut stored: StoredMessage,
    updates: &Observer<Update>,
) -> StoredMessage {
    let Some(sentiment) = deps.scorer.score(&stored.message.text).await else {
        return stored;
    };
    let is_foreign = sentiment.unscored == Some(Unscored::OtherLanguage);
    stored.signals = sentiment.signals;
    stored.language = sentiment
        .language
        .filter(|_| is_foreign)
        .map(|language| language.code().to_owned());
    if is_foreign {
        runtime::metrics::count("chat_messages_in_other_languages", 1);
    }
    // An item of its own: the message may be stored again meanwhile, and neither write may undo the other.
    let record = ScoreRecord {
        model_sentiment: sentiment.score.to_four_decimals(),
        signals: stored.signals,
        language: stored.language.clone(),
    };
    let now = Timestamp::now();
    let written = async {
        let put = records::encode_put(
            records::score_key(&stored.message),
            &record,
            now,
            deps.config.retention,
        )?;
        deps.state.put(put, Expect::Any, now).await
    };
    if let Err(error) = written.await {
        tracing::warn!(
            conversation_id = stored.message.conversation_id,
            cause = %WithCauses(&error),
            "the model's score of a message was not stored"
        );
    }
    updates.notify(|| Update::Scored {
        identity: stored.message.identity(),
        conversation_id: stored.message.conversation_id.clone(),
        sentiment,
    });
    stored
}
