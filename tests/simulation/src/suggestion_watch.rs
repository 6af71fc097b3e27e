//! Watches that suggestions to agents are sent soon after they were raised.

use std::collections::BTreeMap;

use insights_core::live::{CallState, CallView};
use jiff::Timestamp;
use store::state::Key;

use crate::faults::Target;
use crate::world::World;

/// What the sending of a suggestion needs.
pub const NEEDED: [Target; 3] = [Target::Suggestions, Target::Token, Target::State];

/// The suggestions of live calls that are due, and since when they could have been sent, in milliseconds of the run.
#[derive(Debug, Default)]
pub struct SuggestionWatch {
    due: BTreeMap<String, u64>,
}

impl SuggestionWatch {
    /// Looks at a call at a moment, and returns a complaint about a suggestion that has been due for longer than `max_due_ms` although
    /// nothing failed that its sending needs.
    pub fn look(
        &mut self,
        world: &World,
        call: &str,
        now_ms: u64,
        max_due_ms: u64,
    ) -> Option<String> {
        let key = Key::new(format!("interaction#{call}"), "state");
        let item = world.items.get(&key, Timestamp::now())?;
        let state = item.decode::<CallState>().ok()?;
        let view = CallView::from(&state);
        let is_disturbed = world.is_disturbed(&NEEDED, now_ms);
        for suggestion in &view.suggestions {
            let key = &suggestion.idempotency_key;
            if suggestion.status != "due" || view.status != "live" {
                self.due.remove(key);
                continue;
            }
            let since_ms = self.due.entry(key.clone()).or_insert(now_ms);
            if is_disturbed {
                *since_ms = now_ms;
            }
            if now_ms - *since_ms > max_due_ms {
                return Some(format!(
                    "the suggestion {key} of {call} was not sent for {} s although nothing that sending needs failed",
                    (now_ms - *since_ms) / 1000
                ));
            }
        }
        None
    }
}
