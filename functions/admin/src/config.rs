//! The settings of the function, read once at start.

use backends::erasure::listed_agents;
use backends::settings::{
    CallerSecretSettings, DatabaseSecretSettings, ObjectSettings, ProviderSecretSettings,
    QueueSettings, StateSettings,
};
use embedding::settings::EmbeddingSettings;
use runtime::settings::{Required, group, number, required_text, text};

runtime::settings! {
    /// The configuration of the tasks of an operator.
    #[derive(Debug, Clone)]
    pub struct Config {
        /// The secret that proves callers.
        pub callers: CallerSecretSettings = group::<CallerSecretSettings>(),
        /// The state store, which erasures clear and are recorded in.
        pub state: StateSettings = group::<StateSettings>(),
        /// The secret with the URL of the database.
        pub database: DatabaseSecretSettings = group::<DatabaseSecretSettings>(),
        /// The secret with the keys of services that score or embed.
        pub providers: ProviderSecretSettings = group::<ProviderSecretSettings>(),
        /// The bucket that conversations are read from, and that erasures clear.
        pub objects: ObjectSettings = group::<ObjectSettings>(),
        /// The queue that dead letters are sent back to.
        pub queue: QueueSettings = group::<QueueSettings>(),
        /// URL of the SQS queue that takes messages which can never be embedded.
        pub dead_letter_url: Required<String> = required_text("EMBEDDING_DLQ_URL", "the URL of the SQS queue of dead letters"),
        /// The model that embeds conversations, and the database.
        pub embedding: EmbeddingSettings = group::<EmbeddingSettings>(),
        /// Agents whose chat sessions may keep something of a conversation that is erased; those who wrote in it are found without.
        pub chat_agents: Vec<String> = text("CHAT_AGENTS", "ids of agents, separated by commas")
            .map(|list| listed_agents(&list.unwrap_or_default()).collect()),
        /// Days after its end that a conversation stays searchable; 0 keeps it for ever. The task `expire` deletes what is older.
        pub retention_days: u32 = number("VECTOR_RETENTION_DAYS", 0, 0..=36_500, "days"),
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
