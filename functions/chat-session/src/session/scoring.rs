//! The queue of messages that the model scores. Scoring runs beside the processing of messages and never delays it.

use std::sync::Arc;

use futures::StreamExt;
use insights_core::WithCauses;
use insights_core::chat::stored_message::StoredMessage;
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

/// The sending end of the scoring task.
#[derive(Debug)]
pub(super) struct ScoringQueue {
    sender: Option<mpsc::Sender<StoredMessage>>,
    skipped: u64,
}

impl ScoringQueue {
    /// Starts the task that scores, if there is a model. The task ends when the queue is dropped.
    pub(super) fn start(deps: &Arc<Deps>, updates: Observer<Update>) -> Self {
        let is_enabled = deps.scorer.is_enabled();
        Self {
            sender: is_enabled.then(|| start_task(Arc::clone(deps), updates)),
            skipped: 0,
        }
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

fn start_task(deps: Arc<Deps>, updates: Observer<Update>) -> mpsc::Sender<StoredMessage> {
    let (sender, receiver) = mpsc::channel::<StoredMessage>(QUEUE_LIMIT);
    let messages = futures::stream::unfold(receiver, async |mut receiver| {
        receiver.recv().await.map(|stored| (stored, receiver))
    });
    tokio::spawn(async move {
        messages
            .for_each_concurrent(CONCURRENCY, |stored| score(&deps, stored, &updates))
            .await;
    });
    sender
}

async fn score(deps: &Deps, stored: StoredMessage, updates: &Observer<Update>) {
    let Some(score) = deps.scorer.score(&stored.message.text).await else {
        return;
    };
    // An item of its own: the message may be stored again meanwhile, and neither write may undo the other.
    let record = ScoreRecord {
        model_sentiment: score.to_four_decimals(),
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
        conversation_id: stored.message.conversation_id,
        score,
    });
}
