//! Reads the list of conversations, page by page.

use std::time::Duration;

use anyhow::Context;
use backends::erasure::ErasedConversations;
use insights_http::Deadline;
use jiff::Timestamp;

use super::waiting::Waits;
use crate::deps::Deps;
use crate::listing::{Listing, PartOrigin};
use crate::progress::Progress;
use crate::range::Period;

/// Time limit of one page of the list, tries and waits between them included.
const PAGE_TIMEOUT: Duration = Duration::from_secs(120);

/// Reads all pages of the list. An outage of the contact center is waited out for as long as the setting allows.
pub(super) async fn list_conversations(
    deps: &Deps,
    origin: PartOrigin,
    now: Timestamp,
    period: Period,
    deadline: Deadline,
) -> anyhow::Result<Listing> {
    let mut pages = deps.source.began_in(period.query())?;
    let mut conversations = Vec::new();
    let mut unusable = 0;
    let mut waits = Waits::new(deadline).with_outage_wait(deps.config.outage_wait);
    loop {
        let page = match pages.next_page(deadline.or_within(PAGE_TIMEOUT)).await {
            Ok(Some(page)) => page,
            Ok(None) => break,
            Err(error) if waits.should_wait(&error) || waits.should_wait_out(&error) => {
                deps.report_progress(Progress::Waiting);
                waits.wait(&error).await;
                continue;
            }
            Err(error) => {
                return Err(error)
                    .context("the list of conversations could not be read to its end");
            }
        };
        waits.restart();
        unusable += page.unusable;
        conversations.extend(page.conversations);
        deps.report_progress(Progress::Listing {
            conversations: conversations.len(),
        });
    }
    // The contact center still knows conversations that were erased here.
    let erased = ErasedConversations::read(&deps.state, now)
        .await
        .context("the records of erasures were not read")?;
    conversations.retain(|conversation| !erased.contains(&conversation.conversation_id));
    Ok(Listing::new(origin, now, conversations, unusable))
}
