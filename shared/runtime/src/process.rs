//! The settings of every process, whatever its function is.

use std::time::Duration;

use crate::settings::{seconds, text};
use crate::telemetry::DEFAULT_LOG_FILTER;

crate::settings! {
    /// The settings of every process.
    #[derive(Debug, Clone)]
    pub struct ProcessSettings {
        /// Time of one invocation under an emulator that names no deadline, such as `cargo lambda watch`. Lambda names a deadline, and
        /// this setting has no effect there.
        pub emulated_timeout: Duration = seconds("EMULATED_TIMEOUT_SECONDS", 600, 1..=86_400),
        /// Levels of the log, by module, as `tracing`'s `EnvFilter` reads them.
        pub log_filter: String = text("RUST_LOG", "directives such as info,hyper=warn").or(DEFAULT_LOG_FILTER),
    }
}
