//! A simulated sentiment service, which is no part of the contact center: a small lexicon behind a bearer key.

use std::sync::Arc;

use axum::extract::State;
use axum::http::HeaderMap;
use axum::routing::post;
use axum::{Json, Router};
use bytes::Bytes;
use serde::Deserialize;
use serde_json::{Value, json};

use crate::auth::{bearer, unauthorized};
use crate::problem::{self, Problem};
use crate::world::World;

pub(crate) fn router() -> Router<Arc<World>> {
    Router::new().route("/v1/sentiment", post(sentiment))
}

/// Words of the lexicon, each with its change of the score and its emotion. A text without such words scores 0.5.
const LEXICON: [(&str, f64, &str); 20] = [
    ("great", 0.3, "joy"),
    ("happy", 0.3, "joy"),
    ("helpful", 0.25, "gratitude"),
    ("thank", 0.2, "gratitude"),
    ("thanks", 0.2, "gratitude"),
    ("resolved", 0.2, "relief"),
    ("quickly", 0.1, "relief"),
    ("excellent", 0.4, "joy"),
    ("love", 0.35, "joy"),
    ("perfect", 0.4, "joy"),
    ("angry", -0.35, "anger"),
    ("terrible", -0.4, "anger"),
    ("worst", -0.4, "anger"),
    ("refund", -0.2, "frustration"),
    ("waiting", -0.15, "frustration"),
    ("broken", -0.25, "frustration"),
    ("unacceptable", -0.4, "anger"),
    ("disappointed", -0.3, "sadness"),
    ("useless", -0.35, "frustration"),
    ("never", -0.1, "frustration"),
];

#[derive(Deserialize)]
struct ScoreRequest {
    text: String,
}

async fn sentiment(
    State(world): State<Arc<World>>,
    headers: HeaderMap,
    body: Bytes,
) -> Result<Json<Value>, Problem> {
    if bearer(&headers) != Some(world.settings().nlp_api_key.as_str()) {
        return Err(unauthorized("the key is wrong"));
    }
    let ScoreRequest { text } = problem::json(&body)?;
    if text.trim().is_empty() {
        return Err(Problem::bad_request("text must not be empty"));
    }
    let (score, emotions) = score(&text);
    Ok(Json(json!({ "score": score, "emotions": emotions })))
}

fn score(text: &str) -> (f64, Vec<&'static str>) {
    let mut score: f64 = 0.5;
    let mut emotions = Vec::new();
    for word in text
        .split(|c: char| !c.is_alphanumeric())
        .map(str::to_lowercase)
    {
        if let Some((_, weight, emotion)) = LEXICON.iter().find(|(entry, ..)| *entry == word) {
            score += weight;
            if !emotions.contains(emotion) {
                emotions.push(*emotion);
            }
        }
    }
    (score.clamp(0.0, 1.0), emotions)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn praise_scores_above_complaints_and_names_its_emotions() {
        let (good, joys) = score("Very helpful, and resolved my issue quickly!");
        let (bad, angers) = score("This is UNACCEPTABLE, I want a refund.");
        assert!(good > 0.7 && bad < 0.3, "{good} {bad}");
        assert_eq!(
            (joys, angers),
            (vec!["gratitude", "relief"], vec!["anger", "frustration"])
        );
        assert_eq!(score("the weather"), (0.5, vec![]));
    }
}
