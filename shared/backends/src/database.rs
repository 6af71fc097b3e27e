//! The vector store of a function: PostgreSQL, or a SQLite file on a laptop.

#[cfg(feature = "embedded-vectors")]
use std::path::PathBuf;
use std::sync::Arc;

use insights_core::indexing::SOURCE_SYSTEM;
use store::Error;
use store::secrets::Secrets;
use store::vectors::{Access, EmbeddingModel, PgVectors, ReadUrl, UrlFreshness, Vectors};

use crate::key_source::FunctionSecrets;

/// The key of the secret that holds the URL of the database.
const DATABASE_URL: &str = "database_url";
/// The key of the secret that holds the URL for a user that only reads; where it is missing, a search uses the other one.
const SEARCH_DATABASE_URL: &str = "search_database_url";

/// Returns the store in the database of the secret. The secret is read and the database connected to at the first use. Where
/// the database refuses the user or the password, the secret is read again, because it may have been rotated.
pub(crate) fn in_database(
    secrets: &Arc<FunctionSecrets>,
    model: EmbeddingModel,
    connections: usize,
    access: Access,
) -> Result<Vectors, Error> {
    let secrets = Arc::clone(secrets);
    let read_url: ReadUrl = Arc::new(move |freshness| {
        let secrets = Arc::clone(&secrets);
        Box::pin(async move {
            let known = match freshness {
                UrlFreshness::Cached => secrets.get().await,
                UrlFreshness::Renewed => secrets.refresh_after_auth_failure().await,
            };
            let known = known.map_err(unread)?;
            let url = find_url(&known, access).cloned();
            url.ok_or_else(|| Error::Missing {
                what: format!(
                    "the key {DATABASE_URL} of the secret (it must be postgres://user:password@host/name)"
                ),
                source: None,
            })
        })
    });
    let vectors = PgVectors::with_url_source(read_url, SOURCE_SYSTEM, model, connections, access)?;
    Ok(Vectors::Postgres(vectors))
}

/// Opens the store in a file, unless the secret names a database.
#[cfg(feature = "embedded-vectors")]
pub(crate) async fn in_file(
    file: PathBuf,
    secrets: &Arc<FunctionSecrets>,
    model: &EmbeddingModel,
) -> Result<Option<Vectors>, Error> {
    let known = secrets.get().await.map_err(unread)?;
    if known.get(DATABASE_URL).is_some() {
        return Ok(None);
    }
    let vectors = store::vectors::SqliteVectors::open(file, SOURCE_SYSTEM, model.clone()).await?;
    Ok(Some(Vectors::Sqlite(vectors)))
}

/// Returns what an unread secret means for the database.
fn unread(error: Arc<Error>) -> Error {
    if error.is_retryable() {
        return Error::Unavailable {
            store: "the secret",
            operation: "the read of the database URL",
            source: Box::new(error),
        };
    }
    Error::Missing {
        what: "the secret of the database".to_owned(),
        source: Some(Box::new(error)),
    }
}

/// Returns the URL of the database for what a function may do with it.
fn find_url(secrets: &Secrets, access: Access) -> Option<&secrecy::SecretString> {
    let own = match access {
        Access::ReadOnly => secrets.get(SEARCH_DATABASE_URL),
        Access::ReadWrite => None,
    };
    own.or_else(|| secrets.get(DATABASE_URL))
}

#[cfg(test)]
mod tests {
    use secrecy::{ExposeSecret, SecretString};

    use super::*;

    #[test]
    fn a_search_has_a_database_user_of_its_own_where_the_secret_names_one() {
        let url = |pairs: &[(&str, &str)], access| {
            let secrets: Secrets = pairs
                .iter()
                .map(|(name, value)| ((*name).to_owned(), SecretString::from(*value)))
                .collect();
            find_url(&secrets, access).map(|url| url.expose_secret().to_owned())
        };
        let both = [("database_url", "w"), ("search_database_url", "r")];
        assert_eq!(url(&both, Access::ReadOnly).as_deref(), Some("r"));
        assert_eq!(url(&both, Access::ReadWrite).as_deref(), Some("w"));
        assert_eq!(url(&both[..1], Access::ReadOnly).as_deref(), Some("w"));
        assert_eq!(url(&both[1..], Access::ReadWrite), None);
    }
}
