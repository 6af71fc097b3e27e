//! Reads TOML by hand, so that whatever is wrong is named with its line, its column, what was found and what is allowed.

use std::ops::Range;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

/// Longest part of a file that a fault repeats, in characters.
const MAX_SHOWN: usize = 60;

/// What is wrong at one place of a rule file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RuleFault {
    /// The line of the place, from 1.
    pub line: usize,
    /// The column of the place in characters, from 1.
    pub column: usize,
    /// The id of the rule that has the place, if it is inside a rule with an id.
    pub rule: Option<String>,
    /// What stands at the place.
    pub found: String,
    /// What is allowed at the place.
    pub allowed: String,
}

impl std::fmt::Display for RuleFault {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "line {}, column {}: ", self.line, self.column)?;
        if let Some(rule) = &self.rule {
            write!(f, "rule {rule}: ")?;
        }
        write!(f, "found {}; allowed: {}", self.found, self.allowed)
    }
}

/// The reason why a rule file was refused: every fault that was found.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{}", join_faults(.faults))]
pub struct InvalidRuleFile {
    /// The faults in the order of the file; there is at least one.
    pub faults: Vec<RuleFault>,
}

fn join_faults(faults: &[RuleFault]) -> String {
    let lines: Vec<String> = faults.iter().map(ToString::to_string).collect();
    lines.join("\n")
}

/// A value of the file with its place.
pub(super) type Value<'i> = Spanned<DeValue<'i>>;

/// The text of a file, which turns byte offsets into lines and columns.
#[derive(Clone, Copy)]
pub(super) struct SourceText<'t>(pub(super) &'t str);

impl SourceText<'_> {
    /// Describes a fault at a byte range.
    pub(super) fn fault(
        self,
        span: &Range<usize>,
        found: impl Into<String>,
        allowed: impl Into<String>,
    ) -> RuleFault {
        let before = self
            .0
            .get(..span.start.min(self.0.len()))
            .unwrap_or_default();
        let line_start = before.rfind('\n').map_or(0, |at| at + 1);
        RuleFault {
            line: before.matches('\n').count() + 1,
            column: before[line_start..].chars().count() + 1,
            rule: None,
            found: found.into(),
            allowed: allowed.into(),
        }
    }

    /// Describes a value that is not what is allowed there.
    pub(super) fn wrong(self, value: &Value<'_>, allowed: impl Into<String>) -> RuleFault {
        self.fault(&value.span(), describe(value), allowed)
    }

    /// Returns the text of a value.
    pub(super) fn string<'a>(
        self,
        value: &'a Value<'_>,
        allowed: &str,
    ) -> Result<&'a str, RuleFault> {
        value
            .get_ref()
            .as_str()
            .filter(|text| !text.trim().is_empty())
            .ok_or_else(|| self.wrong(value, allowed))
    }

    /// Returns the values of a list.
    pub(super) fn list<'a, 'i>(
        self,
        value: &'a Value<'i>,
        allowed: &str,
    ) -> Result<Vec<&'a Value<'i>>, RuleFault> {
        match value.get_ref() {
            DeValue::Array(values) => Ok(values.iter().collect()),
            _ => Err(self.wrong(value, allowed)),
        }
    }

    /// Returns the texts of a list, or the one text that stands in place of a list.
    pub(super) fn strings<'a, 'i>(
        self,
        value: &'a Value<'i>,
        allowed: &str,
    ) -> Result<Vec<(&'a str, &'a Value<'i>)>, RuleFault> {
        if value.get_ref().is_str() {
            return Ok(vec![(self.string(value, allowed)?, value)]);
        }
        let values = self.list(value, allowed)?;
        if values.is_empty() {
            return Err(self.wrong(value, allowed));
        }
        values
            .into_iter()
            .map(|value| Ok((self.string(value, allowed)?, value)))
            .collect()
    }

    /// Returns the truth value of a value.
    pub(super) fn boolean(self, value: &Value<'_>) -> Result<bool, RuleFault> {
        value
            .get_ref()
            .as_bool()
            .ok_or_else(|| self.wrong(value, "true or false"))
    }

    /// Returns the number of a value if the number is in a range.
    pub(super) fn number(
        self,
        value: &Value<'_>,
        range: std::ops::RangeInclusive<f64>,
    ) -> Result<f64, RuleFault> {
        let number = match value.get_ref() {
            DeValue::Integer(number) => number.as_str().replace('_', "").parse().ok(),
            DeValue::Float(number) => number.as_str().replace('_', "").parse().ok(),
            _ => None,
        };
        number
            .filter(|number: &f64| range.contains(number))
            .ok_or_else(|| {
                self.wrong(
                    value,
                    format!("a number from {} to {}", range.start(), range.end()),
                )
            })
    }

    /// Returns the table of a value.
    pub(super) fn table<'a, 'i>(
        self,
        value: &'a Value<'i>,
        allowed: &str,
    ) -> Result<Table<'a, 'i>, RuleFault> {
        match value.get_ref() {
            DeValue::Table(table) => Ok(Table {
                table,
                span: value.span(),
            }),
            _ => Err(self.wrong(value, allowed)),
        }
    }
}

