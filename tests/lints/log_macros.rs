//! How the code logs: failures go into the one field `cause`, with the whole chain, and messages are understandable phrases.

use proc_macro2::{TokenStream, TokenTree};
use syn::spanned::Spanned;
use syn::visit::Visit;

use crate::sources::{Finding, Source};

const LEVELS: [&str; 5] = ["trace", "debug", "info", "warn", "error"];

/// Names under which code holds an error.
const ERROR_NAMES: [&str; 6] = ["error", "err", "e", "failure", "cause", "source"];

/// Fewest words of a log message.
const MIN_WORDS: usize = 3;

/// Returns log calls that show an error otherwise than as `cause = %WithCauses(&error)`.
pub(crate) fn wrong_causes(source: &Source) -> Vec<Finding> {
    let check = |call: &LogCall| {
        call.arguments
            .iter()
            .find_map(wrong_cause)
            .map(|complaint| Finding::at(source, call.line, complaint))
    };
    log_calls(&source.syntax).iter().filter_map(check).collect()
}

/// Returns log calls whose message has fewer than three words.
pub(crate) fn short_messages(source: &Source) -> Vec<Finding> {
    let check = |call: &LogCall| {
        let message = call.arguments.iter().find_map(Argument::message);
        match message {
            Some(message) if words(&message) >= MIN_WORDS => None,
            Some(message) => Some(Finding::at(
                source,
                call.line,
                format!("the log message {message:?} has fewer than {MIN_WORDS} words"),
            )),
            None => Some(Finding::at(
                source,
                call.line,
                "the log call has no message",
            )),
        }
    };
    log_calls(&source.syntax).iter().filter_map(check).collect()
}

fn words(text: &str) -> usize {
    text.split_whitespace()
        .filter(|word| word.chars().any(char::is_alphanumeric))
        .count()
}

/// One call of a macro of `tracing`.
struct LogCall {
    line: usize,
    arguments: Vec<Argument>,
}

/// One argument of such a call: the tokens between two commas.
struct Argument(Vec<TokenTree>);

impl Argument {
    /// Returns the argument's text if the argument is the message: a literal that is no field's value.
    fn message(&self) -> Option<String> {
        match self.0.as_slice() {
            [TokenTree::Literal(literal)] => syn::parse_str::<syn::LitStr>(&literal.to_string())
                .ok()
                .map(|text| text.value()),
            _ => None,
        }
    }

    /// Splits the argument into a field's name and its value; a shorthand such as `%error` has no name.
    fn field(&self) -> (Option<String>, &[TokenTree]) {
        match self.0.as_slice() {
            [TokenTree::Ident(name), TokenTree::Punct(equals), value @ ..]
                if equals.as_char() == '=' =>
            {
                (Some(name.to_string()), value)
            }
            tokens => (None, tokens),
        }
    }
}

/// Explains what is wrong with an argument that shows an error.
fn wrong_cause(argument: &Argument) -> Option<String> {
    if let Some(message) = argument.message() {
        let shown = ERROR_NAMES.iter().any(|name| {
            message.contains(&format!("{{{name}}}")) || message.contains(&format!("{{{name}:"))
        });
        return shown.then(|| "an error is part of the message; use the field `cause`".to_owned());
    }
    let (name, value) = argument.field();
    let has_causes = mentions(value, "WithCauses");
    match name.as_deref() {
        Some("cause") if has_causes => None,
        Some("cause") => Some("`cause` must be `%WithCauses(...)`".to_owned()),
        Some(name) if has_causes => {
            Some(format!("the causes are in the field `{name}`; use `cause`"))
        }
        Some(name) if is_error_name(name) => Some(format!(
            "the field `{name}` shows an error; use `cause = %WithCauses(...)`"
        )),
        _ if is_bare_error(value) || formats_error(value) => {
            Some("an error is shown without its causes; use `cause = %WithCauses(...)`".to_owned())
        }
        _ => None,
    }
}

fn is_error_name(name: &str) -> bool {
    ERROR_NAMES.contains(&name)
}

/// Returns true for `error`, `%error`, `?error` and `&error`.
fn is_bare_error(tokens: &[TokenTree]) -> bool {
    let mut rest = tokens;
    while let [TokenTree::Punct(_), others @ ..] = rest {
        rest = others;
    }
    matches!(rest, [TokenTree::Ident(name)] if is_error_name(&name.to_string()))
}

/// Returns true for a macro such as `format!("{error:#}")` among the tokens.
fn formats_error(tokens: &[TokenTree]) -> bool {
    tokens.iter().any(|token| match token {
        TokenTree::Group(group) => {
            let inner: Vec<TokenTree> = group.stream().into_iter().collect();
            formats_error(&inner)
        }
        TokenTree::Literal(literal) => {
            let text = literal.to_string();
            ERROR_NAMES.iter().any(|name| {
                text.contains(&format!("{{{name}}}")) || text.contains(&format!("{{{name}:"))
            })
        }
        _ => false,
    })
}

fn mentions(tokens: &[TokenTree], wanted: &str) -> bool {
    tokens.iter().any(|token| match token {
        TokenTree::Ident(name) => name == wanted,
        TokenTree::Group(group) => {
            let inner: Vec<TokenTree> = group.stream().into_iter().collect();
            mentions(&inner, wanted)
        }
        _ => false,
    })
}

