//! The course of sentiment over the quarters of a conversation.

use insights_core::analytics::ReportData;
use insights_core::outcomes::Stats;
use insights_core::scale::{format_short_score, format_signed, round_to};
use plotters::prelude::DrawingBackend;

use super::axis::Frame;
use super::canvas::{Anchor, BLACK, BLUE, Canvas, GRAY, MARGIN, PALE, SKY, VERMILION};
use super::plot::Plot;
use crate::numbers::format_count;

/// The names of the quarters.
const QUARTER_NAMES: [&str; 4] = ["1st", "2nd", "3rd", "4th"];

/// The plot of sentiment by quarter of the conversation.
pub(super) struct Quarters {
    stats: [Stats; 4],
}

impl Quarters {
    /// Takes what the plot needs from the report.
    pub(super) fn from_report(report: &ReportData) -> Self {
        Self {
            stats: report.summary.sentiment.quarters,
        }
    }

    /// Returns the points of a line through a figure of each quarter that has the figure.
    fn line(&self, frame: &Frame, figure: impl Fn(&Stats) -> Option<f64>) -> Vec<(f64, f64)> {
        let figures = self.stats.iter().enumerate();
        figures
            .filter_map(|(at, stats)| Some((frame.x(at as f64 + 0.5), frame.y(figure(stats)?))))
            .collect()
    }
}

impl Plot for Quarters {
    const NAME: &'static str = "sentiment_by_quarter";
    const TITLE: &'static str = "Sentiment over the conversation";

    fn description(&self) -> String {
        let mean = |stats: &Stats| {
            stats
                .mean
                .map_or_else(|| "none".to_owned(), format_short_score)
        };
        let parts = QUARTER_NAMES
            .iter()
            .zip(&self.stats)
            .map(|(name, stats)| format!("{name} {}", mean(stats)));
        format!(
            "Mean VADER compound by quarter of the conversation: {}.",
            parts.collect::<Vec<_>>().join(", ")
        )
    }

    fn height(&self) -> u32 {
        420
    }

    fn draw<B: DrawingBackend>(&self, canvas: &Canvas<'_, B>) -> anyhow::Result<()> {
        canvas.draw_title(Self::TITLE, "VADER compound of each quarter of the lines")?;
        if self.stats.iter().all(|stats| stats.n == 0) {
            return canvas.draw_placeholder("No conversation has a transcript");
        }
        let frame = Frame {
            left: MARGIN + canvas.text_width("+0.5") + 10.0,
            right: canvas.width - MARGIN,
            top: 96.0,
            bottom: canvas.height - 90.0,
            across: (0.0, 4.0),
            up: (-1.0, 1.0),
        };
        draw_legend(canvas)?;
        for value in [-1.0, -0.5, 0.0, 0.5, 1.0] {
            let y = frame.y(value);
            canvas.line(
                &[(frame.left, y), (frame.right, y)],
                if value == 0.0 { GRAY } else { PALE },
                1.0,
            )?;
            canvas.text(
                (frame.left - 6.0, y),
                &format_signed(value, if value.abs() == 0.5 { 1 } else { 0 }),
                Anchor::End,
                GRAY,
            )?;
        }
        for (at, (name, stats)) in QUARTER_NAMES.iter().zip(&self.stats).enumerate() {
            let x = frame.x(at as f64 + 0.5);
            canvas.text((x, frame.bottom + 15.0), name, Anchor::Middle, BLACK)?;
            canvas.text(
                (x, frame.bottom + 54.0),
                &format!("n = {}", format_count(stats.n)),
                Anchor::Middle,
                GRAY,
            )?;
        }
        let middle = f64::midpoint(frame.left, frame.right);
        canvas.text(
            (middle, frame.bottom + 76.0),
            "Quarter of the conversation's lines",
            Anchor::Middle,
            GRAY,
        )?;
        self.draw_figures(canvas, &frame)
    }
}

impl Quarters {
    /// Draws the means, the medians and the middle halves of the quarters.
    fn draw_figures<B: DrawingBackend>(
        &self,
        canvas: &Canvas<'_, B>,
        frame: &Frame,
    ) -> anyhow::Result<()> {
        let mut band = self.line(frame, |stats| stats.q1);
        let upper = self.line(frame, |stats| stats.q3);
        for (low, high) in band.iter().zip(&upper) {
            canvas.line(&[*low, *high], SKY, 2.0)?;
        }
        if band.len() > 1 {
            band.extend(upper.into_iter().rev());
            canvas.polygon(&band, SKY, 0.3)?;
        }
        let median = self.line(frame, |stats| stats.median);
        for (x, y) in &median {
            canvas.line(&[(x - 12.0, *y), (x + 12.0, *y)], BLUE, 3.0)?;
        }
        let means = self.line(frame, |stats| stats.mean);
        if means.len() > 1 {
            canvas.line(&means, VERMILION, 2.0)?;
        }
        for ((x, y), mean) in means
            .iter()
            .zip(self.stats.iter().filter_map(|stats| stats.mean))
        {
            canvas.dot((*x, *y), 4.0, VERMILION, 1.0)?;
            let shown = format_signed(round_to(mean, 2), 2);
            canvas.bold((*x, frame.bottom + 35.0), &shown, Anchor::Middle, BLACK)?;
        }
        Ok(())
    }
}

/// Draws the legend of the lines.
fn draw_legend<B: DrawingBackend>(canvas: &Canvas<'_, B>) -> anyhow::Result<()> {
    let y = 68.0;
    let mut x = MARGIN;
    for (name, kind) in [("mean (below)", 0), ("median", 1), ("middle half", 2)] {
        match kind {
            0 => {
                canvas.line(&[(x, y), (x + 20.0, y)], VERMILION, 2.0)?;
                canvas.dot((x + 10.0, y), 4.0, VERMILION, 1.0)?;
            }
            1 => canvas.line(&[(x, y), (x + 20.0, y)], BLUE, 3.0)?,
            _ => canvas.rectangle([(x, y - 6.0), (x + 20.0, y + 6.0)], SKY, 0.4)?,
        }
        canvas.text((x + 26.0, y), name, Anchor::Start, BLACK)?;
        x += 26.0 + canvas.text_width(name) + 14.0;
    }
    Ok(())
}
