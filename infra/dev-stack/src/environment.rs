//! The functions' environment of `events/local.env`, and the resources that it names.

use std::collections::BTreeMap;
use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};

use anyhow::{Context, Result, ensure};

use crate::python::interpreter;
use crate::{Aws, unique};

/// Variables and their values.
pub type Settings = BTreeMap<String, String>;

/// The variables of `events/local.env` with the address of `aws`.
///
/// # Panics
/// As [`local_environment`], or if the file has no `AWS_ENDPOINT_URL`.
#[must_use]
pub fn environment_on(aws: &Aws) -> Settings {
    let settings = local_environment();
    let named = settings["AWS_ENDPOINT_URL"].clone();
    replaced(settings, &named, &aws.endpoint_url)
}

/// The same with names of resources that nobody else uses, which begin with `prefix`.
///
/// # Panics
/// As [`environment_on`].
#[must_use]
pub fn own_environment_on(aws: &Aws, prefix: &str) -> Settings {
    replaced(environment_on(aws), "cxone-insights", &unique(prefix))
}

fn replaced(mut settings: Settings, old: &str, new: &str) -> Settings {
    for value in settings.values_mut() {
        *value = value.replace(old, new);
    }
    settings
}

/// The variables of `events/local.env`.
///
/// # Panics
/// If the file is not there or has a line that is none.
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

/// Makes secret, table, queues, bucket and topic as `settings` name them. The secret has the simulator's values and
/// `database_url`. What exists is left as it is.
///
/// # Errors
/// If a setting is missing, or the service refuses.
pub fn make_resources(settings: &Settings, database_url: &str) -> Result<()> {
    let secret = BTreeMap::from([
        ("client_id", "demo-client"),
        ("client_secret", "demo-secret"),
        ("api_key", "local-key"),
        ("webhook_secret", "local-webhook-secret"),
        ("openai_api_key", "demo-openai-key"),
        ("nlp_api_key", "demo-nlp-key"),
        ("database_url", database_url),
    ]);
    let asked = serde_json::json!({ "settings": settings, "secret": secret });
    let mut child = Command::new(interpreter()?)
        .args(["-c", include_str!("../servers/resources.py")])
        .stdin(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .context("cannot start Python")?;
    if let Some(mut input) = child.stdin.take() {
        input.write_all(asked.to_string().as_bytes())?;
    }
    let output = child.wait_with_output()?;
    let complaint = String::from_utf8_lossy(&output.stderr);
    let last = complaint.trim().lines().last().unwrap_or("no reason given");
    ensure!(output.status.success(), "cannot make the resources: {last}");
    Ok(())
}
