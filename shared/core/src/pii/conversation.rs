//! The redactor of a conversation: a state machine over turns, because a number that is given in pieces passes every check of a
//! single text.

use std::ops::Range;

use super::claims::claim;
use super::classify::{Context, Decision, classify_run};
use super::finding::{Finding, PiiKind};
use super::joined::{Joined, Tail};
use super::late::LateFinding;
use super::memory::{Memory, RecentRun};
use super::policy::RedactionPolicy;
use super::questions::Questions;
use super::reading::Reading;
use super::speaker::{SpeakerRole, split_at_labels};
use super::tokens::Shape;
use super::turn_data::TurnData;
use super::vocabulary::WordRoles;
use super::window::Windows;

/// One turn of a conversation.
#[derive(Clone, Copy)]
pub struct ConversationTurn<'t> {
    /// The caller's name of the turn, by which later findings in it are reported.
    pub id: u64,
    /// Who says the turn.
    pub role: SpeakerRole,
    /// When the turn was said, in milliseconds of any clock, if that is known.
    pub at_ms: Option<i64>,
    /// The words that were said.
    pub text: &'t str,
}

/// Omits the text of the conversation, so that the text cannot reach a log.
impl std::fmt::Debug for ConversationTurn<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ConversationTurn")
            .field("id", &self.id)
            .field("role", &self.role)
            .field("bytes", &self.text.len())
            .finish_non_exhaustive()
    }
}

/// What one turn brought.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TurnFindings {
    /// The personal data of the turn, in the order of its text and without overlaps.
    pub findings: Vec<Finding>,
    /// Personal data of earlier turns that stores have to mask now.
    pub late: Vec<LateFinding>,
}

/// Finds personal data in the turns of one conversation, as the turns come.
///
/// The memory is bounded, whatever the length of the conversation.
pub struct ConversationRedactor {
    policy: RedactionPolicy,
    windows: Windows,
    memory: Memory,
    turn: u64,
    reading: Reading,
    /// The end of the last part, which the next segment may go on with.
    tail: Option<Tail>,
}

/// Omits what was said, so that no digit of it can reach a log.
impl std::fmt::Debug for ConversationRedactor {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ConversationRedactor")
            .field("turn", &self.turn)
            .finish_non_exhaustive()
    }
}

impl Default for ConversationRedactor {
    fn default() -> Self {
        Self::new(RedactionPolicy::default())
    }
}

impl ConversationRedactor {
    /// Creates the redactor of a conversation that begins.
    #[must_use]
    pub fn new(policy: RedactionPolicy) -> Self {
        Self {
            policy,
            windows: Windows::default(),
            memory: Memory::default(),
            turn: 0,
            reading: Reading::default(),
            tail: None,
        }
    }

    /// Reads the next turn and returns what is personal data in it, and what of earlier turns turned out to be.
    pub fn push(&mut self, turn: &ConversationTurn<'_>) -> TurnFindings {
        let mut found = TurnFindings::default();
        for (role, range) in split_at_labels(turn.text, turn.role) {
            self.read_part(turn, role, range, &mut found);
        }
        found
            .findings
            .retain(|finding| self.policy.kinds.contains(finding.kind));
        found
            .late
            .retain(|finding| self.policy.kinds.contains(finding.kind));
        // What a part of the same turn showed to be data is no late finding, but one of the turn.
        let (same, late) = std::mem::take(&mut found.late)
            .into_iter()
            .partition(|late| late.turn_id == turn.id);
        found.late = late;
        let same: Vec<LateFinding> = same;
        for late in same {
            claim(turn.text, &mut found.findings, late.kind, late.range);
        }
        found.findings.sort_by_key(|finding| finding.range.start);
        found
    }

    /// Reads one part of a turn, which one speaker says.
    fn read_part(
        &mut self,
        turn: &ConversationTurn<'_>,
        role: SpeakerRole,
        part: Range<usize>,
        found: &mut TurnFindings,
    ) {
        let text = &turn.text[part.clone()];
        self.turn += 1;
        self.windows.close_overdue(self.turn, turn.at_ms);
        let mut reading = std::mem::take(&mut self.reading);
        reading.read(text);
        let windows_before = self.windows.clone();
        let tail = self
            .tail
            .take()
            .filter(|tail| tail.goes_on(role, turn.id) && !reading.tokens.is_empty());
        let mut findings: Vec<Finding> = Vec::new();
        let mut answered: Vec<(PiiKind, usize)> = Vec::new();
        let is_asker = role == SpeakerRole::Agent;
        let data = TurnData {
            text,
            reading: &reading,
            windows: &self.windows,
            memory: &self.memory,
            is_asker,
        };
        data.find_words(&mut findings, &mut answered);
        let has_numbers = !reading.numbers.groups.is_empty();
        let mut recent: Vec<RecentRun> = Vec::new();
        let mut gave_harmless = false;
        if has_numbers {
            let context = Context {
                text,
                reading: &reading,
                windows: &self.windows,
                memory: &self.memory,
                is_asker,
            };
            for run in &reading.numbers.runs {
                classify_run(
                    &context,
                    run,
                    &mut findings,
                    &mut answered,
                    &mut |run, decision| {
                        gave_harmless |= decision == Decision::Harmless;
                        recent.push(RecentRun {
                            turn_id: turn.id,
                            turn: self.turn,
                            role,
                            digits: reading.numbers.digits_of(run).to_vec(),
                            range: part.start + run.range.start..part.start + run.range.end,
                            is_pure: reading.is_pure,
                            is_masked: matches!(decision, Decision::Data(_)),
                            is_harmless: decision == Decision::Harmless,
                        });
                    },
                );
            }
            if gave_harmless && !is_asker {
                self.windows.close_harmless();
            }
        }
        for run in recent {
            self.memory.remember(run);
        }
        for (kind, digits) in &answered {
            self.windows
                .note_answer(*kind, *digits, self.turn, turn.at_ms);
        }
        found.late.extend(self.memory.join_cards(self.turn));
        self.remember_secrets(text, &reading, &findings);
        if role != SpeakerRole::Agent && !reading.is_backchannel {
            self.windows.count_turn();
        }
        let kinds = answered.iter().map(|(kind, _)| *kind).collect();
        let late = match &tail {
            Some(tail) => {
                self.read_joined(tail, turn, text, &part, &mut findings, &mut answered, found)
            }
            None => {
                let questions = Questions {
                    text,
                    reading: &reading,
                    role,
                    turn: self.turn,
                    at_ms: turn.at_ms,
                    words_before: 0,
                };
                questions.open_windows(&mut self.windows, &mut self.memory, &answered)
            }
        };
        found.late.extend(late);
        let mut tail = Tail::of(role, turn.id, text, part.start, windows_before);
        tail.answered = kinds;
        tail.gave_harmless = gave_harmless;
        self.tail = Some(tail);
        self.reading = reading;
        for finding in findings {
            let range = part.start + finding.range.start..part.start + finding.range.end;
            claim(turn.text, &mut found.findings, finding.kind, range);
        }
    }

