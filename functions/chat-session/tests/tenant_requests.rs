//! How many requests the watch over the digital contacts of a tenant makes, and how soon a message is seen.

#![expect(
    clippy::unwrap_used,
    reason = "helpers of tests may unwrap: a panic is how a test fails"
)]

use std::sync::{Arc, Mutex};
use std::time::Duration;

use chat_session::tenant_chats::{EVERYBODY, TenantChats, Watched};
use cxone::tenant::{HostPaces, TenantClient};
use futures::future::BoxFuture;
use insights_core::chat::frame::ChatEvent;
use insights_http::CallLimits;
use insights_http::error::SharedCause;
use insights_http::exchange::HttpExchange;
use insights_http::rate_limit::RateLimiter;
use serde_json::{Value, json};
use testkit::tenant_client_on;
use tokio::sync::mpsc;
use tokio::time::{Instant, timeout};

/// The part of the tenant's 33 reads a second that chat sessions have by default.
const READS_PER_SECOND: u32 = 4;

/// A tenant in memory with a number of open contacts.
#[derive(Debug, Clone)]
struct Tenant(Arc<Mutex<World>>);

#[derive(Debug)]
struct World {
    /// The messages of each contact.
    contacts: Vec<Vec<String>>,
    /// Whether the list tells how many messages a contact has.
    tells_counts: bool,
    requests: u64,
    is_away: bool,
}

impl Tenant {
    fn new(contacts: usize, tells_counts: bool) -> Self {
        let contacts = (0..contacts)
            .map(|number| vec![format!("first of {number}")])
            .collect();
        Self(Arc::new(Mutex::new(World {
            contacts,
            tells_counts,
            requests: 0,
            is_away: false,
        })))
    }

    fn requests(&self) -> u64 {
        self.0.lock().unwrap().requests
    }

    fn say(&self, contact: usize, text: &str) {
        self.0.lock().unwrap().contacts[contact].push(text.to_owned());
    }

    fn client(&self) -> TenantClient {
        let pace = || Arc::new(RateLimiter::new(READS_PER_SECOND, 1));
        let paces = HostPaces {
            analytics: pace(),
            contacts: pace(),
            digital: pace(),
        };
        tenant_client_on(Arc::new(self.clone()), false, paces, CallLimits::default())
    }
}

impl HttpExchange for Tenant {
    fn execute(
        &self,
        request: reqwest::Request,
    ) -> BoxFuture<'_, Result<reqwest::Response, SharedCause>> {
        Box::pin(async move {
            let (status, body) = self.0.lock().unwrap().answer(request.url());
            Ok(http::Response::builder()
                .status(status)
                .body(body.to_string())
                .unwrap()
                .into())
        })
    }
}

impl World {
    fn answer(&mut self, url: &reqwest::Url) -> (u16, Value) {
        let path = url.path();
        if path.ends_with("/access-key") {
            return (200, json!({"access_token": "t", "expires_in": 86_400}));
        }
        if path.starts_with("/.well-known") {
            return (200, json!({}));
        }
        self.requests += 1;
        if self.is_away {
            return (404, Value::Null);
        }
        let segments: Vec<_> = path.split('/').filter(|it| !it.is_empty()).collect();
        match segments.as_slice() {
            ["dfo", "3.0", "contacts"] => {
                let token = url
                    .query_pairs()
                    .find(|(name, _)| name == "scrollToken")
                    .map(|(_, value)| value.into_owned());
                let from: usize = token
                    .and_then(|token| token.parse().ok())
                    .unwrap_or_default();
                let rows: Vec<_> = (from..self.contacts.len())
                    .take(25)
                    .map(|number| self.row(number))
                    .collect();
                (
                    200,
                    json!({"hits": self.contacts.len(), "data": rows, "scrollToken": (from + 25).to_string()}),
                )
            }
            ["dfo", "3.0", "contacts", id, "messages"] => {
                let Some(messages) = self.contacts.get(id.parse::<usize>().unwrap()) else {
                    return (404, Value::Null);
                };
                let messages: Vec<_> = messages.iter().enumerate().map(|(number, text)| {
                    json!({"id": format!("m{id}-{number}"), "direction": "inbound", "createdAt": 1_795_000_000 + number,
                        "messageContent": {"payload": {"text": text}}})
                }).collect();
                (200, json!({"hits": messages.len(), "data": messages}))
            }
            _ => (404, Value::Null),
        }
    }

