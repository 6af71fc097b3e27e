//! Where a text may be cut: between tokens, and how good a place each is.

use std::ops::Range;

use super::ChunkLimits;

/// How good a cut point is, from worst to best.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Quality {
    /// Between two tokens of one word.
    Token,
    /// Between two words.
    Word,
    /// Behind a sentence.
    Sentence,
    /// Between two turns.
    Turn,
}

/// The cut points of a text: byte offsets in ascending order, the text's start and end included, each with the number
/// of tokens before it.
pub(super) struct Cuts {
    points: Vec<Point>,
    /// The points between two turns, ascending.
    turns: Vec<usize>,
}

struct Point {
    offset: usize,
    tokens_before: usize,
    quality: Quality,
}

impl Cuts {
    /// The places where no token is cut in two. Spans may overlap (several tokens of one character); no cut is there.
    pub(super) fn new(text: &str, turns: &[Range<usize>], spans: &[Range<usize>]) -> Self {
        let mut points = vec![Point {
            offset: 0,
            tokens_before: 0,
            quality: Quality::Turn,
        }];
        let mut turn_starts = turns.iter().map(|turn| turn.start).peekable();
        let mut end = spans.first().map_or(0, |span| span.end);
        let mut word_start = 0;
        for (index, span) in spans.iter().enumerate().skip(1) {
            if span.start >= end && text.is_char_boundary(span.start) {
                // A chunk begins with a character, not with the white space that some tokenizers make part of a token.
                if span.start >= word_start {
                    let rest = &text[span.start..];
                    word_start = span.start + (rest.len() - rest.trim_start().len());
                }
                let mut turn = false;
                while turn_starts
                    .next_if(|start| *start <= word_start)
                    .is_some_and(|start| start > 0)
                {
                    turn = true;
                }
                match points.last_mut() {
                    Some(last) if last.offset == word_start => last.tokens_before = index,
                    _ => {
                        let quality = if turn {
                            Quality::Turn
                        } else {
                            quality(text, word_start)
                        };
                        points.push(Point {
                            offset: word_start,
                            tokens_before: index,
                            quality,
                        });
                    }
                }
            }
            end = end.max(span.end);
        }
        match points.last_mut() {
            Some(last) if last.offset == text.len() => last.tokens_before = spans.len(),
            _ => points.push(Point {
                offset: text.len(),
                tokens_before: spans.len(),
                quality: Quality::Turn,
            }),
        }
        let turns = (0..points.len())
            .filter(|index| points[*index].quality == Quality::Turn)
            .collect();
        Self { points, turns }
    }

    /// The index of the text's end.
    pub(super) fn last(&self) -> usize {
        self.points.len() - 1
    }

    /// The byte offset of a cut point.
    pub(super) fn offset(&self, point: usize) -> usize {
        self.points[point].offset
    }

    /// The end of the chunk that begins at `from`: the best cut point that fits, at least one beyond `covered`.
    pub(super) fn best_end(&self, from: usize, covered: usize, max_tokens: usize) -> usize {
        let limit = self.points[from].tokens_before + max_tokens;
        let furthest = self.furthest(limit).max(covered + 1);
        if furthest == self.last() {
            return furthest;
        }
        // A turn is kept whole: end where the one that does not fit begins. One that fits no chunk is cut anyway, so it
        // may as well fill this one.
        if let Some(turn) = self.latest(covered + 1..furthest + 1, Quality::Turn)
            && self.turn_tokens(turn) <= max_tokens
        {
            return turn;
        }
        // Inside a turn that fills the chunk: a sentence's end in its second half, else a word's end, else a token's.
        let half = self
            .furthest(self.points[from].tokens_before + max_tokens / 2)
            .max(covered);
        self.latest(half + 1..furthest + 1, Quality::Sentence)
            .or_else(|| self.latest(half + 1..furthest + 1, Quality::Word))
            .unwrap_or(furthest)
    }

    /// Where the chunk behind `from..to` begins: up to the overlap before `to`, at the best place there.
    pub(super) fn next_start(&self, from: usize, to: usize, limits: ChunkLimits) -> usize {
        let earliest_token = self.points[to]
            .tokens_before
            .saturating_sub(limits.overlap_tokens());
        let earliest = self
            .points
            .partition_point(|point| point.tokens_before < earliest_token)
            .max(from + 1);
        if earliest >= to {
            return to;
        }
        let start = [Quality::Turn, Quality::Sentence, Quality::Word]
            .into_iter()
            .find_map(|wanted| (earliest..to).find(|point| self.points[*point].quality >= wanted))
            .unwrap_or(to);
        // The overlap gives way where the turn that begins at `to` fits a chunk alone but not behind it.
        let alone = self.turn_tokens(to);
        let behind = alone + self.points[to].tokens_before - self.points[start].tokens_before;
        if self.points[to].quality == Quality::Turn
            && alone <= limits.max_tokens()
            && behind > limits.max_tokens()
        {
            return to;
        }
        start
    }

    /// The tokens from a point to the end of the turn it is in or at.
    fn turn_tokens(&self, point: usize) -> usize {
        let next = self.turns.partition_point(|turn| *turn <= point);
        let end = self.turns.get(next).copied().unwrap_or(self.last());
        self.points[end].tokens_before - self.points[point].tokens_before
    }

    /// The last cut point that leaves out at least `tokens` tokens before `point`; 0 if none does.
    pub(super) fn earlier(&self, point: usize, tokens: usize) -> usize {
        self.furthest(self.points[point].tokens_before.saturating_sub(tokens))
    }

    /// The last cut point with at most `tokens` tokens before it.
    fn furthest(&self, tokens: usize) -> usize {
        self.points
            .partition_point(|point| point.tokens_before <= tokens)
            .saturating_sub(1)
    }

    /// The last point of a range that is at least this good.
    fn latest(&self, range: Range<usize>, wanted: Quality) -> Option<usize> {
        range
            .rev()
            .find(|point| self.points[*point].quality >= wanted)
    }
}

/// How good it is to cut at a character's start inside a turn.
fn quality(text: &str, start: usize) -> Quality {
    let before = text[..start].trim_end();
    match (before.len() < start, before.chars().next_back()) {
        (true, Some('.' | '!' | '?' | '…' | '。')) => Quality::Sentence,
        (true, _) => Quality::Word,
        (false, _) => Quality::Token,
    }
}
