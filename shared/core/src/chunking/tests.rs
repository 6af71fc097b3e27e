//! Examples that show the rules of chunking, and properties that hold for any text and any of three tokenizers.

use proptest::prelude::*;

use super::*;

/// Tokenizes like WordPiece: words and punctuation; a word longer than four letters is cut into pieces.
fn pieces(text: &str) -> Vec<Range<usize>> {
    let mut spans: Vec<Range<usize>> = Vec::new();
    let mut word = 0;
    for (at, letter) in text.char_indices() {
        let end = at + letter.len_utf8();
        if letter.is_whitespace() {
            word = 0;
        } else if letter.is_alphanumeric() && word > 0 && word % 4 != 0 {
            spans.last_mut().unwrap().end = end;
            word += 1;
        } else {
            spans.push(at..end);
            word = if letter.is_alphanumeric() {
                word + 1
            } else {
                0
            };
        }
    }
    spans
}

/// Tokenizes at byte level: several tokens of one character share its span.
fn bytes(text: &str) -> Vec<Range<usize>> {
    text.char_indices()
        .flat_map(|(at, c)| std::iter::repeat_n(at..at + c.len_utf8(), c.len_utf8()))
        .collect()
}

/// Tokenizes with one token more in a piece that does not begin with a capital letter: context matters at the edge.
fn context_dependent_pieces(text: &str) -> Vec<Range<usize>> {
    let mut spans = pieces(text);
    if let Some(first) = spans.first().cloned()
        && !text.starts_with(char::is_uppercase)
    {
        spans.insert(0, first);
    }
    spans
}

fn document(turns: &[&str]) -> (String, Vec<Range<usize>>) {
    let mut text = String::new();
    let mut ranges = Vec::new();
    for turn in turns {
        if !text.is_empty() {
            text.push(' ');
        }
        ranges.push(text.len()..text.len() + turn.len());
        text.push_str(turn);
    }
    (text, ranges)
}

fn cut<'a>(text: &'a str, turns: &[Range<usize>], max: usize, overlap: usize) -> Vec<&'a str> {
    cut_into_chunks(text, turns, ChunkLimits::new(max, overlap).unwrap(), pieces)
        .into_iter()
        .map(|chunk| &text[chunk.range])
        .collect()
}

#[test]
fn a_text_that_fits_is_one_chunk_and_no_text_is_none() {
    let limits = ChunkLimits::new(16, 4).unwrap();
    assert_eq!(
        cut_into_chunks(" a b ", &[], limits, pieces),
        [Chunk {
            range: 1..4,
            tokens: 2
        }]
    );
    assert!(cut_into_chunks("", &[], limits, pieces).is_empty());
    assert!(cut_into_chunks(" \n ", &[], limits, pieces).is_empty());
}

#[test]
fn a_turn_that_does_not_fit_behind_the_others_begins_the_next_chunk() {
    let (text, turns) = document(&["A: a b c d e f", "B: a b c d e", "C: x y z x y z x y z"]);
    assert_eq!(
        cut(&text, &turns, 17, 0),
        ["A: a b c d e f B: a b c d e", "C: x y z x y z x y z"]
    );
    // The overlap repeats a whole turn where both fit, and gives way where they do not.
    assert_eq!(
        cut(&text, &turns, 18, 8),
        [
            "A: a b c d e f B: a b c d e",
            "B: a b c d e C: x y z x y z x y z"
        ]
    );
    assert_eq!(
        cut(&text, &turns, 17, 8),
        ["A: a b c d e f B: a b c d e", "C: x y z x y z x y z"]
    );
    // A turn that fits no chunk does not leave the one before alone.
    let (text, turns) = document(&["A: hi", "B: a b c d e f a b c d e f a b c d e f"]);
    assert_eq!(
        cut(&text, &turns, 16, 0),
        ["A: hi B: a b c d e f a b c d e", "f a b c d e f"]
    );
}

