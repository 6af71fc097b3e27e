//! Random numbers and the clock of the operating system, from a seed.
//!
//! The standard library seeds its hash maps, `rand` its generators and Tokio its choice among ready branches from the
//! C library's `getrandom`; wall clocks read `clock_gettime`. This module defines both functions, and the linker prefers
//! them to those of the C library. In a thread that [`enter`] has prepared they answer from a seed and from Tokio's paused clock,
//! so that the same seed gives the same run. In every other thread they ask the kernel.

use std::cell::Cell;

use tokio::time::Instant;

/// The wall clock at the start of every simulation, in seconds since the epoch: 2026-01-05 09:00 UTC, a Monday.
pub const START_SECONDS: i64 = 1_767_603_600;

thread_local! {
    /// The state of the random numbers; `None` in a thread that is not simulated.
    static RANDOM: Cell<Option<u64>> = const { Cell::new(None) };
    /// The moment of Tokio's paused clock at which the simulation began.
    static STARTED: Cell<Option<Instant>> = const { Cell::new(None) };
}

/// Makes the random numbers of this thread follow `seed`. Must be called before the thread makes its first hash map.
pub fn enter(seed: u64) {
    RANDOM.set(Some(seed ^ 0x6A09_E667_F3BC_C909));
}

/// Makes the wall clock of this thread follow Tokio's paused clock, which must be running.
pub fn start_clock() {
    STARTED.set(Some(Instant::now()));
}

/// Returns the time since [`start_clock`], in milliseconds.
#[must_use]
pub fn elapsed_ms() -> u64 {
    STARTED.get().map_or(0, |started| {
        u64::try_from(started.elapsed().as_millis()).unwrap_or(u64::MAX)
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
    let started = STARTED.try_with(Cell::get).ok().flatten();
    let (Some(started), libc::CLOCK_REALTIME) = (started, clock) else {
        // SAFETY: the arguments are those of the caller, for the same function of the kernel.
        return unsafe { libc::syscall(libc::SYS_clock_gettime, clock, time) as libc::c_int };
    };
    let elapsed = started.elapsed();
    // SAFETY: the caller promises a writable timespec.
    let time = unsafe { &mut *time };
    time.tv_sec = START_SECONDS + elapsed.as_secs() as i64;
    time.tv_nsec = i64::from(elapsed.subsec_nanos());
    0
}
