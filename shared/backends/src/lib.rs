#![doc = include_str!("../README.md")]

mod backends;
pub mod board;
pub mod caller_keys;
#[cfg(feature = "cxone")]
pub mod conversation_source;
#[cfg(feature = "cxone")]
pub mod cxone_client;
#[cfg(feature = "vectors")]
mod database;
pub mod ended_contacts;
pub mod erasure;
pub mod interactions;
mod key_source;
pub mod lease_guard;
mod rule_source;
pub mod settings;
mod shards;
#[cfg(feature = "cxone")]
mod shared_turns;
#[cfg(feature = "cxone")]
mod tenant_client;
pub mod tenant_settings;
#[cfg(feature = "cxone")]
pub mod token_cache;

pub use crate::backends::Backends;
pub use crate::key_source::{FunctionSecrets, secret_key};
pub use crate::rule_source::RuleSource;
#[cfg(feature = "cxone")]
pub use crate::tenant_client::{TenantShare, digital_request_interval, tenant_paces};
