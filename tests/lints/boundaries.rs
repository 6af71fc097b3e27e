//! What each crate may know: its dependencies, and what only one crate touches.

use std::collections::BTreeSet;

use testkit::FUNCTIONS;
use testkit::events::workspace_root;

use crate::names::blank_strings;
use crate::sources::{Finding, Source};

/// Most lines of a function's `main.rs`, which only wires.
const MAX_MAIN_LINES: usize = 20;

/// Which crates of the workspace a shared crate may depend on. Everything may use `insights-core`.
const SHARED_DEPENDENCIES: &[(&str, &[&str])] = &[
    ("core", &[]),
    ("http", &[]),
    ("inference", &[]),
    ("store", &[]),
    ("runtime", &["insights-http"]),
    ("cxone", &["insights-http"]),
    (
        "sentiment",
        &["inference", "insights-http", "runtime", "store", "backends"],
    ),
    (
        "embedding",
        &["inference", "insights-http", "runtime", "store", "backends"],
    ),
    ("backends", &["cxone", "insights-http", "runtime", "store"]),
    ("smoke", &["insights-http"]),
    (
        "feeder",
        &["backends", "cxone", "insights-http", "runtime", "store"],
    ),
];

/// Dependencies that only one crate has.
const OWNED_DEPENDENCIES: &[(&str, &[&str])] = &[
    ("shared/runtime", &["lambda_runtime", "lambda_http"]),
    ("shared/inference", &["tract-onnx", "tokenizers"]),
    (
        "shared/store",
        &[
            "aws-config",
            "aws-sdk-dynamodb",
            "aws-sdk-secretsmanager",
            "aws-sdk-sqs",
            "aws-sdk-s3",
            "deadpool-postgres",
            "object_store",
            "pgvector",
            "rusqlite",
            "sqlite-vec",
            "tokio-postgres",
        ],
    ),
];

/// Functions that never call the contact center.
const WITHOUT_CONTACT_CENTER: [&str; 4] = [
    "webhook-receiver",
    "embedding-writer",
    "semantic-search",
    "heartbeat",
];

/// Functions that infer nothing.
const WITHOUT_INFERENCE: [&str; 4] = [
    "webhook-receiver",
    "analytics-report",
    "heartbeat",
    "supervisor-board",
];

/// Names of the workspace's own shared crates.
const SHARED_CRATES: [&str; 11] = [
    "backends",
    "cxone",
    "embedding",
    "feeder",
    "inference",
    "insights-core",
    "insights-http",
    "runtime",
    "sentiment",
    "smoke",
    "store",
];

/// Paths of the contact center's API, which only its client and its simulator know.
const API_PATHS: [&str; 3] = ["\"/api/v2/", "\"/incontactapi/", "\"/oauth/"];

/// The manifest of a crate.
pub(crate) struct Manifest {
    pub(crate) folder: String,
    pub(crate) dependencies: BTreeSet<String>,
}

/// Reads the manifests of all shared crates, functions and tools.
pub(crate) fn manifests() -> Vec<Manifest> {
    let mut manifests = Vec::new();
    for group in ["functions", "shared", "infra"] {
        let entries = std::fs::read_dir(workspace_root().join(group)).expect("a folder");
        for entry in entries.filter_map(Result::ok) {
            let path = entry.path().join("Cargo.toml");
            if let Ok(text) = std::fs::read_to_string(path) {
                let name = entry.file_name().to_string_lossy().into_owned();
                manifests.push(Manifest::parse(&format!("{group}/{name}"), &text));
            }
        }
    }
    manifests
}

impl Manifest {
    /// Parses a manifest; dependencies of tests do not count.
    pub(crate) fn parse(folder: &str, text: &str) -> Self {
        let table: toml::Table = toml::from_str(text).expect("a manifest");
        let dependencies = table
            .get("dependencies")
            .and_then(toml::Value::as_table)
            .map(|dependencies| dependencies.keys().cloned().collect())
            .unwrap_or_default();
        Self {
            folder: folder.to_owned(),
            dependencies,
        }
    }
}

