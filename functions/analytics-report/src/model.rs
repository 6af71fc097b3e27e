//! The local model as the report uses it.

use std::sync::Arc;

use futures::future::BoxFuture;
use insights_core::rules::{Dialogue, RuleFile};
use insights_core::signals::Signals;

/// What the local model says of one line.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct LineScore {
    /// The score, 0 to 1 with 0.5 neutral; `None` for a line without words or in a language that the model does not read.
    pub score: Option<f64>,
    /// The signals of the line.
    pub signals: Signals,
}

/// A function that scores the customer's lines of a conversation with the local model, one result a line.
pub type ModelScorer =
    Arc<dyn Fn(Vec<String>) -> BoxFuture<'static, anyhow::Result<Vec<LineScore>>> + Send + Sync>;

/// A function that embeds texts with a local model; a text that the model cannot read has no vector.
pub type TextEmbedder =
    Arc<dyn Fn(Vec<String>) -> BoxFuture<'static, Vec<Option<Vec<f32>>>> + Send + Sync>;

/// A local embedding model, for rules that ask for texts that are like another one.
#[derive(Clone)]
pub struct SimilarityModel {
    /// The digest of the model, which is a part of the version of the rules that ask it.
    pub digest: String,
    /// The function that embeds texts.
    pub embed: TextEmbedder,
}

impl SimilarityModel {
    /// Returns a rule file with the vectors of its texts. Where one of them has none, the rules that ask for it stay unknown.
    pub(crate) async fn prepare(&self, file: &RuleFile) -> RuleFile {
        let texts: Vec<String> = file.prototypes().into_iter().map(str::to_owned).collect();
        if texts.is_empty() {
            return file.clone();
        }
        let vectors: Option<Vec<Vec<f32>>> = (self.embed)(texts).await.into_iter().collect();
        match vectors {
            Some(vectors) => file.clone().with_prototypes(&self.digest, vectors),
            None => file.clone(),
        }
    }

    /// Gives each utterance of a conversation its vector.
    pub(crate) async fn embed(&self, dialogue: &mut Dialogue) {
        let texts = dialogue.utterances.iter().map(|it| it.text.clone());
        let vectors = (self.embed)(texts.collect()).await;
        for (utterance, vector) in dialogue.utterances.iter_mut().zip(vectors) {
            utterance.embedding = vector;
        }
    }
}

impl std::fmt::Debug for SimilarityModel {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "SimilarityModel({})", self.digest)
    }
}
