//! What a changed rule file does to conversations: hits gained, lost and moved, alerts per supervisor-hour, precision by marks.

use std::collections::{BTreeMap, BTreeSet};

use insights_core::rules::{Dialogue, Evaluation, RuleFile, RuleHit, RuleSeverity, Truth, quote};
use insights_core::scale::round_to;
use serde::Serialize;
use sha2::{Digest, Sha256};

use super::conversations::Conversations;
use super::marks::WrongMark;

/// Number of quotes that are shown of each rule.
pub(super) const SAMPLED_QUOTES: usize = 20;

/// The hits of one rule over all conversations.
#[derive(Debug, Default, Serialize)]
pub(super) struct RuleRow {
    pub(super) rule: String,
    pub(super) version: Option<String>,
    pub(super) version_before: Option<String>,
    pub(super) severity: RuleSeverity,
    pub(super) hits_before: usize,
    pub(super) hits: usize,
    /// The conversations in which the rule hits now and did not before.
    pub(super) gained: Vec<String>,
    /// The conversations in which the rule hit before and does not now.
    pub(super) lost: Vec<String>,
    /// The conversations in which the first hit has another time, with the change in milliseconds.
    pub(super) moved: Vec<(String, i64)>,
    /// The number of conversations for which the answer is unknown.
    pub(super) unknown: usize,
    /// Alerts per supervisor and hour; only rules that warn alert.
    pub(super) alerts_per_hour_before: f64,
    pub(super) alerts_per_hour: f64,
    /// Share of the hits that nobody marked as wrong, where there are marks.
    pub(super) precision: Option<f64>,
    /// A sample of the words that made the rule hold.
    pub(super) quotes: Vec<SampledQuote>,
}

/// Words that made a rule hold.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(super) struct SampledQuote {
    pub(super) conversation: String,
    pub(super) segment: String,
    pub(super) speaker: String,
    pub(super) second: i64,
    pub(super) text: String,
}

/// The comparison of two rule files, or the figures of one.
#[derive(Debug, Serialize)]
pub(super) struct Comparison {
    pub(super) version: String,
    pub(super) version_before: Option<String>,
    pub(super) conversations: usize,
    pub(super) without_transcript: usize,
    pub(super) hours: f64,
    pub(super) supervisors: u32,
    pub(super) alerts_per_hour_before: Option<f64>,
    pub(super) alerts_per_hour: f64,
    pub(super) rules: Vec<RuleRow>,
}

/// Evaluates a rule file over all conversations, on all cores, in the order of the conversations.
pub(super) fn evaluate_all(file: &RuleFile, dialogues: &[(String, Dialogue)]) -> Vec<Evaluation> {
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    let chunk = dialogues.len().div_ceil(threads).max(1);
    std::thread::scope(|scope| {
        let workers: Vec<_> = dialogues
            .chunks(chunk)
            .map(|part| {
                scope.spawn(move || -> Vec<Evaluation> {
                    part.iter()
                        .map(|(_, dialogue)| file.evaluate(dialogue))
                        .collect()
                })
            })
            .collect();
        workers
            .into_iter()
            .flat_map(|worker| worker.join().unwrap_or_default())
            .collect()
    })
}

/// Counts the hits that alert somebody.
pub(super) fn count_alerts(evaluations: &[Evaluation]) -> usize {
    evaluations
        .iter()
        .flat_map(|evaluation| &evaluation.hits)
        .filter(|hit| hit.severity >= RuleSeverity::Warn)
        .count()
}

