//! The lists `api_keys` and `webhook_secrets` of the callers' secret: named entries, several valid at once.
//!
//! An entry that cannot be used is named and left out; the others stay valid. No error holds a key.

use std::fmt;

use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan};
use secrecy::SecretString;
use serde_json::{Map, Value};

use super::scope::{Scope, Scopes};

/// Most entries of a list that are read.
const MAX_ENTRIES: usize = 200;
/// Longest name of an entry, in bytes.
const MAX_NAME_BYTES: usize = 64;
/// Longest key, in bytes.
const MAX_KEY_BYTES: usize = 1024;

/// A list of the callers' secret, and what its entries have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct List {
    /// The name of the list in the secret.
    pub(super) name: &'static str,
    /// The field of an entry that holds the key.
    key_field: &'static str,
    /// Whether an entry has scopes.
    has_scopes: bool,
}

impl List {
    /// Keys that callers send with a request.
    pub(super) const API_KEYS: Self = Self {
        name: "api_keys",
        key_field: "key",
        has_scopes: true,
    };

    /// Secrets by which senders sign webhooks.
    pub(super) const WEBHOOK_SECRETS: Self = Self {
        name: "webhook_secrets",
        key_field: "secret",
        has_scopes: false,
    };

    fn allows_field(self, field: &str) -> bool {
        matches!(field, "name" | "not_after")
            || field == self.key_field
            || (self.has_scopes && field == "scopes")
    }
}

/// A named key of a list.
#[derive(Debug, Clone)]
pub(super) struct Entry {
    /// The name of whoever holds the key; it may be logged.
    pub(super) name: String,
    /// The key or the signing secret.
    pub(super) key: SecretString,
    /// What the key may do.
    pub(super) scopes: Scopes,
    /// The moment from which the key is no longer accepted.
    pub(super) not_after: Option<Timestamp>,
}

/// Why an entry, or a whole list, cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(super) struct Unusable {
    list: &'static str,
    /// The number of the entry, from 1, and its name where it has one.
    entry: Option<(usize, Option<String>)>,
    reason: String,
}

impl fmt::Display for Unusable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.entry {
            None => write!(f, "{}: {}", self.list, self.reason),
            Some((number, None)) => write!(f, "{} entry {number}: {}", self.list, self.reason),
            Some((number, Some(name))) => {
                write!(
                    f,
                    "{} entry {number} ('{name}'): {}",
                    self.list, self.reason
                )
            }
        }
    }
}

/// Reads a list from its JSON text. What cannot be used is left out of the entries and named beside them.
pub(super) fn read_list(list: List, json: &str) -> (Vec<Entry>, Vec<Unusable>) {
    let whole = |reason: &str| Unusable {
        list: list.name,
        entry: None,
        reason: reason.to_owned(),
    };
    // The parser's error may quote the text, so it is not kept.
    let Ok(Value::Array(items)) = serde_json::from_str(json) else {
        return (Vec::new(), vec![whole("it must be a JSON list of objects")]);
    };
    let (mut entries, mut unusable) = (Vec::new(), Vec::new());
    if items.len() > MAX_ENTRIES {
        unusable.push(whole("it has more than 200 entries; the rest is left out"));
    }
    for (index, item) in items.iter().take(MAX_ENTRIES).enumerate() {
        match read_entry(list, item) {
            Ok(entry) => entries.push(entry),
            Err(reason) => unusable.push(Unusable {
                list: list.name,
                entry: Some((index + 1, item.get("name").and_then(valid_name))),
                reason,
            }),
        }
    }
    (entries, unusable)
}

fn read_entry(list: List, item: &Value) -> Result<Entry, String> {
    let fields = item.as_object().ok_or("it must be an object")?;
    let name = fields.get("name").and_then(valid_name);
    let name = name.ok_or("its name must be 1 to 64 letters, digits and -._")?;
    if fields.keys().any(|field| !list.allows_field(field)) {
        // A misspelled `not_after` must not make a key valid for ever.
        let scopes = if list.has_scopes { ", scopes" } else { "" };
        let key = list.key_field;
        return Err(format!(
            "its fields may be name, {key}{scopes} and not_after only"
        ));
    }
    Ok(Entry {
        name,
        key: read_key(list, fields)?,
        scopes: read_scopes(list, fields)?,
        not_after: read_not_after(fields)?,
    })
}

/// Returns a name that can be logged.
fn valid_name(value: &Value) -> Option<String> {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._".contains(&byte);
    let name = value.as_str()?;
    let is_valid = (1..=MAX_NAME_BYTES).contains(&name.len()) && name.bytes().all(is_plain);
    is_valid.then(|| name.to_owned())
}

fn read_key(list: List, fields: &Map<String, Value>) -> Result<SecretString, String> {
    let field = list.key_field;
    let key = fields.get(field).and_then(Value::as_str);
    // A header carries no other characters of a key; a signing secret is never sent.
    let is_valid = |key: &&str| {
        (1..=MAX_KEY_BYTES).contains(&key.len())
            && (!list.has_scopes || key.bytes().all(|byte| byte.is_ascii_graphic()))
    };
    let key = key.filter(is_valid);
    key.map(SecretString::from).ok_or_else(|| {
        let characters = if list.has_scopes {
            " visible ASCII"
        } else {
            ""
        };
        format!("its {field} must be a text of 1 to 1024{characters} characters")
    })
}

