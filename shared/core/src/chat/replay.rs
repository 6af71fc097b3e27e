//! Replay: which lines of an archive are shown, and how long to wait before each.

use std::time::Duration;

use super::archive::Line;

/// What to replay and how fast.
#[derive(Debug, Clone, PartialEq)]
pub struct Options {
    /// Pauses are divided by this; greater than 0.
    pub speed: f64,
    /// Where to begin.
    pub start: Start,
    /// Only messages of this kind of sender (`customer`, `agent`) or of this sender's id; all if `None`.
    pub speaker: Option<String>,
    /// No pause is longer than this, after the division.
    pub longest_pause: Option<Duration>,
}

/// Where a replay begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Start {
    /// With this message of the archive, from 1.
    Message(usize),
    /// With the first message this long after the conversation's first.
    Offset(Duration),
}

/// A line to show.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Step<'a> {
    /// How long to wait before it: the time since the previous shown message, divided by the speed.
    pub pause: Duration,
    /// How long after the conversation's first message it was sent.
    pub offset: Duration,
    /// The line.
    pub line: &'a Line,
}

/// What cannot be replayed.
#[derive(Debug, Clone, Copy, PartialEq, thiserror::Error)]
pub enum Refused {
    /// The speed is no positive number.
    #[error("the speed is a number from 0.001 to 1000000, not {0}")]
    Speed(f64),
    /// There is no such place.
    #[error("the transcript has {0} messages: nothing is left to replay there")]
    PastTheEnd(usize),
}

impl Default for Options {
    fn default() -> Self {
        Self {
            speed: 1.0,
            start: Start::Message(1),
            speaker: None,
            longest_pause: None,
        }
    }
}

/// The steps of a replay of `lines`, which are in order of time.
///
/// # Errors
/// [`Refused`] names a speed that is none, or a beginning past the end. An empty archive has no steps.
pub fn plan<'a>(lines: &'a [Line], options: &Options) -> Result<Vec<Step<'a>>, Refused> {
    if !(0.001..=1e6).contains(&options.speed) {
        return Err(Refused::Speed(options.speed));
    }
    let Some(first_ms) = lines.first().map(|line| line.message.timestamp_ms) else {
        return Ok(Vec::new());
    };
    let offset = |line: &Line| between(first_ms, line.message.timestamp_ms);
    let begin = match options.start {
        Start::Message(number) => number.saturating_sub(1),
        Start::Offset(at) => lines
            .iter()
            .position(|line| offset(line) >= at)
            .unwrap_or(lines.len()),
    };
    let rest = lines
        .get(begin..)
        .filter(|rest| !rest.is_empty())
        .ok_or(Refused::PastTheEnd(lines.len()))?;
    let mut previous_ms = None;
    let steps = rest.iter().filter(|line| options.shows(line)).map(|line| {
        let at_ms = line.message.timestamp_ms;
        let apart = previous_ms.map_or(Duration::ZERO, |previous| between(previous, at_ms));
        previous_ms = Some(at_ms);
        let pause = apart.div_f64(options.speed);
        Step {
            pause: options
                .longest_pause
                .map_or(pause, |longest| pause.min(longest)),
            offset: offset(line),
            line,
        }
    });
    Ok(steps.collect())
}

impl Options {
    fn shows(&self, line: &Line) -> bool {
        let from = &line.message.from;
        self.speaker
            .as_ref()
            .is_none_or(|speaker| from.kind.eq_ignore_ascii_case(speaker) || from.id == *speaker)
    }
}

/// From one time to a later one; zero if it is not later.
fn between(from_ms: i64, to_ms: i64) -> Duration {
    Duration::from_millis(u64::try_from(to_ms.saturating_sub(from_ms)).unwrap_or(0))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::chat::archive::Source;
    use crate::chat::message::{Message, Sender};

    fn lines(times: &[(i64, &str)]) -> Vec<Line> {
        let line = |(timestamp_ms, kind): &(i64, &str)| {
            let from = Sender {
                kind: (*kind).into(),
                id: format!("{kind}-7"),
            };
            let message = Message {
                conversation_id: "c".into(),
                from,
                text: "x".into(),
                timestamp_ms: *timestamp_ms,
            };
            Line::new(message, Source::Stream)
        };
        times.iter().map(line).collect()
    }

    fn pauses(lines: &[Line], options: &Options) -> Vec<u64> {
        plan(lines, options)
            .unwrap()
            .iter()
            .map(|step| step.pause.as_millis() as u64)
            .collect()
    }

    const TALK: [(i64, &str); 4] = [
        (1000, "customer"),
        (3000, "agent"),
        (4000, "customer"),
        (4000, "agent"),
    ];

    #[test]
    fn each_pause_is_the_time_since_the_previous_message() {
        assert_eq!(
            pauses(&lines(&TALK), &Options::default()),
            [0, 2000, 1000, 0]
        );
        assert_eq!(
            pauses(
                &lines(&TALK),
                &Options {
                    speed: 4.0,
                    ..Options::default()
                }
            ),
            [0, 500, 250, 0]
        );
    }

    #[test]
    fn a_filtered_replay_keeps_the_time_between_what_it_shows() {
        for speaker in ["Customer", "customer-7"] {
            let options = Options {
                speaker: Some(speaker.into()),
                ..Options::default()
            };
            assert_eq!(pauses(&lines(&TALK), &options), [0, 3000], "{speaker}");
        }
    }

    #[test]
    fn a_jump_begins_at_once() {
        let by_number = Options {
            start: Start::Message(2),
            ..Options::default()
        };
        assert_eq!(pauses(&lines(&TALK), &by_number), [0, 1000, 0]);
        let by_time = Options {
            start: Start::Offset(Duration::from_millis(2500)),
            ..Options::default()
        };
        let lines = lines(&TALK);
        let steps = plan(&lines, &by_time).unwrap();
        assert_eq!(
            (steps.len(), steps[0].pause, steps[0].offset),
            (2, Duration::ZERO, Duration::from_secs(3))
        );
    }

    #[test]
    fn a_night_between_two_messages_can_be_cut_short() {
        let options = Options {
            longest_pause: Some(Duration::from_secs(5)),
            ..Options::default()
        };
        assert_eq!(
            pauses(&lines(&[(0, "agent"), (36_000_000, "agent")]), &options),
            [0, 5000]
        );
    }

    #[test]
    fn what_cannot_be_replayed_is_refused() {
        for speed in [0.0, -1.0, f64::NAN, f64::INFINITY] {
            assert!(
                matches!(
                    plan(
                        &[],
                        &Options {
                            speed,
                            ..Options::default()
                        }
                    ),
                    Err(Refused::Speed(_))
                ),
                "{speed}"
            );
        }
        let past = Options {
            start: Start::Message(9),
            ..Options::default()
        };
        assert_eq!(plan(&lines(&TALK), &past), Err(Refused::PastTheEnd(4)));
        assert_eq!(plan(&[], &past), Ok(vec![]));
    }
}
