//! The domain of the product: pure decisions over text, scores and time.
//!
//! No I/O, no async, no clock: the time is passed in, so that every rule can be tested at any moment. Scores are on the
//! scale of [`scale`]; VADER keeps its own.

pub mod analytics;
pub mod backoff;
pub mod chat;
pub mod chunking;
mod error_chain;
pub mod indexing;
pub mod intent;
pub mod lexicon;
pub mod live;
pub mod mapper;
pub mod negation;
pub mod outcomes;
pub mod pii;
pub mod scale;
pub mod topics;
pub mod vader;
pub mod webhook;

pub use error_chain::WithCauses;
mod words;
