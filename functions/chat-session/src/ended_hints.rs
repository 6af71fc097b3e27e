//! What scripts of the contact center say about contacts that ended: hints to read the list of open contacts at once.

use std::time::Duration;

use backends::ended_contacts::NewNotices;
use insights_core::WithCauses;
use insights_core::chat::contact_board::ContactBoard;
use jiff::Timestamp;
use store::state::State;
use tokio::time::Instant;

/// Time between two looks at the notices.
const LOOK_INTERVAL: Duration = Duration::from_secs(2);

/// The notices of ended contacts, as far as they were looked at.
#[derive(Debug)]
pub(crate) struct EndedHints {
    notices: NewNotices<State>,
    look_at: Instant,
}

impl EndedHints {
    /// Builds the hints of a state store. Nothing is read yet.
    pub(crate) fn new(state: State) -> Self {
        Self {
            notices: NewNotices::new(state),
            look_at: Instant::now(),
        }
    }

    /// Looks at the notices if it is time for it. Returns whether one that was not seen before is of an open contact.
    pub(crate) async fn name_open_contact(&mut self, board: &ContactBoard) -> bool {
        if Instant::now() < self.look_at {
            return false;
        }
        self.look_at = Instant::now() + LOOK_INTERVAL;
        match self.notices.take(Timestamp::now()).await {
            Ok(new) => board.open().any(|open| new.iter().any(|id| id == open)),
            Err(error) => {
                tracing::debug!(
                    cause = %WithCauses(&error),
                    "the notices of ended contacts were not read"
                );
                false
            }
        }
    }
}
