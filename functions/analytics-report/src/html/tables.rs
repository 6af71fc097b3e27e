//! The report's tables.

use std::fmt::{Result, Write};

use insights_core::analytics::Summary;
use insights_core::outcomes::Stats;
use insights_core::scale::{format_average, format_percent, format_table_score};

use super::escaped;

/// No more failed transcripts than this are shown; all of them are in the summary.
const FAILURES: usize = 200;

/// The columns of text, which begin at the left.
const LEFT: [&str; 3] = ["Top terms", "Examples", "Reason"];

/// Sentiment by speaker, and the model beside VADER.
pub(super) fn sentiment(page: &mut String, summary: &Summary) -> Result {
    let sentiment = &summary.sentiment;
    let rows = [
        ("Whole conversation", &sentiment.overall),
        ("Customer", &sentiment.customer),
        ("Agent", &sentiment.agent),
    ];
    stats_table(page, "Sentiment of", &rows)?;
    if let Some(model) = &sentiment.model {
        page.push_str("<p>The local model beside VADER, both on the customer's lines and from 0 (negative) to 1 (positive):</p>\n");
        stats_table(
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
    Ok(())
}

/// Outcome against sentiment with effect sizes.
pub(super) fn outcomes(page: &mut String, summary: &Summary) -> Result {
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
    open(page, &head)?;
    for row in &table.rows {
        let stats = &row.sentiment;
        let effect = row.effect.map_or("\u{2013}", |effect| effect.name());
        cells(
            page,
            &[
                row.outcome.name().to_owned(),
                count(row.conversations),
                count(stats.n),
                format_table_score(stats.mean),
                format_table_score(stats.median),
                quartiles(stats),
                format_table_score(row.cliffs_delta),
                effect.to_owned(),
            ],
        )?;
    }
    close(page);
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

/// The topics with their terms and examples.
pub(super) fn topics(page: &mut String, summary: &Summary) -> Result {
    if summary.topics.is_empty() {
        return Ok(());
    }
    open(
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
        let terms = escaped(&topic.terms.join(", "));
        let examples: Vec<_> = topic
            .examples
            .iter()
            .map(|id| format!("<code>{}</code>", escaped(id)))
            .collect();
        writeln!(
            page,
            "<tr><td>{}</td><td>{}</td><td>{}</td><td class=\"wrap\">{terms}</td><td class=\"wrap\">{}</td></tr>",
            topic.id,
            count(topic.conversations),
            format_table_score(topic.sentiment.median),
            examples.join("<br>")
        )?;
    }
    close(page);
    if summary.topic_model.relaxed {
        page.push_str("<p class=\"soft\">Too few conversations share words; every word counts here, also one that occurs once.</p>\n");
    }
    Ok(())
}

/// Conversations by topic and outcome.
pub(super) fn topic_by_outcome(page: &mut String, summary: &Summary) -> Result {
    let table = &summary.topic_by_outcome;
    if table.counts.is_empty() {
        return Ok(());
    }
    page.push_str("<p>Conversations by topic and outcome:</p>\n");
    let mut head = vec!["Topic"];
    head.extend(table.outcomes.iter().map(|outcome| outcome.name()));
    head.push("All");
    open(page, &head)?;
    for (topic, counts) in summary.topics.iter().zip(&table.counts) {
        let mut row = vec![format!("{} {}", topic.id, escaped(&topic.name))];
        row.extend(counts.iter().map(|value| count(*value)));
        row.push(count(counts.iter().sum()));
        cells(page, &row)?;
    }
    close(page);
    Ok(())
}

/// Turns and pauses.
pub(super) fn flow(page: &mut String, summary: &Summary) -> Result {
    let flow = &summary.flow;
    stats_table(
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

/// The transcripts that could not be fetched.
pub(super) fn failures(page: &mut String, summary: &Summary) -> Result {
    let failures = &summary.failed_transcripts;
    if failures.is_empty() {
        return Ok(());
    }
    page.push_str("<h2 id=\"failed\">Transcripts that could not be fetched</h2>\n");
    open(page, &["Conversation", "Reason"])?;
    for failure in failures.iter().take(FAILURES) {
        let (id, reason) = (escaped(&failure.conversation_id), escaped(&failure.reason));
        writeln!(
            page,
            "<tr><td><code>{id}</code></td><td class=\"wrap\">{reason}</td></tr>"
        )?;
    }
    close(page);
    if failures.len() > FAILURES {
        let more = count(failures.len() - FAILURES);
        writeln!(
            page,
            "<p class=\"soft\">{more} more are in <code>summary.json</code>.</p>"
        )?;
    }
    Ok(())
}

fn stats_table(page: &mut String, of: &str, rows: &[(&str, &Stats)]) -> Result {
    open(page, &[of, "n", "Mean", "Median", "Quartiles"])?;
    for (name, stats) in rows {
        cells(
            page,
            &[
                escaped(name),
                count(stats.n),
                format_table_score(stats.mean),
                format_table_score(stats.median),
                quartiles(stats),
            ],
        )?;
    }
    close(page);
    Ok(())
}

fn open(page: &mut String, head: &[&str]) -> Result {
    page.push_str("<div class=\"scroll\"><table>\n<thead><tr>");
    for name in head {
        let class = if LEFT.contains(name) {
            " class=\"left\""
        } else {
            ""
        };
        write!(page, "<th scope=\"col\"{class}>{}</th>", escaped(name))?;
    }
    page.push_str("</tr></thead>\n<tbody>\n");
    Ok(())
}

fn cells(page: &mut String, cells: &[String]) -> Result {
    page.push_str("<tr>");
    for cell in cells {
        write!(page, "<td>{cell}</td>")?;
    }
    page.push_str("</tr>\n");
    Ok(())
}

fn close(page: &mut String) {
    page.push_str("</tbody></table></div>\n");
}

fn quartiles(stats: &Stats) -> String {
    match (stats.q1, stats.q3) {
        (Some(_), Some(_)) => format!(
            "{} to {}",
            format_table_score(stats.q1),
            format_table_score(stats.q3)
        ),
        _ => format_table_score(None),
    }
}

/// A count with separated thousands.
pub(super) fn count(value: usize) -> String {
    crate::plots::count(value)
}
