//! TF-IDF with scikit-learn's semantics (`TfidfVectorizer`, its defaults otherwise: smoothed idf, L2, no sublinear tf).

use std::collections::HashMap;

use rustc_hash::FxBuildHasher;

use super::terms::for_each_term;

/// Which terms make the vocabulary.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct VocabularyLimits {
    /// At most this many terms, the most frequent of the whole corpus; of equally frequent ones the first in code point
    /// order.
    pub max_features: usize,
    /// Terms in fewer documents are left out.
    pub min_documents: usize,
    /// Terms in more than this share of the documents are left out.
    pub max_share: f64,
}

impl Default for VocabularyLimits {
    fn default() -> Self {
        Self {
            max_features: 500,
            min_documents: 2,
            max_share: 0.95,
        }
    }
}

/// Counted documents, in the order they were added. About 8 bytes a distinct term of a document.
#[derive(Debug, Default)]
pub struct Corpus {
    ids: HashMap<Box<str>, u32, FxBuildHasher>,
    terms: Vec<TermCount>,
    /// Term and count, ascending by term number, of all documents one after the other.
    counts: Vec<(u32, u32)>,
    /// Where in `counts` each document ends.
    ends: Vec<usize>,
    scratch: Vec<u32>,
}

#[derive(Debug, Clone, Copy, Default)]
struct TermCount {
    documents: usize,
    occurrences: u64,
}

impl Corpus {
    /// Counts the terms of one more document.
    pub fn add(&mut self, text: &str) {
        let Self {
            ids,
            terms,
            counts,
            ends,
            scratch,
        } = self;
        scratch.clear();
        for_each_term(text, |term| {
            let id = match ids.get(term) {
                Some(id) => *id,
                None => {
                    // More than u32::MAX distinct terms do not fit in memory.
                    let id = terms.len() as u32;
                    terms.push(TermCount::default());
                    ids.insert(term.into(), id);
                    id
                }
            };
            scratch.push(id);
        });
        scratch.sort_unstable();
        for run in scratch.chunk_by(|a, b| a == b) {
            counts.push((run[0], run.len() as u32));
            terms[run[0] as usize].documents += 1;
            terms[run[0] as usize].occurrences += run.len() as u64;
        }
        ends.push(counts.len());
    }

    /// How many documents have been added.
    #[must_use]
    pub fn len(&self) -> usize {
        self.ends.len()
    }

    /// Whether none has been added.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.ends.is_empty()
    }

    /// The TF-IDF matrix of the documents over the selected terms, rows of unit length; without any column if no term
    /// is left, where scikit-learn raises an error.
    #[must_use]
    pub fn tf_idf(&self, selection: VocabularyLimits) -> TermMatrix {
        let vocabulary = self.vocabulary(selection);
        let mut columns = vec![None; self.terms.len()];
        let documents = self.len() as f64;
        let mut matrix = TermMatrix {
            terms: Vec::new(),
            rows: SparseRows::default(),
        };
        let mut idf = Vec::with_capacity(vocabulary.len());
        for (column, &(term, id)) in vocabulary.iter().enumerate() {
            columns[id as usize] = Some(column as u32);
            idf.push(
                ((1.0 + documents) / (1.0 + self.terms[id as usize].documents as f64)).ln() + 1.0,
            );
            matrix.terms.push(term.to_owned());
        }
        let mut row = Vec::new();
        let mut start = 0;
        for &end in &self.ends {
            row.clear();
            row.extend(self.counts[start..end].iter().filter_map(|&(id, count)| {
                columns[id as usize].map(|column| (column, f64::from(count) * idf[column as usize]))
            }));
            row.sort_unstable_by_key(|&(column, _)| column);
            let norm = row
                .iter()
                .map(|(_, weight)| weight * weight)
                .sum::<f64>()
                .sqrt();
            row.iter_mut().for_each(|(_, weight)| *weight /= norm);
            matrix.rows.push(&row);
            start = end;
        }
        matrix
    }

    /// The selected terms in code point order, with their numbers.
    fn vocabulary(&self, selection: VocabularyLimits) -> Vec<(&str, u32)> {
        let most = selection.max_share * self.len() as f64;
        let mut kept: Vec<(&str, u32)> = self
            .ids
            .iter()
            .map(|(term, &id)| (&**term, id))
            .filter(|&(_, id)| {
                let documents = self.terms[id as usize].documents;
                documents >= selection.min_documents && documents as f64 <= most
            })
            .collect();
        kept.sort_unstable();
        if kept.len() > selection.max_features {
            kept.sort_by_key(|&(_, id)| std::cmp::Reverse(self.terms[id as usize].occurrences));
            kept.truncate(selection.max_features);
            kept.sort_unstable();
        }
        kept
    }
}

/// Documents as weights of terms.
#[derive(Debug, Clone, PartialEq)]
pub struct TermMatrix {
    /// The terms of the columns, in code point order.
    pub terms: Vec<String>,
    /// A row a document.
    pub rows: SparseRows,
}

/// Sparse rows (compressed, as in CSR).
#[derive(Debug, Clone, PartialEq, Default)]
pub struct SparseRows {
    entries: Vec<(u32, f64)>,
    ends: Vec<usize>,
}

impl SparseRows {
    /// Appends a row of (column, value), ascending by column.
    pub fn push(&mut self, row: &[(u32, f64)]) {
        self.entries.extend_from_slice(row);
        self.ends.push(self.entries.len());
    }

    /// How many rows there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.ends.len()
    }

    /// Whether there is no row.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.ends.is_empty()
    }

    /// The (column, value) pairs of a row, ascending by column.
    ///
    /// # Panics
    /// If there is no such row.
    #[must_use]
    pub fn row(&self, at: usize) -> &[(u32, f64)] {
        let start = if at == 0 { 0 } else { self.ends[at - 1] };
        &self.entries[start..self.ends[at]]
    }

    /// Every row in order.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = &[(u32, f64)]> {
        (0..self.len()).map(|at| self.row(at))
    }
}