#[test]
fn a_turn_longer_than_a_chunk_is_cut_behind_a_sentence() {
    let (text, turns) =
        document(&["A: one two six. ten two one. one two six ten. two one six ten two."]);
    assert_eq!(
        cut(&text, &turns, 16, 0),
        [
            "A: one two six. ten two one. one two six ten.",
            "two one six ten two."
        ]
    );
    assert_eq!(
        cut(&text, &turns, 16, 6)[1],
        "one two six ten. two one six ten two."
    );
}

#[test]
fn a_text_without_sentences_is_cut_between_words_and_one_word_between_tokens() {
    let words = "abcdefgh ".repeat(12);
    for chunk in cut(&words, &[], 17, 5) {
        assert!(chunk.split(' ').all(|word| word == "abcdefgh"), "{chunk}");
    }
    let word = "a".repeat(200);
    let lengths: Vec<usize> = cut(&word, &[], 16, 0)
        .iter()
        .map(|chunk| chunk.len())
        .collect();
    assert_eq!(lengths, [64, 64, 64, 8]);
}

#[test]
fn limits_that_cannot_work_are_refused() {
    assert_eq!(
        ChunkLimits::new(15, 0),
        Err(InvalidChunkLimits::MaxTokens(15))
    );
    assert!(ChunkLimits::new(16, 8).is_ok());
    assert_eq!(
        ChunkLimits::new(16, 9),
        Err(InvalidChunkLimits::Overlap {
            overlap: 9,
            max: 16
        })
    );
}

#[test]
fn a_long_text_takes_time_in_proportion_to_its_length() {
    // 240 KB of one-letter turns: a quadratic walk would take minutes here.
    let turns: Vec<&str> = std::iter::repeat_n("A: b", 48_000).collect();
    let (text, turns) = document(&turns);
    let all = cut_into_chunks(&text, &turns, ChunkLimits::new(254, 32).unwrap(), pieces);
    assert!(all.len() > 500);
}

fn turn() -> impl Strategy<Value = String> {
    prop_oneof![
        "[A-Z]: [a-z]{1,9}( [a-z]{1,14}[.!?,]?){0,30}",
        "[A-Z]: [a-z]{1,120}",
        "[A-Z]: \\PC{1,60}",
        "[A-Z]: (👩‍👩‍👧|é|ß|日本語| ){1,40}",
    ]
    .prop_map(|turn| turn.trim().to_owned())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]
    #[test]
    fn chunks_cover_the_text_in_order_within_their_limits(
        turns in proptest::collection::vec(turn(), 1..12),
        max in 16_usize..60,
        overlap in 0_usize..30,
        which in 0_usize..3,
    ) {
        let tokenize = [pieces as fn(&str) -> Vec<Range<usize>>, bytes, context_dependent_pieces][which];
        let (text, ranges) = document(&turns.iter().map(String::as_str).collect::<Vec<_>>());
        let limits = ChunkLimits::new(max, overlap.min(max / 2)).unwrap();
        let all = cut_into_chunks(&text, &ranges, limits, tokenize);

        let mut covered = 0;
        for (index, chunk) in all.iter().enumerate() {
            let piece = &text[chunk.range.clone()];
            prop_assert_eq!(chunk.tokens, tokenize(piece).len());
            prop_assert!(chunk.tokens <= max, "{} tokens in {:?}", chunk.tokens, piece);
            if index > 0 {
                let last = &all[index - 1].range;
                prop_assert!(last.start < chunk.range.start && last.end < chunk.range.end);
                if chunk.range.start < last.end {
                    let shared = tokenize(&text[chunk.range.start..last.end]).len();
                    prop_assert!(shared <= limits.overlap_tokens() + 1, "{} shared", shared);
                }
            }
            prop_assert!(chunk.range.start <= covered || text[covered..chunk.range.start].trim().is_empty());
            covered = chunk.range.end;
        }
        prop_assert!(text[covered..].trim().is_empty());

        // A turn that fits is whole in some chunk, where the tokenizer sees the same tokens in a piece as in the whole.
        if which == 0 {
            for range in ranges.iter().filter(|range| pieces(&text[(*range).clone()]).len() <= max) {
                prop_assert!(
                    all.iter().any(|chunk| chunk.range.start <= range.start && range.end <= chunk.range.end),
                    "{:?} is cut", &text[range.clone()]
                );
            }
        }
    }
}
