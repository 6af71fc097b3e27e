//! Reads conditions: atoms, connectives, windows and comparisons.

use std::cell::RefCell;

use super::condition::{
    Atom, AtomId, AtomKind, AtomUse, Comparison, Condition, Operator, Side, Window,
};
use super::located::{RuleFault, SourceText, Table, Value};
use super::phrase_text::PhraseParts;
use crate::live::Trend;
use crate::phrases::PhraseSet;
use crate::signals::Signal;

/// Largest depth of conditions inside conditions.
const MAX_DEPTH: usize = 8;
/// Largest number of conditions in one list.
const MAX_PARTS: usize = 32;
/// Largest number of steps of a sequence.
const MAX_STEPS: usize = 6;
/// Largest number of phrases of one condition.
const MAX_PHRASES: usize = 200;
/// Longest time of a figure over the last seconds: what a live call remembers.
const MAX_OVER_MS: i64 = 600_000;
/// Longest time of any other window.
const MAX_WINDOW_MS: i64 = 24 * 3_600_000;
/// Time of an average without an `over`, as the suggestions to agents have it.
const DEFAULT_OVER_MS: i64 = 30_000;
/// Time of a talk share without an `over`.
const DEFAULT_SHARE_OVER_MS: i64 = 300_000;
/// Smallest change of an average that is a trend, as the suggestions to agents have it.
const DEFAULT_DELTA: f64 = 0.05;
/// Similarity from which a text is like a prototype.
const DEFAULT_ABOVE: f64 = 0.6;

/// The keys that say what a condition is about; a condition has exactly one of them.
const HEADS: &[&str] = &[
    "said",
    "not_said",
    "said_like",
    "not_said_like",
    "signal",
    "not_signal",
    "emotion",
    "not_emotion",
    "average",
    "customer_average",
    "agent_average",
    "trend",
    "silence",
    "overtalk",
    "talk_share",
    "duration",
    "hold",
    "skill",
    "attribute",
    "all",
    "any",
    "not",
    "sequence",
    "count",
];

const SIGNALS: &[(&str, Signal)] = &[
    ("legal", Signal::Legal),
    ("manager", Signal::Manager),
    ("urgent", Signal::Urgent),
    ("churn", Signal::Churn),
    ("vulnerable", Signal::Vulnerable),
];

/// The atoms of a file; equal ones are kept once.
#[derive(Debug, Default)]
pub(super) struct AtomTable(pub(super) Vec<Atom>);

impl AtomTable {
    fn add(&mut self, atom: Atom) -> AtomId {
        if let Some(known) = self.0.iter().position(|known| *known == atom) {
            return known;
        }
        self.0.push(atom);
        self.0.len() - 1
    }
}

/// The place of a condition in its file.
#[derive(Clone, Copy, PartialEq)]
enum Place {
    Anywhere,
    FirstStep,
    LaterStep,
    Counted,
}

/// Reads the conditions of one file.
pub(super) struct ConditionReader<'a> {
    pub(super) source: SourceText<'a>,
    pub(super) atoms: &'a mut AtomTable,
    pub(super) parts: &'a PhraseParts,
    /// The comparisons that were read, for trying other limits.
    pub(super) thresholds: &'a RefCell<Vec<Threshold>>,
}

