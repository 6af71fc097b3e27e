//! What lies outside of the product's processes, and what it remembers of them.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};

use object_store::memory::InMemory;

use crate::asked_waits::AskedWaits;
use crate::chat_center::ChatCenter;
use crate::contact_center::ContactCenter;
use crate::faults::{Fault, FaultPlan, Target};
use crate::items::Items;
use crate::lease_failures::LeaseFailures;
use crate::outage::Outage;
use crate::queued_messages::QueuedMessages;
use crate::seeded_os;
use crate::trace::Trace;

/// Everything outside of the processes; one lock, since one thread runs all.
pub struct World {
    /// The random numbers of the surroundings.
    pub random: StdRng,
    /// What happened so far.
    pub trace: Trace,
    /// Which faults the run has.
    pub faults: FaultPlan,
    /// The end of all faults, in milliseconds of the run.
    pub healthy_from_ms: u64,
    /// The contact center and the scoring service.
    pub contact_center: ContactCenter,
    /// The items of the state store.
    pub items: Items,
    /// The chats of the contact center.
    pub chats: ChatCenter,
    /// The objects of the object store.
    pub objects: Arc<InMemory>,
    /// The queue of conversations.
    pub queue: QueuedMessages,
    /// When the contact center learned that an event was accepted, in milliseconds of the run, by the body of the event.
    pub accepted: BTreeMap<String, u64>,
    /// How many messages of an outage were left in the queue when everything had to be stored.
    pub left_after_outage: usize,
    /// Number of requests by target.
    pub requests: BTreeMap<Target, u64>,
    /// The waits that servers have asked of processes.
    pub asked_waits: AskedWaits,
    /// The requests for leases that have failed.
    pub lease_failures: LeaseFailures,
    /// The processes whose session was given up.
    pub given_up: BTreeSet<String>,
    /// The rules that were seen broken while the run went on.
    pub complaints: Vec<String>,
    /// What is still to happen, by its moment and its order.
    happenings: BTreeMap<(u64, u64), Happening>,
    /// Number of happenings so far.
    happened: u64,
}

/// Something that happens in the world at a moment of its own, whatever became of the process that caused it.
pub type Happening = Box<dyn FnOnce(&mut World) + Send>;

impl std::fmt::Debug for World {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("World")
            .field("faults", &self.faults)
            .field("happenings", &self.happenings.len())
            .finish_non_exhaustive()
    }
}

/// A handle on the world that all processes of a run share.
#[derive(Debug, Clone)]
pub struct SharedWorld(Arc<Mutex<World>>);

impl SharedWorld {
    /// Creates a world in which the `targets` fail until `healthy_from_ms`, or in which one store is away until then.
    #[must_use]
    pub fn new(
        seed: u64,
        is_traced: bool,
        healthy_from_ms: u64,
        targets: &[Target],
        contact_center: ContactCenter,
        outage: Option<Outage>,
    ) -> Self {
        let mut random = StdRng::seed_from_u64(seed);
        let drawn = FaultPlan::draw(&mut random, healthy_from_ms, targets);
        let faults = outage.map_or(drawn, Outage::plan);
        Self(Arc::new(Mutex::new(World {
            random,
            trace: Trace::new(is_traced),
            faults,
            healthy_from_ms,
            contact_center,
            items: Items::default(),
            chats: ChatCenter::default(),
            objects: Arc::default(),
            queue: QueuedMessages::default(),
            accepted: BTreeMap::new(),
            left_after_outage: 0,
            requests: BTreeMap::new(),
            asked_waits: AskedWaits::default(),
            lease_failures: LeaseFailures::default(),
            given_up: BTreeSet::new(),
            complaints: Vec::new(),
            happenings: BTreeMap::new(),
            happened: 0,
        })))
    }

    /// Takes out the first of the things that happen until `until_ms`, with its moment.
    pub(crate) fn take_happening(&self, until_ms: u64) -> Option<(u64, Happening)> {
        let mut world = self.lock();
        let first = world.happenings.first_entry()?;
        if first.key().0 > until_ms {
            return None;
        }
        let at_ms = first.key().0;
        Some((at_ms, first.remove()))
    }

    /// Locks the world for a moment. The lock is never held over an await.
    pub fn lock(&self) -> MutexGuard<'_, World> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl World {
    /// Returns the fault that a connection to `target` meets now, which only the plan's windows bring.
    pub fn meet_in_window(&mut self, target: Target) -> Option<Fault> {
        let at_ms = seeded_os::elapsed_ms();
        self.faults.fault_of_window(target, at_ms, &mut self.random)
    }

    /// Notes that a rule was seen broken. The first one is that of the run.
    pub fn complain(&mut self, complaint: String) {
        self.trace.add(|| format!("BROKEN: {complaint}"));
        self.complaints.push(complaint);
    }

    /// Returns whether any of the targets has a window of faults now, or had one a moment ago.
    #[must_use]
    pub fn is_disturbed(&self, targets: &[Target], now_ms: u64) -> bool {
        targets.iter().any(|target| {
            self.faults
                .touches(*target, now_ms.saturating_sub(1000), now_ms + 1)
        })
    }

    /// Lets something happen at a later moment of the run.
    pub fn happen_at(&mut self, at_ms: u64, happening: Happening) {
        self.happened += 1;
        self.happenings.insert((at_ms, self.happened), happening);
    }

    /// Returns the fault that a request to `target` meets now, and how long its way there and back takes.
    pub fn meet(&mut self, target: Target) -> (Option<Fault>, u64) {
        let at_ms = seeded_os::elapsed_ms();
        *self.requests.entry(target).or_default() += 1;
        let fault = self
            .faults
            .fault(target, at_ms, self.healthy_from_ms, &mut self.random);
        let latency_ms = if self.random.random_bool(0.02) {
            self.random.random_range(50..600)
        } else {
            self.random.random_range(2..30)
        };
        (fault, latency_ms)
    }
}
