//! The detector: compiles the phrases once and finds the most severe one in a text.

use super::denial::is_denied;
use super::phrases::EscalationPhrases;
use super::severity::Severity;
use crate::words::{Token, tokenize};

/// A word or phrase that was found in a text and escalates the conversation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EscalationTrigger {
    /// The severity of the phrase.
    pub severity: Severity,
    /// The configured word or phrase, not the customer's text: the phrase may be logged.
    pub phrase: String,
}

/// Finds escalation triggers by configured words and phrases.
#[derive(Debug, Clone)]
pub struct EscalationDetector {
    /// The compiled phrases in the order of severity, the most severe first.
    phrases: Vec<CompiledPhrase>,
}

/// A phrase as the words that a text must have in a row.
#[derive(Debug, Clone)]
struct CompiledPhrase {
    severity: Severity,
    /// The phrase as it was configured.
    configured: String,
    words: Vec<WordPattern>,
}

/// What one word of a text must be.
#[derive(Debug, Clone)]
enum WordPattern {
    /// This word, with or without a possessive "'s".
    Exact(String),
    /// Any word that begins with these letters.
    Prefix(String),
}

impl WordPattern {
    fn matches(&self, token: &Token) -> bool {
        match (self, token.word()) {
            (Self::Exact(exact), Some(word)) => {
                exact == word || word.strip_suffix("'s") == Some(exact)
            }
            (Self::Prefix(prefix), Some(word)) => word.starts_with(prefix.as_str()),
            (_, None) => false,
        }
    }
}

impl Default for EscalationDetector {
    fn default() -> Self {
        Self::new(&EscalationPhrases::default())
    }
}

impl EscalationDetector {
    /// Builds a detector for configured phrases.
    #[must_use]
    pub fn new(phrases: &EscalationPhrases) -> Self {
        let compile = |severity, phrase: &String| CompiledPhrase {
            severity,
            configured: phrase.clone(),
            words: phrase.split_whitespace().flat_map(compile_word).collect(),
        };
        let phrases = Severity::ALL
            .iter()
            .flat_map(|&severity| {
                phrases
                    .of(severity)
                    .iter()
                    .map(move |phrase| compile(severity, phrase))
            })
            .filter(|phrase| !phrase.words.is_empty())
            .collect();
        Self { phrases }
    }

    /// Finds the most severe trigger of a text that the text does not deny.
    #[must_use]
    pub fn find(&self, text: &str) -> Option<EscalationTrigger> {
        let tokens = tokenize(text);
        // The phrases stand in the order of severity, so the first one that is found is the most severe.
        self.phrases
            .iter()
            .find(|phrase| phrase.occurs_undenied(&tokens))
            .map(|phrase| EscalationTrigger {
                severity: phrase.severity,
                phrase: phrase.configured.clone(),
            })
    }
}

impl CompiledPhrase {
    /// Returns whether the phrase occurs at least once where nothing before it denies it.
    fn occurs_undenied(&self, tokens: &[Token]) -> bool {
        tokens
            .windows(self.words.len())
            .enumerate()
            .any(|(start, window)| {
                self.words
                    .iter()
                    .zip(window)
                    .all(|(pattern, token)| pattern.matches(token))
                    && !is_denied(&tokens[..start])
            })
    }
}

/// Compiles one word of a phrase to the words that a text will have for it: "sub-par" becomes two.
fn compile_word(word: &str) -> Vec<WordPattern> {
    let matches_any_ending = word.ends_with('*');
    let mut patterns: Vec<WordPattern> = tokenize(word)
        .iter()
        .filter_map(|token| token.word().map(|word| WordPattern::Exact(word.to_owned())))
        .collect();
    if matches_any_ending && let Some(WordPattern::Exact(last)) = patterns.pop() {
        patterns.push(WordPattern::Prefix(last));
    }
    patterns
}
