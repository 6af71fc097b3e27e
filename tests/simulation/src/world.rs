//! What lies outside of the product's processes, and what it remembers of them.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};

use crate::contact_center::ContactCenter;
use crate::faults::{Fault, FaultPlan, Target};
use crate::items::Items;
use crate::seeded_os;
use crate::trace::Trace;

/// Everything outside of the processes; one lock, since one thread runs all.
#[derive(Debug)]
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
}

/// A handle on the world that all processes of a run share.
#[derive(Debug, Clone)]
pub struct SharedWorld(Arc<Mutex<World>>);

impl SharedWorld {
    /// Creates a world whose faults end at `healthy_from_ms`.
    #[must_use]
    pub fn new(
        seed: u64,
        is_traced: bool,
        healthy_from_ms: u64,
        contact_center: ContactCenter,
    ) -> Self {
        let mut random = StdRng::seed_from_u64(seed);
        let faults = FaultPlan::draw(&mut random, healthy_from_ms);
        Self(Arc::new(Mutex::new(World {
            random,
            trace: Trace::new(is_traced),
            faults,
            healthy_from_ms,
            contact_center,
            items: Items::default(),
        })))
    }

    /// Locks the world for a moment. The lock is never held over an await.
    pub fn lock(&self) -> MutexGuard<'_, World> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl World {
    /// Returns the fault that a request to `target` meets now, and how long its way there and back takes.
    pub fn meet(&mut self, target: Target) -> (Option<Fault>, u64) {
        let at_ms = seeded_os::elapsed_ms();
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

/// One process of the product. When it dies, whatever it awaits never happens.
#[derive(Debug, Clone)]
pub struct Process {
    name: Arc<str>,
    is_dead: Arc<std::sync::atomic::AtomicBool>,
}

impl Process {
    /// Starts a process with this name.
    #[must_use]
    pub fn start(name: impl Into<Arc<str>>) -> Self {
        Self {
            name: name.into(),
            is_dead: Arc::default(),
        }
    }

    /// Returns the name of the process.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Kills the process: nothing that it awaits happens any more.
    pub fn kill(&self) {
        self.is_dead
            .store(true, std::sync::atomic::Ordering::Relaxed);
    }

    /// Returns at once in a living process and never in a dead one.
    pub async fn stay_alive(&self) {
        if self.is_dead.load(std::sync::atomic::Ordering::Relaxed) {
            std::future::pending().await
        }
    }
}
