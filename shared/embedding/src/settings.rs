//! How conversations are embedded, read once at start.

use std::path::{Path, PathBuf};

use insights_core::intent::IntentCategories;
use insights_core::mapper::FieldMap;
use runtime::models::ModelSettings;
use runtime::redaction::RedactionSettings;
use runtime::settings::{choice, folder, from_caller, group, number, text, url};
use url::Url;

use crate::openai::{MAX_INPUTS, MAX_REQUEST_TOKENS, OPENAI_URL};
use crate::provider::Provider;

/// Which provider makes the vectors.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ProviderKind {
    /// The model in this process.
    Local,
    /// OpenAI, or a service that has the same API.
    OpenAi,
}

runtime::settings! {
    /// How conversations are embedded.
    #[derive(Debug, Clone)]
    pub struct EmbeddingSettings {
        /// What makes the vectors: `local` is the model inside the function, `openai` the service at OPENAI_BASE_URL. The embedding
        /// writer and the semantic search need the same value.
        pub provider: ProviderKind = choice("EMBEDDING_PROVIDER", &[("local", ProviderKind::Local), ("openai", ProviderKind::OpenAi)]),
        /// Folder of another local embedding model.
        pub model_folder: Option<PathBuf> = folder("EMBEDDING_MODEL_DIR").otherwise("the folder of MODEL_DIR"),
        /// The models inside the function.
        pub models: ModelSettings = group::<ModelSettings>(),
        /// Service of the provider `openai`.
        pub openai: OpenAiSettings = group::<OpenAiSettings>(),
        /// Fields of a webhook's `data` that are embedded; the paths are separated by dots.
        pub fields: FieldMap = text("EMBEDDING_FIELDS", "`path=Label` pairs separated by commas")
            .otherwise("agent, customer and subject")
            .parse(|text| text.parse().map_err(|error| format!("paths with labels: {error}")))
            .map(Option::unwrap_or_default),
        /// Number of tokens in a chunk of text; a chunk never has more than the model reads.
        pub chunk_tokens: usize = number("EMBEDDING_CHUNK_TOKENS", 254, 16..=8191, "tokens"),
        /// Number of tokens that two consecutive chunks share.
        pub chunk_overlap: usize = number("EMBEDDING_CHUNK_OVERLAP", 32, 0..=4095, "tokens"),
        /// How personal data is masked before anything is stored or sent.
        pub redaction: RedactionSettings = group::<RedactionSettings>(),
        /// File of the intent categories with their prototypes and key words.
        pub categories: IntentCategories = text("INTENT_FILE", "the path of a JSON or TOML file")
            .otherwise("the built-in categories")
            .parse(|path| read_categories(Path::new(path)))
            .map(Option::unwrap_or_default),
        /// Number of connections to PostgreSQL that one process may hold.
        pub connections: usize = number("DATABASE_CONNECTIONS", 2, 1..=100, "connections"),
        /// A provider that the process has built already and that is used in place of a new one.
        pub shared: Option<Provider> = from_caller(),
    }
}

runtime::settings! {
    /// OpenAI, or a service that has the same API.
    #[derive(Debug, Clone)]
    pub struct OpenAiSettings {
        /// Base URL of OpenAI or of another service with the same embeddings API.
        pub base_url: Option<Url> = url("OPENAI_BASE_URL").otherwise(OPENAI_URL),
        /// Model that the service embeds with.
        pub model: String = text("OPENAI_EMBEDDING_MODEL", "the name of a model").or("text-embedding-3-small"),
        /// Length of the model's vectors; an HNSW index takes at most 2000 dimensions.
        pub dimension: usize = number("OPENAI_EMBEDDING_DIMENSIONS", 1536, 1..=2000, "dimensions"),
        /// Largest number of texts in one request.
        pub max_inputs: usize = number("OPENAI_MAX_INPUTS", MAX_INPUTS, 1..=MAX_INPUTS, "texts"),
        /// Largest number of tokens in one request.
        pub max_tokens: usize = number("OPENAI_MAX_TOKENS", MAX_REQUEST_TOKENS, 16..=MAX_REQUEST_TOKENS, "tokens"),
    }
}

