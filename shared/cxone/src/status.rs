//! What the status of an answer means for the caller.

use insights_core::lenient_json;
use insights_http::{Answer, Error as HttpError};
use serde::Deserialize;

use crate::error::Error;
use crate::explanation::{explanation_of, is_about_license};
use crate::need::{Need, Right};

/// Returns a successful answer, or the error that its status stands for; `need` is what the call needs.
///
/// A 304 is a success without news where the contact center answers so.
pub(crate) fn check_status(answer: Answer, need: Need) -> Result<Answer, Error> {
    let endpoint = answer.endpoint.clone();
    match (answer.status.as_u16(), need) {
        (200..=299, _) | (304, Need::Right(_)) => Ok(answer),
        (status, Need::Scope(scope)) => Err(refusal(endpoint, status, &answer.body, scope)),
        (_, Need::Right(right)) => Err(refusal_of_right(&answer, right)),
    }
}

/// Returns the error of a call that needs a right of the user.
fn refusal_of_right(answer: &Answer, needs: Right) -> Error {
    let endpoint = answer.endpoint.clone();
    let product = needs.product;
    match answer.status.as_u16() {
        401 => HttpError::Unauthorized { endpoint }.into(),
        402 => Error::NotLicensed { endpoint, product },
        403 if is_about_license(answer) => Error::NotLicensed { endpoint, product },
        403 => Error::MissingPermission { endpoint, needs },
        404 => HttpError::NotFound { endpoint }.into(),
        status => match explanation_of(answer) {
            Some(explanation) => Error::Refused {
                endpoint,
                status,
                explanation,
            },
            None => HttpError::Rejected { endpoint, status }.into(),
        },
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
