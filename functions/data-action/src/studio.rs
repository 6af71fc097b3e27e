//! The answer as a script of CXone Studio reads it: flat, without lists and without null.
//!
//! Lists start at 1 in Studio, and a list with one element looks like a plain variable, so the tags come as one text. A script
//! repeats a call that fails, and many failures stop all calls of a business unit, so a text that can never be scored is
//! answered with 200 and `error_code`. What may succeed later, and a wrong key, keep their status.

use http::StatusCode;
use runtime::{Failure, Request, RequestExt};
use serde::Serialize;

use crate::answer::Answer;

/// Largest number of tags that the answer names; the answer must stay far below 32 KB.
const MAX_TAGS: usize = 20;

/// Largest number of characters of a tag.
const MAX_TAG_CHARS: usize = 60;

/// Largest number of characters of a message.
const MAX_MESSAGE_CHARS: usize = 240;

/// Score of a text that cannot be scored: neither good nor bad, so that a comparison in the script does nothing.
const NEUTRAL: f64 = 0.5;

/// The answer to a script of Studio. Each field is always there.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(crate) struct StudioAnswer {
    sentiment_score: f64,
    /// Every tag, separated by a comma and a space; empty without a tag.
    emotion_tags: String,
    /// The same as `emotion_tags`, under the name that says that it is a list.
    emotion_list: String,
    /// The strongest tag; empty without one.
    emotion_1: String,
    /// Every signal, separated by a comma and a space; empty without one.
    signals: String,
    /// The code of the language of the text; empty if it is not known.
    language: String,
    alert_triggered: bool,
    /// `1` or `0`, since nobody knows how Studio writes a boolean as a text.
    alert: &'static str,
    processing_latency_ms: f64,
    /// Why the text has no score; empty if it has one.
    error_code: String,
    error_message: String,
}

/// Returns whether a request wants the answer for a script of Studio.
///
/// # Errors
/// 400 for a `reply` that does not exist.
pub(crate) fn is_wanted(request: &Request) -> Result<bool, Failure> {
    match request.query_value("reply") {
        None => Ok(false),
        Some(reply) if reply.eq_ignore_ascii_case("studio") => Ok(true),
        Some(_) => Err(Failure::invalid(
            "invalid_reply",
            "'reply' must be studio, or left out",
        )),
    }
}

impl From<&Answer> for StudioAnswer {
    fn from(answer: &Answer) -> Self {
        let tags: Vec<String> = answer
            .emotion_tags
            .iter()
            .map(|tag| plain(tag, MAX_TAG_CHARS))
            .filter(|tag| !tag.is_empty())
            .take(MAX_TAGS)
            .collect();
        let all = tags.join(", ");
        Self {
            sentiment_score: answer.sentiment_score,
            emotion_1: tags.into_iter().next().unwrap_or_default(),
            emotion_tags: all.clone(),
            emotion_list: all,
            signals: answer.signals.names().replace(',', ", "),
            language: answer
                .language
                .map_or_else(String::new, |language| language.code().to_owned()),
            alert_triggered: answer.alert_triggered,
            alert: if answer.alert_triggered { "1" } else { "0" },
            processing_latency_ms: answer.processing_latency_ms,
            error_code: String::new(),
            error_message: String::new(),
        }
    }
}

impl StudioAnswer {
    /// Returns the answer for a text that can never be scored; `None` for a failure that keeps its status.
    pub(crate) fn of_failure(failure: &Failure) -> Option<Self> {
        let is_final = matches!(
            failure.status(),
            StatusCode::BAD_REQUEST
                | StatusCode::PAYLOAD_TOO_LARGE
                | StatusCode::UNSUPPORTED_MEDIA_TYPE
                | StatusCode::UNPROCESSABLE_ENTITY
        );
        is_final.then(|| Self {
            sentiment_score: NEUTRAL,
            emotion_tags: String::new(),
            emotion_list: String::new(),
            emotion_1: String::new(),
            signals: String::new(),
            language: String::new(),
            alert_triggered: false,
            alert: "0",
            processing_latency_ms: 0.0,
            error_code: failure.code().to_owned(),
            error_message: plain(failure.message(), MAX_MESSAGE_CHARS),
        })
    }
}

/// Returns a text without the characters that separate lists, here or in Studio, in one line and not too long.
fn plain(text: &str, limit: usize) -> String {
    let separates = |character: char| matches!(character, '|' | ',') || character.is_control();
    let kept: String = text
        .chars()
        .map(|character| if separates(character) { ' ' } else { character })
        .collect();
    let words: Vec<&str> = kept.split_whitespace().collect();
    words.join(" ").chars().take(limit).collect()
}

#[cfg(test)]
mod tests {
    use insights_core::language::Language;
    use insights_core::signals::{Signal, Signals};
    use serde_json::{Value, json};

    use super::*;

    fn answer(tags: &[&str]) -> Answer {
        Answer {
            sentiment_score: 0.12,
            emotion_tags: tags.iter().map(|tag| (*tag).to_owned()).collect(),
            alert_triggered: true,
            processing_latency_ms: 3.5,
            signals: Signals::NONE,
            language: None,
        }
    }

    #[test]
    fn signals_and_language_are_texts() {
        let signaling = Answer {
            signals: [Signal::Churn, Signal::Legal].into_iter().collect(),
            language: Some(Language::ENGLISH),
            ..answer(&[])
        };
        let written = written(&StudioAnswer::from(&signaling));
        assert_eq!(
            (&written["signals"], &written["language"]),
            (&json!("legal, churn"), &json!("en"))
        );
    }

    fn written(answer: &StudioAnswer) -> Value {
        serde_json::to_value(answer).unwrap()
    }

    #[test]
    fn any_number_of_tags_is_one_text_and_no_field_is_null() {
        for (tags, all, first) in [
            (&[][..], "", ""),
            (&["anger"], "anger", "anger"),
            (&["anger", "fear"], "anger, fear", "anger"),
            (&["a|b,c", " ", "two\nlines"], "a b c, two lines", "a b c"),
        ] {
            let written = written(&StudioAnswer::from(&answer(tags)));
            assert_eq!(
                (&written["emotion_tags"], &written["emotion_1"]),
                (&json!(all), &json!(first))
            );
            assert_eq!(written["alert"], "1");
            let members = written.as_object().unwrap();
            assert!(
                members
                    .values()
                    .all(|value| !value.is_null() && !value.is_array() && !value.is_object())
            );
        }
    }

    #[test]
    fn the_answer_stays_far_below_32_kilobytes() {
        let long = "😀".repeat(5000);
        let tags: Vec<&str> = std::iter::repeat_n(long.as_str(), 500).collect();
        assert!(
            written(&StudioAnswer::from(&answer(&tags)))
                .to_string()
                .len()
                < 16 << 10
        );
    }

    #[test]
    fn only_what_can_never_succeed_is_answered_as_success() {
        let bad = Failure::invalid("empty_text", "'interaction_text' must not be empty");
        let written = written(&StudioAnswer::of_failure(&bad).unwrap());
        assert_eq!(
            (&written["error_code"], &written["alert"]),
            (&json!("empty_text"), &json!("0"))
        );
        assert!(StudioAnswer::of_failure(&Failure::too_large(10)).is_some());
        assert!(StudioAnswer::of_failure(&Failure::unauthorized()).is_none());
        assert!(StudioAnswer::of_failure(&Failure::unavailable("x", "try again")).is_none());
        assert!(StudioAnswer::of_failure(&Failure::deadline_exceeded()).is_none());
    }
}
