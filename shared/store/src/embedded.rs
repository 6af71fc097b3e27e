//! SQLite files: opens them for this user alone, runs their statements on a thread of their own, and classifies their
//! errors.

use std::path::Path;
use std::sync::mpsc;
use std::time::Duration;

use rusqlite::{Connection, ErrorCode};
use tokio::sync::oneshot;

use crate::Error;
use crate::private::{create_private_folder, make_private};

/// How long a write waits for the write of another process.
const BUSY_TIMEOUT: Duration = Duration::from_secs(10);
/// Most prepared statements that a connection keeps.
const STATEMENT_CACHE_SIZE: usize = 32;

/// What a commit survives.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Durability {
    /// A commit survives the death of the process; the last commits may be lost when the machine loses power.
    Process,
    /// A commit survives a loss of power as well, because each commit waits for the disk.
    Power,
}

type Job = Box<dyn FnOnce(&mut Connection) + Send>;

/// A SQLite file whose statements run on one thread, away from the async threads. Clones share the thread, which ends with
/// the last of them.
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
    /// Opens the file, creates it (mode 0600) and its folder (mode 0700) if needed, and runs the idempotent `schema`.
    pub(crate) fn open(path: &Path, durability: Durability, schema: &str) -> Result<Self, Error> {
        create_private_file(path)?;
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

    /// Runs `work` on the thread of the file. The work is done even if the caller stops waiting.
    pub(crate) async fn run<T, F>(&self, operation: &'static str, work: F) -> Result<T, Error>
    where
        T: Send + 'static,
        F: FnOnce(&mut Connection) -> rusqlite::Result<T> + Send + 'static,
    {
        let (answer, answered) = oneshot::channel();
        let job: Job = Box::new(move |connection| {
            // The caller may have stopped waiting.
            let _is_received = answer.send(work(connection));
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

/// Moves all writes from the log beside the file into the file and empties the log, which still holds what was deleted. A reader of
/// another process keeps the log from being emptied; the next call or the end of the last process does it then.
pub(crate) fn empty_log(connection: &Connection) -> rusqlite::Result<()> {
    connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(()))
}

fn connect(path: &Path, durability: Durability, schema: &str) -> rusqlite::Result<Connection> {
    let connection = Connection::open(path)?;
    connection.busy_timeout(BUSY_TIMEOUT)?;
    connection.pragma_update(None, "journal_mode", "WAL")?;
    // What is deleted is overwritten, so that an erased conversation is not left in free pages.
    connection.pragma_update(None, "secure_delete", true)?;
    let synchronous = match durability {
        Durability::Process => "NORMAL",
        Durability::Power => "FULL",
    };
    connection.pragma_update(None, "synchronous", synchronous)?;
    connection.set_prepared_statement_cache_capacity(STATEMENT_CACHE_SIZE);
    connection.execute_batch(schema)?;
    Ok(connection)
}

/// Creates the folder and the file for this user alone. The side files of SQLite take the mode of the file.
fn create_private_file(path: &Path) -> Result<(), Error> {
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

/// Returns what an error of SQLite means to the caller.
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
