//! The map step: lists the conversations of a part, fetches their transcripts, and stores the record of each conversation.

mod list;
mod round;
mod waiting;

use anyhow::Context;
use backends::erasure::ErasedConversations;
use futures::FutureExt;
use insights_core::rules::RuleFile;
use insights_http::Deadline;
use insights_http::backoff::{self, Backoff, BackoffPolicy};
use jiff::{SignedDuration, Timestamp};

use self::list::list_conversations;
use self::round::{Repetition, Round};
use crate::deps::Deps;
use crate::listing::{Listing, PartOrigin};
use crate::part::Part;
use crate::progress::Progress;
use crate::range::Period;

/// Number of rounds over the transcripts while the contact center answers: every round but the first asks once more for those
/// that failed for a transient reason.
const MAX_ROUNDS: usize = 3;
/// Smallest number of transcripts that a round asks for in vain before the contact center counts as down.
const OUTAGE_MIN_TRANSCRIPTS: usize = 5;
/// How old an earlier list must be before conversations without a transcript are asked for one again: a transcript may follow
/// its conversation.
const MISSING_TRUSTED_FOR: SignedDuration = SignedDuration::from_hours(1);

/// The result of collecting a part.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CollectedPart {
    /// The number of conversations of the part.
    pub conversations: usize,
    /// The number of conversations whose transcript could not be fetched.
    pub failed: usize,
    /// The number of those for which a later run may fetch the transcript.
    pub transient: usize,
}

/// Collects a part: reads the list of conversations, and fetches the transcripts that no earlier run of the same origin has
/// stored.
///
/// # Errors
/// If the list of conversations cannot be read to its end, the credentials or scopes are refused, the contact center is down,
/// the object store fails, or the deadline comes first. Records that were stored by then are kept for the next run.
pub async fn collect_part(
    deps: &Deps,
    part: &Part,
    period: Period,
    deadline: Deadline,
) -> anyhow::Result<CollectedPart> {
    // A store that hangs must not take the time in which the failure is reported.
    // The future is boxed, because the compiler gives up on a type that is nested as deeply as all steps of a report.
    deadline
        .bound(collect(deps, part, period, deadline).boxed())
        .await
        .context("the time is up; the next run goes on from here")?
}

async fn collect(
    deps: &Deps,
    part: &Part,
    period: Period,
    deadline: Deadline,
) -> anyhow::Result<CollectedPart> {
    let origin = PartOrigin::new(
        deps.source.name(),
        period.range(),
        deps.model.is_some(),
        deps.config.redaction.as_ref(),
    )
    .with_rules(deps.configured_rules().await?.as_deref());
    let rules = deps.rules().await?;
    let now = Timestamp::now();
    if period.to > now {
        tracing::warn!("the time of the report has not ended, later conversations are missing");
    }
    let stored = part.read_listing().await?;
    let earlier = stored.filter(|listing| listing.origin == origin);
    let mut listing = list_conversations(deps, origin, now, period, deadline).await?;
    let mut asks_missing_again = false;
    match earlier {
        Some(earlier) => {
            asks_missing_again = now.duration_since(earlier.listed_at) >= MISSING_TRUSTED_FOR;
            listing = listing.arranged_by(&earlier);
        }
        None => part.delete().await?,
    }
    part.write_listing(&listing).await?;
    let conversations = listing.conversation_count();
    deps.report_progress(Progress::Listed { conversations });

    let collected = run_rounds(deps, part, &listing, deadline, asks_missing_again, &rules).await;
    // What was stored before a failure stays for the next run, and must name no erased conversation either.
    leave_out_erased(deps, part, &mut listing).await?;
    Ok(CollectedPart {
        conversations: listing.conversation_count(),
        ..collected?
    })
}

/// Takes the conversations that were erased since the list was read out of the list and the chunks. An erasure may have looked through a
/// chunk before that was written; one that begins later finds every chunk.
async fn leave_out_erased(deps: &Deps, part: &Part, listing: &mut Listing) -> anyhow::Result<()> {
    loop {
        let erased = ErasedConversations::read(&deps.state, Timestamp::now())
            .await
            .context("the records of erasures were not read")?;
        let changed = listing.remove(|id| erased.contains(id));
        if changed.is_empty() {
            return Ok(());
        }
        tracing::info!(
            chunks = changed.len(),
            "conversations were erased while the report was collected, and are left out"
        );
        part.write_again(listing, &changed).await?;
    }
}

/// Runs rounds over the chunks that are not complete, until nothing is left to ask for again.
async fn run_rounds(
    deps: &Deps,
    part: &Part,
    listing: &Listing,
    deadline: Deadline,
    asks_missing_again: bool,
    rules: &RuleFile,
) -> anyhow::Result<CollectedPart> {
    let conversations = listing.conversation_count();
    let mut backoff = Backoff::new(BackoffPolicy::BATCH);
    let outage_ends = Deadline::within(deps.config.outage_wait).min(deadline);
    let mut repetition = Repetition::First { asks_missing_again };
    let mut rounds = 0;
    loop {
        rounds += 1;
        let result = Round::new(deps, part, listing, deadline, repetition, rules)
            .run()
            .await?;
        let is_outage = result.fetched == 0 && result.transient >= OUTAGE_MIN_TRANSCRIPTS;
        let goes_on = if is_outage {
            !outage_ends.has_passed()
        } else {
            rounds < MAX_ROUNDS
        };
        if result.transient == 0 || !goes_on {
            return Ok(CollectedPart {
                conversations,
                failed: result.failed,
                transient: result.transient,
            });
        }
        tracing::info!(
            round = rounds,
            failed = result.failed,
            "asking again for transcripts that failed"
        );
        deps.report_progress(Progress::Waiting);
        backoff::wait(&mut backoff).await;
        repetition = Repetition::Again;
    }
}
