//! What scripts of the contact center have said about contacts that ended.
//!
//! A notice is a hint: the contact is read soon, and counts as ended if it has. Notices stay for a while, because whoever follows contacts
//! live reads them too.

use backends::ended_contacts::{EndedContact, EndedContacts};
use jiff::{SignedDuration, Timestamp};
use store::state::State;

use crate::deps::Deps;
use crate::memory::FeedMemory;

/// Largest number of notices that one run looks at. The lists name every contact that has ended, with or without a notice.
const MAX_NOTICES: usize = 500;

/// How long a notice stays at least, for those who follow contacts live.
const KEPT_FOR: SignedDuration = SignedDuration::from_mins(10);

/// The notices at the beginning of a run.
#[derive(Debug)]
pub(crate) struct EndedNotices {
    notices: Vec<EndedContact>,
    unknown: Vec<String>,
}

impl EndedNotices {
    /// Reads the notices, and finds those of digital contacts that are not known yet.
    pub(crate) async fn read(deps: &Deps, memory: &FeedMemory<'_>) -> anyhow::Result<Self> {
        let now = (deps.clock)();
        let notices = of(deps).list(None, MAX_NOTICES, now).await?;
        let mut unknown = Vec::new();
        for notice in notices.iter().filter(|notice| notice.may_be_digital()) {
            if memory.known(&notice.contact_id, now).await?.is_none() {
                unknown.push(notice.contact_id.clone());
            }
        }
        Ok(Self { notices, unknown })
    }

    /// Returns the contacts that are read before the lists.
    pub(crate) fn unknown_contacts(&self) -> &[String] {
        &self.unknown
    }

    /// Removes the notices that were there for long enough, after their contacts were read.
    pub(crate) async fn remove(self, deps: &Deps) -> anyhow::Result<()> {
        let now = (deps.clock)();
        let is_old = |told_at: Timestamp| now.duration_since(told_at) >= KEPT_FOR;
        for notice in self.notices.iter().filter(|it| is_old(it.told_at)) {
            of(deps).remove(&notice.contact_id, now).await?;
        }
        Ok(())
    }
}

fn of(deps: &Deps) -> EndedContacts<State> {
    EndedContacts::new(deps.state.clone())
}
