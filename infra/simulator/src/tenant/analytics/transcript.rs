//! The text of an analyzed segment.

use std::sync::Arc;

use axum::Json;
use axum::extract::{Path, State};
use axum::response::{IntoResponse, Response};
use jiff::SignedDuration;
use serde_json::{Value, json};

use super::feed::Segment;
use crate::conversations::Author;
use crate::tenant::clock::with_millis;
use crate::tenant::contact::Channel;
use crate::tenant::params::Params;
use crate::tenant::quirks::Quirk;
use crate::tenant::refusal::Refusal;
use crate::tenant::world::TenantWorld;

/// What the agent adds in a transcript that is published again.
const ADDED: &str = "I have added a note about this to your account.";

pub(super) async fn of_segment(
    State(world): State<Arc<TenantWorld>>,
    Path(id): Path<String>,
    params: Params,
) -> Response {
    answer(&world, &id, &params).unwrap_or_else(IntoResponse::into_response)
}

fn answer(world: &TenantWorld, id: &str, params: &Params) -> Result<Response, Refusal> {
    params.flag("wordLevel")?;
    let missing = || Refusal::not_found("the segment has no analyzed transcript");
    let contact = world.segment(id);
    let segment = contact
        .as_ref()
        .and_then(|contact| Segment::of(world, contact));
    let segment = segment.ok_or_else(missing)?;
    let contact = &segment.contact;
    if contact.lines.is_none() || is_too_early(world, &segment) {
        return Err(missing());
    }
    let mut blocks: Vec<Value> = contact
        .spoken()
        .map(|(place, at, line)| {
            let millis = at.as_millisecond() - contact.start.as_millisecond();
            let end = millis + 400 * line.text.split(' ').count() as i64;
            block(
                contact.channel,
                place,
                line.author,
                &line.text,
                (millis, end),
                &with_millis(at),
            )
        })
        .collect();
    if segment.is_republished() {
        let millis = contact.end.as_millisecond() - contact.start.as_millisecond();
        let times = (millis - 1000, millis);
        blocks.push(block(
            contact.channel,
            9_999,
            Author::Agent,
            ADDED,
            times,
            &with_millis(contact.end),
        ));
    }
    let agent = format!("{} {}", contact.agent.first_name, contact.agent.last_name);
    Ok(Json(json!({
        "type": contact.channel.feed_name(), "language": contact.language, "recordSource": "simulator",
        "fromInterwovenTranscript": true, "annotatedDateTime": with_millis(segment.annotated_at), "voiceFile": null,
        "transcriptBlocks": blocks, "annotations": [],
        "metrics": {
            "contactid": contact.master_id.to_string(), "acdcontactid": contact.id.to_string(),
            "agentname": agent, "skillname": contact.skill.name, "teamname": contact.agent.team_name,
            "directiontype": "IN_BOUND",
        },
        "segmentSummary": {
            "summary": format!("The customer asked about {}.", contact.skill.name.to_lowercase()),
            "actions": [], "primaryIntent": {
                "category": contact.skill.name, "topic": "Request", "name": "General request", "score": 0.9, "snippet": null,
            }, "outcomes": [],
        },
        "enlightenMetrics": [],
    }))
    .into_response())
}

/// Returns whether the text of a segment is not there yet although the segment is listed. Half of them come at once.
fn is_too_early(world: &TenantWorld, segment: &Segment) -> bool {
    let delay = i64::try_from(world.settings().transcript_delay_seconds).unwrap_or(0);
    let ready = segment.annotated_at + SignedDuration::from_secs(delay);
    world.has(Quirk::LateTranscripts)
        && segment.contact.noise.is_multiple_of(2)
        && world.clock.now() < ready
}

fn block(
    channel: Channel,
    place: usize,
    author: Author,
    text: &str,
    times: (i64, i64),
    at: &str,
) -> Value {
    let name = if author == Author::Customer {
        "CLIENT"
    } else {
        "AGENT"
    };
    let voice = (channel == Channel::Call)
        .then(|| json!({"startTime": times.0, "endTime": times.1, "confidence": 0.93}));
    let chat = matches!(channel, Channel::Chat | Channel::Bot | Channel::OldChat)
        .then(|| json!({"timestamp": at}));
    let mail = (channel == Channel::Mail).then(|| {
        json!({"sentDate": at, "subject": "Your request", "from": "customer@example.com", "to": "service@example.com"})
    });
    json!({
        "blockId": place, "channelId": usize::from(name == "AGENT"), "channelName": name, "channelType": "AUDIO",
        "channelUuid": null, "userId": null, "userType": name, "offset": 0, "length": text.chars().count(),
        "text": text, "voiceMetadata": voice, "chatMetadata": chat, "emailMetadata": mail,
    })
}
