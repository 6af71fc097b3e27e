//! One round over the chunks of a part that are not complete: fetches transcripts concurrently, stores chunks in order.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use anyhow::Context;
use cxone::{Error, conversations};
use futures::stream::FuturesOrdered;
use futures::{FutureExt, TryStreamExt};
use insights_core::analytics::{Conversation, Line, Record, Speaker, Transcript};
use insights_core::scale::round_score;
use insights_core::vader::Analyzer;
use insights_http::rate_limit::RateLimitTimeout;
use insights_http::{Deadline, WithCauses};

use super::waiting::{Waits, is_fatal};
use crate::deps::Deps;
use crate::part::{ChunkState, Listing, Part};
use crate::progress::Progress;

/// Time limit of one transcript, tries and waits between them included.
const TRANSCRIPT_TIMEOUT: Duration = Duration::from_secs(60);
/// Number of consecutive unreachable transcripts after which the contact center counts as down. The run ends then, because
/// the other transcripts would only fail one by one.
const MAX_UNREACHABLE_IN_A_ROW: usize = 40;

/// The numbers of transcripts that a round could not fetch.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct RoundFailures {
    /// All transcripts that could not be fetched.
    pub(super) all: usize,
    /// The transcripts for which another try may succeed.
    pub(super) transient: usize,
}

/// One round over the chunks that are not complete.
pub(super) struct Round<'a> {
    deps: &'a Deps,
    part: &'a Part,
    listing: &'a Listing,
    deadline: Deadline,
    /// Whether an earlier round of this run has asked for the same transcripts.
    is_repetition: bool,
    /// The number of conversations that have a record so far.
    done: AtomicUsize,
    /// The number of consecutive transcripts that were unreachable.
    unreachable_in_a_row: AtomicUsize,
}

impl<'a> Round<'a> {
    /// Prepares a round; `is_repetition` says whether this run has asked for the same transcripts before.
    pub(super) fn new(
        deps: &'a Deps,
        part: &'a Part,
        listing: &'a Listing,
        deadline: Deadline,
        is_repetition: bool,
    ) -> Self {
        Self {
            deps,
            part,
            listing,
            deadline,
            is_repetition,
            done: AtomicUsize::new(0),
            unreachable_in_a_row: AtomicUsize::new(0),
        }
    }

    /// Fetches what the chunks lack and stores every chunk as soon as its last record is known.
    ///
    /// Transcripts are fetched concurrently, but their records arrive in the order of the list, so that a chunk fills from its
    /// first conversation to its last.
    pub(super) async fn run(&self) -> anyhow::Result<RoundFailures> {
        let states = self.part.chunk_states().await?;
        let open: Vec<usize> = (0..self.listing.chunk_count())
            .filter(|number| states.get(number) != Some(&ChunkState::Complete))
            .collect();
        let missing: usize = open
            .iter()
            .map(|number| self.listing.chunk(*number).len())
            .sum();
        self.done.store(
            self.listing.conversations.len() - missing,
            Ordering::Relaxed,
        );
        self.report_progress(0);

        let mut failures = RoundFailures::default();
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
                failures.all += 1;
                failures.transient += usize::from(*is_transient);
            }
            chunk.push(record);
            self.report_progress(1);
            if let Some(number) =
                current.filter(|number| chunk.len() == self.listing.chunk(*number).len())
            {
                self.part.write_chunk(number, &chunk).await?;
                chunk.clear();
                current = numbers.next();
            }
        }
        Ok(failures)
    }

    /// Returns the conversations of a chunk, each with its record if an earlier run has stored one.
    async fn stored_records(
        &self,
        number: usize,
        state: Option<ChunkState>,
    ) -> anyhow::Result<Vec<(Conversation, Option<Record>)>> {
        let stored = match state {
            Some(state) => self.part.read_chunk(number, state).await?,
            None => Vec::new(),
        };
        let mut stored = stored.into_iter().map(Some).chain(std::iter::repeat(None));
        let conversations = self.listing.chunk(number).iter();
        Ok(conversations
            .map(|conversation| (conversation.clone(), stored.next().flatten()))
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
            Some(record) => return Ok(record),
            None => None,
        };
        let fetched = self
            .fetch_transcript(&conversation.conversation_id)
            .await
            .context("the time is up; the next run goes on from here")?;
        let is_unreachable = matches!(&fetched, Err(error) if error.is_retryable());
        let in_a_row = if is_unreachable {
            self.unreachable_in_a_row.fetch_add(1, Ordering::Relaxed) + 1
        } else {
            self.unreachable_in_a_row.swap(0, Ordering::Relaxed)
        };
        match fetched {
            Ok(Some(lines)) => self.score_lines(conversation, lines).await,
            Ok(None) => Ok(Record {
                conversation,
                transcript: Transcript::Missing,
            }),
            Err(error) if self.deadline.has_passed() => {
                Err(error).context("the time is up; the next run goes on from here")
            }
            Err(error) if is_fatal(&error) => Err(error).context("transcripts cannot be fetched"),
            Err(error) if is_unreachable && in_a_row >= MAX_UNREACHABLE_IN_A_ROW => {
                Err(error).context(format!(
                    "{in_a_row} transcripts in a row were out of reach; run it again to go on from here"
                ))
            }
            Err(error) => {
                // An open circuit breaker says less than the failure before it opened.
                let known =
                    earlier_failure.filter(|_| error.is_circuit_open());
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

    /// Fetches a transcript at the limited rate, and waits out refusals that ask for it.
    ///
    /// The outer error says that the rate limit leaves no room before the deadline.
    async fn fetch_transcript(
        &self,
        conversation_id: &str,
    ) -> Result<Result<Option<Vec<Line>>, Error>, RateLimitTimeout> {
        let mut waits = Waits::new(self.deadline);
        loop {
            self.deps.limiter.acquire(self.deadline).await?;
            let timeout = self.deadline.or_within(TRANSCRIPT_TIMEOUT);
            match conversations::read_transcript(&self.deps.client, conversation_id, timeout).await
            {
                // The round before has waited for the circuit breaker already.
                Err(error) if error.is_circuit_open() && self.is_repetition => {
                    return Ok(Err(error));
                }
                Err(error) if waits.should_wait(&error) => waits.wait(&error).await,
                result => return Ok(result),
            }
        }
    }

    /// Computes the record of a conversation from its lines, with the local model's score if the run has a model.
    async fn score_lines(
        &self,
        conversation: Conversation,
        lines: Vec<Line>,
    ) -> anyhow::Result<Record> {
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
        let mut record = Record::from_lines(conversation, lines, &mut Analyzer::default());
        if let (Some(model), Transcript::Present { sentiment, .. }) =
            (&self.deps.model, &mut record.transcript)
            && !customer_texts.is_empty()
        {
            let scores = model(customer_texts)
                .await
                .context("the local model did not score the customer's lines")?;
            let mean = scores.iter().sum::<f64>() / scores.len().max(1) as f64;
            sentiment.model = Some(round_score(mean));
        }
        Ok(record)
    }

    /// Adds to the number of conversations with a record and reports the progress.
    fn report_progress(&self, more: usize) {
        let done = self.done.fetch_add(more, Ordering::Relaxed) + more;
        self.deps.report_progress(Progress::Fetched {
            done,
            total: self.listing.conversations.len(),
        });
    }
}