/// Returns the dependencies of a crate that the walls between the crates forbid.
pub(crate) fn forbidden_dependencies(manifest: &Manifest) -> Vec<Finding> {
    let mut wrong = Vec::new();
    for (owner, dependencies) in OWNED_DEPENDENCIES {
        if manifest.folder != *owner {
            let found = dependencies
                .iter()
                .filter(|name| manifest.dependencies.contains(**name));
            wrong.extend(found.map(|name| format!("only {owner} may depend on {name}")));
        }
    }
    let own = |allowed: &[&str]| -> Vec<String> {
        let names = SHARED_CRATES.iter().copied();
        let functions = FUNCTIONS.iter().map(|function| function.name);
        names
            .chain(functions)
            .filter(|name| manifest.dependencies.contains(*name))
            .filter(|name| *name != "insights-core" && !allowed.contains(name))
            .map(|name| format!("{} may not depend on {name}", manifest.folder))
            .collect()
    };
    if let Some(name) = manifest.folder.strip_prefix("shared/") {
        match SHARED_DEPENDENCIES
            .iter()
            .find(|(shared, _)| *shared == name)
        {
            Some((_, allowed)) => wrong.extend(own(allowed)),
            None => wrong.push(format!("{name} is not in the list of shared crates")),
        }
    }
    if let Some(name) = manifest.folder.strip_prefix("functions/") {
        let mut refused: Vec<&str> = FUNCTIONS.iter().map(|function| function.name).collect();
        if WITHOUT_CONTACT_CENTER.contains(&name) {
            refused.push("cxone");
        }
        if WITHOUT_INFERENCE.contains(&name) {
            refused.extend(["inference", "sentiment", "embedding"]);
        }
        let found = refused
            .into_iter()
            .filter(|other| manifest.dependencies.contains(*other));
        wrong.extend(found.map(|other| format!("{name} may not depend on {other}")));
    }
    wrong
        .into_iter()
        .map(|message| Finding {
            path: format!("{}/Cargo.toml", manifest.folder),
            line: 1,
            message,
        })
        .collect()
}

/// Returns what a source touches although only another crate may: the Lambda runtime, or the contact center's API.
pub(crate) fn foreign_knowledge(source: &Source) -> Vec<Finding> {
    let folder = source.crate_folder();
    let mut findings = Vec::new();
    let without_texts = blank_strings(&source.text);
    let lines = source.text.lines().zip(without_texts.lines());
    for (index, (line, code)) in lines.enumerate() {
        if folder != "shared/runtime"
            && (code.contains("lambda_runtime::") || code.contains("lambda_http::"))
        {
            findings.push(Finding::at(
                source,
                index + 1,
                "only runtime names the Lambda runtime",
            ));
        }
        let knows_api = matches!(folder.as_str(), "shared/cxone" | "infra/simulator");
        if !knows_api && !source.is_test() && API_PATHS.iter().any(|path| line.contains(path)) {
            findings.push(Finding::at(
                source,
                index + 1,
                "only cxone knows the contact center's API",
            ));
        }
    }
    findings
}

/// Returns a finding if a function's `main.rs` does more than wire.
pub(crate) fn long_mains(source: &Source) -> Vec<Finding> {
    let is_main = source.path.starts_with("functions/") && source.path.ends_with("/src/main.rs");
    let lines = source.text.lines().count();
    if is_main && lines > MAX_MAIN_LINES {
        let message = format!("main.rs has {lines} lines; {MAX_MAIN_LINES} are enough to wire");
        return vec![Finding::at(source, lines, message)];
    }
    Vec::new()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_dependency_against_the_direction_is_refused() {
        for (folder, dependency) in [
            ("shared/store", "runtime"),
            ("shared/http", "cxone"),
            ("shared/cxone", "backends"),
            ("shared/core", "rusqlite"),
            ("shared/runtime", "data-action"),
            ("functions/data-action", "lambda_runtime"),
            ("functions/data-action", "chat-session"),
            ("functions/semantic-search", "cxone"),
            ("functions/webhook-receiver", "sentiment"),
            ("infra/cli", "tract-onnx"),
        ] {
            let text = format!("[dependencies]\n{dependency} = \"1\"\n");
            let found = forbidden_dependencies(&Manifest::parse(folder, &text));
            assert_eq!(found.len(), 1, "{folder} with {dependency}");
        }
        let text = "[dependencies]\nstore = \"1\"\ninsights-core = \"1\"\n[dev-dependencies]\ncxone = \"1\"\n";
        assert_eq!(
            forbidden_dependencies(&Manifest::parse("functions/webhook-receiver", text)),
            []
        );
    }

    #[test]
    fn a_source_that_knows_what_another_crate_owns_is_refused() {
        let lambda = Source::parse("functions/x/src/lib.rs", "use lambda_runtime::Error;");
        assert_eq!(foreign_knowledge(&lambda).len(), 1);
        let text = "fn f() -> &'static str { \"/api/v2/contacts\" }";
        assert_eq!(
            foreign_knowledge(&Source::parse("functions/x/src/lib.rs", text)).len(),
            1
        );
        assert_eq!(
            foreign_knowledge(&Source::parse("shared/cxone/src/lib.rs", text)),
            []
        );
    }

    #[test]
    fn a_main_that_does_more_than_wire_is_refused() {
        let text = format!("//! Wires.\n{}fn main() {{}}\n", "// more\n".repeat(19));
        assert_eq!(
            long_mains(&Source::parse("functions/x/src/main.rs", &text)).len(),
            1
        );
        assert_eq!(
            long_mains(&Source::parse("functions/x/src/lib.rs", &text)),
            []
        );
    }
}
