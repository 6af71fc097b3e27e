//! The workspace's Rust sources, and what a lint finds in them.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use testkit::events::workspace_root;

/// Folders of the workspace that hold Rust sources.
const ROOTS: [&str; 4] = ["functions", "shared", "infra", "tests"];

/// One Rust source file.
pub(crate) struct Source {
    /// Path from the workspace's root, with `/` between its parts.
    pub(crate) path: String,
    pub(crate) text: String,
    pub(crate) syntax: syn::File,
}

impl Source {
    /// Parses the text of a file.
    pub(crate) fn parse(path: &str, text: &str) -> Self {
        let syntax = syn::parse_file(text).unwrap_or_else(|error| panic!("{path}: {error}"));
        Self {
            path: path.to_owned(),
            text: text.to_owned(),
            syntax,
        }
    }

    /// Returns the folder of the file's crate, such as `shared/store`.
    pub(crate) fn crate_folder(&self) -> String {
        let is_e2e = self.path.starts_with("tests/")
            && !self.path.starts_with("tests/testkit/")
            && !self.path.starts_with("tests/lints/");
        let depth = if is_e2e { 1 } else { 2 };
        let parts: Vec<&str> = self.path.split('/').take(depth).collect();
        parts.join("/")
    }

    /// Returns true for files that only tests and benchmarks compile.
    pub(crate) fn is_test(&self) -> bool {
        let folder = self.crate_folder();
        let inside = self.path.strip_prefix(&folder).unwrap_or(&self.path);
        folder == "tests/lints"
            || inside.split('/').any(|part| {
                matches!(part, "tests" | "benches" | "e2e" | "tests.rs")
                    || part.ends_with("_tests.rs")
            })
    }
}

/// Reads every Rust source of the workspace.
pub(crate) fn all() -> Vec<Source> {
    let root = workspace_root();
    let mut paths = Vec::new();
    for folder in ROOTS {
        collect(&root.join(folder), &mut paths);
    }
    paths.sort();
    let read = |path: &PathBuf| {
        let text = std::fs::read_to_string(path).expect("a readable source");
        let relative = path.strip_prefix(&root).expect("below the root");
        Source::parse(&relative.to_string_lossy().replace('\\', "/"), &text)
    };
    paths.iter().map(read).collect()
}

fn collect(folder: &Path, paths: &mut Vec<PathBuf>) {
    let entries = std::fs::read_dir(folder).expect("a readable folder");
    for entry in entries.filter_map(Result::ok) {
        let (path, name) = (entry.path(), entry.file_name());
        if path.is_dir() {
            if name != "target"
                && name != "node_modules"
                && !name.to_string_lossy().starts_with('.')
            {
                collect(&path, paths);
            }
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            paths.push(path);
        }
    }
}

/// One place that breaks a rule.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Finding {
    pub(crate) path: String,
    pub(crate) line: usize,
    pub(crate) message: String,
}

impl Finding {
    /// Describes a place in a source.
    pub(crate) fn at(source: &Source, line: usize, message: impl Into<String>) -> Self {
        Self {
            path: source.path.clone(),
            line,
            message: message.into(),
        }
    }
}

/// Fails if a crate has more findings of a rule than `allowed.toml` lets it have. With the variable `LINTS_ALL` nothing is
/// allowed, so that every finding is shown.
pub(crate) fn assert_allowed(rule: &str, findings: &[(String, Finding)]) {
    let allowed = allowances(rule);
    let mut by_crate = BTreeMap::<&str, Vec<&Finding>>::new();
    for (folder, finding) in findings {
        by_crate.entry(folder).or_default().push(finding);
    }
    let mut report = String::new();
    for (folder, found) in by_crate {
        let limit = allowed.get(folder).copied().unwrap_or_default();
        if found.len() > limit {
            let _ = writeln!(
                report,
                "{folder}: {} findings, {limit} allowed",
                found.len()
            );
            for finding in found {
                let Finding {
                    path,
                    line,
                    message,
                } = finding;
                let _ = writeln!(report, "  {path}:{line}: {message}");
            }
        }
    }
    assert!(report.is_empty(), "{rule}\n{report}");
}

/// Returns how many findings of a rule each crate may have.
fn allowances(rule: &str) -> BTreeMap<String, usize> {
    if std::env::var_os("LINTS_ALL").is_some() {
        return BTreeMap::new();
    }
    let table: BTreeMap<String, BTreeMap<String, usize>> =
        toml::from_str(include_str!("allowed.toml")).expect("a table of tables of numbers");
    table.get(rule).cloned().unwrap_or_default()
}

/// Pairs each finding of a source with its crate.
pub(crate) fn check_all(
    sources: &[Source],
    check: impl Fn(&Source) -> Vec<Finding>,
) -> Vec<(String, Finding)> {
    sources
        .iter()
        .flat_map(|source| {
            let folder = source.crate_folder();
            check(source)
                .into_iter()
                .map(move |finding| (folder.clone(), finding))
        })
        .collect()
}
