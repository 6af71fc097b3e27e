//! The limits of chunks, checked when they are built.

/// Smallest limit of a chunk in tokens; a smaller chunk would hold nothing of a sentence.
pub const MIN_TOKENS: usize = 16;

/// The sizes of chunks: the largest chunk and the largest overlap, in tokens.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ChunkLimits {
    max_tokens: usize,
    overlap_tokens: usize,
}

/// The reason why chunk limits were refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum InvalidChunkLimits {
    /// The chunk is too small.
    #[error("a chunk of {0} tokens is too small; at least {MIN_TOKENS} are allowed")]
    MaxTokens(usize),
    /// The overlap is too large for the chunk.
    #[error(
        "an overlap of {overlap} tokens is too large for chunks of {max}; at most half of it is allowed"
    )]
    Overlap {
        /// The requested overlap in tokens.
        overlap: usize,
        /// The size of a chunk in tokens.
        max: usize,
    },
}

impl ChunkLimits {
    /// Limits chunks to `max_tokens` tokens (without the model's special tokens), of which two consecutive chunks share at most
    /// `overlap_tokens`.
    ///
    /// # Errors
    /// [`InvalidChunkLimits`] if a chunk has fewer than 16 tokens or the overlap is more than half of a chunk.
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

    /// Returns the largest number of tokens in a chunk.
    #[must_use]
    pub const fn max_tokens(self) -> usize {
        self.max_tokens
    }

    /// Returns the largest number of tokens that two consecutive chunks share.
    #[must_use]
    pub const fn overlap_tokens(self) -> usize {
        self.overlap_tokens
    }
}
