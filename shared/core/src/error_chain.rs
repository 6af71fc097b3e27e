//! One line of text for an error and everything that caused it.

use std::error::Error;
use std::fmt;

/// Displays an error and the chain of its causes on one line, outermost first, separated by `": "`.
///
/// Every log of a failure writes this text into its field `cause`. A cause is left out if the text before it already ends
/// with the words of that cause, as happens with errors that print their own source. Line breaks inside a message become
/// spaces, so that one failure stays one line of a log.
///
/// # Examples
/// ```
/// use insights_core::WithCauses;
///
/// #[derive(Debug, thiserror::Error)]
/// #[error("the archive of conversation {conversation_id} was not written")]
/// struct ArchiveError {
///     conversation_id: String,
///     source: std::io::Error,
/// }
///
/// let error = ArchiveError {
///     conversation_id: "c-7".to_owned(),
///     source: std::io::Error::other("no space left on device"),
/// };
/// assert_eq!(
///     WithCauses(&error).to_string(),
///     "the archive of conversation c-7 was not written: no space left on device",
/// );
/// ```
///
/// An `anyhow::Error` is no [`Error`] itself, but refers to one:
/// ```
/// use insights_core::WithCauses;
///
/// let error = anyhow::anyhow!("disk is full").context("the report was not written");
/// assert_eq!(
///     WithCauses(error.as_ref()).to_string(),
///     "the report was not written: disk is full",
/// );
/// ```
#[derive(Debug, Clone, Copy)]
pub struct WithCauses<'a>(pub &'a (dyn Error + 'static));

impl fmt::Display for WithCauses<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut line = single_line(&self.0.to_string());
        let mut cause = self.0.source();
        while let Some(error) = cause {
            let text = single_line(&error.to_string());
            if !line.ends_with(&text) {
                line.push_str(": ");
                line.push_str(&text);
            }
            cause = error.source();
        }
        f.write_str(&line)
    }
}

/// Returns the text with every run of line breaks and the indentation after it replaced by one space.
fn single_line(text: &str) -> String {
    let lines = text.lines().map(str::trim).filter(|line| !line.is_empty());
    lines.collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug)]
    struct Layer(&'static str, Option<Box<Layer>>);

    impl fmt::Display for Layer {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str(self.0)
        }
    }

    impl Error for Layer {
        fn source(&self) -> Option<&(dyn Error + 'static)> {
            self.1.as_deref().map(|layer| layer as &dyn Error)
        }
    }

    fn line(texts: &[&'static str]) -> String {
        let chain = texts
            .iter()
            .rev()
            .fold(None, |inner, text| Some(Box::new(Layer(text, inner))));
        WithCauses(&*chain.expect("at least one layer")).to_string()
    }

    #[test]
    fn causes_follow_their_error_outermost_first() {
        assert_eq!(line(&["cannot archive"]), "cannot archive");
        assert_eq!(
            line(&["cannot archive", "cannot write", "disk is full"]),
            "cannot archive: cannot write: disk is full"
        );
    }

    #[test]
    fn a_cause_that_is_already_in_the_text_is_not_repeated() {
        assert_eq!(
            line(&["cannot write: disk is full", "disk is full"]),
            "cannot write: disk is full"
        );
        assert_eq!(
            line(&[
                "cannot write: disk is full",
                "disk is full",
                "quota reached"
            ]),
            "cannot write: disk is full: quota reached"
        );
    }

    #[test]
    fn a_message_of_several_lines_becomes_one_line() {
        assert_eq!(
            line(&["cannot parse\n  at line 3\n", "expected a number"]),
            "cannot parse at line 3: expected a number"
        );
    }

    #[test]
    fn an_empty_cause_adds_nothing() {
        assert_eq!(line(&["cannot write", ""]), "cannot write");
    }
}
