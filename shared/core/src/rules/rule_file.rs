//! Reads a rule file: definitions with versions, atoms that several rules share, and faults with their places.

use std::cell::RefCell;
use std::collections::{BTreeMap, HashSet};
use std::sync::LazyLock;

use sha2::{Digest, Sha256};
use toml::de::{DeTable, DeValue};

use super::condition::{Again, Atom, Condition};
use super::examples::check_examples;
use super::hit::RuleSeverity;
use super::located::{InvalidRuleFile, RuleFault, SourceText, Table, Value, write_canonical};
use super::phrase_text::PhraseParts;
use super::read_condition::{AtomTable, ConditionReader, Threshold, duration};
use super::scanner::Scanner;

/// Version of the meaning of rules. A change of what the same rule means needs another one.
const ENGINE: &str = "rules-1";
/// Largest size of a rule file in bytes.
pub const MAX_FILE_BYTES: usize = 256 * 1024;
/// Largest number of rules of a file.
const MAX_RULES: usize = 500;
/// Largest number of faults that are named at once.
const MAX_FAULTS: usize = 20;
/// Largest length of a rule's id and of other short texts, in characters.
const MAX_SHORT_TEXT: usize = 64;
/// Longest text of a suggestion, as the suggestion templates allow.
const MAX_SUGGESTION: usize = crate::live::suggestion_template::MAX_CONTENT_CHARS;
/// Number of hexadecimal digits of a version.
const VERSION_DIGITS: usize = 12;

const RULE_KEYS: &[&str] = &[
    "id", "severity", "title", "when", "unless", "again", "examples", "weight", "fail", "good",
    "suggest",
];

/// A rule as its file says it.
#[derive(Debug, Clone, PartialEq)]
pub struct RuleDefinition {
    /// The id of the rule, unique in its file.
    pub id: String,
    /// The version of the rule: a digest of what it says.
    pub version: String,
    /// The severity of a hit.
    pub severity: RuleSeverity,
    /// What a reader is shown in place of the id.
    pub title: Option<String>,
    /// The weight of the rule in the scorecard; `None` leaves the rule out of it.
    pub weight: Option<f64>,
    /// Whether a hit fails the whole scorecard.
    pub fails_scorecard: bool,
    /// Whether a hit is what the team wants, so that the scorecard gives its points for a hit.
    pub is_wanted: bool,
    /// The suggestion that a hit sends to the agent.
    pub suggestion: Option<RuleSuggestion>,
    pub(super) when: Condition,
    pub(super) unless: Option<Condition>,
    pub(super) repetition: Option<Again>,
    pub(super) examples: RuleExamples,
}

/// What a rule suggests to the agent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RuleSuggestion {
    /// The template that fits the emotions and intents of the moment: `suggest = "template"`.
    Template,
    /// This text, word by word.
    Text(String),
}

/// Texts by which a rule is understood and checked.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct RuleExamples {
    /// Texts that the rule matches, each with its line.
    pub(super) matching: Vec<(String, RuleFault)>,
    /// Texts that the rule does not match, each with its line.
    pub(super) differ: Vec<(String, RuleFault)>,
}

/// A checked file of rules, compiled into one automaton.
///
/// ```
/// use insights_core::rules::RuleFile;
///
/// let file = RuleFile::from_toml(
///     r#"
///     [[rule]]
///     id = "wants-to-leave"
///     severity = "warn"
///     when = { said = ["cancel * (account|contract)"], by = "customer" }
///     examples = { match = ["I want to cancel my account"], differ = ["I opened an account"] }
///     "#,
/// )
/// .unwrap();
/// assert_eq!(file.rules()[0].id, "wants-to-leave");
///
/// let error = RuleFile::from_toml("[[rule]]\nid = \"x\"\nwhen = { sad = [\"no\"] }").unwrap_err();
/// assert!(error.to_string().starts_with("line 3, column 10: rule x: found the key `sad`; allowed: exactly one of said"));
/// ```
#[derive(Debug, Clone)]
pub struct RuleFile {
    version: String,
    rules: Vec<RuleDefinition>,
    pub(super) atoms: Vec<Atom>,
    pub(super) scanner: Scanner,
    thresholds: Vec<Threshold>,
}

impl PartialEq for RuleFile {
    fn eq(&self, other: &Self) -> bool {
        self.version == other.version
    }
}

