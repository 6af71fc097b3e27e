//! When a trigger is denied.
//!
//! A trigger is denied if a negator stands before it in the same clause with nothing between them but words that carry the
//! negation on ("*not* really a *complaint*", "*don't* want to *complain*"). Any other word ends it: "has *not* answered my
//! *complaint*" and "*can't* reach a *manager*" are triggers. An escalation too many costs a glance, one too few a
//! customer, so what is unclear counts as a trigger.

use crate::lexicon::words::Piece;
use crate::negation::{RuleSet, is_negator};

/// Farthest a negation reaches, in words.
const REACH: usize = 6;

/// Words over which a negation carries: articles, degrees, and the verbs of wanting, being and filing.
const CARRIERS: &[&str] = &[
    "a",
    "an",
    "any",
    "the",
    "that",
    "such",
    "all",
    "really",
    "very",
    "so",
    "too",
    "quite",
    "exactly",
    "particularly",
    "especially",
    "super",
    "overly",
    "need",
    "needing",
    "want",
    "wanting",
    "wish",
    "wishing",
    "trying",
    "looking",
    "going",
    "intend",
    "intending",
    "mean",
    "meant",
    "to",
    "for",
    "is",
    "as",
    "of",
    "be",
    "been",
    "being",
    "make",
    "making",
    "file",
    "filing",
    "filed",
    "raise",
    "raising",
    "speak",
    "talk",
    "ask",
    "asking",
    "call",
    "have",
    "formal",
    "official",
    "serious",
    "immediate",
    "kind",
];

/// Behind "no", these begin a new thought instead: "no this is urgent".
const AFTER_NO: &[&str] = &["the", "that", "is", "so"];

/// Whether what stands before a trigger denies it.
pub(super) fn denied(before: &[Piece]) -> bool {
    let mut behind: Option<&str> = None;
    for piece in before.iter().rev().take(REACH) {
        let Some(word) = piece.word() else {
            return false;
        };
        if is_negator(word, RuleSet::Escalation) {
            // "not only a complaint but" never gets here: "only" carries nothing on.
            return !(word == "no" && behind.is_some_and(|next| AFTER_NO.contains(&next)));
        }
        if !CARRIERS.contains(&word) {
            return false;
        }
        behind = Some(word);
    }
    false
}
