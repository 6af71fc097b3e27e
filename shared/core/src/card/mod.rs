//! The call card: at most five lines about a conversation, each a quote with speaker, segment and second.
//!
//! | line | what is quoted |
//! |---|---|
//! | reason | the customer's sentence of the first third that says why they call: the nearest intent prototype, or the phrases of a reason |
//! | outcome | the sentence of the last third that says what came of it |
//! | commitment | the agent's promise, with its amounts and dates as they were said |
//! | risk | the words that made the worst rule hold |
//! | next step | what will happen after the conversation |
//!
//! A line is a part of a segment's text, character by character, so the card cannot say what was not said. Where nothing is found it
//! says "unknown" and why.
//!
//! ```
//! use insights_core::card::CallCard;
//! use insights_core::live::Speaker;
//! use insights_core::rules::example_dialogue;
//!
//! let call = example_dialogue(
//!     "agent: Hello, how can I help?\ncustomer: Hi. I was charged twice for my order.\nagent: Let me look.\n\
//!      agent: I am sorry about that.\nagent: I have refunded 45 dollars to your card.\ncustomer: Great, thank you.",
//!     Speaker::Customer,
//! );
//! let card = CallCard::new(&call, &[], None);
//! assert_eq!(card.reason.quote(), Some("I was charged twice for my order."));
//! assert_eq!(card.outcome.quote(), Some("I have refunded 45 dollars to your card."));
//! assert_eq!(card.risk.quote(), None);
//! ```

mod masked;
mod record;
mod scorecard;
mod sentences;

use std::sync::LazyLock;

use serde::{Deserialize, Serialize};

pub use self::masked::masked_card;
pub use self::record::CardRecord;
pub use self::scorecard::{Scorecard, ScorecardAnswer};
use self::sentences::{Sentence, sentences_of};
use crate::intent::{Evidence, IntentClassifier};
use crate::live::Speaker;
use crate::phrases::{RuleFile as PhraseRuleFile, RuleSet, Words};
use crate::rules::{Dialogue, RuleHit, Utterance, quote};

/// Longest quote of a card, in characters.
pub const MAX_QUOTE_CHARS: usize = 240;
/// Least number of words of a reason, and of a sentence that is a reason where nothing says more.
const MIN_REASON_WORDS: usize = 3;
const MIN_WHOLE_SENTENCE_WORDS: usize = 5;
/// Least number of utterances at the end of a conversation that may tell its outcome.
const MIN_LATE_UTTERANCES: usize = 6;
/// Weight of an intent's keyword in a reason, and the weight of a similarity of 1 to a prototype.
const KEYWORD_WEIGHT: f64 = 2.0;
const SIMILARITY_WEIGHT: f64 = 6.0;

/// The kinds of lines, as the phrases name them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum LineKind {
    Reason,
    Outcome,
    Commitment,
    Next,
}

/// The phrases that make a sentence a line, with their weights.
static LINE_PHRASES: LazyLock<Vec<(LineKind, f64, RuleSet)>> = LazyLock::new(|| {
    let file = PhraseRuleFile::from_toml(include_str!("phrases.toml"))
        .expect("the shipped phrases, which a test reads");
    file.rules()
        .iter()
        .filter_map(|rule| {
            let (kind, weight) = rule.severity.split_once(' ')?;
            let kind = match kind {
                "reason" => LineKind::Reason,
                "outcome" => LineKind::Outcome,
                "commitment" => LineKind::Commitment,
                _ => LineKind::Next,
            };
            let compiled = file
                .compile(rule)
                .expect("the shipped phrases, which a test compiles");
            let set = RuleSet::new(&file, vec![compiled]);
            Some((kind, weight.parse().ok()?, set))
        })
        .collect()
});

/// A quote of a conversation. `Debug` leaves the words out.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CardQuote {
    /// The words as they were said.
    pub text: String,
    /// The speaker of the words.
    pub speaker: Speaker,
    /// The identity of the segment or message, 16 hexadecimal digits.
    pub segment: String,
    /// The number of characters of the segment before the quote.
    pub from: usize,
    /// The number of characters of the segment before the end of the quote.
    pub to: usize,
    /// The second of the conversation at which the segment began.
    pub second: i64,
    /// The id of the rule that the words made hold, for a risk.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rule: Option<String>,
}

impl std::fmt::Debug for CardQuote {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("CardQuote")
            .field("segment", &self.segment)
            .field("from", &self.from)
            .field("to", &self.to)
            .finish_non_exhaustive()
    }
}

/// One line of a card: a quote, or the reason why there is none.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum CardLine {
    /// The line quotes the conversation.
    Quote(CardQuote),
    /// Nothing was found, for this reason.
    Unknown(String),
}

