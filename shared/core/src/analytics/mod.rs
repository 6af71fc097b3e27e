//! The analytics report: what is worked out of each conversation (map) and of all of them (reduce).
//!
//! [`Record`] is the result of a conversation; it depends on nothing but that conversation, can be stored and read back, and
//! the same records make the same report wherever and in whatever order they were made. [`ReportReducer`] takes records in
//! the report's order and gives the [`Summary`] and the topic of each.

pub mod cell;
mod flow;
mod record;
mod reduce;
mod summary;
mod transcript;

pub use flow::{Flow, Pace};
pub use record::{Conversation, ConversationSentiment, Record, Transcript};
pub use reduce::{ReportData, ReportReducer, ReportRow};
pub use summary::{
    ConversationCounts, FailedTranscript, FlowSummary, LabelCounts, ModelComparison, ReportRange,
    SentimentSummary, Summary, TopicByOutcome, TopicSummary,
};
pub use transcript::{Line, Speaker, join_lines};

#[cfg(test)]
mod tests;
