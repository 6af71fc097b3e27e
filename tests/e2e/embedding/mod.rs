//! The embedding pipeline: signed webhook in, rows in PostgreSQL, search finds them; with redelivery, two writers at once, a
//! database that goes away, a provider that refuses one text, and data of other sizes and models, and stores that hang, refuse or are late.

mod flow;
mod logs;
mod outages;
mod stack;

pub(crate) use stack::{invoke as invoke_writer, sqs_event};
