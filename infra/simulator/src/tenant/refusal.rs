//! Error answers of a simulated tenant. Each API of the real product has a shape of its own.

use axum::Json;
use axum::http::{HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use serde_json::json;

/// An error answer before it has the shape of its API.
#[derive(Debug, Clone)]
pub(super) struct Refusal {
    status: StatusCode,
    name: &'static str,
    message: String,
}

/// The shape of an API's error answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Shape {
    /// Contact lists; with `true` the body is empty and the reason is in a header alone.
    Acd(bool),
    /// Calls of segments and transcripts.
    Analytics,
    /// Calls of digital contacts.
    Digital,
    /// Calls for a token.
    Login,
}

impl Refusal {
    /// Returns an error answer with a name for programs and a message for people.
    pub(super) fn new(status: StatusCode, name: &'static str, message: impl Into<String>) -> Self {
        Self {
            status,
            name,
            message: message.into(),
        }
    }

    /// Returns the answer for something that does not exist.
    pub(super) fn not_found(message: impl Into<String>) -> Self {
        Self::new(StatusCode::NOT_FOUND, "NotFound", message)
    }

    /// Returns the answer for a parameter that is wrong.
    pub(super) fn invalid(message: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "InvalidParameter", message)
    }

    /// Returns the answer for a contact's number that this call does not take.
    pub(super) fn invalid_contact() -> Self {
        let message = "the contact id is not valid for this operation";
        Self::new(StatusCode::BAD_REQUEST, "InvalidContactId", message)
    }

    /// Returns the answer in the shape of an API.
    pub(super) fn shaped(self, shape: Shape) -> Response {
        let Self {
            status,
            name,
            message,
        } = self;
        let body = match shape {
            Shape::Acd(_) => json!({"error": name, "error_Description": message}),
            Shape::Analytics => json!({
                "statusCode": status.as_u16(), "timestamp": "2026-11-20T10:00:00.000Z",
                "message": name, "description": message,
            }),
            Shape::Digital => json!({
                "errors": [{"message": message, "errorCode": name}],
                "uid": uuid::Uuid::new_v4().to_string(),
            }),
            Shape::Login => json!({"error": name, "errorDescription": message}),
        };
        let mut response = match shape {
            Shape::Acd(true) => status.into_response(),
            _ => (status, Json(body)).into_response(),
        };
        if let (Shape::Acd(_), Ok(reason)) =
            (shape, HeaderValue::from_str(&format!("{name}: {message}")))
        {
            response.headers_mut().insert("icstatusdescription", reason);
        }
        response
    }
}

impl IntoResponse for Refusal {
    /// Returns an answer without a body; the layer around all calls gives it the shape of its API.
    fn into_response(self) -> Response {
        let mut response = self.status.into_response();
        response.extensions_mut().insert(self);
        response
    }
}
