//! The moving averages of a call and their trends.
//!
//! A *window* covers the last [`LiveSettings::window`] of segment time, counted back from the newest segment (30 s by
//! default). Three windows exist: over everything that was said, over the customer's words, and over the agent's words.
//! Because a window ends at the newest segment of its own speaker and not at the current time, a speaker who is silent keeps
//! the last average; it does not fade.
//!
//! A *trend* compares the average after a batch with the average after the batch before. Changes of at most
//! [`LiveSettings::trend_delta`] count as stable, so that single utterances do not flip the trend.
//!
//! Example: the customer's average was 0.50 and is 0.42 after the batch. With a trend delta of 0.05 the customer's trend is
//! declining. If only the agent speaks in the next batch, the customer's average and trend stay as they are.

use serde::{Deserialize, Serialize};

use super::segment::Speaker;
use super::segment_memory::SegmentMemory;
use super::settings::{LiveSettings, whole_millis};
use crate::scale::format_average;

/// The direction in which an average moves.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Trend {
    /// The average went up.
    Improving,
    /// The average changed by no more than the smallest change that counts.
    #[default]
    Stable,
    /// The average went down.
    Declining,
}

impl Trend {
    /// Returns the word that the attributes use for the trend.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Improving => "improving",
            Self::Stable => "stable",
            Self::Declining => "declining",
        }
    }

    /// Returns the trend from one average to the next. A change of exactly `delta` is stable.
    pub(crate) fn between(before: f64, after: f64, delta: f64) -> Self {
        // Averages are quotients, so a change of exactly `delta` may come out a rounding error above it.
        const ROUNDING_ERROR: f64 = 1e-9;
        let change = after - before;
        if change > delta + ROUNDING_ERROR {
            Self::Improving
        } else if change < -delta - ROUNDING_ERROR {
            Self::Declining
        } else {
            Self::Stable
        }
    }
}

/// The average score of one window with its trend.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct WindowSentiment {
    /// Average score of the window, 0 to 1; 0.5 before anything was said.
    pub average: f64,
    /// Trend of the average since the batch before.
    pub trend: Trend,
}

impl Default for WindowSentiment {
    fn default() -> Self {
        Self {
            average: 0.5,
            trend: Trend::Stable,
        }
    }
}

/// The sentiment of a call: the window over both speakers and the window of each speaker.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
pub struct CallSentiment {
    /// Window over both speakers.
    pub both: WindowSentiment,
    /// Window of the customer; `None` until the customer has spoken.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub customer: Option<WindowSentiment>,
    /// Window of the agent; `None` until the agent has spoken.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub agent: Option<WindowSentiment>,
}

impl CallSentiment {
    /// Computes the sentiment after a batch. `memory` contains the segments of the batch already, and `speakers` are the
    /// speakers of those segments. A speaker who is not among them keeps the earlier average and trend.
    #[must_use]
    pub fn after_batch(
        self,
        memory: &SegmentMemory,
        speakers: &[Speaker],
        settings: &LiveSettings,
    ) -> Self {
        if speakers.is_empty() {
            return self;
        }
        let moved = |before: WindowSentiment, speaker: Option<Speaker>| {
            let average = memory
                .average_score(whole_millis(settings.window), |other| {
                    speaker.is_none_or(|speaker| other == speaker)
                })
                .unwrap_or(before.average);
            WindowSentiment {
                average,
                trend: Trend::between(before.average, average, settings.trend_delta),
            }
        };
        let of_speaker = |before: Option<WindowSentiment>, speaker| {
            if speakers.contains(&speaker) {
                Some(moved(before.unwrap_or_default(), Some(speaker)))
            } else {
                before
            }
        };
        Self {
            both: moved(self.both, None),
            customer: of_speaker(self.customer, Speaker::Customer),
            agent: of_speaker(self.agent, Speaker::Agent),
        }
    }

    /// Returns the attributes of the interaction, names and values as they are sent; scores have three decimals.
    #[must_use]
    pub fn attributes(&self) -> Vec<(&'static str, String)> {
        let score = |window: WindowSentiment| format_average(window.average);
        let trend = |window: WindowSentiment| window.trend.name().to_owned();
        let mut attributes = vec![
            ("realtime_sentiment_score", score(self.both)),
            ("sentiment_trend", trend(self.both)),
        ];
        if let Some(customer) = self.customer {
            attributes.push(("customer_sentiment_score", score(customer)));
            attributes.push(("customer_sentiment_trend", trend(customer)));
        }
        if let Some(agent) = self.agent {
            attributes.push(("agent_sentiment_score", score(agent)));
            attributes.push(("agent_sentiment_trend", trend(agent)));
        }
        attributes
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::live::segment::SegmentId;
    use crate::live::segment_memory::RememberedSegment;

    fn remember(
        memory: &mut SegmentMemory,
        end: i64,
        speaker: Speaker,
        score: u16,
    ) -> [Speaker; 1] {
        let id = SegmentId(u64::try_from(end).unwrap());
        assert!(memory.insert(RememberedSegment {
            id,
            end,
            speaker,
            score,
            is_counted: true,
        }));
        [speaker]
    }

    #[test]
    fn nothing_said_yet_is_neutral_and_stable() {
        let sentiment = CallSentiment::default().after_batch(
            &SegmentMemory::default(),
            &[],
            &LiveSettings::default(),
        );
        assert_eq!(
            sentiment.attributes(),
            [
                ("realtime_sentiment_score", "0.500".to_owned()),
                ("sentiment_trend", "stable".to_owned())
            ],
        );
    }

    #[test]
    fn a_change_of_exactly_the_smallest_change_is_no_trend() {
        for (before, after) in [(0.5, 0.55), (0.55, 0.5), (0.3, 0.35), (0.35, 0.3)] {
            assert_eq!(
                Trend::between(before, after, 0.05),
                Trend::Stable,
                "{before} to {after}"
            );
        }
        assert_eq!(Trend::between(0.5, 0.5501, 0.05), Trend::Improving);
        assert_eq!(Trend::between(0.5, 0.4499, 0.05), Trend::Declining);
    }

    #[test]
    fn a_speaker_who_is_silent_keeps_the_reading_while_the_call_moves_on() {
        let (settings, mut memory) = (LiveSettings::default(), SegmentMemory::default());
        let speakers = remember(&mut memory, 1000, Speaker::Customer, 1000);
        let sentiment = CallSentiment::default().after_batch(&memory, &speakers, &settings);
        assert_eq!(
            sentiment.customer,
            Some(WindowSentiment {
                average: 0.1,
                trend: Trend::Declining
            })
        );
        let speakers = remember(&mut memory, 90_000, Speaker::Agent, 9000);
        let sentiment = sentiment.after_batch(&memory, &speakers, &settings);
        assert_eq!(
            sentiment.customer,
            Some(WindowSentiment {
                average: 0.1,
                trend: Trend::Declining
            })
        );
        assert_eq!(
            sentiment.agent,
            Some(WindowSentiment {
                average: 0.9,
                trend: Trend::Improving
            })
        );
        assert_eq!(
            sentiment.both,
            WindowSentiment {
                average: 0.9,
                trend: Trend::Improving
            }
        );
        assert_eq!(sentiment.attributes().len(), 6);
    }
}
