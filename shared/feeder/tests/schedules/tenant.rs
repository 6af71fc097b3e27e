//! A tenant in memory: its story is drawn from a seed, and its API answers as of the simulated moment.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex};

use futures::future::BoxFuture;
use insights_http::error::SharedCause;
use insights_http::exchange::HttpExchange;
use jiff::{SignedDuration, Timestamp};
use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};
use serde_json::{Value, json};
use tokio::sync::Notify;

/// The number of an analyzed segment, and how it changes over time.
#[derive(Debug, Clone)]
struct Segment {
    id: String,
    contact: u64,
    start: Timestamp,
    end: Timestamp,
    /// The moment by which the list is ordered.
    first_analyzed: Timestamp,
    /// The moment at which the list first shows it, which may be later.
    visible: Timestamp,
    /// The moment at which it has a text; none for a segment that never gets one.
    text_from: Option<Timestamp>,
    /// The moment at which it is published again with another text.
    republished: Option<Timestamp>,
}

impl Segment {
    fn published(&self, now: Timestamp) -> Timestamp {
        self.republished
            .filter(|again| *again <= now)
            .unwrap_or(self.first_analyzed)
    }

    fn text(&self, now: Timestamp) -> Option<String> {
        self.text_from.filter(|from| *from <= now)?;
        let version = if self.republished.is_some_and(|again| again <= now) {
            2
        } else {
            1
        };
        Some(format!("{} says version {version}.", self.id))
    }
}

/// A digital contact of the simulated tenant.
#[derive(Debug, Clone)]
struct Chat {
    contact: u64,
    created: Timestamp,
    /// The moments at which it was resolved; between two of them it was open again.
    resolved: Vec<Timestamp>,
    removed: Option<Timestamp>,
}

impl Chat {
    fn resolved_by(&self, now: Timestamp) -> Option<Timestamp> {
        self.resolved.iter().copied().filter(|at| *at <= now).max()
    }

    fn messages(&self, now: Timestamp) -> Vec<Value> {
        let times =
            std::iter::once(&self.created).chain(self.resolved.iter().filter(|at| **at <= now));
        let is_removed = self.removed.is_some_and(|at| at <= now);
        times
            .enumerate()
            .map(|(number, at)| {
                let removed = if is_removed { json!({"reason": "TTL"}) } else { Value::Null };
                json!({"id": format!("m{}-{number}", self.contact), "direction": "inbound", "createdAt": at.to_string(),
                    "messageContent": {"payload": {"text": format!("{} writes {number}.", self.contact)}}, "contentRemoved": removed})
            })
            .collect()
    }

    fn text(&self, now: Timestamp) -> String {
        if self.removed.is_some_and(|at| at <= now) {
            return String::new();
        }
        let count = 1 + self.resolved.iter().filter(|at| **at <= now).count();
        let texts: Vec<_> = (0..count)
            .map(|number| format!("{} writes {number}.", self.contact))
            .collect();
        texts.join(" ")
    }
}

/// A contact in the list of ended contacts.
#[derive(Debug, Clone)]
struct Contact {
    id: u64,
    master: u64,
    start: Timestamp,
    ended: Timestamp,
    is_digital: bool,
}

/// The story of a tenant.
#[derive(Debug, Clone, Default)]
pub(crate) struct Tenant {
    segments: Vec<Segment>,
    chats: Vec<Chat>,
    contacts: Vec<Contact>,
}

/// The moment at which each story begins.
fn epoch() -> Timestamp {
    "2026-11-02T00:00:00Z".parse().unwrap()
}

fn minutes(random: &mut StdRng, range: std::ops::Range<i64>) -> SignedDuration {
    SignedDuration::from_mins(random.random_range(range))
}

impl Tenant {
    /// Draws a story of some conversations over a day.
    pub(crate) fn draw(random: &mut StdRng) -> Self {
        let mut tenant = Self::default();
        let mut next = 480_000_000_001_u64;
        for _ in 0..random.random_range(3..14) {
            let start = epoch() + minutes(random, 60..1400);
            let contact = next;
            next += 10;
            match random.random_range(0..6) {
                0 => tenant.add_chat(random, contact, contact, start),
                1 => {
                    // A transferred call.
                    tenant.add_call(random, contact, contact, start);
                    let second = start + minutes(random, 5..60);
                    tenant.add_call(random, contact + 1, contact, second);
                }
                2 => {
                    // A chat that became a call.
                    tenant.add_chat(random, contact, contact, start);
                    let second = start + minutes(random, 5..60);
                    tenant.add_call(random, contact + 1, contact, second);
                }
                3 => {
                    // A call that nobody took, or that was not recorded.
                    let ended = start + minutes(random, 1..9);
                    tenant.contacts.push(Contact {
                        id: contact,
                        master: contact,
                        start,
                        ended,
                        is_digital: false,
                    });
                }
                _ => tenant.add_call(random, contact, contact, start),
            }
        }
        tenant
    }

