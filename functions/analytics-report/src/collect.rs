//! The map step: list a part's conversations, fetch their transcripts, and keep what is worked out of each.

mod failures;
mod list;

use std::collections::VecDeque;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use anyhow::{Context, bail};
use cxone::conversations;
use futures::stream::FuturesOrdered;
use futures::{FutureExt, TryStreamExt};
use insights_core::analytics::{Conversation, Line, Record, Speaker, Transcript};
use insights_core::scale::round_score;
use insights_core::vader::Analyzer;
use insights_http::retry::RetryPolicy;
use insights_http::{CallLimits, Deadline, Error, WithCauses};

use self::failures::{hopeless, wait, waitable};
use self::list::list;
use crate::part::{Listing, Origin, Part, State};
use crate::range::Period;
use crate::{Deps, Progress};

/// How often the transcripts are gone through: those that failed for a passing reason are asked for once more at the end.
const ROUNDS: usize = 2;
/// Tries a call. Fewer than open the breaker, so that one broken transcript does not hold up all others.
const TRIES: u32 = 4;
/// The same for a transcript.
const TRANSCRIPT: Duration = Duration::from_secs(60);
/// How often a call waits out a rate limit, an open breaker or a revoked token before it counts as failed.
const WAITS: usize = 6;
/// So many transcripts in a row out of reach: the contact centre is down, and the rest would only fail one by one.
const DOWN: usize = 40;

/// What a part holds in the end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Tally {
    /// Its conversations.
    pub conversations: usize,
    /// Those whose transcript could not be fetched.
    pub failed: usize,
}

/// Collects a part; what an earlier run of the same origin has is not fetched again.
///
/// # Errors
/// If the list cannot be read to its end, the credentials or scopes do not do, the contact centre is down, the store
/// fails, or `until` comes first. What was fetched by then is kept for the next run.
pub async fn collect(
    deps: &Deps,
    part: &Part,
    period: Period,
    until: Deadline,
) -> anyhow::Result<Tally> {
    let origin = Origin::new(
        deps.client.site().base().to_string(),
        period.range(),
        deps.model.is_some(),
    );
    let listing = match part
        .listing()
        .await?
        .filter(|listing| listing.origin == origin)
    {
        Some(listing) => listing,
        None => {
            let listing = list(deps, origin, period, until).await?;
            part.begin(&listing).await?;
            listing
        }
    };
    let total = listing.conversations.len();
    deps.tell(Progress::Listed {
        conversations: total,
    });
    let mut failed = 0;
    for round in 0..ROUNDS {
        let (done, down) = (AtomicUsize::new(0), AtomicUsize::new(0));
        let work = Work {
            deps,
            part,
            listing: &listing,
            until,
            again: round > 0,
            done,
            down,
        };
        let outcome = work.round().await?;
        failed = outcome.failed;
        if outcome.passing == 0 {
            break;
        }
        tracing::info!(round, failed, "asking again for transcripts that failed");
    }
    Ok(Tally {
        conversations: total,
        failed,
    })
}

/// One pass over the chunks that are not done.
struct Work<'a> {
    deps: &'a Deps,
    part: &'a Part,
    listing: &'a Listing,
    until: Deadline,
    /// Whether these transcripts have been asked for before in this run.
    again: bool,
    done: AtomicUsize,
    /// Transcripts in a row that were out of reach.
    down: AtomicUsize,
}

#[derive(Default)]
struct Outcome {
    failed: usize,
    /// Those of the failed for which another try may do.
    passing: usize,
}

