//! The report's tables.

use std::fmt::{Result, Write};

use insights_core::analytics::Summary;
use insights_core::outcomes::Stats;
use insights_core::scale::{format_average, format_percent, format_table_score};

use super::escape::escape_html;
use crate::numbers::format_count;

/// Largest number of failed transcripts that are shown; the summary contains all of them.
const MAX_FAILURES: usize = 200;

/// Largest number of dispositions without an outcome that are shown; the summary contains all of them.
const MAX_DISPOSITIONS: usize = 30;

/// The columns that contain text and are aligned to the left.
const TEXT_COLUMNS: [&str; 9] = [
    "Top terms",
    "Examples",
    "Reason",
    "Rule",
    "By outcome",
    "Outcome in words",
    "Commitment",
    "Risk",
    "Next step",
];

/// Writes the sentiment by speaker, and the model compared with VADER.
pub(super) fn write_sentiment(page: &mut String, summary: &Summary) -> Result {
    let sentiment = &summary.sentiment;
    let rows = [
        ("Whole conversation", &sentiment.overall),
        ("Customer", &sentiment.customer),
        ("Agent", &sentiment.agent),
    ];
    write_statistics(page, "Sentiment of", &rows)?;
    if let Some(model) = &sentiment.model {
        page.push_str("<p>The local model beside VADER, both on the customer's lines and from 0 (negative) to 1 (positive):</p>\n");
        write_statistics(
            page,
            "Scored by",
            &[("Local model", &model.model), ("VADER", &model.vader)],
        )?;
        let correlation = format_table_score(model.correlation);
        let agreement = format_percent(model.agreement, 1.0);
        writeln!(
            page,
            "<p class=\"soft\">Correlation {correlation}; on the same side of neutral in {agreement} of conversations.</p>"
        )?;
    }
    if !summary.signals.is_empty() {
        page.push_str("<p>Signals that the local model found in the customers' lines:</p>\n");
        open_table(page, &["Signal", "Conversations"])?;
        for count in &summary.signals {
            let (signal, conversations) = (count.signal.name(), format_count(count.conversations));
            writeln!(page, "<tr><td>{signal}</td><td>{conversations}</td></tr>")?;
        }
        close_table(page);
    }
    Ok(())
}

/// Writes the sentiment by outcome with effect sizes.
pub(super) fn write_outcomes(page: &mut String, summary: &Summary) -> Result {
    let table = &summary.outcomes;
    let head = [
        "Outcome",
        "All",
        "n",
        "Mean",
        "Median",
        "Quartiles",
        "Cliff\u{2019}s delta",
        "Effect",
    ];
    open_table(page, &head)?;
    for row in &table.rows {
        let stats = &row.sentiment;
        let effect = row.effect.map_or("\u{2013}", |effect| effect.name());
        write_row(
            page,
            &[
                row.outcome.name().to_owned(),
                format_count(row.conversations),
                format_count(stats.n),
                format_table_score(stats.mean),
                format_table_score(stats.median),
                format_quartiles(stats),
                format_table_score(row.cliffs_delta),
                effect.to_owned(),
            ],
        )?;
    }
    write_other_dispositions(page, summary, head.len())?;
    close_table(page);
    if let Some(overall) = table.overall {
        writeln!(
            page,
            "<p class=\"soft\">Overall: H = {:.1} with {} degrees of freedom, epsilon squared {}. \u{201c}n\u{201d} are those with \
             a transcript.</p>",
            overall.h,
            overall.degrees_of_freedom,
            format_average(overall.epsilon_squared)
        )?;
    }
    Ok(())
}

/// Writes one row per disposition for which the table of outcomes has no outcome, with the number of conversations.
fn write_other_dispositions(page: &mut String, summary: &Summary, columns: usize) -> Result {
    let others = &summary.other_dispositions;
    let mut write = |name: String, count: usize| {
        let mut cells = vec![name, format_count(count)];
        cells.resize(columns, String::new());
        write_row(page, &cells)
    };
    for other in others.iter().take(MAX_DISPOSITIONS) {
        let name = format!("other: {}", escape_html(&other.disposition));
        write(name, other.conversations)?;
    }
    let rest = others.get(MAX_DISPOSITIONS..).unwrap_or_default();
    if !rest.is_empty() {
        let name = format!("{} more dispositions", format_count(rest.len()));
        write(name, rest.iter().map(|other| other.conversations).sum())?;
    }
    Ok(())
}

