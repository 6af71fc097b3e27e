//! The list of conversations.

use std::collections::HashSet;
use std::time::Duration;

use anyhow::Context;
use cxone::conversations::Pages;
use insights_core::analytics::Conversation;
use insights_http::Deadline;

use super::WAITS;
use super::failures::{wait, waitable};
use crate::part::{Listing, Origin};
use crate::range::Period;
use crate::{Deps, Progress};

/// How long a page of the list may take, its tries and the waits between them included.
const PAGE: Duration = Duration::from_secs(120);

/// The list, all pages of it, each conversation once, in the report's order.
pub(super) async fn list(
    deps: &Deps,
    origin: Origin,
    period: Period,
    until: Deadline,
) -> anyhow::Result<Listing> {
    let mut pages = Pages::of(&deps.client, period.query())?;
    let mut listing = Listing {
        origin,
        conversations: Vec::new(),
        unusable: 0,
    };
    let mut seen = HashSet::new();
    let mut waits = 0;
    loop {
        let page = match pages.next(until.or_within(PAGE)).await {
            Ok(Some(page)) => page,
            Ok(None) => break,
            Err(error) if waits < WAITS && waitable(&error) && !until.has_passed() => {
                waits += 1;
                wait(&error, until).await;
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
                .filter(|it| seen.insert(it.conversation_id.clone())),
        );
        deps.tell(Progress::Listing {
            conversations: listing.conversations.len(),
        });
    }
    listing
        .conversations
        .sort_by(Conversation::compare_in_report_order);
    Ok(listing)
}