impl Work<'_> {
    async fn round(&self) -> anyhow::Result<Outcome> {
        let states = self.part.states().await?;
        let open =
            (0..self.listing.chunks()).filter(|number| states.get(number) != Some(&State::Done));
        let open: Vec<usize> = open.collect();
        let waiting: usize = open
            .iter()
            .map(|number| self.listing.chunk(*number).len())
            .sum();
        self.done.store(
            self.listing.conversations.len() - waiting,
            Ordering::Relaxed,
        );
        self.progress(0);

        let mut outcome = Outcome::default();
        let mut chunk = Vec::new();
        let mut numbers = open.clone().into_iter();
        let mut current = numbers.next();
        let mut open = open.into_iter();
        let mut todo = VecDeque::new();
        let mut flying = FuturesOrdered::new();
        loop {
            while flying.len() < self.deps.config.concurrency {
                if todo.is_empty() {
                    let Some(number) = open.next() else { break };
                    todo.extend(self.known(number, states.get(&number).copied()).await?);
                }
                if let Some((conversation, known)) = todo.pop_front() {
                    flying.push_back(self.work_out(conversation, known).boxed());
                }
            }
            let Some(record) = flying.try_next().await? else {
                break;
            };
            if let Transcript::Failed { passing, .. } = &record.transcript {
                outcome.failed += 1;
                outcome.passing += usize::from(*passing);
            }
            chunk.push(record);
            self.progress(1);
            if let Some(number) =
                current.filter(|number| chunk.len() == self.listing.chunk(*number).len())
            {
                self.part.write(number, &chunk).await?;
                chunk.clear();
                current = numbers.next();
            }
        }
        Ok(outcome)
    }

    /// The conversations of a chunk, each with its record if a former run has it.
    async fn known(
        &self,
        number: usize,
        state: Option<State>,
    ) -> anyhow::Result<Vec<(Conversation, Option<Record>)>> {
        let stored = match state {
            Some(state) => self.part.records(number, state).await?,
            None => Vec::new(),
        };
        let mut stored = stored.into_iter().map(Some).chain(std::iter::repeat(None));
        let conversations = self.listing.chunk(number).iter();
        Ok(conversations
            .map(|conversation| (conversation.clone(), stored.next().flatten()))
            .collect())
    }

    async fn work_out(
        &self,
        conversation: Conversation,
        known: Option<Record>,
    ) -> anyhow::Result<Record> {
        let before = match known {
            Some(Record {
                transcript: Transcript::Failed { reason, passing },
                ..
            }) => Some((reason, passing)),
            Some(record) => return Ok(record),
            None => None,
        };
        let fetched = self.fetch(&conversation.conversation_id).await;
        let out_of_reach = matches!(&fetched, Err(error) if error.is_retryable());
        let row = if out_of_reach {
            self.down.fetch_add(1, Ordering::Relaxed) + 1
        } else {
            self.down.swap(0, Ordering::Relaxed)
        };
        match fetched {
            Ok(Some(lines)) => self.record(conversation, lines).await,
            Ok(None) => Ok(Record {
                conversation,
                transcript: Transcript::Missing,
            }),
            Err(_) if self.until.has_passed() => {
                bail!("the time is up; the next run goes on from here")
            }
            Err(error) if hopeless(&error) => Err(error).context("transcripts cannot be fetched"),
            Err(error) if out_of_reach && row >= DOWN => Err(error).context(format!(
                "{row} transcripts in a row were out of reach; run it again to go on from here"
            )),
            Err(error) => {
                // An open breaker says less than what went wrong before it opened.
                let told = before.filter(|_| matches!(error, Error::CircuitOpen { .. }));
                let (reason, passing) =
                    told.unwrap_or_else(|| (WithCauses(&error).to_string(), error.is_retryable()));
                Ok(Record::with_failed_transcript(
                    conversation,
                    reason,
                    passing,
                ))
            }
        }
    }

    async fn fetch(&self, id: &str) -> Result<Option<Vec<Line>>, Error> {
        let mut waits = 0;
        loop {
            self.deps.limiter.until_ready().await;
            match conversations::transcript(&self.deps.client, id, self.until.or_within(TRANSCRIPT))
                .await
            {
                Err(error @ Error::CircuitOpen { .. }) if self.again => return Err(error),
                Err(error) if waits < WAITS && waitable(&error) && !self.until.has_passed() => {
                    waits += 1;
                    wait(&error, self.until).await;
                }
                other => return other,
            }
        }
    }

    async fn record(&self, conversation: Conversation, lines: Vec<Line>) -> anyhow::Result<Record> {
        let own = |line: &&Line| line.speaker == Speaker::Customer && !line.text.trim().is_empty();
        let said: Vec<String> = match &self.deps.model {
            Some(_) => lines
                .iter()
                .filter(own)
                .map(|line| line.text.clone())
                .collect(),
            None => Vec::new(),
        };
        let mut record = Record::from_lines(conversation, lines, &mut Analyzer::default());
        if let (Some(model), Transcript::Present { sentiment, .. }) =
            (&self.deps.model, &mut record.transcript)
            && !said.is_empty()
        {
            let scores = model(said).await.context("the local model")?;
            let mean = scores.iter().sum::<f64>() / scores.len().max(1) as f64;
            sentiment.model = Some(round_score(mean));
        }
        Ok(record)
    }

    fn progress(&self, more: usize) {
        let done = self.done.fetch_add(more, Ordering::Relaxed) + more;
        self.deps.tell(Progress::Fetched {
            done,
            total: self.listing.conversations.len(),
        });
    }
}

/// The limits of the report's calls.
pub(crate) fn limits() -> CallLimits {
    let limits = CallLimits::default();
    CallLimits {
        retry: RetryPolicy {
            max_tries: TRIES,
            ..limits.retry
        },
        ..limits
    }
}
