//! The shape of what a model computes for one text.

/// One output of a model.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct ModelOutput {
    /// Name of the output in the graph.
    pub(crate) name: String,
    /// Number of values in a row: the classes of a classifier, or the dimensions of a vector.
    pub(crate) width: usize,
    /// Whether there is a row for each token, `[1, tokens, width]`, instead of one row for the text, `[1, width]`.
    pub(crate) is_per_token: bool,
}
