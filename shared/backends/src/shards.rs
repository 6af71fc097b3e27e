//! The shard of a live call, which spreads lists and rows over partitions.

/// Returns the shard of an interaction: the 32-bit FNV-1a hash of its id (draft-eastlake-fnv) by the number of shards, which
/// is the same on every machine and in every version of the product.
pub(crate) fn shard_of(id: &str, shards: u32) -> u32 {
    let hash = id.bytes().fold(0x811c_9dc5_u32, |hash, byte| {
        (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193)
    });
    hash % shards
}
