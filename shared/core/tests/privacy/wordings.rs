//! What wordings of generated conversations consist of.

use insights_core::pii::PiiKind;

/// How people ask for and announce a secret of one kind.
#[derive(Clone, Copy)]
pub(crate) struct KindWordings {
    pub(crate) kind: PiiKind,
    /// Questions of an agent.
    pub(crate) asks: &'static [&'static str],
    /// Sentences of a customer who was not asked; `{}` stands for the secret.
    pub(crate) announcements: &'static [&'static str],
}

/// Everything that is said in the generated conversations but the secrets.
pub(crate) struct Wordings {
    pub(crate) kinds: &'static [KindWordings],
    /// Answers to a question; `{}` stands for the secret.
    pub(crate) answers: &'static [&'static str],
    /// What the listener says between two pieces.
    pub(crate) backchannels: &'static [&'static str],
    /// What the speaker says between two pieces of one turn.
    pub(crate) inner_backchannels: &'static [&'static str],
    /// What the agent says before a number is read back; `{}` stands for the secret.
    pub(crate) read_backs: &'static [&'static str],
    /// What the customer says before a piece is said again.
    pub(crate) corrections: &'static [&'static str],
    /// What a customer says who looks for the card, and what the agent answers.
    pub(crate) interruptions: &'static [(&'static str, &'static str)],
    /// Sentences with figures that are nobody's secret; `#` stands for a digit.
    pub(crate) benign: &'static [&'static str],
    /// Questions for a number that is no secret, with the length of the answer.
    pub(crate) benign_asks: &'static [(&'static str, usize)],
    /// Small talk without figures.
    pub(crate) talk: &'static [&'static str],
}

/// Puts the wordings of one kind together.
pub(crate) const fn of(
    kind: PiiKind,
    asks: &'static [&'static str],
    announcements: &'static [&'static str],
) -> KindWordings {
    KindWordings {
        kind,
        asks,
        announcements,
    }
}
