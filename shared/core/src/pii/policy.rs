//! What is masked and how: the kinds that a deployment redacts, and the mask that stands in their place.

use super::finding::{Finding, PiiKind};

/// A set of kinds of personal data.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct PiiKinds(u32);

impl PiiKinds {
    /// The set that holds every kind.
    pub const ALL: Self = Self((1 << PiiKind::ALL.len()) - 1);

    /// Returns whether the set holds a kind.
    #[must_use]
    pub const fn contains(self, kind: PiiKind) -> bool {
        self.0 & (1 << kind as u32) != 0
    }
}

impl FromIterator<PiiKind> for PiiKinds {
    fn from_iter<I: IntoIterator<Item = PiiKind>>(kinds: I) -> Self {
        Self(
            kinds
                .into_iter()
                .fold(0, |set, kind| set | 1 << kind as u32),
        )
    }
}

/// The reason why a list of kinds was refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is no kind of personal data; the kinds are {names}", names = PiiKind::ALL.map(PiiKind::name).join(", "))]
pub struct UnknownPiiKind(pub String);

/// Reads `all`, or the names of kinds separated by commas.
impl std::str::FromStr for PiiKinds {
    type Err = UnknownPiiKind;

    fn from_str(text: &str) -> Result<Self, UnknownPiiKind> {
        if text.trim() == "all" {
            return Ok(Self::ALL);
        }
        text.split(',')
            .map(|name| {
                let name = name.trim();
                let found = PiiKind::ALL.into_iter().find(|kind| kind.name() == name);
                found.ok_or_else(|| UnknownPiiKind(name.to_owned()))
            })
            .collect()
    }
}

/// The mask that does not say of which kind the data was.
const BLOCKS: &str = "████";

/// The form of what replaces personal data.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum MaskStyle {
    /// The kind in brackets, such as `[CARD]`.
    #[default]
    Kind,
    /// Four full blocks, which do not say of which kind the data was: `████`.
    Blocks,
}

/// The kinds that are redacted and the form of their masks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct RedactionPolicy {
    /// The kinds of personal data that are redacted; other kinds are left in the text.
    pub kinds: PiiKinds,
    /// The form of the masks.
    pub mask: MaskStyle,
}

impl Default for RedactionPolicy {
    fn default() -> Self {
        Self {
            kinds: PiiKinds::ALL,
            mask: MaskStyle::Kind,
        }
    }
}

impl RedactionPolicy {
    /// Returns the mask that replaces data of a kind.
    #[must_use]
    pub const fn mask_of(&self, kind: PiiKind) -> &'static str {
        match self.mask {
            MaskStyle::Kind => kind.placeholder(),
            MaskStyle::Blocks => BLOCKS,
        }
    }

    /// Replaces each finding by its mask, and returns the new text and the places of the masks in it.
    ///
    /// The findings must be of this text, in its order and without overlaps.
    #[must_use]
    pub fn mask_findings(&self, text: &str, findings: &[Finding]) -> (String, Vec<Finding>) {
        let mut redacted = String::with_capacity(text.len());
        let mut placed = Vec::with_capacity(findings.len());
        let mut from = 0;
        for finding in findings {
            redacted.push_str(&text[from..finding.range.start]);
            let start = redacted.len();
            redacted.push_str(self.mask_of(finding.kind));
            placed.push(Finding {
                kind: finding.kind,
                range: start..redacted.len(),
            });
            from = finding.range.end;
        }
        redacted.push_str(&text[from..]);
        (redacted, placed)
    }
}

/// Returns whether a masked text can come from a text: whether everything between the masks stands in it, in order.
///
/// A text without masks is the masked form of itself alone.
#[must_use]
pub fn is_masked_form_of(masked: &str, text: &str) -> bool {
    let mut rest = text;
    let mut parts = split_at_masks(masked);
    let Some(first) = parts.next() else {
        return false;
    };
    let Some(after) = rest.strip_prefix(first) else {
        return false;
    };
    rest = after;
    let mut is_exact = true;
    let mut parts = parts.peekable();
    while let Some(part) = parts.next() {
        is_exact = false;
        if parts.peek().is_none() {
            return rest.ends_with(part);
        }
        let Some(place) = rest.find(part) else {
            return false;
        };
        rest = &rest[place + part.len()..];
    }
    !is_exact || rest.is_empty()
}

/// Cuts a text at its masks.
fn split_at_masks(text: &str) -> impl Iterator<Item = &str> {
    let masks = PiiKind::ALL.map(PiiKind::placeholder);
    let mut rest = Some(text);
    std::iter::from_fn(move || {
        let current = rest?;
        let next = masks
            .iter()
            .copied()
            .chain([BLOCKS])
            .filter_map(|mask| Some((current.find(mask)?, mask.len())))
            .min();
        match next {
            Some((place, length)) => {
                rest = Some(&current[place + length..]);
                Some(&current[..place])
            }
            None => rest.take(),
        }
    })
}
