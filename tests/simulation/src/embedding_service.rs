//! The service of a simulation that embeds texts.

use serde_json::Value;

/// Length of the vectors of the simulated models.
pub const DIMENSION: usize = 8;

/// Answers a request to embed texts: each text has a vector of its own.
pub(crate) fn embed(body: &Value) -> (u16, Value) {
    let texts = body["input"].as_array().map_or(&[][..], Vec::as_slice);
    let data: Vec<Value> = texts
        .iter()
        .enumerate()
        .map(|(index, text)| {
            let text = text.as_str().unwrap_or_default();
            let vector: Vec<f32> = (0..DIMENSION)
                .map(|place| {
                    let sum: usize = text
                        .bytes()
                        .skip(place)
                        .step_by(DIMENSION)
                        .map(usize::from)
                        .sum();
                    (sum % 97) as f32 + 1.0
                })
                .collect();
            serde_json::json!({"index": index, "embedding": vector})
        })
        .collect();
    (200, serde_json::json!({"data": data}))
}
