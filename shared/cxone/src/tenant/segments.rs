//! Analyzed segments: the list in the order of a date, and what was said in each.
//!
//! A segment is one agent's part of one contact. The list has no text; the text is one more call per segment. The cursor of the
//! list is inclusive, and the links between its pages are not to be trusted: [`insights_core::feed::FeedCursor`] decides which
//! cursor comes next.

use insights_core::analytics::{Line, Speaker};
use insights_core::feed::FeedRow;
use insights_http::{Answer, Deadline};
use jiff::{SignedDuration, Timestamp};
use serde::Deserialize;
use serde_json::Value;

use super::calls::Call;
use super::client::TenantClient;
use super::lists::{read_list, read_object};
use super::scalars::{Instant, Number, Text, lenient};
use crate::conversations::TranscriptLines;
use crate::error::Error;

/// The names under which the list of segments may stand, the usual one first.
const LIST_NAMES: &[&str] = &[
    "interactions",
    "segments",
    "items",
    "data",
    "results",
    "content",
];

/// The date by which the list is ordered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SegmentDate {
    /// The start of the segment.
    Start,
    /// The moment at which the segment was first analyzed.
    FirstAnalyzed,
}

/// An analyzed segment in the list.
#[derive(Debug, Clone, PartialEq)]
pub struct Segment {
    /// The id of the segment.
    pub id: String,
    /// The id of the contact that the segment is part of.
    pub contact_id: String,
    /// The kind of the conversation, as the list names it.
    pub media_type: Option<String>,
    /// The start of the segment.
    pub started_at: Option<Timestamp>,
    /// The end of the segment.
    pub ended_at: Option<Timestamp>,
    /// The moment at which the segment was first analyzed.
    pub first_analyzed_at: Option<Timestamp>,
    /// The moment at which the segment was published last; it changes when the segment is analyzed again.
    pub published_at: Option<Timestamp>,
    /// The code of the disposition, where the list has one.
    pub disposition_code: Option<String>,
    /// The contact center's own sentiment of the customer, as it names it.
    pub customer_sentiment: Option<String>,
}

impl FeedRow for Segment {
    fn id(&self) -> &str {
        &self.id
    }
}

/// A page of the list of segments.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct SegmentPage {
    /// The segments, each with the date that the list is ordered by, in the order of the list.
    pub rows: Vec<(Timestamp, Segment)>,
    /// The number of rows in the answer, unreadable ones among them.
    pub listed: usize,
    /// The number of rows that name no segment, no contact or no date.
    pub unusable: usize,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct WireSegment {
    #[serde(default, deserialize_with = "lenient")]
    segment_id: Text,
    #[serde(default, deserialize_with = "lenient")]
    external_id: Text,
    #[serde(default, deserialize_with = "lenient")]
    id: Text,
    #[serde(default, deserialize_with = "lenient")]
    acd_contact_id: Text,
    #[serde(default, deserialize_with = "lenient")]
    interaction_id: Text,
    #[serde(default, deserialize_with = "lenient")]
    media_type: Text,
    #[serde(default, deserialize_with = "lenient")]
    start_time: Instant,
    #[serde(default, deserialize_with = "lenient")]
    end_time: Instant,
    #[serde(default, deserialize_with = "lenient")]
    published_at: Instant,
    #[serde(default, deserialize_with = "lenient")]
    first_annotated_at: Instant,
    #[serde(default, deserialize_with = "lenient")]
    disposition_code: Text,
    #[serde(default, deserialize_with = "lenient")]
    channels: Vec<Value>,
}

impl WireSegment {
    fn into_segment(self) -> Option<Segment> {
        let ids = [self.segment_id, self.external_id, self.id];
        let contacts = [self.acd_contact_id, self.interaction_id];
        Some(Segment {
            id: ids.into_iter().find_map(Text::into_plain_id)?,
            contact_id: contacts.into_iter().find_map(Text::into_plain_id)?,
            media_type: self.media_type.into_text(),
            started_at: self.start_time.0,
            ended_at: self.end_time.0,
            first_analyzed_at: self.first_annotated_at.0,
            published_at: self.published_at.0,
            disposition_code: self.disposition_code.into_text(),
            customer_sentiment: self.channels.iter().find_map(customer_sentiment),
        })
    }
}

