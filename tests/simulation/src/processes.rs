//! Processes side by side: each has a Tokio runtime and clocks of its own, and all of them see one world in the order of time.
//!
//! A process runs alone until something of it is about to reach the world: a request that arrives, a write that lands. There it waits for
//! its turn ([`Process::turn`]), which comes when no other process can reach the world any earlier. So there is one order of
//! everything that the world sees, no process can learn of what happens after its own time, and no time is spent on moments at which
//! nothing happens. Since each process has a runtime of its own, its wall clock may be wrong in a way of its own, and its death
//! ends all of its tasks at once.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use futures::future::BoxFuture;
use tokio::runtime::Runtime;
use tokio::sync::{Notify, oneshot};
use tokio::task::JoinHandle;
use tokio::time::Instant;

use crate::seeded_os::{self, Clock};
use crate::world::SharedWorld;

/// What a process does from its start to its end.
pub type Work = Box<dyn FnOnce(Process) -> BoxFuture<'static, ()>>;

/// A process that is to be started.
pub struct Plan {
    /// The name of the process, for the trace.
    pub name: String,
    /// When the process starts, in milliseconds of the run.
    pub starts_ms: u64,
    /// When the process dies unless it has ended by then, in milliseconds of the run.
    pub dies_ms: u64,
    /// How far the wall clock of the process is ahead of the true time, in milliseconds.
    pub skew_ms: i64,
    /// What the process does.
    pub work: Work,
}

impl std::fmt::Debug for Plan {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Plan")
            .field("name", &self.name)
            .field("starts_ms", &self.starts_ms)
            .field("dies_ms", &self.dies_ms)
            .field("skew_ms", &self.skew_ms)
            .finish_non_exhaustive()
    }
}

/// A handle on one process, which its parts use to reach the world.
#[derive(Debug, Clone)]
pub struct Process(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    name: String,
    waiting: Mutex<Vec<oneshot::Sender<()>>>,
    asks: Notify,
}

impl Process {
    fn new(name: String) -> Self {
        Self(Arc::new(Shared {
            name,
            waiting: Mutex::default(),
            asks: Notify::new(),
        }))
    }

    /// Returns the name of the process.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.0.name
    }

    /// Waits until everything that happens before this moment has happened in all processes. Whatever reaches the world calls this
    /// first.
    pub async fn turn(&self) {
        let (giver, given) = oneshot::channel();
        self.lock().push(giver);
        self.0.asks.notify_one();
        // A process whose turn never comes has died with its runtime, and this future with it.
        let _ = given.await;
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Vec<oneshot::Sender<()>>> {
        self.0
            .waiting
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits until a part of the process waits for its turn.
    async fn wait_for_asking(&self) {
        while self.lock().is_empty() {
            self.0.asks.notified().await;
        }
    }
}

/// A process that has started.
struct Running {
    process: Process,
    runtime: Runtime,
    main: JoinHandle<()>,
    clock: Clock,
    dies: Instant,
    /// The moment up to which the process has run, in milliseconds of the run.
    at_ms: u64,
}

impl Running {
    fn start(plan: Plan) -> Self {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_time()
            .start_paused(true)
            .build()
            .expect("a runtime");
        let process = Process::new(plan.name);
        let (clock, dies) = runtime.block_on(async {
            let started = Instant::now();
            let clock = Clock::Running {
                started,
                from_ms: plan.starts_ms,
                skew_ms: plan.skew_ms,
            };
            let life = Duration::from_millis(plan.dies_ms.saturating_sub(plan.starts_ms));
            (clock, started + life)
        });
        seeded_os::set_clock(clock);
        let main = runtime.spawn((plan.work)(process.clone()));
        Self {
            process,
            runtime,
            main,
            clock,
            dies,
            at_ms: plan.starts_ms,
        }
    }

    /// Runs the process until a part of it waits for its turn. Returns whether the process lives on.
    fn run(&mut self) -> bool {
        seeded_os::set_clock(self.clock);
        let (process, main, dies) = (&self.process, &mut self.main, self.dies);
        let (lives, at_ms) = self.runtime.block_on(async {
            for giver in std::mem::take(&mut *process.lock()) {
                // Whoever gave up a request has no use for its turn.
                let _ = giver.send(());
            }
            let lives = tokio::select! {
                biased;
                () = process.wait_for_asking() => true,
                ended = main => {
                    if let Err(error) = ended {
                        std::panic::resume_unwind(error.into_panic());
                    }
                    false
                }
                () = tokio::time::sleep_until(dies) => false,
            };
            (lives, seeded_os::elapsed_ms())
        });
        self.at_ms = at_ms;
        lives
    }
}

/// Runs processes side by side until all of them have ended.
///
/// # Panics
/// If a process panics.
pub fn run_side_by_side(mut plans: Vec<Plan>, world: &SharedWorld) {
    plans.sort_by_key(|plan| plan.starts_ms);
    let mut plans: VecDeque<Plan> = plans.into();
    let mut running: Vec<Running> = Vec::new();
    loop {
        let next_start = plans.front().map(|plan| plan.starts_ms);
        let next_turn = running
            .iter()
            .enumerate()
            .min_by_key(|(_, running)| running.at_ms)
            .map(|(index, running)| (index, running.at_ms));
        let next = [next_start, next_turn.map(|(_, at_ms)| at_ms)]
            .into_iter()
            .flatten()
            .min();
        let until_ms = next.unwrap_or(u64::MAX);
        if let Some((at_ms, happening)) = world.take_happening(until_ms) {
            seeded_os::set_clock(Clock::Standing { at_ms });
            happening(&mut world.lock());
            continue;
        }
        if next_start.is_some_and(|at_ms| at_ms == until_ms) {
            let Some(plan) = plans.pop_front() else {
                continue;
            };
            let mut started = Running::start(plan);
            if started.run() {
                running.push(started);
            } else {
                end(started);
            }
        } else if let Some((index, _)) = next_turn {
            if !running[index].run() {
                end(running.remove(index));
            }
        } else {
            return;
        }
    }
}

/// Ends a process with all of its tasks.
fn end(running: Running) {
    seeded_os::set_clock(Clock::Standing {
        at_ms: running.at_ms,
    });
    drop(running.runtime);
}
