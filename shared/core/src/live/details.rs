//! Who works on a live call: what the one who registers a call may say about it, for people who look at many calls.

use serde::{Deserialize, Serialize};

/// Longest value of one detail, in bytes. Details are part of the state of a call and of its row on the board.
pub const MAX_DETAIL_BYTES: usize = 120;

/// What the one who registered a call said about it. Nothing decides by details.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct CallDetails {
    /// Contact center's identifier of the agent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub agent_id: Option<String>,
    /// Name of the agent as supervisors know it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub agent_name: Option<String>,
    /// Skill or queue through which the call came.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub skill: Option<String>,
    /// Team of the agent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub team: Option<String>,
    /// Language of the call.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub language: Option<String>,
}

impl CallDetails {
    /// Returns whether nothing is known of the call.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// Returns the details without surrounding white space, empty values and control characters, each cut to
    /// [`MAX_DETAIL_BYTES`].
    #[must_use]
    pub fn bounded(self) -> Self {
        Self {
            agent_id: bounded(self.agent_id),
            agent_name: bounded(self.agent_name),
            skill: bounded(self.skill),
            team: bounded(self.team),
            language: bounded(self.language),
        }
    }

    /// Takes over every detail that `newer` knows. A detail that `newer` does not name stays.
    pub fn update(&mut self, newer: Self) {
        let Self {
            agent_id,
            agent_name,
            skill,
            team,
            language,
        } = newer;
        for (known, newer) in [
            (&mut self.agent_id, agent_id),
            (&mut self.agent_name, agent_name),
            (&mut self.skill, skill),
            (&mut self.team, team),
            (&mut self.language, language),
        ] {
            if newer.is_some() {
                *known = newer;
            }
        }
    }
}

fn bounded(value: Option<String>) -> Option<String> {
    let clean: String = value?.chars().filter(|c| !c.is_control()).collect();
    let clean = clean.trim();
    let end = clean.floor_char_boundary(MAX_DETAIL_BYTES);
    let cut = clean[..end].trim_end();
    (!cut.is_empty()).then(|| cut.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn details_are_bounded_and_hold_no_control_characters() {
        let details = CallDetails {
            agent_name: Some(format!(" A\u{1b}[31m\n{} ", "é".repeat(200))),
            skill: Some(" \t ".to_owned()),
            ..CallDetails::default()
        };
        let bounded = details.bounded();
        let name = bounded.agent_name.unwrap();
        assert!(name.starts_with("A[31mé"), "{name}");
        assert!(name.len() <= MAX_DETAIL_BYTES);
        assert_eq!(bounded.skill, None);
    }

    #[test]
    fn a_detail_that_is_not_named_again_stays() {
        let named = |agent: Option<&str>, skill: Option<&str>| CallDetails {
            agent_name: agent.map(str::to_owned),
            skill: skill.map(str::to_owned),
            ..CallDetails::default()
        };
        let mut details = named(Some("Ada"), Some("billing"));
        details.update(named(None, Some("retention")));
        assert_eq!(details, named(Some("Ada"), Some("retention")));
        assert!(!details.is_empty());
    }
}
