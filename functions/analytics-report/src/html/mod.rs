//! The report as one HTML file that contains everything, so that it can be opened, printed, forwarded, and read on a phone.
//!
//! The file has no script and no link to anything outside.

mod escape;
mod insights;
mod tables;

use std::fmt::Write;

use insights_core::analytics::{ReportData, Summary};
use insights_core::scale::{format_percent, format_table_score};

use crate::numbers::format_count;
use crate::plots::Figure;
use escape::escape_html;

/// The style sheet of the page.
const STYLE: &str = include_str!("style.css");

/// Renders the page of a report.
///
/// # Errors
/// Never in practice, because writing to a string does not fail.
pub(crate) fn render_page(
    report: &ReportData,
    figures: &[Figure],
) -> Result<String, std::fmt::Error> {
    let summary = &report.summary;
    let mut page = String::new();
    let period = format_period(summary);
    write!(
        page,
        "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <title>Conversations {period}</title>\n<style>\n{STYLE}</style>\n</head>\n<body>\n\
         <h1>Conversations {period}</h1>\n<p class=\"soft\">Sentiment, topics and outcomes; times in UTC.</p>\n"
    )?;
    write_cards(&mut page, summary)?;
    write_warnings(&mut page, summary)?;
    let mut figures = figures.iter();
    let mut begin_section = |page: &mut String, heading: &str| -> std::fmt::Result {
        writeln!(page, "<h2>{heading}</h2>")?;
        figures
            .next()
            .map_or(Ok(()), |figure| write_figure(page, figure))
    };
    begin_section(&mut page, "Sentiment")?;
    tables::write_sentiment(&mut page, summary)?;
    begin_section(&mut page, "Outcomes")?;
    tables::write_outcomes(&mut page, summary)?;
    begin_section(&mut page, "Topics")?;
    tables::write_topics(&mut page, summary)?;
    tables::write_topics_by_outcome(&mut page, summary)?;
    begin_section(&mut page, "Over the conversation")?;
    tables::write_flow(&mut page, summary)?;
    insights::write_rules(&mut page, summary)?;
    insights::write_talk(&mut page, summary)?;
    insights::write_worst_calls(&mut page, summary)?;
    tables::write_failures(&mut page, summary)?;
    page.push_str(METHOD_SECTION);
    page.push_str("</body>\n</html>\n");
    Ok(page)
}

/// The section that explains the figures.
const METHOD_SECTION: &str = "<h2>How to read this</h2>\n\
    <p>Sentiment is VADER's compound of the raw text, \u{2212}1 to +1; above 0.05 counts as positive, below \u{2212}0.05 as \
    negative. Long texts of many kind words crowd near +1: compare groups rather than single scores. Figures of sentiment \
    leave out conversations without a transcript or in another language than English; in <code>conversations.csv</code> these are 0, neutral, \
    and without a transcript topic \u{2212}1.</p>\n\
    <p>Cliff's delta says how often a conversation of the outcome scores above one of the others, less how often below: \
    \u{2212}1 never above, +1 always. Epsilon squared is the share of all differences that the outcomes explain \
    (Kruskal-Wallis). Topics are clusters of conversations with similar words (TF-IDF, K-Means); they are named by those \
    words and need a person to interpret them. Non-talk time is estimated from the lines' times at 150 words a minute.</p>\n\
    <p>Rules are answered true, false or unknown; what a gap in a transcript may hide is unknown and counts neither way. The \
    lines of a card are quotes.</p>\n";

/// Formats the time that the report covers, shortened to dates where it consists of whole days.
fn format_period(summary: &Summary) -> String {
    let day = |text: &str| text.strip_suffix("T00:00:00Z").map(str::to_owned);
    let range = &summary.range;
    let last = || {
        range
            .to
            .parse::<jiff::Timestamp>()
            .ok()?
            .checked_sub(jiff::SignedDuration::from_secs(1))
            .ok()
    };
    match (day(&range.from), day(&range.to), last()) {
        (Some(first), Some(_), Some(last)) => {
            let last = last.to_string().chars().take(10).collect::<String>();
            if first == last {
                format!("of {first}")
            } else {
                format!("from {first} to {last}")
            }
        }
        _ => format!(
            "from {} to {}",
            escape_html(&range.from),
            escape_html(&range.to)
        ),
    }
}