impl CardLine {
    /// Returns the quoted words, if there are any.
    #[must_use]
    pub fn quote(&self) -> Option<&str> {
        match self {
            Self::Quote(quote) => Some(&quote.text),
            Self::Unknown(_) => None,
        }
    }
}

/// The card of one conversation.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CallCard {
    /// Why the customer called.
    pub reason: CardLine,
    /// What came of the call.
    pub outcome: CardLine,
    /// What the agent promised.
    pub commitment: CardLine,
    /// The words of the worst rule that holds.
    pub risk: CardLine,
    /// What will happen after the call.
    pub next_step: CardLine,
}

impl CallCard {
    /// Makes the card of a conversation, or of what was said so far. The hits are those of the rules; the classifier of intents
    /// compares utterances that have a vector with its prototypes, and others with its keywords.
    #[must_use]
    pub fn new(dialogue: &Dialogue, hits: &[RuleHit], intents: Option<&IntentClassifier>) -> Self {
        let mut utterances: Vec<&Utterance> = dialogue
            .utterances
            .iter()
            .filter(|utterance| !utterance.text.trim().is_empty())
            .collect();
        utterances.sort_by_key(|utterance| (utterance.start, utterance.end, utterance.id));
        utterances.dedup_by_key(|utterance| (utterance.start, utterance.end, utterance.id));
        let scene = CardScene {
            start: dialogue
                .facts
                .start
                .or(utterances.first().map(|first| first.start))
                .unwrap_or(0),
            utterances,
            intents,
        };
        let commitment = scene.commitment();
        let outcome = scene.outcome(&commitment);
        let next_step = scene.next_step(&commitment);
        Self {
            reason: scene.reason(),
            outcome,
            risk: scene.risk(hits),
            commitment,
            next_step,
        }
    }

    /// Returns the lines with their names, in the order of the card.
    #[must_use]
    pub fn lines(&self) -> [(&'static str, &CardLine); 5] {
        [
            ("reason", &self.reason),
            ("outcome", &self.outcome),
            ("commitment", &self.commitment),
            ("risk", &self.risk),
            ("next step", &self.next_step),
        ]
    }

    fn lines_mut(&mut self) -> [&mut CardLine; 5] {
        [
            &mut self.reason,
            &mut self.outcome,
            &mut self.commitment,
            &mut self.risk,
            &mut self.next_step,
        ]
    }
}

/// The conversation of a card, in order of time.
struct CardScene<'a> {
    utterances: Vec<&'a Utterance>,
    start: i64,
    intents: Option<&'a IntentClassifier>,
}

impl<'a> CardScene<'a> {
    fn reason(&self) -> CardLine {
        // Of a short conversation the first third is hardly more than the greeting.
        let third = self.utterances.len().div_ceil(3).max(4);
        let early = self.sentences(0..third, |speaker| speaker == Speaker::Customer);
        let best = pick(early, |sentence| {
            let words = sentence.text().split_whitespace().count();
            if words < MIN_REASON_WORDS {
                return 0.0;
            }
            // Customers say at once why they call, so that the first whole sentence counts where nothing says more.
            let first = if words >= MIN_WHOLE_SENTENCE_WORDS {
                1.0
            } else {
                0.0
            };
            first + weigh(LineKind::Reason, sentence) + self.weigh_intent(sentence)
        });
        self.line(
            best,
            "no turn of the customer in the first third says why they call",
        )
    }

    /// Weighs how near an utterance is to the prototype of an intent, or whether it has a keyword of one.
    fn weigh_intent(&self, sentence: &Sentence<'_>) -> f64 {
        let Some(intents) = self.intents else {
            return 0.0;
        };
        let vector = sentence.utterance.embedding.as_deref();
        let intent = intents.classify(sentence.text(), vector.as_slice());
        match intent.evidence {
            Evidence::Prototype => f64::from(intent.similarity.unwrap_or(0.0)) * SIMILARITY_WEIGHT,
            Evidence::Keyword => KEYWORD_WEIGHT,
            Evidence::Default => 0.0,
        }
    }

    fn outcome(&self, commitment: &CardLine) -> CardLine {
        let all = self.utterances.len();
        let from = all - all.div_ceil(3).max(MIN_LATE_UTTERANCES).min(all);
        let late = self.sentences(from..all, |_| true);
        let (promise, others): (Vec<_>, Vec<_>) = late
            .into_iter()
            .partition(|sentence| commitment.quote() == Some(sentence.text()));
        // The last word on a matter is the outcome. Where only a promise is left at the end, the promise is.
        let best = pick_last(others, |sentence| weigh(LineKind::Outcome, sentence))
            .or_else(|| promise.into_iter().next());
        self.line(best, "nothing in the last third says what came of it")
    }

