//! A secret and its pieces.

/// A secret: the pieces in which it is said when somebody says it in pieces.
pub(crate) struct Value {
    pub(crate) pieces: Vec<String>,
    pub(crate) separator: &'static str,
}

impl Value {
    /// Returns a secret that is said in one piece.
    pub(crate) fn one(text: impl Into<String>) -> Self {
        Self {
            pieces: vec![text.into()],
            separator: " ",
        }
    }

    /// Returns the secret as it is said in one go.
    pub(crate) fn whole(&self) -> String {
        self.pieces.join(self.separator)
    }
}

/// Cuts a text into pieces of these lengths.
pub(crate) fn groups(text: &str, lengths: &[usize]) -> Vec<String> {
    let mut rest = text;
    let mut parts = Vec::new();
    for length in lengths {
        let (part, behind) = rest.split_at((*length).min(rest.len()));
        parts.push(part.to_owned());
        rest = behind;
    }
    parts.retain(|part| !part.is_empty());
    parts
}
