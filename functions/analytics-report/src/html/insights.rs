//! The report's tables of rules and talk metrics by outcome, and the cards of the worst conversations.

use std::fmt::{Result, Write};

use insights_core::analytics::Summary;
use insights_core::card::CardLine;
use insights_core::outcomes::Stats;
use insights_core::scale::{format_percent, format_table_score};

use super::escape::escape_html;
use super::tables::{close_table, open_table, write_row};
use crate::numbers::format_count;

/// Writes how often each rule held, by outcome.
pub(super) fn write_rules(page: &mut String, summary: &Summary) -> Result {
    if summary.rules.is_empty() {
        return Ok(());
    }
    writeln!(page, "<h2>Rules by outcome</h2>")?;
    open_table(
        page,
        &["Rule", "Version", "Held", "Share", "Unknown", "By outcome"],
    )?;
    for rule in &summary.rules {
        let by_outcome: Vec<String> = rule
            .by_outcome
            .iter()
            .map(|row| {
                let share = row.share.map_or_else(String::new, |share| {
                    format!(" ({})", format_percent(share, 1.0))
                });
                format!(
                    "{} {} of {}{share}",
                    row.outcome.name(),
                    row.hits,
                    row.conversations
                )
            })
            .collect();
        write_row(
            page,
            &[
                escape_html(&rule.rule),
                rule.version.clone(),
                format_count(rule.hits),
                rule.share
                    .map_or_else(|| "\u{2013}".to_owned(), |share| format_percent(share, 1.0)),
                format_count(rule.unknown),
                by_outcome.join(", "),
            ],
        )?;
    }
    close_table(page);
    Ok(())
}

/// Writes the medians of the talk metrics, by outcome.
pub(super) fn write_talk(page: &mut String, summary: &Summary) -> Result {
    if summary.talk_by_outcome.is_empty() {
        return Ok(());
    }
    writeln!(page, "<h2>Talk metrics by outcome</h2>")?;
    open_table(
        page,
        &[
            "Outcome",
            "n",
            "Agent talks",
            "Customer talks",
            "Nobody talks",
            "Longest pause, s",
            "Interruptions",
            "Words a minute",
            "Reply, s",
        ],
    )?;
    for row in &summary.talk_by_outcome {
        let median = |stats: &Stats| format_table_score(stats.median);
        write_row(
            page,
            &[
                row.outcome.name().to_owned(),
                format_count(row.agent_talk_share.n),
                median(&row.agent_talk_share),
                median(&row.customer_talk_share),
                median(&row.non_talk_share),
                median(&row.longest_pause_seconds),
                median(&row.agent_interruptions),
                median(&row.agent_words_per_minute),
                median(&row.agent_reply_gap_seconds),
            ],
        )?;
    }
    close_table(page);
    writeln!(
        page,
        "<p class=\"soft\">Medians; shares are of the time from the start to the end of the last word.</p>"
    )
}

/// Writes the cards of the conversations with the worst mood.
pub(super) fn write_worst_calls(page: &mut String, summary: &Summary) -> Result {
    if summary.worst_calls.is_empty() {
        return Ok(());
    }
    writeln!(page, "<h2>Cards of the worst conversations</h2>")?;
    open_table(
        page,
        &[
            "Conversation",
            "Outcome",
            "Customer",
            "Reason",
            "Outcome in words",
            "Commitment",
            "Risk",
            "Next step",
        ],
    )?;
    for call in &summary.worst_calls {
        let mut cells = vec![
            // An erasure finds the row by the code in its first cell, and takes the line.
            format!("<code>{}</code>", escape_html(&call.conversation_id)),
            call.outcome.name().to_owned(),
            format_table_score(Some(call.sentiment)),
        ];
        cells.extend(call.card.lines().map(|(_, line)| match line {
            CardLine::Quote(quote) => format!(
                "\u{201c}{}\u{201d} <span class=\"soft\">{}, {} s</span>",
                escape_html(&quote.text).replace(['\n', '\r'], " "),
                quote.speaker.name(),
                quote.second
            ),
            CardLine::Unknown(why) => format!("unknown: {}", escape_html(why)),
        }));
        write_row(page, &cells)?;
    }
    close_table(page);
    Ok(())
}
