//! Token ids of a text, cut off at the model's limit, and the byte ranges of tokens in a text.

use std::ops::Range;

use tokenizers::{
    Encoding, NormalizerWrapper, PreTokenizerWrapper, Tokenizer, TruncationDirection,
    utils::truncation::TruncationParams,
};

use crate::error::Error;

/// Bytes of text that the first window holds for each token that is needed. English text has about 5 bytes a token.
const WINDOW_BYTES_PER_TOKEN: usize = 16;

/// The tokenizer of a model, with the largest number of tokens that the model reads.
pub(crate) struct ModelTokenizer {
    tokenizer: Tokenizer,
    max_tokens: usize,
    special_tokens: usize,
    splits_at_spaces: bool,
}

/// A text as its model reads it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct EncodedText {
    /// Token ids with the special tokens, at most as many as the model reads.
    pub(crate) ids: Vec<u32>,
    /// Number of tokens that stand for text.
    pub(crate) content: usize,
    /// Whether the end of the text was cut off.
    pub(crate) truncated: bool,
}

impl ModelTokenizer {
    /// Loads `tokenizer.json`. `max_tokens` and `vocabulary` are what the model's configuration states, if it states them.
    pub(crate) fn new(
        tokenizer: &[u8],
        max_tokens: Option<usize>,
        vocabulary: Option<usize>,
    ) -> Result<Self, Error> {
        let mut tokenizer = Tokenizer::from_bytes(tokenizer).map_err(refused)?;
        let own_limit = tokenizer
            .get_truncation()
            .map(|t: &TruncationParams| t.max_length);
        let max_tokens = max_tokens.or(own_limit).ok_or_else(|| {
            let places = "max_length or max_position_embeddings in config.json, or truncation in tokenizer.json";
            Error::config(format!("the model's longest text is not stated: add {places}"))
        })?;
        tokenizer.with_padding(None);
        tokenizer.with_truncation(None).map_err(refused)?;
        let loaded = Self {
            special_tokens: count_special_tokens(&tokenizer)?,
            splits_at_spaces: splits_at_spaces(&tokenizer),
            tokenizer,
            max_tokens,
        };
        if loaded.max_tokens <= loaded.special_tokens {
            let (max_tokens, special_tokens) = (loaded.max_tokens, loaded.special_tokens);
            return Err(Error::config(format!(
                "a text may have {max_tokens} tokens, {special_tokens} of them special: none is left for text"
            )));
        }
        match vocabulary {
            Some(rows) if loaded.vocabulary() > rows => Err(Error::tokenizer(format!(
                "it has {} tokens, but config.json says vocab_size {rows}: they belong to different models",
                loaded.vocabulary()
            ))),
            _ => Ok(loaded),
        }
    }

    /// Returns the number of tokens of the vocabulary, which is one more than the largest id.
    pub(crate) fn vocabulary(&self) -> usize {
        let largest = self.tokenizer.get_vocab(true).into_values().max();
        largest.map_or(0, |id| id as usize + 1)
    }

    /// Returns the largest number of tokens of a text, with the special tokens.
    pub(crate) fn max_tokens(&self) -> usize {
        self.max_tokens
    }

    /// Returns the number of special tokens around every text.
    pub(crate) fn special_tokens(&self) -> usize {
        self.special_tokens
    }

    /// Encodes a text and cuts the ids off after the model's limit.
    pub(crate) fn encode(&self, text: &str) -> Result<EncodedText, Error> {
        let room = self.max_tokens - self.special_tokens;
        let (mut encoding, cut) = self.encode_beginning(text, room)?;
        let content = encoding.len().min(room);
        let truncated = cut || encoding.len() > room;
        encoding.truncate(room, 0, TruncationDirection::Right);
        // The post-processor would put special tokens around each part that was cut off, too.
        encoding.take_overflowing();
        let whole = self
            .tokenizer
            .post_process(encoding, None, true)
            .map_err(tokenizer_failed)?;
        Ok(EncodedText {
            ids: whole.get_ids().to_vec(),
            content,
            truncated,
        })
    }

    /// Returns the byte range of each token in the text, without special tokens and without a limit.
    pub(crate) fn token_spans(&self, text: &str) -> Result<Vec<Range<usize>>, Error> {
        let encoding = self
            .tokenizer
            .encode(text, false)
            .map_err(tokenizer_failed)?;
        Ok(encoding
            .get_offsets()
            .iter()
            .map(|&(start, end)| start..end)
            .collect())
    }

    /// Counts the tokens of a text, without special tokens and without a limit.
    pub(crate) fn count_tokens(&self, text: &str) -> Result<usize, Error> {
        Ok(self
            .tokenizer
            .encode_fast(text, false)
            .map_err(tokenizer_failed)?
            .len())
    }

    /// Encodes at least `room + 1` tokens of the text, or all tokens, and returns whether text is left over.
    ///
    /// The whole of a megabyte is not tokenized for the sake of its first 256 tokens. Where a tokenizer splits at every space,
    /// the tokens before a space do not depend on what follows the space, so that a prefix that ends there has exactly the
    /// tokens that the whole text begins with.
    fn encode_beginning(&self, text: &str, room: usize) -> Result<(Encoding, bool), Error> {
        let mut window = room * WINDOW_BYTES_PER_TOKEN;
        while self.splits_at_spaces && window < text.len() {
            if let Some(end) = last_word_end(&text.as_bytes()[..window]) {
                let encoding = self
                    .tokenizer
                    .encode_fast(&text[..end], false)
                    .map_err(tokenizer_failed)?;
                if encoding.len() > room {
                    return Ok((encoding, true));
                }
            }
            window *= 4;
        }
        Ok((
            self.tokenizer
                .encode_fast(text, false)
                .map_err(tokenizer_failed)?,
            false,
        ))
    }
}

/// Returns the last place where an ASCII letter or digit is followed by a space.
fn last_word_end(bytes: &[u8]) -> Option<usize> {
    let at = bytes
        .windows(2)
        .rposition(|pair| pair[0].is_ascii_alphanumeric() && pair[1] == b' ')?;
    Some(at + 1)
}

fn count_special_tokens(tokenizer: &Tokenizer) -> Result<usize, Error> {
    let empty = tokenizer.encode_fast("", true).map_err(refused)?;
    Ok(empty.len())
}

/// Returns whether no token can reach over a space or depend on what follows one: BERT's word splitting and the byte-level
/// splitting of RoBERTa, with a normalization that works character by character.
fn splits_at_spaces(tokenizer: &Tokenizer) -> bool {
    let normalizer = matches!(
        tokenizer.get_normalizer(),
        None | Some(
            NormalizerWrapper::BertNormalizer(_)
                | NormalizerWrapper::Lowercase(_)
                | NormalizerWrapper::NFC(_)
                | NormalizerWrapper::NFKC(_)
        )
    );
    let splits = match tokenizer.get_pre_tokenizer() {
        Some(PreTokenizerWrapper::BertPreTokenizer(_)) => true,
        Some(PreTokenizerWrapper::ByteLevel(bytes)) => bytes.use_regex,
        _ => false,
    };
    let added = tokenizer.get_added_tokens_decoder();
    normalizer
        && splits
        && added
            .values()
            .all(|t| !t.content.contains(char::is_whitespace))
}

fn tokenizer_failed(error: tokenizers::Error) -> Error {
    Error::inference(0, "the tokenizer failed").with_source(error)
}

fn refused(error: tokenizers::Error) -> Error {
    Error::tokenizer("the file does not hold a tokenizer").with_source(error)
}
