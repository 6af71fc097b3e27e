//! Sentiment by outcome: one box per outcome.

use insights_core::analytics::ReportData;
use insights_core::outcomes::{Outcome, Stats};
use insights_core::scale::{format_short_score, format_signed};
use plotters::prelude::DrawingBackend;

use super::axis::Frame;
use super::canvas::{Anchor, BLACK, BLUE, Canvas, GRAY, MARGIN, PALE, SKY, VERMILION};
use super::plot::Plot;
use crate::numbers::format_count;

/// Height of an outcome's row in units of the surface.
const ROW_HEIGHT: f64 = 46.0;
/// Largest length of a whisker in lengths of the box: Tukey (1977), "Exploratory Data Analysis".
const MAX_WHISKER: f64 = 1.5;
/// Largest number of dots per box; more dots would only cover each other.
const MAX_DOTS: usize = 300;

/// The plot of sentiment by outcome.
pub(super) struct Outcomes {
    /// The compounds of each outcome that has a compound, ascending.
    scores: Vec<(Outcome, Vec<f64>)>,
}

impl Outcomes {
    /// Takes what the plot needs from the report.
    pub(super) fn from_report(report: &ReportData) -> Self {
        let scores_of = |outcome: Outcome| {
            let own = report.rows.iter().filter(|row| row.outcome == outcome);
            let mut scores: Vec<f64> = own
                .filter_map(|row| row.sentiment.map(|it| it.overall))
                .collect();
            scores.sort_unstable_by(f64::total_cmp);
            (outcome, scores)
        };
        Self {
            scores: Outcome::ALL
                .into_iter()
                .map(scores_of)
                .filter(|(_, scores)| !scores.is_empty())
                .collect(),
        }
    }
}

impl Plot for Outcomes {
    const NAME: &'static str = "outcome_vs_sentiment";
    const TITLE: &'static str = "Sentiment by outcome";

    fn description(&self) -> String {
        let parts = self.scores.iter().map(|(outcome, scores)| {
            format!(
                "{} median {} of {}",
                outcome.name(),
                format_short_score(Stats::from_values(scores).median.unwrap_or(0.0)),
                format_count(scores.len())
            )
        });
        format!(
            "Box plot of VADER compounds by outcome: {}.",
            parts.collect::<Vec<_>>().join(", ")
        )
    }

    fn height(&self) -> u32 {
        let rows = self.scores.len().max(2) as f64 * ROW_HEIGHT;
        (rows + 154.0) as u32
    }

    fn draw<B: DrawingBackend>(&self, canvas: &Canvas<'_, B>) -> anyhow::Result<()> {
        canvas.draw_title(Self::TITLE, "Box: middle half, line: median, diamond: mean")?;
        if self.scores.is_empty() {
            return canvas.draw_placeholder("No conversation has a transcript");
        }
        let names = self
            .scores
            .iter()
            .map(|(outcome, _)| canvas.text_width(outcome.name()));
        let frame = Frame {
            left: MARGIN + names.fold(60.0, f64::max) + 12.0,
            right: canvas.width - MARGIN - 10.0,
            top: 66.0,
            bottom: canvas.height - 58.0,
            across: (-1.0, 1.0),
            up: (0.0, 1.0),
        };
        for value in [-1.0, -0.5, 0.0, 0.5, 1.0] {
            let x = frame.x(value);
            canvas.line(&[(x, frame.top), (x, frame.bottom)], PALE, 1.0)?;
            canvas.text(
                (x, frame.bottom + 15.0),
                &format_signed(value, if value.abs() == 0.5 { 1 } else { 0 }),
                Anchor::Middle,
                GRAY,
            )?;
        }
        let middle = canvas.width / 2.0;
        canvas.text(
            (middle, frame.bottom + 38.0),
            "VADER compound (\u{2212}1 negative, +1 positive)",
            Anchor::Middle,
            GRAY,
        )?;
        for (row, (outcome, scores)) in self.scores.iter().enumerate() {
            let y = frame.top
                + (row as f64 + 0.5) * (frame.bottom - frame.top) / self.scores.len().max(2) as f64;
            canvas.text((MARGIN, y - 9.0), outcome.name(), Anchor::Start, BLACK)?;
            canvas.text(
                (MARGIN, y + 9.0),
                &format!("n = {}", format_count(scores.len())),
                Anchor::Start,
                GRAY,
            )?;
            draw_box(canvas, &frame, y, scores)?;
        }
        Ok(())
    }
}

/// Draws the box, the whiskers and the outlying dots of one outcome.
fn draw_box<B: DrawingBackend>(
    canvas: &Canvas<'_, B>,
    frame: &Frame,
    y: f64,
    scores: &[f64],
) -> anyhow::Result<()> {
    let stats = Stats::from_values(scores);
    let (Some(q1), Some(median), Some(q3), Some(mean)) =
        (stats.q1, stats.median, stats.q3, stats.mean)
    else {
        return Ok(());
    };
    let reach = MAX_WHISKER * (q3 - q1);
    let inside = |score: &&f64| (q1 - reach..=q3 + reach).contains(*score);
    let low = scores.iter().find(inside).copied().unwrap_or(q1).min(q1);
    let high = scores
        .iter()
        .rev()
        .find(inside)
        .copied()
        .unwrap_or(q3)
        .max(q3);
    let half = 11.0;
    for (from, to) in [(low, q1), (q3, high)] {
        canvas.line(&[(frame.x(from), y), (frame.x(to), y)], GRAY, 1.5)?;
    }
    for end in [low, high] {
        canvas.line(
            &[(frame.x(end), y - 5.0), (frame.x(end), y + 5.0)],
            GRAY,
            1.5,
        )?;
    }
    let outside: Vec<f64> = scores
        .iter()
        .copied()
        .filter(|score| *score < low || *score > high)
        .collect();
    for score in outside
        .iter()
        .step_by(outside.len().div_ceil(MAX_DOTS).max(1))
    {
        canvas.dot((frame.x(*score), y), 2.0, GRAY, 0.35)?;
    }
    let corners = [(frame.x(q1), y - half), (frame.x(q3), y + half)];
    canvas.rectangle(corners, SKY, 0.55)?;
    canvas.outline(corners, BLUE, 1.0)?;
    canvas.line(
        &[(frame.x(median), y - half), (frame.x(median), y + half)],
        BLACK,
        2.5,
    )?;
    let (x, arm) = (frame.x(mean), 5.0);
    canvas.polygon(
        &[(x - arm, y), (x, y - arm), (x + arm, y), (x, y + arm)],
        VERMILION,
        1.0,
    )
}
