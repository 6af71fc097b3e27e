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

/// The two ends of the scoring task: takes messages, and gives back those in which the model found signals.
#[derive(Debug)]
pub(super) struct ScoringQueue {
    sender: Option<mpsc::Sender<StoredMessage>>,
    signaled: mpsc::Receiver<StoredMessage>,
    skipped: u64,
}

/// Where the scoring task reports to.
struct Reports {
    updates: Observer<Update>,
    signaled: mpsc::Sender<StoredMessage>,
}

impl ScoringQueue {
    /// Starts the task that scores, if there is a model. The task ends when the queue is dropped.
    pub(super) fn start(deps: &Arc<Deps>, updates: Observer<Update>) -> Self {
        let (signals, signaled) = mpsc::channel(QUEUE_LIMIT);
        let reports = Reports {
            updates,
            signaled: signals,
        };
        let is_enabled = deps.scorer.is_enabled();
        Self {
            sender: is_enabled.then(|| start_task(Arc::clone(deps), reports)),
            signaled,
            skipped: 0,
        }
    }

    /// Waits for a message in which the model found signals. Dropping the future loses none. Returns `None` once the task has
    /// ended and all of them were taken.
    pub(super) async fn next_signaled(&mut self) -> Option<StoredMessage> {
        self.signaled.recv().await
    }

    /// Lets the task end when it has scored what waits.
    pub(super) fn close(&mut self) {
        self.sender = None;
    }

    /// Hands a message to the model, or counts it as skipped if too many messages wait.
    pub(super) fn enqueue(&mut self, stored: &StoredMessage) {
        if let Some(sender) = &self.sender
            && sender.try_send(stored.clone()).is_err()
        {
            self.skipped += 1;
        }
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
            .for_each_concurrent(CONCURRENCY, |stored| score(&deps, stored, &reports))
            .await;
    });
    sender
}

async fn score(deps: &Deps, mut stored: StoredMessage, reports: &Reports) {
    let Some(sentiment) = deps.scorer.score(&stored.message.text).await else {
        return;
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
    reports.updates.notify(|| Update::Scored {
        identity: stored.message.identity(),
        conversation_id: stored.message.conversation_id.clone(),
        sentiment,
    });
    if !stored.signals.is_empty() {
        // The session has ended if nobody takes it: the next one finds the signals in the store.
        let _ = reports.signaled.send(stored).await;
    }
}
