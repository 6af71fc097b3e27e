//! The settings of the function, read once at start.

use backends::settings::SecretSettings;
use embedding::settings::EmbeddingSettings;
use runtime::settings::group;

runtime::settings! {
    /// The configuration of the semantic search.
    #[derive(Debug, Clone)]
    pub struct Config {
        /// The secret, with the API key and the URL of the database.
        pub secret: SecretSettings = group::<SecretSettings>(),
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