    fn row(&self, number: usize) -> Value {
        let mut row = json!({"id": number.to_string(), "status": "open"});
        if self.tells_counts {
            let count = self.contacts[number].len();
            row["endUser"] = json!({"messageStatistics": {"inbound": count, "outbound": 0}});
        }
        row
    }
}

/// Waits until a text is seen.
async fn wait_for(events: &mut mpsc::Receiver<Watched>, text: &str) -> Duration {
    let started = Instant::now();
    loop {
        let watched = timeout(Duration::from_secs(3600), events.recv())
            .await
            .unwrap()
            .unwrap();
        if let Watched::Event(ChatEvent::Message(message)) = watched
            && message.text == text
        {
            return started.elapsed();
        }
    }
}

/// Watches for ten minutes after the first round, and returns the requests a second and the time until a message is seen.
async fn measure(contacts: usize, tells_counts: bool) -> (f64, Duration) {
    let tenant = Tenant::new(contacts, tells_counts);
    let chats = TenantChats::new(tenant.client(), None);
    let mut events = chats.watch(EVERYBODY, Vec::new());
    wait_for(&mut events, &format!("first of {}", contacts - 1)).await;
    let (before, started) = (tenant.requests(), Instant::now());
    let mut slowest = Duration::ZERO;
    for number in 0..10 {
        let drained = tokio::time::sleep(Duration::from_secs(60));
        tokio::pin!(drained);
        loop {
            tokio::select! {
                () = &mut drained => break,
                watched = events.recv() => assert!(watched.is_some()),
            }
        }
        let text = format!("news {number}");
        tenant.say(number * contacts / 10, &text);
        slowest = slowest.max(wait_for(&mut events, &text).await);
    }
    #[expect(clippy::cast_precision_loss, reason = "a few thousand requests")]
    let rate = (tenant.requests() - before) as f64 / started.elapsed().as_secs_f64();
    (rate, slowest)
}

#[tokio::test(start_paused = true)]
async fn requests_stay_within_the_budget_at_ten_a_hundred_and_four_hundred_chats() {
    for tells_counts in [true, false] {
        for (contacts, slowest_allowed) in [(10, 15), (100, 40), (400, 180)] {
            let (rate, slowest) = measure(contacts, tells_counts).await;
            println!(
                "{contacts} chats, counts {tells_counts}: {rate:.2} requests/s, seen within {slowest:?}"
            );
            assert!(
                rate <= f64::from(READS_PER_SECOND) + 0.1,
                "{contacts} chats: {rate} requests a second"
            );
            let allowed = if tells_counts { 25 } else { slowest_allowed };
            assert!(
                slowest <= Duration::from_secs(allowed),
                "{contacts} chats: {slowest:?}"
            );
        }
    }
}

#[tokio::test(start_paused = true)]
async fn an_agent_learns_of_contacts_that_end_and_of_a_tenant_that_is_away() {
    let tenant = Tenant::new(2, true);
    let chats = TenantChats::new(tenant.client(), None);
    let mut events = chats.watch(EVERYBODY, Vec::new());
    wait_for(&mut events, "first of 1").await;
    tenant.0.lock().unwrap().contacts.pop();
    loop {
        if let Watched::Event(ChatEvent::Ended { conversation_id }) = events.recv().await.unwrap() {
            assert_eq!(conversation_id, "1");
            break;
        }
    }
    tenant.0.lock().unwrap().is_away = true;
    loop {
        if let Watched::Down { reason, .. } = events.recv().await.unwrap() {
            assert!(reason.contains("{dfo}/contacts"), "{reason}");
            break;
        }
    }
    tenant.0.lock().unwrap().is_away = false;
    tenant.say(0, "back again");
    wait_for(&mut events, "back again").await;
}

#[tokio::test(start_paused = true)]
async fn a_session_that_begins_later_learns_of_everything_that_is_open() {
    let tenant = Tenant::new(3, true);
    let chats = TenantChats::new(tenant.client(), None);
    let mut first = chats.watch(EVERYBODY, Vec::new());
    wait_for(&mut first, "first of 2").await;
    drop(first);
    let mut second = chats.watch(EVERYBODY, Vec::new());
    wait_for(&mut second, "first of 0").await;
}
