//! The agents, skills and dispositions of a simulated tenant. All names are made up.

/// An agent of the tenant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Agent {
    /// Number of the agent in the contact lists.
    pub id: i64,
    /// Number of the agent in the digital API.
    pub digital_id: i64,
    /// First name of the agent.
    pub first_name: &'static str,
    /// Last name of the agent.
    pub last_name: &'static str,
    /// Number of the agent's team.
    pub team_id: i64,
    /// Name of the agent's team.
    pub team_name: &'static str,
}

impl Agent {
    /// Returns the GUID of the agent's user.
    #[must_use]
    pub fn user_id(&self) -> String {
        format!("11eb0000-0000-4000-8000-{:012}", self.id)
    }
}

/// Agents of the tenant.
pub(super) const AGENTS: [Agent; 5] = [
    agent(1, "Ada", 81),
    agent(2, "Ben", 81),
    agent(3, "Cleo", 81),
    agent(4, "Dan", 82),
    agent(5, "Eva", 82),
];

const fn agent(number: i64, first_name: &'static str, team_id: i64) -> Agent {
    Agent {
        id: 690_000 + number,
        digital_id: 13_650 + number,
        first_name,
        last_name: "Example",
        team_id,
        team_name: if team_id == 81 { "Blue" } else { "Green" },
    }
}

/// A skill of the tenant, to which contacts are routed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Skill {
    /// Number of the skill.
    pub id: i64,
    /// Name of the skill.
    pub name: &'static str,
    /// GUID of the skill's digital queue.
    pub queue: &'static str,
}

/// Skills of the tenant.
pub(super) const SKILLS: [Skill; 3] = [
    Skill {
        id: 310_001,
        name: "Billing",
        queue: "a82590c9-0000-4000-8000-000000310001",
    },
    Skill {
        id: 310_002,
        name: "Technical",
        queue: "a82590c9-0000-4000-8000-000000310002",
    },
    Skill {
        id: 310_003,
        name: "Orders",
        queue: "a82590c9-0000-4000-8000-000000310003",
    },
];

/// Dispositions of the tenant with their numbers, and the word that the generator of conversations uses for each.
pub(super) const DISPOSITIONS: [(i64, &str, &str); 5] = [
    (11, "Issue resolved", "resolved"),
    (12, "Escalated to supervisor", "escalated"),
    (13, "Callback scheduled", "callback"),
    (14, "Other", "unknown"),
    (15, "Transferred", "transferred"),
];

/// Returns number and name of the disposition for a word of the generator; an abandoned contact has none.
pub(super) fn disposition(word: &str) -> Option<(i64, &'static str)> {
    DISPOSITIONS
        .iter()
        .find(|row| row.2 == word)
        .map(|row| (row.0, row.1))
}
