//! Names and words that the workspace does not use.

use regex::Regex;
use syn::visit::Visit;

use crate::sources::{Finding, Source};

/// Names that must be decoded, each with what to call it instead.
const REFUSED_NAMES: &[(&str, &str)] = &[
    ("Desk", "SessionState"),
    ("let_all_have_their_turn", "drain_pending"),
    ("no_more_of", "discard_outbound"),
    ("is_there", "is_enabled"),
    ("tell", "queue_notification"),
    (
        "told",
        "deliver_with_retry, or a participle that says what happened",
    ),
    ("flying", "in_flight"),
    ("unheard", "unacknowledged"),
    ("doubtful", "may_be_delivered"),
    ("again", "on_reconnect"),
    ("Heard", "StoredMessage"),
    ("Known", "SeenIdentities"),
    ("Home", "LocalContext"),
    ("HomeArgs", "LocalArgs"),
    ("Rig", "TestFixture"),
    ("Door", "TcpProxy"),
    ("Letters", "DeadLetters"),
    ("bury", "dead_letter"),
    ("centre", "cxone_client or center"),
    ("Gate", "SharedBreaker"),
    ("Pass", "CallGuard"),
    ("Trouble", "RetryClass"),
    ("Anew", "Freshness::Bypass"),
    ("waitable", "should_wait"),
    ("hopeless", "is_fatal"),
    ("unproven", "invalid_credentials"),
    ("because", "with_cause"),
    ("PATIENCE", "a name that says what the constant limits"),
];

/// Returns the items, fields, variants and methods that a source defines with a refused name.
pub(crate) fn refused_names(source: &Source) -> Vec<Finding> {
    let mut visitor = Names {
        source,
        findings: Vec::new(),
    };
    visitor.visit_file(&source.syntax);
    visitor.findings
}

struct Names<'a> {
    source: &'a Source,
    findings: Vec<Finding>,
}

impl Names<'_> {
    fn check(&mut self, name: &proc_macro2::Ident) {
        let text = name.to_string();
        if let Some((_, better)) = REFUSED_NAMES.iter().find(|(refused, _)| *refused == text) {
            let message = format!("the name {text} must be decoded; use {better}");
            let line = name.span().start().line;
            self.findings.push(Finding::at(self.source, line, message));
        }
    }
}

/// Looks at definitions only: a local variable may be called `again`, a function may not.
impl<'a> Visit<'a> for Names<'_> {
    fn visit_signature(&mut self, signature: &'a syn::Signature) {
        self.check(&signature.ident);
        syn::visit::visit_signature(self, signature);
    }

    fn visit_item_struct(&mut self, item: &'a syn::ItemStruct) {
        self.check(&item.ident);
        syn::visit::visit_item_struct(self, item);
    }

    fn visit_item_enum(&mut self, item: &'a syn::ItemEnum) {
        self.check(&item.ident);
        syn::visit::visit_item_enum(self, item);
    }

    fn visit_variant(&mut self, variant: &'a syn::Variant) {
        self.check(&variant.ident);
        syn::visit::visit_variant(self, variant);
    }

    fn visit_field(&mut self, field: &'a syn::Field) {
        if let Some(name) = &field.ident {
            self.check(name);
        }
        syn::visit::visit_field(self, field);
    }

    fn visit_item_trait(&mut self, item: &'a syn::ItemTrait) {
        self.check(&item.ident);
        syn::visit::visit_item_trait(self, item);
    }

    fn visit_item_const(&mut self, item: &'a syn::ItemConst) {
        self.check(&item.ident);
        syn::visit::visit_item_const(self, item);
    }

    fn visit_impl_item_const(&mut self, item: &'a syn::ImplItemConst) {
        self.check(&item.ident);
        syn::visit::visit_impl_item_const(self, item);
    }

    fn visit_item_static(&mut self, item: &'a syn::ItemStatic) {
        self.check(&item.ident);
        syn::visit::visit_item_static(self, item);
    }

    fn visit_item_type(&mut self, item: &'a syn::ItemType) {
        self.check(&item.ident);
        syn::visit::visit_item_type(self, item);
    }

    fn visit_item_mod(&mut self, item: &'a syn::ItemMod) {
        self.check(&item.ident);
        syn::visit::visit_item_mod(self, item);
    }
}

