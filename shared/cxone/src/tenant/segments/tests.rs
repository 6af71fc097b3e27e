//! Lists and transcripts in every shape that was seen.

use http::{HeaderMap, StatusCode};

use super::*;

fn answer(body: &str) -> Answer {
    Answer {
        endpoint: "{analytics}/segments".to_owned(),
        status: StatusCode::OK,
        headers: HeaderMap::new(),
        body: body.to_owned().into_bytes().into(),
    }
}

fn page(body: &str) -> SegmentPage {
    read_page(&answer(body), SegmentDate::Start).expect(body)
}

#[test]
fn a_row_is_read_whether_its_scalars_are_numbers_or_texts() {
    for contact in ["480000000001", r#""480000000001""#, "480000000001.0"] {
        let found = page(&format!(
            r#"{{"totalRecords": "1", "interactions": [{{"segmentId": "s-1", "acdContactId": {contact}, "mediaType": "PhoneCall",
                "startTime": "2026-11-20T09:58:11.000Z", "endTime": 1795168922000, "publishedAt": "2026-11-20T10:09:40",
                "firstAnnotatedAt": null, "holdCount": "odd",
                "channels": [{{"name": "AGENT", "sentiment": {{"value": "NEUTRAL"}}}}, {{"name": "CLIENT", "sentiment": {{"value": "NEGATIVE"}}}}]}}],
                "links": {{"next": null, "previous": "again"}}}}"#
        ));
        let (at, segment) = &found.rows[0];
        assert_eq!(at.to_string(), "2026-11-20T09:58:11Z");
        assert_eq!(
            (segment.id.as_str(), segment.contact_id.as_str()),
            ("s-1", "480000000001")
        );
        assert_eq!(segment.customer_sentiment.as_deref(), Some("NEGATIVE"));
        assert!(segment.first_analyzed_at.is_none() && segment.published_at.is_some());
    }
}

#[test]
fn rows_that_cannot_be_used_are_counted_and_hide_no_other() {
    let found = page(
        r#"[{"segmentId": "a", "acdContactId": 1, "startTime": 1795168922000}, null, 7, {"segmentId": "b", "acdContactId": 1},
            {"acdContactId": 1, "startTime": 1795168922000}, {"id": "c", "interactionId": "x-1", "startTime": "2026-11-20T10:00:00Z"}]"#,
    );
    assert_eq!((found.rows.len(), found.listed, found.unusable), (2, 6, 4));
    assert!(read_page(&answer(r#"{"items": [{"odd": 1}]}"#), SegmentDate::Start).is_err());
    assert_eq!(page(r#"{"data": []}"#), SegmentPage::default());
}

fn lines(body: &str) -> TranscriptLines {
    let start = "2026-11-20T10:00:00Z".parse().ok();
    read_blocks(&answer(body), start).expect(body)
}

#[test]
fn blocks_become_lines_with_their_moments() {
    let found = lines(
        r#"{"language": "en-us", "transcriptBlocks": [
            {"channelName": "CLIENT", "text": "I was charged twice.", "voiceMetadata": {"startTime": 1200, "endTime": 4100}, "chatMetadata": null},
            {"channelName": "Agent", "text": "Let me look.", "chatMetadata": {"timestamp": "2026-11-20T10:00:09Z"}},
            {"channelName": "BOT", "text": "Hello, I am a bot."},
            {"channelName": "CLIENT", "text": null},
            {"channelName": "CLIENT", "text": "Later.", "voiceMetadata": {"startTime": "1795168922000"}}, 7]}"#,
    );
    let said: Vec<_> = found
        .lines
        .iter()
        .map(|line| {
            (
                line.speaker,
                line.text.as_str(),
                line.at.map(|at| at.as_millisecond() % 100_000),
            )
        })
        .collect();
    let start: Timestamp = "2026-11-20T10:00:00Z".parse().expect("a moment");
    let base = start.as_millisecond() % 100_000;
    assert_eq!(
        said[0],
        (Speaker::Customer, "I was charged twice.", Some(base + 1200))
    );
    assert_eq!(said[1], (Speaker::Agent, "Let me look.", Some(base + 9000)));
    assert_eq!(said[2], (Speaker::Customer, "Later.", Some(22_000)));
    assert_eq!((said.len(), found.unreadable), (3, 1));
}

#[test]
fn other_names_of_the_blocks_are_known_and_an_answer_without_any_is_no_silence() {
    for body in [
        r#"{"transcriptBlock": [{"channelName": "CLIENT", "text": "Hi"}]}"#,
        r#"{"interwovenTranscript": [{"speaker": "customer", "text": "Hi"}]}"#,
        r#"[{"channels": [{"name": "CLIENT", "text": "Hi"}]}]"#,
    ] {
        assert_eq!(lines(body).lines[0].text, "Hi", "{body}");
    }
    assert!(lines(r#"{"transcriptBlocks": []}"#).lines.is_empty());
    for body in [
        r#"{"message": "the customer said Hi"}"#,
        "[]",
        "7",
        r#"{"transcriptBlocks": [1, 2]}"#,
    ] {
        let error = read_blocks(&answer(body), None).expect_err(body);
        assert!(!error.to_string().contains("Hi"), "{error}");
    }
}
