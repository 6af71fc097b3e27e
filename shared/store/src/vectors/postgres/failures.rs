//! Classifies database errors by what the caller decides, in words that hold no stored content.

use deadpool_postgres::{HookError, PoolError};
use tokio_postgres::error::SqlState;

use crate::{Cause, Error};

/// What the database server said, without the detail and the hint of its answer, which may quote a stored row.
#[derive(Debug, thiserror::Error)]
#[error("{message} ({code})")]
struct ServerMessage {
    message: String,
    code: String,
}

/// What the driver said about a column, without the driver's own cause, which may quote a stored value.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
struct UnreadableColumn(String);

/// Builds the error of a row whose column has an unexpected type.
pub(super) fn corrupt(error: &tokio_postgres::Error) -> Error {
    Error::Corrupt {
        what: "a row of conversation_embeddings".to_owned(),
        source: Box::new(UnreadableColumn(error.to_string())),
    }
}

/// Builds the error of a call that got no connection from the pool.
pub(super) fn no_connection(operation: &'static str, error: PoolError) -> Error {
    match error {
        PoolError::Backend(error) | PoolError::PostCreateHook(HookError::Backend(error)) => {
            failed(operation, error)
        }
        other => unavailable(operation, other),
    }
}

/// Returns what a database error means to the caller.
pub(super) fn failed(operation: &'static str, error: tokio_postgres::Error) -> Error {
    let Some(state) = error.code().cloned() else {
        return unavailable(operation, error);
    };
    let missing = |what: &str, cause: Cause| Error::missing_with(what, cause);
    let cause = without_content(error);
    match state {
        SqlState::INVALID_PASSWORD | SqlState::INVALID_AUTHORIZATION_SPECIFICATION => {
            missing("the database user", cause)
        }
        SqlState::UNDEFINED_DATABASE => missing("the database", cause),
        SqlState::UNDEFINED_TABLE | SqlState::UNDEFINED_FUNCTION | SqlState::UNDEFINED_COLUMN => {
            missing(
                "the table conversation_embeddings, as this version knows it,",
                cause,
            )
        }
        SqlState::UNDEFINED_FILE | SqlState::FEATURE_NOT_SUPPORTED => {
            missing("the extension vector", cause)
        }
        SqlState::DUPLICATE_TABLE => missing(
            "room for the table conversation_embeddings, which another program has made,",
            cause,
        ),
        SqlState::INSUFFICIENT_PRIVILEGE => missing("the right to a table", cause),
        // Data and integrity: the same rows would fail again.
        _ if ["22", "23"]
            .iter()
            .any(|class| state.code().starts_with(class)) =>
        {
            Error::Corrupt {
                what: "what was to be stored".to_owned(),
                source: cause,
            }
        }
        _ => Error::Unavailable {
            store: "PostgreSQL",
            operation,
            source: cause,
        },
    }
}

/// Returns an error of the server without stored content, and any other error as it is.
fn without_content(error: tokio_postgres::Error) -> Cause {
    match error.as_db_error() {
        Some(answer) => Box::new(ServerMessage {
            message: answer.message().to_owned(),
            code: answer.code().code().to_owned(),
        }),
        None => Box::new(error),
    }
}

/// Builds the error of a database that did not answer.
pub(super) fn unavailable(
    operation: &'static str,
    source: impl std::error::Error + Send + Sync + 'static,
) -> Error {
    Error::Unavailable {
        store: "PostgreSQL",
        operation,
        source: Box::new(source),
    }
}
