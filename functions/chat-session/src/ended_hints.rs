//! What scripts of the contact center say about contacts that ended: hints to read the list of open contacts at once.

use std::collections::HashSet;
use std::time::Duration;

use backends::ended_contacts::EndedContacts;
use insights_core::WithCauses;
use insights_core::chat::contact_board::ContactBoard;
use jiff::Timestamp;
use store::state::State;
use tokio::time::Instant;

/// Time between two looks at the notices.
const LOOK_INTERVAL: Duration = Duration::from_secs(2);

/// Largest number of notices that are looked at. More of them are not worth it: the list is read every few seconds anyway.
const MAX_NOTICES: usize = 500;

/// The notices of ended contacts, as far as they were looked at.
#[derive(Debug)]
pub(crate) struct EndedHints {
    notices: EndedContacts<State>,
    look_at: Instant,
    /// Notices that were seen, by contact and moment.
    heard: HashSet<(String, Timestamp)>,
}

impl EndedHints {
    /// Builds the hints of a state store. Nothing is read yet.
    pub(crate) fn new(state: State) -> Self {
        Self {
            notices: EndedContacts::new(state),
            look_at: Instant::now(),
            heard: HashSet::new(),
        }
    }

    /// Looks at the notices if it is time for it. Returns whether one that was not seen before is of an open contact.
    pub(crate) async fn name_open_contact(&mut self, board: &ContactBoard) -> bool {
        if Instant::now() < self.look_at {
            return false;
        }
        self.look_at = Instant::now() + LOOK_INTERVAL;
        let listed = self.notices.list(None, MAX_NOTICES, Timestamp::now()).await;
        let listed = match listed {
            Ok(listed) => listed,
            Err(error) => {
                tracing::debug!(
                    cause = %WithCauses(&error),
                    "the notices of ended contacts were not read"
                );
                return false;
            }
        };
        let said: HashSet<_> = listed
            .into_iter()
            .map(|notice| (notice.contact_id, notice.told_at))
            .collect();
        let open: HashSet<&str> = board.open().collect();
        let is_news = said
            .difference(&self.heard)
            .any(|(id, _)| open.contains(id.as_str()));
        self.heard = said;
        is_news
    }
}
