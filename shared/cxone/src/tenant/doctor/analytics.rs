//! The checks of Interaction Analytics.

use jiff::{SignedDuration, Timestamp};

use super::super::calls::Call;
use super::super::client::TenantClient;
use super::super::lists::read_list;
use super::super::segments::{Segment, SegmentDate, read_segment_transcript, read_segments};
use super::{Finding, deadline, evidence};
use crate::error::Error;

/// The number of segments that the checks look at.
const SAMPLE: usize = 100;

/// How far back the checks look.
const LOOK_BACK: SignedDuration = SignedDuration::from_hours(24);

/// The members of a row that editions with summaries have.
const SUMMARY_MEMBERS: &[&str] = &[
    "segmentSummaryPrimaryIntentName",
    "segmentSummaryActions",
    "segmentSummaryOutcomes",
];

/// The sentiments that the help pages name.
const SENTIMENTS: &[&str] = &["POSITIVE", "NEGATIVE", "NEUTRAL", "MIXED"];

/// Makes the checks of Interaction Analytics.
pub(super) async fn examine(client: &TenantClient, report: &mut impl FnMut(Finding)) {
    const SEGMENTS: &str = "analyzed segments";
    let now = Timestamp::now();
    let from = now.saturating_sub(LOOK_BACK).unwrap_or(now);
    let page = read_segments(client, SegmentDate::Start, from, SAMPLE, deadline()).await;
    let segments: Vec<Segment> = match page {
        Ok(page) => {
            let evidence = format!("{} since a day, {} unreadable", page.listed, page.unusable);
            report(Finding::ok(SEGMENTS, evidence));
            page.rows.into_iter().map(|(_, segment)| segment).collect()
        }
        Err(error) => {
            report(Finding::failed(SEGMENTS, &error));
            return;
        }
    };
    report(order_by_analysis(client, from).await);
    report(sentiments(&segments));
    report(delay(&segments));
    report(transcript(client, &segments).await);
    report(summaries(client, from).await);
    report(date_filter(client, now).await);
}

/// Checks that the list can be read in the order of the first analysis, which embeddings are fed by.
async fn order_by_analysis(client: &TenantClient, from: Timestamp) -> Finding {
    const CHECK: &str = "order by first analysis";
    match read_segments(client, SegmentDate::FirstAnalyzed, from, SAMPLE, deadline()).await {
        Ok(page) => {
            let is_sorted = page.rows.is_sorted_by_key(|(at, _)| *at);
            let evidence = if is_sorted {
                "ascending"
            } else {
                "not ascending"
            };
            Finding::ok(CHECK, format!("{} rows, {evidence}", page.listed))
        }
        Err(error) => Finding::failed(CHECK, &error),
    }
}

/// Returns how the contact center writes its own sentiments. Other values than the known ones are only counted.
fn sentiments(segments: &[Segment]) -> Finding {
    const CHECK: &str = "sentiments of NICE";
    let values: Vec<_> = segments
        .iter()
        .filter_map(|it| it.customer_sentiment.as_deref())
        .collect();
    if values.is_empty() {
        return Finding::unknown(CHECK, "no segment has one");
    }
    let known = |value: &&&str| SENTIMENTS.contains(&value.to_ascii_uppercase().as_str());
    let upper = values
        .iter()
        .filter(|value| value.chars().all(|c| !c.is_lowercase()))
        .count();
    let case = match upper {
        0 => "lower case",
        upper if upper == values.len() => "upper case",
        _ => "mixed case",
    };
    let known = values.iter().filter(known).count();
    let others = values.len() - known;
    Finding::ok(CHECK, format!("{known} in {case}, {others} of other names"))
}

/// Returns how long the analysis takes after the end of a segment.
fn delay(segments: &[Segment]) -> Finding {
    const CHECK: &str = "delay of the analysis";
    let delays = segments.iter().filter_map(|segment| {
        let delay = segment.first_analyzed_at?.duration_since(segment.ended_at?);
        Some(delay.as_secs() / 60)
    });
    let mut delays: Vec<i64> = delays.filter(|minutes| *minutes >= 0).collect();
    delays.sort_unstable();
    if delays.is_empty() {
        return Finding::unknown(CHECK, "no segment has both moments");
    }
    let at = |share: usize| delays[(delays.len() - 1) * share / 100];
    let (half, most) = (at(50), at(95));
    Finding::ok(
        CHECK,
        format!("{half} minutes for half of them, {most} for 95 %"),
    )
}

