//! What an invocation answers: numbers and the key of the summary, never anything about single conversations.
//!
//! A state machine can pass on 256 KB, and a list of failed transcripts can be longer; the summary has that list.

use anyhow::bail;
use serde::Serialize;

use crate::collect::CollectedPart;
use crate::report::{SUMMARY_FILE, WrittenReport};

/// The result of a task.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "mode", rename_all = "lowercase")]
pub enum Reply {
    /// The part of one day is collected.
    Map {
        /// The number of conversations of the part.
        conversations: usize,
        /// The number of conversations whose transcript could not be fetched.
        failed_transcripts: usize,
    },
    /// The report is written.
    Report(ReportReply),
    /// The finished conversations were put into the embedding queue.
    Feed(feeder::Summary),
    /// Another invocation writes the same report, so that this one did nothing.
    Busy {
        /// The name of the run.
        run: String,
    },
}

/// The figures of a written report.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ReportReply {
    /// The number of conversations.
    pub conversations: usize,
    /// The number of conversations with a transcript.
    pub with_transcript: usize,
    /// The number of conversations whose transcript could not be fetched.
    pub failed_transcripts: usize,
    /// The key of the summary, which lists the failed transcripts with their reasons and lies beside the other files.
    pub summary: String,
}

impl ReportReply {
    /// Sums up a report that was written below `prefix`.
    pub(crate) fn new(written: &WrittenReport, prefix: &str) -> Self {
        Self {
            conversations: written.conversations,
            with_transcript: written.with_transcript,
            failed_transcripts: written.failed_transcripts.len(),
            summary: format!("{prefix}{SUMMARY_FILE}"),
        }
    }
}

/// Fails if a later run may add something to a written report: transcripts failed for a reason that may go away, or every
/// transcript failed, so that the reason is hardly one of single conversations.
///
/// # Errors
/// If that is so; the message has the reason of one transcript.
pub(crate) fn fail_if_unfinished(
    collected: CollectedPart,
    written: &WrittenReport,
) -> anyhow::Result<()> {
    let first = written.failed_transcripts.first();
    let reason = first.map_or("unknown reason", String::as_str);
    if collected.transient > 0 {
        bail!(
            "the report is written without {} transcripts that the next run asks for again; one of those that failed is {reason}",
            collected.transient
        );
    }
    if collected.failed > 0 && collected.failed == collected.conversations {
        bail!("no transcript could be fetched; one of those that failed is {reason}");
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(conversations: usize, failed: usize) -> WrittenReport {
        WrittenReport {
            conversations,
            with_transcript: conversations - failed,
            failed_transcripts: vec!["c-1: status 503".to_owned(); failed],
            files: Vec::new(),
        }
    }

    fn collected(conversations: usize, failed: usize, transient: usize) -> CollectedPart {
        CollectedPart {
            conversations,
            failed,
            transient,
        }
    }

    #[test]
    fn the_reply_stays_small_however_many_transcripts_failed() {
        let reply = Reply::Report(ReportReply::new(&written(60_000, 50_000), "reports/r/"));
        assert_eq!(
            serde_json::to_value(&reply).unwrap(),
            serde_json::json!({
                "mode": "report", "conversations": 60_000, "with_transcript": 10_000, "failed_transcripts": 50_000,
                "summary": "reports/r/summary.json",
            })
        );
    }

    #[test]
    fn what_may_pass_fails_the_run_and_what_was_refused_for_good_does_not() {
        assert!(fail_if_unfinished(collected(5, 2, 1), &written(5, 2)).is_err());
        assert!(fail_if_unfinished(collected(5, 2, 0), &written(5, 2)).is_ok());
        assert!(fail_if_unfinished(collected(5, 0, 0), &written(5, 0)).is_ok());
        assert!(fail_if_unfinished(collected(0, 0, 0), &written(0, 0)).is_ok());
        let all = fail_if_unfinished(collected(5, 5, 0), &written(5, 5)).unwrap_err();
        assert!(all.to_string().contains("status 503"), "{all}");
    }
}
