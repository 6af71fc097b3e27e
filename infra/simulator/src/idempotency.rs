//! Calls with the header `Idempotency-Key`, which are carried out once and always get the same answer.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use axum::Json;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use serde_json::Value;

use crate::problem::Problem;

/// The answers to calls with a key, by operation and key.
#[derive(Debug, Default)]
pub struct Idempotency(Mutex<HashMap<(String, String), (StatusCode, Value)>>);

impl Idempotency {
    /// Carries out `work` and returns its answer. If the request's key was used before for this `operation`, the first
    /// answer is returned with the header `idempotency-replayed: true`. Without a key, `work` is always carried out.
    ///
    /// Calls with a key are carried out one at a time. Error answers are not kept, so that the call may be repeated.
    pub fn once(
        &self,
        headers: &HeaderMap,
        operation: &str,
        work: impl FnOnce() -> Result<(StatusCode, Value), Problem>,
    ) -> Response {
        let Some(key) = headers
            .get("idempotency-key")
            .and_then(|key| key.to_str().ok())
        else {
            return work().map_or_else(Problem::into_response, answer);
        };
        let mut seen = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let entry = (operation.to_owned(), key.to_owned());
        if let Some(first) = seen.get(&entry) {
            return ([("idempotency-replayed", "true")], answer(first.clone())).into_response();
        }
        match work() {
            Ok(result) => {
                seen.insert(entry, result.clone());
                answer(result)
            }
            Err(problem) => problem.into_response(),
        }
    }
}

fn answer((status, body): (StatusCode, Value)) -> Response {
    if status == StatusCode::NO_CONTENT {
        status.into_response()
    } else {
        (status, Json(body)).into_response()
    }
}
