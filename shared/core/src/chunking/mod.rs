//! Chunks: pieces of a text that each fit the embedding model, cut by its own tokens, overlapping a little.
//!
//! Speaker turns are kept whole where they fit: a turn that does not fit behind the ones before it begins the next chunk.
//! A turn larger than a chunk is cut at the end of a sentence, else between words, else between tokens. Consecutive
//! chunks share up to the overlap in tokens, so that a thought on the border is whole in one of them; the overlap gives
//! way where it would break a turn that fits without it.

use std::ops::Range;

mod cuts;
#[cfg(test)]
mod tests;

use cuts::Cuts;

/// The fewest tokens a chunk may be limited to; below it nothing of a sentence is left.
pub const MIN_TOKENS: usize = 16;

/// How large chunks may be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ChunkLimits {
    max_tokens: usize,
    overlap_tokens: usize,
}

/// ChunkLimits that cannot work.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum InvalidChunkLimits {
    /// Too few tokens.
    #[error("a chunk of {0} tokens is too small; at least {MIN_TOKENS} are allowed")]
    MaxTokens(usize),
    /// Too much overlap.
    #[error(
        "an overlap of {overlap} tokens is too large for chunks of {max}; at most half of it is allowed"
    )]
    Overlap {
        /// The overlap asked for.
        overlap: usize,
        /// The tokens of a chunk.
        max: usize,
    },
}

impl ChunkLimits {
    /// Chunks of at most `max_tokens` tokens (without the model's special ones), sharing at most `overlap_tokens`.
    ///
    /// # Errors
    /// [`InvalidChunkLimits`] below 16 tokens or where the overlap is more than half of a chunk.
    pub fn new(max_tokens: usize, overlap_tokens: usize) -> Result<Self, InvalidChunkLimits> {
        if max_tokens < MIN_TOKENS {
            return Err(InvalidChunkLimits::MaxTokens(max_tokens));
        }
        if overlap_tokens > max_tokens / 2 {
            return Err(InvalidChunkLimits::Overlap {
                overlap: overlap_tokens,
                max: max_tokens,
            });
        }
        Ok(Self {
            max_tokens,
            overlap_tokens,
        })
    }

    /// The most tokens of a chunk.
    #[must_use]
    pub const fn max_tokens(self) -> usize {
        self.max_tokens
    }

    /// The most tokens that two consecutive chunks share.
    #[must_use]
    pub const fn overlap_tokens(self) -> usize {
        self.overlap_tokens
    }
}

/// A piece of the text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Chunk {
    /// Where it is in the text, in bytes, without surrounding white space.
    pub range: Range<usize>,
    /// How many tokens it has on its own.
    pub tokens: usize,
}

/// Cuts a text into chunks.
///
/// `turns` are the byte ranges of the speakers' turns, in order; `tokenize` gives the byte spans of a text's tokens, in
/// order, without special tokens. It is called once on the whole text and about once a chunk, since a tokenizer may see
/// other tokens at the edge of a piece than inside the whole.
///
/// Every character other than white space is in at least one chunk, ranges begin and end in ascending order, and no
/// chunk has more tokens than allowed, unless a single character has. A text without a character has no chunk.
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
    if spans.len() <= limits.max_tokens {
        return trimmed(text, 0..text.len())
            .map(|range| Chunk {
                tokens: spans.len(),
                range,
            })
            .into_iter()
            .collect();
    }
    let cuts = Cuts::new(text, turns, &spans);
    let mut chunks: Vec<Chunk> = Vec::new();
    // Positions are indices of cut points: chunk `from..to` is the text between two of them.
    let (mut from, mut covered) = (0, 0);
    while covered < cuts.last() {
        let to = cuts.best_end(from, covered, limits.max_tokens);
        if let Some((to, chunk)) = measured(
            text,
            &cuts,
            from..to,
            covered,
            limits.max_tokens,
            &mut tokenize,
        ) {
            chunks.extend(chunk);
            covered = to;
            from = cuts.next_start(from, to, limits);
        } else {
            // Even the smallest step is too large behind the overlap: begin where the last chunk ended.
            from = covered;
        }
    }
    chunks
}

/// The chunk `piece`, shortened until its own token count fits; `None` if it would then add nothing to what is covered.
fn measured<F>(
    text: &str,
    cuts: &Cuts,
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
        let Some(range) = trimmed(text, cuts.offset(piece.start)..cuts.offset(to)) else {
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
            // One uncuttable piece of the text: the model cuts what is left over.
            return Some((to, Some(Chunk { range, tokens })));
        }
    }
}

/// The range without white space at its ends; `None` if nothing else is in it.
fn trimmed(text: &str, range: Range<usize>) -> Option<Range<usize>> {
    let piece = &text[range.clone()];
    let start = range.start + (piece.len() - piece.trim_start().len());
    let end = range.start + piece.trim_end().len();
    (start < end).then_some(start..end)
}
