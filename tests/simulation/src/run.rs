//! Runs one schedule in a thread whose random numbers and clocks follow the seed.

use crate::seeded_os;
use crate::world::SharedWorld;

/// A rule that a run broke.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Violation {
    /// Which rule, in one sentence.
    pub complaint: String,
    /// The faults of the run.
    pub faults: String,
}

impl Violation {
    /// Creates the violation of a rule with what the world knows of the run.
    #[must_use]
    pub fn of_world(world: &SharedWorld, complaint: String) -> Self {
        Self {
            complaint,
            faults: format!("{:#?}", world.lock().faults),
        }
    }
}

/// Runs `schedule` alone in a new thread with random numbers from `seed` and with simulated time.
///
/// # Panics
/// If the schedule panics; the message names the seed.
pub fn run_seeded<T: Send + 'static>(
    seed: u64,
    schedule: impl FnOnce() -> T + Send + 'static,
) -> T {
    let thread = std::thread::Builder::new().stack_size(4 << 20);
    let work = move || {
        seeded_os::enter(seed);
        schedule()
    };
    match thread.spawn(work).expect("a thread").join() {
        Ok(result) => result,
        Err(panic) => {
            eprintln_seed(seed);
            std::panic::resume_unwind(panic)
        }
    }
}

#[expect(
    clippy::print_stderr,
    reason = "a person must learn which seed panicked"
)]
fn eprintln_seed(seed: u64) {
    eprintln!("the schedule with seed {seed} panicked");
}
