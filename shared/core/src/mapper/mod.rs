//! The schema mapper: says which fields of a webhook payload are conversation text, and how each field is labeled.
//!
//! A path is a list of keys joined by dots that starts inside the event's `data`: `subject` means `data.subject` of the
//! body. People write the `data.` all the same, so exactly one leading `data.` is dropped; a key `data` inside `data` is
//! therefore written `data.data`. The mapper skips a path that is missing or whose value holds no text.
//!
//! A value holds text in one of three shapes: a string; a list of strings, one turn each; or a list of turns. A turn is
//! an object with `text` and a speaker (`speaker`, `participant`, `role`, `author`, `from` or `direction`; a string, or an
//! object with `type` or `name`). The speaker of a turn replaces the label of the path.
//!
//! ```
//! use insights_core::mapper::FieldMap;
//! use serde_json::json;
//!
//! let map: FieldMap = "subject=Topic,transcript=Transcript".parse().unwrap();
//! let data = json!({"subject": "Refund", "transcript": [{"speaker": "customer", "text": "It broke"}]});
//! let turns = map.extract_turns(data.as_object().unwrap());
//! assert_eq!((turns[0].label.as_str(), turns[0].text.as_str()), ("Topic", "Refund"));
//! assert_eq!((turns[1].label.as_str(), turns[1].text.as_str()), ("Customer", "It broke"));
//! ```

use serde_json::{Map, Value};

#[cfg(test)]
mod tests;

/// The mapping that applies unless another one is configured. A `transcript` is either an object with the two speakers or a
/// list of turns.
pub const DEFAULT_FIELDS: &str =
    "transcript.agent=Agent,transcript.customer=Customer,transcript=Transcript,subject=Subject";

/// Largest number of fields of a mapping; more are a mistake in the configuration, not a schema.
const MAX_FIELDS: usize = 64;
/// Largest number of keys in one path: as deep as a payload may nest.
const MAX_KEYS: usize = 32;
/// Largest length of a label in characters; a longer label would crowd out the text it names.
const MAX_LABEL_CHARS: usize = 64;

/// A text that somebody said or wrote, with the label of the speaker or of the field.
#[derive(Clone, PartialEq, Eq)]
pub struct Turn {
    /// The speaker or the name of the field, for example `Agent` or `Subject`.
    pub label: String,
    /// The text, trimmed and never empty.
    pub text: String,
}

/// Omits the text of the conversation, so that the text cannot reach a log.
impl std::fmt::Debug for Turn {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Turn")
            .field("label", &self.label)
            .field("bytes", &self.text.len())
            .finish()
    }
}

/// Paths of fields with their labels, in the order in which the text is put together.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FieldMap {
    fields: Vec<Field>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Field {
    keys: Vec<String>,
    label: String,
}

/// The reason why a configured mapping was refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "field {position} ({entry:?}): {wrong}; write path=Label, e.g. transcript.agent=Agent, separated by commas"
)]
pub struct InvalidFields {
    /// The position of the wrong entry, from 1.
    pub position: usize,
    /// The entry as it was written.
    pub entry: String,
    /// What is wrong with the entry.
    pub wrong: &'static str,
}

impl Default for FieldMap {
    fn default() -> Self {
        let field = |keys: &[&str], label: &str| Field {
            keys: keys.iter().map(|key| (*key).to_owned()).collect(),
            label: label.to_owned(),
        };
        Self {
            fields: vec![
                field(&["transcript", "agent"], "Agent"),
                field(&["transcript", "customer"], "Customer"),
                field(&["transcript"], "Transcript"),
                field(&["subject"], "Subject"),
            ],
        }
    }
}

impl std::str::FromStr for FieldMap {
    type Err = InvalidFields;

    fn from_str(text: &str) -> Result<Self, InvalidFields> {
        let mut fields: Vec<Field> = Vec::new();
        for (index, entry) in text.split(',').enumerate() {
            let refuse = |wrong| {
                Err(InvalidFields {
                    position: index + 1,
                    entry: entry.trim().to_owned(),
                    wrong,
                })
            };
            let Some((path, label)) = entry.split_once('=') else {
                return refuse("has no `=`");
            };
            let (path, label) = (path.trim(), label.trim());
            let mut keys: Vec<String> = path.split('.').map(|key| key.trim().to_owned()).collect();
            if keys.len() > 1 && keys[0] == "data" {
                keys.remove(0);
            }
            if keys.iter().any(String::is_empty) {
                return refuse("has an empty key in its path");
            }
            if keys.len() > MAX_KEYS {
                return refuse("has more than 32 keys in its path");
            }
            if label.is_empty()
                || label.chars().count() > MAX_LABEL_CHARS
                || label.chars().any(char::is_control)
            {
                return refuse("needs a label of 1 to 64 characters without control characters");
            }
            if fields.iter().any(|field| field.keys == keys) {
                return refuse("repeats an earlier path");
            }
            if fields.len() == MAX_FIELDS {
                return refuse("is the 65th; at most 64 are allowed");
            }
            fields.push(Field {
                keys,
                label: label.to_owned(),
            });
        }
        Ok(Self { fields })
    }
}