    fn add_call(&mut self, random: &mut StdRng, contact: u64, master: u64, start: Timestamp) {
        let end = start + minutes(random, 1..30);
        // Several segments are analyzed in one millisecond.
        let batch = random.random_range(1..6) * 10;
        let analyzed = end.as_second() / (batch * 60) * batch * 60 + batch * 60;
        let first_analyzed = Timestamp::from_second(analyzed).unwrap();
        let is_late = random.random_bool(0.3);
        let late = if is_late {
            minutes(random, 1..2800)
        } else {
            SignedDuration::ZERO
        };
        let visible = first_analyzed + late;
        let text_from = random
            .random_bool(0.9)
            .then(|| visible + minutes(random, 0..90));
        let is_again = random.random_bool(0.3);
        let again = is_again.then(|| visible + minutes(random, 1..1000));
        // The deep read covers three days behind the first analysis.
        let again = again
            .filter(|again| again.duration_since(first_analyzed) < SignedDuration::from_hours(46));
        self.segments.push(Segment {
            id: format!("s-{contact}"),
            contact,
            start: start + SignedDuration::from_secs(5),
            end,
            first_analyzed,
            visible,
            text_from,
            republished: again,
        });
        self.contacts.push(Contact {
            id: contact,
            master,
            start,
            ended: end,
            is_digital: false,
        });
    }

    fn add_chat(&mut self, random: &mut StdRng, contact: u64, master: u64, start: Timestamp) {
        let mut resolved = vec![start + minutes(random, 5..200)];
        if random.random_bool(0.3) {
            resolved.push(resolved[0] + minutes(random, 30..1000));
        }
        let last = *resolved.last().unwrap();
        // Removed before it could be read, or never: a later removal is found by the check of what is stored.
        let removed = random.random_bool(0.1).then_some(resolved[0]);
        self.contacts.push(Contact {
            id: contact,
            master,
            start,
            ended: resolved[0],
            is_digital: true,
        });
        if random.random_bool(0.4) {
            // The tenant has analyzed the chat as well.
            let first_analyzed = last + minutes(random, 1..30);
            self.segments.push(Segment {
                id: format!("s-{contact}"),
                contact,
                start,
                end: last,
                first_analyzed,
                visible: first_analyzed,
                text_from: Some(first_analyzed),
                republished: None,
            });
        }
        self.chats.push(Chat {
            contact,
            created: start,
            resolved,
            removed,
        });
    }

    pub(crate) fn begins(&self) -> Timestamp {
        epoch()
    }

    /// Returns the moment after which nothing changes any more.
    pub(crate) fn ends(&self) -> Timestamp {
        let of_segments = self
            .segments
            .iter()
            .flat_map(|it| [Some(it.visible), it.text_from, it.republished]);
        let of_chats = self
            .chats
            .iter()
            .flat_map(|it| it.resolved.iter().copied().map(Some));
        let all = of_segments.chain(of_chats).flatten();
        all.max().unwrap_or_else(epoch)
    }

    fn master(&self, contact: u64) -> u64 {
        self.contacts
            .iter()
            .find(|it| it.id == contact)
            .map_or(contact, |it| it.master)
    }

    /// Returns the ids of all conversations.
    pub(crate) fn finished(&self) -> BTreeSet<String> {
        self.contacts
            .iter()
            .map(|it| it.master.to_string())
            .collect()
    }

    /// Returns the text of each conversation that has one in the end.
    pub(crate) fn final_texts(&self) -> BTreeMap<String, String> {
        let now = Timestamp::MAX;
        let mut parts: BTreeMap<u64, Vec<(Timestamp, String)>> = BTreeMap::new();
        for chat in &self.chats {
            parts
                .entry(self.master(chat.contact))
                .or_default()
                .push((chat.created, chat.text(now)));
        }
        for segment in &self.segments {
            let is_chat = self.chats.iter().any(|it| it.contact == segment.contact);
            if let Some(text) = segment.text(now).filter(|_| !is_chat) {
                parts
                    .entry(self.master(segment.contact))
                    .or_default()
                    .push((segment.start, text));
            }
        }
        let joined = parts.into_iter().map(|(id, mut parts)| {
            parts.sort();
            let texts: Vec<_> = parts
                .into_iter()
                .map(|(_, text)| text)
                .filter(|it| !it.is_empty())
                .collect();
            (id.to_string(), texts.join(" "))
        });
        joined.filter(|(_, text)| !text.is_empty()).collect()
    }
}

