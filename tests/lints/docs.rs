//! Documentation: each file says what it is about, summaries are sentences, and functions begin with a verb.

use syn::visit::Visit;
use syn::{Attribute, Expr, ExprLit, Lit, Meta, Visibility};

use crate::sources::{Finding, Source};

/// Fewest words of the summary of a public item.
const MIN_WORDS: usize = 4;

/// Words that end in "s" and are no verbs.
const NO_VERBS: &[&str] = &[
    "This",
    "Its",
    "As",
    "Always",
    "Others",
    "Yes",
    "Thus",
    "Perhaps",
    "Less",
    "Us",
    "Seconds",
    "Milliseconds",
    "Bytes",
    "Metrics",
    "Errors",
    "Messages",
    "Vectors",
    "Texts",
    "Characters",
    "Words",
    "Settings",
    "Secrets",
    "Rows",
    "Lines",
    "Names",
    "Segments",
    "Conversations",
    "Calls",
    "Chunks",
    "Weights",
    "Files",
    "Tokens",
    "Statistics",
    "Numbers",
    "Headers",
    "Options",
    "Deadlines",
    "Agents",
    "Customers",
    "Queues",
    "Letters",
    "Plus",
    "Minus",
    "Status",
    "Progress",
    "Address",
    "Business",
    "Process",
    "Access",
    "Class",
    "Across",
    "Besides",
];

/// Returns a finding if the file does not open with its documentation.
pub(crate) fn missing_file_docs(source: &Source) -> Vec<Finding> {
    let opens = source.text.starts_with("//!") || source.text.starts_with("#![doc");
    if opens {
        Vec::new()
    } else {
        vec![Finding::at(source, 1, "the file does not open with `//!`")]
    }
}

/// A documented public item.
pub(crate) struct Documented {
    pub(crate) name: String,
    pub(crate) line: usize,
    pub(crate) summary: String,
    pub(crate) is_function: bool,
}

/// Returns public items whose summary has fewer than four words, or fewer words than the item's name.
pub(crate) fn short_summaries(source: &Source) -> Vec<Finding> {
    documented(source)
        .into_iter()
        .filter(|item| !item.summary.is_empty())
        .filter(|item| {
            let words = item.summary.split_whitespace().count();
            words < MIN_WORDS || words < item.name.split('_').count()
        })
        .map(|item| {
            let message = format!(
                "the summary of {} is too short: {:?}",
                item.name, item.summary
            );
            Finding::at(source, item.line, message)
        })
        .collect()
}

/// Returns public functions whose summary does not begin with a third-person verb.
pub(crate) fn summaries_without_verb(source: &Source) -> Vec<Finding> {
    public_functions(source)
        .into_iter()
        .filter(|item| !begins_with_verb(&item.summary))
        .map(|item| {
            let message = format!(
                "the summary of {} begins without a verb: {:?}",
                item.name, item.summary
            );
            Finding::at(source, item.line, message)
        })
        .collect()
}

/// Returns the documented public functions and methods of a source.
pub(crate) fn public_functions(source: &Source) -> Vec<Documented> {
    let mut items = documented(source);
    items.retain(|item| item.is_function && !item.summary.is_empty());
    items
}

fn begins_with_verb(summary: &str) -> bool {
    let first = summary.split_whitespace().next().unwrap_or_default();
    let first = first.trim_end_matches([',', '.', ':']);
    first.ends_with('s') && first.starts_with(char::is_uppercase) && !NO_VERBS.contains(&first)
}

fn documented(source: &Source) -> Vec<Documented> {
    if source.is_test() {
        return Vec::new();
    }
    let mut visitor = Items::default();
    visitor.visit_file(&source.syntax);
    visitor.0
}

#[derive(Default)]
struct Items(Vec<Documented>);

impl Items {
    fn add(
        &mut self,
        visibility: &Visibility,
        attributes: &[Attribute],
        name: &proc_macro2::Ident,
        is_function: bool,
    ) {
        if matches!(visibility, Visibility::Public(_)) {
            self.add_always(attributes, name, is_function);
        }
    }

    fn add_always(
        &mut self,
        attributes: &[Attribute],
        name: &proc_macro2::Ident,
        is_function: bool,
    ) {
        self.0.push(Documented {
            name: name.to_string(),
            line: name.span().start().line,
            summary: summary(attributes),
            is_function,
        });
    }
}

impl<'a> Visit<'a> for Items {
    fn visit_item_mod(&mut self, item: &'a syn::ItemMod) {
        let is_test = item.attrs.iter().any(|attribute| {
            attribute.path().is_ident("cfg")
                && matches!(&attribute.meta, Meta::List(list) if list.tokens.to_string() == "test")
        });
        if !is_test {
            syn::visit::visit_item_mod(self, item);
        }
    }

