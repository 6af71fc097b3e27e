//! A simulated embeddings service with OpenAI's API, which is no part of the contact center. Its vectors are made of hashed
//! words, so that texts with common words are near each other.

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

/// Dimension of the vectors, the same as that of `text-embedding-3-small`.
pub const DIMENSION: usize = 1536;

/// Largest number of texts that one request may have.
const MAX_INPUTS: usize = 200;

/// Largest number of words of one request. The service allows 8000 tokens, and each word is at least one token.
const MAX_WORDS: usize = 8000;

pub(crate) fn router() -> Router<Arc<World>> {
    Router::new().route("/v1/embeddings", post(embeddings))
}

#[derive(Deserialize)]
struct EmbeddingsRequest {
    model: String,
    input: Vec<String>,
    #[serde(default)]
    encoding_format: String,
}

async fn embeddings(
    State(world): State<Arc<World>>,
    headers: HeaderMap,
    body: Bytes,
) -> Result<Json<Value>, Problem> {
    let settings = world.settings();
    if bearer(&headers) != Some(settings.openai_api_key.as_str()) {
        return Err(unauthorized("the key is wrong"));
    }
    let EmbeddingsRequest {
        model,
        input,
        encoding_format,
    } = problem::json(&body)?;
    if encoding_format != "float" {
        return Err(Problem::bad_request("encoding_format must be float"));
    }
    if input.is_empty() || input.len() > MAX_INPUTS {
        return Err(Problem::bad_request("input must have 1 to 200 texts"));
    }
    let words: usize = input
        .iter()
        .map(|text| text.split_whitespace().count())
        .sum();
    if words > MAX_WORDS {
        return Err(Problem::bad_request("input must have at most 8000 tokens"));
    }
    let refused = |text: &String| {
        text.trim().is_empty()
            || settings
                .openai_refuses
                .as_ref()
                .is_some_and(|part| text.contains(part))
    };
    if input.iter().any(refused) {
        return Err(Problem::bad_request("a text of input is not accepted"));
    }
    // Last first: a client must go by the index.
    let data: Vec<Value> = input
        .iter()
        .enumerate()
        .rev()
        .map(|(index, text)| json!({ "object": "embedding", "index": index, "embedding": embedding(text) }))
        .collect();
    let usage = json!({ "prompt_tokens": words, "total_tokens": words });
    Ok(Json(
        json!({ "object": "list", "model": model, "data": data, "usage": usage }),
    ))
}

/// A vector of unit length: each word moves two dimensions that its hash names.
fn embedding(text: &str) -> Vec<f32> {
    let mut vector = vec![0.0_f32; DIMENSION];
    for word in text
        .split(|c: char| !c.is_alphanumeric())
        .filter(|word| !word.is_empty())
    {
        let hash = hash(&word.to_lowercase());
        for part in [hash, hash >> 32] {
            let sign = if part & 1 == 0 { 1.0 } else { -1.0 };
            vector[(part >> 1) as usize % DIMENSION] += sign;
        }
    }
    let length = vector.iter().map(|value| value * value).sum::<f32>().sqrt();
    if length == 0.0 {
        vector[0] = 1.0;
        return vector;
    }
    vector.iter().map(|value| value / length).collect()
}

/// FNV-1a, 64 bits.
fn hash(word: &str) -> u64 {
    word.bytes().fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cosine(a: &str, b: &str) -> f32 {
        embedding(a)
            .iter()
            .zip(embedding(b))
            .map(|(a, b)| a * b)
            .sum()
    }

    #[test]
    fn texts_with_words_in_common_are_near_and_vectors_have_unit_length() {
        assert!((cosine("I want a refund", "I want a refund") - 1.0).abs() < 1e-5);
        assert!(cosine("I want a refund", "a refund is what I want") > 0.7);
        assert!(cosine("I want a refund", "when do you open").abs() < 0.3);
        assert!((cosine("...", "!") - 1.0).abs() < 1e-5);
    }
}
