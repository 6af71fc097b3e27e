//! One round over the chunks of a part that are not complete: fetches transcripts concurrently, stores chunks in order.

use std::collections::{HashMap, VecDeque};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use anyhow::Context;
use backends::conversation_source::SourceTranscript;
use cxone::Error;
use cxone::conversations::TranscriptLines;
use futures::stream::FuturesOrdered;
use futures::{FutureExt, TryStreamExt};
use insights_core::analytics::{
    Conversation, ConversationInsights, Line, Record, Speaker, Transcript, dialogue_of_lines,
    join_lines,
};
use insights_core::rules::RuleFile;
use insights_core::scale::round_score;
use insights_core::signals::Signals;
use insights_core::vader::Analyzer;
use insights_http::rate_limit::RateLimitTimeout;
use insights_http::{Deadline, WithCauses};

use super::waiting::{Waits, is_fatal, is_forbidden};
use crate::deps::Deps;
use crate::listing::Listing;
use crate::part::{ChunkState, Part};
use crate::progress::Progress;
use crate::redaction::mask_lines;

/// Time limit of one transcript, tries and waits between them included.
const TRANSCRIPT_TIMEOUT: Duration = Duration::from_secs(60);
/// Number of consecutive unreachable transcripts after which the contact center counts as down. The run waits then, and ends if
/// the outage goes on, because the other transcripts would only fail one by one.
const MAX_UNREACHABLE_IN_A_ROW: usize = 40;
/// Number of consecutive transcripts that the client may not read after which it counts as lacking the scope, rather than the
/// right to read single conversations. The run ends then.
const MAX_FORBIDDEN_IN_A_ROW: usize = 20;
/// What is said where the deadline ends a run.
const TIME_IS_UP: &str = "the time is up; the next run goes on from here";

/// What came of a round.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct RoundResult {
    /// The number of transcripts that could not be fetched.
    pub(super) failed: usize,
    /// The number of those for which another try may succeed.
    pub(super) transient: usize,
    /// The number of conversations for which the contact center answered in this round.
    pub(super) fetched: usize,
}

/// Whether a round is the first one of its run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Repetition {
    /// The round is the first one.
    First {
        /// Whether conversations are asked for that had no transcript at an earlier run.
        asks_missing_again: bool,
    },
    /// An earlier round of this run has asked for the same transcripts.
    Again,
}

/// Returns the lines of a transcript, as far as it has any. One whose text was removed has none, and one that may follow is asked
/// for by a later run.
fn lines_of(transcript: SourceTranscript) -> Option<TranscriptLines> {
    match transcript {
        SourceTranscript::Complete(lines) | SourceTranscript::Partial(lines) => Some(lines),
        SourceTranscript::NotYet | SourceTranscript::Missing | SourceTranscript::Removed => None,
    }
}

/// One round over the chunks that are not complete.
pub(super) struct Round<'a> {
    deps: &'a Deps,
    part: &'a Part,
    listing: &'a Listing,
    deadline: Deadline,
    repetition: Repetition,
    rules: &'a RuleFile,
    /// The number of conversations that have a record so far.
    done: AtomicUsize,
    /// The number of conversations for which the contact center answered.
    fetched: AtomicUsize,
    /// The number of consecutive transcripts that were unreachable.
    unreachable_in_a_row: AtomicUsize,
    /// The number of consecutive transcripts for which the client lacked the right.
    forbidden_in_a_row: AtomicUsize,
}

impl<'a> Round<'a> {
    /// Prepares a round over the chunks of a listing.
    pub(super) fn new(
        deps: &'a Deps,
        part: &'a Part,
        listing: &'a Listing,
        deadline: Deadline,
        repetition: Repetition,
        rules: &'a RuleFile,
    ) -> Self {
        Self {
            deps,
            part,
            listing,
            deadline,
            repetition,
            rules,
            done: AtomicUsize::new(0),
            fetched: AtomicUsize::new(0),
            unreachable_in_a_row: AtomicUsize::new(0),
            forbidden_in_a_row: AtomicUsize::new(0),
        }
    }

