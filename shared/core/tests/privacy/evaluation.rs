//! Measures how much of the secrets the redactor masks, and how much of what it masks is one.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::ops::Range;

use insights_core::pii::{ConversationRedactor, ConversationTurn, PiiKind, RedactionPolicy};

use crate::dialogue::Dialogue;
use crate::dice::Dice;
use crate::scenarios;
use crate::wordings::Wordings;

/// The figures of one kind.
#[derive(Default, Clone)]
pub(crate) struct Figures {
    /// Number of secrets, and of those of which every piece is masked.
    pub(crate) secrets: usize,
    pub(crate) masked: usize,
    /// The same of the secrets that were given in pieces.
    pub(crate) secrets_in_pieces: usize,
    pub(crate) masked_in_pieces: usize,
    /// Number of findings that were reported as this kind, and of those that touch a secret.
    pub(crate) findings: usize,
    pub(crate) right_findings: usize,
    /// Number of figures and of digit words of secrets that are left in the clear.
    pub(crate) leaked_digits: usize,
}

impl Figures {
    pub(crate) fn recall(&self) -> f64 {
        ratio(self.masked, self.secrets)
    }

    pub(crate) fn recall_in_pieces(&self) -> f64 {
        ratio(self.masked_in_pieces, self.secrets_in_pieces)
    }

    pub(crate) fn precision(&self) -> f64 {
        ratio(self.right_findings, self.findings)
    }

    pub(crate) fn f2(&self) -> f64 {
        let (precision, recall) = (self.precision(), self.recall());
        5.0 * precision * recall / (4.0 * precision + recall).max(f64::MIN_POSITIVE)
    }

    fn add(&mut self, other: &Self) {
        self.secrets += other.secrets;
        self.masked += other.masked;
        self.secrets_in_pieces += other.secrets_in_pieces;
        self.masked_in_pieces += other.masked_in_pieces;
        self.findings += other.findings;
        self.right_findings += other.right_findings;
        self.leaked_digits += other.leaked_digits;
    }
}

fn ratio(part: usize, whole: usize) -> f64 {
    if whole == 0 {
        1.0
    } else {
        part as f64 / whole as f64
    }
}

/// The figures of a set of conversations, with examples of what went wrong.
pub(crate) struct Evaluation {
    pub(crate) conversations: usize,
    pub(crate) kinds: BTreeMap<PiiKind, Figures>,
    pub(crate) misses: Vec<String>,
    pub(crate) false_findings: Vec<String>,
}

/// Makes so many conversations of the wordings and measures the redactor with them.
pub(crate) fn measure(wordings: &Wordings, conversations: usize, seed: u64) -> Evaluation {
    let mut dice = Dice::new(seed);
    let dialogues: Vec<Dialogue> = (0..conversations)
        .map(|_| scenarios::make(wordings, &mut dice))
        .collect();
    measure_dialogues(&dialogues)
}

/// Measures the redactor with given conversations.
pub(crate) fn measure_dialogues(dialogues: &[Dialogue]) -> Evaluation {
    let mut evaluation = Evaluation {
        conversations: dialogues.len(),
        kinds: BTreeMap::new(),
        misses: Vec::new(),
        false_findings: Vec::new(),
    };
    for dialogue in dialogues {
        evaluation.add(dialogue);
    }
    evaluation
}

/// Returns the masked places of each turn once the whole conversation was heard.
pub(crate) fn mask(dialogue: &Dialogue) -> Vec<Vec<(PiiKind, Range<usize>)>> {
    let mut redactor = ConversationRedactor::new(RedactionPolicy::default());
    let mut masked: Vec<Vec<(PiiKind, Range<usize>)>> = vec![Vec::new(); dialogue.turns.len()];
    for (number, turn) in dialogue.turns.iter().enumerate() {
        let found = redactor.push(&ConversationTurn {
            id: number as u64,
            role: turn.role,
            at_ms: Some(turn.at_ms),
            text: &turn.text,
        });
        masked[number].extend(found.findings.into_iter().map(|it| (it.kind, it.range)));
        for late in found.late {
            masked[late.turn_id as usize].push((late.kind, late.range));
        }
    }
    masked
}

