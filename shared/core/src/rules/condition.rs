//! Conditions as a tree, after their names and numbers were checked.

use crate::live::{Speaker, Trend};
use crate::signals::Signal;

/// Whose words a condition reads.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Side {
    Agent,
    Customer,
    Anyone,
}

impl Side {
    pub(super) fn includes(self, speaker: Speaker) -> bool {
        match self {
            Self::Anyone => true,
            Self::Agent => speaker == Speaker::Agent,
            Self::Customer => speaker == Speaker::Customer,
        }
    }
}

/// A comparison of a figure with a limit.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Comparison {
    pub(super) operator: Operator,
    pub(super) limit: f64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Operator {
    Less,
    AtMost,
    More,
    AtLeast,
}

impl Comparison {
    pub(super) fn holds(self, figure: f64) -> bool {
        match self.operator {
            Operator::Less => figure < self.limit,
            Operator::AtMost => figure <= self.limit,
            Operator::More => figure > self.limit,
            Operator::AtLeast => figure >= self.limit,
        }
    }

    /// Returns whether a figure that only grows, once it satisfies the comparison, satisfies it for ever.
    pub(super) fn is_lower_bound(self) -> bool {
        matches!(self.operator, Operator::More | Operator::AtLeast)
    }

    /// Returns the first whole millisecond count that satisfies a lower bound.
    pub(super) fn first_millisecond(self) -> i64 {
        self.limit as i64 + i64::from(self.operator == Operator::More)
    }
}

/// What a condition looks for.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum AtomKind {
    /// Phrases of which one is said, and phrases that take it back.
    Said {
        phrases: Vec<String>,
        unless: Vec<String>,
    },
    /// A text near a prototype.
    SaidLike {
        prototype: String,
        above: f64,
    },
    Signal(Vec<Signal>),
    Emotion(Vec<String>),
    Average {
        comparison: Comparison,
        over: i64,
    },
    Trend {
        direction: Trend,
        delta: f64,
        over: i64,
    },
    Silence(Comparison),
    Overtalk(Comparison),
    TalkShare {
        comparison: Comparison,
        over: i64,
    },
    Duration(Comparison),
    Hold(Comparison),
    Skill(Vec<String>),
    Attribute {
        name: String,
        values: Vec<String>,
    },
}

impl AtomKind {
    /// Returns whether the atom happens at moments, as words do; a state lasts.
    pub(super) const fn is_moment(&self) -> bool {
        matches!(
            self,
            Self::Said { .. } | Self::SaidLike { .. } | Self::Signal(_) | Self::Emotion(_)
        )
    }

    /// Returns whether the atom is computed from the times and scores of utterances.
    pub(super) const fn needs_utterances(&self) -> bool {
        matches!(
            self,
            Self::Average { .. }
                | Self::Trend { .. }
                | Self::Silence(_)
                | Self::Overtalk(_)
                | Self::TalkShare { .. }
        )
    }

    /// Returns the time before a moment in which a gap makes the atom unknown.
    pub(super) fn look_back(&self) -> Option<i64> {
        match self {
            Self::Average { over, .. }
            | Self::Trend { over, .. }
            | Self::TalkShare { over, .. } => Some(*over),
            Self::Silence(comparison) | Self::Overtalk(comparison) => {
                Some(comparison.first_millisecond())
            }
            _ => None,
        }
    }
}

/// An atom of a file; equal atoms of several rules are one.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Atom {
    pub(super) kind: AtomKind,
    pub(super) by: Side,
}

/// The number of an atom in its file.
pub(super) type AtomId = usize;

/// The time in which a condition must happen. Lengths are milliseconds.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Window {
    /// The whole conversation; for a state, the present moment.
    Default,
    /// The first part of the conversation.
    First(i64),
    /// The last part of the conversation, known after its end.
    Last(i64),
    /// The first percent of the conversation, known after its end.
    FirstPercent(f64),
    /// The last percent of the conversation, known after its end.
    LastPercent(f64),
    /// The time after the step before.
    After(i64),
    /// The time up to the present moment.
    Over(i64),
}

/// An atom, or its opposite, in a window.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct AtomUse {
    pub(super) atom: AtomId,
    pub(super) is_negated: bool,
    pub(super) window: Window,
}

/// A condition of a rule, with the conditions that it joins.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Condition {
    Atom(AtomUse),
    All(Vec<Condition>),
    Any(Vec<Condition>),
    Not(Box<Condition>),
    Sequence(Vec<AtomUse>),
    Count {
        atom: AtomId,
        window: Window,
        comparison: Comparison,
    },
}

impl Condition {
    /// Returns whether a part of the condition is a count or a sequence, which both last until the conversation ends.
    pub(super) fn counts_or_orders(&self) -> bool {
        match self {
            Self::Atom(_) => false,
            Self::All(parts) | Self::Any(parts) => parts.iter().any(Self::counts_or_orders),
            Self::Not(part) => part.counts_or_orders(),
            Self::Sequence(_) | Self::Count { .. } => true,
        }
    }

    /// Calls `visit` with each atom of the condition and its window.
    pub(super) fn for_each_atom(&self, visit: &mut dyn FnMut(AtomId, Window)) {
        match self {
            Self::Atom(atom) => visit(atom.atom, atom.window),
            Self::All(parts) | Self::Any(parts) => {
                parts.iter().for_each(|part| part.for_each_atom(visit));
            }
            Self::Not(part) => part.for_each_atom(visit),
            Self::Sequence(steps) => steps.iter().for_each(|step| visit(step.atom, step.window)),
            Self::Count { atom, window, .. } => visit(*atom, *window),
        }
    }
}

/// When a rule may hit again in the same conversation.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Again {
    /// The shortest time between two hits.
    pub(super) after: i64,
    /// What must have held since the last hit; without a condition, the rule must have ceased to hold.
    pub(super) once: Option<Condition>,
    /// How far the first average of the rule must have fallen since the last hit, to hit again without that.
    pub(super) worse_by: Option<f64>,
}
