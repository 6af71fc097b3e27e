//! The number of conversations of each topic.

use insights_core::analytics::{ReportData, TopicSummary};
use insights_core::scale::format_percent;
use plotters::prelude::DrawingBackend;

use super::canvas::{Anchor, BLACK, BLUE, Canvas, GRAY, MARGIN};
use super::plot::Plot;
use crate::numbers::{format_conversations, format_count};

/// Height of a topic's row (name and bar) in units of the surface.
const ROW_HEIGHT: f64 = 50.0;
/// Largest number of topics that are drawn.
const MAX_TOPICS: usize = 20;

/// The plot of conversations by topic.
pub(super) struct Topics {
    topics: Vec<TopicSummary>,
    total: usize,
}

impl Topics {
    /// Takes what the plot needs from the report.
    pub(super) fn from_report(report: &ReportData) -> Self {
        let topics = &report.summary.topics;
        Self {
            topics: topics.iter().take(MAX_TOPICS).cloned().collect(),
            total: topics.iter().map(|topic| topic.conversations).sum(),
        }
    }
}

impl Plot for Topics {
    const NAME: &'static str = "topic_clusters";
    const TITLE: &'static str = "Conversations by topic";

    fn description(&self) -> String {
        let parts = self.topics.iter().map(|it| {
            format!(
                "topic {} ({}) {}",
                it.id,
                it.name,
                format_count(it.conversations)
            )
        });
        format!(
            "Bar chart of conversations by topic: {}.",
            parts.collect::<Vec<_>>().join("; ")
        )
    }

    fn height(&self) -> u32 {
        (self.topics.len().max(2) as f64 * ROW_HEIGHT + 84.0) as u32
    }

    fn draw<B: DrawingBackend>(&self, canvas: &Canvas<'_, B>) -> anyhow::Result<()> {
        let line = format!("{}; names are top terms", format_conversations(self.total));
        canvas.draw_title(Self::TITLE, &line)?;
        let Some(largest) = self.topics.iter().map(|topic| topic.conversations).max() else {
            return canvas.draw_placeholder("No topic was found");
        };
        let label = |topic: &TopicSummary| {
            let share = format_percent(topic.conversations as f64, self.total.max(1) as f64);
            format!("{} ({share})", format_count(topic.conversations))
        };
        let room = self
            .topics
            .iter()
            .map(|topic| canvas.text_width(&label(topic)))
            .fold(0.0, f64::max)
            + 8.0;
        let full = canvas.width - 2.0 * MARGIN - room;
        for (row, topic) in self.topics.iter().enumerate() {
            let top = 64.0 + row as f64 * ROW_HEIGHT;
            let number = format!("{}  ", topic.id);
            let indent = canvas.text_width(&number) + 4.0;
            let name = canvas.fit_text(&topic.name, canvas.width - 2.0 * MARGIN - indent);
            canvas.bold((MARGIN, top + 9.0), &number, Anchor::Start, BLACK)?;
            canvas.text((MARGIN + indent, top + 9.0), &name, Anchor::Start, BLACK)?;
            let width = full * topic.conversations as f64 / largest as f64;
            canvas.rectangle(
                [(MARGIN, top + 21.0), (MARGIN + width, top + 39.0)],
                BLUE,
                0.85,
            )?;
            canvas.text(
                (MARGIN + width + 6.0, top + 30.0),
                &label(topic),
                Anchor::Start,
                GRAY,
            )?;
        }
        Ok(())
    }
}
