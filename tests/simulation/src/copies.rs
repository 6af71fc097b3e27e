//! Copies of this process, one for each schedule.
//!
//! Tokio takes its choice among ready branches from a number that it counts up in a whole process, so that a second schedule of one
//! process would not be what it is alone. In a process that has just started, most of the time goes into what a process makes once:
//! tables of tokens, patterns, certificates. So one process runs a schedule first, whose result nobody needs, and is copied then:
//! every copy has these tables, and begins with the same numbers, whichever schedule it runs and however many ran before.

use std::collections::HashMap;
use std::fs::File;
use std::io::{Read, Seek, Write};
use std::os::fd::AsRawFd;
use std::panic::AssertUnwindSafe;
use std::time::{Duration, Instant};

use anyhow::{Context, ensure};

/// How long the threads of a schedule may take to end.
const ENDING_TIMEOUT: Duration = Duration::from_secs(30);

/// What a copy did.
#[derive(Debug)]
pub struct Ended {
    /// The seed that the copy was made for.
    pub seed: u64,
    /// Whether its work succeeded.
    pub is_success: bool,
    /// What the copy printed, errors included.
    pub printed: String,
}

/// The copies that run.
#[derive(Debug, Default)]
pub struct Copies {
    running: HashMap<libc::pid_t, (u64, File)>,
}

impl Copies {
    /// Returns how many copies run.
    #[must_use]
    pub fn count(&self) -> usize {
        self.running.len()
    }

    /// Lets a copy of this process do `work`, and print into a file. The copy ends with its work.
    ///
    /// # Errors
    /// If this process has other threads, which a copy would lack, or the system makes no copy.
    pub fn start(&mut self, seed: u64, work: impl FnOnce() -> bool) -> anyhow::Result<()> {
        wait_until_alone()?;
        let output = tempfile::tempfile().context("a file for what a copy prints")?;
        // SAFETY: this process has one thread, so that no lock is held by a thread that the copy lacks.
        #[expect(unsafe_code, reason = "the standard library makes no copies")]
        let id = unsafe { libc::fork() };
        if id == 0 {
            let is_success = print_into(&output) && succeeds(work);
            // SAFETY: ends the process. What it would do at its end is left to the process that was copied.
            #[expect(
                unsafe_code,
                reason = "the standard library ends no process in this way"
            )]
            unsafe {
                libc::_exit(libc::c_int::from(!is_success))
            };
        }
        if id < 0 {
            return Err(std::io::Error::last_os_error()).context("a copy of this process");
        }
        self.running.insert(id, (seed, output));
        Ok(())
    }

    /// Waits until one of the copies has ended.
    ///
    /// # Errors
    /// If none runs, or what it printed cannot be read.
    pub fn wait(&mut self) -> anyhow::Result<Ended> {
        loop {
            let mut status = 0;
            // SAFETY: `status` is writable.
            #[expect(
                unsafe_code,
                reason = "the copies are not those of the standard library"
            )]
            let id = unsafe { libc::waitpid(-1, &raw mut status, 0) };
            if id < 0 {
                let error = std::io::Error::last_os_error();
                if error.kind() == std::io::ErrorKind::Interrupted {
                    continue;
                }
                return Err(error).context("a copy that runs");
            }
            let Some((seed, mut output)) = self.running.remove(&id) else {
                continue;
            };
            let mut printed = Vec::new();
            output.rewind()?;
            output.read_to_end(&mut printed)?;
            return Ok(Ended {
                seed,
                is_success: libc::WIFEXITED(status) && libc::WEXITSTATUS(status) == 0,
                printed: String::from_utf8_lossy(&printed).into_owned(),
            });
        }
    }
}

/// Makes this process print into a file, errors included. Returns whether that was possible.
fn print_into(output: &File) -> bool {
    [libc::STDOUT_FILENO, libc::STDERR_FILENO]
        .iter()
        .all(|stream| {
            // SAFETY: both are open descriptors of this process.
            #[expect(
                unsafe_code,
                reason = "the standard library does not redirect its own process"
            )]
            let duplicate = unsafe { libc::dup2(output.as_raw_fd(), *stream) };
            duplicate >= 0
        })
}

/// Does the work of a copy. Returns whether it succeeded; a panic is none.
fn succeeds(work: impl FnOnce() -> bool) -> bool {
    let result = std::panic::catch_unwind(AssertUnwindSafe(work));
    let is_printed = std::io::stdout().flush().is_ok();
    result.unwrap_or(false) && is_printed
}

/// Waits until the threads of an earlier schedule have ended.
fn wait_until_alone() -> anyhow::Result<()> {
    let started = Instant::now();
    loop {
        let threads = std::fs::read_dir("/proc/self/task")
            .context("the threads of this process")?
            .count();
        if threads == 1 {
            return Ok(());
        }
        ensure!(
            started.elapsed() < ENDING_TIMEOUT,
            "{threads} threads run, of which a copy of this process would have one"
        );
        #[expect(
            clippy::disallowed_methods,
            reason = "no runtime runs here, and this thread is the only one that waits"
        )]
        std::thread::sleep(Duration::from_millis(1));
    }
}
