//! The name of a run, by which what it creates is known.

/// The beginning of the id of everything that a run creates.
const PREFIX: &str = "smoke-";
/// Letters of which a marker's syllables are made: 16 beginnings and 4 ends, so that a syllable holds 6 random bits.
const BEGINNINGS: [char; 16] = [
    'b', 'd', 'f', 'g', 'h', 'j', 'k', 'l', 'm', 'n', 'p', 'r', 's', 't', 'v', 'z',
];
const ENDS: [char; 4] = ['a', 'e', 'i', 'o'];
/// Number of syllables of a marker: 48 random bits.
const SYLLABLES: u32 = 8;

/// The name of a run: the id of the call and the conversation that it creates, and a word that only this run has in its texts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RunName {
    id: String,
    marker: String,
}

impl RunName {
    /// Draws a name of its own for a run, so that runs at the same time do not meet.
    #[must_use]
    pub fn random() -> Self {
        let marker = random_marker();
        Self {
            id: format!("{PREFIX}{marker}"),
            marker,
        }
    }

    /// Returns the name of a run after what runs it again and again, so that all its runs use one conversation and one call.
    #[must_use]
    pub fn recurring(name: &str) -> Self {
        Self {
            id: format!("{PREFIX}{name}"),
            marker: random_marker(),
        }
    }

    /// Returns the id of the conversation and of the call.
    #[must_use]
    pub fn id(&self) -> &str {
        &self.id
    }

    /// Returns the word that is in every text of this run and in no other.
    pub(crate) fn marker(&self) -> &str {
        &self.marker
    }
}

/// Draws a word of letters alone: digits would be masked as personal data.
fn random_marker() -> String {
    let mut bits: u64 = rand::random();
    let mut marker = String::new();
    for _ in 0..SYLLABLES {
        let (beginning, end) = (bits % 16, bits / 16 % 4);
        marker.push(BEGINNINGS[usize::try_from(beginning).unwrap_or_default()]);
        marker.push(ENDS[usize::try_from(end).unwrap_or_default()]);
        bits /= 64;
    }
    marker
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn runs_have_words_of_their_own_and_recurring_ones_share_an_id() {
        let (first, second) = (RunName::random(), RunName::random());
        assert_ne!(first, second);
        assert!(first.id().starts_with(PREFIX) && first.id().ends_with(first.marker()));
        let (first, second) = (
            RunName::recurring("heartbeat"),
            RunName::recurring("heartbeat"),
        );
        assert_eq!(
            (first.id(), second.id()),
            ("smoke-heartbeat", "smoke-heartbeat")
        );
        assert_ne!(first.marker(), second.marker());
        assert_eq!(first.marker().len(), 16);
        assert!(first.marker().bytes().all(|byte| byte.is_ascii_lowercase()));
    }
}
