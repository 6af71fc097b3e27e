//! The card with personal data masked, for whoever is shown or keeps it.

use super::{CallCard, CardLine, CardQuote};
use crate::intent::IntentClassifier;
use crate::live::Speaker;
use crate::pii::{Finding, RedactionPolicy, SpeakerRole, detect_timed_turns};
use crate::rules::{Dialogue, RuleHit, Utterance, quote};

/// Makes the card of a conversation, or of what was said so far, with the personal data of its quotes masked.
///
/// What is personal data is decided in the context of the whole conversation, as for transcripts: a number that answers a question
/// is masked although the quote does not hold the question. The offsets of a quote stay those of the words as they were said.
///
/// ```
/// use insights_core::card::masked_card;
/// use insights_core::live::Speaker;
/// use insights_core::pii::RedactionPolicy;
/// use insights_core::rules::{RuleFile, example_dialogue};
///
/// let call = example_dialogue("customer: I was charged twice, my mail is jane@example.com", Speaker::Customer);
/// let hits = RuleFile::built_in().evaluate(&call).hits;
/// let card = masked_card(&call, &hits, None, &RedactionPolicy::default());
/// assert_eq!(card.reason.quote(), Some("I was charged twice, my mail is [EMAIL]"));
/// ```
#[must_use]
pub fn masked_card(
    dialogue: &Dialogue,
    hits: &[RuleHit],
    intents: Option<&IntentClassifier>,
    policy: &RedactionPolicy,
) -> CallCard {
    let mut card = CallCard::new(dialogue, hits, intents);
    let mut utterances: Vec<&Utterance> = dialogue.utterances.iter().collect();
    utterances.sort_by_key(|utterance| (utterance.start, utterance.end, utterance.id));
    utterances.dedup_by_key(|utterance| (utterance.start, utterance.end, utterance.id));
    let turns = utterances.iter().map(|utterance| {
        let role = match utterance.speaker {
            Speaker::Agent => SpeakerRole::Agent,
            Speaker::Customer => SpeakerRole::Customer,
        };
        (role, Some(utterance.start), utterance.text.as_str())
    });
    let found = detect_timed_turns(turns, policy);
    for line in card.lines_mut() {
        let CardLine::Quote(quoted) = line else {
            continue;
        };
        let place = utterances
            .iter()
            .position(|utterance| utterance.id.to_string() == quoted.segment);
        if let Some(place) = place {
            quoted.text = mask_quote(quoted, &utterances[place].text, &found[place], policy);
        }
    }
    card
}

/// Returns the words of a quote with what was found in them masked. Data that only begins or ends in the quote is masked too.
fn mask_quote(
    quoted: &CardQuote,
    text: &str,
    findings: &[Finding],
    policy: &RedactionPolicy,
) -> String {
    let words = quote(text, quoted.from..quoted.to);
    let start = quote(text, 0..quoted.from).len();
    let end = start + words.len();
    let inside: Vec<Finding> = findings
        .iter()
        .filter(|finding| finding.range.start < end && start < finding.range.end)
        .map(|finding| Finding {
            kind: finding.kind,
            range: finding.range.start.max(start) - start..finding.range.end.min(end) - start,
        })
        .collect();
    policy.mask_findings(words, &inside).0
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::pii::redact_turns;
    use crate::rules::{RuleFile, example_dialogue};

    fn masked(text: &str, rules: &str) -> CallCard {
        let call = example_dialogue(text, Speaker::Customer);
        let file = RuleFile::from_toml(rules).unwrap();
        let hits = file.evaluate(&call).hits;
        masked_card(&call, &hits, None, &RedactionPolicy::default())
    }

    #[test]
    fn a_number_that_answers_a_question_is_masked_in_the_quote_of_the_answer() {
        let card = masked(
            "agent: what is your card number please\ncustomer: 4111 1111\nagent: okay\ncustomer: 1111 1111 and I want a refund",
            "[[rule]]\nid = \"refund\"\nwhen = { said = [\"1111 and I want a refund\"] }\n",
        );
        let CardLine::Quote(risk) = &card.risk else {
            panic!("{:?}", card.risk)
        };
        assert_eq!(
            risk.text, "[CARD] and I want a refund",
            "the quote begins inside the number"
        );
        assert_eq!((risk.from, risk.to), (5, 29), "the places of what was said");
    }

    #[test]
    fn a_repeated_segment_masks_no_other_one() {
        let text = "customer: I was charged twice, I am jane@example.com\nagent: I will refund you";
        let mut call = example_dialogue(text, Speaker::Customer);
        call.utterances.push(call.utterances[0].clone());
        call.utterances.reverse();
        let card = masked_card(&call, &[], None, &RedactionPolicy::default());
        assert_eq!(
            card.reason.quote(),
            Some("I was charged twice, I am [EMAIL]")
        );
        assert_eq!(card.commitment.quote(), Some("I will refund you"));
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]

        #[test]
        fn what_the_transcript_masks_no_card_shows(
            lines in prop::collection::vec(
                (any::<bool>(), "(I will call |I was charged twice |card number please |4111 1111 |1111 1111 |jane@example.com |é |\\. ){1,9}"),
                1..9,
            )
        ) {
            let mut call = Dialogue::default();
            for (number, (is_agent, text)) in lines.iter().enumerate() {
                let speaker = if *is_agent { Speaker::Agent } else { Speaker::Customer };
                let start = number as i64 * 1000;
                call.utterances.push(Utterance::new(speaker, start, start + 900, text.clone()));
            }
            let policy = RedactionPolicy::default();
            let hits = RuleFile::built_in().evaluate(&call).hits;
            let plain = CallCard::new(&call, &hits, None);
            let card = masked_card(&call, &hits, None, &policy);
            let shown = redact_turns(lines.iter().map(|(is_agent, text)| {
                (if *is_agent { SpeakerRole::Agent } else { SpeakerRole::Customer }, text.as_str())
            }), &policy);
            for ((_, line), (_, said)) in card.lines().into_iter().zip(plain.lines()) {
                let (CardLine::Quote(line), CardLine::Quote(said)) = (line, said) else { continue };
                prop_assert_eq!((line.from, line.to, &line.segment), (said.from, said.to, &said.segment));
                let place = call.utterances.iter().position(|it| it.id.to_string() == line.segment).unwrap();
                for secret in ["4111 1111", "1111 1111", "jane@example.com"] {
                    if line.text.contains(secret) {
                        prop_assert!(shown[place].text.contains(secret), "{} in {}", secret, line.text);
                    }
                }
            }
        }
    }
}
