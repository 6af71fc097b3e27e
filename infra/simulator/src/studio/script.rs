//! The steps of a script that scores what a customer says, as a recipe tells them.

use super::action::{CallFailure, RestAction, Studio};
use super::dynamic::as_json;

/// The two calls of a script, whose properties may hold `{apiKey}`, `{body}` and `{release}`.
#[derive(Debug, Clone)]
pub struct SentimentScript {
    /// REST API action that scores one utterance.
    pub score: RestAction,
    /// REST API action of ONRELEASE, which tells that the contact has ended.
    pub contact_ended: RestAction,
    /// Key that the script sends.
    pub api_key: String,
}

/// What a script knows after one utterance of the customer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Turn {
    /// Score as a text.
    pub score: String,
    /// Tags as one text.
    pub emotions: String,
    /// Strongest tag, or nothing.
    pub first_emotion: String,
    /// Whether the script goes to the branch of the alert.
    pub is_alert: bool,
    /// Code of the endpoint for a text without a score.
    pub error_code: String,
}

impl SentimentScript {
    /// Plays one turn: packs the utterance, calls, and unpacks the reply. `None` is the branch in which the script goes on
    /// without a score, because the call failed or the reply misses a member.
    pub async fn turn(&self, studio: &Studio, utterance: &str) -> Option<Turn> {
        let body = as_json(&[("interaction_text", utterance)]);
        let action = filled(&self.score, &[("apiKey", &self.api_key), ("body", &body)]);
        let reply = studio.call(&action).await.ok()?;
        let read = |member: &str| reply.result_set.text(&format!("body.{member}")).ok();
        Some(Turn {
            is_alert: read("alert")? == "1",
            score: read("sentiment_score")?,
            emotions: read("emotion_tags")?,
            first_emotion: read("emotion_1")?,
            error_code: read("error_code")?,
        })
    }

    /// Plays ONRELEASE of a contact, and returns whether the endpoint took the message.
    ///
    /// # Errors
    /// [`CallFailure`] if the call fails with all its repeats.
    pub async fn release(
        &self,
        studio: &Studio,
        contact: i64,
        skill: &str,
    ) -> Result<bool, CallFailure> {
        let id = contact.to_string();
        let body = as_json(&[
            ("contactId", &id),
            ("masterId", &id),
            ("skill", skill),
            ("mediaType", "9"),
        ]);
        let values = [("apiKey", self.api_key.as_str()), ("release", &body)];
        let action = filled(&self.contact_ended, &values);
        let reply = studio.call(&action).await?;
        let accepted = reply.result_set.text("body.accepted");
        Ok(accepted.is_ok_and(|accepted| accepted == "1"))
    }
}

/// Returns an action with the values of variables in its properties.
fn filled(action: &RestAction, values: &[(&str, &str)]) -> RestAction {
    let fill = |text: &str| {
        values.iter().fold(text.to_owned(), |text, (name, value)| {
            text.replace(&format!("{{{name}}}"), value)
        })
    };
    RestAction {
        headers: fill(&action.headers),
        parameters: fill(&action.parameters),
        ..action.clone()
    }
}
