//! Logs: one JSON object a line on standard error, fields with units, never the text of a conversation.

use std::io::IsTerminal;

use tracing_subscriber::EnvFilter;

/// The levels of a function's log where `RUST_LOG` sets no others: `info`, and `warn` of the libraries.
pub const DEFAULT_LOG_FILTER: &str =
    "info,hyper=warn,aws=warn,aws_config=warn,tract=warn,lambda_runtime=warn";

/// The form that log lines have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// One JSON object a line: what CloudWatch Logs Insights reads.
    Json,
    /// Short lines for a person at a terminal.
    Human,
}

/// Starts logging to standard error. `RUST_LOG` overrides the level: else `info`, and `warn` of the libraries.
/// Calling it again does nothing, so that tests may each call it.
pub fn init(format: Format) {
    init_from(format, DEFAULT_LOG_FILTER);
}

/// Starts logging as [`init`] does, with another default level, e.g. `warn` for a command whose answer is all that its user wants to see.
pub fn init_from(format: Format, level: &str) {
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new(level));
    let builder = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr);
    let _already_set = match format {
        Format::Json => builder
            .json()
            .flatten_event(true)
            .with_current_span(false)
            .try_init(),
        Format::Human => builder
            .compact()
            .with_ansi(std::io::stderr().is_terminal())
            .with_target(false)
            .without_time()
            .try_init(),
    };
}