    fn visit_item_fn(&mut self, item: &'a syn::ItemFn) {
        self.add(&item.vis, &item.attrs, &item.sig.ident, true);
    }

    fn visit_impl_item_fn(&mut self, item: &'a syn::ImplItemFn) {
        self.add(&item.vis, &item.attrs, &item.sig.ident, true);
    }

    fn visit_item_struct(&mut self, item: &'a syn::ItemStruct) {
        self.add(&item.vis, &item.attrs, &item.ident, false);
        if matches!(item.vis, Visibility::Public(_)) {
            for field in &item.fields {
                if let Some(name) = &field.ident {
                    self.add(&field.vis, &field.attrs, name, false);
                }
            }
        }
    }

    fn visit_item_enum(&mut self, item: &'a syn::ItemEnum) {
        self.add(&item.vis, &item.attrs, &item.ident, false);
        if matches!(item.vis, Visibility::Public(_)) {
            for variant in &item.variants {
                self.add_always(&variant.attrs, &variant.ident, false);
                for field in &variant.fields {
                    if let Some(name) = &field.ident {
                        self.add_always(&field.attrs, name, false);
                    }
                }
            }
        }
    }

    fn visit_item_trait(&mut self, item: &'a syn::ItemTrait) {
        self.add(&item.vis, &item.attrs, &item.ident, false);
        if matches!(item.vis, Visibility::Public(_)) {
            for member in &item.items {
                if let syn::TraitItem::Fn(member) = member {
                    self.add_always(&member.attrs, &member.sig.ident, true);
                }
            }
        }
    }

    fn visit_item_const(&mut self, item: &'a syn::ItemConst) {
        self.add(&item.vis, &item.attrs, &item.ident, false);
    }

    fn visit_item_static(&mut self, item: &'a syn::ItemStatic) {
        self.add(&item.vis, &item.attrs, &item.ident, false);
    }

    fn visit_item_type(&mut self, item: &'a syn::ItemType) {
        self.add(&item.vis, &item.attrs, &item.ident, false);
    }
}

/// Returns the first paragraph of an item's documentation, up to the end of its first sentence.
fn summary(attributes: &[Attribute]) -> String {
    let mut text = String::new();
    for attribute in attributes.iter().filter(|it| it.path().is_ident("doc")) {
        let Meta::NameValue(pair) = &attribute.meta else {
            continue;
        };
        let Expr::Lit(ExprLit {
            lit: Lit::Str(line),
            ..
        }) = &pair.value
        else {
            continue;
        };
        let line = line.value();
        if line.trim().is_empty() && !text.is_empty() {
            break;
        }
        text.push_str(line.trim());
        text.push(' ');
    }
    let text = text.trim();
    let end = text.find(". ").map_or(text.len(), |end| end + 1);
    text[..end].to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_without_documentation_is_refused() {
        assert_eq!(
            missing_file_docs(&Source::parse("x.rs", "use std::fmt;\n")).len(),
            1
        );
        assert_eq!(
            missing_file_docs(&Source::parse("x.rs", "//! Formats.\n")),
            []
        );
    }

    #[test]
    fn a_summary_of_three_words_is_refused_on_items_fields_and_variants() {
        let source = Source::parse(
            "shared/x/src/lib.rs",
            "/// So many. More words follow here.\npub struct X {\n/// The port.\npub port: u16,\n}\n\
             /// What happened to one message.\npub enum Y {\n/// Lost.\nLost,\n}\n\
             /// Short.\npub(crate) struct Z;",
        );
        assert_eq!(short_summaries(&source).len(), 3);
    }

    #[test]
    fn a_summary_shorter_than_its_name_is_refused() {
        let source = Source::parse(
            "shared/x/src/lib.rs",
            "/// Returns whether it holds.\npub fn has_more_than_four_open_calls() {}",
        );
        assert_eq!(short_summaries(&source).len(), 1);
    }

    #[test]
    fn a_function_whose_summary_begins_without_a_verb_is_refused() {
        let source = Source::parse(
            "shared/x/src/lib.rs",
            "/// The number of rows.\npub fn a() {}\n/// Returns the number of rows.\npub fn b() {}\n\
             /// Metrics of the session so far.\npub fn c() {}",
        );
        let names: Vec<usize> = summaries_without_verb(&source)
            .iter()
            .map(|it| it.line)
            .collect();
        assert_eq!(names, [2, 6]);
    }
}
