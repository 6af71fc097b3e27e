//! The product's stores: state, secrets, objects, queue and vectors, each a trait with a deployed and an embedded implementation.
//!
//! | store | deployed | embedded |
//! |---|---|---|
//! | [`state::StateStore`] | DynamoDB, one table | SQLite file |
//! | [`secrets::SecretStore`] | Secrets Manager, one JSON secret | TOML file of mode 0600 |
//! | [`objects::Objects`] | S3 | a folder |
//! | [`queue::Queue`] | SQS | a table of the SQLite file |
//! | [`vectors::VectorStore`] | PostgreSQL with pgvector | SQLite with sqlite-vec |
//!
//! Only this crate knows AWS storage, SQL and files. Callers pass the time in, so that expiry can be tested without
//! waiting; every implementation passes one conformance suite.

#[cfg(any(feature = "aws", feature = "queue"))]
pub mod aws;
#[cfg(feature = "embedded")]
mod embedded;
pub mod error;
#[cfg(feature = "objects")]
pub mod objects;
#[cfg(any(feature = "objects", feature = "embedded"))]
mod private;
#[cfg(any(feature = "queue", feature = "embedded"))]
pub mod queue;
pub mod secrets;
pub mod state;
#[cfg(feature = "vectors")]
pub mod vectors;

pub use error::{Cause, Error};
