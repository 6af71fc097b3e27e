//! The model's scores: beside the way of the messages, never on it.

use std::sync::Arc;

use futures::StreamExt;
use insights_core::chat::merge::Heard;
use jiff::Timestamp;
use store::state::{Expect, StateStore};
use tokio::sync::mpsc;

use super::Update;
use super::desk::Desk;
use crate::{Deps, records};

/// Messages that wait to be scored; beyond, the model is left out, and that is counted.
const WAITING: usize = 256;
/// Messages scored at once: what a small machine has cores.
const AT_ONCE: usize = 2;

impl Desk {
    /// Hands a message to the model, if there is one and it has time.
    pub(super) fn score_later(&mut self, heard: &Heard) {
        if let Some(scoring) = &self.scoring
            && scoring.try_send(heard.clone()).is_err()
        {
            self.counts.unscored += 1;
        }
    }
}

/// The task that scores; it ends when the session does.
pub(super) fn start(deps: Arc<Deps>, updates: Option<mpsc::Sender<Update>>) -> mpsc::Sender<Heard> {
    let (scoring, waiting) = mpsc::channel::<Heard>(WAITING);
    let stream = futures::stream::unfold(waiting, async |mut waiting| {
        waiting.recv().await.map(|heard| (heard, waiting))
    });
    tokio::spawn(async move {
        let scored =
            stream.for_each_concurrent(AT_ONCE, |heard| score(&deps, heard, updates.as_ref()));
        scored.await;
    });
    scoring
}

async fn score(deps: &Deps, mut heard: Heard, updates: Option<&mpsc::Sender<Update>>) {
    let Some(score) = deps.scorer.score(&heard.message.text).await else {
        return;
    };
    heard.model_sentiment = Some(score.to_four_decimals());
    let now = Timestamp::now();
    let stored = async {
        let put = records::put(
            records::message(&heard.message),
            &heard,
            now,
            deps.config.retention,
        )?;
        deps.state.put(put, Expect::Any, now).await
    };
    if let Err(error) = stored.await {
        tracing::warn!(conversation = heard.message.conversation_id, error = %error, "a model score was not stored");
    }
    if let Some(updates) = updates {
        let identity = heard.message.identity();
        let _ = updates.try_send(Update::Scored {
            conversation_id: heard.message.conversation_id,
            identity,
            score,
        });
    }
}