/// Compares what two files say of the same conversations.
pub(super) fn compare(
    file: &RuleFile,
    before: Option<&RuleFile>,
    conversations: &Conversations,
    supervisors: u32,
    marks: Option<&BTreeSet<WrongMark>>,
) -> Comparison {
    let dialogues = &conversations.dialogues;
    let supervisor_hours = conversations.hours * f64::from(supervisors);
    let rate = |alerts: usize| round_to(alerts as f64 / supervisor_hours, 3);
    let now = evaluate_all(file, dialogues);
    let then = before.map(|before| evaluate_all(before, dialogues));
    let mut ids: Vec<&str> = file.rules().iter().map(|rule| rule.id.as_str()).collect();
    for rule in before.iter().flat_map(|before| before.rules()) {
        if !ids.contains(&rule.id.as_str()) {
            ids.push(&rule.id);
        }
    }
    let rules = ids
        .into_iter()
        .map(|id| {
            let rule = file.rule(id);
            let old = before.and_then(|before| before.rule(id));
            let mut row = RuleRow {
                rule: id.to_owned(),
                version: rule.map(|rule| rule.version.clone()),
                version_before: old.map(|rule| rule.version.clone()),
                severity: rule.or(old).map(|rule| rule.severity).unwrap_or_default(),
                ..RuleRow::default()
            };
            let mut quotes = BTreeMap::new();
            let mut wrong = 0;
            for (number, (conversation, dialogue)) in dialogues.iter().enumerate() {
                let of_rule = |evaluation: &Evaluation| -> Vec<RuleHit> {
                    let hits = evaluation.hits.iter().filter(|hit| hit.rule == id);
                    hits.cloned().collect()
                };
                let hits = of_rule(&now[number]);
                let old_hits = then.as_ref().map(|then| of_rule(&then[number]));
                row.hits += hits.len();
                row.unknown += usize::from(now[number].answer(id) == Some(Truth::Unknown));
                if let Some(old_hits) = &old_hits {
                    row.hits_before += old_hits.len();
                    match (old_hits.first(), hits.first()) {
                        (None, Some(_)) => row.gained.push(conversation.clone()),
                        (Some(_), None) => row.lost.push(conversation.clone()),
                        (Some(old), Some(new)) if old.at != new.at => {
                            row.moved.push((conversation.clone(), new.at - old.at));
                        }
                        _ => {}
                    }
                }
                if !hits.is_empty()
                    && marks.is_some_and(|marks| {
                        marks.contains(&WrongMark {
                            conversation_id: conversation.clone(),
                            rule: id.to_owned(),
                        })
                    })
                {
                    wrong += 1;
                }
                for hit in &hits {
                    sample_quotes(conversation, dialogue, hit, &mut quotes);
                }
            }
            if row.severity >= RuleSeverity::Warn {
                row.alerts_per_hour = rate(row.hits);
                row.alerts_per_hour_before = rate(row.hits_before);
            }
            let conversations_hit = now
                .iter()
                .filter(|it| it.hits.iter().any(|hit| hit.rule == id))
                .count();
            row.precision = marks
                .filter(|_| conversations_hit > 0)
                .map(|_| round_to(1.0 - wrong as f64 / conversations_hit as f64, 3));
            row.quotes = quotes.into_values().take(SAMPLED_QUOTES).collect();
            row
        })
        .collect();
    Comparison {
        version: file.version().to_owned(),
        version_before: before.map(|before| before.version().to_owned()),
        conversations: dialogues.len(),
        without_transcript: conversations.without_transcript,
        hours: round_to(conversations.hours, 3),
        supervisors,
        alerts_per_hour_before: then.map(|then| rate(count_alerts(&then))),
        alerts_per_hour: rate(count_alerts(&now)),
        rules,
    }
}

/// Adds the first quote of a hit under a digest, so that the sample is the same each time and no part of the period is preferred.
fn sample_quotes(
    conversation: &str,
    dialogue: &Dialogue,
    hit: &RuleHit,
    quotes: &mut BTreeMap<Vec<u8>, SampledQuote>,
) {
    let Some(place) = hit.quotes.first() else {
        return;
    };
    let utterance = dialogue
        .utterances
        .iter()
        .find(|utterance| utterance.id.to_string() == place.segment);
    let Some(utterance) = utterance else { return };
    let digest = Sha256::digest(format!("{conversation}\n{}", hit.key())).to_vec();
    let words = place.from as usize..place.to as usize;
    let start = dialogue.facts.start.unwrap_or(utterance.start);
    quotes.insert(
        digest,
        SampledQuote {
            conversation: conversation.to_owned(),
            segment: place.segment.clone(),
            speaker: place.speaker.name().to_owned(),
            second: (place.at - start).div_euclid(1000),
            text: quote(&utterance.text, words).to_owned(),
        },
    );
    if quotes.len() > SAMPLED_QUOTES {
        quotes.pop_last();
    }
}

#[cfg(test)]
mod tests {
    use insights_core::rules::example_dialogue;

    use super::*;

    fn conversations() -> Conversations {
        let texts = [
            ("a", "I want a refund\nagent: no\ncancel my account"),
            ("b", "hello\n(20s)\nI want a refund"),
            ("c", "thank you, bye"),
        ];
        let dialogues = texts
            .iter()
            .map(|(id, text)| {
                (
                    (*id).to_owned(),
                    example_dialogue(text, insights_core::live::Speaker::Customer),
                )
            })
            .collect();
        Conversations {
            dialogues,
            hours: 2.0,
            without_transcript: 0,
        }
    }

    fn rules(phrase: &str) -> RuleFile {
        RuleFile::from_toml(&format!(
            "[[rule]]\nid = \"refund\"\nseverity = \"warn\"\nwhen = {{ said = [\"{phrase}\"] }}\n"
        ))
        .unwrap()
    }

    #[test]
    fn hits_are_gained_lost_and_moved() {
        let comparison = compare(
            &rules("refund|cancel"),
            Some(&rules("thank|cancel")),
            &conversations(),
            1,
            None,
        );
        let row = &comparison.rules[0];
        assert_eq!(
            (&row.gained, &row.lost),
            (&vec!["b".to_owned()], &vec!["c".to_owned()])
        );
        assert_eq!(row.moved.len(), 1);
        assert!(
            row.moved[0].1 < 0,
            "the refund is said before the cancellation"
        );
        assert_eq!(
            (
                comparison.alerts_per_hour_before,
                comparison.alerts_per_hour
            ),
            (Some(1.0), 1.0)
        );
        assert_eq!(row.quotes[0].text.len(), 6);
    }

    #[test]
    fn the_same_rules_give_the_same_bytes_and_marks_give_a_precision() {
        let marks = BTreeSet::from([WrongMark {
            conversation_id: "b".to_owned(),
            rule: "refund".to_owned(),
        }]);
        let bytes = || {
            let comparison = compare(&rules("refund"), None, &conversations(), 1, Some(&marks));
            assert_eq!(comparison.rules[0].precision, Some(0.5));
            serde_json::to_string(&comparison).unwrap()
        };
        assert_eq!(bytes(), bytes());
    }
}
