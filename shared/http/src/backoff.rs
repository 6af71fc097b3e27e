//! The workspace's one backoff, and waiting by it.
//!
//! The policies and their arithmetic are [`insights_core::backoff`], which is pure; this module exports them again and
//! adds the wait itself, which needs a random number and a clock.
//!
//! ```
//! use insights_http::backoff::{self, Backoff, BackoffPolicy};
//!
//! # #[tokio::main(flavor = "current_thread", start_paused = true)]
//! # async fn main() {
//! let mut answers = [Err("throttled"), Err("throttled"), Ok("stored")].into_iter();
//! let mut write = || answers.next().unwrap();
//!
//! let mut backoff = Backoff::new(BackoffPolicy::STORE);
//! let stored = loop {
//!     match write() {
//!         Ok(stored) => break stored,
//!         Err(_) => backoff::wait(&mut backoff).await,
//!     }
//! };
//! assert_eq!((stored, backoff.attempt()), ("stored", 2));
//! # }
//! ```

pub use insights_core::backoff::{Backoff, BackoffPolicy, Jitter};

/// Counts a failure in `backoff` and waits as long as its policy says.
///
/// The wait may be canceled, in a `select!` for example; the failure stays counted.
pub async fn wait(backoff: &mut Backoff) {
    tokio::time::sleep(backoff.next_delay(rand::random())).await;
}
