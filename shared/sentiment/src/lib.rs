//! Sentiment of a text: from the model in this process, or from an HTTP service, as the environment says.

pub mod provider;
pub mod service;
pub mod settings;

pub use provider::{Http, Local, Provider, ProviderError, Sentiment, SentimentProvider};
pub use settings::{ProviderKind, Settings};
