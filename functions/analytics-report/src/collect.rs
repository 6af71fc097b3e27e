//! The map step: lists the conversations of a part, fetches their transcripts, and stores the record of each conversation.

mod list;
mod round;
mod waiting;

use insights_http::Deadline;

use self::list::list_conversations;
use self::round::Round;
use crate::deps::Deps;
use crate::part::{Part, PartOrigin};
use crate::progress::Progress;
use crate::range::Period;

/// Number of rounds over the transcripts; the second round asks once more for those that failed for a transient reason.
const MAX_ROUNDS: usize = 2;

/// The result of collecting a part.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CollectedPart {
    /// The number of conversations of the part.
    pub conversations: usize,
    /// The number of conversations whose transcript could not be fetched.
    pub failed: usize,
}

/// Collects a part; records that an earlier run of the same origin has stored are not fetched again.
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
    let origin = PartOrigin::new(
        deps.client.site().base().to_string(),
        period.range(),
        deps.model.is_some(),
    );
    let stored = part.read_listing().await?;
    let listing = match stored.filter(|listing| listing.origin == origin) {
        Some(listing) => listing,
        None => {
            let listing = list_conversations(deps, origin, period, deadline).await?;
            part.start_with(&listing).await?;
            listing
        }
    };
    let conversations = listing.conversations.len();
    deps.report_progress(Progress::Listed { conversations });
    let mut failed = 0;
    for number in 0..MAX_ROUNDS {
        let round = Round::new(deps, part, &listing, deadline, number > 0);
        let failures = round.run().await?;
        failed = failures.all;
        if failures.transient == 0 {
            break;
        }
        tracing::info!(
            round = number,
            failed,
            "asking again for transcripts that failed"
        );
    }
    Ok(CollectedPart {
        conversations,
        failed,
    })
}
