//! Conversations to vectors and back: what the embedding writer, the search and the backfill have in common.
//!
//! A [`provider::Provider`] makes vectors, in this process or by a service. An [`indexer::Indexer`] maps a webhook event to
//! text, cuts it into chunks, embeds and stores them. A [`searcher::Searcher`] finds them again. A crate of its own, since
//! it needs both the models and the stores, which do not know each other.

pub mod batches;
pub mod indexer;
pub mod openai;
pub mod provider;
pub mod searcher;
pub mod settings;
pub mod setup;
