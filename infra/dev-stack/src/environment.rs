//! The environment of the functions in `events/local.env`, and the AWS resources that this file names.

use std::collections::BTreeMap;
use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};

use anyhow::{Context, Result, ensure};

use cxone_simulator::demo_secrets;

use crate::python::interpreter;
use crate::{Aws, unique};

/// Variables of an environment with their values.
pub type Settings = BTreeMap<String, String>;

/// Returns the variables of `events/local.env` with the endpoint of `aws`.
///
/// # Panics
/// As [`local_environment`], or if the file has no `AWS_ENDPOINT_URL`.
#[must_use]
pub fn environment_on(aws: &Aws) -> Settings {
    let settings = local_environment();
    let endpoint_url = settings["AWS_ENDPOINT_URL"].clone();
    replace_in_values(settings, &endpoint_url, &aws.endpoint_url)
}

/// Returns the variables as [`environment_on`] does, with resource names that nobody else uses and that start with
/// `prefix`.
///
/// # Panics
/// As [`environment_on`].
#[must_use]
pub fn unique_environment_on(aws: &Aws, prefix: &str) -> Settings {
    replace_in_values(environment_on(aws), "cxone-insights", &unique(prefix))
}

fn replace_in_values(mut settings: Settings, old: &str, new: &str) -> Settings {
    for value in settings.values_mut() {
        *value = value.replace(old, new);
    }
    settings
}

/// Reads the variables of `events/local.env`.
///
/// # Panics
/// If the file does not exist, or has a malformed line.
#[must_use]
pub fn local_environment() -> Settings {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../events/local.env");
    let text = std::fs::read_to_string(&path).unwrap_or_else(|error| {
        panic!("{}: {error}", path.display());
    });
    text.lines()
        .map(str::trim)
        .filter(|line| !line.is_empty() && !line.starts_with('#'))
        .map(|line| {
            let (name, value) = line
                .split_once('=')
                .unwrap_or_else(|| panic!("{}: not NAME=VALUE: {line}", path.display()));
            (name.to_owned(), value.to_owned())
        })
        .collect()
}

/// Creates the secret, table, queues, bucket and topic that `settings` name. The secret has the demonstration secrets and
/// `database_url`. Resources that exist are left as they are.
///
/// # Errors
/// If a setting is missing, or a service refuses.
pub fn create_resources(settings: &Settings, database_url: &str) -> Result<()> {
    let mut secret = BTreeMap::from(demo_secrets::ALL);
    secret.insert("database_url", database_url);
    let request = serde_json::json!({ "settings": settings, "secret": secret });
    let mut child = Command::new(interpreter()?)
        .args(["-c", include_str!("../servers/resources.py")])
        .stdin(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .context("cannot start Python")?;
    if let Some(mut input) = child.stdin.take() {
        input.write_all(request.to_string().as_bytes())?;
    }
    let output = child.wait_with_output()?;
    let complaint = String::from_utf8_lossy(&output.stderr);
    let last = complaint.trim().lines().last().unwrap_or("no reason given");
    ensure!(
        output.status.success(),
        "cannot create the resources: {last}"
    );
    Ok(())
}