/// Checks that the text of a segment can be read.
async fn transcript(client: &TenantClient, segments: &[Segment]) -> Finding {
    const CHECK: &str = "text of a segment";
    /// Some segments have no transcript, so that several are tried.
    const TRIES: usize = 5;
    let mut missing = 0;
    for segment in segments.iter().take(TRIES) {
        let text =
            read_segment_transcript(client, &segment.id, segment.started_at, deadline()).await;
        match text {
            Ok(Some(transcript)) => {
                let timed = transcript
                    .lines
                    .iter()
                    .filter(|line| line.at.is_some())
                    .count();
                let last = transcript.lines.iter().filter_map(|line| line.at).max();
                let unit = match (last, segment.started_at, segment.ended_at) {
                    (Some(last), Some(start), Some(end)) if end > start => {
                        let share = last.duration_since(start).as_secs_f64()
                            / end.duration_since(start).as_secs_f64();
                        if (0.005..=1.5).contains(&share) {
                            "within the segment"
                        } else {
                            "outside the segment"
                        }
                    }
                    _ => "not comparable",
                };
                return Finding::ok(
                    CHECK,
                    format!(
                        "{} lines, {timed} with a time, {unit}, {} unreadable",
                        transcript.lines.len(),
                        transcript.unreadable
                    ),
                );
            }
            Ok(None) => missing += 1,
            Err(error) => return Finding::failed(CHECK, &error),
        }
    }
    match missing {
        0 => Finding::unknown(CHECK, "there is no segment to read"),
        missing => Finding::unknown(CHECK, format!("404 for {missing} segments"))
            .advising("check that conversations are recorded and transcribed"),
    }
}

/// Returns whether the rows have the summaries that some editions give.
async fn summaries(client: &TenantClient, from: Timestamp) -> Finding {
    const CHECK: &str = "summaries";
    match raw_rows(client, from, &[]).await {
        Ok(rows) => {
            let with_summary = rows.iter().filter(|row| {
                SUMMARY_MEMBERS
                    .iter()
                    .any(|name| row.get(name).is_some_and(|it| !it.is_null()))
            });
            let with_summary = with_summary.count();
            let members = rows.first().map(evidence::member_names).unwrap_or_default();
            Finding::ok(
                CHECK,
                format!("{with_summary} of {} rows; members: {members}", rows.len()),
            )
        }
        Err(error) => Finding::failed(CHECK, &error),
    }
}

/// Finds out whether the list heeds a filter by dates. The product does not rely on it.
async fn date_filter(client: &TenantClient, now: Timestamp) -> Finding {
    const CHECK: &str = "filter by dates";
    let at = |hours| {
        now.saturating_sub(SignedDuration::from_hours(hours))
            .unwrap_or(now)
    };
    let (first, last) = (at(24), at(23));
    let (begin, end) = (first.to_string(), last.to_string());
    let filter = [("beginningDate", begin.as_str()), ("endingDate", &end)];
    match raw_rows(client, first, &filter).await {
        Ok(rows) => {
            let starts = rows.iter().filter_map(|row| row.get("startTime"));
            let starts = starts.filter_map(crate::conversations::parse_instant);
            let outside = starts
                .filter(|start| *start < first || *start > last)
                .count();
            let evidence = match (rows.len(), outside) {
                (0, _) => "no rows in an hour of yesterday".to_owned(),
                (_, 0) => "heeded".to_owned(),
                _ => "ignored".to_owned(),
            };
            Finding::ok(CHECK, evidence)
        }
        Err(error) => Finding::failed(CHECK, &error),
    }
}

/// Reads the rows of the list as they are.
async fn raw_rows(
    client: &TenantClient,
    from: Timestamp,
    filter: &[(&str, &str)],
) -> Result<Vec<serde_json::Value>, Error> {
    let cursor = from.as_millisecond().to_string();
    let mut query = vec![
        ("dateField", "startTime"),
        ("cursor", cursor.as_str()),
        ("order", "asc"),
        ("pageSize", "100"),
    ];
    query.extend_from_slice(filter);
    let answer = client.read(Call::Segments, &[], &query, deadline()).await?;
    Ok(read_list(&answer, &["interactions", "segments", "items"])?.entries)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn segment(sentiment: Option<&str>, delay_minutes: i64) -> Segment {
        let at = |second| Timestamp::from_second(second).ok();
        Segment {
            id: "s".to_owned(),
            contact_id: "c".to_owned(),
            media_type: None,
            started_at: at(0),
            ended_at: at(60),
            first_analyzed_at: at(60 + delay_minutes * 60),
            published_at: None,
            disposition_code: None,
            customer_sentiment: sentiment.map(str::to_owned),
        }
    }

    #[test]
    fn sentiments_are_described_and_unknown_values_only_counted() {
        let finding = sentiments(&[
            segment(Some("NEGATIVE"), 1),
            segment(Some("Ada Example"), 1),
        ]);
        assert!(finding.evidence.contains("1 of other names") && !finding.evidence.contains("Ada"));
        assert_eq!(
            sentiments(&[segment(Some("neutral"), 1)]).evidence,
            "1 in lower case, 0 of other names"
        );
        assert_eq!(sentiments(&[segment(None, 1)]).verdict.words(), "unknown");
    }

    #[test]
    fn the_delay_is_a_median_and_a_high_share() {
        let segments: Vec<_> = (0..100).map(|minutes| segment(None, minutes)).collect();
        assert_eq!(
            delay(&segments).evidence,
            "49 minutes for half of them, 94 for 95 %"
        );
    }
}
