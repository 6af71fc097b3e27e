//! How many requests the feed and a report make at a tenant, with the paces that the product has.

#![expect(
    clippy::unwrap_used,
    reason = "helpers of tests may unwrap: a panic is how a test fails"
)]

#[path = "schedules/memory_state.rs"]
mod memory_state;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use backends::conversation_source::{ConversationSource, TenantSource};
use backends::tenant_settings::{MediaTypes, TenantSettings};
use backends::{TenantShare, tenant_paces};
use cxone::conversations::ConversationQuery;
use feeder::sink::ConversationSink;
use feeder::{Deps, feed};
use futures::future::BoxFuture;
use insights_http::error::SharedCause;
use insights_http::exchange::HttpExchange;
use insights_http::rate_limit::RateLimiter;
use insights_http::{CallLimits, Deadline};
use jiff::{SignedDuration, Timestamp};
use runtime::config::Env;
use serde_json::{Value, json};
use store::state::State;
use testkit::tenant_client_on;
use tokio::time::Instant;

use crate::memory_state::MemoryState;

/// The reads a second that NICE allows to the digital part of a tenant, for all of its tools.
const DIGITAL_READS_OF_A_TENANT: u32 = 33;

/// The parts of a tenant, as the requests are counted.
const PARTS: [&str; 4] = ["discovery", "analytics", "contacts", "digital"];

/// A tenant in memory with the conversations of a day.
#[derive(Debug, Clone)]
struct Tenant(Arc<World>);

#[derive(Debug)]
struct World {
    calls: usize,
    chats: usize,
    /// The moment at which the day of the conversations begins.
    begins: Timestamp,
    requests: Mutex<BTreeMap<&'static str, Vec<Instant>>>,
}

impl Tenant {
    fn new(calls: usize, chats: usize, begins: Timestamp) -> Self {
        Self(Arc::new(World {
            calls,
            chats,
            begins,
            requests: Mutex::default(),
        }))
    }

    fn source(&self, share: TenantShare) -> TenantSource {
        let settings = TenantSettings::from_env(&Env::default()).unwrap();
        let paces = tenant_paces(&settings, share, 1);
        let exchange = Arc::new(self.clone());
        let client = tenant_client_on(exchange, true, paces, CallLimits::default());
        TenantSource::new(client, MediaTypes::default())
    }

    /// Takes the requests that were made to each part.
    fn take_requests(&self) -> BTreeMap<&'static str, Vec<Instant>> {
        std::mem::take(&mut self.0.requests.lock().unwrap())
    }
}

impl HttpExchange for Tenant {
    fn execute(
        &self,
        request: reqwest::Request,
    ) -> BoxFuture<'_, Result<reqwest::Response, SharedCause>> {
        Box::pin(async move {
            // Answers take as long as those of a service over the internet.
            tokio::time::sleep(Duration::from_millis(80)).await;
            let (part, body) = self.0.answer(request.url());
            let mut requests = self.0.requests.lock().unwrap();
            requests.entry(part).or_default().push(Instant::now());
            Ok(http::Response::builder()
                .status(200)
                .body(body.to_string())
                .unwrap()
                .into())
        })
    }
}

impl World {
    /// Returns the moment at which a conversation of the day began, of so many.
    fn began(&self, number: usize, of: usize) -> Timestamp {
        let seconds = 86_000 * number / of.max(1);
        self.begins + SignedDuration::from_secs(i64::try_from(seconds).unwrap())
    }

