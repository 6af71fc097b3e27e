//! The page of settings names what the code reads, and nothing else.

use std::collections::BTreeSet;

use regex::Regex;

use crate::policies::{root, sources};

/// Set by Lambda itself.
const LAMBDA: [&str; 1] = ["AWS_LAMBDA_FUNCTION_NAME"];
/// Read by libraries.
const LIBRARIES: [&str; 1] = ["RUST_LOG"];

/// Variables that the functions read.
fn read() -> BTreeSet<String> {
    let call = Regex::new(
        r#"(?x)\.(?:number|text|url|required_url|seconds|millis|choice|folder|required)
           \(\s*"([A-Z][A-Z0-9_]+)""#,
    )
    .expect("a pattern");
    let mut names = BTreeSet::new();
    for folder in ["functions", "shared"] {
        let code: String = sources(&root().join(folder))
            .lines()
            .filter(|line| !line.trim_start().starts_with("//"))
            .map(|line| format!("{line}\n"))
            .collect();
        names.extend(
            call.captures_iter(&code)
                .map(|found| found[1].to_owned())
                .filter(|name| !LAMBDA.contains(&name.as_str())),
        );
    }
    names
}

/// Variables that begin a row of the page's tables.
fn documented() -> BTreeSet<String> {
    let row = Regex::new(r"(?m)^\| `([A-Z][A-Z0-9_]+)` \|").expect("a pattern");
    let page = std::fs::read_to_string(root().join("infra/docs/settings.md")).expect("the page");
    row.captures_iter(&page)
        .map(|found| found[1].to_owned())
        .filter(|name| !LIBRARIES.contains(&name.as_str()))
        .collect()
}

#[test]
fn the_page_of_settings_names_what_the_code_reads() {
    let (read, documented) = (read(), documented());
    assert!(read.len() > 70, "{read:?}");
    let missing: Vec<_> = read.difference(&documented).collect();
    assert!(missing.is_empty(), "not on the page: {missing:?}");
    let gone: Vec<_> = documented.difference(&read).collect();
    assert!(gone.is_empty(), "on the page, and not read: {gone:?}");
}

#[test]
fn the_local_environment_has_settings_that_exist() {
    let documented = documented();
    let unknown: Vec<_> = dev_stack::local_environment()
        .into_keys()
        .filter(|name| !name.starts_with("AWS_") && !documented.contains(name))
        .collect();
    assert!(unknown.is_empty(), "{unknown:?}");
}