    /// Fetches what the chunks lack and stores every chunk as soon as its last record is known.
    ///
    /// Transcripts are fetched concurrently, but their records arrive in the order of the chunks, so that a chunk fills from its
    /// first conversation to its last.
    pub(super) async fn run(&self) -> anyhow::Result<RoundResult> {
        let states = self.part.chunk_states().await?;
        let open: Vec<usize> = self
            .listing
            .chunk_numbers()
            .filter(|number| self.is_open(states.get(number).copied()))
            .collect();
        let missing: usize = open
            .iter()
            .map(|number| self.listing.chunk(*number).len())
            .sum();
        self.done.store(
            self.listing.conversation_count() - missing,
            Ordering::Relaxed,
        );
        self.report_progress(0);

        let mut result = RoundResult::default();
        let mut chunk = Vec::new();
        let mut numbers = open.clone().into_iter();
        let mut current = numbers.next();
        let mut open = open.into_iter();
        let mut pending = VecDeque::new();
        let mut in_flight = FuturesOrdered::new();
        loop {
            while in_flight.len() < self.deps.config.concurrency {
                if pending.is_empty() {
                    let Some(number) = open.next() else { break };
                    pending.extend(
                        self.stored_records(number, states.get(&number).copied())
                            .await?,
                    );
                }
                if let Some((conversation, stored)) = pending.pop_front() {
                    in_flight.push_back(self.make_record(conversation, stored).boxed());
                }
            }
            let Some(record) = in_flight.try_next().await? else {
                break;
            };
            if let Transcript::Failed { is_transient, .. } = &record.transcript {
                result.failed += 1;
                result.transient += usize::from(*is_transient);
            }
            chunk.push(record);
            self.report_progress(1);
            if let Some(number) =
                current.filter(|number| chunk.len() == self.listing.chunk(*number).len())
            {
                let earlier = states.get(&number).copied();
                self.part.write_chunk(number, &chunk, earlier).await?;
                chunk.clear();
                current = numbers.next();
            }
        }
        result.fetched = self.fetched.load(Ordering::Relaxed);
        Ok(result)
    }

    /// Returns whether a round has something to ask for in a chunk of this state.
    fn is_open(&self, state: Option<ChunkState>) -> bool {
        match state {
            None | Some(ChunkState::HasFailures) => true,
            Some(ChunkState::HasGaps) => self.asks_missing_again(),
            Some(ChunkState::Complete) => false,
        }
    }

    /// Returns whether this round asks for transcripts that did not exist at an earlier run.
    fn asks_missing_again(&self) -> bool {
        matches!(
            self.repetition,
            Repetition::First {
                asks_missing_again: true
            }
        )
    }

    /// Returns the conversations of a chunk, each with its record if an earlier run has stored one.
    async fn stored_records(
        &self,
        number: usize,
        state: Option<ChunkState>,
    ) -> anyhow::Result<Vec<(Conversation, Option<Record>)>> {
        let mut stored = match state {
            Some(state) => self.part.read_chunk(number, state).await?,
            None => HashMap::new(),
        };
        let conversations = self.listing.chunk(number).iter();
        Ok(conversations
            .map(|conversation| {
                let record = stored.remove(&conversation.conversation_id);
                (conversation.clone(), record)
            })
            .collect())
    }

    /// Returns the record of a conversation: the stored record, unless its transcript failed; else a new one.
    async fn make_record(
        &self,
        conversation: Conversation,
        stored: Option<Record>,
    ) -> anyhow::Result<Record> {
        let earlier_failure = match stored {
            Some(Record {
                transcript:
                    Transcript::Failed {
                        reason,
                        is_transient,
                    },
                ..
            }) => Some((reason, is_transient)),
            Some(Record {
                transcript: Transcript::Missing,
                ..
            }) if self.asks_missing_again() => None,
            Some(record) => {
                return Ok(Record {
                    conversation,
                    ..record
                });
            }
            None => None,
        };
        let fetched = self
            .fetch_transcript(&conversation)
            .await
            .context(TIME_IS_UP)?;
        match fetched {
            Ok(Some(transcript)) => self.score_transcript(conversation, transcript).await,
            Ok(None) => Ok(Record::without_transcript(conversation)),
            Err(error) if self.deadline.has_passed() => Err(error).context(TIME_IS_UP),
            Err(error) if is_fatal(&error) => Err(error).context("transcripts cannot be fetched"),
            Err(error)
                if self.forbidden_in_a_row.load(Ordering::Relaxed) >= MAX_FORBIDDEN_IN_A_ROW =>
            {
                Err(error).context("transcripts cannot be fetched")
            }
            Err(error) if self.is_outage() => {
                let in_a_row = self.unreachable_in_a_row.load(Ordering::Relaxed);
                Err(error).context(format!(
                    "{in_a_row} transcripts in a row were out of reach; run it again to go on from here"
                ))
            }
            Err(error) => {
                // An open circuit breaker says less than the failure before it opened.
                let known = earlier_failure.filter(|_| error.is_circuit_open());
                let (reason, is_transient) =
                    known.unwrap_or_else(|| (WithCauses(&error).to_string(), error.is_retryable()));
                Ok(Record::with_failed_transcript(
                    conversation,
                    reason,
                    is_transient,
                ))
            }
        }
    }