/// Writes the topics with their terms and examples.
pub(super) fn write_topics(page: &mut String, summary: &Summary) -> Result {
    if summary.topics.is_empty() {
        return Ok(());
    }
    open_table(
        page,
        &[
            "Topic",
            "Conversations",
            "Median sentiment",
            "Top terms",
            "Examples",
        ],
    )?;
    for topic in &summary.topics {
        let terms = escape_html(&topic.terms.join(", "));
        let examples: Vec<_> = topic
            .examples
            .iter()
            .map(|id| format!("<code>{}</code>", escape_html(id)))
            .collect();
        writeln!(
            page,
            "<tr><td>{}</td><td>{}</td><td>{}</td><td class=\"wrap\">{terms}</td><td class=\"wrap\">{}</td></tr>",
            topic.id,
            format_count(topic.conversations),
            format_table_score(topic.sentiment.median),
            examples.join("<br>")
        )?;
    }
    close_table(page);
    if summary.topic_model.relaxed {
        page.push_str("<p class=\"soft\">Too few conversations share words; every word counts here, also one that occurs once.</p>\n");
    }
    Ok(())
}

/// Writes the numbers of conversations by topic and outcome.
pub(super) fn write_topics_by_outcome(page: &mut String, summary: &Summary) -> Result {
    let table = &summary.topic_by_outcome;
    if table.counts.is_empty() {
        return Ok(());
    }
    page.push_str("<p>Conversations by topic and outcome:</p>\n");
    let mut head = vec!["Topic"];
    head.extend(table.outcomes.iter().map(|outcome| outcome.name()));
    head.push("All");
    open_table(page, &head)?;
    for (topic, counts) in summary.topics.iter().zip(&table.counts) {
        let mut row = vec![format!("{} {}", topic.id, escape_html(&topic.name))];
        row.extend(counts.iter().map(|value| format_count(*value)));
        row.push(format_count(counts.iter().sum()));
        write_row(page, &row)?;
    }
    close_table(page);
    Ok(())
}

/// Writes the turns and pauses of conversations.
pub(super) fn write_flow(page: &mut String, summary: &Summary) -> Result {
    let flow = &summary.flow;
    write_statistics(
        page,
        "Per conversation",
        &[
            ("Turns", &flow.turns),
            ("Agent's share of words", &flow.agent_word_share),
            ("Agent's response, seconds", &flow.agent_response_seconds),
            ("Longest gap, seconds", &flow.longest_gap_seconds),
            ("Share of non-talk time", &flow.non_talk_share),
        ],
    )
}

/// Writes the transcripts that could not be fetched.
pub(super) fn write_failures(page: &mut String, summary: &Summary) -> Result {
    let failures = &summary.failed_transcripts;
    if failures.is_empty() {
        return Ok(());
    }
    page.push_str("<h2 id=\"failed\">Transcripts that could not be fetched</h2>\n");
    open_table(page, &["Conversation", "Reason"])?;
    for failure in failures.iter().take(MAX_FAILURES) {
        let (id, reason) = (
            escape_html(&failure.conversation_id),
            escape_html(&failure.reason),
        );
        writeln!(
            page,
            "<tr><td><code>{id}</code></td><td class=\"wrap\">{reason}</td></tr>"
        )?;
    }
    close_table(page);
    if failures.len() > MAX_FAILURES {
        let more = format_count(failures.len() - MAX_FAILURES);
        writeln!(
            page,
            "<p class=\"soft\">{more} more are in <code>summary.json</code>.</p>"
        )?;
    }
    Ok(())
}

/// Writes a table with the statistics of several samples.
fn write_statistics(page: &mut String, of: &str, rows: &[(&str, &Stats)]) -> Result {
    open_table(page, &[of, "n", "Mean", "Median", "Quartiles"])?;
    for (name, stats) in rows {
        write_row(
            page,
            &[
                escape_html(name),
                format_count(stats.n),
                format_table_score(stats.mean),
                format_table_score(stats.median),
                format_quartiles(stats),
            ],
        )?;
    }
    close_table(page);
    Ok(())
}

/// Begins a table with its head.
pub(super) fn open_table(page: &mut String, head: &[&str]) -> Result {
    page.push_str("<div class=\"scroll\"><table>\n<thead><tr>");
    for name in head {
        let class = if TEXT_COLUMNS.contains(name) {
            " class=\"left\""
        } else {
            ""
        };
        write!(page, "<th scope=\"col\"{class}>{}</th>", escape_html(name))?;
    }
    page.push_str("</tr></thead>\n<tbody>\n");
    Ok(())
}

/// Writes a row of cells.
pub(super) fn write_row(page: &mut String, cells: &[String]) -> Result {
    page.push_str("<tr>");
    for cell in cells {
        write!(page, "<td>{cell}</td>")?;
    }
    page.push_str("</tr>\n");
    Ok(())
}

/// Ends the open table.
pub(super) fn close_table(page: &mut String) {
    page.push_str("</tbody></table></div>\n");
}

/// Formats the first and the third quartile.
fn format_quartiles(stats: &Stats) -> String {
    match (stats.q1, stats.q3) {
        (Some(_), Some(_)) => format!(
            "{} to {}",
            format_table_score(stats.q1),
            format_table_score(stats.q3)
        ),
        _ => format_table_score(None),
    }
}
