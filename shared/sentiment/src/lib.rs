#![doc = include_str!("../README.md")]

pub mod provider;
pub mod score;
pub mod service;
pub mod settings;
pub mod setup;

pub use provider::{HttpProvider, LocalProvider, Provider, ProviderError, SentimentProvider};
pub use score::SentimentScore;
pub use settings::{OptionalSentiment, ProviderKind, ScoringSettings, SentimentSettings};
pub use setup::build_provider;
