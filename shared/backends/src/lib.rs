//! What several functions need from the stores and the contact center: secrets and state as the environment names them,
//! clients of the contact center, the shared token cache, the keys that callers present, and the list of live
//! interactions.

pub mod caller_keys;
pub mod cxone_client;
pub mod interactions;
pub mod lease_guard;
pub mod stores;
pub mod token_cache;
