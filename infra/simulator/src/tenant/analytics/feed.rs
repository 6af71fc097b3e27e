//! The list of analyzed segments, with the cursor that integrators complain about.

use std::cmp::Reverse;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use axum::Json;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use super::FEED;
use crate::conversations::Author;
use crate::tenant::clock::with_millis;
use crate::tenant::contact::Contact;
use crate::tenant::params::Params;
use crate::tenant::people;
use crate::tenant::quirks::Quirk;
use crate::tenant::refusal::Refusal;
use crate::tenant::world::TenantWorld;

/// Rows of a page, unless the call says otherwise.
const DEFAULT_PAGE: usize = 100;

/// A segment as the feed shows it now.
pub(super) struct Segment {
    pub(super) contact: Arc<Contact>,
    pub(super) annotated_at: Timestamp,
    pub(super) published_at: Timestamp,
}

impl Segment {
    /// Returns the segment of a contact, if it has appeared.
    pub(super) fn of(world: &TenantWorld, contact: &Arc<Contact>) -> Option<Self> {
        let now = world.clock.now();
        let late = world.has(Quirk::LateSegments);
        let annotated_at = contact.annotated_at(late, world.has(Quirk::InclusiveCursor));
        if !contact.has_segment || annotated_at > now {
            return None;
        }
        let again = contact
            .republished_at(annotated_at)
            .filter(|at| late && *at <= now);
        Some(Self {
            published_at: again.unwrap_or(annotated_at - SignedDuration::from_secs(1)),
            contact: Arc::clone(contact),
            annotated_at,
        })
    }

    /// Returns whether the segment was published again with another text.
    pub(super) fn is_republished(&self) -> bool {
        self.published_at > self.annotated_at
    }
}

/// What a page of the feed is asked for.
struct Wanted {
    by_annotation: bool,
    descending: bool,
    cursor: Option<i64>,
    size: usize,
    dates: (Option<Timestamp>, Option<Timestamp>),
}

impl Wanted {
    fn read(world: &TenantWorld, params: &Params) -> Result<Self, Refusal> {
        let by_annotation = match params.get("dateField") {
            None | Some("startTime") => false,
            Some("firstAnnotatedAt") => true,
            Some(_) => {
                let message = "dateField must be startTime or firstAnnotatedAt";
                return Err(Refusal::invalid(message));
            }
        };
        let descending = match params.get("order") {
            None | Some("desc") => true,
            Some("asc") => false,
            Some(_) => return Err(Refusal::invalid("order must be asc or desc")),
        };
        let size = params.number::<usize>("pageSize")?.unwrap_or(DEFAULT_PAGE);
        if size == 0 {
            return Err(Refusal::invalid("pageSize must be positive"));
        }
        let dates = (params.time("beginningDate")?, params.time("endingDate")?);
        Ok(Self {
            by_annotation,
            descending,
            cursor: params.number("cursor")?,
            size: size.min(world.settings().largest_feed_page),
            dates: if world.ignores_dates() {
                (None, None)
            } else {
                dates
            },
        })
    }

    /// Returns the time of a segment by which the list is ordered.
    fn time(&self, segment: &Segment) -> Timestamp {
        if self.by_annotation {
            segment.annotated_at
        } else {
            segment.contact.start
        }
    }
}

pub(super) async fn list(State(world): State<Arc<TenantWorld>>, params: Params) -> Response {
    page(&world, &params).unwrap_or_else(IntoResponse::into_response)
}

fn page(world: &TenantWorld, params: &Params) -> Result<Response, Refusal> {
    let wanted = Wanted::read(world, params)?;
    let (media, language) = (params.get("mediaType"), params.get("lang"));
    let mut segments = all(world);
    segments.retain(|segment| {
        let time = wanted.time(segment);
        wanted.dates.0.is_none_or(|from| time >= from)
            && wanted.dates.1.is_none_or(|to| time < to)
            && media.is_none_or(|media| {
                segment
                    .contact
                    .channel
                    .feed_name()
                    .eq_ignore_ascii_case(media)
            })
            && language
                .is_none_or(|language| segment.contact.language.eq_ignore_ascii_case(language))
    });
    let total = segments.len();
    let key = |segment: &Segment| (wanted.time(segment), segment.contact.id);
    if wanted.descending {
        segments.sort_by_key(|segment| Reverse(key(segment)));
    } else {
        segments.sort_by_key(key);
    }
    if let Some(cursor) = wanted.cursor {
        let inclusive = world.has(Quirk::InclusiveCursor);
        segments.retain(|segment| {
            let millis = wanted.time(segment).as_millisecond();
            let is_beyond = if wanted.descending {
                millis < cursor
            } else {
                millis > cursor
            };
            is_beyond || (inclusive && millis == cursor)
        });
    }
    let more = segments.len() > wanted.size;
    segments.truncate(wanted.size);
    let last = segments
        .last()
        .map(|segment| wanted.time(segment).as_millisecond());
    let rows: Vec<Value> = segments.iter().map(|segment| row(world, segment)).collect();
    let links = links(world, params, &wanted, last.filter(|_| more));
    let list = |name: &str| {
        let mut answer = json!({"totalRecords": total, "links": links});
        answer[name] = Value::Array(rows.clone());
        answer
    };
    let answer = if !world.has(Quirk::OtherShapes) {
        list("interactions")
    } else if world.draw(0.5) {
        list("segments")
    } else {
        Value::Array(rows.clone())
    };
    Ok(Json(answer).into_response())
}

