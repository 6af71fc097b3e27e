//! Which calls a run of the poller follows.

/// The calls that a run follows.
#[derive(Debug, Clone)]
pub enum CallSelection {
    /// The calls that are listed in these shards, as they come and go.
    Shards(Vec<u32>),
    /// The calls with these identifiers, listed or not, until the stop.
    Ids(Vec<String>),
}
