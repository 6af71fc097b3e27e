//! What a rule asks beside words and times, and where that is known.

use super::condition::AtomKind;
use super::rule_file::{RuleDefinition, RuleFile};

/// Something that a rule asks and that not every evaluation has. Where it is missing, the answer is unknown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum AskedSource {
    /// The embedding model, for texts that are like another one.
    EmbeddingModel,
    /// The emotions that the sentiment model recognizes.
    Emotions,
    /// The times at which the conversation was on hold.
    Holds,
    /// The skill or queue of the conversation.
    Skill,
    /// The attributes of the conversation.
    Attributes,
}

impl AskedSource {
    /// Returns the word for the source that the command prints.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::EmbeddingModel => "said_like",
            Self::Emotions => "emotion",
            Self::Holds => "hold",
            Self::Skill => "skill",
            Self::Attributes => "attribute",
        }
    }

    /// Returns where the source is known, in a sentence for whoever checks a rule file.
    #[must_use]
    pub const fn availability(self) -> &'static str {
        match self {
            Self::EmbeddingModel => {
                "known to `rules replay`, `rules tune`, `card` and `report` of the command; unknown in live calls, chats and the deployed report"
            }
            Self::Emotions => {
                "known in live calls with the model, and in files of calls that hold emotions; elsewhere no emotion is found"
            }
            Self::Holds => "known in files of calls that list holds; unknown elsewhere",
            Self::Skill => {
                "known in live calls that were registered with it, and in files of calls that hold it; unknown elsewhere"
            }
            Self::Attributes => {
                "agent, team and language are known in live calls that were registered with them, others in files of calls that hold them; unknown elsewhere"
            }
        }
    }
}

impl RuleFile {
    /// Returns whether a rule of this file asks for signals, which a model finds some time after the words have arrived.
    #[must_use]
    pub fn asks_for_signals(&self) -> bool {
        let is_signal = |kind: &AtomKind| matches!(kind, AtomKind::Signal(_));
        self.atoms.iter().any(|atom| is_signal(&atom.kind))
    }

    /// Returns what a rule of this file asks beside words and times, each once.
    #[must_use]
    pub fn sources_of(&self, rule: &RuleDefinition) -> Vec<AskedSource> {
        let mut sources = Vec::new();
        let mut visit = |atom: usize, _| {
            sources.extend(match &self.atoms[atom].kind {
                AtomKind::SaidLike { .. } => Some(AskedSource::EmbeddingModel),
                AtomKind::Emotion(_) => Some(AskedSource::Emotions),
                AtomKind::Hold(_) => Some(AskedSource::Holds),
                AtomKind::Skill(_) => Some(AskedSource::Skill),
                AtomKind::Attribute { .. } => Some(AskedSource::Attributes),
                _ => None,
            });
        };
        rule.when.for_each_atom(&mut visit);
        if let Some(unless) = &rule.unless {
            unless.for_each_atom(&mut visit);
        }
        sources.sort_unstable();
        sources.dedup();
        sources
    }
}
