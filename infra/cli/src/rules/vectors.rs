//! Vectors for `said_like`: the embedding model of this process reads the texts of a rule file and what was said.

use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use embedding::provider::{EmbeddingProvider, LocalProvider, Provider};
use embedding::settings::{EmbeddingSettings, ProviderKind};
use embedding::setup::build_provider;
use insights_core::rules::{Dialogue, RuleFile};
use insights_http::Deadline;
use insights_http::client::IdleConnections;
use insights_http::secret::FixedSecret;
use runtime::config::Env;
use secrecy::SecretString;

/// Longest time for the vectors of one group of texts.
const EMBED_TIMEOUT: Duration = Duration::from_secs(120);
/// Number of texts that are embedded together.
const GROUP_TEXTS: usize = 256;

/// The vectors of the texts of a rule file, by one model.
#[derive(Debug, Clone)]
pub(super) struct PrototypeVectors {
    digest: String,
    vectors: Vec<Vec<f32>>,
}

impl PrototypeVectors {
    /// Gives the vectors to a file with the same texts. A file without such texts stays as it is.
    pub(super) fn give_to(self, file: RuleFile) -> RuleFile {
        if self.vectors.is_empty() {
            return file;
        }
        file.with_prototypes(&self.digest, self.vectors)
    }
}

/// The local embedding model.
pub(crate) struct SimilarityModel {
    provider: LocalProvider,
}

impl SimilarityModel {
    /// Loads the model if a rule of one of the files asks for texts that are like another one. Conversations are read by the model in
    /// this process alone: where the settings name a service, such rules stay unknown.
    ///
    /// # Errors
    /// If the settings or the model cannot be read.
    pub(crate) async fn load_for(files: &[&RuleFile]) -> anyhow::Result<Option<Self>> {
        if files.iter().all(|file| file.prototypes().is_empty()) {
            return Ok(None);
        }
        // In a local run, `MODEL_DIR` names the sentiment model, and `EMBEDDING_MODEL_DIR` names the embedding model.
        let settings = EmbeddingSettings::from_env(&Env::process().with("MODEL_DIR", ""))?;
        if settings.provider != ProviderKind::Local {
            eprintln!(
                "rules with said_like are unknown: they ask the local model, and EMBEDDING_PROVIDER names a service"
            );
            return Ok(None);
        }
        let no_key = Arc::new(FixedSecret(SecretString::from("")));
        match build_provider(&settings, no_key, IdleConnections::Keep).await? {
            Provider::Local(provider) => Ok(Some(Self { provider })),
            _ => Ok(None),
        }
    }

    /// Returns a rule file with the vectors of its texts.
    ///
    /// # Errors
    /// If the model fails on one of them.
    pub(crate) async fn prepare(&self, file: RuleFile) -> anyhow::Result<RuleFile> {
        let vectors = self.vectors(&file).await?;
        Ok(vectors.give_to(file))
    }

    /// Returns the vectors of the texts of a rule file.
    ///
    /// # Errors
    /// If the model fails on one of them.
    pub(super) async fn vectors(&self, file: &RuleFile) -> anyhow::Result<PrototypeVectors> {
        let texts = file.prototypes();
        let embedded = self
            .provider
            .embed(&texts, Deadline::within(EMBED_TIMEOUT))
            .await;
        let vectors = embedded
            .into_iter()
            .zip(&texts)
            .map(|(vector, text)| vector.with_context(|| format!("{text:?} was not embedded")))
            .collect::<anyhow::Result<_>>()?;
        Ok(PrototypeVectors {
            digest: self.provider.digest().to_owned(),
            vectors,
        })
    }

    /// Returns the model as the report uses it.
    pub(crate) fn for_report(&self) -> analytics_report::SimilarityModel {
        let provider = self.provider.clone();
        analytics_report::SimilarityModel {
            digest: self.provider.digest().to_owned(),
            embed: Arc::new(move |texts: Vec<String>| {
                let provider = provider.clone();
                Box::pin(async move {
                    let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
                    let deadline = Deadline::within(EMBED_TIMEOUT);
                    let embedded = provider.embed(&texts, deadline).await;
                    embedded.into_iter().map(Result::ok).collect()
                })
            }),
        }
    }

    /// Gives each utterance its vector. An utterance that the model cannot read has none, and rules that ask for it are unknown.
    pub(crate) async fn embed(&self, dialogues: &mut [(String, Dialogue)]) {
        let mut utterances: Vec<_> = dialogues
            .iter_mut()
            .flat_map(|(_, dialogue)| &mut dialogue.utterances)
            .filter(|utterance| !utterance.text.trim().is_empty())
            .collect();
        for group in utterances.chunks_mut(GROUP_TEXTS) {
            let texts: Vec<&str> = group
                .iter()
                .map(|utterance| utterance.text.as_str())
                .collect();
            let embedded = self
                .provider
                .embed(&texts, Deadline::within(EMBED_TIMEOUT))
                .await;
            for (utterance, vector) in group.iter_mut().zip(embedded) {
                utterance.embedding = vector.ok();
            }
        }
    }
}