#[derive(Debug)]
struct World {
    tenant: Tenant,
    now: Timestamp,
    random: StdRng,
    is_disturbed: bool,
    steps_to_live: Option<u32>,
}

/// The API of a tenant over no network.
#[derive(Debug, Clone)]
pub(crate) struct SimulatedTenant {
    world: Arc<Mutex<World>>,
    death: Arc<Notify>,
}

impl SimulatedTenant {
    pub(crate) fn new(tenant: Tenant, seed: u64) -> Self {
        Self {
            world: Arc::new(Mutex::new(World {
                now: tenant.begins(),
                tenant,
                random: StdRng::seed_from_u64(seed ^ 0x5eed),
                is_disturbed: true,
                steps_to_live: None,
            })),
            death: Arc::new(Notify::new()),
        }
    }

    pub(crate) fn set_time(&self, now: Timestamp) {
        self.world.lock().unwrap().now = now;
    }

    pub(crate) fn time(&self) -> Timestamp {
        self.world.lock().unwrap().now
    }

    pub(crate) fn set_disturbed(&self, is_disturbed: bool) {
        self.world.lock().unwrap().is_disturbed = is_disturbed;
    }

    /// Lets the process die at one of its next steps: a request, before or after a write of the state store, or before or after a
    /// conversation is put into the vectors.
    pub(crate) fn kill_after(&self, steps: u32) {
        self.world.lock().unwrap().steps_to_live = Some(steps);
    }

    pub(crate) fn revive(&self) {
        self.world.lock().unwrap().steps_to_live = None;
    }

    pub(crate) async fn killed(&self) {
        self.death.notified().await;
    }
}

impl SimulatedTenant {
    /// Answers a request, unless the process dies at it.
    fn answer_unless_dead(
        &self,
        request: &reqwest::Request,
    ) -> Option<Result<(u16, Value), SharedCause>> {
        let is_dead = self.dies_at_step();
        (!is_dead).then(|| self.world.lock().unwrap().answer(request))
    }

    /// Goes on for ever at the step at which the process dies, and at every one after it.
    pub(crate) async fn step(&self) {
        if self.dies_at_step() {
            std::future::pending::<()>().await;
        }
    }

    /// Counts a step of the process, and returns whether it is dead.
    pub(crate) fn dies_at_step(&self) -> bool {
        let mut world = self.world.lock().unwrap();
        let Some(left) = &mut world.steps_to_live else {
            return false;
        };
        if *left == 1 {
            self.death.notify_one();
        }
        *left = left.saturating_sub(1);
        *left == 0
    }
}

impl HttpExchange for SimulatedTenant {
    fn execute(
        &self,
        request: reqwest::Request,
    ) -> BoxFuture<'_, Result<reqwest::Response, SharedCause>> {
        Box::pin(async move {
            let answer = self.answer_unless_dead(&request);
            let Some(answer) = answer else {
                return std::future::pending().await;
            };
            let (status, body) = answer?;
            let body = if body.is_null() {
                String::new()
            } else {
                body.to_string()
            };
            Ok(http::Response::builder()
                .status(status)
                .body(body)
                .unwrap()
                .into())
        })
    }
}

impl World {
    fn answer(&mut self, request: &reqwest::Request) -> Result<(u16, Value), SharedCause> {
        let path = request.url().path().to_owned();
        if path.ends_with("/access-key") {
            return Ok((200, json!({"access_token": "t", "expires_in": 3600})));
        }
        if path.starts_with("/.well-known") {
            return Ok((200, json!({"api_endpoint": "http://127.0.0.1:9"})));
        }
        if self.is_disturbed && self.random.random_bool(0.06) {
            return match self.random.random_range(0..3) {
                0 => Ok((503, Value::Null)),
                1 => Ok((429, Value::Null)),
                _ => Err(Arc::new(std::io::Error::other("the connection broke"))),
            };
        }
        let query: Vec<(String, String)> = request.url().query_pairs().into_owned().collect();
        let get = |name: &str| {
            query
                .iter()
                .find(|(key, _)| key == name)
                .map(|(_, value)| value.as_str())
        };
        let segments: Vec<_> = path.split('/').filter(|it| !it.is_empty()).collect();
        Ok(match segments.as_slice() {
            [.., "segments", "analyzed"] => (200, self.segments(get("dateField"), get("cursor"))),
            [.., "segments", id, "analyzed-transcript"] => self.transcript(id),
            [.., "contacts", "completed"] => (
                200,
                self.completed(get("startDate"), get("endDate"), get("skip"), get("top")),
            ),
            [.., "dispositions"] => (204, Value::Null),
            ["dfo", "3.0", "contacts"] => (200, self.chats(get("scrollToken"), get("date[from]"))),
            ["dfo", "3.0", "contacts", id, "messages"] => self.messages(id),
            _ => (404, Value::Null),
        })
    }

