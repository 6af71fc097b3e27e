//! Live calls of a local run: the poller in the background, and the presentation of a scored batch.

use std::fmt;
use std::sync::Arc;

use anyhow::Context;
use insights_core::live::{BatchReport, Suggestion, Trend, WindowSentiment};
use jiff::Timestamp;
use runtime::Observer;
use sentiment::Provider;
use serde_json::{Value, json};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use transcript_poller::config::Config;
use transcript_poller::{CallSelection, CountedBatch, PollSummary};

use crate::local_context::LocalContext;

/// A transcript poller that runs in the background.
pub(crate) struct BackgroundPoller {
    stop: CancellationToken,
    task: JoinHandle<anyhow::Result<PollSummary>>,
}

impl BackgroundPoller {
    /// Starts to follow every registered call, and scores with the provider that the Data Action uses.
    ///
    /// # Errors
    /// If the configuration is wrong.
    pub(crate) async fn start(
        context: &LocalContext,
        provider: &Provider,
        observer: Observer<CountedBatch>,
    ) -> anyhow::Result<Self> {
        let config = Config::from_env(&context.env)?.with_scorer(provider.clone());
        let shards = (0..config.shards.count).collect();
        let deps = transcript_poller::Deps::new(&context.backends, config)
            .await
            .context("transcript-poller")?;
        let deps = Arc::new(deps.with_observer(observer));
        let (stop, holder) = (CancellationToken::new(), lease_holder("serve"));
        let stopped = stop.clone();
        let task = tokio::spawn(async move {
            transcript_poller::poll(&deps, CallSelection::Shards(shards), &holder, stopped).await
        });
        Ok(Self { stop, task })
    }

    /// Waits until the poller ends by itself, which it does only if it fails.
    ///
    /// # Errors
    /// The error with which the poller ended.
    pub(crate) async fn wait(self) -> anyhow::Result<PollSummary> {
        self.task.await.context("the poller panicked")?
    }

    /// Stops the poller, which hands its calls over, and returns the poller's summary.
    ///
    /// # Errors
    /// The error with which the poller ended.
    pub(crate) async fn finish(self) -> anyhow::Result<PollSummary> {
        self.stop.cancel();
        self.task.await.context("the poller panicked")?
    }
}

/// Returns a name for the holder of leases that no other process uses.
pub(crate) fn lease_holder(what: &str) -> String {
    format!(
        "{what}-{}-{}",
        std::process::id(),
        Timestamp::now().as_nanosecond()
    )
}

/// A scored batch of a call, for presentation.
pub(crate) struct BatchLine<'a> {
    id: &'a str,
    batch: &'a BatchReport,
}

impl<'a> BatchLine<'a> {
    /// Returns the presentation of a batch of the call `id`.
    pub(crate) fn new(id: &'a str, batch: &'a BatchReport) -> Self {
        Self { id, batch }
    }

    /// Returns the batch as one JSON object. `suggestion` is the text that is sent to the agent, or null.
    pub(crate) fn json(&self) -> Value {
        let BatchReport {
            segments,
            sentiment,
            suggestion,
        } = self.batch;
        let segments: Vec<Value> = segments
            .iter()
            .map(|segment| {
                let mut shown = json!({
                    "id": segment.id.to_string(),
                    "start": segment.start,
                    "end": segment.end,
                    "direction": segment.speaker,
                    "score": segment.score.to_four_decimals(),
                    "signals": segment.signals,
                });
                if let Some(reason) = segment.unscored {
                    shown["unscored"] = reason.name().into();
                    shown["language"] = json!(segment.language);
                }
                shown
            })
            .collect();
        json!({
            "interaction_id": self.id,
            "segments": segments,
            "average": insights_core::scale::round_score(sentiment.both.average),
            "trend": sentiment.both.trend,
            "customer": sentiment.customer.map(reading_json),
            "agent": sentiment.agent.map(reading_json),
            "suggestion": suggestion.as_ref().map(|suggestion| &suggestion.content),
        })
    }
}

impl fmt::Display for BatchLine<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sentiment = &self.batch.sentiment;
        write!(f, "{:<14} {}", self.id, describe_reading(sentiment.both))?;
        for (name, one) in [("customer", sentiment.customer), ("agent", sentiment.agent)] {
            if let Some(one) = one {
                write!(f, "   {name} {}", describe_reading(one))?;
            }
        }
        let said = self.batch.segments.len();
        write!(f, "   {said} segment{}", if said == 1 { "" } else { "s" })?;
        if let Some(Suggestion { content, .. }) = &self.batch.suggestion {
            write!(f, "\n{:<14} SUGGESTION TO THE AGENT: {content}", "")?;
        }
        Ok(())
    }
}

/// Returns a bar of ten characters, the average, and the trend.
fn describe_reading(reading: WindowSentiment) -> String {
    let full = (reading.average * 10.0).round() as usize;
    let bar: String = (0..10)
        .map(|place| if place < full { '#' } else { '.' })
        .collect();
    let trend = match reading.trend {
        Trend::Improving => "improving",
        Trend::Stable => "stable   ",
        Trend::Declining => "declining",
    };
    format!(
        "[{bar}] {} {trend}",
        insights_core::scale::format_average(reading.average)
    )
}

fn reading_json(reading: WindowSentiment) -> Value {
    json!({"average": insights_core::scale::round_score(reading.average), "trend": reading.trend})
}

#[cfg(test)]
mod tests {
    use insights_core::live::{CallSentiment, ReportedSegment, SegmentId, Speaker};
    use insights_core::scale::Score;
    use insights_core::signals::Signal;

    use super::*;

    fn batch() -> BatchReport {
        let both = WindowSentiment {
            average: 0.28125,
            trend: Trend::Declining,
        };
        let score = Score::try_from(0.123_456).unwrap();
        BatchReport {
            segments: vec![ReportedSegment {
                id: SegmentId(0xab),
                start: 1000,
                end: 2500,
                speaker: Speaker::Customer,
                score,
                unscored: None,
                language: None,
                signals: [Signal::Churn].into_iter().collect(),
            }],
            sentiment: CallSentiment {
                both,
                customer: Some(both),
                agent: None,
            },
            suggestion: None,
        }
    }

    #[test]
    fn the_json_of_a_batch_has_the_documented_names() {
        let shown = BatchLine::new("call-1", &batch()).json();
        assert_eq!(
            shown.to_string(),
            r#"{"interaction_id":"call-1","segments":[{"id":"00000000000000ab","start":1000,"end":2500,"direction":"customer","score":0.1235,"signals":["churn"]}],"average":0.2813,"trend":"declining","customer":{"average":0.2813,"trend":"declining"},"agent":null,"suggestion":null}"#
        );
    }

    #[test]
    fn a_line_shows_numbers_and_trend() {
        let line = BatchLine::new("call-1", &batch()).to_string();
        assert_eq!(
            line,
            "call-1         [###.......] 0.281 declining   customer [###.......] 0.281 declining   1 segment"
        );
    }
}
