//! Converts items to DynamoDB's attribute maps and back, and builds condition expressions. An expression carries exactly
//! the values that it uses, because DynamoDB refuses unused values.

use std::collections::HashMap;

use aws_sdk_dynamodb::types::AttributeValue;
use jiff::Timestamp;

use crate::Error;
use crate::state::item::{Expect, Item, Key, Put, epoch_seconds};

/// The attribute of the partition key.
pub(super) const PK: &str = "pk";
/// The attribute of the sort key.
pub(super) const SK: &str = "sk";
/// The TTL attribute, in epoch seconds.
pub(super) const EXPIRES_AT: &str = "expires_at";
const BODY: &str = "body";
const VERSION: &str = "version";
/// The names of all attributes of a row.
pub(super) const ATTRIBUTES: [&str; 5] = [PK, SK, BODY, VERSION, EXPIRES_AT];

/// A row of the table, by the names of its attributes.
pub(super) type Row = HashMap<String, AttributeValue>;

/// Builds the key attributes of a key.
pub(super) fn key_attributes(key: &Key) -> Row {
    HashMap::from([
        (PK.to_owned(), AttributeValue::S(key.partition.clone())),
        (SK.to_owned(), AttributeValue::S(key.sort.clone())),
    ])
}

/// Builds the row that a write stores.
pub(super) fn build_row(put: &Put, version: u64) -> Row {
    let mut row = key_attributes(&put.key);
    row.insert(BODY.to_owned(), AttributeValue::S(put.body.clone()));
    row.insert(VERSION.to_owned(), AttributeValue::N(version.to_string()));
    if let Some(at) = put.expires_at {
        row.insert(
            EXPIRES_AT.to_owned(),
            AttributeValue::N(epoch_seconds(at).to_string()),
        );
    }
    row
}

/// Reads the item that a row holds.
pub(super) fn parse_item(mut row: Row) -> Result<Item, Error> {
    let mut text = |name: &'static str| match row.remove(name) {
        Some(AttributeValue::S(value)) => Some(value),
        _ => None,
    };
    let (Some(partition), Some(sort)) = (text(PK), text(SK)) else {
        return Err(corrupt("a row of the state table", PK));
    };
    let key = Key { partition, sort };
    let body = text(BODY).ok_or_else(|| corrupt(&key.to_string(), BODY))?;
    let version = row_version(&row).ok_or_else(|| corrupt(&key.to_string(), VERSION))?;
    let expires_at = match row.get(EXPIRES_AT) {
        None => None,
        Some(value) => Some(timestamp(value).ok_or_else(|| corrupt(&key.to_string(), EXPIRES_AT))?),
    };
    Ok(Item {
        key,
        body,
        version,
        expires_at,
    })
}

/// Returns the version of a row, if there is one.
pub(super) fn row_version(row: &Row) -> Option<u64> {
    row.get(VERSION)?.as_n().ok()?.parse().ok()
}

/// Returns the size of a row by DynamoDB's rules: names and strings count their UTF-8 bytes, a number counts one byte for
/// two digits and one more.
/// <https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/CapacityUnitCalculations.html>
pub(super) fn row_size(row: &Row) -> usize {
    row.iter()
        .map(|(name, value)| {
            name.len()
                + match value {
                    AttributeValue::S(text) => text.len(),
                    AttributeValue::N(digits) => digits.len().div_ceil(2) + 1,
                    _ => 1,
                }
        })
        .sum()
}

fn timestamp(value: &AttributeValue) -> Option<Timestamp> {
    Timestamp::from_second(value.as_n().ok()?.parse().ok()?).ok()
}

fn corrupt(what: &str, attribute: &'static str) -> Error {
    let source = format!("the attribute {attribute} is missing or of another type");
    Error::Corrupt {
        what: what.to_owned(),
        source: source.into(),
    }
}

