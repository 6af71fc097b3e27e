//! The blocks of rows that the kernels work on at once.

/// Returns the rows of block number `index`, where `rows` rows are divided into the fewest blocks of at most `most` rows. The
/// blocks have nearly the same size, since a block of 1 row costs as many loads as a block of 8.
pub(super) fn block(rows: usize, most: usize, index: usize) -> std::ops::Range<usize> {
    let blocks = rows.div_ceil(most);
    index * rows / blocks..(index + 1) * rows / blocks
}
