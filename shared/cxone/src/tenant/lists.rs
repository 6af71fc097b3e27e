//! Lists as a tenant writes them: under one of several names, or bare, or not at all.

use insights_http::Answer;
use serde_json::{Map, Value};

use crate::error::Error;

/// A list and what stands beside it.
#[derive(Debug, Default)]
pub(super) struct WireList {
    /// The entries of the list.
    pub(super) entries: Vec<Value>,
    /// The other members of the object that holds the list; empty for a bare list.
    pub(super) members: Map<String, Value>,
}

/// Reads the list of an answer, which stands under one of `names`, the usual one first. An answer without a body (204, 304) has an
/// empty list.
///
/// # Errors
/// [`insights_http::Error::InvalidResponse`] if the answer is no JSON, or has no list under any of the names: that is no quiet
/// day.
pub(super) fn read_list(answer: &Answer, names: &[&str]) -> Result<WireList, Error> {
    if answer.body.trim_ascii().is_empty() {
        return Ok(WireList::default());
    }
    match answer.json::<Value>()? {
        Value::Array(entries) => Ok(WireList {
            entries,
            members: Map::new(),
        }),
        Value::Object(mut members) => {
            for name in names {
                match members.remove(*name) {
                    Some(Value::Array(entries)) => return Ok(WireList { entries, members }),
                    // An empty list may be written as null beside a count of zero.
                    Some(Value::Null) if is_counted_as_empty(&members) => {
                        return Ok(WireList {
                            entries: Vec::new(),
                            members,
                        });
                    }
                    Some(Value::Object(groups)) => {
                        let entries = groups.into_iter().flat_map(|(_, group)| flatten(group));
                        return Ok(WireList {
                            entries: entries.collect(),
                            members,
                        });
                    }
                    _ => {}
                }
            }
            Err(no_list(answer))
        }
        _ => Err(no_list(answer)),
    }
}

/// Reads the object of an answer; a list of one object is unwrapped.
///
/// # Errors
/// [`insights_http::Error::InvalidResponse`] if the answer holds no object.
pub(super) fn read_object(answer: &Answer) -> Result<Map<String, Value>, Error> {
    match answer.json::<Value>()? {
        Value::Object(members) => Ok(members),
        Value::Array(mut list) if list.len() == 1 => match list.remove(0) {
            Value::Object(members) => Ok(members),
            _ => Err(no_list(answer)),
        },
        _ => Err(no_list(answer)),
    }
}

/// Returns the entries of a group in a list that is grouped by an id.
fn flatten(group: Value) -> Vec<Value> {
    match group {
        Value::Array(entries) => entries,
        Value::Object(mut members) => match members.remove("segments") {
            Some(Value::Array(entries)) => entries,
            _ => vec![Value::Object(members)],
        },
        _ => Vec::new(),
    }
}

fn is_counted_as_empty(members: &Map<String, Value>) -> bool {
    ["totalRecords", "hits"].iter().any(|name| {
        members.get(*name).is_some_and(|count| match count {
            Value::Number(count) => count.as_f64() == Some(0.0),
            Value::String(count) => count.trim() == "0",
            _ => false,
        })
    })
}

fn no_list(answer: &Answer) -> Error {
    Error::invalid_response(&answer.endpoint, "it has not the expected list or object")
}

#[cfg(test)]
mod tests {
    use http::{HeaderMap, StatusCode};

    use super::*;

    fn read(body: &'static str) -> Result<WireList, Error> {
        let answer = Answer {
            endpoint: "{analytics}/segments/analyzed".to_owned(),
            status: StatusCode::OK,
            headers: HeaderMap::new(),
            body: body.as_bytes().into(),
        };
        read_list(&answer, &["interactions", "segments", "items"])
    }

    #[test]
    fn a_list_is_found_under_each_of_its_names() {
        for (body, count) in [
            (
                r#"{"totalRecords": 2, "interactions": [{"a": 1}, {"b": 2}]}"#,
                2,
            ),
            (r#"{"segments": [{"a": 1}]}"#, 1),
            (r#"[{"a": 1}, null]"#, 2),
            (
                r#"{"interactions": {"i-1": {"segments": [1, 2]}, "i-2": {"segmentId": "x"}}}"#,
                3,
            ),
            (r#"{"interactions": null, "totalRecords": 0}"#, 0),
            (r#"{"interactions": []}"#, 0),
            (r#"{"items": null, "hits": "0"}"#, 0),
            (r#"{"segments": null, "totalRecords": " 0 "}"#, 0),
            (r#"{"hits": 0.0, "interactions": null}"#, 0),
            ("", 0),
        ] {
            assert_eq!(read(body).expect(body).entries.len(), count, "{body}");
        }
    }

    #[test]
    fn an_answer_without_a_list_is_no_empty_list() {
        for body in [
            r#"{"error": "limit"}"#,
            r#"{"interactions": "none"}"#,
            r#"{"interactions": null}"#,
            r#"{"items": null, "hits": "10"}"#,
            r#"{"items": null, "hits": "", "totalRecords": 3}"#,
            r#"{"items": null, "hits": false}"#,
            "7",
            "<html>",
        ] {
            assert!(read(body).is_err(), "{body}");
        }
    }
}
