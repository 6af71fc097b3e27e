//! The distribution of sentiment: a histogram by label, each label with its density.

use insights_core::analytics::ReportData;
use insights_core::outcomes::SentimentLabel;
use insights_core::scale::format_signed;
use plotters::prelude::DrawingBackend;
use plotters::style::RGBColor;

use super::axis::{Frame, tick_step};
use super::canvas::{Anchor, BLACK, BLUE, Canvas, GRAY, MARGIN, PALE, SILVER, VERMILION};
use super::plot::Plot;
use crate::numbers::{format_conversations, format_count};

/// Number of bars over the scale from -1 to 1.
const BINS: usize = 20;
/// Width of a bar.
const BIN_WIDTH: f64 = 2.0 / BINS as f64;
/// Number of points of a density's curve.
const CURVE_POINTS: usize = 160;

/// The plot of how sentiment is distributed.
pub(super) struct Distribution {
    /// The compounds of each label, from negative to positive.
    scores: [(SentimentLabel, Vec<f64>); 3],
}

impl Distribution {
    /// Takes what the plot needs from the report.
    pub(super) fn from_report(report: &ReportData) -> Self {
        let all: Vec<f64> = report
            .rows
            .iter()
            .filter_map(|row| row.sentiment.map(|it| it.overall))
            .collect();
        let scores = [
            SentimentLabel::Negative,
            SentimentLabel::Neutral,
            SentimentLabel::Positive,
        ]
        .map(|label| {
            (
                label,
                all.iter()
                    .copied()
                    .filter(|score| SentimentLabel::from_compound(*score) == label)
                    .collect(),
            )
        });
        Self { scores }
    }

    /// Returns the number of all conversations with a transcript.
    fn total(&self) -> usize {
        self.scores.iter().map(|(_, scores)| scores.len()).sum()
    }

    /// Counts the conversations of each label in each bar.
    fn count_by_bin(&self) -> [[usize; BINS]; 3] {
        let bin = |score: &f64| (((score + 1.0) / BIN_WIDTH) as usize).min(BINS - 1);
        [0, 1, 2].map(|label| {
            let mut bins = [0; BINS];
            self.scores[label]
                .1
                .iter()
                .for_each(|score| bins[bin(score)] += 1);
            bins
        })
    }
}

impl Plot for Distribution {
    const NAME: &'static str = "sentiment_distribution";
    const TITLE: &'static str = "Sentiment of conversations";

    fn description(&self) -> String {
        let parts = self
            .scores
            .iter()
            .map(|(label, scores)| format!("{} {}", format_count(scores.len()), label.name()));
        format!(
            "Histogram of VADER compounds: {}.",
            parts.collect::<Vec<_>>().join(", ")
        )
    }

    fn height(&self) -> u32 {
        400
    }

    fn draw<B: DrawingBackend>(&self, canvas: &Canvas<'_, B>) -> anyhow::Result<()> {
        canvas.draw_title(
            Self::TITLE,
            &format!("{} with a transcript", format_conversations(self.total())),
        )?;
        if self.total() == 0 {
            return canvas.draw_placeholder("No conversation has a transcript");
        }
        self.draw_legend(canvas)?;
        let bins = self.count_by_bin();
        let densities = self.scores.each_ref().map(|(_, scores)| density(scores));
        let tallest = (0..BINS)
            .map(|bin| bins.iter().map(|label| label[bin]).sum::<usize>())
            .max()
            .unwrap_or(0);
        let highest = densities
            .iter()
            .flatten()
            .map(|(_, height)| *height)
            .fold(tallest as f64, f64::max);
        let step = tick_step(highest, 5.0);
        let frame = Frame {
            left: MARGIN + canvas.text_width(&format_count(highest as usize)) + 8.0,
            right: canvas.width - MARGIN - 4.0,
            top: 116.0,
            bottom: canvas.height - 56.0,
            across: (-1.0, 1.0),
            up: (0.0, (highest / step).ceil() * step),
        };
        draw_axes(canvas, &frame, step)?;
        for bin in 0..BINS {
            let mut below = 0;
            for ((label, _), bins) in self.scores.iter().zip(&bins) {
                let (from, to) = (
                    -1.0 + bin as f64 * BIN_WIDTH,
                    -1.0 + (bin + 1) as f64 * BIN_WIDTH,
                );
                let corners = [
                    (frame.x(from) + 1.0, frame.y((below + bins[bin]) as f64)),
                    (frame.x(to) - 1.0, frame.y(below as f64)),
                ];
                if bins[bin] > 0 {
                    canvas.rectangle(corners, color(*label), 0.75)?;
                }
                below += bins[bin];
            }
        }
        for ((label, _), curve) in self.scores.iter().zip(&densities) {
            let points: Vec<_> = curve
                .iter()
                .map(|(x, y)| (frame.x(*x), frame.y(*y)))
                .collect();
            if !points.is_empty() {
                canvas.line(&points, darkened(*label), 1.5)?;
            }
        }
        Ok(())
    }
}