/// A condition expression with its values.
#[derive(Debug, PartialEq)]
pub(super) struct Condition {
    /// The text of the expression.
    pub(super) expression: String,
    values: Vec<(&'static str, AttributeValue)>,
}

impl Condition {
    /// Builds the condition of a write; `None` if the write expects nothing.
    pub(super) fn expecting(expect: Expect, now: Timestamp) -> Option<Self> {
        let now = (":now", AttributeValue::N(now.as_second().to_string()));
        match expect {
            Expect::Any => None,
            Expect::Absent => Some(Self {
                expression: format!("attribute_not_exists({PK}) OR {EXPIRES_AT} <= :now"),
                values: vec![now],
            }),
            Expect::Version(version) => Some(Self {
                expression: format!(
                    "{VERSION} = :version AND (attribute_not_exists({EXPIRES_AT}) OR {EXPIRES_AT} > :now)"
                ),
                values: vec![now, (":version", AttributeValue::N(version.to_string()))],
            }),
        }
    }

    /// Builds the key condition of a listing; `None` if nothing can match. A key condition has one clause for the sort
    /// key, so that "starts with" and "greater than" together become a range whose first element may be `after` itself.
    pub(super) fn listing(
        partition: &str,
        prefix: &str,
        after: Option<&str>,
        key_max: usize,
    ) -> Option<Self> {
        let text = |value: &str| AttributeValue::S(value.to_owned());
        let mut values = vec![(":pk", text(partition))];
        // Below the range of the prefix, `after` excludes nothing.
        let after = after.filter(|after| *after >= prefix);
        let clause = match after {
            Some(after) if !after.starts_with(prefix) => return None,
            Some(after) if prefix.is_empty() => {
                values.push((":low", text(after)));
                format!(" AND {SK} >= :low")
            }
            Some(after) => {
                values.push((":low", text(after)));
                values.push((":high", text(&last_key_with(prefix, key_max))));
                format!(" AND {SK} BETWEEN :low AND :high")
            }
            None if prefix.is_empty() => String::new(),
            None => {
                values.push((":prefix", text(prefix)));
                format!(" AND begins_with({SK}, :prefix)")
            }
        };
        Some(Self {
            expression: format!("{PK} = :pk{clause}"),
            values,
        })
    }

    /// Returns the values of the expression by their names.
    pub(super) fn values(&self) -> Option<Row> {
        Some(
            self.values
                .iter()
                .map(|(name, value)| ((*name).to_owned(), value.clone()))
                .collect(),
        )
    }
}

/// Returns a string that no key with this prefix is greater than.
fn last_key_with(prefix: &str, key_max: usize) -> String {
    let mut last = prefix.to_owned();
    while last.len() <= key_max {
        last.push(char::MAX);
    }
    last
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_expression_carries_exactly_the_values_it_names() {
        let now = Timestamp::UNIX_EPOCH;
        let conditions = [
            Condition::expecting(Expect::Absent, now),
            Condition::expecting(Expect::Version(7), now),
            Condition::listing("p", "", None, 512),
            Condition::listing("p", "a", None, 512),
            Condition::listing("p", "", Some("a"), 512),
            Condition::listing("p", "a", Some("ab"), 512),
        ];
        for condition in conditions {
            let condition = condition.expect("a condition");
            let mut named: Vec<_> = condition
                .expression
                .split(|c: char| !(c.is_alphanumeric() || c == ':'))
                .filter(|word| word.starts_with(':'))
                .collect();
            named.sort_unstable();
            named.dedup();
            let mut given: Vec<_> = condition.values.iter().map(|(name, _)| *name).collect();
            given.sort_unstable();
            assert_eq!(named, given, "{}", condition.expression);
        }
    }

    #[test]
    fn a_start_past_the_prefix_matches_nothing_and_one_before_it_excludes_nothing() {
        assert_eq!(Condition::listing("p", "a", Some("b"), 512), None);
        assert_eq!(
            Condition::listing("p", "b", Some("a"), 512),
            Condition::listing("p", "b", None, 512)
        );
    }

    #[test]
    fn the_end_of_a_prefix_range_is_no_smaller_than_the_longest_key_in_it() {
        let longest = format!("é{}", char::MAX.to_string().repeat(127));
        assert!(longest.len() <= 512);
        assert!(last_key_with("é", 512) >= longest);
    }
}
