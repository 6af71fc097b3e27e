#![doc = include_str!("../README.md")]

mod certificate;
mod environment;
mod postgres;
mod python;
mod server;

use std::path::PathBuf;
use std::process::Command;
use std::sync::OnceLock;

use anyhow::{Context, Result, ensure};

pub use certificate::create_certificate;
pub use environment::{
    Settings, create_resources, environment_on, local_environment, unique_environment_on,
};
pub use postgres::{Database, create_database, postgres_url};
use server::Server;

/// The emulated AWS services.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Aws {
    /// Endpoint of all services, such as `http://127.0.0.1:40123`. Every credential is accepted.
    pub endpoint_url: String,
}

/// Returns the endpoint of DynamoDB, Secrets Manager, SQS, SNS and S3, and starts the server at the first call. Tests share
/// the server, so that tables, queues and buckets need a name from [`unique`].
///
/// # Panics
/// If the server cannot be started.
#[must_use]
pub fn aws() -> Aws {
    aws_at(0)
}

/// Returns the endpoint as [`aws`] does. The first call starts the server on the given port; 0 means a free port.
///
/// # Panics
/// If the server cannot be started.
#[must_use]
pub fn aws_at(port: u16) -> Aws {
    static SERVER: OnceLock<Result<Server, String>> = OnceLock::new();
    if let Ok(endpoint_url) = std::env::var("TEST_AWS_ENDPOINT_URL") {
        return Aws { endpoint_url };
    }
    let server = shared_server(
        &SERVER,
        "the AWS services (moto)",
        include_str!("../servers/aws.py"),
        &[&port.to_string()],
    );
    Aws {
        endpoint_url: server.ready_words[0].clone(),
    }
}

/// Returns the path of the program `cargo-lambda`.
///
/// # Panics
/// If the program is missing and cannot be installed.
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
    ensure!(path.exists(), "{} does not exist", path.display());
    Ok(path)
}

/// Returns a name that no other test or process uses, made of letters, digits and hyphens. The name is valid for a table,
/// a queue and a bucket.
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

/// Returns the server of a cell, and starts the server at the first call.
fn shared_server(
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
