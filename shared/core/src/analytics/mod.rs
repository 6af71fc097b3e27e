//! The analytics report: what is computed from each conversation (map) and from all of them (reduce).
//!
//! - A [`Record`] is the map's result for one conversation. A record depends on that conversation only, so that it can be
//!   stored and read back. The same records make the same report, wherever and in whatever order they were made.
//! - A [`ReportReducer`] takes records in the order of the report and returns [`ReportData`]: the [`Summary`] and one
//!   [`ReportRow`] per conversation with its topic.
//!
//! ```
//! use insights_core::analytics::{Conversation, Line, Record, ReportRange, ReportReducer, Speaker};
//! use insights_core::topics::{ClusterSettings, VocabularyLimits};
//! use insights_core::vader::Analyzer;
//!
//! let conversation = Conversation {
//!     conversation_id: "c-1".to_owned(),
//!     start_time: "2026-11-02T09:00:00Z".to_owned(),
//!     duration_seconds: Some(60.0),
//!     disposition: "resolved".to_owned(),
//!     ..Conversation::default()
//! };
//! let lines = vec![Line { speaker: Speaker::Customer, text: "Great help, thank you!".to_owned(), at: None }];
//! let mut reducer = ReportReducer::default();
//! reducer.add(&Record::from_lines(conversation, lines, &mut Analyzer::default()));
//!
//! let range = ReportRange { from: "2026-11-02".to_owned(), to: "2026-11-03".to_owned() };
//! let report = reducer.finish(range, VocabularyLimits::default(), ClusterSettings::default());
//! assert_eq!(report.summary.conversations.with_transcript, 1);
//! assert!(report.rows[0].sentiment.unwrap().overall > 0.5);
//! ```

mod dialogue;
mod flow;
mod insight_summary;
mod insights;
mod part;
mod record;
mod reduce;
mod row;
pub mod spreadsheet;
mod summary;
mod transcript;

pub use dialogue::{dialogue_of_lines, turns_of};
pub use flow::{Flow, Pace};
pub use insight_summary::{RuleByOutcome, RuleSummary, TalkByOutcome, WorstCall};
pub use insights::ConversationInsights;
pub use part::{ConversationPart, PartKind};
pub use record::{Conversation, ConversationSentiment, Record, Transcript};
pub use reduce::{ReportData, ReportReducer};
pub use row::ReportRow;
pub use summary::{
    ConversationCounts, DispositionCount, FailedTranscript, FlowSummary, LabelCounts,
    LanguageCount, ModelComparison, ReportRange, SentimentSummary, SignalCount, Summary,
    TopicByOutcome, TopicSummary,
};
pub use transcript::{Line, Speaker, join_lines, mask_spoken_lines};

#[cfg(test)]
mod tests;