impl RuleFile {
    /// Reads a file and checks it with the examples of its rules.
    ///
    /// # Errors
    /// [`InvalidRuleFile`] with every fault: line, column, what was found and what is allowed.
    pub fn from_toml(text: &str) -> Result<Self, InvalidRuleFile> {
        let file = Self::read(text)?;
        let faults = check_examples(&file);
        if faults.is_empty() {
            Ok(file)
        } else {
            Err(InvalidRuleFile { faults })
        }
    }

    /// Reads a file without trying the examples of its rules.
    ///
    /// # Errors
    /// As [`RuleFile::from_toml`].
    pub fn read(text: &str) -> Result<Self, InvalidRuleFile> {
        let source = SourceText(text);
        let one = |fault| InvalidRuleFile {
            faults: vec![fault],
        };
        if text.len() > MAX_FILE_BYTES {
            let found = format!("a file of {} bytes", text.len());
            return Err(one(source.fault(
                &(0..0),
                found,
                format!("at most {MAX_FILE_BYTES} bytes"),
            )));
        }
        let parsed = DeTable::parse(text).map_err(|error| {
            let span = error.span().unwrap_or(0..0);
            one(source.fault(&span, format!("no TOML: {}", error.message()), "TOML"))
        })?;
        let top = Table {
            table: parsed.get_ref(),
            span: 0..0,
        };
        let mut reader = FileReader {
            source,
            parts: PhraseParts::default(),
            atoms: AtomTable::default(),
            shared: ENGINE.to_owned(),
            thresholds: RefCell::default(),
        };
        let (rules, real_words) = reader
            .file(&top)
            .map_err(|faults| InvalidRuleFile { faults })?;
        let mut digest = Sha256::new();
        for rule in &rules {
            digest.update(rule.id.as_bytes());
            digest.update(rule.version.as_bytes());
        }
        Ok(Self {
            version: short_digest(digest),
            scanner: Scanner::new(&reader.atoms.0, &real_words),
            rules,
            atoms: reader.atoms.0,
            thresholds: reader.thresholds.into_inner(),
        })
    }

    /// Returns the built-in rules, which [`RuleFile::BUILT_IN`] shows as text.
    #[must_use]
    pub fn built_in() -> &'static Self {
        static BUILT_IN: LazyLock<RuleFile> = LazyLock::new(|| {
            RuleFile::read(RuleFile::BUILT_IN).expect("the shipped rules, which a test reads")
        });
        &BUILT_IN
    }

    /// Text of the built-in rule file, to be copied and changed.
    pub const BUILT_IN: &'static str = include_str!("built_in.toml");

    /// Returns the version of the file: a digest of its rules and their versions.
    #[must_use]
    pub fn version(&self) -> &str {
        &self.version
    }

    /// Returns the rules in their order.
    #[must_use]
    pub fn rules(&self) -> &[RuleDefinition] {
        &self.rules
    }

    /// Returns the comparisons of the file whose limits can be tried.
    #[must_use]
    pub fn thresholds(&self) -> &[Threshold] {
        &self.thresholds
    }

    /// Returns the rule with an id.
    #[must_use]
    pub fn rule(&self, id: &str) -> Option<&RuleDefinition> {
        self.rules.iter().find(|rule| rule.id == id)
    }

    /// Returns the texts of which others are like, in the order in which [`RuleFile::with_prototypes`] takes their vectors.
    #[must_use]
    pub fn prototypes(&self) -> Vec<&str> {
        self.scanner.prototypes()
    }

    /// Returns the same file with the vectors of its prototypes. The digest of the model becomes part of the version of each rule
    /// that compares texts with a prototype. Without vectors, such a condition is unknown.
    #[must_use]
    pub fn with_prototypes(mut self, model_digest: &str, vectors: Vec<Vec<f32>>) -> Self {
        let mut whole = Sha256::new();
        for rule in &mut self.rules {
            let mut asks_model = false;
            let mut visit = |atom: usize, _| {
                asks_model |= matches!(
                    self.atoms[atom].kind,
                    super::condition::AtomKind::SaidLike { .. }
                );
            };
            rule.when.for_each_atom(&mut visit);
            if let Some(unless) = &rule.unless {
                unless.for_each_atom(&mut visit);
            }
            if asks_model {
                let mut digest = Sha256::new();
                digest.update(rule.version.as_bytes());
                digest.update(model_digest.as_bytes());
                rule.version = short_digest(digest);
            }
            whole.update(rule.id.as_bytes());
            whole.update(rule.version.as_bytes());
        }
        self.version = short_digest(whole);
        self.scanner.set_vectors(vectors);
        self
    }
}

