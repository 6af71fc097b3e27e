//! The state of a simulated tenant, which the handlers of all its hosts share.

use std::sync::{Arc, Mutex, OnceLock, PoisonError, RwLock};

use jiff::Timestamp;
use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};

use super::clock::Clock;
use super::contact::Contact;
use super::digital::state::Digital;
use super::history::History;
use super::hosts::Hosts;
use super::hub_state::HubState;
use super::live_calls::LiveCalls;
use super::notify_state::NotifyState;
use super::quirks::{Quirk, Quirks};
use super::settings::TenantSettings;
use super::writes::Writes;
use crate::scenario::Scenario;
use crate::world::World;

/// The state of a simulated tenant.
#[derive(Debug)]
pub struct TenantWorld {
    /// What the tenant shares with the other profile: faults, counts, tokens and conversations.
    pub common: Arc<World>,
    /// Time of the tenant, which tests move forward.
    pub clock: Clock,
    /// Past and running contacts.
    pub history: Arc<History>,
    /// Digital contacts and what was done to them.
    pub digital: Digital,
    /// Live calls of the scenario.
    pub live_calls: LiveCalls,
    /// Connections and subscriptions of the event hub.
    pub hub: HubState,
    /// Connections and subscriptions of the socket of live transcripts.
    pub notify: NotifyState,
    /// What was written to the contact lists.
    pub writes: Writes,
    settings: RwLock<TenantSettings>,
    random: Mutex<StdRng>,
    hosts: OnceLock<Hosts>,
    started: Timestamp,
    ignores_dates: bool,
    pub(super) calls: Calls,
}

/// What the layer around all calls counts.
#[derive(Debug, Default)]
pub(super) struct Calls {
    /// Calls of the first token, until it is refused.
    pub(super) of_first_token: Mutex<Option<(String, u64)>>,
    /// Pages of the segment feed that were answered.
    pub(super) feed_pages: std::sync::atomic::AtomicU64,
}

impl TenantWorld {
    /// Returns the state at the start of a scenario.
    #[must_use]
    pub fn new(scenario: Scenario) -> Self {
        let settings = scenario.tenant.clone();
        let (seed, chats) = (scenario.seed, scenario.chat.conversations.clone());
        let calls = scenario.calls.clone();
        let common = Arc::new(World::new(scenario));
        let clock = Clock::default();
        let mut random = StdRng::seed_from_u64(seed);
        let history = Arc::new(History::new(seed, Arc::clone(&common)));
        let started = clock.now();
        Self {
            digital: Digital::new(
                chats,
                settings.first_digital_number,
                clock.clone(),
                Arc::clone(&history),
            ),
            history,
            live_calls: LiveCalls::new(calls, started),
            hub: HubState::default(),
            notify: NotifyState::default(),
            writes: Writes::default(),
            started,
            ignores_dates: random.random_bool(0.5),
            random: Mutex::new(random),
            settings: RwLock::new(settings),
            hosts: OnceLock::new(),
            calls: Calls::default(),
            common,
            clock,
        }
    }

    /// Returns the settings that are in force.
    #[must_use]
    pub fn settings(&self) -> TenantSettings {
        self.settings
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    /// Changes the settings, for example to take a permission away.
    pub fn change(&self, change: impl FnOnce(&mut TenantSettings)) {
        change(
            &mut self
                .settings
                .write()
                .unwrap_or_else(PoisonError::into_inner),
        );
    }

    /// Returns whether a quirk is switched on.
    #[must_use]
    pub fn has(&self, quirk: Quirk) -> bool {
        self.quirks().has(quirk)
    }

    /// Returns the quirks that are switched on.
    #[must_use]
    pub fn quirks(&self) -> Quirks {
        self.settings().quirks
    }

    /// Returns whether the segment feed ignores dates in this run.
    #[must_use]
    pub fn ignores_dates(&self) -> bool {
        self.ignores_dates && self.has(Quirk::IgnoredDates)
    }

    /// Returns the addresses of the hosts.
    #[must_use]
    pub fn hosts(&self) -> Hosts {
        self.hosts
            .get()
            .cloned()
            .unwrap_or_else(|| Hosts::of([std::net::SocketAddr::from(([127, 0, 0, 1], 0)); 6]))
    }

    /// Returns when the simulator started, in the time of the tenant.
    #[must_use]
    pub fn started(&self) -> Timestamp {
        self.started
    }

    /// Returns the contacts that started at or after `from` and before `to`, whether they have ended or not.
    #[must_use]
    pub fn contacts(&self, from: Timestamp, to: Timestamp) -> Vec<Arc<Contact>> {
        let mut found = self.history.between(from, to, self.has(Quirk::Transfers));
        let made = self.made().into_iter();
        found.extend(made.filter(|contact| (from..to).contains(&contact.start)));
        found
    }

    /// Returns the contacts that run now.
    #[must_use]
    pub fn running(&self) -> Vec<Arc<Contact>> {
        let now = self.clock.now();
        let mut found = self.history.running(now, self.has(Quirk::Transfers));
        found.extend(self.made().into_iter().filter(|contact| contact.end > now));
        found
    }

    /// Finds a contact that has started by its number.
    #[must_use]
    pub fn contact(&self, id: i64) -> Option<Arc<Contact>> {
        let made = self.made().into_iter().find(|contact| contact.id == id);
        let found = made.or_else(|| self.history.contact(id, self.has(Quirk::Transfers)));
        found.filter(|contact| contact.start <= self.clock.now())
    }

    /// Finds the contact of a segment.
    #[must_use]
    pub fn segment(&self, segment_id: &str) -> Option<Arc<Contact>> {
        let (_, number) = segment_id.rsplit_once('-')?;
        let contact = self.contact(number.parse().ok()?);
        contact.filter(|contact| contact.segment_id() == segment_id && contact.has_segment)
    }

    /// Returns the contacts that are not of the history: digital ones and live calls of the scenario and of tests.
    fn made(&self) -> Vec<Arc<Contact>> {
        let mut made = self.digital.contacts();
        made.extend(self.live_calls.contacts());
        made
    }

    /// Draws whether something of this probability happens.
    pub(super) fn draw(&self, probability: f64) -> bool {
        self.random
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .random_bool(probability)
    }

    pub(super) fn set_hosts(&self, hosts: Hosts) {
        // A simulator starts once.
        let _ = self.hosts.set(hosts);
    }
}