    fn segments(&mut self, field: Option<&str>, cursor: Option<&str>) -> Value {
        /// Small pages, so that stories of few segments have several.
        const PAGE: usize = 12;
        let by_analysis = field == Some("firstAnnotatedAt");
        let date = |it: &Segment| {
            if by_analysis {
                it.first_analyzed
            } else {
                it.start
            }
        };
        let mut cursor: i64 = cursor.and_then(|it| it.parse().ok()).unwrap_or_default();
        if self.is_disturbed && self.random.random_bool(0.1) {
            // A page that begins some rows early.
            cursor -= 3_600_000;
        }
        let now = self.now;
        let mut rows: Vec<_> = self
            .tenant
            .segments
            .iter()
            .filter(|it| it.visible <= now && date(it).as_millisecond() >= cursor)
            .collect();
        rows.sort_by_key(|it| (date(it), it.id.clone()));
        let rows: Vec<_> = rows
            .into_iter()
            .take(PAGE)
            .map(|it| {
                json!({"segmentId": it.id, "acdContactId": it.contact, "startTime": it.start.to_string(), "endTime": it.end.to_string(),
                    "firstAnnotatedAt": it.first_analyzed.to_string(), "publishedAt": it.published(now).to_string()})
            })
            .collect();
        json!({"totalRecords": rows.len(), "interactions": rows, "links": {"next": "the same again"}})
    }

    fn transcript(&self, id: &str) -> (u16, Value) {
        let segment = self.tenant.segments.iter().find(|it| it.id == id);
        match segment.and_then(|it| it.text(self.now)) {
            Some(text) => (
                200,
                json!({"transcriptBlocks": [{"channelName": "CLIENT", "text": text}]}),
            ),
            None => (404, Value::Null),
        }
    }

    fn completed(
        &self,
        from: Option<&str>,
        to: Option<&str>,
        skip: Option<&str>,
        top: Option<&str>,
    ) -> Value {
        let moment = |text: Option<&str>| text.unwrap().parse::<Timestamp>().unwrap();
        let (from, to) = (moment(from), moment(to));
        let number = |text: Option<&str>| text.unwrap().parse::<usize>().unwrap();
        let mut rows: Vec<_> = self
            .tenant
            .contacts
            .iter()
            .filter(|it| it.ended <= self.now && it.start >= from && it.start < to)
            .collect();
        rows.sort_by_key(|it| it.id);
        let rows: Vec<_> = rows
            .into_iter()
            .skip(number(skip))
            .take(number(top))
            .map(|it| {
                json!({"contactId": it.id, "masterContactId": it.master.to_string(), "contactStartDate": it.start.to_string(),
                    "mediaTypeId": if it.is_digital { 9 } else { 4 }})
            })
            .collect();
        json!({"completedContacts": rows})
    }

    fn chats(&mut self, scroll: Option<&str>, from: Option<&str>) -> Value {
        const PAGE: usize = 2;
        let (from, place) = match scroll.and_then(|token| token.split_once('/')) {
            Some((from, place)) => (from.to_owned(), place.parse::<usize>().unwrap()),
            None => (from.unwrap_or_default().to_owned(), 0),
        };
        let mut rows: Vec<_> = self
            .tenant
            .chats
            .iter()
            .filter_map(|it| Some((it, it.resolved_by(self.now)?)))
            .filter(|(it, _)| it.created.to_string().get(..10).unwrap() >= from.as_str())
            .collect();
        rows.sort_by_key(|(it, _)| (it.created, it.contact));
        let hits = rows.len();
        // A page that is given once more.
        let is_repeated = self.is_disturbed && self.random.random_bool(0.1);
        let place = if is_repeated {
            place.saturating_sub(PAGE)
        } else {
            place
        };
        let rows: Vec<_> = rows
            .into_iter()
            .skip(place)
            .take(PAGE)
            .map(|(it, resolved)| {
                json!({"id": it.contact.to_string(), "status": "resolved", "createdAt": it.created.to_string(),
                    "statusUpdatedAt": resolved.to_string()})
            })
            .collect();
        // One empty page at the end.
        json!({"hits": hits + 1, "data": rows, "scrollToken": format!("{from}/{}", place + PAGE)})
    }

    fn messages(&self, id: &str) -> (u16, Value) {
        let chat = self
            .tenant
            .chats
            .iter()
            .find(|it| it.contact.to_string() == id);
        match chat {
            Some(chat) => (200, json!({"hits": 1, "data": chat.messages(self.now)})),
            None => (404, Value::Null),
        }
    }
}
