//! SQLite files: opening them for this user alone, a thread of their own, and the meaning of their errors.

use std::path::Path;
use std::sync::mpsc;
use std::time::Duration;

use rusqlite::{Connection, ErrorCode};
use tokio::sync::oneshot;

use crate::Error;
use crate::private::{create_private_folder, make_private};

/// How long a write waits for another process's write.
const BUSY_TIMEOUT: Duration = Duration::from_secs(10);
/// Prepared statements kept.
const STATEMENTS: usize = 32;

/// When a commit reaches the disk.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Durability {
    /// Survives the process; the last commits may be lost when the machine loses power.
    Process,
    /// Survives a loss of power as well: each commit waits for the disk.
    Power,
}

type Job = Box<dyn FnOnce(&mut Connection) + Send>;

/// A SQLite file whose statements run on one thread, away from the async ones. Clones share it; the thread ends with the
/// last of them.
#[derive(Clone)]
pub(crate) struct Database {
    jobs: mpsc::Sender<Job>,
}

impl std::fmt::Debug for Database {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Database")
    }
}

impl Database {
    /// Opens the file, makes it (mode 0600) and its folder (0700) if needed, and runs the idempotent `schema`.
    pub(crate) fn open(path: &Path, durability: Durability, schema: &str) -> Result<Self, Error> {
        prepare(path)?;
        let mut connection =
            connect(path, durability, schema).map_err(|error| failed("open", path, error))?;
        let (jobs, queue) = mpsc::channel::<Job>();
        std::thread::Builder::new()
            .name("sqlite".to_owned())
            .spawn(move || {
                while let Ok(job) = queue.recv() {
                    job(&mut connection);
                }
            })
            .map_err(|source| unavailable("open", source))?;
        Ok(Self { jobs })
    }

    /// Runs `work` on the file's thread. The work is done even if the caller stops waiting.
    pub(crate) async fn run<T, F>(&self, operation: &'static str, work: F) -> Result<T, Error>
    where
        T: Send + 'static,
        F: FnOnce(&mut Connection) -> rusqlite::Result<T> + Send + 'static,
    {
        let (answer, answered) = oneshot::channel();
        let job: Job = Box::new(move |connection| {
            // The caller may have gone; the work is done all the same.
            let _gone = answer.send(work(connection));
        });
        self.jobs
            .send(job)
            .map_err(|_| unavailable(operation, "the database's thread has ended"))?;
        let done = answered
            .await
            .map_err(|source| unavailable(operation, source))?;
        done.map_err(|error| failed(operation, Path::new("the database"), error))
    }
}

fn connect(path: &Path, durability: Durability, schema: &str) -> rusqlite::Result<Connection> {
    let connection = Connection::open(path)?;
    connection.busy_timeout(BUSY_TIMEOUT)?;
    connection.pragma_update(None, "journal_mode", "WAL")?;
    let synchronous = match durability {
        Durability::Process => "NORMAL",
        Durability::Power => "FULL",
    };
    connection.pragma_update(None, "synchronous", synchronous)?;
    connection.set_prepared_statement_cache_capacity(STATEMENTS);
    connection.execute_batch(schema)?;
    Ok(connection)
}

/// Makes the folder and the file for this user alone. The side files of SQLite take the mode of the file.
fn prepare(path: &Path) -> Result<(), Error> {
    let failed = |source: std::io::Error| Error::missing_with(path.display().to_string(), source);
    if let Some(folder) = path
        .parent()
        .filter(|folder| !folder.as_os_str().is_empty())
    {
        create_private_folder(folder).map_err(failed)?;
    }
    let mut options = std::fs::OpenOptions::new();
    options.read(true).write(true).create(true).truncate(false);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let file = options.open(path).map_err(failed)?;
    make_private(&file).map_err(failed)
}

fn unavailable(
    operation: &'static str,
    source: impl Into<Box<dyn std::error::Error + Send + Sync>>,
) -> Error {
    Error::Unavailable {
        store: "SQLite",
        operation,
        source: source.into(),
    }
}

fn failed(operation: &'static str, path: &Path, error: rusqlite::Error) -> Error {
    let what = path.display().to_string();
    match error.sqlite_error_code() {
        Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase) => Error::Corrupt {
            what,
            source: Box::new(error),
        },
        Some(ErrorCode::CannotOpen | ErrorCode::PermissionDenied | ErrorCode::ReadOnly) => {
            Error::missing_with(what, error)
        }
        Some(ErrorCode::TooBig) => Error::Limit {
            what,
            limit: "larger than SQLite allows".to_owned(),
            source: Some(Box::new(error)),
        },
        None if matches!(error, rusqlite::Error::InvalidColumnType(..)) => Error::Corrupt {
            what,
            source: Box::new(error),
        },
        _ => unavailable(operation, error),
    }
}
