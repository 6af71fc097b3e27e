//! The calls of a tenant whose words this process listens to, as live calls.

use std::collections::HashSet;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use cxone::Error;
use cxone::live::LiveTranscript;
use cxone::tenant::TenantClient;
use cxone::tenant::live_voice::{ListeningTimes, LiveCalls, listen};
use insights_http::Error as HttpError;
use insights_http::exchange::HttpClient;
use tokio::time::Instant;

use crate::config::VoiceSettings;

/// How long nobody may be connected until polls of calls fail. A shorter time is no news, and silence while nobody listens is none.
const LONGEST_UNNOTICED_ABSENCE: Duration = Duration::from_secs(30);

/// How long a call waits for a connection before it is polled again.
const RETRY_AFTER: Duration = Duration::from_secs(10);

/// Time for which a list tells which calls go on.
const RECENT_LIST: Duration = Duration::from_secs(60);

/// The calls of a tenant whose words this process listens to. `Debug` leaves the words out.
#[derive(Debug)]
pub struct VoiceCalls {
    http: HttpClient,
    calls: Arc<LiveCalls>,
    times: ListeningTimes,
    phone: Mutex<PhoneContacts>,
}

/// The contacts of a tenant that are calls.
#[derive(Debug, Default)]
struct PhoneContacts {
    /// All calls that go on or ended a while ago, whoever listens to them.
    ids: HashSet<String>,
    /// When the list of them was read last.
    read_at: Option<Instant>,
}

impl VoiceCalls {
    /// Builds the calls of a tenant, of which none is listened to yet. `http` comes from
    /// [`insights_http::client::build_stream_client`].
    #[must_use]
    pub fn new(http: HttpClient, settings: &VoiceSettings) -> Self {
        Self {
            http,
            calls: Arc::new(LiveCalls::new(
                settings.customer.clone().unwrap_or_default(),
            )),
            times: ListeningTimes::default(),
            phone: Mutex::default(),
        }
    }

    /// Asks for the words of calls at other times than usual.
    #[must_use]
    pub fn with_times(mut self, times: ListeningTimes) -> Self {
        self.times = times;
        self
    }

    /// Returns the calls that are listened to.
    pub(crate) fn calls(&self) -> &LiveCalls {
        &self.calls
    }

    /// Listens until it is dropped.
    pub(crate) async fn listen(&self, client: TenantClient) {
        let calls = Arc::clone(&self.calls);
        match listen(self.http.clone(), client, calls, self.times).await {}
    }

    fn lock(&self) -> MutexGuard<'_, PhoneContacts> {
        self.phone.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Says which contacts are calls.
    pub(crate) fn set_phone(&self, ids: HashSet<String>) {
        *self.lock() = PhoneContacts {
            ids,
            read_at: Some(Instant::now()),
        };
    }

    /// Returns whether a contact is a call, and not a digital one.
    pub(crate) fn is_call(&self, contact_id: &str) -> bool {
        self.lock().ids.contains(contact_id)
    }

    /// Returns whether a contact that is no digital one is over: the list of the calls that go on was read a moment ago and misses it.
    pub(crate) fn is_over(&self, contact_id: &str) -> bool {
        let phone = self.lock();
        let read = phone.read_at;
        let is_recent = read.is_some_and(|at| at.elapsed() < RECENT_LIST);
        is_recent && !phone.ids.contains(contact_id)
    }

    /// Reads what was heard in a call at or after `from`, in milliseconds since the epoch; nothing if this process does not listen to it.
    ///
    /// # Errors
    /// [`HttpError::CircuitOpen`] if nobody has been connected for a while, so that the silence of the call means nothing.
    pub(crate) fn read(&self, contact_id: &str, from: i64) -> Result<LiveTranscript, Error> {
        let has_news = self.calls.has_unread(contact_id);
        let is_away = || {
            let away = self.calls.away_for();
            away.is_some_and(|away| away > LONGEST_UNNOTICED_ABSENCE)
        };
        // The whole transcript, for the card of a call that has ended, is what was heard.
        if from > 0 && !has_news && is_away() {
            return Err(HttpError::CircuitOpen {
                endpoint: "{notify}".to_owned(),
                retry_after: RETRY_AFTER,
            }
            .into());
        }
        Ok(self.calls.read(contact_id, from).unwrap_or_default())
    }
}