    fn answer(&self, url: &reqwest::Url) -> (&'static str, Value) {
        let path = url.path();
        let query: BTreeMap<String, String> = url.query_pairs().into_owned().collect();
        let number = |name: &str| query.get(name).and_then(|it| it.parse::<i64>().ok());
        let parts: Vec<_> = path.split('/').filter(|it| !it.is_empty()).collect();
        match parts.as_slice() {
            [.., "access-key"] => (
                "discovery",
                json!({"access_token": "t", "expires_in": 3600}),
            ),
            [".well-known", ..] => ("discovery", json!({"api_endpoint": "http://127.0.0.1:9"})),
            [.., "segments", "analyzed"] => {
                let from = number("cursor").unwrap();
                let rows = (0..self.calls).map(|call| (call, self.began(call, self.calls)));
                let rows = rows.filter(|(_, at)| at.as_millisecond() >= from).take(100);
                let rows: Vec<_> = rows
                    .map(|(call, at)| {
                        json!({"segmentId": format!("s-{call}"), "acdContactId": 480_000_000_000_u64 + call as u64,
                            "startTime": at.to_string(), "endTime": at.to_string(), "firstAnnotatedAt": at.to_string()})
                    })
                    .collect();
                ("analytics", json!({"interactions": rows}))
            }
            [.., "analyzed-transcript"] => (
                "analytics",
                json!({"transcriptBlocks": [{"channelName": "CLIENT", "text": "It broke."}]}),
            ),
            [.., "contacts", "completed"] => {
                let moment = |name: &str| query[name].parse::<Timestamp>().unwrap();
                let period = moment("startDate")..moment("endDate");
                let calls = (0..self.calls).map(|it| (480_000_000_000, it, self.calls, 4));
                let chats = (0..self.chats).map(|it| (127_000_000_000, it, self.chats, 9));
                let rows = calls.chain(chats).filter_map(|(first, it, of, media)| {
                    let at = self.began(it, of);
                    period.contains(&at).then(|| {
                        json!({"contactId": first + it as u64, "contactStartDate": at.to_string(), "mediaTypeId": media})
                    })
                });
                let (skip, top) = (number("skip").unwrap_or(0), number("top").unwrap());
                let rows = rows.skip(usize::try_from(skip).unwrap());
                let rows: Vec<_> = rows.take(usize::try_from(top).unwrap()).collect();
                ("contacts", json!({"completedContacts": rows}))
            }
            ["dfo", "3.0", "contacts"] => {
                let from = query.get("scrollToken").and_then(|it| it.parse().ok());
                let from: usize = from.unwrap_or(0);
                let rows: Vec<_> = (from..self.chats)
                    .take(25)
                    .map(|it| {
                        let at = self.began(it, self.chats).to_string();
                        json!({"id": (127_000_000_000_u64 + it as u64).to_string(), "status": "closed", "createdAt": at, "statusUpdatedAt": at})
                    })
                    .collect();
                (
                    "digital",
                    json!({"hits": self.chats, "data": rows, "scrollToken": (from + 25).to_string()}),
                )
            }
            ["dfo", "3.0", "contacts", id, "messages"] => {
                let message = json!({"id": format!("m-{id}"), "direction": "inbound", "createdAt": 1_795_000_000,
                    "messageContent": {"payload": {"text": "It broke."}}});
                ("digital", json!({"hits": 1, "data": [message]}))
            }
            [.., "dispositions"] => ("contacts", json!({"dispositions": []})),
            _ => panic!("{path}"),
        }
    }
}

/// A place that takes everything.
#[derive(Debug)]
struct Anywhere;

impl ConversationSink for Anywhere {
    fn put<'a>(&'a self, _event: &'a str, _: Deadline) -> BoxFuture<'a, anyhow::Result<()>> {
        Box::pin(std::future::ready(Ok(())))
    }
}

/// What the requests to one part were.
#[derive(Debug, Default)]
struct Counted {
    requests: usize,
    /// The largest number of requests a second over ten seconds.
    busiest: f64,
}

