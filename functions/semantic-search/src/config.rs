//! The settings of the function, read once at start.

use backends::settings::{CallerSecretSettings, DatabaseSecretSettings, ProviderSecretSettings};
use embedding::settings::EmbeddingSettings;
use runtime::settings::group;

runtime::settings! {
    /// The configuration of the semantic search.
    #[derive(Debug, Clone)]
    pub struct Config {
        /// The secret that proves callers.
        pub callers: CallerSecretSettings = group::<CallerSecretSettings>(),
        /// The secret with the URL of the database.
        pub database: DatabaseSecretSettings = group::<DatabaseSecretSettings>(),
        /// The secret with the keys of services that score or embed.
        pub providers: ProviderSecretSettings = group::<ProviderSecretSettings>(),
        /// The model that embeds questions, and the database.
        pub embedding: EmbeddingSettings = group::<EmbeddingSettings>(),
    }
}

impl Config {
    /// Embeds as these settings say, for a process whose functions share a model.
    #[must_use]
    pub fn with_embedding(mut self, embedding: EmbeddingSettings) -> Self {
        self.embedding = embedding;
        self
    }
}
