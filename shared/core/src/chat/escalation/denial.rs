//! Decides whether what stands before a trigger denies it.
//!
//! A trigger is denied if a negator stands before it in the same clause with nothing between them but words that carry the
//! negation on ("*not* really a *complaint*", "*don't* want to *complain*"). Any other word ends the negation: "has *not*
//! answered my *complaint*" and "*can't* reach a *manager*" are triggers. A needless escalation costs a supervisor a
//! glance, a missed one costs a customer, so an unclear case counts as a trigger.

use crate::negation::{RuleSet, is_negator};
use crate::words::Token;

/// Largest distance between a negator and the trigger that it denies, in words.
const MAX_NEGATION_DISTANCE: usize = 6;

/// Words that carry a negation on to the next word: articles, degrees, and the verbs of wanting, being and filing.
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

/// Words that begin a new thought after "no" instead of carrying the negation on: "no this is urgent".
const NEW_THOUGHT_AFTER_NO: &[&str] = &["the", "that", "is", "so"];

/// Returns whether the tokens before a trigger deny the trigger.
pub(super) fn is_denied(before: &[Token]) -> bool {
    // The word that follows the one under inspection.
    let mut following: Option<&str> = None;
    for token in before.iter().rev().take(MAX_NEGATION_DISTANCE) {
        let Some(word) = token.word() else {
            return false;
        };
        if is_negator(word, RuleSet::Escalation) {
            // "not only a complaint but" never gets here: "only" does not carry the negation on.
            return !(word == "no"
                && following.is_some_and(|next| NEW_THOUGHT_AFTER_NO.contains(&next)));
        }
        if !CARRIERS.contains(&word) {
            return false;
        }
        following = Some(word);
    }
    false
}
