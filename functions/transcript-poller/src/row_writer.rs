//! The row of one call on the board of supervisors. Nothing of the call depends on it: a row that is not written is written again soon.

use std::time::Duration;

use insights_core::WithCauses;
use insights_core::board::{BoardRow, ConversationKind, LastLine};
use insights_core::live::{CallState, ScoredSegment};
use insights_http::Deadline;
use jiff::Timestamp;
use runtime::metrics;
use tokio::time::Instant;

use crate::deps::Deps;

/// Longest time for one read or write of a row, so that a slow store delays the polls no longer than a slow poll does.
const ROW_TIMEOUT: Duration = Duration::from_secs(1);

/// Writes the row of one call.
pub(crate) struct RowWriter<'a> {
    deps: &'a Deps,
    interaction_id: &'a str,
    /// Customer's newest words; `None` until the row that an earlier process has written was read.
    last_line: Option<LastLine>,
    written_at: Option<Instant>,
    /// Whether something was counted since the last write.
    is_changed: bool,
    /// Whether a warning about a row that was not written was logged.
    has_warned: bool,
}

impl<'a> RowWriter<'a> {
    /// Creates the writer of a call whose row was not read yet.
    pub(crate) fn new(deps: &'a Deps, interaction_id: &'a str) -> Self {
        Self {
            deps,
            interaction_id,
            last_line: None,
            written_at: None,
            is_changed: false,
            has_warned: false,
        }
    }

    /// Takes over the words of segments, ordered by their ends.
    pub(crate) async fn note_segments(&mut self, scored: &[ScoredSegment]) {
        let line = match self.last_line.take() {
            Some(line) => line,
            None => LastLine::after(self.read_line().await),
        };
        let line = self.last_line.insert(line);
        for ScoredSegment { segment, .. } in scored {
            line.push(segment.speaker, segment.start, &segment.text);
        }
    }

    /// Notes that a batch was counted, so that the next write is due at once.
    pub(crate) fn note_batch(&mut self) {
        self.is_changed = true;
    }

    /// Writes the row if something was counted, or if it was not written for a while.
    pub(crate) async fn write_if_due(&mut self, call: &CallState) {
        let interval = Duration::try_from(backends::board::REFRESH_INTERVAL).unwrap_or_default();
        let is_old = self
            .written_at
            .is_none_or(|written_at| written_at.elapsed() >= interval);
        if call.ended().is_some() || !(self.is_changed || is_old) {
            return;
        }
        if self.last_line.is_none() {
            self.last_line = Some(LastLine::after(self.read_line().await));
        }
        let line = self.last_line.as_ref().map_or("", LastLine::text);
        let now = Timestamp::now();
        let model = self.deps.model_digest.as_deref();
        let row = BoardRow::of_call(call, line, &self.deps.config.rules, model, now);
        let write = self.deps.board.write(self.interaction_id, &row, now);
        let written = Deadline::within(ROW_TIMEOUT).bound(write).await;
        // Also after a failure: the next attempt is the next batch, or comes after the interval.
        self.written_at = Some(Instant::now());
        self.is_changed = false;
        match written {
            Some(Ok(())) => self.has_warned = false,
            Some(Err(error)) => self.record_failure(Some(&error)),
            None => self.record_failure(None),
        }
    }

    /// Removes the row of a call that has ended.
    pub(crate) async fn remove(&mut self) {
        let removal = self.deps.board.remove(
            self.interaction_id,
            ConversationKind::Call,
            Timestamp::now(),
        );
        match Deadline::within(ROW_TIMEOUT).bound(removal).await {
            Some(Ok(())) => {}
            Some(Err(error)) => self.record_failure(Some(&error)),
            None => self.record_failure(None),
        }
    }

    /// Reads the customer's words from the row that an earlier process has written. They are lost if that fails.
    async fn read_line(&mut self) -> String {
        let read = self.deps.board.row(
            self.interaction_id,
            ConversationKind::Call,
            Timestamp::now(),
        );
        match Deadline::within(ROW_TIMEOUT).bound(read).await {
            Some(Ok(row)) => row.map(|row| row.last_line).unwrap_or_default(),
            Some(Err(error)) => {
                self.record_failure(Some(&error));
                String::new()
            }
            None => String::new(),
        }
    }

    fn record_failure(&mut self, error: Option<&store::Error>) {
        metrics::count_store_error();
        if self.has_warned {
            return;
        }
        self.has_warned = true;
        match error {
            Some(error) => tracing::warn!(
                interaction_id = self.interaction_id,
                cause = %WithCauses(error),
                "the row of a call on the board was not written"
            ),
            None => tracing::warn!(
                interaction_id = self.interaction_id,
                "the row of a call on the board was not written in time"
            ),
        }
    }
}
