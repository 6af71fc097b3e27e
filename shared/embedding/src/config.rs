//! How conversations are embedded, read once at start.

use std::path::{Path, PathBuf};

use insights_core::intent::IntentCategories;
use insights_core::mapper::FieldMap;
use runtime::config::{ConfigError, Env};
use url::Url;

/// Who makes the vectors.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ProviderConfig {
    /// The model in this process; `EMBEDDING_MODEL_DIR`, else `MODEL_DIR`, holds one in place of the shipped one.
    Local {
        /// The folder.
        model_dir: Option<PathBuf>,
        /// `INFERENCE_THREADS`: 0, the default, takes one a core.
        threads: usize,
    },
    /// OpenAI, or a service that speaks its API.
    OpenAi {
        /// `OPENAI_BASE_URL`; OpenAI's own.
        base_url: Url,
        /// `OPENAI_EMBEDDING_MODEL`; `text-embedding-3-small`.
        model: String,
        /// `OPENAI_EMBEDDING_DIMENSIONS`: the length of the model's vectors; 1536.
        dimension: usize,
        /// `OPENAI_MAX_INPUTS`: texts of a request; 200.
        max_inputs: usize,
        /// `OPENAI_MAX_TOKENS`: tokens of a request; 8000.
        max_tokens: usize,
    },
}

/// The configuration; each field says its variable and default.
#[derive(Debug, Clone)]
pub struct Config {
    /// `EMBEDDING_PROVIDER`, `local` or `openai`; local.
    pub provider: ProviderConfig,
    /// `EMBEDDING_FIELDS`: dot paths and labels; see [`insights_core::mapper`].
    pub fields: FieldMap,
    /// `EMBEDDING_CHUNK_TOKENS`: tokens of a chunk; 254, all that the shipped model reads. Never more than a model reads.
    pub chunk_tokens: usize,
    /// `EMBEDDING_CHUNK_OVERLAP`: tokens that consecutive chunks share; 32.
    pub chunk_overlap: usize,
    /// `REDACT_PII`, `true` or `false`: whether personal data is replaced before anything is stored or sent; false.
    pub redact: bool,
    /// `INTENT_FILE`: categories as JSON or TOML; see [`insights_core::intent`].
    pub categories: IntentCategories,
    /// `DATABASE_CONNECTIONS`: connections that this process may hold; 2.
    pub connections: usize,
}

impl Config {
    /// Reads the configuration.
    ///
    /// # Errors
    /// [`ConfigError`], naming the variable, its value and what is allowed.
    pub fn from_env(env: &Env) -> Result<Self, ConfigError> {
        let fields = env.text("EMBEDDING_FIELDS").map(str::parse).transpose();
        Ok(Self {
            provider: provider(env)?,
            fields: fields
                .map_err(|error| {
                    invalid(
                        env,
                        "EMBEDDING_FIELDS",
                        format!("paths with labels: {error}"),
                    )
                })?
                .unwrap_or_default(),
            chunk_tokens: env.number("EMBEDDING_CHUNK_TOKENS", 254, 16..=8191)?,
            chunk_overlap: env.number("EMBEDDING_CHUNK_OVERLAP", 32, 0..=4095)?,
            redact: env.choice("REDACT_PII", &[("false", false), ("true", true)])?,
            categories: match env.text("INTENT_FILE") {
                None => IntentCategories::default(),
                Some(path) => categories(Path::new(path))
                    .map_err(|allowed| invalid(env, "INTENT_FILE", allowed))?,
            },
            connections: env.number("DATABASE_CONNECTIONS", 2, 1..=100)?,
        })
    }
}

fn provider(env: &Env) -> Result<ProviderConfig, ConfigError> {
    if env.choice("EMBEDDING_PROVIDER", &[("local", false), ("openai", true)])? {
        let own = Url::parse(crate::openai::OPENAI_URL)
            .map_err(|_| invalid(env, "OPENAI_BASE_URL", "a URL".to_owned()));
        return Ok(ProviderConfig::OpenAi {
            base_url: match env.url("OPENAI_BASE_URL")? {
                Some(url) => url,
                None => own?,
            },
            model: env
                .text("OPENAI_EMBEDDING_MODEL")
                .unwrap_or("text-embedding-3-small")
                .to_owned(),
            dimension: env.number("OPENAI_EMBEDDING_DIMENSIONS", 1536, 1..=2000)?,
            max_inputs: env.number(
                "OPENAI_MAX_INPUTS",
                crate::openai::MAX_INPUTS,
                1..=crate::openai::MAX_INPUTS,
            )?,
            max_tokens: env.number(
                "OPENAI_MAX_TOKENS",
                crate::openai::MAX_REQUEST_TOKENS,
                16..=crate::openai::MAX_REQUEST_TOKENS,
            )?,
        });
    }
    let model_dir = match env.folder("EMBEDDING_MODEL_DIR")? {
        Some(folder) => Some(folder),
        None => env.folder("MODEL_DIR")?,
    };
    Ok(ProviderConfig::Local {
        model_dir,
        threads: env.number("INFERENCE_THREADS", 0, 0..=64)?,
    })
}

/// Reads categories from a file, JSON unless it is named `.toml`.
fn categories(path: &Path) -> Result<IntentCategories, String> {
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

fn invalid(env: &Env, name: &str, allowed: String) -> ConfigError {
    let value = env.text(name).unwrap_or_default().to_owned();
    ConfigError::Invalid {
        name: name.to_owned(),
        value,
        allowed,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_set_gives_the_shipped_model_and_the_contracts_numbers() {
        let config = Config::from_env(&Env::default()).unwrap();
        assert_eq!(
            config.provider,
            ProviderConfig::Local {
                model_dir: None,
                threads: 0
            }
        );
        assert_eq!(
            (config.chunk_tokens, config.chunk_overlap, config.redact),
            (254, 32, false)
        );
        assert_eq!(config.fields, FieldMap::default());
        let openai = Config::from_env(&Env::from_pairs([("EMBEDDING_PROVIDER", "openai")]))
            .unwrap()
            .provider;
        let ProviderConfig::OpenAi {
            base_url,
            model,
            dimension,
            max_inputs,
            max_tokens,
        } = openai
        else {
            panic!("not OpenAI");
        };
        assert_eq!(
            (base_url.as_str(), model.as_str()),
            ("https://api.openai.com/", "text-embedding-3-small")
        );
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
            ("REDACT_PII", "maybe", "false, true"),
            ("INTENT_FILE", "/no/such/file", "can be read"),
            ("INTENT_FILE", bad.to_str().unwrap(), "threshold 2"),
            ("EMBEDDING_PROVIDER", "cloud", "local, openai"),
        ] {
            let error = Config::from_env(&Env::from_pairs([(name, value)]))
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
        assert_eq!(categories(&toml).unwrap(), categories(&json).unwrap());
    }
}
