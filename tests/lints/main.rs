//! Checks of the template, the settings and the sources. None needs a server, so they end in seconds.
//!
//! Each lint of the sources has tests of its own that show what it refuses. `allowed.toml` lists crates that may still break
//! a rule, with how often; `LINTS_ALL=1 cargo test -p lints` shows every finding.

mod boundaries;
mod circles;
mod docs;
mod events;
mod log_macros;
mod names;
mod policies;
mod sources;

use std::collections::BTreeMap;

use sources::{Finding, Source, assert_allowed, check_all};

/// Least share of public functions whose summary begins with a verb.
const VERB_SHARE: f64 = 0.9;

fn check(rule: &str, lint: impl Fn(&Source) -> Vec<Finding>) {
    assert_allowed(rule, &check_all(&sources::all(), lint));
}

#[test]
fn errors_are_logged_with_their_causes() {
    check("log-causes", log_macros::wrong_causes);
}

#[test]
fn log_messages_are_phrases() {
    check("log-messages", log_macros::short_messages);
}

#[test]
fn names_need_no_decoding() {
    check("names", |source| match is_word_list(source) {
        true => Vec::new(),
        false => names::refused_names(source),
    });
}

#[test]
fn words_are_american_and_plain() {
    check("words", |source| match is_word_list(source) {
        true => Vec::new(),
        false => names::refused_words(source),
    });
}

/// The list of refused names has to contain them.
fn is_word_list(source: &Source) -> bool {
    source.path == "tests/lints/names.rs"
}

#[test]
fn every_file_opens_with_its_documentation() {
    check("file-docs", docs::missing_file_docs);
}

#[test]
fn summaries_of_public_items_are_sentences() {
    check("summaries", docs::short_summaries);
}

#[test]
fn summaries_of_public_functions_begin_with_verbs() {
    let sources = sources::all();
    let mut counts = BTreeMap::<String, (usize, usize)>::new();
    for source in &sources {
        let count = counts.entry(source.crate_folder()).or_default();
        count.0 += docs::public_functions(source).len();
        count.1 += docs::summaries_without_verb(source).len();
    }
    let findings: Vec<(String, Finding)> = check_all(&sources, docs::summaries_without_verb)
        .into_iter()
        .filter(|(folder, _)| {
            let (all, without) = counts[folder];
            (without as f64) > (1.0 - VERB_SHARE) * all as f64
        })
        .collect();
    assert_allowed("verbs", &findings);
}

#[test]
fn no_files_of_a_crate_import_each_other_in_a_circle() {
    let sources = sources::all();
    let mut crates = BTreeMap::<String, Vec<&Source>>::new();
    for source in &sources {
        crates
            .entry(source.crate_folder())
            .or_default()
            .push(source);
    }
    let findings: Vec<(String, Finding)> = crates
        .into_iter()
        .flat_map(|(folder, sources)| {
            circles::circles(&sources).into_iter().map(move |circle| {
                let finding = Finding {
                    path: circle[0].clone(),
                    line: 1,
                    message: format!("a circle of imports: {}", circle.join(", ")),
                };
                (folder.clone(), finding)
            })
        })
        .collect();
    assert_allowed("circles", &findings);
}

#[test]
fn crates_depend_on_each_other_in_one_direction() {
    let findings: Vec<(String, Finding)> = boundaries::manifests()
        .iter()
        .flat_map(|manifest| {
            boundaries::forbidden_dependencies(manifest)
                .into_iter()
                .map(|finding| (manifest.folder.clone(), finding))
        })
        .collect();
    assert_allowed("dependencies", &findings);
}

#[test]
fn each_crate_knows_its_own_things_only() {
    check("knowledge", boundaries::foreign_knowledge);
}

#[test]
fn programs_of_functions_only_wire() {
    check("mains", boundaries::long_mains);
}
