//! Sparse rows of numbers, the form in which documents are clustered.

/// Rows of mostly zeros; each row keeps its other values only (compressed sparse rows, CSR).
#[derive(Debug, Clone, PartialEq, Default)]
pub struct SparseRows {
    entries: Vec<(u32, f64)>,
    ends: Vec<usize>,
}

impl SparseRows {
    /// Appends a row of (column, value) pairs, ascending by column.
    pub fn push(&mut self, row: &[(u32, f64)]) {
        self.entries.extend_from_slice(row);
        self.ends.push(self.entries.len());
    }

    /// Returns the number of rows.
    #[must_use]
    pub fn len(&self) -> usize {
        self.ends.len()
    }

    /// Returns whether there is no row.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.ends.is_empty()
    }

    /// Returns the (column, value) pairs of a row, ascending by column.
    ///
    /// # Panics
    /// If `at` is not smaller than the number of rows.
    #[must_use]
    pub fn row(&self, at: usize) -> &[(u32, f64)] {
        let start = if at == 0 { 0 } else { self.ends[at - 1] };
        &self.entries[start..self.ends[at]]
    }

    /// Iterates over all rows in order.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = &[(u32, f64)]> {
        (0..self.len()).map(|at| self.row(at))
    }
}
