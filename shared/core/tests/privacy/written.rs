//! Whole conversations that somebody wrote who had never seen the detector, with what must be masked in each.
//!
//! A line of the file is a conversation (`A: ... | C: ...`), a tab, and the secrets with their kinds (`1111 [credit_card] ; ...`). Whatever is
//! no secret must stay.

use std::collections::BTreeMap;

use insights_core::pii::{RedactionPolicy, SpeakerRole, detect_turns};

const CONVERSATIONS: &str = include_str!("../fixtures/privacy_dialogues.tsv");

/// What was found in the written conversations.
#[derive(Default)]
struct Outcome {
    /// Number of pieces of secrets, and of those of which nothing is left, by kind.
    pieces: BTreeMap<String, (usize, usize)>,
    findings: usize,
    right_findings: usize,
    faults: Vec<String>,
}

impl Outcome {
    fn totals(&self) -> (usize, usize) {
        self.pieces
            .values()
            .fold((0, 0), |(all, masked), it| (all + it.0, masked + it.1))
    }
}

/// Returns each conversation, without its secrets.
pub(crate) fn conversations() -> impl Iterator<Item = &'static str> {
    let lines = CONVERSATIONS.lines().filter(|line| !line.trim().is_empty());
    lines.map(|line| {
        line.split_once('\t')
            .map_or(line, |(conversation, _)| conversation)
    })
}

/// Returns the turns of a conversation with their speakers.
pub(crate) fn turns_of(conversation: &str) -> Vec<(SpeakerRole, &str)> {
    conversation
        .split('|')
        .map(str::trim)
        .map(|turn| match turn.split_at(2) {
            ("A:", said) => (SpeakerRole::Agent, said.trim()),
            ("C:", said) => (SpeakerRole::Customer, said.trim()),
            (label, _) => panic!("{label:?} is no speaker"),
        })
        .collect()
}

fn secrets_of(column: &str) -> impl Iterator<Item = (&str, &str)> {
    column
        .split(" ; ")
        .map(str::trim)
        .filter(|secret| !secret.is_empty())
        .map(|secret| {
            let (value, kind) = secret.rsplit_once(" [").unwrap();
            (value.trim(), kind.trim_end_matches(']'))
        })
}

fn measure() -> Outcome {
    let mut outcome = Outcome::default();
    for line in CONVERSATIONS.lines().filter(|line| !line.trim().is_empty()) {
        let (conversation, column) = line.split_once('\t').unwrap_or((line, ""));
        let turns = turns_of(conversation);
        let found = detect_turns(turns.iter().copied(), &RedactionPolicy::default());
        let mut is_right: Vec<Vec<bool>> =
            found.iter().map(|found| vec![false; found.len()]).collect();
        for (value, kind) in secrets_of(column) {
            let mut is_said = false;
            let mut left = String::new();
            for ((turn, (_, text)), findings) in turns.iter().enumerate().zip(&found) {
                for (start, _) in text.match_indices(value) {
                    let place = start..start + value.len();
                    // "one" is no piece of "phone".
                    let is_part = text[..place.start].ends_with(char::is_alphanumeric)
                        || text[place.end..].starts_with(char::is_alphanumeric);
                    if is_part {
                        continue;
                    }
                    is_said = true;
                    for (number, finding) in findings.iter().enumerate() {
                        is_right[turn][number] |=
                            finding.range.start < place.end && place.start < finding.range.end;
                    }
                    left.extend(
                        text[place.clone()]
                            .char_indices()
                            .filter_map(|(at, letter)| {
                                let is_open = !findings
                                    .iter()
                                    .any(|finding| finding.range.contains(&(place.start + at)));
                                (letter.is_alphanumeric() && is_open).then_some(letter)
                            }),
                    );
                }
            }
            assert!(is_said, "{value:?} is not said in {conversation:?}");
            let counts = outcome.pieces.entry(kind.to_owned()).or_default();
            counts.0 += 1;
            counts.1 += usize::from(left.is_empty());
            if !left.is_empty() {
                outcome
                    .faults
                    .push(format!("{kind} {value:?} left {left:?} in {conversation}"));
            }
        }
        for (turn, findings) in found.iter().enumerate() {
            for (finding, is_right) in findings.iter().zip(&is_right[turn]) {
                outcome.findings += 1;
                outcome.right_findings += usize::from(*is_right);
                if !is_right {
                    let said = &turns[turn].1[finding.range.clone()];
                    outcome.faults.push(format!(
                        "false {:?} {said:?} in {conversation}",
                        finding.kind
                    ));
                }
            }
        }
    }
    outcome
}

#[test]
fn conversations_that_somebody_wrote_keep_their_floors() {
    let outcome = measure();
    let (pieces, masked) = outcome.totals();
    let recall = masked as f64 / pieces as f64;
    let precision = outcome.right_findings as f64 / outcome.findings as f64;
    if let Ok(folder) = std::env::var("PRIVACY_REPORT") {
        let mut report = format!(
            "recall {recall:.3} of {pieces} pieces, precision {precision:.3} of {} findings\n",
            outcome.findings
        );
        for (kind, (all, masked)) in &outcome.pieces {
            report.push_str(&format!("{kind} {masked} of {all}\n"));
        }
        report.push_str(&outcome.faults.join("\n"));
        std::fs::write(std::path::Path::new(&folder).join("written.txt"), report).unwrap();
    }
    assert!(
        recall >= 0.99 && precision >= 0.97,
        "recall {recall:.3}, precision {precision:.3}\n{}",
        outcome.faults.join("\n")
    );
}
