//! A log line as one flat JSON object: the fields of the event and of the spans around it side by side, so that a search finds
//! every line of a request by `request_id`.

use std::fmt;

use serde_json::{Map, Value};
use tracing::field::{Field, Visit};
use tracing::{Event, Subscriber};
use tracing_subscriber::fmt::format::Writer;
use tracing_subscriber::fmt::time::{FormatTime, SystemTime};
use tracing_subscriber::fmt::{FmtContext, FormatEvent, FormatFields, FormattedFields};
use tracing_subscriber::registry::LookupSpan;

/// The names of the fields that every line has, which no event may replace.
const FIXED: [&str; 2] = ["timestamp", "level"];

/// What the crate `log` calls the fields that stand for the metadata of its records.
const LOG_PREFIX: &str = "log.";
const LOG_TARGET: &str = "log.target";

/// Writes events as flat JSON objects. The fields of spans must be formatted as JSON.
pub(super) struct JsonLine;

impl<S, N> FormatEvent<S, N> for JsonLine
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    N: for<'a> FormatFields<'a> + 'static,
{
    fn format_event(
        &self,
        context: &FmtContext<'_, S, N>,
        mut writer: Writer<'_>,
        event: &Event<'_>,
    ) -> fmt::Result {
        let mut time = String::new();
        SystemTime.format_time(&mut Writer::new(&mut time))?;
        let mut line = Line(Map::new());
        line.0.insert("timestamp".to_owned(), time.into());
        let level = event.metadata().level().as_str();
        line.0.insert("level".to_owned(), level.into());
        // The place of the message is before the fields of the spans.
        line.0.insert("message".to_owned(), Value::Null);
        for span in context
            .event_scope()
            .into_iter()
            .flat_map(|s| s.from_root())
        {
            let extensions = span.extensions();
            let fields = extensions.get::<FormattedFields<N>>();
            let fields = fields.and_then(|fields| serde_json::from_str(&fields.fields).ok());
            for (name, value) in fields.unwrap_or_else(Map::new) {
                line.insert(&name, value);
            }
        }
        event.record(&mut line);
        let target = line.0.shift_remove(LOG_TARGET);
        let target = target.unwrap_or_else(|| event.metadata().target().into());
        line.0.retain(|name, _| !name.starts_with(LOG_PREFIX));
        line.0.insert("target".to_owned(), target);
        writeln!(writer, "{}", Value::Object(line.0))
    }
}

/// The fields of a line, in their order.
struct Line(Map<String, Value>);

impl Line {
    fn insert(&mut self, name: &str, value: Value) {
        if !FIXED.contains(&name) {
            self.0.insert(name.to_owned(), value);
        }
    }
}

impl Visit for Line {
    fn record_f64(&mut self, field: &Field, value: f64) {
        self.insert(field.name(), value.into());
    }

    fn record_i64(&mut self, field: &Field, value: i64) {
        self.insert(field.name(), value.into());
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        self.insert(field.name(), value.into());
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        self.insert(field.name(), value.into());
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        self.insert(field.name(), value.into());
    }

    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        self.insert(field.name(), format!("{value:?}").into());
    }
}
