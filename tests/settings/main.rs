//! The settings of all functions: that the page `docs/settings.md` and the template say what the code declares.
//!
//! `UPDATE_DOCS=1 cargo test -p e2e --test settings` writes the page.

mod declared;
mod page;
mod template;

use std::collections::BTreeSet;

use runtime::settings::{Declaration, Unset};
use testkit::events::workspace_root;

use self::declared::{FUNCTIONS, function};
use self::template::Template;

#[test]
fn the_page_of_settings_is_what_the_code_declares() {
    let path = workspace_root().join("docs/settings.md");
    let page = page::render();
    if std::env::var_os("UPDATE_DOCS").is_some() {
        std::fs::write(&path, &page).expect("the page can be written");
    }
    let written = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(
        written == page,
        "docs/settings.md is not what the code declares; write it with \
         `UPDATE_DOCS=1 cargo test -p e2e --test settings`"
    );
}

#[test]
fn each_function_is_given_the_variables_it_reads_and_every_one_it_needs() {
    let template = Template::read();
    let mut wrong = Vec::new();
    for (name, declarations) in FUNCTIONS {
        let declared = declarations();
        let given = template.variables(name);
        for variable in given.keys() {
            if !declared.iter().any(|one| one.name == variable) {
                wrong.push(format!("{name} is given {variable}, but does not read it"));
            }
        }
        for one in declared.iter().filter(|one| one.unset == Unset::Required) {
            if !given.contains_key(one.name) {
                wrong.push(format!("{name} needs {}, but is not given it", one.name));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn each_function_is_given_the_secrets_of_its_audience() {
    let template = Template::read();
    for (name, declarations) in FUNCTIONS {
        let given = template.variables(name);
        let audiences: Vec<_> = declarations()
            .into_iter()
            .filter(|one| one.name.ends_with("_SECRET_ID"))
            .collect();
        assert!(!audiences.is_empty(), "{name} reads no secret");
        for one in audiences {
            assert!(
                given.contains_key(one.name) || given.contains_key("SECRET_ID"),
                "{name} needs {}, but is given neither it nor SECRET_ID",
                one.name
            );
        }
    }
}

#[test]
fn a_variable_that_one_function_is_given_is_given_to_all_that_read_it() {
    let template = Template::read();
    let given: BTreeSet<_> = FUNCTIONS
        .iter()
        .flat_map(|(name, _)| template.variables(name).into_keys())
        .collect();
    let mut wrong = Vec::new();
    for (name, declarations) in FUNCTIONS {
        let own = template.variables(name);
        for one in declarations() {
            if given.contains(one.name) && !own.contains_key(one.name) {
                wrong.push(format!("{name} reads {}, but is not given it", one.name));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn the_template_gives_each_function_the_defaults_and_ranges_of_the_code() {
    let template = Template::read();
    let mut wrong = Vec::new();
    let mut compared = 0;
    for (name, _) in FUNCTIONS {
        for (variable, value) in template.variables(name) {
            let declaration = function(name).into_iter().find(|one| one.name == variable);
            let Some(declaration) = declaration else {
                continue;
            };
            compared += 1;
            if let Err(difference) = template.compare(&declaration, &value) {
                wrong.push(format!("{name}: {variable} {difference}"));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(compared > 40, "only {compared} variables were compared");
}

#[test]
fn every_number_has_a_unit_and_every_name_says_a_unit_of_time() {
    for one in all_declarations() {
        let is_number = one.allowed.contains("number from");
        assert_eq!(is_number, !one.unit.is_empty(), "{}: the unit", one.name);
        let suffixes = [("_MS", "ms"), ("_SECONDS", "s"), ("_BYTES", "bytes")];
        for (suffix, unit) in suffixes {
            assert_eq!(
                one.name.ends_with(suffix),
                one.unit == unit,
                "{} has the unit {:?}",
                one.name,
                one.unit
            );
        }
    }
}

#[test]
fn every_setting_is_described_by_full_sentences() {
    let declarations = all_declarations();
    let names: BTreeSet<_> = declarations.iter().map(|one| one.name).collect();
    assert!(names.len() > 70, "{names:?}");
    for one in declarations {
        let words = one.description.split_whitespace().count();
        assert!(
            words >= 4 && one.description.ends_with('.'),
            "{}: {:?}",
            one.name,
            one.description
        );
    }
}

#[test]
fn the_local_environment_has_settings_that_exist() {
    let declared: BTreeSet<_> = all_declarations().iter().map(|one| one.name).collect();
    let unknown: Vec<_> = dev_stack::local_environment()
        .into_keys()
        .filter(|name| !name.starts_with("AWS_") && !declared.contains(name.as_str()))
        .collect();
    assert!(unknown.is_empty(), "{unknown:?}");
}

/// Returns every declaration of every function.
fn all_declarations() -> Vec<Declaration> {
    FUNCTIONS.iter().flat_map(|(_, read)| read()).collect()
}
