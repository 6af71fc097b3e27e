//! Database errors by what the caller decides on, in words that hold no content.

use deadpool_postgres::{HookError, PoolError};
use tokio_postgres::error::SqlState;

use crate::Error;

pub(super) fn corrupt(error: &tokio_postgres::Error) -> Error {
    Error::Corrupt {
        what: "a row of conversation_embeddings".to_owned(),
        source: described(error),
    }
}

pub(super) fn no_connection(operation: &'static str, error: PoolError) -> Error {
    match error {
        PoolError::Backend(error) | PoolError::PostCreateHook(HookError::Backend(error)) => {
            failed(operation, &error)
        }
        other => unavailable(operation, other),
    }
}

/// The meaning of a database error for the caller.
pub(super) fn failed(operation: &'static str, error: &tokio_postgres::Error) -> Error {
    let Some(state) = error.code() else {
        return Error::Unavailable {
            store: "PostgreSQL",
            operation,
            source: described(error),
        };
    };
    let missing = |what: &str| Error::Missing {
        what: format!("{what} ({})", described(error)),
    };
    match *state {
        SqlState::INVALID_PASSWORD | SqlState::INVALID_AUTHORIZATION_SPECIFICATION => {
            missing("the database user")
        }
        SqlState::UNDEFINED_DATABASE => missing("the database"),
        SqlState::UNDEFINED_TABLE | SqlState::UNDEFINED_FUNCTION | SqlState::UNDEFINED_COLUMN => {
            missing("the table conversation_embeddings, as this version knows it,")
        }
        SqlState::UNDEFINED_FILE | SqlState::FEATURE_NOT_SUPPORTED => {
            missing("the extension vector")
        }
        SqlState::DUPLICATE_TABLE => {
            missing("room for the table conversation_embeddings, which another program has made,")
        }
        SqlState::INSUFFICIENT_PRIVILEGE => missing("the right to a table"),
        // Data and integrity: the same rows would fail again.
        _ if ["22", "23"]
            .iter()
            .any(|class| state.code().starts_with(class)) =>
        {
            Error::Corrupt {
                what: "what was to be stored".to_owned(),
                source: described(error),
            }
        }
        _ => Error::Unavailable {
            store: "PostgreSQL",
            operation,
            source: described(error),
        },
    }
}

/// The error in words that hold no content: a database's detail may show a whole row.
pub(super) fn described(error: &tokio_postgres::Error) -> Box<dyn std::error::Error + Send + Sync> {
    match error.as_db_error() {
        Some(error) => format!("{} ({})", error.message(), error.code().code()).into(),
        None => error.to_string().into(),
    }
}

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
