//! Rules of phrases as they are written: what must be said, and which other phrases take it back.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::Deserialize;

use super::automaton::PhraseSet;
use super::syntax::{InvalidPhrase, Node, WordPattern, parse};
use super::words::{Word, Words};

/// Largest number of named parts inside named parts.
const MAX_PART_DEPTH: usize = 8;

/// A file of rules as it is written.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RuleFile {
    /// Parts of phrases by their names; `{name}` in a phrase stands for one of them.
    #[serde(default)]
    parts: BTreeMap<String, String>,
    /// Words that are never taken for a misspelled word of a phrase.
    #[serde(default)]
    real_words: Vec<String>,
    /// Exceptions that rules share by their names.
    #[serde(default)]
    exceptions: BTreeMap<String, ExceptionText>,
    /// The rules in their order.
    #[serde(default, rename = "rule")]
    rules: Vec<RuleText>,
}

/// Phrases that take back what was said, and phrases that keep it nevertheless.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct ExceptionText {
    #[serde(default)]
    unless: Vec<String>,
    #[serde(default)]
    still: Vec<String>,
}

/// A rule as it is written.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RuleText {
    /// The name of the rule, which is unique in its file.
    pub id: String,
    /// The name of what the rule means; what names there are is the reader's affair.
    pub severity: String,
    /// The phrases of which one must be said.
    pub said: Vec<String>,
    /// The phrases of which one must share a word with what was said; with none, what was said is enough.
    #[serde(default)]
    pub only: Vec<String>,
    /// The names of the shared exceptions that hold for the rule.
    #[serde(default)]
    pub exceptions: Vec<String>,
    /// The phrases that take back what was said where they cover a word of it.
    #[serde(default)]
    pub unless: Vec<String>,
    /// The phrases that keep what was said although a phrase of `unless` takes it back.
    #[serde(default)]
    pub still: Vec<String>,
    /// Texts that the rule must match, and texts that it must not match.
    #[serde(default)]
    pub examples: Examples,
}

/// Texts by which a rule is understood and checked.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Examples {
    /// Texts that the rule matches.
    #[serde(default, rename = "match")]
    pub matching: Vec<String>,
    /// Texts that the rule does not match.
    #[serde(default)]
    pub differ: Vec<String>,
}

/// The reason why a file of rules was refused.
#[derive(Debug, thiserror::Error)]
pub enum InvalidRules {
    /// The text is not TOML of the expected form.
    #[error("the rules cannot be read")]
    Syntax(#[from] toml::de::Error),
    /// A phrase cannot be read.
    #[error("rule {rule}: phrase {phrase:?}")]
    Phrase {
        /// The rule that has the phrase.
        rule: String,
        /// The phrase as it is written.
        phrase: String,
        /// What is wrong with the phrase.
        source: InvalidPhrase,
    },
    /// A rule names a part or an exception that the file does not have.
    #[error("rule {rule}: {name:?} is not defined in the file, or is defined by itself")]
    Unknown {
        /// The rule that has the name.
        rule: String,
        /// The name that is not defined.
        name: String,
    },
}

/// A rule whose phrases were parsed; a [`RuleSet`](super::RuleSet) compares rules with texts.
#[derive(Debug, Clone)]
pub struct Rule {
    pub(super) said: Vec<Node>,
    pub(super) only: PhraseSet,
    pub(super) exceptions: Arc<[Exception]>,
}

/// Compiled phrases of an exception.
#[derive(Debug, Clone)]
pub(super) struct Exception {
    pub(super) unless: PhraseSet,
    pub(super) still: PhraseSet,
}

impl RuleFile {
    /// Reads a file from TOML.
    ///
    /// # Errors
    /// [`InvalidRules::Syntax`] with line and column.
    pub fn from_toml(text: &str) -> Result<Self, InvalidRules> {
        Ok(toml::from_str(text)?)
    }

    /// Returns the rules as they are written, in their order.
    #[must_use]
    pub fn rules(&self) -> &[RuleText] {
        &self.rules
    }

    /// Returns the words that are never taken for a misspelled word of a phrase.
    pub(super) fn real_words(&self) -> &[String] {
        &self.real_words
    }

    /// Compiles a rule of this file.
    ///
    /// # Errors
    /// [`InvalidRules`], naming the phrase or the name that is wrong.
    pub fn compile(&self, rule: &RuleText) -> Result<Rule, InvalidRules> {
        let said = rule.said.iter().map(|phrase| {
            let filled = self.fill_in(&rule.id, phrase, "", 0)?;
            parse(&filled).map_err(|source| InvalidRules::Phrase {
                rule: rule.id.clone(),
                phrase: phrase.clone(),
                source,
            })
        });
        let own = ExceptionText {
            unless: rule.unless.clone(),
            still: rule.still.clone(),
        };
        let group = rule.said.join("|");
        Ok(Rule {
            said: said.collect::<Result<_, _>>()?,
            only: self.compile_phrases(&rule.id, &rule.only, &group)?,
            exceptions: self.compile_exceptions(&rule.id, &rule.exceptions, Some(own), &group)?,
        })
    }