fn log_calls(file: &syn::File) -> Vec<LogCall> {
    let mut visitor = Calls::default();
    visitor.visit_file(file);
    visitor.0
}

#[derive(Default)]
struct Calls(Vec<LogCall>);

impl<'a> Visit<'a> for Calls {
    fn visit_macro(&mut self, call: &'a syn::Macro) {
        let segments: Vec<String> = call
            .path
            .segments
            .iter()
            .map(|segment| segment.ident.to_string())
            .collect();
        if is_log(&segments) {
            self.0.push(LogCall {
                line: call.path.span().start().line,
                arguments: split(call.tokens.clone()),
            });
        } else {
            self.nested(call.tokens.clone());
        }
    }
}

impl Calls {
    /// Finds log calls inside of other macros, such as `tokio::select!`, whose tokens `syn` does not parse.
    fn nested(&mut self, tokens: TokenStream) {
        let tokens: Vec<TokenTree> = tokens.into_iter().collect();
        for (index, token) in tokens.iter().enumerate() {
            let TokenTree::Group(group) = token else {
                continue;
            };
            let path = macro_path(&tokens[..index]);
            if is_log(&path) {
                self.0.push(LogCall {
                    line: group.span().start().line,
                    arguments: split(group.stream()),
                });
            } else {
                self.nested(group.stream());
            }
        }
    }
}

/// Returns the path of a macro whose `!` ends the tokens.
fn macro_path(before: &[TokenTree]) -> Vec<String> {
    let [rest @ .., TokenTree::Punct(bang)] = before else {
        return Vec::new();
    };
    if bang.as_char() != '!' {
        return Vec::new();
    }
    let mut path = Vec::new();
    for token in rest.iter().rev() {
        match token {
            TokenTree::Ident(name) => path.push(name.to_string()),
            TokenTree::Punct(colon) if colon.as_char() == ':' => {}
            _ => break,
        }
    }
    path.reverse();
    path
}

fn is_log(path: &[String]) -> bool {
    match path {
        [krate, level] => krate == "tracing" && LEVELS.contains(&level.as_str()),
        [level] => LEVELS.contains(&level.as_str()),
        _ => false,
    }
}

fn split(tokens: TokenStream) -> Vec<Argument> {
    let mut arguments = vec![Argument(Vec::new())];
    for token in tokens {
        match &token {
            TokenTree::Punct(comma) if comma.as_char() == ',' => {
                arguments.push(Argument(Vec::new()));
            }
            _ => {
                if let Some(last) = arguments.last_mut() {
                    last.0.push(token);
                }
            }
        }
    }
    arguments.retain(|argument| !argument.0.is_empty());
    arguments
}

#[cfg(test)]
mod tests {
    use super::*;

    fn log(call: &str) -> Source {
        Source::parse("x.rs", &format!("fn f() {{ {call} }}"))
    }

    #[test]
    fn an_error_outside_of_the_field_cause_is_refused() {
        for call in [
            r#"tracing::warn!(error = %e, "the archive was not written");"#,
            r#"tracing::warn!(%error, "the archive was not written");"#,
            r#"tracing::error!(?error, "the archive was not written");"#,
            r#"tracing::info!(err = %error, "the archive was not written");"#,
            r#"tracing::debug!(cause = %error, "the archive was not written");"#,
            r#"tracing::warn!(error = %WithCauses(&error), "the archive was not written");"#,
            r#"tracing::warn!(reason = %WithCauses(&error), "the archive was not written");"#,
            r#"tracing::warn!(agent, detail = format!("{error:#}"), "the archive was not written");"#,
            r#"tracing::warn!("the archive was not written: {error}");"#,
            r#"warn!(%error, "the archive was not written");"#,
            r#"tokio::select! { x = y => { tracing::warn!(%error, "the archive was not written"); } }"#,
        ] {
            assert_eq!(wrong_causes(&log(call)).len(), 1, "{call}");
        }
    }

    #[test]
    fn the_field_cause_with_the_whole_chain_is_accepted() {
        for call in [
            r#"tracing::warn!(conversation_id, cause = %WithCauses(&error), "the archive was not written");"#,
            r#"tracing::warn!(cause = %insights_http::WithCauses(error.as_ref()), attempt = 3, "the call failed again");"#,
            r#"tracing::info!(reason, status = %status, "the call was refused");"#,
            r#"println!("{error}");"#,
        ] {
            assert_eq!(wrong_causes(&log(call)), [], "{call}");
        }
    }

    #[test]
    fn a_message_of_two_words_or_none_is_refused() {
        for call in [
            r#"tracing::info!("chat session");"#,
            r#"tracing::info!(agent, "done");"#,
            r#"tracing::info!(agent, count = 3);"#,
            r#"tracing::warn!("a - b");"#,
        ] {
            assert_eq!(short_messages(&log(call)).len(), 1, "{call}");
        }
        let fine = r#"tracing::info!(agent, "session lease lost, handing over");"#;
        assert_eq!(short_messages(&log(fine)), []);
    }
}