fn count(requests: Option<&Vec<Instant>>) -> Counted {
    const SPAN: Duration = Duration::from_secs(10);
    let Some(requests) = requests else {
        return Counted::default();
    };
    let in_span = requests.iter().enumerate().map(|(first, at)| {
        let later = requests[first..].iter();
        later
            .take_while(|later| later.duration_since(*at) < SPAN)
            .count()
    });
    let busiest = in_span.max().unwrap_or(0);
    #[expect(clippy::cast_precision_loss, reason = "a few thousand requests")]
    Counted {
        requests: requests.len(),
        busiest: busiest as f64 / SPAN.as_secs_f64(),
    }
}

/// Checks the requests of a run against a share of the settings, and returns them in a line.
fn check(run: &str, tenant: &Tenant, started: Instant, allowed: [f64; 3]) -> String {
    let requests = tenant.take_requests();
    let counted = PARTS.map(|part| count(requests.get(part)));
    let [discovery, parts @ ..] = counted;
    let line = format!(
        "{run}: {} s, discovery and token {}, analytics {} ({:.1}/s), contacts {} ({:.1}/s), digital {} ({:.1}/s)",
        started.elapsed().as_secs(),
        discovery.requests,
        parts[0].requests,
        parts[0].busiest,
        parts[1].requests,
        parts[1].busiest,
        parts[2].requests,
        parts[2].busiest,
    );
    // A token lives for an hour, and the hosts are kept as long.
    let hours = started.elapsed().as_secs() / 3600 + 1;
    assert!(
        discovery.requests as u64 <= 3 * hours,
        "{run}: {discovery:?}"
    );
    for (part, allowed) in parts.iter().zip(allowed) {
        // The first request of a span waits for nothing.
        assert!(
            part.busiest <= allowed + 0.11,
            "{run}: {part:?} of {allowed}"
        );
    }
    line
}

#[tokio::test(start_paused = true)]
async fn feed_and_report_stay_within_their_share_however_many_conversations_a_day_has() {
    let settings = TenantSettings::from_env(&Env::default()).unwrap();
    assert!(settings.digital_rate * 3 <= DIGITAL_READS_OF_A_TENANT);
    for (calls, chats) in [(100, 20), (1000, 200), (4000, 800)] {
        let begins: Timestamp = "2026-11-20T00:00:00Z".parse().unwrap();
        let tenant = Tenant::new(calls, chats, begins);
        let started = Instant::now();
        let now = begins + SignedDuration::from_hours(24);
        let deps = Deps {
            source: Arc::new(tenant.source(TenantShare::Embeddings)),
            state: State::other(MemoryState::new(|| false)),
            sink: Arc::new(Anywhere),
            pace: RateLimiter::new(2, 2),
            clock: Arc::new(move || now + SignedDuration::try_from(started.elapsed()).unwrap()),
        };
        let a_day = || Deadline::within(Duration::from_secs(86_400));
        for run in ["first feed", "next feed"] {
            let begun = Instant::now();
            let summary = feed(&deps, a_day()).await.unwrap();
            assert!(summary.is_complete, "{summary:?}");
            if run == "first feed" {
                assert_eq!(summary.delivered, calls + chats, "{summary:?}");
            } else {
                assert_eq!(summary.delivered, 0, "{summary:?}");
            }
            let line = check(
                &format!("{run} of {calls} calls and {chats} chats"),
                &tenant,
                begun,
                [2.5, 2.0, 2.0],
            );
            println!("{line}");
        }

        let source = tenant.source(TenantShare::Reports);
        let begun = Instant::now();
        let period = ConversationQuery {
            from: begins,
            to: begins + SignedDuration::from_hours(24),
        };
        let mut list = source.began_in(period).unwrap();
        let mut read = 0;
        while let Some(page) = list.next_page(a_day()).await.unwrap() {
            for conversation in page.conversations {
                source.transcript(&conversation, a_day()).await.unwrap();
                read += 1;
            }
        }
        assert_eq!(read, calls + chats);
        let line = check(
            &format!("report of {calls} calls and {chats} chats"),
            &tenant,
            begun,
            [2.5, 2.0, 1.0],
        );
        println!("{line}");
    }
}