/// A table of the file with its place.
#[derive(Clone)]
pub(super) struct Table<'a, 'i> {
    pub(super) table: &'a DeTable<'i>,
    pub(super) span: Range<usize>,
}

impl<'a, 'i> Table<'a, 'i> {
    /// Returns the value of a key.
    pub(super) fn get(&self, key: &str) -> Option<&'a Value<'i>> {
        self.table
            .iter()
            .find(|(name, _)| name.get_ref() == key)
            .map(|(_, value)| value)
    }

    /// Returns the names of the keys.
    pub(super) fn keys(&self) -> impl Iterator<Item = &'a str> + use<'a, 'i> {
        self.table.iter().map(|(name, _)| name.get_ref().as_ref())
    }

    /// Refuses a key that is not allowed.
    pub(super) fn refuse_others(
        &self,
        source: SourceText<'_>,
        allowed: &[&str],
    ) -> Result<(), RuleFault> {
        let unknown = self
            .table
            .iter()
            .find(|(name, _)| !allowed.contains(&name.get_ref().as_ref()));
        match unknown {
            None => Ok(()),
            Some((name, _)) => Err(source.fault(
                &name.span(),
                format!("the key `{}`", shorten(name.get_ref())),
                allowed.join(", "),
            )),
        }
    }
}

/// Describes a value in the words of a fault.
fn describe(value: &Value<'_>) -> String {
    match value.get_ref() {
        DeValue::String(text) => format!("{:?}", shorten(text)),
        DeValue::Integer(number) => number.as_str().to_owned(),
        DeValue::Float(number) => number.as_str().to_owned(),
        DeValue::Boolean(value) => value.to_string(),
        DeValue::Datetime(_) => "a date or time".to_owned(),
        DeValue::Array(values) if values.is_empty() => "an empty list".to_owned(),
        DeValue::Array(_) => "a list".to_owned(),
        DeValue::Table(table) if table.is_empty() => "an empty table".to_owned(),
        DeValue::Table(_) => "a table".to_owned(),
    }
}

fn shorten(text: &str) -> String {
    let mut shown: String = text.chars().take(MAX_SHOWN).collect();
    if shown.len() < text.len() {
        shown.push_str("...");
    }
    shown
}

/// Writes a value in one form, whatever its notation, for the version of a rule.
pub(super) fn write_canonical(value: &DeValue<'_>, without: &[&str], out: &mut String) {
    match value {
        DeValue::String(text) => out.push_str(&format!("{text:?}")),
        DeValue::Integer(number) => out.push_str(&number.to_string()),
        DeValue::Float(number) => out.push_str(number.as_str()),
        DeValue::Boolean(value) => out.push_str(&value.to_string()),
        DeValue::Datetime(time) => out.push_str(&time.to_string()),
        DeValue::Array(values) => {
            out.push('[');
            for value in values.iter() {
                write_canonical(value.get_ref(), without, out);
                out.push(',');
            }
            out.push(']');
        }
        DeValue::Table(table) => {
            let mut entries: Vec<(&str, &DeValue<'_>)> = table
                .iter()
                .map(|(name, value)| (name.get_ref().as_ref(), value.get_ref()))
                .filter(|(name, _)| !without.contains(name))
                .collect();
            entries.sort_by_key(|(name, _)| *name);
            out.push('{');
            for (name, value) in entries {
                out.push_str(&format!("{name:?}:"));
                write_canonical(value, without, out);
                out.push(',');
            }
            out.push('}');
        }
    }
}