/// Returns the sentiment of the customer's channel, which is a text or an object with the text in it.
fn customer_sentiment(channel: &Value) -> Option<String> {
    let name = channel.get("name").or_else(|| channel.get("channelName"));
    if speaker_of(name?.as_str()?) != Some(Speaker::Customer) {
        return None;
    }
    let sentiment = channel.get("sentiment")?;
    let text = match sentiment {
        Value::String(text) => text,
        other => other
            .get("value")
            .or_else(|| other.get("label"))?
            .as_str()?,
    };
    Some(text.to_owned()).filter(|text| text.len() <= 40)
}

/// Reads the page of the list that begins at `cursor`, inclusive, in ascending order.
///
/// # Errors
/// As [`TenantClient::read`]; [`Error::NotLicensed`] if the tenant has no such list; [`insights_http::Error::InvalidResponse`] if
/// the answer holds no list, or rows of which none can be read.
pub async fn read_segments(
    client: &TenantClient,
    date: SegmentDate,
    cursor: Timestamp,
    page_size: usize,
    deadline: Deadline,
) -> Result<SegmentPage, Error> {
    let (cursor, page_size) = (cursor.as_millisecond().to_string(), page_size.to_string());
    let field = match date {
        SegmentDate::Start => "startTime",
        SegmentDate::FirstAnalyzed => "firstAnnotatedAt",
    };
    let query = [
        ("dateField", field),
        ("cursor", &cursor),
        ("order", "asc"),
        ("pageSize", &page_size),
    ];
    let answer = match client.read(Call::Segments, &[], &query, deadline).await {
        // A list without rows is no 404: the path is not there.
        Err(error) if error.is_not_found() => {
            let path = Call::Segments.path();
            return Err(Error::NotLicensed {
                endpoint: path.template.to_owned(),
                product: path.right.product,
            });
        }
        answer => answer?,
    };
    read_page(&answer, date)
}

fn read_page(answer: &Answer, date: SegmentDate) -> Result<SegmentPage, Error> {
    let list = read_list(answer, LIST_NAMES)?;
    let listed = list.entries.len();
    let rows: Vec<_> = list
        .entries
        .into_iter()
        .filter_map(|row| serde_json::from_value::<WireSegment>(row).ok())
        .filter_map(WireSegment::into_segment)
        .filter_map(|segment| {
            let dated = match date {
                SegmentDate::Start => segment.started_at,
                SegmentDate::FirstAnalyzed => segment.first_analyzed_at,
            };
            Some((dated?, segment))
        })
        .collect();
    if rows.is_empty() && listed > 0 {
        let reason = format!("none of its {listed} rows names a segment, its contact and its date");
        return Err(Error::invalid_response(&answer.endpoint, reason));
    }
    Ok(SegmentPage {
        unusable: listed - rows.len(),
        listed,
        rows,
    })
}

/// Reads what agent and customer said in a segment. `None` says that there is no transcript: not yet, or never.
///
/// # Errors
/// As [`TenantClient::read`], and [`insights_http::Error::InvalidResponse`] if the answer holds no transcript.
pub async fn read_segment_transcript(
    client: &TenantClient,
    segment_id: &str,
    segment_start: Option<Timestamp>,
    deadline: Deadline,
) -> Result<Option<TranscriptLines>, Error> {
    let query = [("wordLevel", "false")];
    let answer = client
        .read(Call::SegmentTranscript, &[segment_id], &query, deadline)
        .await;
    match answer {
        Ok(answer) if answer.body.trim_ascii().is_empty() => Ok(None),
        Ok(answer) => read_blocks(&answer, segment_start).map(Some),
        Err(error) if error.is_not_found() => Ok(None),
        Err(error) => Err(error),
    }
}

