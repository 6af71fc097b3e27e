//! Past conversations: the analytics list with its pages, and the transcripts.
//!
//! Conversations are generated, the same for the same seed and day; a scenario may add its own (`fixed`):
//!
//! ```toml
//! [conversations]
//! per_day = 400            # from Monday to Friday; a third of them at the weekend
//! page_size = 200
//! missing = 0.04           # share without a transcript (404)
//! empty = 0.01             # share whose transcript has system lines alone
//! links = "absolute"       # or relative, loop (the last page leads to the first), foreign (leads to another host)
//!
//! [[conversations.fixed]]
//! conversation_id = "c-1"
//! start_time = "2026-11-02T09:00:00Z"
//! duration = 60
//! disposition = "resolved"
//! lines = [{ author = "customer", text = "Thanks!" }]   # left out: no transcript
//! ```

mod dialogue;
mod phrases;

use std::sync::Arc;

use axum::extract::{Path, Query, State as Shared};
use axum::http::{HeaderMap, StatusCode, header};
use axum::routing::{get, post};
use axum::{Json, Router};
use bytes::Bytes;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::auth;
use crate::problem::{self, Problem};
use crate::world::World;

const QUERY: &str = "/api/v1/analytics/conversations/details/query";
/// No more days than this in one query, as the platform limits a report.
const DAYS: i64 = 400;

pub(crate) fn router() -> Router<Arc<World>> {
    Router::new()
        .route(QUERY, post(query))
        .route("/api/v1/conversations/{id}/transcripts", get(transcript))
}

/// What a scenario says of past conversations.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Conversations {
    /// Generated conversations a working day; 400, at most 65,536.
    pub per_day: u32,
    /// Conversations a page; 200.
    pub page_size: usize,
    /// The share of generated conversations without a transcript; 0.04.
    pub missing: f64,
    /// The share of generated conversations in which nobody says anything; 0.01.
    pub empty: f64,
    /// How pages link to the next one; absolute.
    pub links: Links,
    /// Conversations beside the generated ones.
    pub fixed: Vec<Fixed>,
}

impl Default for Conversations {
    fn default() -> Self {
        Self {
            per_day: 400,
            page_size: 200,
            missing: 0.04,
            empty: 0.01,
            links: Links::Absolute,
            fixed: Vec::new(),
        }
    }
}

impl Conversations {
    /// These conversations and no generated ones.
    #[must_use]
    pub fn only(fixed: Vec<Fixed>) -> Self {
        Self {
            per_day: 0,
            fixed,
            ..Self::default()
        }
    }
}

/// How a page of the list links to the next one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Links {
    /// By a whole URL.
    Absolute,
    /// By a path.
    Relative,
    /// By a path; the last page leads back to the first.
    Loop,
    /// By a URL of another host.
    Foreign,
}

/// A conversation.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Fixed {
    /// Its id.
    pub conversation_id: String,
    /// When it began, ISO 8601.
    pub start_time: String,
    /// How long it took, in seconds.
    pub duration: u64,
    /// Its disposition; null in the list if empty.
    pub disposition: String,
    /// Its lines; no transcript if left out.
    #[serde(default)]
    pub lines: Option<Vec<Line>>,
}

/// A line of a transcript.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Line {
    /// Who says it.
    pub author: Author,
    /// What is said.
    pub text: String,
    /// When, ISO 8601; null if left out.
    #[serde(default)]
    pub timestamp: Option<String>,
}

/// Who says a line.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Author {
    /// The agent.
    Agent,
    /// The customer.
    Customer,
    /// The platform.
    System,
}

/// The conversations of a running simulator.
#[derive(Debug, Default)]
pub struct State {
    seed: u64,
    settings: Conversations,
}

impl State {
    /// The conversations of a scenario with this seed.
    #[must_use]
    pub fn new(seed: u64, settings: Conversations) -> Self {
        Self { seed, settings }
    }

    /// All that began from `from` up to `to`, in order of time.
    #[must_use]
    pub fn between(&self, from: Timestamp, to: Timestamp) -> Vec<Fixed> {
        let (first, last) = (
            from.as_second().div_euclid(86_400),
            to.as_second().div_euclid(86_400),
        );
        let within = |conversation: &Fixed| {
            conversation
                .start_time
                .parse::<Timestamp>()
                .is_ok_and(|start| (from..to).contains(&start))
        };
        let mut found: Vec<Fixed> = self
            .settings
            .fixed
            .iter()
            .filter(|it| within(it))
            .cloned()
            .collect();
        for day in first..=last {
            let days = 0..dialogue::count(self.settings.per_day.min(0x1_0000), day);
            found.extend(
                days.map(|index| dialogue::conversation(self.seed, day, index))
                    .filter(within),
            );
        }
        found.sort_by(|a, b| {
            (&a.start_time, &a.conversation_id).cmp(&(&b.start_time, &b.conversation_id))
        });
        found
    }