fn short_digest(digest: Sha256) -> String {
    let mut hex: String = digest
        .finalize()
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect();
    hex.truncate(VERSION_DIGITS);
    hex
}

struct FileReader<'t> {
    source: SourceText<'t>,
    parts: PhraseParts,
    atoms: AtomTable,
    /// What all rules of the file share, for their versions.
    shared: String,
    thresholds: RefCell<Vec<Threshold>>,
}

impl FileReader<'_> {
    fn file(
        &mut self,
        top: &Table<'_, '_>,
    ) -> Result<(Vec<RuleDefinition>, Vec<String>), Vec<RuleFault>> {
        let source = self.source;
        top.refuse_others(source, &["rule", "parts", "real_words"])
            .map_err(|fault| vec![fault])?;
        let mut real_words = Vec::new();
        if let Some(words) = top.get("real_words") {
            let words = source
                .strings(words, "a list of words")
                .map_err(|fault| vec![fault])?;
            real_words = words
                .into_iter()
                .map(|(word, _)| word.to_lowercase())
                .collect();
        }
        if let Some(parts) = top.get("parts") {
            self.parts = PhraseParts(self.read_parts(parts).map_err(|fault| vec![fault])?);
        }
        for key in ["parts", "real_words"] {
            if let Some(value) = top.get(key) {
                write_canonical(value.get_ref(), &[], &mut self.shared);
            }
        }
        let Some(rules) = top.get("rule") else {
            return Err(vec![source.fault(
                &(0..0),
                "no rule",
                "at least one [[rule]]",
            )]);
        };
        let rules = source
            .list(rules, "a list of tables: [[rule]]")
            .map_err(|fault| vec![fault])?;
        if rules.is_empty() || rules.len() > MAX_RULES {
            let found = format!("{} rules", rules.len());
            return Err(vec![source.fault(
                &(0..0),
                found,
                format!("1 to {MAX_RULES} rules"),
            )]);
        }
        let mut ids = HashSet::new();
        let mut read = Vec::new();
        let mut faults = Vec::new();
        for value in rules {
            match self.rule(value, &mut ids) {
                Ok(rule) => read.push(rule),
                Err(fault) if faults.len() < MAX_FAULTS => faults.push(fault),
                Err(_) => break,
            }
        }
        if faults.is_empty() {
            Ok((read, real_words))
        } else {
            Err(faults)
        }
    }

    fn read_parts(&self, value: &Value<'_>) -> Result<BTreeMap<String, String>, RuleFault> {
        let parts = self.source.table(value, "a table of names and phrases")?;
        parts
            .table
            .iter()
            .map(|(name, part)| {
                let text = self.source.string(part, "a phrase")?;
                Ok((name.get_ref().to_string(), text.to_owned()))
            })
            .collect()
    }

    fn rule(
        &mut self,
        value: &Value<'_>,
        ids: &mut HashSet<String>,
    ) -> Result<RuleDefinition, RuleFault> {
        let table = self.source.table(value, "a table: [[rule]]")?;
        let allowed = format!(
            "id = \"a-name\" of 1 to {MAX_SHORT_TEXT} letters, digits, `-`, `_`, `.` or blanks, unique in the file"
        );
        let Some(id_value) = table.get("id") else {
            return Err(self
                .source
                .fault(&table.span, "a rule without an id", allowed));
        };
        let id = self.source.string(id_value, &allowed)?.to_owned();
        let is_name = id
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || "-_. ".contains(c));
        if !is_name || id.len() > MAX_SHORT_TEXT {
            return Err(self.source.wrong(id_value, allowed));
        }
        if !ids.insert(id.clone()) {
            let found = format!("the id {id:?} a second time");
            return Err(self.source.fault(&id_value.span(), found, allowed));
        }
        self.rule_with_id(&id, value.get_ref(), &table)
            .map_err(|fault| RuleFault {
                rule: Some(id),
                ..fault
            })
    }

    fn rule_with_id(
        &mut self,
        id: &str,
        value: &DeValue<'_>,
        table: &Table<'_, '_>,
    ) -> Result<RuleDefinition, RuleFault> {
        let source = self.source;
        table.refuse_others(source, RULE_KEYS)?;
        let Some(when) = table.get("when") else {
            return Err(source.fault(
                &table.span,
                "a rule without `when`",
                "when = { said = [\"a phrase\"] } or another condition",
            ));
        };
        let mut reader = ConditionReader {
            source,
            atoms: &mut self.atoms,
            parts: &self.parts,
            thresholds: &self.thresholds,
        };
        let when = reader.condition(when)?;
        let unless = match table.get("unless") {
            Some(unless) => Some(reader.condition(unless)?),
            None => None,
        };
        let again = match table.get("again") {
            Some(again) => Some(read_again(&mut reader, again)?),
            None => None,
        };
        for threshold in self.thresholds.borrow_mut().iter_mut() {
            if threshold.rule.is_empty() {
                id.clone_into(&mut threshold.rule);
            }
        }
        let short_text = |key: &str, most: usize| match table.get(key) {
            Some(value) => {
                let allowed = format!("a text of 1 to {most} characters");
                let text = source.string(value, &allowed)?;
                if text.chars().count() > most {
                    return Err(source.wrong(value, allowed));
                }
                Ok(Some(text.to_owned()))
            }
            None => Ok(None),
        };
        let flag = |key: &str| {
            table
                .get(key)
                .map_or(Ok(false), |value| source.boolean(value))
        };
        let weight = match table.get("weight") {
            Some(weight) => Some(source.number(weight, 0.0..=1000.0)?),
            None => None,
        };
        let fails_scorecard = flag("fail")?;
        let mut canonical = self.shared.clone();
        write_canonical(value, &["examples", "title"], &mut canonical);
        let mut digest = Sha256::new();
        digest.update(canonical);
        Ok(RuleDefinition {
            id: id.to_owned(),
            version: short_digest(digest),
            severity: self.severity(table)?,
            title: short_text("title", 2 * MAX_SHORT_TEXT)?,
            // A rule that can fail the scorecard is part of it.
            weight: weight.or(fails_scorecard.then_some(0.0)),
            fails_scorecard,
            is_wanted: flag("good")?,
            suggestion: short_text("suggest", MAX_SUGGESTION)?.map(|text| match text.as_str() {
                "template" => RuleSuggestion::Template,
                _ => RuleSuggestion::Text(text),
            }),
            when,
            unless,
            repetition: again,
            examples: self.examples(id, table)?,
        })
    }

    fn severity(&self, table: &Table<'_, '_>) -> Result<RuleSeverity, RuleFault> {
        let Some(value) = table.get("severity") else {
            return Ok(RuleSeverity::default());
        };
        let allowed = "\"info\", \"warn\" or \"severe\"";
        match self.source.string(value, allowed)? {
            "info" => Ok(RuleSeverity::Info),
            "warn" => Ok(RuleSeverity::Warn),
            "severe" => Ok(RuleSeverity::Severe),
            _ => Err(self.source.wrong(value, allowed)),
        }
    }

    fn examples(&self, id: &str, table: &Table<'_, '_>) -> Result<RuleExamples, RuleFault> {
        let Some(value) = table.get("examples") else {
            return Ok(RuleExamples::default());
        };
        let allowed = "{ match = [\"a text\"], differ = [\"another text\"] }";
        let examples = self.source.table(value, allowed)?;
        examples.refuse_others(self.source, &["match", "differ"])?;
        let texts = |key: &str, expected: &str| match examples.get(key) {
            Some(texts) => Ok(self
                .source
                .strings(texts, "a list of texts")?
                .into_iter()
                .map(|(text, value)| {
                    let mut fault = self.source.wrong(value, expected);
                    fault.rule = Some(id.to_owned());
                    (text.to_owned(), fault)
                })
                .collect()),
            None => Ok(Vec::new()),
        };
        Ok(RuleExamples {
            matching: texts("match", "an example that the rule matches")?,
            differ: texts("differ", "an example that the rule does not match")?,
        })
    }
}

fn read_again(reader: &mut ConditionReader<'_>, value: &Value<'_>) -> Result<Again, RuleFault> {
    let source = reader.source;
    let allowed = "{ after = \"60s\", once = { a condition }, worse_by = 0.05 }";
    let again = source.table(value, allowed)?;
    again.refuse_others(source, &["after", "once", "worse_by"])?;
    let after = match again.get("after") {
        Some(after) => {
            let allowed = "a time from 0s to 24h, like \"60s\"";
            duration(source.string(after, allowed)?)
                .filter(|after| *after <= 24 * 3_600_000)
                .ok_or_else(|| source.wrong(after, allowed))?
        }
        None => 0,
    };
    let once = match again.get("once") {
        Some(once) => Some(reader.condition(once)?),
        None => None,
    };
    let worse_by = match again.get("worse_by") {
        Some(worse) => Some(source.number(worse, 0.0..=1.0)?),
        None => None,
    };
    Ok(Again {
        after,
        once,
        worse_by,
    })
}
