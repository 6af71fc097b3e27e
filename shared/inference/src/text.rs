//! Text to token ids, cut at the model's limit by tokens, and tokens back to places in the text.

use std::ops::Range;

use tokenizers::{
    Encoding, NormalizerWrapper, PreTokenizerWrapper, Tokenizer, TruncationDirection,
    utils::truncation::TruncationParams,
};

use crate::Error;

/// Bytes of text for each token that the first window holds: English has about 5.
const WINDOW_BYTES_PER_TOKEN: usize = 16;

/// A tokenizer and the most tokens that its model reads.
pub(crate) struct Reader {
    tokenizer: Tokenizer,
    limit: usize,
    special: usize,
    splits_at_spaces: bool,
}

/// A text as its model reads it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Tokens {
    /// Ids, the special ones included, at most the model's limit.
    pub(crate) ids: Vec<u32>,
    /// How many of them stand for text.
    pub(crate) content: usize,
    /// Whether text was cut off.
    pub(crate) truncated: bool,
}

impl Reader {
    /// Reads `tokenizer.json`; `limit` is what the model's configuration says, if it says anything.
    pub(crate) fn new(
        tokenizer: &[u8],
        limit: Option<usize>,
        vocabulary: Option<usize>,
    ) -> Result<Self, Error> {
        let mut tokenizer =
            Tokenizer::from_bytes(tokenizer).map_err(|e| Error::Tokenizer(e.to_string()))?;
        let own_limit = tokenizer
            .get_truncation()
            .map(|t: &TruncationParams| t.max_length);
        let limit = limit.or(own_limit).ok_or_else(|| {
            let places = "max_length or max_position_embeddings in config.json, or truncation in tokenizer.json";
            Error::Config(format!("the model's longest text is not stated: add {places}"))
        })?;
        tokenizer.with_padding(None);
        tokenizer
            .with_truncation(None)
            .map_err(|e| Error::Tokenizer(e.to_string()))?;
        let reader = Self {
            special: special_tokens(&tokenizer)?,
            splits_at_spaces: splits_at_spaces(&tokenizer),
            tokenizer,
            limit,
        };
        if reader.limit <= reader.special {
            let (limit, special) = (reader.limit, reader.special);
            return Err(Error::Config(format!(
                "a text may have {limit} tokens, {special} of them special: none is left for text"
            )));
        }
        match vocabulary {
            Some(rows) if reader.vocabulary() > rows => Err(Error::Tokenizer(format!(
                "it has {} tokens, but config.json says vocab_size {rows}: they belong to different models",
                reader.vocabulary()
            ))),
            _ => Ok(reader),
        }
    }

    /// Tokens that there are, which is one more than the largest id.
    pub(crate) fn vocabulary(&self) -> usize {
        let largest = self.tokenizer.get_vocab(true).into_values().max();
        largest.map_or(0, |id| id as usize + 1)
    }

    /// The most tokens of a text, special ones included.
    pub(crate) fn limit(&self) -> usize {
        self.limit
    }

    /// Special tokens around every text.
    pub(crate) fn special(&self) -> usize {
        self.special
    }

    /// The ids of a text, cut after the model's limit.
    pub(crate) fn read(&self, text: &str) -> Result<Tokens, Error> {
        let room = self.limit - self.special;
        let (mut encoding, cut) = self.encode_first(text, room)?;
        let content = encoding.len().min(room);
        let truncated = cut || encoding.len() > room;
        encoding.truncate(room, 0, TruncationDirection::Right);
        // the post-processor would put special tokens around each part that was cut off, too
        encoding.take_overflowing();
        let whole = self
            .tokenizer
            .post_process(encoding, None, true)
            .map_err(failed)?;
        Ok(Tokens {
            ids: whole.get_ids().to_vec(),
            content,
            truncated,
        })
    }

    /// The place of each token in the text, in bytes; no special tokens, no limit.
    pub(crate) fn spans(&self, text: &str) -> Result<Vec<Range<usize>>, Error> {
        let encoding = self.tokenizer.encode(text, false).map_err(failed)?;
        Ok(encoding
            .get_offsets()
            .iter()
            .map(|&(start, end)| start..end)
            .collect())
    }

    /// Tokens of a text, without special ones and without a limit.
    pub(crate) fn count(&self, text: &str) -> Result<usize, Error> {
        Ok(self
            .tokenizer
            .encode_fast(text, false)
            .map_err(failed)?
            .len())
    }

    /// At least `room + 1` tokens of the text, or all; and whether text is left over.
    ///
    /// A megabyte is not tokenized for the sake of its first 256 tokens. Where a tokenizer splits at every space, what
    /// comes before a space does not depend on what follows it, so a prefix that ends there has exactly the tokens that
    /// the whole text begins with.
    fn encode_first(&self, text: &str, room: usize) -> Result<(Encoding, bool), Error> {
        let mut window = room * WINDOW_BYTES_PER_TOKEN;
        while self.splits_at_spaces && window < text.len() {
            if let Some(end) = last_word_end(&text.as_bytes()[..window]) {
                let encoding = self
                    .tokenizer
                    .encode_fast(&text[..end], false)
                    .map_err(failed)?;
                if encoding.len() > room {
                    return Ok((encoding, true));
                }
            }
            window *= 4;
        }
        Ok((
            self.tokenizer.encode_fast(text, false).map_err(failed)?,
            false,
        ))
    }
}

/// The last place where an ASCII letter or digit is followed by a space.
fn last_word_end(bytes: &[u8]) -> Option<usize> {
    let at = bytes
        .windows(2)
        .rposition(|pair| pair[0].is_ascii_alphanumeric() && pair[1] == b' ')?;
    Some(at + 1)
}

fn special_tokens(tokenizer: &Tokenizer) -> Result<usize, Error> {
    let empty = tokenizer
        .encode_fast("", true)
        .map_err(|e| Error::Tokenizer(e.to_string()))?;
    Ok(empty.len())
}

/// Whether no token can reach over a space, or depend on what is behind it: BERT's word splitting and the byte-level kind
/// that RoBERTa has, with a normalisation that works character by character.
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

fn failed(error: tokenizers::Error) -> Error {
    Error::Inference {
        tokens: 0,
        reason: format!("tokenizer: {error}"),
    }
}