    /// The conversation of an id, without its lines if it has no transcript.
    fn find(&self, id: &str) -> Option<Fixed> {
        if let Some(fixed) = self
            .settings
            .fixed
            .iter()
            .find(|fixed| fixed.conversation_id == id)
        {
            return Some(fixed.clone());
        }
        let (day, index) = dialogue::day_and_index(id)?;
        let mut found = dialogue::conversation(self.seed, day, index);
        if found.conversation_id != id || index >= dialogue::count(self.settings.per_day, day) {
            return None;
        }
        // The id's last digits are as good as drawn.
        let share = id
            .get(id.len() - 4..)
            .and_then(|tail| u32::from_str_radix(tail, 16).ok())
            .unwrap_or(0);
        let share = f64::from(share) / f64::from(0x1_0000);
        if share < self.settings.missing {
            found.lines = None;
        } else if share < self.settings.missing + self.settings.empty {
            found
                .lines
                .iter_mut()
                .for_each(|lines| lines.retain(|line| line.author == Author::System));
        }
        Some(found)
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Wanted {
    start_date: Timestamp,
    end_date: Timestamp,
}

#[derive(Deserialize)]
struct Page {
    #[serde(default)]
    page: usize,
}

async fn query(
    Shared(world): Shared<Arc<World>>,
    headers: HeaderMap,
    Query(Page { page }): Query<Page>,
    body: Bytes,
) -> Result<Json<Value>, Problem> {
    auth::require(&world, &headers, "read:analytics")?;
    let wanted: Wanted = problem::json(&body)?;
    let seconds = wanted.end_date.as_second() - wanted.start_date.as_second();
    if !(0..=DAYS * 86_400).contains(&seconds) {
        return Err(Problem::bad_request(format!(
            "endDate must be 0 to {DAYS} days after startDate"
        )));
    }
    let settings = &world.conversations.settings;
    let all = world
        .conversations
        .between(wanted.start_date, wanted.end_date);
    let size = settings.page_size.max(1);
    let rows: Vec<Value> = all.iter().skip(page * size).take(size).map(row).collect();
    let last = (page + 1) * size >= all.len();
    let host = headers
        .get(header::HOST)
        .and_then(|host| host.to_str().ok())
        .unwrap_or("localhost");
    let path = format!("{QUERY}?page={}", if last { 0 } else { page + 1 });
    let next = match settings.links {
        Links::Loop => json!(path),
        _ if last => Value::Null,
        Links::Relative => json!(path),
        Links::Absolute => json!(format!("http://{host}{path}")),
        Links::Foreign => json!(format!("http://elsewhere.example{path}")),
    };
    Ok(Json(json!({ "data": rows, "nextLink": next })))
}

fn row(conversation: &Fixed) -> Value {
    let disposition = Some(&conversation.disposition).filter(|disposition| !disposition.is_empty());
    json!({
        "conversationId": conversation.conversation_id,
        "start_time": conversation.start_time,
        "duration": conversation.duration,
        "disposition": disposition,
    })
}

async fn transcript(
    Shared(world): Shared<Arc<World>>,
    headers: HeaderMap,
    Path(id): Path<String>,
) -> Result<Json<Value>, Problem> {
    auth::require(&world, &headers, "read:conversation")?;
    let lines = world.conversations.find(&id).and_then(|found| found.lines);
    let lines =
        lines.ok_or_else(|| Problem::new(StatusCode::NOT_FOUND, "not_found", "no transcript"))?;
    let line = |line: Line| json!({ "text": line.text, "author": { "type": line.author }, "timestamp": line.timestamp });
    Ok(Json(lines.into_iter().map(line).collect()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn between(state: &State, from: &str, to: &str) -> Vec<Fixed> {
        state.between(from.parse().unwrap(), to.parse().unwrap())
    }

    #[test]
    fn the_same_seed_gives_the_same_conversations_however_they_are_asked_for() {
        let state = State::new(
            42,
            Conversations {
                per_day: 30,
                ..Conversations::default()
            },
        );
        let week = between(&state, "2026-11-02T00:00:00Z", "2026-11-09T00:00:00Z");
        assert_eq!(week.len(), 5 * 30 + 2 * 10);
        let again = State::new(
            42,
            Conversations {
                per_day: 30,
                ..Conversations::default()
            },
        );
        let split = [
            between(&again, "2026-11-02T00:00:00Z", "2026-11-04T12:00:00Z"),
            between(&again, "2026-11-04T12:00:00Z", "2026-11-09T00:00:00Z"),
        ];
        assert_eq!(split.concat(), week);
        assert_ne!(
            between(
                &State::new(43, Conversations::default()),
                "2026-11-02T00:00:00Z",
                "2026-11-03T00:00:00Z"
            ),
            week
        );
    }

    #[test]
    fn an_id_leads_back_to_its_conversation_and_some_have_no_transcript() {
        let state = State::new(42, Conversations::default());
        let day = between(&state, "2026-11-02T00:00:00Z", "2026-11-03T00:00:00Z");
        let found: Vec<Fixed> = day
            .iter()
            .map(|it| state.find(&it.conversation_id).unwrap())
            .collect();
        assert!(
            found
                .iter()
                .zip(&day)
                .all(|(found, listed)| found.start_time == listed.start_time)
        );
        let missing = found.iter().filter(|it| it.lines.is_none()).count();
        assert!((4..40).contains(&missing), "{missing}");
        assert!(state.find("0000510c-ffff-4000-8000-000000000000").is_none());
        assert!(state.find("no-such-id").is_none());
    }
}