impl ConditionReader<'_> {
    /// Reads a condition, with the conditions nested in it.
    pub(super) fn condition(&mut self, value: &Value<'_>) -> Result<Condition, RuleFault> {
        self.nested(value, 0)
    }

    fn nested(&mut self, value: &Value<'_>, depth: usize) -> Result<Condition, RuleFault> {
        let table = self
            .source
            .table(value, "a condition, like { said = [\"a phrase\"] }")?;
        let head = self.head(&table, HEADS)?;
        if depth > MAX_DEPTH {
            return Err(self.source.fault(
                &table.span,
                "conditions that are nested deeper",
                format!("{MAX_DEPTH} levels"),
            ));
        }
        let Some(inside) = table.get(head) else {
            return Err(self.source.wrong(value, HEADS.join(", ")));
        };
        match head {
            "all" | "any" => {
                table.refuse_others(self.source, &[head])?;
                let parts = self.list_of(inside, MAX_PARTS)?;
                let parts = parts
                    .into_iter()
                    .map(|part| self.nested(part, depth + 1))
                    .collect::<Result<_, _>>()?;
                Ok(match head {
                    "all" => Condition::All(parts),
                    _ => Condition::Any(parts),
                })
            }
            "not" => {
                table.refuse_others(self.source, &["not"])?;
                Ok(Condition::Not(Box::new(self.nested(inside, depth + 1)?)))
            }
            "sequence" => {
                table.refuse_others(self.source, &["sequence"])?;
                let steps = self.list_of(inside, MAX_STEPS)?;
                let steps = steps
                    .into_iter()
                    .enumerate()
                    .map(|(number, step)| {
                        let place = if number == 0 {
                            Place::FirstStep
                        } else {
                            Place::LaterStep
                        };
                        let step = self
                            .source
                            .table(step, "a step, like { said = [\"a phrase\"] }")?;
                        self.atom(&step, place)
                    })
                    .collect::<Result<_, _>>()?;
                Ok(Condition::Sequence(steps))
            }
            "count" => {
                table.refuse_others(self.source, &["count", "is", "within", "over"])?;
                let counted = self
                    .source
                    .table(inside, "what is counted, like { said = [\"a phrase\"] }")?;
                let counted = self.atom(&counted, Place::Counted)?;
                let Some(is) = table.get("is") else {
                    return Err(self.source.fault(
                        &table.span,
                        "a count without `is`",
                        "is = \">= 3\"",
                    ));
                };
                let comparison = self.comparison(is, Unit::Count)?;
                Ok(Condition::Count {
                    atom: counted.atom,
                    window: self.window(&table, Place::Anywhere, true)?,
                    comparison,
                })
            }
            _ => Ok(Condition::Atom(self.atom(&table, Place::Anywhere)?)),
        }
    }

    fn list_of<'v, 'i>(
        &self,
        value: &'v Value<'i>,
        most: usize,
    ) -> Result<Vec<&'v Value<'i>>, RuleFault> {
        let allowed = format!("a list of 1 to {most} conditions");
        let list = self.source.list(value, &allowed)?;
        if list.is_empty() || list.len() > most {
            let found = format!("{} conditions", list.len());
            return Err(self.source.fault(&value.span(), found, allowed));
        }
        Ok(list)
    }

    /// Returns the one key of a table that says what the condition is about.
    fn head<'k>(&self, table: &Table<'_, '_>, heads: &[&'k str]) -> Result<&'k str, RuleFault> {
        let allowed = || format!("exactly one of {}", heads.join(", "));
        let mut found = heads
            .iter()
            .filter(|head| table.get(head).is_some())
            .copied();
        match (found.next(), found.next()) {
            (Some(head), None) => Ok(head),
            (Some(one), Some(other)) => Err(self.source.fault(
                &table.span,
                format!("both `{one}` and `{other}`"),
                allowed(),
            )),
            (None, _) => {
                let keys: Vec<&str> = table.keys().collect();
                let key = table.table.iter().next().map(|(name, _)| name.span());
                let found = match keys.as_slice() {
                    [] => "an empty condition".to_owned(),
                    [key] => format!("the key `{key}`"),
                    keys => format!("the keys {}", keys.join(", ")),
                };
                Err(self
                    .source
                    .fault(&key.unwrap_or(table.span.clone()), found, allowed()))
            }
        }
    }

    /// Reads an atom with its window.
    fn atom(&mut self, table: &Table<'_, '_>, place: Place) -> Result<AtomUse, RuleFault> {
        let atoms: Vec<&str> = HEADS
            .iter()
            .filter(|head| !matches!(**head, "all" | "any" | "not" | "sequence" | "count"))
            .copied()
            .collect();
        let head = self.head(table, &atoms)?;
        let Some(value) = table.get(head) else {
            return Err(self
                .source
                .fault(&table.span, "an empty condition", atoms.join(", ")));
        };
        let (name, is_negated) = match head.strip_prefix("not_") {
            Some(name) => (name, true),
            None => (head, false),
        };
        if is_negated && matches!(place, Place::Counted | Place::FirstStep) {
            return Err(self.source.fault(
                &table.span,
                format!("`{head}`"),
                "something that happens",
            ));
        }
        let mut keys = vec![head];
        keys.extend_from_slice(match name {
            "said" => &["by", "near", "unless"][..],
            "said_like" => &["by", "above"],
            "signal" | "emotion" => &["by"],
            "average" => &["by", "over"],
            "customer_average" | "agent_average" => &["over"],
            "trend" => &["by", "over", "delta"],
            "talk_share" => &["by", "over"],
            _ => &[],
        });
        let is_moment = matches!(name, "said" | "said_like" | "signal" | "emotion");
        if is_moment && place == Place::Anywhere {
            keys.push("over");
        }
        let is_known_at_once = matches!(name, "skill" | "attribute");
        if place != Place::FirstStep && place != Place::Counted && !is_known_at_once {
            keys.push("within");
        }
        table.refuse_others(self.source, &keys)?;
        let side = self.side(table, name)?;
        let kind = self.kind(name, value, table)?;
        let by = match name {
            "customer_average" => Side::Customer,
            "agent_average" => Side::Agent,
            _ => side,
        };
        let window = if is_moment || table.get("within").is_some() {
            // The `over` of a state is the time that its figure covers.
            self.window(table, place, is_moment)?
        } else {
            Window::Default
        };
        Ok(AtomUse {
            atom: self.atoms.add(Atom { kind, by }),
            is_negated,
            window,
        })
    }

    fn side(&self, table: &Table<'_, '_>, name: &str) -> Result<Side, RuleFault> {
        let Some(value) = table.get("by") else {
            return if name == "talk_share" {
                Err(self.source.fault(
                    &table.span,
                    "a `talk_share` without `by`",
                    "by = \"agent\" or by = \"customer\"",
                ))
            } else {
                Ok(Side::Anyone)
            };
        };
        let allowed = "\"agent\", \"customer\" or \"anyone\"";
        match self.source.string(value, allowed)? {
            "agent" => Ok(Side::Agent),
            "customer" => Ok(Side::Customer),
            "anyone" if name != "talk_share" => Ok(Side::Anyone),
            _ => Err(self.source.wrong(value, allowed)),
        }
    }

    fn kind(
        &self,
        name: &str,
        value: &Value<'_>,
        table: &Table<'_, '_>,
    ) -> Result<AtomKind, RuleFault> {
        Ok(match name {
            "said" => {
                let near = match table.get("near") {
                    Some(near) => Some(self.whole(near, 1, 9)?),
                    None => None,
                };
                let unless = match table.get("unless") {
                    Some(unless) => self.phrases(unless, near)?,
                    None => Vec::new(),
                };
                AtomKind::Said {
                    phrases: self.phrases(value, near)?,
                    unless,
                }
            }
            "said_like" => AtomKind::SaidLike {
                prototype: self
                    .source
                    .string(value, "a text of which others are like")?
                    .to_owned(),
                above: match table.get("above") {
                    Some(above) => self.source.number(above, 0.0..=1.0)?,
                    None => DEFAULT_ABOVE,
                },
            },
            "signal" => {
                let names: Vec<&str> = SIGNALS.iter().map(|(name, _)| *name).collect();
                let allowed = names.join(", ");
                let mut signals = Vec::new();
                for (word, value) in self.source.strings(value, &allowed)? {
                    let known = SIGNALS.iter().find(|(name, _)| *name == word);
                    let (_, signal) = known.ok_or_else(|| self.source.wrong(value, &*allowed))?;
                    signals.push(*signal);
                }
                signals.sort_unstable();
                AtomKind::Signal(signals)
            }
            "emotion" => {
                let words = self.source.strings(value, "names of emotions")?;
                AtomKind::Emotion(
                    words
                        .into_iter()
                        .map(|(word, _)| word.to_lowercase())
                        .collect(),
                )
            }
            "average" | "customer_average" | "agent_average" => AtomKind::Average {
                comparison: self.comparison(value, Unit::Share)?,
                over: self.over(table, DEFAULT_OVER_MS)?,
            },
            "trend" => {
                let allowed = "\"improving\", \"stable\" or \"declining\"";
                AtomKind::Trend {
                    direction: match self.source.string(value, allowed)? {
                        "improving" => Trend::Improving,
                        "stable" => Trend::Stable,
                        "declining" => Trend::Declining,
                        _ => return Err(self.source.wrong(value, allowed)),
                    },
                    delta: match table.get("delta") {
                        Some(delta) => self.source.number(delta, 0.0..=1.0)?,
                        None => DEFAULT_DELTA,
                    },
                    over: self.over(table, DEFAULT_OVER_MS)?,
                }
            }
            "silence" => AtomKind::Silence(self.lower_bound(value, MAX_OVER_MS)?),
            "overtalk" => AtomKind::Overtalk(self.lower_bound(value, MAX_OVER_MS)?),
            "talk_share" => AtomKind::TalkShare {
                comparison: self.comparison(value, Unit::Share)?,
                over: self.over(table, DEFAULT_SHARE_OVER_MS)?,
            },
            "duration" => AtomKind::Duration(self.lower_bound(value, MAX_WINDOW_MS)?),
            "hold" => AtomKind::Hold(self.lower_bound(value, MAX_WINDOW_MS)?),
            "skill" => {
                let words = self.source.strings(value, "names of skills")?;
                AtomKind::Skill(words.into_iter().map(|(word, _)| word.to_owned()).collect())
            }
            _ => {
                let allowed = "{ name = \"a name\", is = [\"a value\"] }";
                let attribute = self.source.table(value, allowed)?;
                attribute.refuse_others(self.source, &["name", "is"])?;
                let missing = || self.source.wrong(value, allowed);
                let name = attribute.get("name").ok_or_else(missing)?;
                let values = attribute.get("is").ok_or_else(missing)?;
                AtomKind::Attribute {
                    name: self.source.string(name, allowed)?.to_owned(),
                    values: self
                        .source
                        .strings(values, allowed)?
                        .into_iter()
                        .map(|(value, _)| value.to_owned())
                        .collect(),
                }
            }
        })
    }

    /// Reads phrases, with their named parts filled in and checked.
    fn phrases(&self, value: &Value<'_>, near: Option<u8>) -> Result<Vec<String>, RuleFault> {
        let allowed = "a list of phrases";
        let written = self.source.strings(value, allowed)?;
        if written.len() > MAX_PHRASES {
            let found = format!("{} phrases", written.len());
            let allowed = format!("at most {MAX_PHRASES} phrases");
            return Err(self.source.fault(&value.span(), found, allowed));
        }
        written
            .into_iter()
            .map(|(text, value)| {
                let phrase = self.parts.fill_in(text, near).map_err(|name| {
                    let found = format!("the part {{{name}}}");
                    let allowed = format!("the names of [parts]: {}", self.parts.names());
                    self.source.fault(&value.span(), found, allowed)
                })?;
                match PhraseSet::parse(&[&phrase], &[]) {
                    Ok(_) => Ok(phrase),
                    Err((_, error)) => {
                        let found = format!("the phrase {text:?}: {error}");
                        Err(self.source.fault(
                            &value.span(),
                            found,
                            "words, `=word`, `word/verb`, `word*`, `*word`, `*`, `*5`, `#`, `,`, `^`, `$`, `(a|b)`, `[a|b]`, `{part}`",
                        ))
                    }
                }
            })
            .collect()
    }

    fn over(&self, table: &Table<'_, '_>, default: i64) -> Result<i64, RuleFault> {
        match table.get("over") {
            Some(over) => {
                let text = self.source.string(over, "a time like \"60s\"")?;
                duration(text)
                    .filter(|over| (1..=MAX_OVER_MS).contains(over))
                    .ok_or_else(|| {
                        self.source
                            .wrong(over, "a time from 1ms to 600s, like \"60s\"")
                    })
            }
            None => Ok(default),
        }
    }

    /// Reads the window of a condition.
    fn window(
        &self,
        table: &Table<'_, '_>,
        place: Place,
        is_over_window: bool,
    ) -> Result<Window, RuleFault> {
        let has_over = is_over_window && table.get("over").is_some();
        if has_over && table.get("within").is_some() {
            return Err(self
                .source
                .fault(&table.span, "both `within` and `over`", "one of them"));
        }
        if has_over {
            return self.over(table, 0).map(Window::Over);
        }
        let Some(value) = table.get("within") else {
            return Ok(Window::Default);
        };
        let is_later = place == Place::LaterStep;
        let allowed = if is_later {
            "a time after the step before, like \"90s after\""
        } else {
            "\"first 60s\", \"last 60s\", \"first 10%\" or \"last 10%\""
        };
        let text = self.source.string(value, allowed)?;
        let wrong = || self.source.wrong(value, allowed);
        let length =
            |text: &str| duration(text).filter(|length| (1..=MAX_WINDOW_MS).contains(length));
        let percent = |text: &str| {
            let number: f64 = text.strip_suffix('%')?.trim().parse().ok()?;
            (number > 0.0 && number <= 100.0).then_some(number)
        };
        let words: Vec<&str> = text.splitn(2, ' ').collect();
        match (words.as_slice(), is_later) {
            (["first", part], false) => length(part)
                .map(Window::First)
                .or_else(|| percent(part).map(Window::FirstPercent))
                .ok_or_else(wrong),
            (["last", part], false) => length(part)
                .map(Window::Last)
                .or_else(|| percent(part).map(Window::LastPercent))
                .ok_or_else(wrong),
            (_, true) => text
                .strip_suffix("after")
                .and_then(|part| length(part.trim()))
                .map(Window::After)
                .ok_or_else(wrong),
            _ => Err(wrong()),
        }
    }

    fn whole(&self, value: &Value<'_>, least: u8, most: u8) -> Result<u8, RuleFault> {
        let number = self
            .source
            .number(value, f64::from(least)..=f64::from(most))?;
        if number.fract() != 0.0 {
            return Err(self
                .source
                .wrong(value, format!("a whole number from {least} to {most}")));
        }
        Ok(number as u8)
    }

    /// Reads a comparison with a time that only a longer time satisfies.
    fn lower_bound(&self, value: &Value<'_>, most: i64) -> Result<Comparison, RuleFault> {
        let comparison = self.comparison(value, Unit::Time)?;
        if comparison.is_lower_bound() && comparison.limit <= most as f64 {
            return Ok(comparison);
        }
        let allowed = format!("a comparison like \"> 20s\", up to {}s", most / 1000);
        Err(self.source.wrong(value, allowed))
    }

    /// Reads a comparison: an operator and a limit.
    pub(super) fn comparison(
        &self,
        value: &Value<'_>,
        unit: Unit,
    ) -> Result<Comparison, RuleFault> {
        let allowed = unit.allowed();
        let text = self.source.string(value, allowed)?.trim();
        let (operator, rest) = if let Some(rest) = text.strip_prefix("<=") {
            (Operator::AtMost, rest)
        } else if let Some(rest) = text.strip_prefix(">=") {
            (Operator::AtLeast, rest)
        } else if let Some(rest) = text.strip_prefix('<') {
            (Operator::Less, rest)
        } else if let Some(rest) = text.strip_prefix('>') {
            (Operator::More, rest)
        } else {
            return Err(self.source.wrong(value, allowed));
        };
        let rest = rest.trim();
        let limit = match unit {
            Unit::Time => duration(rest).map(|limit| limit as f64),
            Unit::Share => rest
                .parse()
                .ok()
                .filter(|limit| (0.0..=1.0).contains(limit)),
            Unit::Count => rest
                .parse::<u32>()
                .ok()
                .filter(|limit| *limit <= 1000)
                .map(f64::from),
        };
        let limit = limit.ok_or_else(|| self.source.wrong(value, allowed))?;
        self.thresholds.borrow_mut().push(Threshold {
            rule: String::new(),
            place: value.span(),
            operator: text[..text.len() - rest.len()].trim().to_owned(),
            unit,
            limit,
        });
        Ok(Comparison { operator, limit })
    }
}

