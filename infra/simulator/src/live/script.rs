//! A live call's script, and which of its segments are there at a moment.

use serde::{Deserialize, Serialize};

/// A call: who says what when.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Call {
    /// The interaction's id.
    pub id: String,
    /// What is said.
    pub lines: Vec<Line>,
    /// Whether the call begins when its transcript is first asked for, not before; false.
    #[serde(default)]
    pub waits: bool,
}

/// One segment-to-be.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Line {
    /// When the speaker begins, in ms from the call's start; negative for what was said before.
    pub at_ms: i64,
    /// How long it takes to say; 2000.
    #[serde(default = "two_seconds")]
    pub duration_ms: i64,
    /// `customer` or `agent`.
    pub direction: String,
    /// The words.
    pub text: String,
    /// How long after its end the segment becomes final, in ms; 300. More than the next segment's makes it late.
    #[serde(default = "soon")]
    pub final_after_ms: i64,
    /// Whether every answer has it twice.
    #[serde(default)]
    pub repeats: bool,
}

const fn two_seconds() -> i64 {
    2000
}

const fn soon() -> i64 {
    300
}

/// A segment on the wire.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Segment {
    /// The words; those of a partial are the first of them.
    pub text: String,
    /// When it began, epoch ms.
    pub start_time: i64,
    /// When it ended, epoch ms; for a partial, how far it has come.
    pub end_time: i64,
    /// `customer` or `agent`.
    pub direction: String,
    /// Whether the recogniser is done with it.
    pub is_final: bool,
}

impl Call {
    /// A call that begins at once.
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
    /// A line of two seconds that becomes final soon.
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

    /// The segment at `now`: none before it begins, a partial until it is final.
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
            self.heard(now - start)
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

    /// The words that were said in the first `elapsed` ms.
    fn heard(&self, elapsed: i64) -> String {
        let words: Vec<&str> = self.text.split(' ').collect();
        let share = elapsed as f64 / self.duration_ms.max(1) as f64;
        let count = (words.len() as f64 * share.clamp(0.0, 1.0)).ceil() as usize;
        words[..count.min(words.len())].join(" ")
    }
}

impl Call {
    /// The segments at `now` that end at or after `from`, repeats included; and when each final one became so, by its
    /// place.
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

    /// The segments that are final at `now`, each once.
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
