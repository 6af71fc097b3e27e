//! Replay of an archive: which lines are shown, and how long to pause before each of them.

use std::time::Duration;

use super::archive::ArchiveLine;

/// Which part of an archive is replayed, and how fast.
#[derive(Debug, Clone, PartialEq)]
pub struct ReplayOptions {
    /// Factor by which all pauses are divided, from 0.001 to 1,000,000.
    pub speed: f64,
    /// Where the replay starts.
    pub start: ReplayStart,
    /// Shows only messages of this kind of sender (`customer`, `agent`) or of the sender with this id; `None` shows all.
    pub speaker: Option<String>,
    /// Longest pause between two shown messages, after the division by the speed.
    pub longest_pause: Option<Duration>,
}

/// The point of the conversation at which a replay starts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ReplayStart {
    /// Starts with the message of this number, counted from 1.
    Message(usize),
    /// Starts with the first message that was sent at least this long after the first message of the conversation.
    Offset(Duration),
}

/// One step of a replay: a line to show, and the pause before it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ReplayStep<'a> {
    /// Pause before the line is shown: the time since the previous shown message, divided by the speed.
    pub pause: Duration,
    /// Time from the first message of the conversation to this message.
    pub offset: Duration,
    /// The line to show.
    pub line: &'a ArchiveLine,
}

/// The reason why an archive cannot be replayed as asked.
#[derive(Debug, Clone, Copy, PartialEq, thiserror::Error)]
pub enum ReplayError {
    /// The speed is outside the allowed range.
    #[error("the replay speed must be a number from 0.001 to 1000000, not {0}")]
    Speed(f64),
    /// The start lies past the last message of the archive.
    #[error("the replay starts past the last of {0} messages")]
    StartPastEnd(usize),
}

impl Default for ReplayOptions {
    fn default() -> Self {
        Self {
            speed: 1.0,
            start: ReplayStart::Message(1),
            speaker: None,
            longest_pause: None,
        }
    }
}

/// Plans the replay of `lines`, which are in order of time, as a list of steps.
///
/// # Errors
/// [`ReplayError`] for a speed outside its range or a start past the last message. An empty archive has no steps.
pub fn plan<'a>(
    lines: &'a [ArchiveLine],
    options: &ReplayOptions,
) -> Result<Vec<ReplayStep<'a>>, ReplayError> {
    if !(0.001..=1e6).contains(&options.speed) {
        return Err(ReplayError::Speed(options.speed));
    }
    let Some(first_ms) = lines.first().map(|line| line.message.timestamp_ms) else {
        return Ok(Vec::new());
    };
    let offset = |line: &ArchiveLine| elapsed(first_ms, line.message.timestamp_ms);
    let first_shown = match options.start {
        ReplayStart::Message(number) => number.saturating_sub(1),
        ReplayStart::Offset(at) => lines
            .iter()
            .position(|line| offset(line) >= at)
            .unwrap_or(lines.len()),
    };
    let rest = lines
        .get(first_shown..)
        .filter(|rest| !rest.is_empty())
        .ok_or(ReplayError::StartPastEnd(lines.len()))?;
    let mut previous_ms = None;
    let steps = rest
        .iter()
        .filter(|line| options.should_show(line))
        .map(|line| {
            let at_ms = line.message.timestamp_ms;
            let since_previous =
                previous_ms.map_or(Duration::ZERO, |previous| elapsed(previous, at_ms));
            previous_ms = Some(at_ms);
            let pause = since_previous.div_f64(options.speed);
            ReplayStep {
                pause: options
                    .longest_pause
                    .map_or(pause, |longest| pause.min(longest)),
                offset: offset(line),
                line,
            }
        });
    Ok(steps.collect())
}

impl ReplayOptions {
    fn should_show(&self, line: &ArchiveLine) -> bool {
        let from = &line.message.from;
        self.speaker
            .as_ref()
            .is_none_or(|speaker| from.kind.eq_ignore_ascii_case(speaker) || from.id == *speaker)
    }
}

/// Returns the time from one timestamp to a later timestamp; zero if the second is not later.
fn elapsed(from_ms: i64, to_ms: i64) -> Duration {
    Duration::from_millis(u64::try_from(to_ms.saturating_sub(from_ms)).unwrap_or(0))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::chat::archive::Source;
    use crate::chat::message::{Message, Sender};

    fn lines(times: &[(i64, &str)]) -> Vec<ArchiveLine> {
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
            ArchiveLine::new(message, Source::Stream)
        };
        times.iter().map(line).collect()
    }

    fn pauses(lines: &[ArchiveLine], options: &ReplayOptions) -> Vec<u64> {
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
            pauses(&lines(&TALK), &ReplayOptions::default()),
            [0, 2000, 1000, 0]
        );
        assert_eq!(
            pauses(
                &lines(&TALK),
                &ReplayOptions {
                    speed: 4.0,
                    ..ReplayOptions::default()
                }
            ),
            [0, 500, 250, 0]
        );
    }

    #[test]
    fn a_filtered_replay_keeps_the_time_between_what_it_shows() {
        for speaker in ["Customer", "customer-7"] {
            let options = ReplayOptions {
                speaker: Some(speaker.into()),
                ..ReplayOptions::default()
            };
            assert_eq!(pauses(&lines(&TALK), &options), [0, 3000], "{speaker}");
        }
    }

    #[test]
    fn a_jump_begins_at_once() {
        let by_number = ReplayOptions {
            start: ReplayStart::Message(2),
            ..ReplayOptions::default()
        };
        assert_eq!(pauses(&lines(&TALK), &by_number), [0, 1000, 0]);
        let by_time = ReplayOptions {
            start: ReplayStart::Offset(Duration::from_millis(2500)),
            ..ReplayOptions::default()
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
        let options = ReplayOptions {
            longest_pause: Some(Duration::from_secs(5)),
            ..ReplayOptions::default()
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
                        &ReplayOptions {
                            speed,
                            ..ReplayOptions::default()
                        }
                    ),
                    Err(ReplayError::Speed(_))
                ),
                "{speed}"
            );
        }
        let past = ReplayOptions {
            start: ReplayStart::Message(9),
            ..ReplayOptions::default()
        };
        assert_eq!(
            plan(&lines(&TALK), &past),
            Err(ReplayError::StartPastEnd(4))
        );
        assert_eq!(plan(&[], &past), Ok(vec![]));
    }
}