/// Returns the lines of a source whose code or comments have a refused word. String literals are looked at for the
/// spelling only, since they also hold what customers say.
pub(crate) fn refused_words(source: &Source) -> Vec<Finding> {
    let anywhere = pattern(r"(?i:centre)|PATIENCE");
    let in_code = pattern(r"Desk|is_there|told\b");
    let without_texts = blank_strings(&source.text);
    source
        .text
        .lines()
        .zip(without_texts.lines())
        .enumerate()
        .filter_map(|(index, (whole, code))| {
            let found = anywhere.find(whole).or_else(|| in_code.find(code))?;
            let message = format!("the word {:?} is not used here", found.as_str());
            Some(Finding::at(source, index + 1, message))
        })
        .collect()
}

fn pattern(text: &str) -> Regex {
    Regex::new(text).expect("a pattern")
}

/// Replaces the content of string literals by blanks, line by line, and leaves code and comments.
pub(crate) fn blank_strings(text: &str) -> String {
    let bytes = text.as_bytes();
    let mut blanked = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while at < bytes.len() {
        let rest = &bytes[at..];
        if rest.starts_with(b"//") {
            let end = rest
                .iter()
                .position(|byte| *byte == b'\n')
                .unwrap_or(rest.len());
            blanked.extend_from_slice(&rest[..end]);
            at += end;
        } else if let Some(hashes) = raw_string(rest) {
            let close: Vec<u8> = std::iter::once(b'"')
                .chain(std::iter::repeat_n(b'#', hashes))
                .collect();
            let start = hashes + 2;
            let end = rest[start..]
                .windows(close.len())
                .position(|window| window == close)
                .map_or(rest.len(), |end| start + end + close.len());
            blank(&rest[..end], &mut blanked);
            at += end;
        } else if rest.starts_with(b"'\"'") {
            blanked.extend_from_slice(b"   ");
            at += 3;
        } else if rest[0] == b'"' {
            let mut end = 1;
            while end < rest.len() && rest[end] != b'"' {
                end += if rest[end] == b'\\' { 2 } else { 1 };
            }
            let end = (end + 1).min(rest.len());
            blank(&rest[..end], &mut blanked);
            at += end;
        } else {
            blanked.push(rest[0]);
            at += 1;
        }
    }
    String::from_utf8_lossy(&blanked).into_owned()
}

/// Returns the number of hashes of a raw string that begins here.
fn raw_string(rest: &[u8]) -> Option<usize> {
    let after = rest.strip_prefix(b"r")?;
    let hashes = after.iter().take_while(|byte| **byte == b'#').count();
    (after.get(hashes) == Some(&b'"')).then_some(hashes)
}

fn blank(literal: &[u8], into: &mut Vec<u8>) {
    into.extend(
        literal
            .iter()
            .map(|byte| if *byte == b'\n' { b'\n' } else { b' ' }),
    );
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refused_name_is_found_where_it_is_defined() {
        let source = Source::parse(
            "x.rs",
            "const PATIENCE: u32 = 1;\nstruct Desk { flying: u8 }\nenum Read { Anew }\nimpl Desk { fn is_there() {} }",
        );
        assert_eq!(refused_names(&source).len(), 5);
        let fine = Source::parse("x.rs", "struct SessionState; fn f() { let again = 1; }");
        assert_eq!(refused_names(&fine), []);
    }

    #[test]
    fn a_refused_word_is_found_in_comments_and_spelling_everywhere() {
        for text in [
            "// what the agent was told\nfn f() {}",
            "fn f() -> &'static str { \"the contact centre\" }",
            "/// The Desk of an agent.\nstruct X;",
        ] {
            assert_eq!(
                refused_words(&Source::parse("x.rs", text)).len(),
                1,
                "{text}"
            );
        }
        for text in [
            "fn f() -> &'static str { \"I was told twice\" }",
            "fn f() -> &'static str { r#\"I was \"told\" twice\"# }",
            "/// The center.\nfn f() -> char { '\"' }",
        ] {
            assert_eq!(refused_words(&Source::parse("x.rs", text)), [], "{text}");
        }
    }
}