    /// Fetches a transcript at the limited rate, and waits out refusals that ask for it and outages of the contact center.
    ///
    /// The outer error says that the rate limit leaves no room before the deadline.
    async fn fetch_transcript(
        &self,
        conversation: &Conversation,
    ) -> Result<Result<Option<TranscriptLines>, Error>, RateLimitTimeout> {
        let mut waits = Waits::new(self.deadline).with_outage_wait(self.deps.config.outage_wait);
        loop {
            self.deps.limiter.acquire(self.deadline).await?;
            let timeout = self.deadline.or_within(TRANSCRIPT_TIMEOUT);
            let result = self.deps.source.transcript(conversation, timeout).await;
            let Err(error) = result else {
                self.fetched.fetch_add(1, Ordering::Relaxed);
                self.unreachable_in_a_row.store(0, Ordering::Relaxed);
                self.forbidden_in_a_row.store(0, Ordering::Relaxed);
                return Ok(result.map(lines_of));
            };
            // The round before has waited for the circuit breaker already.
            let has_waited = error.is_circuit_open() && self.repetition == Repetition::Again;
            if !has_waited && waits.should_wait(&error) {
                waits.wait(&error).await;
                continue;
            }
            self.count_failure(&error);
            if self.is_outage() && waits.should_wait_out(&error) {
                self.deps.report_progress(Progress::Waiting);
                waits.wait(&error).await;
                continue;
            }
            return Ok(Err(error));
        }
    }

    /// Counts a transcript that could not be fetched among those in a row that failed in the same way.
    fn count_failure(&self, error: &Error) {
        let count = |counter: &AtomicUsize, is_one_more: bool| {
            if is_one_more {
                counter.fetch_add(1, Ordering::Relaxed);
            } else {
                counter.store(0, Ordering::Relaxed);
            }
        };
        count(&self.unreachable_in_a_row, error.is_retryable());
        count(&self.forbidden_in_a_row, is_forbidden(error));
    }

    /// Returns whether so many transcripts in a row were out of reach that the contact center counts as down.
    fn is_outage(&self) -> bool {
        self.unreachable_in_a_row.load(Ordering::Relaxed) >= MAX_UNREACHABLE_IN_A_ROW
    }

    /// Computes the record of a conversation from its transcript, with the local model's score if the run has a model. Its
    /// text is masked; its figures are those of what was said.
    async fn score_transcript(
        &self,
        conversation: Conversation,
        transcript: TranscriptLines,
    ) -> anyhow::Result<Record> {
        let TranscriptLines { lines, unreadable } = transcript;
        let is_said_by_customer =
            |line: &&Line| line.speaker == Speaker::Customer && !line.text.trim().is_empty();
        let customer_texts: Vec<String> = match &self.deps.model {
            Some(_) => lines
                .iter()
                .filter(is_said_by_customer)
                .map(|line| line.text.clone())
                .collect(),
            None => Vec::new(),
        };
        let policy = &self.deps.config.redaction;
        let masked = policy.as_ref().map(|policy| mask_lines(&lines, policy));
        let insights = self.find_insights(&conversation, &lines, unreadable).await;
        let mut record = Record::from_lines(conversation, lines, &mut Analyzer::default())
            .with_unreadable_lines(unreadable);
        if matches!(record.transcript, Transcript::Present { .. }) {
            record = record.with_insights(insights);
        }
        if let (Some(model), Transcript::Present { sentiment, .. }) =
            (&self.deps.model, &mut record.transcript)
            && !customer_texts.is_empty()
        {
            let lines = model(customer_texts)
                .await
                .context("the local model did not score the customer's lines")?;
            let scores: Vec<f64> = lines.iter().filter_map(|line| line.score).collect();
            let mean = scores.iter().sum::<f64>() / scores.len().max(1) as f64;
            sentiment.model = (!scores.is_empty()).then(|| round_score(mean));
            sentiment.signals = lines
                .iter()
                .fold(Signals::NONE, |all, line| all.union(line.signals));
        }
        // The figures are those of the words that were said, the text is the masked one.
        if let Some(masked) = masked {
            record.replace_text(join_lines(&masked));
        }
        Ok(record)
    }

    /// Computes what rules, talk metrics and the card say of a conversation.
    async fn find_insights(
        &self,
        conversation: &Conversation,
        lines: &[Line],
        unreadable: usize,
    ) -> ConversationInsights {
        let has_times = lines.iter().all(|line| line.at.is_some());
        let mut dialogue = dialogue_of_lines(
            &conversation.start_time,
            conversation.duration_seconds,
            lines.to_vec(),
            unreadable,
        );
        if let Some(model) = &self.deps.similarity
            && !self.rules.prototypes().is_empty()
        {
            model.embed(&mut dialogue).await;
        }
        ConversationInsights::new(
            &dialogue,
            self.deps.config.redaction.as_ref(),
            has_times,
            self.rules,
            Some(&self.deps.intents),
        )
    }

    /// Adds to the number of conversations with a record and reports the progress.
    fn report_progress(&self, more: usize) {
        let done = self.done.fetch_add(more, Ordering::Relaxed) + more;
        self.deps.report_progress(Progress::Fetched {
            done,
            total: self.listing.conversation_count(),
        });
    }
}