/// What the limit of a comparison is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unit {
    /// A time in milliseconds.
    Time,
    /// A number from 0 to 1.
    Share,
    /// A whole number of occurrences.
    Count,
}

/// A comparison of a rule file, whose limit can be replaced to try another one.
#[derive(Debug, Clone, PartialEq)]
pub struct Threshold {
    /// The id of the rule that has the comparison.
    pub rule: String,
    /// The place of the comparison in the text of the file, in bytes.
    pub place: std::ops::Range<usize>,
    /// The operator: `<`, `<=`, `>` or `>=`.
    pub operator: String,
    /// What the limit is.
    pub unit: Unit,
    /// The limit as the file has it; times are milliseconds.
    pub limit: f64,
}

impl Threshold {
    /// Writes the comparison with another limit, as a file has it.
    #[must_use]
    pub fn write(&self, limit: f64) -> String {
        match self.unit {
            Unit::Time => format!("\"{} {limit}ms\"", self.operator),
            Unit::Share | Unit::Count => format!("\"{} {limit}\"", self.operator),
        }
    }

    /// Returns the text of a file with another limit in this place.
    #[must_use]
    pub fn replace_in(&self, text: &str, limit: f64) -> String {
        let (before, after) = (text.get(..self.place.start), text.get(self.place.end..));
        format!(
            "{}{}{}",
            before.unwrap_or_default(),
            self.write(limit),
            after.unwrap_or_default()
        )
    }
}

