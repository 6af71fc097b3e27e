//! The analytics report: what is worked out of each conversation (map) and of all of them (reduce).
//!
//! [`Record`] is the result of a conversation; it depends on nothing but that conversation, can be stored and read back, and
//! the same records make the same report wherever and in whatever order they were made. [`Reduction`] takes records in
//! the report's order and gives the [`Summary`] and the topic of each.

pub mod cell;
mod flow;
mod record;
mod reduce;
mod summary;
mod transcript;

pub use flow::{Flow, Pace};
pub use record::{Conversation, Record, Sentiment, Transcript};
pub use reduce::{Reduced, Reduction, Row};
pub use summary::{
    Counts, Failure, FlowSummary, LabelCounts, ModelComparison, Range, SentimentSummary, Summary,
    TopicByOutcome, TopicSummary,
};
pub use transcript::{Line, Speaker, joined};

#[cfg(test)]
mod tests;
