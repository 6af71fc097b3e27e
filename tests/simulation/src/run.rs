//! Runs one schedule in a thread whose random numbers and clock follow the seed.

use std::future::Future;

use crate::seeded_os;

/// A rule that a run broke.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Violation {
    /// Which rule, in one sentence.
    pub complaint: String,
    /// The faults of the run.
    pub faults: String,
    /// What happened, if the run was traced.
    pub trace: String,
}

/// Runs `schedule` alone in a new thread with random numbers from `seed` and with simulated time.
///
/// # Panics
/// If the schedule panics; the message names the seed.
pub fn run_seeded<T, F>(seed: u64, schedule: impl FnOnce() -> F + Send + 'static) -> T
where
    T: Send + 'static,
    F: Future<Output = T>,
{
    let thread = std::thread::Builder::new().stack_size(4 << 20);
    let work = move || {
        seeded_os::enter(seed);
        tokio::runtime::Builder::new_current_thread()
            .enable_time()
            .start_paused(true)
            .build()
            .expect("a runtime")
            .block_on(schedule())
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