impl Unit {
    const fn allowed(self) -> &'static str {
        match self {
            Self::Time => "a comparison like \"> 20s\"",
            Self::Share => "a comparison like \"< 0.3\", with a number from 0 to 1",
            Self::Count => "a comparison like \">= 3\"",
        }
    }
}

/// Reads a time like `500ms`, `20s`, `2min` or `1h` as milliseconds.
pub(super) fn duration(text: &str) -> Option<i64> {
    let text = text.trim();
    let digits = text.find(|c: char| !c.is_ascii_digit() && c != '.')?;
    let (number, unit) = text.split_at(digits);
    let factor = match unit.trim() {
        "ms" => 1.0,
        "s" => 1000.0,
        "min" => 60_000.0,
        "h" => 3_600_000.0,
        _ => return None,
    };
    let number: f64 = number.parse().ok()?;
    let milliseconds = (number * factor).round();
    (0.0..=1e12)
        .contains(&milliseconds)
        .then_some(milliseconds as i64)
}

#[cfg(test)]
mod tests {
    use super::duration;

    #[test]
    fn times_have_a_unit() {
        for (text, expected) in [
            ("20s", Some(20_000)),
            ("1.5 s", Some(1500)),
            ("2min", Some(120_000)),
            ("1h", Some(3_600_000)),
            ("500ms", Some(500)),
            ("20", None),
            ("s", None),
            ("20 parsecs", None),
            ("-1s", None),
            ("", None),
        ] {
            assert_eq!(duration(text), expected, "{text}");
        }
    }
}