    /// Reads a part together with the end of the part before, which the same speaker said, and opens the windows for what both ask for.
    #[expect(
        clippy::too_many_arguments,
        reason = "one step of the reading of a part, cut out of it"
    )]
    fn read_joined(
        &mut self,
        tail: &Tail,
        turn: &ConversationTurn<'_>,
        text: &str,
        part: &Range<usize>,
        findings: &mut Vec<Finding>,
        answered: &mut Vec<(PiiKind, usize)>,
        found: &mut TurnFindings,
    ) -> Vec<LateFinding> {
        let (joined, begin) = tail.joined_with(text);
        let mut reading = Reading::default();
        reading.read(&joined);
        let words_before = reading.tokens.partition_point(|token| token.start < begin);
        let is_asker = tail.role == SpeakerRole::Agent;
        let mut together: Vec<Finding> = Vec::new();
        let mut answered_together: Vec<(PiiKind, usize)> = Vec::new();
        TurnData {
            text: &joined,
            reading: &reading,
            windows: &tail.windows,
            memory: &self.memory,
            is_asker,
        }
        .find_words(&mut together, &mut answered_together);
        let context = Context {
            text: &joined,
            reading: &reading,
            windows: &tail.windows,
            memory: &self.memory,
            is_asker,
        };
        for run in &reading.numbers.runs {
            classify_run(
                &context,
                run,
                &mut together,
                &mut answered_together,
                &mut |_, _| {},
            );
        }
        let both = Joined {
            tail,
            text: &joined,
            reading: &reading,
            begin,
            words_before,
        };
        together.retain(|finding| both.is_believable(finding));
        self.remember_secrets(&joined, &reading, &together);
        // What each part has answered by itself is noted already.
        answered_together.retain(|(kind, _)| {
            together.iter().any(|finding| finding.kind == *kind)
                && !tail.answered.contains(kind)
                && !answered.iter().any(|(other, _)| other == kind)
        });
        for (kind, digits) in &answered_together {
            self.windows
                .note_answer(*kind, *digits, self.turn, turn.at_ms);
        }
        answered.append(&mut answered_together);
        let shift = text.len() - text.trim_start().len();
        for finding in together {
            if finding.range.start < begin {
                found.late.push(LateFinding {
                    turn_id: tail.turn_id,
                    kind: finding.kind,
                    range: tail.place_in_turn(&finding.range),
                });
            }
            if finding.range.end > begin {
                let start = finding.range.start.max(begin) - begin + shift;
                let end = (finding.range.end - begin + shift).min(part.len());
                claim(text, findings, finding.kind, start..end);
            }
        }
        Questions {
            text: &joined,
            reading: &reading,
            role: tail.role,
            turn: self.turn,
            at_ms: turn.at_ms,
            words_before,
        }
        .open_windows(&mut self.windows, &mut self.memory, answered)
    }

    /// Remembers what was masked, because it may be read back.
    fn remember_secrets(&mut self, text: &str, reading: &Reading, findings: &[Finding]) {
        for finding in findings {
            match finding.kind {
                PiiKind::Name | PiiKind::Password | PiiKind::Address => {
                    let first = reading
                        .tokens
                        .partition_point(|token| token.start < finding.range.start);
                    let within = reading.tokens[first..]
                        .iter()
                        .take_while(|token| token.end <= finding.range.end);
                    let words = within.filter(|token| {
                        token.shape != Shape::Figures
                            && token.chars >= 3
                            && token.number.is_none()
                            && !token.is_empty_talk()
                            && !token.is(WordRoles::STREET.with(WordRoles::MAYBE_STREET))
                    });
                    for token in words {
                        self.memory
                            .remember_word(finding.kind, &text[token.range()]);
                    }
                }
                _ => {
                    let digits = reading.numbers.digits_within(&finding.range);
                    self.memory.remember_secret(finding.kind, &digits);
                }
            }
        }
    }
}