/// The names under which the blocks of a transcript may stand.
const BLOCK_NAMES: &[&str] = &[
    "transcriptBlocks",
    "transcriptBlock",
    "interwovenTranscript",
    "channels",
];

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct WireBlock {
    #[serde(default, deserialize_with = "lenient")]
    channel_name: Text,
    #[serde(default, deserialize_with = "lenient")]
    speaker: Text,
    #[serde(default, deserialize_with = "lenient")]
    name: Text,
    #[serde(default, deserialize_with = "lenient")]
    text: Text,
    #[serde(default, deserialize_with = "lenient")]
    voice_metadata: Option<WireVoice>,
    #[serde(default, deserialize_with = "lenient")]
    chat_metadata: Option<WireChat>,
    #[serde(default, deserialize_with = "lenient")]
    email_metadata: Option<WireEmail>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct WireVoice {
    #[serde(default, deserialize_with = "lenient")]
    start_time: Number,
}

#[derive(Deserialize)]
struct WireChat {
    #[serde(default, deserialize_with = "lenient")]
    timestamp: Instant,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct WireEmail {
    #[serde(default, deserialize_with = "lenient")]
    sent_date: Instant,
}

fn read_blocks(
    answer: &Answer,
    segment_start: Option<Timestamp>,
) -> Result<TranscriptLines, Error> {
    let mut members = read_object(answer)?;
    let blocks = BLOCK_NAMES
        .iter()
        .find_map(|name| match members.remove(*name) {
            Some(Value::Array(blocks)) => Some(blocks),
            Some(Value::Null) => Some(Vec::new()),
            _ => None,
        });
    let Some(blocks) = blocks else {
        return Err(Error::invalid_response(
            &answer.endpoint,
            "it holds no blocks of a transcript",
        ));
    };
    let count = blocks.len();
    let mut transcript = TranscriptLines::default();
    for block in blocks {
        match serde_json::from_value::<WireBlock>(block) {
            Ok(block) => transcript.lines.extend(block.into_line(segment_start)),
            Err(_) => transcript.unreadable += 1,
        }
    }
    if count > 0 && transcript.unreadable == count {
        let reason = format!("none of its {count} blocks can be read");
        return Err(Error::invalid_response(&answer.endpoint, reason));
    }
    Ok(transcript)
}

impl WireBlock {
    /// Returns the line if agent or customer said it; what others say, such as a bot, is no part of a transcript.
    fn into_line(self, segment_start: Option<Timestamp>) -> Option<Line> {
        let names = [self.channel_name, self.speaker, self.name];
        let speaker = speaker_of(&names.into_iter().find_map(Text::into_text)?)?;
        let at = match (self.voice_metadata, self.chat_metadata, self.email_metadata) {
            (_, Some(WireChat { timestamp }), _) if timestamp.0.is_some() => timestamp.0,
            (_, _, Some(WireEmail { sent_date })) if sent_date.0.is_some() => sent_date.0,
            (Some(WireVoice { start_time }), ..) => start_time
                .0
                .and_then(|start| voice_time(start, segment_start)),
            _ => None,
        };
        Some(Line {
            speaker,
            text: self.text.into_raw()?,
            at,
        })
    }
}

/// Returns the moment of a time in a voice block: milliseconds from the start of the segment, or since 1970.
fn voice_time(milliseconds: f64, segment_start: Option<Timestamp>) -> Option<Timestamp> {
    /// Larger numbers are no offset in a conversation, which lasts less than a year.
    const LARGEST_OFFSET: f64 = 3.2e10;
    if !(0.0..9e15).contains(&milliseconds) {
        return None;
    }
    let whole = milliseconds.round() as i64;
    if milliseconds < LARGEST_OFFSET {
        segment_start?
            .checked_add(SignedDuration::from_millis(whole))
            .ok()
    } else {
        Timestamp::from_millisecond(whole).ok()
    }
}

/// Returns who speaks on a channel.
fn speaker_of(channel: &str) -> Option<Speaker> {
    match channel.trim().to_ascii_uppercase().as_str() {
        "CLIENT" | "CUSTOMER" => Some(Speaker::Customer),
        "AGENT" => Some(Speaker::Agent),
        _ => None,
    }
}

#[cfg(test)]
mod tests;
