//! Data Actions: the definition of the product's one, the platform's rules for any, and registration.

use http::Method;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use crate::endpoints::Route;
use crate::{CxoneClient, Request};
use insights_http::{Deadline, Error};

/// The name under which the sentiment action is registered.
pub const SENTIMENT_ACTION: &str = "sentiment-analysis-action";

/// A Data Action as the platform registers it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Definition {
    /// The unique name.
    pub name: String,
    /// What it does, for the script's author.
    pub description: String,
    /// JSON Schema of the input.
    pub input_schema: Value,
    /// JSON Schema of the output.
    pub output_schema: Value,
    /// How long the platform waits for an answer.
    pub execution_timeout_ms: u64,
}

/// What became of a registration.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Registered {
    /// It is new, with this id.
    Created {
        /// The platform's id of it.
        id: String,
    },
    /// An action of that name was there already.
    Exists,
}

/// The definition of the sentiment action.
#[must_use]
pub fn sentiment_action() -> Definition {
    Definition {
        name: SENTIMENT_ACTION.to_owned(),
        description:
            "Scores the sentiment of a text, names its emotions, and says whether to alert"
                .to_owned(),
        input_schema: json!({
            "type": "object",
            "properties": {
                "interaction_text": { "type": "string", "description": "What the customer said or wrote" },
            },
            "required": ["interaction_text"],
        }),
        output_schema: json!({
            "type": "object",
            "properties": {
                "sentiment_score": {
                    "type": "number",
                    "minimum": 0,
                    "maximum": 1,
                    "description": "0 negative, 0.5 neutral, 1 positive; 4 decimals",
                },
                "emotion_tags": {
                    "type": "array",
                    "items": { "type": "string" },
                    "description": "The emotions found, strongest first",
                },
                "alert_triggered": { "type": "boolean", "description": "Whether the score is below the threshold" },
                "processing_latency_ms": { "type": "number", "description": "Time taken in milliseconds; 2 decimals" },
            },
        }),
        execution_timeout_ms: 5000,
    }
}

/// Registers an action, after [`validate`].
///
/// # Errors
/// [`Error::Invalid`] if the definition breaks a rule; nothing is sent then. Otherwise as [`CxoneClient::answer`].
pub async fn register(
    client: &CxoneClient,
    definition: &Definition,
    deadline: Deadline,
) -> Result<Registered, Error> {
    #[derive(Deserialize)]
    struct Created {
        id: String,
    }
    validate(definition)?;
    let endpoint = client.site().endpoint(Route::RegisterDataAction, &[])?;
    let request = Request::json(Method::POST, endpoint, definition)?;
    match client.send::<Created>(request, deadline).await {
        Ok(created) => Ok(Registered::Created { id: created.id }),
        Err(Error::Rejected { status: 409, .. }) => Ok(Registered::Exists),
        Err(error) => Err(error),
    }
}

/// Checks a definition against JSON Schema draft-07 and the platform's rules.
///
/// The rules: each schema is a flat object, its properties are `number`, `string`, `boolean`, or `array` of one of
/// these; nothing is combined (`anyOf`, `oneOf`, `allOf`, `not`, `if`) or referenced (`$ref`); what is required exists.
///
/// # Errors
/// [`Error::Invalid`] naming the place as a JSON pointer and what is allowed there.
pub fn validate(definition: &Definition) -> Result<(), Error> {
    if definition.name.trim().is_empty() {
        return Err(Error::invalid("/name", "it must not be empty"));
    }
    if !(1..=90_000).contains(&definition.execution_timeout_ms) {
        return Err(Error::invalid(
            "/executionTimeoutMs",
            "it must be 1 to 90000",
        ));
    }
    schema("/inputSchema", &definition.input_schema)?;
    schema("/outputSchema", &definition.output_schema)
}

fn schema(at: &str, schema: &Value) -> Result<(), Error> {
    if let Err(error) = jsonschema::draft7::meta::validate(schema) {
        let place = format!("{at}{}", error.instance_path());
        return Err(Error::invalid(
            place,
            format!("it is not JSON Schema draft-07: {error}"),
        ));
    }
    let object = as_object(at, schema)?;
    plain(at, object)?;
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
        self::property(&format!("{at}/properties/{}", pointer(name)), property)?;
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

fn property(at: &str, property: &Value) -> Result<(), Error> {
    const SCALARS: [&str; 3] = ["number", "string", "boolean"];
    let object = as_object(at, property)?;
    plain(at, object)?;
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
            plain(&at, items)?;
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

/// Refuses the keywords that combine, refer or nest.
fn plain(at: &str, schema: &Map<String, Value>) -> Result<(), Error> {
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
            "the platform takes flat schemas only: remove it",
        )),
        None => Ok(()),
    }
}

/// A name as a JSON pointer's token (RFC 6901).
fn pointer(name: &str) -> String {
    name.replace('~', "~0").replace('/', "~1")
}

#[cfg(test)]
mod tests;
