//! What the status of an answer means for the caller.

use insights_core::lenient_json;
use insights_http::{Answer, Error as HttpError};
use serde::Deserialize;

use crate::error::Error;

/// Returns a successful answer, or the error that its status stands for; `scope` is the one that the route needs.
pub(crate) fn check_status(answer: Answer, scope: &'static str) -> Result<Answer, Error> {
    let endpoint = answer.endpoint.clone();
    match answer.status.as_u16() {
        200..=299 => Ok(answer),
        status => Err(refusal(endpoint, status, &answer.body, scope)),
    }
}

/// Returns the error of a status that is neither a success nor worth another attempt.
pub(crate) fn refusal(endpoint: String, status: u16, body: &[u8], scope: &str) -> Error {
    match status {
        401 => HttpError::Unauthorized { endpoint }.into(),
        403 => Error::MissingScope {
            endpoint,
            scope: missing_scope(body, scope),
        },
        404 => HttpError::NotFound { endpoint }.into(),
        status => HttpError::Rejected { endpoint, status }.into(),
    }
}

/// Returns the scope that the body of a 403 names, if it looks like a scope; otherwise `needed`.
pub(crate) fn missing_scope(body: &[u8], needed: &str) -> String {
    #[derive(Deserialize)]
    struct Refusal {
        #[serde(
            alias = "missing_scope",
            alias = "requiredScope",
            alias = "required_scope"
        )]
        scope: Option<String>,
    }
    let named = lenient_json::from_slice::<Refusal>(body)
        .ok()
        .and_then(|refusal| refusal.scope);
    // The body is the server's: what cannot be a scope must not reach a log.
    let is_plausible = |scope: &String| {
        (1..=200).contains(&scope.len())
            && scope
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || b":-_. ".contains(&byte))
    };
    named
        .filter(is_plausible)
        .unwrap_or_else(|| needed.to_owned())
}

#[cfg(test)]
mod tests {
    use super::missing_scope;

    #[test]
    fn a_refusal_names_the_scope_of_its_body_or_of_the_route() {
        let cases: [(&[u8], &str); 6] = [
            (br#"{"scope": "chat:write"}"#, "chat:write"),
            (br#"{"error": "x", "requiredScope": "a:b c:d"}"#, "a:b c:d"),
            (br#"{"scope": "<script>"}"#, "needed:one"),
            (br#"{"scope": ""}"#, "needed:one"),
            (br#"{"scope": 7}"#, "needed:one"),
            (b"<html>", "needed:one"),
        ];
        for (body, scope) in cases {
            assert_eq!(missing_scope(body, "needed:one"), scope);
        }
    }
}