impl Distribution {
    /// Draws the legend of the labels.
    fn draw_legend<B: DrawingBackend>(&self, canvas: &Canvas<'_, B>) -> anyhow::Result<()> {
        let counted = self
            .scores
            .each_ref()
            .map(|(label, scores)| format!("{} {}", label.name(), format_count(scores.len())));
        let width = |text: &String| 16.0 + canvas.text_width(text) + 14.0;
        let fits = counted.iter().map(width).sum::<f64>() <= canvas.width - 2.0 * MARGIN;
        let mut x = MARGIN;
        for ((label, _), counted) in self.scores.iter().zip(counted) {
            let text = if fits {
                counted
            } else {
                label.name().to_owned()
            };
            canvas.rectangle([(x, 62.0), (x + 12.0, 74.0)], color(*label), 0.75)?;
            canvas.text((x + 16.0, 68.0), &text, Anchor::Start, BLACK)?;
            x += width(&text);
        }
        canvas.text(
            (MARGIN, 93.0),
            "Conversations per 0.1; lines: density",
            Anchor::Start,
            GRAY,
        )
    }
}

/// Draws the axes with their ticks.
fn draw_axes<B: DrawingBackend>(
    canvas: &Canvas<'_, B>,
    frame: &Frame,
    step: f64,
) -> anyhow::Result<()> {
    let mut value = 0.0;
    while value <= frame.up.1 + 1e-9 {
        let y = frame.y(value);
        canvas.line(&[(frame.left, y), (frame.right, y)], PALE, 1.0)?;
        canvas.text(
            (frame.left - 6.0, y),
            &format_count(value as usize),
            Anchor::End,
            GRAY,
        )?;
        value += step;
    }
    for value in [-1.0, -0.5, 0.0, 0.5, 1.0] {
        let x = frame.x(value);
        canvas.line(&[(x, frame.bottom), (x, frame.bottom + 4.0)], GRAY, 1.0)?;
        canvas.text(
            (x, frame.bottom + 15.0),
            &format_signed(value, if value.abs() == 0.5 { 1 } else { 0 }),
            Anchor::Middle,
            GRAY,
        )?;
    }
    let middle = f64::midpoint(frame.left, frame.right);
    canvas.text(
        (middle, frame.bottom + 37.0),
        "VADER compound (\u{2212}1 negative, +1 positive)",
        Anchor::Middle,
        GRAY,
    )
}

/// Returns the density of scores as a curve of conversations per bar; the curve is empty without two different scores.
///
/// The density is a sum of Gaussian kernels with Scott's bandwidth: Scott (1992), "Multivariate Density Estimation".
fn density(scores: &[f64]) -> Vec<(f64, f64)> {
    let n = scores.len() as f64;
    let mean = scores.iter().sum::<f64>() / n;
    let variance = scores
        .iter()
        .map(|score| (score - mean).powi(2))
        .sum::<f64>()
        / (n - 1.0);
    let bandwidth = variance.sqrt() * n.powf(-0.2);
    if scores.len() < 2 || bandwidth < 1e-6 {
        return Vec::new();
    }
    let scale = BIN_WIDTH / (bandwidth * (2.0 * std::f64::consts::PI).sqrt());
    let at = |x: f64| {
        scores
            .iter()
            .map(|score| (-0.5 * ((x - score) / bandwidth).powi(2)).exp())
            .sum::<f64>()
            * scale
    };
    let points = (0..=CURVE_POINTS)
        .map(|point| -1.0 + 2.0 * point as f64 / CURVE_POINTS as f64)
        .map(|x| (x, at(x)));
    // Points that are too low to be seen would only draw along the axis.
    points.filter(|(_, height)| *height > 0.02).collect()
}

/// Returns the color of a label's bars.
fn color(label: SentimentLabel) -> RGBColor {
    match label {
        SentimentLabel::Positive => BLUE,
        SentimentLabel::Neutral => SILVER,
        SentimentLabel::Negative => VERMILION,
    }
}

/// Returns the color of a label's curve: the color of the bars, darkened.
fn darkened(label: SentimentLabel) -> RGBColor {
    let RGBColor(red, green, blue) = color(label);
    let darker = |channel: u8| (f64::from(channel) * 0.6) as u8;
    RGBColor(darker(red), darker(green), darker(blue))
}
