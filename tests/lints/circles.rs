//! Files of a crate that import each other in a circle by `use crate::`.

use std::collections::{BTreeMap, BTreeSet};

use syn::visit::Visit;
use syn::{Item, Meta, UseTree};

use crate::sources::Source;

/// Returns the circles among the files of one crate, each as the sorted list of its files.
pub(crate) fn circles(sources: &[&Source]) -> Vec<Vec<String>> {
    // A program beside a library is a crate of its own.
    let has_library = sources
        .iter()
        .any(|source| source.path.ends_with("/src/lib.rs"));
    let sources: Vec<&Source> = sources
        .iter()
        .copied()
        .filter(|source| !source.is_test())
        .filter(|source| !has_library || !source.path.ends_with("/src/main.rs"))
        .collect();
    let files: BTreeMap<Vec<String>, String> = sources
        .iter()
        .filter_map(|source| Some((module_of(&source.path)?, source.path.clone())))
        .collect();
    let mut imports = BTreeMap::<&str, BTreeSet<&str>>::new();
    for source in sources {
        let Some(own) = module_of(&source.path).and_then(|module| files.get(&module)) else {
            continue;
        };
        let mut visitor = Imports::default();
        visitor.visit_file(&source.syntax);
        for path in visitor.0 {
            let imported = file_of(&files, &path);
            if imported != Some(own.as_str())
                && let Some(imported) = imported
            {
                imports.entry(own).or_default().insert(imported);
            }
        }
    }
    strongly_connected(&imports)
}

/// Returns the module path of a source: `a/src/b/mod.rs` and `a/src/b.rs` are `[b]`, `a/src/lib.rs` is `[]`.
fn module_of(path: &str) -> Option<Vec<String>> {
    let (_, inside) = path.split_once("/src/")?;
    let inside = inside.strip_suffix(".rs")?;
    let mut parts: Vec<String> = inside.split('/').map(str::to_owned).collect();
    if parts.last().is_some_and(|last| last == "mod") || parts == ["lib"] || parts == ["main"] {
        parts.pop();
    }
    Some(parts)
}

/// Returns the file of the deepest module that a path begins with.
fn file_of<'a>(files: &'a BTreeMap<Vec<String>, String>, path: &[String]) -> Option<&'a str> {
    (0..=path.len())
        .rev()
        .find_map(|length| files.get(&path[..length]))
        .map(String::as_str)
}

/// The paths that a file imports by `use crate::`, without those of its tests.
#[derive(Default)]
struct Imports(Vec<Vec<String>>);

impl<'a> Visit<'a> for Imports {
    fn visit_item(&mut self, item: &'a Item) {
        if let Item::Mod(module) = item
            && module.attrs.iter().any(|attribute| {
                matches!(&attribute.meta, Meta::List(list) if list.path.is_ident("cfg") && list.tokens.to_string() == "test")
            })
        {
            return;
        }
        syn::visit::visit_item(self, item);
    }

    fn visit_item_use(&mut self, item: &'a syn::ItemUse) {
        if let UseTree::Path(path) = &item.tree
            && path.ident == "crate"
        {
            self.collect(&path.tree, &mut Vec::new());
        }
    }
}

impl Imports {
    fn collect(&mut self, tree: &UseTree, prefix: &mut Vec<String>) {
        match tree {
            UseTree::Path(path) => {
                prefix.push(path.ident.to_string());
                self.collect(&path.tree, prefix);
                prefix.pop();
            }
            UseTree::Group(group) => {
                for tree in &group.items {
                    self.collect(tree, prefix);
                }
            }
            UseTree::Name(name) => self.push(prefix, &name.ident),
            UseTree::Rename(name) => self.push(prefix, &name.ident),
            UseTree::Glob(_) => self.0.push(prefix.clone()),
        }
    }

    fn push(&mut self, prefix: &[String], name: &proc_macro2::Ident) {
        let mut path = prefix.to_vec();
        path.push(name.to_string());
        self.0.push(path);
    }
}

/// Returns the sets of more than one file that all reach each other.
fn strongly_connected(imports: &BTreeMap<&str, BTreeSet<&str>>) -> Vec<Vec<String>> {
    let reach = |from: &str| {
        let mut reached = BTreeSet::new();
        let mut open = vec![from.to_owned()];
        while let Some(file) = open.pop() {
            for next in imports.get(file.as_str()).into_iter().flatten() {
                if reached.insert((*next).to_owned()) {
                    open.push((*next).to_owned());
                }
            }
        }
        reached
    };
    let reached: BTreeMap<String, BTreeSet<String>> = imports
        .keys()
        .map(|file| ((*file).to_owned(), reach(file)))
        .collect();
    let mut found = BTreeSet::new();
    for (file, others) in &reached {
        if others.contains(file) {
            let circle: Vec<String> = others
                .iter()
                .filter(|other| reached.get(*other).is_some_and(|back| back.contains(file)))
                .cloned()
                .collect();
            found.insert(circle);
        }
    }
    found.into_iter().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(files: &[(&str, &str)]) -> Vec<Vec<String>> {
        let sources: Vec<Source> = files
            .iter()
            .map(|(path, text)| Source::parse(path, text))
            .collect();
        circles(&sources.iter().collect::<Vec<_>>())
    }

    #[test]
    fn two_files_that_import_each_other_are_a_circle() {
        let circle = found(&[
            ("shared/x/src/lib.rs", "mod a; mod b;"),
            ("shared/x/src/a.rs", "use crate::b::B;"),
            ("shared/x/src/b/mod.rs", "use crate::{a::A, b::c::C};"),
            ("shared/x/src/b/c.rs", "pub struct C;"),
        ]);
        assert_eq!(circle, [["shared/x/src/a.rs", "shared/x/src/b/mod.rs"]]);
    }

    #[test]
    fn one_direction_and_tests_are_no_circle() {
        let circle = found(&[
            ("shared/x/src/lib.rs", "mod a; mod b; pub use a::A;"),
            ("shared/x/src/a.rs", "use crate::b::B;"),
            (
                "shared/x/src/b.rs",
                "pub struct B;\n#[cfg(test)]\nmod tests { use crate::a::A; }",
            ),
        ]);
        assert_eq!(circle, Vec::<Vec<String>>::new());
    }
}
