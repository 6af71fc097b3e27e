//! Random numbers and the clock of the operating system, from a seed.
//!
//! The standard library seeds its hash maps, `rand` its generators and Tokio its choice among ready branches from the
//! C library's `getrandom`; wall clocks read `clock_gettime`. This module defines both functions, and the linker prefers
//! them to those of the C library. In a thread that [`enter`] has prepared they answer from a seed and from the paused clock of
//! the process that runs, so that the same seed gives the same run. In every other thread they ask the kernel.

use std::cell::Cell;
use std::time::Duration;

use tokio::time::Instant;

/// The wall clock at the start of every simulation, in seconds since the epoch: 2026-01-05 09:00 UTC, a Monday.
pub const START_SECONDS: i64 = 1_767_603_600;

thread_local! {
    /// The state of the random numbers; `None` in a thread that is not simulated.
    static RANDOM: Cell<Option<u64>> = const { Cell::new(None) };
    /// The clock of the process that runs; `None` in a thread that is not simulated.
    static CLOCK: Cell<Option<Clock>> = const { Cell::new(None) };
}

/// What tells the time in a simulated thread.
#[derive(Debug, Clone, Copy)]
pub enum Clock {
    /// The paused clock of a process's own Tokio runtime.
    Running {
        /// The moment of that clock at which the process started.
        started: Instant,
        /// The same moment, in milliseconds of the run.
        from_ms: u64,
        /// How far the wall clock of the process is ahead of the true time, in milliseconds.
        skew_ms: i64,
    },
    /// A clock that stands, while no process runs.
    Standing {
        /// The time that the clock shows, in milliseconds of the run.
        at_ms: u64,
    },
}

impl Clock {
    /// Returns the true time since the start of the run.
    fn elapsed(self) -> Duration {
        match self {
            Self::Running {
                started, from_ms, ..
            } => started.elapsed() + Duration::from_millis(from_ms),
            Self::Standing { at_ms } => Duration::from_millis(at_ms),
        }
    }

    /// Returns the wall clock, in nanoseconds since the epoch.
    fn wall_nanos(self) -> i128 {
        let skew_ms = match self {
            Self::Running { skew_ms, .. } => skew_ms,
            Self::Standing { .. } => 0,
        };
        i128::from(START_SECONDS) * 1_000_000_000
            + i128::from(skew_ms) * 1_000_000
            + i128::try_from(self.elapsed().as_nanos()).unwrap_or(0)
    }
}

/// Makes the random numbers of this thread follow `seed`. Must be called before the thread makes its first hash map.
pub fn enter(seed: u64) {
    RANDOM.set(Some(seed ^ 0x6A09_E667_F3BC_C909));
}

/// Makes the wall clock of this thread follow `clock`.
pub fn set_clock(clock: Clock) {
    CLOCK.set(Some(clock));
}

/// Returns the true time since the start of the run, in milliseconds.
#[must_use]
pub fn elapsed_ms() -> u64 {
    CLOCK.get().map_or(0, |clock| {
        u64::try_from(clock.elapsed().as_millis()).unwrap_or(u64::MAX)
    })
}

/// Returns the next 64 random bits of a SplitMix64 generator.
fn next_random(state: u64) -> (u64, u64) {
    let state = state.wrapping_add(0x9E37_79B9_7F4A_7C15);
    let mut mixed = state;
    mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    (state, mixed ^ (mixed >> 31))
}

/// Answers the C library's `getrandom`.
///
/// # Safety
/// As the C function: `buffer` has room for `length` bytes.
#[expect(unsafe_code, reason = "the function replaces one of the C library")]
#[unsafe(no_mangle)]
unsafe extern "C" fn getrandom(
    buffer: *mut libc::c_void,
    length: libc::size_t,
    flags: libc::c_uint,
) -> libc::ssize_t {
    let Some(mut state) = RANDOM.get() else {
        // SAFETY: the arguments are those of the caller, for the same function of the kernel.
        return unsafe {
            libc::syscall(libc::SYS_getrandom, buffer, length, flags) as libc::ssize_t
        };
    };
    // SAFETY: the caller promises room for `length` bytes.
    let bytes = unsafe { std::slice::from_raw_parts_mut(buffer.cast::<u8>(), length) };
    for chunk in bytes.chunks_mut(8) {
        let random;
        (state, random) = next_random(state);
        chunk.copy_from_slice(&random.to_le_bytes()[..chunk.len()]);
    }
    RANDOM.set(Some(state));
    length as libc::ssize_t
}

/// Answers the C library's `clock_gettime`.
///
/// # Safety
/// As the C function: `time` points to a writable `timespec`.
#[expect(unsafe_code, reason = "the function replaces one of the C library")]
#[unsafe(no_mangle)]
unsafe extern "C" fn clock_gettime(
    clock: libc::clockid_t,
    time: *mut libc::timespec,
) -> libc::c_int {
    let simulated = CLOCK.try_with(Cell::get).ok().flatten();
    let (Some(simulated), libc::CLOCK_REALTIME) = (simulated, clock) else {
        // SAFETY: the arguments are those of the caller, for the same function of the kernel.
        return unsafe { libc::syscall(libc::SYS_clock_gettime, clock, time) as libc::c_int };
    };
    let nanos = simulated.wall_nanos();
    // SAFETY: the caller promises a writable timespec.
    let time = unsafe { &mut *time };
    time.tv_sec = (nanos / 1_000_000_000) as libc::time_t;
    time.tv_nsec = (nanos % 1_000_000_000) as libc::c_long;
    0
}