fn read_scopes(list: List, fields: &Map<String, Value>) -> Result<Scopes, String> {
    if !list.has_scopes {
        return Ok(Scopes::default());
    }
    let named = fields.get("scopes").and_then(Value::as_array);
    let scopes = named.filter(|named| !named.is_empty()).and_then(|named| {
        let scope = |one: &Value| Scope::from_name(one.as_str()?);
        named.iter().map(scope).collect::<Option<Scopes>>()
    });
    scopes.ok_or_else(|| {
        let names: Vec<_> = Scope::ALL.iter().map(|scope| scope.name()).collect();
        format!("its scopes must be a list of {}", names.join(", "))
    })
}

/// Reads the end of an entry: a moment, or a date, which counts to its end in UTC.
fn read_not_after(fields: &Map<String, Value>) -> Result<Option<Timestamp>, String> {
    let Some(value) = fields.get("not_after") else {
        return Ok(None);
    };
    let moment = value.as_str().and_then(|text| {
        text.parse::<Timestamp>().ok().or_else(|| {
            let next_day = text.parse::<Date>().ok()?.checked_add(1.day()).ok()?;
            let midnight = next_day.to_zoned(TimeZone::UTC).ok()?;
            // `Date` also reads the date of a moment without a zone, which is ambiguous.
            (text.len() == "2026-12-31".len()).then(|| midnight.timestamp())
        })
    });
    let allowed = "its not_after must be a moment such as 2026-12-31T18:00:00Z or a date";
    moment.map(Some).ok_or_else(|| allowed.to_owned())
}

#[cfg(test)]
mod tests {
    use secrecy::ExposeSecret;

    use super::*;

    fn read(json: &str) -> (Vec<Entry>, Vec<String>) {
        let (entries, unusable) = read_list(List::API_KEYS, json);
        (entries, unusable.iter().map(ToString::to_string).collect())
    }

    #[test]
    fn an_entry_has_a_name_a_key_scopes_and_perhaps_an_end() {
        let (entries, unusable) = read(
            r#"[{"name":"studio","key":"k-1","scopes":["score","calls"],"not_after":"2026-12-31"},
                {"name":"wall","key":"k-2","scopes":["board","admin"]}]"#,
        );
        assert_eq!(unusable, Vec::<String>::new());
        assert_eq!(entries[0].name, "studio");
        assert_eq!(entries[0].key.expose_secret(), "k-1");
        let has = |index: usize, scope| entries[index].scopes.contains(scope);
        assert!(has(0, Scope::Score) && has(0, Scope::Calls) && !has(0, Scope::Search));
        assert!(has(1, Scope::Board) && has(1, Scope::Admin) && !has(1, Scope::Score));
        let end: Timestamp = "2027-01-01T00:00:00Z".parse().unwrap();
        assert_eq!(entries[0].not_after, Some(end));
        assert_eq!(entries[1].not_after, None);
    }

    #[test]
    fn an_entry_that_cannot_be_used_is_named_and_the_others_stay() {
        let (entries, unusable) = read(
            r#"["hush-1", {"key":"hush-2","scopes":["score"]}, {"name":"a","scopes":["score"]},
                {"name":"b","key":"hush 3","scopes":["score"]}, {"name":"c","key":"hush-4","scopes":["hush-5"]},
                {"name":"d","key":"hush-6","scopes":[]}, {"name":"e","key":"hush-7","scopes":["score"],"not_after":"soon"},
                {"name":"f","key":"hush-8","scopes":["score"],"notafter":"2026-12-31"},
                {"name":"g","key":"hush-9","scopes":["score"],"not_after":"2026-12-31T18:00:00"},
                {"name":"last","key":"good","scopes":["search"]}]"#,
        );
        let names: Vec<_> = entries.iter().map(|entry| entry.name.as_str()).collect();
        assert_eq!(names, ["last"]);
        let text = unusable.join("\n");
        assert!(!text.contains("hush"), "{text}");
        assert_eq!(unusable.len(), 9, "{text}");
        for (line, start) in unusable.iter().zip([
            "api_keys entry 1: it must be an object",
            "api_keys entry 2: its name must be",
            "api_keys entry 3 ('a'): its key must be",
            "api_keys entry 4 ('b'): its key must be",
            "api_keys entry 5 ('c'): its scopes must be a list of score, calls, webhook, search, board, admin",
            "api_keys entry 6 ('d'): its scopes",
            "api_keys entry 7 ('e'): its not_after",
            "api_keys entry 8 ('f'): its fields may be name, key, scopes and not_after only",
            "api_keys entry 9 ('g'): its not_after",
        ]) {
            assert!(line.starts_with(start), "{line}");
        }
    }

    #[test]
    fn a_list_that_is_none_is_named() {
        for json in ["", "{}", "[", "\"hush\"", "[1"] {
            let (entries, unusable) = read(json);
            assert!(entries.is_empty());
            assert_eq!(unusable, ["api_keys: it must be a JSON list of objects"]);
        }
        let many: Vec<_> = (0..201)
            .map(|n| format!(r#"{{"name":"n{n}","key":"k","scopes":["score"]}}"#))
            .collect();
        let (entries, unusable) = read(&format!("[{}]", many.join(",")));
        assert_eq!((entries.len(), unusable.len()), (200, 1));
    }

    #[test]
    fn a_signing_secret_has_no_scopes_and_may_hold_any_character() {
        let json = r#"[{"name":"sharepoint","secret":"zażółć gęślą"},{"name":"x","secret":"s","scopes":["score"]}]"#;
        let (entries, unusable) = read_list(List::WEBHOOK_SECRETS, json);
        assert_eq!((entries.len(), unusable.len()), (1, 1));
        assert_eq!(entries[0].name, "sharepoint");
    }
}
