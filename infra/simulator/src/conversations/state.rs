//! The past conversations of a simulator, found by time or by id.

use jiff::Timestamp;

use super::dialogue;
use super::model::{Author, Conversations, Fixed};

/// The past conversations of a simulator.
#[derive(Debug, Default)]
pub struct State {
    seed: u64,
    pub(crate) settings: Conversations,
}

impl State {
    /// Returns the conversations of a scenario with this seed.
    #[must_use]
    pub fn new(seed: u64, settings: Conversations) -> Self {
        Self { seed, settings }
    }

    /// Returns the conversations that started at or after `from` and before `to`, in order of time.
    #[must_use]
    pub fn between(&self, from: Timestamp, to: Timestamp) -> Vec<Fixed> {
        let (first, last) = (
            from.as_second().div_euclid(86_400),
            to.as_second().div_euclid(86_400),
        );
        let within = |conversation: &Fixed| {
            conversation
                .start_time
                .parse::<Timestamp>()
                .is_ok_and(|start| (from..to).contains(&start))
        };
        let mut found: Vec<Fixed> = self
            .settings
            .fixed
            .iter()
            .filter(|it| within(it))
            .cloned()
            .collect();
        for day in first..=last {
            let days = 0..dialogue::count(self.settings.per_day.min(0x1_0000), day);
            found.extend(
                days.map(|index| dialogue::conversation(self.seed, day, index))
                    .filter(within),
            );
        }
        found.sort_by(|a, b| {
            (&a.start_time, &a.conversation_id).cmp(&(&b.start_time, &b.conversation_id))
        });
        found
    }

    /// Finds the conversation of an id; its lines are `None` if there is no transcript.
    pub(crate) fn find(&self, id: &str) -> Option<Fixed> {
        if let Some(fixed) = self
            .settings
            .fixed
            .iter()
            .find(|fixed| fixed.conversation_id == id)
        {
            return Some(fixed.clone());
        }
        let (day, index) = dialogue::day_and_index(id)?;
        let mut found = dialogue::conversation(self.seed, day, index);
        if found.conversation_id != id || index >= dialogue::count(self.settings.per_day, day) {
            return None;
        }
        // The last digits of the id serve as a random number.
        let share = id
            .get(id.len() - 4..)
            .and_then(|tail| u32::from_str_radix(tail, 16).ok())
            .unwrap_or(0);
        let share = f64::from(share) / f64::from(0x1_0000);
        if share < self.settings.missing {
            found.lines = None;
        } else if share < self.settings.missing + self.settings.empty {
            found
                .lines
                .iter_mut()
                .for_each(|lines| lines.retain(|line| line.author == Author::System));
        }
        Some(found)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn between(state: &State, from: &str, to: &str) -> Vec<Fixed> {
        state.between(from.parse().unwrap(), to.parse().unwrap())
    }

    #[test]
    fn the_same_seed_gives_the_same_conversations_however_the_query_is_split() {
        let state = State::new(
            42,
            Conversations {
                per_day: 30,
                ..Conversations::default()
            },
        );
        let week = between(&state, "2026-11-02T00:00:00Z", "2026-11-09T00:00:00Z");
        assert_eq!(week.len(), 5 * 30 + 2 * 10);
        let again = State::new(
            42,
            Conversations {
                per_day: 30,
                ..Conversations::default()
            },
        );
        let split = [
            between(&again, "2026-11-02T00:00:00Z", "2026-11-04T12:00:00Z"),
            between(&again, "2026-11-04T12:00:00Z", "2026-11-09T00:00:00Z"),
        ];
        assert_eq!(split.concat(), week);
        assert_ne!(
            between(
                &State::new(43, Conversations::default()),
                "2026-11-02T00:00:00Z",
                "2026-11-03T00:00:00Z"
            ),
            week
        );
    }

    #[test]
    fn an_id_leads_back_to_its_conversation_and_some_have_no_transcript() {
        let state = State::new(42, Conversations::default());
        let day = between(&state, "2026-11-02T00:00:00Z", "2026-11-03T00:00:00Z");
        let found: Vec<Fixed> = day
            .iter()
            .map(|it| state.find(&it.conversation_id).unwrap())
            .collect();
        assert!(
            found
                .iter()
                .zip(&day)
                .all(|(found, listed)| found.start_time == listed.start_time)
        );
        let missing = found.iter().filter(|it| it.lines.is_none()).count();
        assert!((4..40).contains(&missing), "{missing}");
        assert!(state.find("0000510c-ffff-4000-8000-000000000000").is_none());
        assert!(state.find("no-such-id").is_none());
    }
}
