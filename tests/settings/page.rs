//! The page `docs/settings.md`.

use std::fmt::Write as _;

use runtime::settings::{Declaration, Unset};

use crate::declared::FUNCTIONS;

const INTRODUCTION: &str = "\
<!-- Generated from the code by `UPDATE_DOCS=1 cargo test -p e2e --test settings`. Do not edit. -->

# Settings

Each function reads its environment once, when it starts. A value that is not allowed stops the function with the variable's
name, its value and what is allowed. A variable that is empty counts as unset. Secrets are never among the settings: they are
keys of the JSON secret ([deploy guide](../infra/docs/deploy.md#secret)). The template sets the variables that a stack cannot
do without and those with a parameter; add others to a function's `Environment`. The command `cxone-insights` reads the same
variables. [events/local.env](../events/local.env) is an environment for all functions on one machine.

Each table lists the variables that exactly the functions of its heading read.
";

/// One variable and the functions that read it.
struct Entry {
    declaration: Declaration,
    functions: Vec<&'static str>,
}

/// Returns the whole page.
pub(crate) fn render() -> String {
    let mut page = INTRODUCTION.to_owned();
    let entries = entries();
    let mut groups: Vec<&Vec<&'static str>> = Vec::new();
    for entry in &entries {
        if !groups.contains(&&entry.functions) {
            groups.push(&entry.functions);
        }
    }
    // What more functions read comes first.
    groups.sort_by_key(|functions| std::cmp::Reverse(functions.len()));
    for functions in groups {
        let _infallible = write!(
            page,
            "\n## {}\n\n| variable | default | unit | allowed | what it controls |\n|---|---|---|---|---|\n",
            heading(functions)
        );
        for entry in entries.iter().filter(|entry| entry.functions == *functions) {
            page.push_str(&row(&entry.declaration));
        }
    }
    page
}

/// Returns every variable once, unless functions declare it differently, in the order of the declarations.
fn entries() -> Vec<Entry> {
    let mut entries = Vec::<Entry>::new();
    for (function, declarations) in FUNCTIONS {
        for declaration in declarations() {
            match entries
                .iter_mut()
                .find(|entry| entry.declaration == declaration)
            {
                Some(entry) if entry.functions.contains(&function) => {}
                Some(entry) => entry.functions.push(function),
                None => entries.push(Entry {
                    declaration,
                    functions: vec![function],
                }),
            }
        }
    }
    entries
}

fn heading(functions: &[&str]) -> String {
    match functions {
        all if all.len() == FUNCTIONS.len() => "All functions".to_owned(),
        [one] => (*one).to_owned(),
        [firsts @ .., last] => format!("{} and {last}", firsts.join(", ")),
        [] => String::new(),
    }
}

fn row(declaration: &Declaration) -> String {
    let default = match &declaration.unset {
        Unset::Default(value) => format!("`{value}`"),
        Unset::Otherwise(phrase) => phrase.clone(),
        Unset::Required => "none, must be set".to_owned(),
        Unset::SetByLambda => "set by Lambda".to_owned(),
    };
    let cells = [
        format!("`{}`", declaration.name),
        default,
        declaration.unit.to_owned(),
        declaration.allowed.clone(),
        declaration.description.clone(),
    ];
    let cells = cells.map(|cell| cell.replace('|', "\\|"));
    format!("| {} |\n", cells.join(" | "))
}
