//! Values as a script of Studio sees them.

use serde_json::{Map, Value};

/// Why a script ends: a member is missing, or of another shape than the script takes it for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ScriptException(String);

impl std::fmt::Display for ScriptException {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for ScriptException {}

impl ScriptException {
    pub(super) fn new(message: impl Into<String>) -> Self {
        Self(message.into())
    }
}

/// A dynamic object of a script, made of a reply.
#[derive(Debug, Clone, PartialEq)]
pub struct Dynamic(Value);

impl Dynamic {
    /// Returns the dynamic object of a reply, whose members must be as Studio takes them.
    ///
    /// # Errors
    /// [`ScriptException`] for a reply that is no object, and for a member that Studio keeps for itself.
    pub fn of(reply: Value) -> Result<Self, ScriptException> {
        match &reply {
            Value::Object(members) if members.contains_key("__type") => {
                Err(ScriptException::new("the member __type is reserved"))
            }
            Value::Object(_) => Ok(Self(reply)),
            _ => Err(ScriptException::new("the reply is no object")),
        }
    }

    /// Returns the text that `{variable.path}` becomes. A step of the path may have an index, as in `tags[1]`.
    ///
    /// # Errors
    /// [`ScriptException`] for what is missing, null, an object, or a list without an index.
    pub fn text(&self, path: &str) -> Result<String, ScriptException> {
        let mut value = &self.0;
        for step in path.split('.') {
            value = step_into(value, step)?;
        }
        match seen(value) {
            Value::String(text) => Ok(text.clone()),
            Value::Number(number) => Ok(number.to_string()),
            Value::Bool(true) => Ok("True".to_owned()),
            Value::Bool(false) => Ok("False".to_owned()),
            Value::Null => Err(ScriptException::new(format!("{path} is null"))),
            Value::Array(_) => Err(ScriptException::new(format!("{path} is a list"))),
            Value::Object(_) => Err(ScriptException::new(format!("{path} is an object"))),
        }
    }
}

/// Returns a value as a script sees it: a list with one element looks like that element.
fn seen(value: &Value) -> &Value {
    match value {
        Value::Array(items) if items.len() == 1 => seen(&items[0]),
        other => other,
    }
}

fn step_into<'a>(value: &'a Value, step: &str) -> Result<&'a Value, ScriptException> {
    let (name, index) = match step.split_once('[') {
        Some((name, index)) => (name, Some(index.trim_end_matches(']'))),
        None => (step, None),
    };
    let missing = || ScriptException::new(format!("there is no member {name}"));
    let member = seen(value).get(name).ok_or_else(missing)?;
    let Some(index) = index else {
        return Ok(member);
    };
    let place: usize = index
        .parse()
        .map_err(|_| ScriptException::new(format!("{index} is no index")))?;
    match seen(member) {
        Value::Array(items) => place
            .checked_sub(1)
            .and_then(|place| items.get(place))
            .ok_or_else(|| ScriptException::new(format!("{name} has no element {place}"))),
        _ => Err(ScriptException::new(format!("{name} is no list"))),
    }
}

/// Returns the JSON of a dynamic object as `asjson()` writes it: every member is a text.
#[must_use]
pub fn as_json(members: &[(&str, &str)]) -> String {
    let members = members
        .iter()
        .map(|(name, value)| ((*name).to_owned(), Value::from(*value)));
    Value::Object(members.collect::<Map<_, _>>()).to_string()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn text(value: Value, path: &str) -> Result<String, String> {
        let dynamic = Dynamic::of(json!({"body": value})).unwrap();
        dynamic
            .text(path)
            .map_err(|exception| exception.to_string())
    }

    #[test]
    fn lists_start_at_one_and_one_element_looks_like_a_variable() {
        let tags = |tags: &[&str]| json!({"tags": tags});
        assert_eq!(text(tags(&["a", "b"]), "body.tags[1]").unwrap(), "a");
        assert_eq!(text(tags(&["a", "b"]), "body.tags[2]").unwrap(), "b");
        assert_eq!(text(tags(&["a"]), "body.tags").unwrap(), "a");
        for (value, path) in [
            (tags(&["a", "b"]), "body.tags"),
            (tags(&["a", "b"]), "body.tags[0]"),
            (tags(&["a", "b"]), "body.tags[3]"),
            (tags(&["a"]), "body.tags[1]"),
            (tags(&[]), "body.tags"),
            (json!({"tags": null}), "body.tags"),
            (json!({}), "body.tags"),
        ] {
            assert!(text(value.clone(), path).is_err(), "{value} {path}");
        }
    }

    #[test]
    fn numbers_and_booleans_become_texts() {
        assert_eq!(text(json!({"score": 0.28}), "body.score").unwrap(), "0.28");
        assert_eq!(text(json!({"alert": true}), "body.alert").unwrap(), "True");
        assert!(Dynamic::of(json!({"__type": "x"})).is_err());
        assert!(Dynamic::of(json!([])).is_err());
        assert_eq!(
            as_json(&[("interaction_text", "a \"b\"\n")]),
            r#"{"interaction_text":"a \"b\"\n"}"#
        );
    }
}
