//! Chunking: cuts a text into pieces that each fit the embedding model, measured in the model's own tokens.
//!
//! - A speaker's turn is kept whole where it fits: a turn that does not fit behind the turns before it begins the next
//!   chunk. A turn larger than a chunk is cut at the end of a sentence, else between words, else between tokens.
//! - Consecutive chunks share up to the overlap in tokens, so that a thought on the border is whole in one of them. The
//!   overlap gives way where it would break a turn that fits without it.
//!
//! ```
//! use insights_core::chunking::{ChunkLimits, cut_into_chunks};
//!
//! // A tokenizer that sees one token per word.
//! let tokenize = |text: &str| -> Vec<std::ops::Range<usize>> {
//!     text.split_ascii_whitespace()
//!         .map(|word| {
//!             let start = word.as_ptr() as usize - text.as_ptr() as usize;
//!             start..start + word.len()
//!         })
//!         .collect()
//! };
//! let text = "one two three four five six seven eight nine. ".repeat(3);
//! let chunks = cut_into_chunks(&text, &[], ChunkLimits::new(16, 0).unwrap(), tokenize);
//! let tokens: Vec<usize> = chunks.iter().map(|chunk| chunk.tokens).collect();
//! assert_eq!(tokens, [9, 9, 9], "each chunk ends behind a sentence");
//! ```

use std::ops::Range;

mod cuts;
mod limits;
#[cfg(test)]
mod tests;

use cuts::CutPoints;
pub use limits::{ChunkLimits, InvalidChunkLimits, MIN_TOKENS};

/// One piece of a text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Chunk {
    /// The place of the chunk in the text, in bytes, without surrounding white space.
    pub range: Range<usize>,
    /// The number of tokens that the tokenizer sees in the chunk alone.
    pub tokens: usize,
}

/// Cuts a text into chunks.
///
/// `turns` are the byte ranges of the speakers' turns, in order. `tokenize` returns the byte spans of a text's tokens, in
/// order, without special tokens. The function calls `tokenize` once on the whole text and about once per chunk, because a
/// tokenizer may see other tokens at the edge of a piece than inside the whole.
///
/// Every character other than white space is in at least one chunk, and the ranges begin and end in ascending order. No
/// chunk has more tokens than allowed, except where a single character has more. A text of white space has no chunk.
pub fn cut_into_chunks<F>(
    text: &str,
    turns: &[Range<usize>],
    limits: ChunkLimits,
    mut tokenize: F,
) -> Vec<Chunk>
where
    F: FnMut(&str) -> Vec<Range<usize>>,
{
    let spans = tokenize(text);
    if spans.len() <= limits.max_tokens() {
        return trim_range(text, 0..text.len())
            .map(|range| Chunk {
                tokens: spans.len(),
                range,
            })
            .into_iter()
            .collect();
    }
    let cuts = CutPoints::new(text, turns, &spans);
    let mut chunks: Vec<Chunk> = Vec::new();
    // Positions are indices of cut points: chunk `from..to` is the text between two of them.
    let (mut from, mut covered) = (0, 0);
    while covered < cuts.last() {
        let to = cuts.best_end(from, covered, limits.max_tokens());
        if let Some((to, chunk)) = fit_chunk(
            text,
            &cuts,
            from..to,
            covered,
            limits.max_tokens(),
            &mut tokenize,
        ) {
            chunks.extend(chunk);
            covered = to;
            from = cuts.next_start(from, to, limits);
        } else {
            // Even the smallest step does not fit behind the overlap, so begin without one, where the last chunk ended.
            from = covered;
        }
    }
    chunks
}

/// Shortens a piece until its own token count fits, and returns its end and the chunk.
///
/// Returns `None` if the shortened piece would add nothing to the text that is covered already.
fn fit_chunk<F>(
    text: &str,
    cuts: &CutPoints,
    piece: Range<usize>,
    covered: usize,
    max_tokens: usize,
    tokenize: &mut F,
) -> Option<(usize, Option<Chunk>)>
where
    F: FnMut(&str) -> Vec<Range<usize>>,
{
    let mut to = piece.end;
    loop {
        let Some(range) = trim_range(text, cuts.offset(piece.start)..cuts.offset(to)) else {
            return Some((to, None));
        };
        let tokens = tokenize(&text[range.clone()]).len();
        if tokens <= max_tokens {
            return Some((to, Some(Chunk { range, tokens })));
        }
        let excess = tokens - max_tokens;
        let shorter = cuts.earlier(to, excess).max(covered + 1);
        if shorter < to {
            to = shorter;
        } else if piece.start < covered {
            return None;
        } else {
            // The piece cannot be cut any further, so the model itself will cut off what is too much.
            return Some((to, Some(Chunk { range, tokens })));
        }
    }
}

/// Returns a range without white space at its ends; `None` if the range holds only white space.
fn trim_range(text: &str, range: Range<usize>) -> Option<Range<usize>> {
    let piece = &text[range.clone()];
    let start = range.start + (piece.len() - piece.trim_start().len());
    let end = range.start + piece.trim_end().len();
    (start < end).then_some(start..end)
}