    fn commitment(&self) -> CardLine {
        let all = self.sentences(0..self.utterances.len(), |speaker| {
            speaker == Speaker::Agent
        });
        let promises = all
            .into_iter()
            .filter(|sentence| holds(LineKind::Commitment, sentence, 5.0));
        let best = pick_last(promises.collect(), |sentence| {
            weigh(LineKind::Commitment, sentence)
        });
        self.line(best, "the agent promised nothing")
    }

    fn next_step(&self, commitment: &CardLine) -> CardLine {
        let half = self.utterances.len() / 2;
        let late = self.sentences(half..self.utterances.len(), |speaker| {
            speaker == Speaker::Agent
        });
        let others = late
            .into_iter()
            .filter(|sentence| commitment.quote() != Some(sentence.text()));
        let best = pick_last(others.collect(), |sentence| weigh(LineKind::Next, sentence));
        self.line(best, "nothing beside the commitment says what comes next")
    }

    fn risk(&self, hits: &[RuleHit]) -> CardLine {
        let mut worst: Vec<&RuleHit> = hits.iter().collect();
        worst.sort_by_key(|hit| (std::cmp::Reverse(hit.severity), hit.at));
        for hit in &worst {
            for place in &hit.quotes {
                let utterance = self
                    .utterances
                    .iter()
                    .find(|utterance| utterance.id.to_string() == place.segment);
                if let Some(utterance) = utterance {
                    let (from, to) = (place.from as usize, place.to as usize);
                    let mut found = self.quote_of(utterance, from, to);
                    found.rule = Some(hit.rule.clone());
                    if !found.text.is_empty() {
                        return CardLine::Quote(found);
                    }
                }
            }
        }
        CardLine::Unknown(match worst.first() {
            None => "no rule holds".to_owned(),
            Some(hit) => format!(
                "the rule {} holds without words that could be quoted",
                hit.rule
            ),
        })
    }

    fn sentences(
        &self,
        range: std::ops::Range<usize>,
        is_heard: impl Fn(Speaker) -> bool,
    ) -> Vec<Sentence<'a>> {
        let end = range.end.min(self.utterances.len());
        self.utterances[range.start.min(end)..end]
            .iter()
            .filter(|utterance| is_heard(utterance.speaker))
            .flat_map(|utterance| sentences_of(utterance))
            .collect()
    }

    fn line(&self, best: Option<Sentence<'_>>, why: &str) -> CardLine {
        match best {
            Some(sentence) => CardLine::Quote(self.quote_of(
                sentence.utterance,
                sentence.characters.start,
                sentence.characters.end,
            )),
            None => CardLine::Unknown(why.to_owned()),
        }
    }

    fn quote_of(&self, utterance: &Utterance, from: usize, to: usize) -> CardQuote {
        let to = to.min(from + MAX_QUOTE_CHARS);
        CardQuote {
            text: quote(&utterance.text, from..to).to_owned(),
            speaker: utterance.speaker,
            segment: utterance.id.to_string(),
            from,
            to,
            second: (utterance.start - self.start).div_euclid(1000),
            rule: None,
        }
    }
}

fn weigh(kind: LineKind, sentence: &Sentence<'_>) -> f64 {
    let words = Words::new(sentence.text());
    LINE_PHRASES
        .iter()
        .filter(|(of, _, phrases)| *of == kind && phrases.find_first(&words).is_some())
        .map(|(_, weight, _)| weight)
        .sum()
}

/// Returns whether a phrase of at least this weight is said.
fn holds(kind: LineKind, sentence: &Sentence<'_>, least: f64) -> bool {
    let words = Words::new(sentence.text());
    LINE_PHRASES.iter().any(|(of, weight, phrases)| {
        *of == kind && *weight >= least && phrases.find_first(&words).is_some()
    })
}

/// Returns the first of the sentences with the greatest weight above 0.
fn pick<'a>(
    sentences: Vec<Sentence<'a>>,
    weigh: impl Fn(&Sentence<'a>) -> f64,
) -> Option<Sentence<'a>> {
    let mut best: Option<(f64, Sentence<'a>)> = None;
    for sentence in sentences {
        let weight = weigh(&sentence);
        if weight > best.as_ref().map_or(0.0, |(best, _)| *best) {
            best = Some((weight, sentence));
        }
    }
    best.map(|(_, sentence)| sentence)
}

/// Returns the last of the sentences with the greatest weight above 0.
fn pick_last<'a>(
    mut sentences: Vec<Sentence<'a>>,
    weigh: impl Fn(&Sentence<'a>) -> f64,
) -> Option<Sentence<'a>> {
    sentences.reverse();
    pick(sentences, weigh)
}

#[cfg(test)]
mod tests;
