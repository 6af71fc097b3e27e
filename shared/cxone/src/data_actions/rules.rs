//! The rules that a Data Action's schemas must follow.

use insights_http::Error as HttpError;
use serde_json::{Map, Value};

use super::DataActionDefinition;
use crate::error::Error;

/// Checks a definition against JSON Schema draft-07 and the contact center's rules.
///
/// The contact center's rules are: each schema is a flat object; its properties are `number`, `string`, `boolean`, or `array`
/// of one of these; nothing is combined (`anyOf`, `oneOf`, `allOf`, `not`, `if`) or referenced (`$ref`); a required
/// property exists.
///
/// # Errors
/// [`insights_http::Error::Invalid`] naming the place as a JSON pointer and what is allowed there.
pub fn validate(definition: &DataActionDefinition) -> Result<(), Error> {
    if definition.name.trim().is_empty() {
        return Err(Error::invalid("/name", "it must not be empty"));
    }
    if !(1..=90_000).contains(&definition.execution_timeout_ms) {
        return Err(Error::invalid(
            "/executionTimeoutMs",
            "it must be 1 to 90000",
        ));
    }
    check_schema("/inputSchema", &definition.input_schema)?;
    check_schema("/outputSchema", &definition.output_schema)
}

fn check_schema(at: &str, schema: &Value) -> Result<(), Error> {
    if let Err(error) = jsonschema::draft7::meta::validate(schema) {
        let place = format!("{at}{}", error.instance_path());
        let reason = "it is not JSON Schema draft-07";
        return Err(HttpError::invalid_with_cause(place, reason, error.to_owned()).into());
    }
    let object = as_object(at, schema)?;
    check_keywords(at, object)?;
    if object.get("type").and_then(Value::as_str) != Some("object") {
        return Err(Error::invalid(format!("{at}/type"), "it must be `object`"));
    }
    let empty = Map::new();
    let properties = object
        .get("properties")
        .and_then(Value::as_object)
        .unwrap_or(&empty);
    if properties.is_empty() {
        return Err(Error::invalid(
            format!("{at}/properties"),
            "it must name at least one property",
        ));
    }
    for (name, property) in properties {
        check_property(
            &format!("{at}/properties/{}", pointer_token(name)),
            property,
        )?;
    }
    let required = object
        .get("required")
        .and_then(Value::as_array)
        .map_or(&[][..], Vec::as_slice);
    for (index, name) in required.iter().enumerate() {
        let known = name
            .as_str()
            .is_some_and(|name| properties.contains_key(name));
        if !known {
            return Err(Error::invalid(
                format!("{at}/required/{index}"),
                "it names no property",
            ));
        }
    }
    Ok(())
}

fn check_property(at: &str, property: &Value) -> Result<(), Error> {
    const SCALARS: [&str; 3] = ["number", "string", "boolean"];
    let object = as_object(at, property)?;
    check_keywords(at, object)?;
    match object.get("type").and_then(Value::as_str) {
        Some(kind) if SCALARS.contains(&kind) => Ok(()),
        Some("array") => {
            let at = format!("{at}/items");
            let items = object.get("items").ok_or_else(|| {
                Error::invalid(
                    at.clone(),
                    "an array must say the type of its items: `number`, `string` or `boolean`",
                )
            })?;
            let items = as_object(&at, items)?;
            check_keywords(&at, items)?;
            match items.get("type").and_then(Value::as_str) {
                Some(kind) if SCALARS.contains(&kind) => Ok(()),
                _ => Err(Error::invalid(
                    format!("{at}/type"),
                    "it must be `number`, `string` or `boolean`",
                )),
            }
        }
        _ => Err(Error::invalid(
            format!("{at}/type"),
            "it must be `number`, `string`, `boolean` or `array`",
        )),
    }
}

fn as_object<'a>(at: &str, schema: &'a Value) -> Result<&'a Map<String, Value>, Error> {
    schema
        .as_object()
        .ok_or_else(|| Error::invalid(at, "it must be one schema object"))
}

/// Refuses the keywords that combine, refer to or nest schemas.
fn check_keywords(at: &str, schema: &Map<String, Value>) -> Result<(), Error> {
    const FORBIDDEN: [&str; 10] = [
        "anyOf",
        "oneOf",
        "allOf",
        "not",
        "if",
        "then",
        "else",
        "$ref",
        "definitions",
        "patternProperties",
    ];
    match FORBIDDEN
        .into_iter()
        .find(|keyword| schema.contains_key(*keyword))
    {
        Some(keyword) => Err(Error::invalid(
            format!("{at}/{keyword}"),
            "the contact center takes flat schemas only: remove it",
        )),
        None => Ok(()),
    }
}

/// Returns a name as a token of a JSON pointer (RFC 6901).
fn pointer_token(name: &str) -> String {
    name.replace('~', "~0").replace('/', "~1")
}
