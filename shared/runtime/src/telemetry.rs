//! Logs: one JSON object a line on standard error, fields with units, never the text of a conversation.
//!
//! Libraries log what they were given: a database client its parameters, a WebSocket its frames, an HTTP client its headers, each
//! below `warn`. So whatever the filter says, modules of other projects are heard at `warn` and above only.

mod json_line;
mod own_modules;

use std::any::Any;
use std::io::IsTerminal;

use tracing::Subscriber;
use tracing_subscriber::filter::{EnvFilter, FilterExt, filter_fn};
use tracing_subscriber::fmt::MakeWriter;
use tracing_subscriber::fmt::format::JsonFields;
use tracing_subscriber::layer::{Layer, SubscriberExt};
use tracing_subscriber::registry::Registry;
use tracing_subscriber::util::SubscriberInitExt;

use self::json_line::JsonLine;
pub use self::own_modules::OWN_MODULES;
use self::own_modules::may_be_logged;

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
    let has_color = std::io::stderr().is_terminal();
    let _already_set = build(format, filter, has_color, std::io::stderr).try_init();
}

/// Logs a panic with its place and, where the message is a constant, with the message. A message that was put together may quote the
/// text that could not be cut, so it is left out. Binaries call this at start; tests keep their messages.
pub fn hide_panic_messages() {
    std::panic::set_hook(Box::new(|info| {
        let place = info
            .location()
            .map_or_else(String::new, ToString::to_string);
        let reason = constant_message(info.payload());
        tracing::error!(place, reason, "a part of the program panicked");
    }));
}

/// Returns the message of a panic if it is a constant of the program, else what stands in its place.
fn constant_message(payload: &(dyn Any + Send)) -> &'static str {
    payload
        .downcast_ref::<&'static str>()
        .copied()
        .unwrap_or("the message is left out because it may quote a text")
}

/// Returns what [`init`] starts, with a filter as `RUST_LOG` holds one and another place for the lines. Tests look into that place.
pub fn subscriber<W>(format: Format, filter: &str, writer: W) -> Box<dyn Subscriber + Send + Sync>
where
    W: for<'a> MakeWriter<'a> + Send + Sync + 'static,
{
    build(format, EnvFilter::new(filter), false, writer)
}

fn build<W>(
    format: Format,
    filter: EnvFilter,
    has_color: bool,
    writer: W,
) -> Box<dyn Subscriber + Send + Sync>
where
    W: for<'a> MakeWriter<'a> + Send + Sync + 'static,
{
    let filter = filter.and(filter_fn(may_be_logged));
    let lines = tracing_subscriber::fmt::layer::<Registry>().with_writer(writer);
    match format {
        Format::Json => {
            let lines = lines
                .event_format(JsonLine)
                .fmt_fields(JsonFields::new())
                .with_ansi(false);
            Box::new(Registry::default().with(lines.with_filter(filter)))
        }
        Format::Human => {
            let lines = lines
                .compact()
                .with_ansi(has_color)
                .with_target(false)
                .without_time();
            Box::new(Registry::default().with(lines.with_filter(filter)))
        }
    }
}

#[cfg(test)]
mod tests;
