//! Recording what the process logs.

use std::io::Write;
use std::sync::{Arc, Mutex, PoisonError};

#[cfg(feature = "fixture")]
use runtime::telemetry::Format;
use tracing::Level;
use tracing_subscriber::fmt::MakeWriter;
use tracing_subscriber::util::SubscriberInitExt;

/// The log lines of this process since [`CapturedLogs::install`]. Clones share one buffer.
#[derive(Debug, Clone, Default)]
pub struct CapturedLogs(Arc<Mutex<Vec<u8>>>);

impl CapturedLogs {
    /// Starts to record everything that the process logs at `level` or above.
    ///
    /// The subscriber is installed for the whole process and not for one thread: `tracing` caches per call site whether
    /// anybody listens, and tests on other threads would fill that cache with "nobody" first.
    ///
    /// # Panics
    /// If the process has a global subscriber already: a test binary can have one test that captures logs.
    #[must_use]
    pub fn install(level: Level) -> Self {
        let captured = Self::default();
        tracing_subscriber::fmt()
            .with_max_level(level)
            .with_ansi(false)
            .without_time()
            .with_writer(captured.clone())
            .try_init()
            .expect("no other global subscriber in this test binary");
        captured
    }

    /// Starts to record what a deployed function logs where `RUST_LOG` holds this filter, in the form of a function's log.
    ///
    /// # Panics
    /// As [`CapturedLogs::install`].
    #[cfg(feature = "fixture")]
    #[must_use]
    pub fn install_as_deployed(filter: &str) -> Self {
        let captured = Self::default();
        runtime::telemetry::subscriber(Format::Json, filter, captured.clone())
            .try_init()
            .expect("no other global subscriber in this test binary");
        captured
    }

    /// Returns everything that was logged so far.
    #[must_use]
    pub fn text(&self) -> String {
        let bytes = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        String::from_utf8_lossy(&bytes).into_owned()
    }

    /// Asserts that no logged line contains any of `forbidden`. The time at which a line was logged is left out, because its
    /// digits are those of any number.
    ///
    /// # Panics
    /// If a line contains one of the texts; the message shows the line.
    pub fn assert_never_logged(&self, forbidden: &[&str]) {
        let text = self.text();
        for word in forbidden {
            let line = text
                .lines()
                .map(without_time)
                .find(|line| line.contains(word));
            assert!(line.is_none(), "{word:?} is logged: {line:?}");
        }
    }
}

/// Returns a line of a deployed function's log without its first field, the time.
fn without_time(line: &str) -> &str {
    line.strip_prefix(r#"{"timestamp":""#)
        .and_then(|rest| rest.split_once('"'))
        .map_or(line, |(_, rest)| rest)
}

impl Write for CapturedLogs {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        let mut buffer = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        buffer.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

impl<'a> MakeWriter<'a> for CapturedLogs {
    type Writer = Self;

    fn make_writer(&'a self) -> Self {
        self.clone()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_logged_is_recorded_and_what_is_forbidden_is_found() {
        let logs = CapturedLogs::install(Level::INFO);
        tracing::info!(conversation_id = "c-1", "the batch was stored");
        tracing::debug!("below the level");
        assert!(logs.text().contains("the batch was stored"));
        logs.assert_never_logged(&["below the level"]);
        let found = std::panic::catch_unwind(|| logs.assert_never_logged(&["c-1"]));
        assert!(found.is_err(), "a forbidden text must fail the assertion");
        let deployed = r#"{"timestamp":"2026-01-02T03:04:05.541110Z","level":"INFO"}"#;
        assert_eq!(without_time(deployed), r#","level":"INFO"}"#);
    }
}