impl EmbeddingSettings {
    /// Embeds with a provider that the process has built already, so that two functions of one process share a model.
    #[must_use]
    pub fn with_provider(mut self, provider: Provider) -> Self {
        self.shared = Some(provider);
        self
    }
}

impl OpenAiSettings {
    /// Returns the base URL as text, OpenAI's own where none is set.
    #[must_use]
    pub fn base_url(&self) -> &str {
        self.base_url.as_ref().map_or(OPENAI_URL, Url::as_str)
    }
}

/// Reads categories from a file, JSON unless it is named `.toml`.
fn read_categories(path: &Path) -> Result<IntentCategories, String> {
    let text = std::fs::read_to_string(path)
        .map_err(|error| format!("a file that can be read ({error})"))?;
    let read = if path
        .extension()
        .is_some_and(|extension| extension == "toml")
    {
        let categories: IntentCategories =
            toml::from_str(&text).map_err(|error| format!("TOML of categories ({error})"))?;
        categories.validate().map(|()| categories)
    } else {
        IntentCategories::from_json(&text)
    };
    read.map_err(|error| format!("a file of categories ({error})"))
}

#[cfg(test)]
mod tests {
    use runtime::config::Env;

    use super::*;

    #[test]
    fn nothing_set_gives_the_shipped_model_and_the_contracts_numbers() {
        let config = EmbeddingSettings::from_env(&Env::default()).unwrap();
        assert_eq!(config.provider, ProviderKind::Local);
        assert_eq!((&config.models.folder, config.models.threads), (&None, 0));
        assert_eq!(
            (
                config.chunk_tokens,
                config.chunk_overlap,
                config.redaction.for_stores().is_some()
            ),
            (254, 32, true)
        );
        assert_eq!(config.fields, FieldMap::default());
        let openai = &config.openai;
        assert_eq!(
            (openai.base_url(), openai.model.as_str()),
            ("https://api.openai.com", "text-embedding-3-small")
        );
        let (dimension, max_inputs, max_tokens) =
            (openai.dimension, openai.max_inputs, openai.max_tokens);
        assert_eq!((dimension, max_inputs, max_tokens), (1536, 200, 8000));
    }

    #[test]
    fn a_wrong_value_is_named_with_what_is_allowed() {
        let folder = tempfile::tempdir().unwrap();
        let bad = folder.path().join("intents.toml");
        std::fs::write(&bad, "default = \"a\"\nthreshold = 2.0\ncategories = []\n").unwrap();
        for (name, value, allowed) in [
            ("EMBEDDING_FIELDS", "subject", "field 1"),
            ("EMBEDDING_CHUNK_TOKENS", "8", "from 16"),
            ("REDACT_PII", "maybe", "store, off, always"),
            ("INTENT_FILE", "/no/such/file", "can be read"),
            ("INTENT_FILE", bad.to_str().unwrap(), "threshold 2"),
            ("EMBEDDING_PROVIDER", "cloud", "local, openai"),
        ] {
            let error = EmbeddingSettings::from_env(&Env::from_pairs([(name, value)]))
                .unwrap_err()
                .to_string();
            assert!(
                error.starts_with(name) && error.contains(allowed),
                "{error}"
            );
        }
    }

    #[test]
    fn categories_may_be_json_or_toml() {
        let folder = tempfile::tempdir().unwrap();
        let toml = folder.path().join("a.toml");
        let text = "default = \"a\"\nthreshold = 0.5\n[[categories]]\nname = \"a\"\nprototypes = [\"hello\"]\n";
        std::fs::write(&toml, text).unwrap();
        let json = folder.path().join("a.json");
        let value =
            r#"{"default":"a","threshold":0.5,"categories":[{"name":"a","prototypes":["hello"]}]}"#;
        std::fs::write(&json, value).unwrap();
        assert_eq!(
            read_categories(&toml).unwrap(),
            read_categories(&json).unwrap()
        );
    }
}