impl Evaluation {
    fn add(&mut self, dialogue: &Dialogue) {
        let masked = mask(dialogue);
        for secret in &dialogue.secrets {
            let figures = self.kinds.entry(secret.kind).or_default();
            figures.secrets += 1;
            figures.secrets_in_pieces += usize::from(secret.in_pieces);
            let mut is_masked = true;
            for (turn, place) in &secret.pieces {
                let text = &dialogue.turns[*turn].text;
                let left = left_in_clear(text, place, &masked[*turn]);
                if !left.is_empty() {
                    is_masked = false;
                    figures.leaked_digits += count_digits(&left);
                    self.misses.push(describe(
                        dialogue,
                        *turn,
                        &format!("{:?} left {left:?}", secret.kind),
                    ));
                }
            }
            figures.masked += usize::from(is_masked);
            figures.masked_in_pieces += usize::from(is_masked && secret.in_pieces);
        }
        for (turn, findings) in masked.iter().enumerate() {
            for (kind, range) in findings {
                let is_right = dialogue
                    .secrets
                    .iter()
                    .flat_map(|secret| &secret.pieces)
                    .any(|(other, place)| {
                        *other == turn && place.start < range.end && range.start < place.end
                    });
                let figures = self.kinds.entry(*kind).or_default();
                figures.findings += 1;
                figures.right_findings += usize::from(is_right);
                if !is_right {
                    let text = &dialogue.turns[turn].text[range.clone()];
                    self.false_findings.push(describe(
                        dialogue,
                        turn,
                        &format!("{kind:?} {text:?}"),
                    ));
                }
            }
        }
    }

    /// Returns the figures over all kinds.
    pub(crate) fn total(&self) -> Figures {
        let mut total = Figures::default();
        self.kinds.values().for_each(|figures| total.add(figures));
        total
    }

    /// Returns the number of digits that are left in the clear in 1,000 conversations.
    pub(crate) fn leaked_per_thousand(&self, figures: &Figures) -> f64 {
        figures.leaked_digits as f64 * 1_000.0 / self.conversations as f64
    }

    /// Returns the table for BENCHMARKS.md.
    pub(crate) fn table(&self) -> String {
        let mut table = String::from(
            "| kind | secrets | recall | recall in pieces | precision | F2 | leaked digits in 1,000 calls |\n|---|---|---|---|---|---|---|\n",
        );
        let total = self.total();
        let rows = self
            .kinds
            .iter()
            .map(|(kind, figures)| (kind.name(), figures));
        for (name, figures) in rows.chain([("all", &total)]) {
            let in_pieces = if figures.secrets_in_pieces == 0 {
                "-".to_owned()
            } else {
                format!("{:.3}", figures.recall_in_pieces())
            };
            let _ = writeln!(
                table,
                "| {name} | {} | {:.3} | {in_pieces} | {:.3} | {:.3} | {:.1} |",
                figures.secrets,
                figures.recall(),
                figures.precision(),
                figures.f2(),
                self.leaked_per_thousand(figures)
            );
        }
        table
    }
}

/// Returns the letters and figures of a place that no finding covers.
fn left_in_clear(text: &str, place: &Range<usize>, masked: &[(PiiKind, Range<usize>)]) -> String {
    text[place.clone()]
        .char_indices()
        .map(|(at, letter)| (place.start + at, letter))
        .filter(|(at, letter)| {
            letter.is_alphanumeric() && !masked.iter().any(|(_, range)| range.contains(at))
        })
        .map(|(_, letter)| letter)
        .collect()
}

/// Counts the digits of what was left: its figures, or about four letters for a digit word.
fn count_digits(left: &str) -> usize {
    let figures = left.chars().filter(char::is_ascii_digit).count();
    figures + (left.chars().count() - figures).div_ceil(4)
}

fn describe(dialogue: &Dialogue, turn: usize, what: &str) -> String {
    let before: Vec<String> = dialogue.turns[turn.saturating_sub(2)..=turn]
        .iter()
        .map(|turn| format!("{:?}: {}", turn.role, turn.text))
        .collect();
    format!("{what} in {}", before.join(" / "))
}
