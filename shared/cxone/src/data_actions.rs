//! Data Actions: the definition of the sentiment action, and its registration with the contact center.

mod rules;

use http::Method;
use insights_http::Deadline;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

pub use self::rules::validate;
use crate::client::CxoneClient;
use crate::endpoints::Route;
use crate::error::Error;
use crate::request::Request;

/// The name under which the sentiment action is registered.
pub const SENTIMENT_ACTION: &str = "sentiment-analysis-action";

/// A Data Action as the contact center registers it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct DataActionDefinition {
    /// The unique name of the action.
    pub name: String,
    /// What the action does, for the author of a script.
    pub description: String,
    /// The JSON Schema of the input.
    pub input_schema: Value,
    /// The JSON Schema of the output.
    pub output_schema: Value,
    /// How long the contact center waits for an answer, in milliseconds.
    pub execution_timeout_ms: u64,
}

/// The outcome of a registration.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Registration {
    /// The action is new and has this id.
    Created {
        /// The contact center's id of the action.
        id: String,
    },
    /// An action of that name was registered before.
    Exists,
}

/// Returns the definition of the sentiment action.
#[must_use]
pub fn sentiment_action() -> DataActionDefinition {
    DataActionDefinition {
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

/// Registers an action that passes [`validate`].
///
/// # Errors
/// [`insights_http::Error::Invalid`] if the definition breaks a rule; nothing is sent then. Otherwise as
/// [`CxoneClient::answer`].
pub async fn register(
    client: &CxoneClient,
    definition: &DataActionDefinition,
    deadline: Deadline,
) -> Result<Registration, Error> {
    #[derive(Deserialize)]
    struct Created {
        id: String,
    }
    validate(definition)?;
    let endpoint = client.site().endpoint(Route::RegisterDataAction, &[])?;
    let request = Request::json(Method::POST, endpoint, definition)?;
    match client.send::<Created>(request, deadline).await {
        Ok(created) => Ok(Registration::Created { id: created.id }),
        Err(error) if error.is_conflict() => Ok(Registration::Exists),
        Err(error) => Err(error),
    }
}

#[cfg(test)]
mod tests;