/// Writes the form that [`FromStr`](std::str::FromStr) reads.
impl std::fmt::Display for FieldMap {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        for (index, field) in self.fields.iter().enumerate() {
            let comma = if index == 0 { "" } else { "," };
            write!(f, "{comma}{}={}", field.path(), field.label)?;
        }
        Ok(())
    }
}

impl Field {
    /// Returns the path as it is written, with a leading `data.` where the first key is `data` itself.
    fn path(&self) -> String {
        let prefix = if self.keys[0] == "data" && self.keys.len() > 1 {
            "data."
        } else {
            ""
        };
        format!("{prefix}{}", self.keys.join("."))
    }
}

impl FieldMap {
    /// Extracts the turns of a payload's `data` in the order of the mapping; no turns if no path holds text.
    #[must_use]
    pub fn extract_turns(&self, data: &Map<String, Value>) -> Vec<Turn> {
        let mut turns = Vec::new();
        for field in &self.fields {
            match lookup(data, &field.keys) {
                Some(Value::Array(items)) => turns.extend(
                    items
                        .iter()
                        .filter_map(|item| turn_of_item(item, &field.label)),
                ),
                Some(value) => turns.extend(turn_of_value(&field.label, value)),
                None => {}
            }
        }
        turns
    }

    /// Returns whether the conversation of a payload's `data` is empty, as the source sends it once its text was removed: there
    /// is no data at all, or a mapped path is there and none of them holds anything. Data without a mapped path, or with
    /// a value that the mapper cannot read, may as well be the mistake of a mapping and is not empty.
    #[must_use]
    pub fn is_emptied(&self, data: &Map<String, Value>) -> bool {
        let mut values = self
            .fields
            .iter()
            .filter_map(|field| lookup(data, &field.keys))
            .peekable();
        data.is_empty() || (values.peek().is_some() && values.all(is_blank))
    }

    /// Returns the paths as they are written, for messages that say where the mapper looked for text.
    #[must_use]
    pub fn paths(&self) -> String {
        self.fields
            .iter()
            .map(Field::path)
            .collect::<Vec<_>>()
            .join(", ")
    }
}

/// Follows the keys of a path and returns the value there.
fn lookup<'a>(data: &'a Map<String, Value>, keys: &[String]) -> Option<&'a Value> {
    let (first, rest) = keys.split_first()?;
    rest.iter()
        .try_fold(data.get(first)?, |value, key| value.as_object()?.get(key))
}

/// Returns whether a value holds nothing: null, white space, or a list or an object of such values. Of a turn, only the text
/// counts.
fn is_blank(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::String(text) => text
            .trim_matches(|c: char| c.is_whitespace() || c == '\0')
            .is_empty(),
        Value::Array(items) => items.iter().all(|item| match item.get("text") {
            Some(text) => is_blank(text),
            None => is_blank(item),
        }),
        Value::Object(fields) => fields.values().all(is_blank),
        Value::Bool(_) | Value::Number(_) => false,
    }
}

/// Returns the turn of a string; `None` for any other value and for white space.
fn turn_of_value(label: &str, value: &Value) -> Option<Turn> {
    // JSON can express a NUL character, but PostgreSQL cannot store one.
    let text = value.as_str()?.replace('\0', " ");
    let text = text.trim();
    (!text.is_empty()).then(|| Turn {
        label: label.to_owned(),
        text: text.to_owned(),
    })
}

/// Returns the turn of one item of a list: a string, or an object with `text` and perhaps a speaker.
fn turn_of_item(item: &Value, label: &str) -> Option<Turn> {
    let Value::Object(object) = item else {
        return turn_of_value(label, item);
    };
    let speaker = [
        "speaker",
        "participant",
        "role",
        "author",
        "from",
        "direction",
    ]
    .iter()
    .find_map(|key| speaker_label(object.get(*key)?));
    turn_of_value(speaker.as_deref().unwrap_or(label), object.get("text")?)
}

/// Returns the label of a speaker: `customer` becomes `Customer`. `None` if there is no usable name.
fn speaker_label(value: &Value) -> Option<String> {
    let name = match value {
        Value::Object(author) => author
            .get("type")
            .or_else(|| author.get("name"))?
            .as_str()?,
        other => other.as_str()?,
    };
    let name: String = name
        .trim()
        .chars()
        .filter(|c| !c.is_control())
        .take(MAX_LABEL_CHARS)
        .collect();
    let mut letters = name.chars();
    let first = letters.next()?;
    Some(first.to_uppercase().chain(letters).collect())
}
