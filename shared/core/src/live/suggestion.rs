//! What the agent is told when a call goes bad, by what the customer feels and wants.

use serde::{Deserialize, Serialize};

/// A suggestion's longest text, in characters: it is read during a call, and kept in the state item.
pub const MAX_CONTENT: usize = 280;

/// A text and when it fits. A list that is empty fits always.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Template {
    /// Short name, shown beside the suggestion, e.g. `anger`.
    pub name: String,
    /// Any of these emotions was heard in the batch.
    #[serde(default)]
    pub emotions: Vec<String>,
    /// Any of these intents was recognised in the batch.
    #[serde(default)]
    pub intents: Vec<String>,
    /// The text.
    pub content: String,
}

/// The templates in order; the first that fits is taken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Templates(Vec<Template>);

/// Templates that cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum TemplateError {
    /// Not the JSON that is asked for.
    #[error("suggestion templates are a JSON array of {{name, emotions, intents, content}}")]
    Json(#[from] serde_json::Error),
    /// A text is empty or too long.
    #[error("the text of suggestion template `{0}` has 1 to {MAX_CONTENT} characters")]
    Content(String),
    /// A call might fit none.
    #[error("the last suggestion template fits always: it has neither emotions nor intents")]
    NoFallback,
}

impl Templates {
    /// Reads templates from JSON.
    ///
    /// # Errors
    /// [`TemplateError`] says what is wrong with which template.
    pub fn from_json(json: &str) -> Result<Self, TemplateError> {
        Self::checked(serde_json::from_str(json)?)
    }

    fn checked(templates: Vec<Template>) -> Result<Self, TemplateError> {
        if let Some(bad) = templates
            .iter()
            .find(|t| !(1..=MAX_CONTENT).contains(&t.content.chars().count()))
        {
            return Err(TemplateError::Content(bad.name.clone()));
        }
        match templates.last() {
            Some(last) if last.emotions.is_empty() && last.intents.is_empty() => {
                Ok(Self(templates))
            }
            _ => Err(TemplateError::NoFallback),
        }
    }

    /// The first template that fits what was heard.
    #[must_use]
    pub fn choose(&self, emotions: &[String], intents: &[String]) -> Option<&Template> {
        let any = |wanted: &[String], heard: &[String]| {
            wanted.is_empty()
                || wanted
                    .iter()
                    .any(|word| heard.iter().any(|said| said.eq_ignore_ascii_case(word)))
        };
        self.0
            .iter()
            .find(|t| any(&t.emotions, emotions) && any(&t.intents, intents))
    }
}

impl Default for Templates {
    fn default() -> Self {
        const ANGRY: &[&str] = &["anger", "annoyance", "disgust", "disapproval"];
        let template = |name: &str, emotions: &[&str], intents: &[&str], content: &str| Template {
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
                "The customer is losing patience with a fault. Apologise once, say what you have ruled out, and offer \
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
                "The customer has lost the thread. Summarise in one sentence, then go on one step at a time and check \
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
        Templates::default()
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
        assert!(Templates::checked(Templates::default().0).is_ok());
    }

    #[test]
    fn templates_that_cannot_be_used_are_refused_by_name() {
        let long = format!(
            r#"[{{"name": "x", "content": "{}"}}]"#,
            "a".repeat(MAX_CONTENT + 1)
        );
        assert!(
            Templates::from_json(&long)
                .unwrap_err()
                .to_string()
                .contains("`x`")
        );
        let narrow = r#"[{"name": "x", "emotions": ["anger"], "content": "Apologise."}]"#;
        assert!(matches!(
            Templates::from_json(narrow),
            Err(TemplateError::NoFallback)
        ));
        assert!(matches!(
            Templates::from_json("{}"),
            Err(TemplateError::Json(_))
        ));
        assert!(Templates::from_json(r#"[{"name": "x", "content": "Apologise."}]"#).is_ok());
    }
}
