//! Who said something. The socket tells a participant and sometimes a channel, and nobody has published which of them is the customer.

use insights_core::live::Speaker;

use super::frames::Utterance;

/// What the name of an agent's channel has in it.
const AGENT_WORDS: &[&str] = &["agent", "employee", "representative"];

/// What the name of a customer's channel has in it.
const CUSTOMER_WORDS: &[&str] = &["customer", "client", "caller", "patron", "external"];

/// The channels and participants that are the customer's, where an operator knows them.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct CustomerMarks(Vec<String>);

impl CustomerMarks {
    /// Builds the marks from what an operator has set.
    #[must_use]
    pub fn new(marks: Vec<String>) -> Self {
        Self(marks)
    }

    /// Returns who said something.
    ///
    /// With marks, the customer is whoever has one of them, and everybody else is the agent. Without marks, the name of the channel
    /// decides if it names one of them, and then whether the participant is the contact's agent. Whoever remains unknown counts as the
    /// customer: the anger of a customer must not be taken for the agent's, on whom it would weigh, and must not go unheard. What this
    /// costs is that words of an agent may soften the customer's average.
    #[must_use]
    pub fn speaker_of(&self, said: &Utterance) -> Speaker {
        let marks = || [&said.channel, &said.participant].into_iter().flatten();
        if !self.0.is_empty() {
            let is_marked =
                marks().any(|mark| self.0.iter().any(|it| it.eq_ignore_ascii_case(mark)));
            // Who has no mark at all is unknown, and not the agent.
            let is_customer = is_marked || marks().next().is_none();
            return if is_customer {
                Speaker::Customer
            } else {
                Speaker::Agent
            };
        }
        let channel = said
            .channel
            .as_deref()
            .unwrap_or_default()
            .to_ascii_lowercase();
        let names = |words: &[&str]| words.iter().any(|word| channel.contains(word));
        match (names(AGENT_WORDS), names(CUSTOMER_WORDS)) {
            (true, false) => return Speaker::Agent,
            (false, true) => return Speaker::Customer,
            _ => {}
        }
        let is_agent = said.participant.as_ref().is_some_and(|participant| {
            let mut agents = said.agents.iter();
            agents.any(|agent| agent.eq_ignore_ascii_case(participant))
        });
        if is_agent {
            Speaker::Agent
        } else {
            Speaker::Customer
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(channel: Option<&str>, participant: Option<&str>) -> Utterance {
        Utterance {
            channel: channel.map(str::to_owned),
            participant: participant.map(str::to_owned),
            agents: vec!["690001".to_owned(), "11eb-agent".to_owned()],
            ..Utterance::default()
        }
    }

    #[test]
    fn channel_and_agent_decide_and_who_is_unknown_is_the_customer() {
        let marks = CustomerMarks::default();
        for (channel, participant, expected) in [
            (Some("Agent"), Some("p-1"), Speaker::Agent),
            (Some("CUSTOMER_1"), Some("690001"), Speaker::Customer),
            (None, Some("690001"), Speaker::Agent),
            (Some("1"), Some("11EB-AGENT"), Speaker::Agent),
            (None, Some("p-1"), Speaker::Customer),
            (Some("agent-customer"), None, Speaker::Customer),
            (None, None, Speaker::Customer),
        ] {
            let speaker = marks.speaker_of(&said(channel, participant));
            assert_eq!(speaker, expected, "{channel:?} {participant:?}");
        }
    }

    #[test]
    fn what_an_operator_has_set_decides_alone() {
        let marks = CustomerMarks::new(vec!["1".to_owned(), "p-2".to_owned()]);
        for (channel, participant, expected) in [
            (Some("1"), Some("690001"), Speaker::Customer),
            (None, Some("P-2"), Speaker::Customer),
            (Some("customer"), Some("p-1"), Speaker::Agent),
            (Some("0"), None, Speaker::Agent),
            (None, None, Speaker::Customer),
        ] {
            let speaker = marks.speaker_of(&said(channel, participant));
            assert_eq!(speaker, expected, "{channel:?} {participant:?}");
        }
    }
}