/// Writes the most important figures as cards.
fn write_cards(page: &mut String, summary: &Summary) -> std::fmt::Result {
    let counts = summary.conversations;
    let labels = summary.sentiment.labels;
    let share = |count: usize| match counts.with_transcript - counts.other_languages {
        0 => "\u{2013}".to_owned(),
        all => format_percent(count as f64, all as f64),
    };
    let minutes =
        |seconds: Option<f64>| seconds.map_or_else(|| "\u{2013}".to_owned(), format_minutes);
    page.push_str("<dl class=\"cards\">\n");
    for (name, value) in [
        ("Conversations", format_count(counts.total)),
        ("With a transcript", format_count(counts.with_transcript)),
        ("Positive", share(labels.positive)),
        ("Negative", share(labels.negative)),
        (
            "Median sentiment",
            format_table_score(summary.sentiment.overall.median),
        ),
        ("Median duration", minutes(summary.duration_seconds.median)),
    ] {
        writeln!(page, "<div><dt>{name}</dt><dd>{value}</dd></div>")?;
    }
    page.push_str("</dl>\n");
    Ok(())
}

/// Formats seconds as minutes and seconds.
fn format_minutes(seconds: f64) -> String {
    let seconds = seconds.round() as u64;
    format!("{}:{:02} min", seconds / 60, seconds % 60)
}

/// Writes what is missing from the report.
fn write_warnings(page: &mut String, summary: &Summary) -> std::fmt::Result {
    let counts = summary.conversations;
    if counts.total == 0 {
        page.push_str("<p class=\"warning\">There is no conversation in this time.</p>\n");
    }
    if counts.failed_transcripts > 0 {
        let failed = format_count(counts.failed_transcripts);
        writeln!(
            page,
            "<p class=\"warning\"><strong>Incomplete:</strong> {failed} transcripts could not be fetched; they are listed \
             <a href=\"#failed\">below</a> and left out of every figure of sentiment.</p>"
        )?;
    }
    if counts.other_languages > 0 {
        let other = format_count(counts.other_languages);
        let languages: Vec<String> = summary
            .languages
            .iter()
            .map(|count| format!("{} {}", escape_html(&count.language), count.conversations))
            .collect();
        writeln!(
            page,
            "<p class=\"warning\">{other} transcripts are in a language that is not read ({}) and left out of every figure of \
             sentiment.</p>",
            languages.join(", ")
        )?;
    }
    if counts.unusable_rows > 0 {
        let rows = format_count(counts.unusable_rows);
        writeln!(
            page,
            "<p class=\"warning\">{rows} rows of the list name no conversation and are left out.</p>"
        )?;
    }
    if counts.unreadable_lines > 0 {
        let lines = format_count(counts.unreadable_lines);
        writeln!(
            page,
            "<p class=\"warning\">{lines} entries of transcripts could not be read and are left out.</p>"
        )?;
    }
    if counts.transcripts_beyond_a_cell > 0 {
        let long = format_count(counts.transcripts_beyond_a_cell);
        writeln!(
            page,
            "<p class=\"warning\">{long} transcripts in <code>conversations.csv</code> are longer than the 32,767 characters \
             of a cell of Excel, which shows them cut; other programs read them whole.</p>"
        )?;
    }
    Ok(())
}

/// Writes a plot in its wide and its narrow form.
fn write_figure(page: &mut String, figure: &Figure) -> std::fmt::Result {
    let (title, description) = (escape_html(figure.title), escape_html(&figure.description));
    writeln!(
        page,
        "<figure role=\"img\" aria-label=\"{title}. {description}\">"
    )?;
    for (class, svg) in [("wide", &figure.svg), ("narrow", &figure.narrow)] {
        writeln!(
            page,
            "<div class=\"{class}\" aria-hidden=\"true\">{svg}</div>"
        )?;
    }
    page.push_str("</figure>\n");
    Ok(())
}
