//! The texts of suggestions to the agent, chosen by what the customer feels and wants.

use serde::{Deserialize, Serialize};

/// Longest text of a suggestion, in characters: the agent reads it during the call, and it is kept in the state item.
pub const MAX_CONTENT_CHARS: usize = 280;

/// The text of a suggestion with the conditions under which it fits. A condition whose list is empty always holds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SuggestionTemplate {
    /// Short name that is shown beside the suggestion, for example `anger`.
    pub name: String,
    /// Emotions of which at least one was recognized in the batch.
    #[serde(default)]
    pub emotions: Vec<String>,
    /// Intents of which at least one was recognized in the batch.
    #[serde(default)]
    pub intents: Vec<String>,
    /// Text that the agent reads.
    pub content: String,
}

/// The suggestion templates in order of preference: the first one that fits is used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SuggestionTemplates(Vec<SuggestionTemplate>);

/// Why suggestion templates cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum SuggestionTemplateError {
    /// The text is not the expected JSON.
    #[error("suggestion templates are a JSON array of {{name, emotions, intents, content}}")]
    Json(#[from] serde_json::Error),
    /// The content of the named template is empty or too long.
    #[error("the text of suggestion template `{0}` must have 1 to {MAX_CONTENT_CHARS} characters")]
    Content(String),
    /// The last template has conditions, so that no template might fit.
    #[error(
        "the last suggestion template must have neither emotions nor intents, so that it always fits"
    )]
    NoFallback,
}

impl SuggestionTemplates {
    /// Parses templates from a JSON array.
    ///
    /// # Errors
    /// Returns a [`SuggestionTemplateError`] that says which template is wrong and what is allowed.
    pub fn from_json(json: &str) -> Result<Self, SuggestionTemplateError> {
        Self::validate(serde_json::from_str(json)?)
    }

    fn validate(templates: Vec<SuggestionTemplate>) -> Result<Self, SuggestionTemplateError> {
        if let Some(bad) = templates
            .iter()
            .find(|template| !(1..=MAX_CONTENT_CHARS).contains(&template.content.chars().count()))
        {
            return Err(SuggestionTemplateError::Content(bad.name.clone()));
        }
        match templates.last() {
            Some(last) if last.emotions.is_empty() && last.intents.is_empty() => {
                Ok(Self(templates))
            }
            _ => Err(SuggestionTemplateError::NoFallback),
        }
    }

    /// Returns the first template that fits the recognized emotions and intents.
    #[must_use]
    pub fn choose(&self, emotions: &[String], intents: &[String]) -> Option<&SuggestionTemplate> {
        let matches = |wanted: &[String], recognized: &[String]| {
            wanted.is_empty()
                || wanted.iter().any(|word| {
                    recognized
                        .iter()
                        .any(|other| other.eq_ignore_ascii_case(word))
                })
        };
        self.0.iter().find(|template| {
            matches(&template.emotions, emotions) && matches(&template.intents, intents)
        })
    }
}

impl Default for SuggestionTemplates {
    fn default() -> Self {
        const ANGRY: &[&str] = &["anger", "annoyance", "disgust", "disapproval"];
        let template =
            |name: &str, emotions: &[&str], intents: &[&str], content: &str| SuggestionTemplate {
                name: name.into(),
                emotions: emotions.iter().map(|&word| word.into()).collect(),
                intents: intents.iter().map(|&word| word.into()).collect(),
                content: content.into(),
            };
        Self(vec![
            template(
                "billing anger",
                ANGRY,
                &["billing_dispute"],
                "The customer is angry about a charge. Acknowledge it, read the disputed items back, and say what you \
                 can refund or credit now; offer a supervisor if it is beyond your limit.",
            ),
            template(
                "technical anger",
                ANGRY,
                &["technical_support"],
                "The customer is losing patience with a fault. Apologize once, say what you have ruled out, and offer \
                 a replacement or second-line support instead of another round of checks.",
            ),
            template(
                "anger",
                ANGRY,
                &[],
                "The customer is frustrated. Let them finish, name the problem in their words, and say the next step \
                 and when it happens; offer a supervisor.",
            ),
            template(
                "worry",
                &["fear", "nervousness"],
                &[],
                "The customer is worried. Say what is certain, what you are checking and when they will know; offer \
                 to call back.",
            ),
            template(
                "confusion",
                &["confusion"],
                &[],
                "The customer has lost the thread. Summarize in one sentence, then go on one step at a time and check \
                 after each.",
            ),
            template(
                "sadness",
                &["sadness", "grief", "disappointment", "remorse"],
                &[],
                "The customer is disappointed. Show that you understand what it means for them before you offer a \
                 solution.",
            ),
            template(
                "decline",
                &[],
                &[],
                "The customer's mood is declining. Slow down, show empathy, confirm what they need, and consider a \
                 supervisor.",
            ),
        ])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chosen(emotions: &[&str], intents: &[&str]) -> String {
        let words = |list: &[&str]| list.iter().map(|&word| word.to_owned()).collect::<Vec<_>>();
        SuggestionTemplates::default()
            .choose(&words(emotions), &words(intents))
            .unwrap()
            .name
            .clone()
    }

    #[test]
    fn the_suggestion_fits_what_the_customer_feels_and_wants() {
        assert_eq!(chosen(&["anger"], &["billing_dispute"]), "billing anger");
        assert_eq!(chosen(&["anger"], &["general_inquiry"]), "anger");
        assert_eq!(chosen(&["nervousness"], &[]), "worry");
        assert_eq!(chosen(&[], &["billing_dispute"]), "decline");
    }

    #[test]
    fn the_shipped_templates_hold_their_own_rules() {
        assert!(SuggestionTemplates::validate(SuggestionTemplates::default().0).is_ok());
    }

    #[test]
    fn templates_that_cannot_be_used_are_refused_by_name() {
        let long = format!(
            r#"[{{"name": "x", "content": "{}"}}]"#,
            "a".repeat(MAX_CONTENT_CHARS + 1)
        );
        assert!(
            SuggestionTemplates::from_json(&long)
                .unwrap_err()
                .to_string()
                .contains("`x`")
        );
        let narrow = r#"[{"name": "x", "emotions": ["anger"], "content": "Apologize."}]"#;
        assert!(matches!(
            SuggestionTemplates::from_json(narrow),
            Err(SuggestionTemplateError::NoFallback)
        ));
        assert!(matches!(
            SuggestionTemplates::from_json("{}"),
            Err(SuggestionTemplateError::Json(_))
        ));
        assert!(
            SuggestionTemplates::from_json(r#"[{"name": "x", "content": "Apologize."}]"#).is_ok()
        );
    }
}