    /// Compiles one rule for each phrase of plain words in a row, each word exactly as it is. The last word may have any
    /// ending if the phrase ends with `*`. The shared exceptions with these names apply to all of the rules.
    ///
    /// # Errors
    /// As [`RuleFile::compile`].
    pub fn compile_plain(
        &self,
        phrases: &[String],
        exceptions: &[&str],
    ) -> Result<Vec<Rule>, InvalidRules> {
        let plain: Vec<Node> = phrases.iter().map(|phrase| plain_phrase(phrase)).collect();
        let written: Vec<String> = plain.iter().filter_map(write_plain).collect();
        let names: Vec<String> = exceptions.iter().map(|&name| name.to_owned()).collect();
        // One copy for all rules: a team may configure a thousand phrases, and each exception names all of them.
        let exceptions = if written.is_empty() {
            Arc::default()
        } else {
            let said = written.join("|");
            self.compile_exceptions("of configured phrases", &names, None, &said)?
        };
        let rule = |phrase| Rule {
            said: vec![phrase],
            only: PhraseSet::default(),
            exceptions: Arc::clone(&exceptions),
        };
        Ok(plain.into_iter().map(rule).collect())
    }

    fn compile_exceptions(
        &self,
        rule: &str,
        names: &[String],
        own: Option<ExceptionText>,
        said: &str,
    ) -> Result<Arc<[Exception]>, InvalidRules> {
        let shared = names.iter().map(|name| {
            let shared = self.exceptions.get(name).cloned();
            shared.ok_or_else(|| InvalidRules::Unknown {
                rule: rule.to_owned(),
                name: name.clone(),
            })
        });
        shared
            .chain(own.map(Ok))
            .map(|text| {
                let text = text?;
                Ok(Exception {
                    unless: self.compile_phrases(rule, &text.unless, said)?,
                    still: self.compile_phrases(rule, &text.still, said)?,
                })
            })
            .collect()
    }

    fn compile_phrases(
        &self,
        rule: &str,
        phrases: &[String],
        said: &str,
    ) -> Result<PhraseSet, InvalidRules> {
        let filled = phrases
            .iter()
            .map(|phrase| self.fill_in(rule, phrase, said, 0))
            .collect::<Result<Vec<_>, _>>()?;
        PhraseSet::parse(&filled, &self.real_words).map_err(|(number, source)| {
            InvalidRules::Phrase {
                rule: rule.to_owned(),
                phrase: phrases[number].clone(),
                source,
            }
        })
    }

    /// Replaces `{name}` in a phrase by the part with this name, and `{said}` by what the rule says.
    fn fill_in(
        &self,
        rule: &str,
        phrase: &str,
        said: &str,
        depth: usize,
    ) -> Result<String, InvalidRules> {
        let mut filled = String::with_capacity(phrase.len());
        let mut rest = phrase;
        while let Some((before, after)) = rest.split_once('{') {
            let (name, after) = after.split_once('}').unwrap_or((after, ""));
            let part = match name {
                "said" if !said.is_empty() => Some(said),
                name => self.parts.get(name).map(String::as_str),
            };
            let Some(part) = part.filter(|_| depth < MAX_PART_DEPTH) else {
                return Err(InvalidRules::Unknown {
                    rule: rule.to_owned(),
                    name: name.to_owned(),
                });
            };
            let part = self.fill_in(rule, part, said, depth + 1)?;
            filled.push_str(&format!("{before}({part})"));
            rest = after;
        }
        filled.push_str(rest);
        Ok(filled)
    }
}

/// Returns the phrase that matches exactly the words of a text in a row.
fn plain_phrase(text: &str) -> Node {
    let words = Words::new(text);
    let exact = |word: &Word| Node::Word(WordPattern::Exact(word.text.clone()));
    let mut nodes: Vec<Node> = words.as_slice().iter().map(exact).collect();
    if text.trim_end().ends_with('*')
        && let Some(Node::Word(WordPattern::Exact(last))) = nodes.pop()
    {
        nodes.push(Node::Word(WordPattern::Prefix(last)));
    }
    Node::Sequence(nodes)
}

/// Writes a plain phrase in the language of phrases; `None` if a word has signs that the language does not have.
fn write_plain(phrase: &Node) -> Option<String> {
    let Node::Sequence(nodes) = phrase else {
        return None;
    };
    let can_be_written = |word: &str| word.chars().all(|c| c.is_alphanumeric() || c == '\'');
    let written: Option<Vec<String>> = nodes
        .iter()
        .map(|node| match node {
            Node::Word(WordPattern::Exact(word)) if can_be_written(word) => {
                Some(format!("={word}"))
            }
            Node::Word(WordPattern::Prefix(word)) if can_be_written(word) => {
                Some(format!("{word}*"))
            }
            _ => None,
        })
        .collect();
    written
        .filter(|words| !words.is_empty())
        .map(|words| words.join(" "))
}
