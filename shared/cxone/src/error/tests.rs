//! What each error means for whoever called, in one table.

use std::sync::Arc;
use std::time::Duration;

use insights_http::error::AttemptFailure;

use super::*;

/// Returns the names of the questions that an error answers with yes.
fn answers(error: &Error) -> Vec<&'static str> {
    let answers = [
        ("not found", error.is_not_found()),
        ("conflict", error.is_conflict()),
        ("unauthorized", error.is_unauthorized()),
        ("circuit open", error.is_circuit_open()),
        ("deadline exceeded", error.is_deadline_exceeded()),
        ("request refused", error.is_request_refused()),
        ("credentials refused", error.is_credentials_refused()),
        ("forbidden", error.is_forbidden()),
        ("access refused", error.is_access_refused()),
        ("retryable", error.is_retryable()),
    ];
    let yes = answers.into_iter().filter(|(_, answer)| *answer);
    yes.map(|(name, _)| name).collect()
}

fn endpoint() -> String {
    "{acd}/contacts/{id}".to_owned()
}

fn rejected(status: u16) -> Error {
    HttpError::Rejected {
        endpoint: endpoint(),
        status,
    }
    .into()
}

fn refused(status: u16) -> Error {
    Error::Refused {
        endpoint: endpoint(),
        status,
        explanation: "startDate is invalid".to_owned(),
    }
}

#[test]
fn each_error_of_the_contact_center_answers_the_questions_of_its_callers() {
    let table: [(Error, &[&str]); 13] = [
        (
            Error::BadCredentials {
                endpoint: endpoint(),
                client: "in".to_owned(),
            },
            &["credentials refused", "access refused"],
        ),
        (
            Error::BadClient {
                endpoint: endpoint(),
                client: "in".to_owned(),
                cloud_advice: "",
            },
            &["credentials refused", "access refused"],
        ),
        (
            Error::BadAccessKey {
                endpoint: endpoint(),
                access_key: "KE".to_owned(),
                is_expired: false,
                cloud_advice: "",
            },
            &["credentials refused", "access refused"],
        ),
        (
            Error::MissingPermission {
                endpoint: endpoint(),
                needs: Right {
                    permission: "ACD: View",
                    product: "the contact API",
                },
            },
            &["forbidden", "access refused"],
        ),
        (
            Error::MissingScope {
                endpoint: endpoint(),
                scope: "chat:write".to_owned(),
            },
            &["forbidden", "access refused"],
        ),
        (
            Error::NotLicensed {
                endpoint: endpoint(),
                product: INTERACTION_ANALYTICS,
            },
            &["access refused"],
        ),
        (Error::WrongTenant("another tenant"), &["access refused"]),
        (
            Error::ForeignHost {
                origin: "the discovery",
                host: "evil.test".to_owned(),
            },
            &["access refused"],
        ),
        (
            Error::BadScopes {
                endpoint: endpoint(),
                scopes: "a b".to_owned(),
            },
            &["access refused"],
        ),
        (
            Error::NoDiscovery {
                endpoint: endpoint(),
                source: HttpError::RateLimited {
                    endpoint: endpoint(),
                    retry_after: Some(Duration::from_secs(7)),
                },
            },
            &["retryable"],
        ),
        (
            Error::NoDiscovery {
                endpoint: endpoint(),
                source: HttpError::invalid_response("{issuer}", "no hosts"),
            },
            &[],
        ),
        (refused(400), &["request refused"]),
        (refused(409), &["conflict", "request refused"]),
    ];
    for (error, expected) in table {
        assert_eq!(answers(&error), expected, "{error:?}");
    }
}

#[test]
fn each_error_of_any_call_answers_the_questions_of_its_callers() {
    let cause = || Arc::new(std::io::Error::other("away"));
    let table: [(HttpError, &[&str]); 9] = [
        (
            HttpError::NotFound {
                endpoint: endpoint(),
            },
            &["not found", "request refused"],
        ),
        (
            HttpError::Unauthorized {
                endpoint: endpoint(),
            },
            &["unauthorized", "access refused"],
        ),
        (
            HttpError::CircuitOpen {
                endpoint: endpoint(),
                retry_after: Duration::from_secs(3),
            },
            &["circuit open", "retryable"],
        ),
        (
            HttpError::DeadlineExceeded {
                endpoint: endpoint(),
            },
            &["deadline exceeded", "retryable"],
        ),
        (
            HttpError::RateLimited {
                endpoint: endpoint(),
                retry_after: None,
            },
            &["retryable"],
        ),
        (
            HttpError::Unavailable {
                endpoint: endpoint(),
                failure: AttemptFailure::Timeout,
            },
            &["retryable"],
        ),
        (
            HttpError::Secret {
                what: "the credentials",
                source: cause(),
            },
            &["access refused", "retryable"],
        ),
        (
            HttpError::SecretMissing {
                what: "the credentials",
                source: cause(),
            },
            &["access refused"],
        ),
        (HttpError::invalid_response("{acd}", "no list"), &[]),
    ];
    for (error, expected) in table {
        assert_eq!(answers(&error.clone().into()), expected, "{error:?}");
    }
    assert_eq!(answers(&rejected(400)), ["request refused"]);
    assert_eq!(answers(&rejected(409)), ["conflict", "request refused"]);
}

#[test]
fn how_long_to_wait_is_known_of_limits_and_open_breakers() {
    let limited = |retry_after| HttpError::RateLimited {
        endpoint: endpoint(),
        retry_after,
    };
    let seconds = Some(Duration::from_secs(7));
    assert_eq!(Error::from(limited(seconds)).retry_after(), seconds);
    assert_eq!(Error::from(limited(None)).retry_after(), None);
    let discovery = Error::NoDiscovery {
        endpoint: endpoint(),
        source: limited(seconds),
    };
    assert_eq!(discovery.retry_after(), seconds);
    assert_eq!(refused(429).retry_after(), None);
}
