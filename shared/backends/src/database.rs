//! The vector store of a function: PostgreSQL, or a SQLite file on a laptop.

use std::path::PathBuf;
use std::sync::Arc;

use anyhow::{Context, bail};
use insights_core::indexing::SOURCE_SYSTEM;
use store::vectors::{EmbeddingModel, PgVectors, RenewUrl, Vectors};

use crate::key_source::FunctionSecrets;

/// The key of the secret that holds the URL of the database.
const DATABASE_URL: &str = "database_url";

/// Opens the database of the secret, or `file` where the secret names no database, and creates or updates the table. Where
/// the database refuses the user or the password, the secret is read again, because it may have been rotated.
pub(crate) async fn open(
    file: Option<PathBuf>,
    secrets: &Arc<FunctionSecrets>,
    model: EmbeddingModel,
    connections: usize,
) -> anyhow::Result<Vectors> {
    let known = secrets
        .get()
        .await
        .context("the secret could not be read")?;
    let Some(url) = known.get(DATABASE_URL) else {
        return open_file(file, model).await;
    };
    let source = Arc::clone(secrets);
    let renew: RenewUrl = Arc::new(move || {
        let source = Arc::clone(&source);
        Box::pin(async move {
            let renewed = source.refresh_after_auth_failure().await?;
            Ok(renewed
                .get(DATABASE_URL)
                .cloned()
                .ok_or("the secret has no database_url")?)
        })
    });
    let vectors = PgVectors::with_renewal(url, SOURCE_SYSTEM, model, connections, renew)?;
    vectors
        .migrate()
        .await
        .context("the vector store could not be opened")?;
    Ok(Vectors::Postgres(vectors))
}

async fn open_file(file: Option<PathBuf>, model: EmbeddingModel) -> anyhow::Result<Vectors> {
    #[cfg(feature = "embedded-vectors")]
    if let Some(file) = file {
        let vectors = store::vectors::SqliteVectors::open(file, SOURCE_SYSTEM, model).await?;
        return Ok(Vectors::Sqlite(vectors));
    }
    #[cfg(not(feature = "embedded-vectors"))]
    let _ = (file, model);
    bail!("the secret has no {DATABASE_URL}; it must be postgres://user:password@host/name");
}
