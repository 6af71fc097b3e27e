//! Reads the list of conversations, page by page.

use std::collections::HashSet;
use std::time::Duration;

use anyhow::Context;
use cxone::conversations::ConversationPages;
use insights_core::analytics::Conversation;
use insights_http::Deadline;

use super::waiting::Waits;
use crate::deps::Deps;
use crate::part::{Listing, PartOrigin};
use crate::progress::Progress;
use crate::range::Period;

/// Time limit of one page of the list, tries and waits between them included.
const PAGE_TIMEOUT: Duration = Duration::from_secs(120);

/// Reads all pages of the list and returns every conversation once, in the order of the report.
pub(super) async fn list_conversations(
    deps: &Deps,
    origin: PartOrigin,
    period: Period,
    deadline: Deadline,
) -> anyhow::Result<Listing> {
    let mut pages = ConversationPages::new(&deps.client, period.query())?;
    let mut listing = Listing {
        origin,
        conversations: Vec::new(),
        unusable: 0,
    };
    let mut seen = HashSet::new();
    let mut waits = Waits::new(deadline);
    loop {
        let page = match pages.next_page(deadline.or_within(PAGE_TIMEOUT)).await {
            Ok(Some(page)) => page,
            Ok(None) => break,
            Err(error) if waits.should_wait(&error) => {
                waits.wait(&error).await;
                continue;
            }
            Err(error) => {
                return Err(error)
                    .context("the list of conversations could not be read to its end");
            }
        };
        listing.unusable += page.unusable;
        listing.conversations.extend(
            page.conversations
                .into_iter()
                .filter(|conversation| seen.insert(conversation.conversation_id.clone())),
        );
        deps.report_progress(Progress::Listing {
            conversations: listing.conversations.len(),
        });
    }
    listing
        .conversations
        .sort_by(Conversation::compare_in_report_order);
    Ok(listing)
}
