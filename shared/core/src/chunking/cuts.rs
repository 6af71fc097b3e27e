//! Cut points: the places between tokens where a text may be cut, and how good each place is.

use std::ops::Range;

use super::limits::ChunkLimits;

/// The quality of a cut point, from worst to best.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum CutQuality {
    /// The cut is between two tokens of one word.
    Token,
    /// The cut is between two words.
    Word,
    /// The cut is behind a sentence.
    Sentence,
    /// The cut is between two turns.
    Turn,
}

/// The cut points of a text in ascending order, the start and the end of the text included.
pub(super) struct CutPoints {
    points: Vec<CutPoint>,
    /// The indices of the cut points between two turns, ascending.
    turns: Vec<usize>,
}

/// One place where the text may be cut.
struct CutPoint {
    /// The byte offset of the place.
    offset: usize,
    tokens_before: usize,
    quality: CutQuality,
}

impl CutPoints {
    /// Finds the places where no token is cut in two. Where spans overlap (several tokens of one character), there is no cut
    /// point.
    pub(super) fn new(text: &str, turns: &[Range<usize>], spans: &[Range<usize>]) -> Self {
        let mut points = vec![CutPoint {
            offset: 0,
            tokens_before: 0,
            quality: CutQuality::Turn,
        }];
        let mut turn_starts = turns.iter().map(|turn| turn.start).peekable();
        let mut end = spans.first().map_or(0, |span| span.end);
        let mut word_start = 0;
        for (index, span) in spans.iter().enumerate().skip(1) {
            if span.start >= end && text.is_char_boundary(span.start) {
                // Some tokenizers make white space part of a token, but a chunk begins with a character of a word.
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
                            CutQuality::Turn
                        } else {
                            rate_cut(text, word_start)
                        };
                        points.push(CutPoint {
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
            _ => points.push(CutPoint {
                offset: text.len(),
                tokens_before: spans.len(),
                quality: CutQuality::Turn,
            }),
        }
        let turns = (0..points.len())
            .filter(|index| points[*index].quality == CutQuality::Turn)
            .collect();
        Self { points, turns }
    }

    /// Returns the index of the cut point at the end of the text.
    pub(super) fn last(&self) -> usize {
        self.points.len() - 1
    }

    /// Returns the byte offset of a cut point.
    pub(super) fn offset(&self, point: usize) -> usize {
        self.points[point].offset
    }

    /// Returns the end of the chunk that begins at `from`: the best cut point that fits, at least one beyond `covered`.
    pub(super) fn best_end(&self, from: usize, covered: usize, max_tokens: usize) -> usize {
        let limit = self.points[from].tokens_before + max_tokens;
        let furthest = self.furthest(limit).max(covered + 1);
        if furthest == self.last() {
            return furthest;
        }
        // To keep turns whole, end where the turn that does not fit begins. A turn that fits no chunk at all is cut anyway,
        // so it may as well fill this chunk.
        if let Some(turn) = self.latest(covered + 1..furthest + 1, CutQuality::Turn)
            && self.turn_tokens(turn) <= max_tokens
        {
            return turn;
        }
        // Inside a turn that fills the chunk, prefer the end of a sentence in the second half, else of a word, else of a token.
        let half = self
            .furthest(self.points[from].tokens_before + max_tokens / 2)
            .max(covered);
        self.latest(half + 1..furthest + 1, CutQuality::Sentence)
            .or_else(|| self.latest(half + 1..furthest + 1, CutQuality::Word))
            .unwrap_or(furthest)
    }

    /// Returns the beginning of the chunk after `from..to`: at most the overlap before `to`, at the best place there.
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
        let start = [CutQuality::Turn, CutQuality::Sentence, CutQuality::Word]
            .into_iter()
            .find_map(|wanted| (earliest..to).find(|point| self.points[*point].quality >= wanted))
            .unwrap_or(to);
        // Do without the overlap where the turn that begins at `to` fits a chunk alone but not behind the overlap.
        let alone = self.turn_tokens(to);
        let behind = alone + self.points[to].tokens_before - self.points[start].tokens_before;
        if self.points[to].quality == CutQuality::Turn
            && alone <= limits.max_tokens()
            && behind > limits.max_tokens()
        {
            return to;
        }
        start
    }

    /// Returns the number of tokens from a cut point to the end of the turn that contains or begins at the cut point.
    fn turn_tokens(&self, point: usize) -> usize {
        let next = self.turns.partition_point(|turn| *turn <= point);
        let end = self.turns.get(next).copied().unwrap_or(self.last());
        self.points[end].tokens_before - self.points[point].tokens_before
    }

    /// Returns the last cut point that leaves out at least `tokens` tokens before `point`; 0 if no cut point does.
    pub(super) fn earlier(&self, point: usize, tokens: usize) -> usize {
        self.furthest(self.points[point].tokens_before.saturating_sub(tokens))
    }

    /// Returns the last cut point with at most `tokens` tokens before it.
    fn furthest(&self, tokens: usize) -> usize {
        self.points
            .partition_point(|point| point.tokens_before <= tokens)
            .saturating_sub(1)
    }

    /// Returns the last cut point of a range that has at least the wanted quality.
    fn latest(&self, range: Range<usize>, wanted: CutQuality) -> Option<usize> {
        range
            .rev()
            .find(|point| self.points[*point].quality >= wanted)
    }
}

/// Rates a cut before the character at `start`, inside a turn.
fn rate_cut(text: &str, start: usize) -> CutQuality {
    let before = text[..start].trim_end();
    match (before.len() < start, before.chars().next_back()) {
        (true, Some('.' | '!' | '?' | '…' | '。')) => CutQuality::Sentence,
        (true, _) => CutQuality::Word,
        (false, _) => CutQuality::Token,
    }
}
