//! The script of a live call, and the segments that exist at a given time.

use serde::{Deserialize, Serialize};

/// A scripted call: who says what and when.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Call {
    /// Interaction id of the call.
    pub id: String,
    /// Utterances of the call.
    pub lines: Vec<Line>,
    /// Whether the call starts when its transcript is first requested; by default it starts at once.
    #[serde(default)]
    pub waits: bool,
}

/// A scripted utterance, which becomes one segment.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Line {
    /// Start of the utterance in milliseconds from the start of the call; negative for utterances before it.
    pub at_ms: i64,
    /// Duration of the utterance in milliseconds; the default is 2000.
    #[serde(default = "two_seconds")]
    pub duration_ms: i64,
    /// Speaker of the utterance: `customer` or `agent`.
    pub direction: String,
    /// Words of the utterance.
    pub text: String,
    /// Time in milliseconds from the end of the utterance until its segment is final; the default is 300. With a value larger
    /// than that of the next utterance, the segment arrives late.
    #[serde(default = "soon")]
    pub final_after_ms: i64,
    /// Whether every answer contains the segment twice.
    #[serde(default)]
    pub repeats: bool,
}

const fn two_seconds() -> i64 {
    2000
}

const fn soon() -> i64 {
    300
}

/// A transcript segment as the API returns it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Segment {
    /// Words of the segment; a partial has only the first of them.
    pub text: String,
    /// Start of the segment in epoch milliseconds.
    pub start_time: i64,
    /// End of the segment in epoch milliseconds; of a partial, the time that was recognized so far.
    pub end_time: i64,
    /// Speaker of the segment: `customer` or `agent`.
    pub direction: String,
    /// Whether the recognizer has finished the segment.
    pub is_final: bool,
}

impl Call {
    /// Returns a call that starts at once.
    #[must_use]
    pub fn new(id: &str, lines: Vec<Line>) -> Self {
        Self {
            id: id.to_owned(),
            lines,
            waits: false,
        }
    }
}

impl Line {
    /// Returns an utterance of two seconds that becomes final 300 ms after its end.
    #[must_use]
    pub fn said(direction: &str, at_ms: i64, text: &str) -> Self {
        Self {
            at_ms,
            duration_ms: two_seconds(),
            direction: direction.to_owned(),
            text: text.to_owned(),
            final_after_ms: soon(),
            repeats: false,
        }
    }

    /// Returns the segment at `now`: nothing before the start, then a partial until the segment is final.
    fn at(&self, began: i64, now: i64) -> Option<Segment> {
        let start = began + self.at_ms;
        let end = start + self.duration_ms;
        if now < start {
            return None;
        }
        let is_final = now >= end + self.final_after_ms;
        let text = if is_final {
            self.text.clone()
        } else {
            self.words_within(now - start)
        };
        let end_time = if is_final { end } else { end.min(now) };
        Some(Segment {
            text,
            start_time: start,
            end_time,
            direction: self.direction.clone(),
            is_final,
        })
    }

    /// Returns the words of the first `elapsed` milliseconds.
    fn words_within(&self, elapsed: i64) -> String {
        let words: Vec<&str> = self.text.split(' ').collect();
        let share = elapsed as f64 / self.duration_ms.max(1) as f64;
        let count = (words.len() as f64 * share.clamp(0.0, 1.0)).ceil() as usize;
        words[..count.min(words.len())].join(" ")
    }
}

impl Call {
    /// Returns the segments at `now` that end at or after `from`, repetitions included, and the time at which each final
    /// segment became final, by its index.
    pub(super) fn segments(
        &self,
        began: i64,
        now: i64,
        from: i64,
    ) -> (Vec<Segment>, Vec<(usize, i64)>) {
        let (mut segments, mut finals) = (Vec::new(), Vec::new());
        for (place, line) in self.lines.iter().enumerate() {
            let Some(segment) = line
                .at(began, now)
                .filter(|segment| segment.end_time >= from)
            else {
                continue;
            };
            if segment.is_final {
                finals.push((
                    place,
                    began + line.at_ms + line.duration_ms + line.final_after_ms,
                ));
            }
            let times = if line.repeats { 2 } else { 1 };
            segments.extend(std::iter::repeat_n(segment, times));
        }
        (segments, finals)
    }

    /// Returns the segments that are final at `now`, each once.
    pub(super) fn finals(&self, began: i64, now: i64) -> Vec<Segment> {
        self.lines
            .iter()
            .filter_map(|line| line.at(began, now))
            .filter(|segment| segment.is_final)
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_segment_grows_as_a_partial_and_then_is_final() {
        let line = Line::said("customer", 1000, "this has gone on for weeks");
        let at = |now| line.at(0, now);
        assert_eq!(at(999), None);
        let partial = at(2000).unwrap();
        assert_eq!(
            (partial.text.as_str(), partial.end_time, partial.is_final),
            ("this has gone", 2000, false)
        );
        assert!(!at(3299).unwrap().is_final);
        let done = at(3300).unwrap();
        assert_eq!(
            (done.text.as_str(), done.start_time, done.end_time),
            ("this has gone on for weeks", 1000, 3000)
        );
        assert!(done.is_final);
    }

    #[test]
    fn repeated_lines_come_twice_and_count_once() {
        let call = Call::new(
            "x",
            vec![Line {
                repeats: true,
                ..Line::said("agent", 0, "hello")
            }],
        );
        let (segments, finals) = call.segments(0, 10_000, 2000);
        assert_eq!((segments.len(), finals), (2, vec![(0, 2300)]));
        assert_eq!(call.finals(0, 10_000).len(), 1);
    }
}
