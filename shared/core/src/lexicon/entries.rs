//! The entries of the lexicon: words and phrases with their weights, and the intensifiers.

use std::collections::HashMap;
use std::sync::LazyLock;

use crate::words::Token;

/// Largest number of words of an entry.
const MAX_ENTRY_WORDS: usize = 4;

/// Words and phrases by weight. Every form of a word is listed rather than derived from its stem, because "resolved" is
/// good news and "unresolved" is not.
const ENTRIES: &[(f64, &str)] = &[
    (
        3.0,
        "excellent, amazing, awesome, fantastic, outstanding, wonderful, brilliant, superb, phenomenal, delighted, love it, \
           above and beyond, life saver, lifesaver, made my day, five stars",
    ),
    (
        2.0,
        "great, perfect, perfectly, helpful, resolved, solved, sorted, fixed, happy, pleased, satisfied, appreciate, \
           appreciated, grateful, thankful, love, loved, impressed, thank, thanks, thx, thank you, recommend, friendly, \
           professional, knowledgeable, efficient, good job, well done, works now, working now, made it simple, made it easy, \
           quick response, smooth, smoothly, reliable, relieved, courteous, glad",
    ),
    (
        1.0,
        "good, nice, fine, ok now, well, easy, easily, quick, quickly, fast, clear, clearly, kind, kindly, patient, polite, \
           fair, better, best, smart, useful, success, successful, successfully, understanding, welcome, enjoy, enjoyed, \
           support was, right answer, simple, correct, cheers, promptly, prompt, refunded, no problem, no worries",
    ),
    (
        -3.0,
        "terrible, horrible, awful, worst, disgusting, disgusted, furious, outrageous, outraged, scam, scammed, fraud, \
           fraudulent, hate, hated, appalling, disgrace, disgraceful, nightmare, ripped off, rip off, pathetic, useless, \
           never again, livid, incompetent, unbelievable, stole, stolen, liar, liars",
    ),
    (
        -2.0,
        "angry, frustrated, frustrating, frustration, annoyed, annoying, upset, unacceptable, disappointed, disappointing, \
           disappointment, ridiculous, rude, broken, unhappy, dissatisfied, unsatisfied, bad, poor, poorly, unhelpful, \
           complaint, complaints, complain, complaining, lawyer, lawyers, attorney, sue, lawsuit, lied, lying, misled, \
           misleading, overcharged, double charged, charged twice, fed up, sick of, sick and tired, waste of time, \
           wasted, waste, fail, failed, fails, failure, failing, ignored, ignoring, hung up, keeps crashing, crashes, crashed, \
           unresolved, dreading, dreadful, doesn't work, not working, does not work, stopped working, shame, shambles, mess, \
           joke, nobody helps, no one helps, no help, damaged, defective, cheated, unprofessional, painful, hopeless",
    ),
    (
        -1.0,
        "refund, cancel, cancelling, canceling, cancellation, cancelled, problem, problems, issue, issues, wrong, error, \
           errors, late, delay, delays, delayed, slow, slowly, waiting, waited, missing, lost, confused, confusing, difficult, \
           hard, trouble, stuck, worried, worry, concerned, unfortunately, sorry, expensive, urgent, emergency, escalate, \
           supervisor, manager, again, still, fault, faulty, incorrect, mistake, mistakes, down, unable, impossible, \
           dispute, chargeback, third time, on hold, no answer, no response, no reply, outage, hidden, unclear, bug, bugs, \
           tired, pain, worse, never arrived",
    ),
];

static WEIGHTS: LazyLock<HashMap<&'static str, f64>> = LazyLock::new(|| {
    let split = |&(weight, list): &(f64, &'static str)| {
        list.split(',').map(move |entry| (entry.trim(), weight))
    };
    ENTRIES.iter().flat_map(split).collect()
});

/// Returns the weight of the longest entry at the beginning of the tokens, and the number of tokens read (at least 1).
pub(super) fn match_longest(tokens: &[Token]) -> (Option<f64>, usize) {
    let mut phrase = String::new();
    let mut found = (None, 1);
    for (index, token) in tokens.iter().take(MAX_ENTRY_WORDS).enumerate() {
        let Some(word) = token.word() else { break };
        if index > 0 {
            phrase.push(' ');
        }
        phrase.push_str(word);
        if let Some(weight) = WEIGHTS.get(phrase.as_str()) {
            found = (Some(*weight), index + 1);
        }
    }
    found
}

/// Returns the factor by which a word strengthens (above 1) or weakens (below 1) the word after it.
pub(super) fn intensity(word: &str) -> f64 {
    match word {
        "extremely" | "absolutely" | "completely" | "totally" | "utterly" | "incredibly"
        | "beyond" => 1.6,
        "very" | "really" | "so" | "truly" | "super" | "highly" | "such" | "too" | "most"
        | "seriously" => 1.4,
        "quite" | "pretty" | "more" => 1.15,
        "bit" | "slightly" | "somewhat" | "little" | "kinda" | "partly" | "mildly" => 0.6,
        _ => 1.0,
    }
}

/// Iterates over all entries with their weights.
#[cfg(test)]
pub(super) fn all() -> impl Iterator<Item = (&'static str, f64)> {
    WEIGHTS.iter().map(|(entry, weight)| (*entry, *weight))
}

/// Counts the entries as they are written down, repetitions included.
#[cfg(test)]
pub(super) fn count_listed() -> usize {
    ENTRIES
        .iter()
        .map(|(_, list)| list.split(',').count())
        .sum()
}