/// Returns the links of a page. The page that follows is `next` in ascending order and `previous` in descending order.
fn links(world: &TenantWorld, params: &Params, wanted: &Wanted, follows: Option<i64>) -> Value {
    let link = |cursor: i64| {
        let query = params.with("cursor", &cursor.to_string(), &[]);
        json!(format!("{}{FEED}?{query}", world.hosts().api))
    };
    let pages = world.calls.feed_pages.fetch_add(1, Ordering::SeqCst) + 1;
    let repeats = world.has(Quirk::RepeatedLinks) && pages.is_multiple_of(3);
    let following = match (follows, wanted.cursor) {
        (Some(_), Some(own)) if repeats => link(own),
        (Some(last), _) => link(last),
        (None, _) => Value::Null,
    };
    let own = wanted.cursor.map_or(Value::Null, link);
    if wanted.descending {
        json!({"self": own, "previous": following, "next": null})
    } else {
        json!({"self": own, "previous": null, "next": following})
    }
}

/// Returns every segment that has appeared by now.
fn all(world: &TenantWorld) -> Vec<Segment> {
    let now = world.clock.now();
    let days = i64::from(world.settings().history_days);
    let from = now - SignedDuration::from_hours(24 * days);
    world
        .contacts(from, now)
        .iter()
        .filter_map(|contact| Segment::of(world, contact))
        .collect()
}

fn row(world: &TenantWorld, segment: &Segment) -> Value {
    let contact = &segment.contact;
    let (disposition, moods) = (people::disposition(&contact.outcome), moods(contact));
    let channel = |name: &str, value: &str, frustration: Value| {
        json!({
            "name": name, "sentiment": {"value": value}, "beginSentiment": {"value": "NEUTRAL"},
            "endSentiment": {"value": value}, "frustration": frustration,
        })
    };
    let frustration = if moods == "NEGATIVE" {
        json!({"type": "FRUSTRATION"})
    } else {
        Value::Null
    };
    json!({
        "tenantId": world.settings().tenant_id, "segmentId": contact.segment_id(),
        "acdContactId": contact.id, "agentContactId": contact.agent.id.to_string(),
        "interactionId": format!("0b5e0000-0000-4000-8000-{:012}", contact.master_id.rem_euclid(1_000_000_000_000)),
        "resolved": contact.outcome == "resolved", "mediaType": contact.channel.feed_name(),
        "startTime": with_millis(contact.start), "endTime": with_millis(contact.end),
        "publishedAt": with_millis(segment.published_at), "firstAnnotatedAt": with_millis(segment.annotated_at),
        "contactNo": ["+15550100"], "contactEndReason": "Agent Hung Up",
        "dispositionCode": disposition.map(|it| it.1), "holdCount": contact.noise % 2,
        "holdSeconds": contact.noise % 2 * 22,
        "channels": [channel("CLIENT", moods, frustration), channel("AGENT", "NEUTRAL", Value::Null)],
        "categoryMatches": [{"channelName": "CLIENT", "fullPaths": [format!("{}/General", contact.skill.name)]}],
        "entities": [], "enlightenMetrics": [], "enlightenSentimentRawScore": 0.1, "enlightenSentimentIndexScore": 2,
        "segmentSummaryPrimaryIntentCategory": contact.skill.name,
        "segmentSummaryPrimaryIntentTopic": "Request", "segmentSummaryPrimaryIntentName": "General request",
        "segmentSummaryActions": [], "segmentSummaryOutcomes": [],
        "notableSilenceSeconds": 9, "notableSilencePercentage": 2.5,
        "nonHoldNotableSilenceSeconds": 4, "nonHoldNotableSilencePercentage": 1.1,
    })
}

/// Returns the sentiment of the customer in the words of the vendor, whatever a model of another would say.
fn moods(contact: &Contact) -> &'static str {
    let shouts = contact.spoken().any(|(_, _, line)| {
        line.author == Author::Customer && line.text.contains('!') && contact.outcome != "resolved"
    });
    match contact.outcome.as_str() {
        "resolved" => "POSITIVE",
        "escalated" => "NEGATIVE",
        _ if shouts => "NEGATIVE",
        _ => "NEUTRAL",
    }
}
