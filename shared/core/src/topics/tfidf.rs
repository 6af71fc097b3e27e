//! TF-IDF: weighs the terms of documents as scikit-learn's `TfidfVectorizer` does with its defaults.
//!
//! The weight of a term in a document is its count in the document times its inverse document frequency
//! `ln((1 + documents) / (1 + documents with the term)) + 1` (smoothed), and each document is scaled to unit length (L2). Source:
//! the scikit-learn user guide, "Tf-idf term weighting"; the fixtures in `tests/fixtures/topics.json` are its own answers.

use std::collections::HashMap;

use rustc_hash::FxBuildHasher;

use super::sparse::SparseRows;
use super::terms::for_each_term;

/// The limits that decide which terms make the vocabulary.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct VocabularyLimits {
    /// The largest number of terms. The most frequent terms of the whole corpus are kept; of equally frequent terms the first
    /// in code point order.
    pub max_features: usize,
    /// The smallest number of documents that must contain a term.
    pub min_documents: usize,
    /// The largest share of the documents that may contain a term, 0 to 1.
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

/// The term counts of documents in the order in which the documents were added.
///
/// The corpus keeps about 8 bytes for each distinct term of a document, and no text.
#[derive(Debug, Default)]
pub struct Corpus {
    ids: HashMap<Box<str>, u32, FxBuildHasher>,
    terms: Vec<TermCount>,
    /// The (term, count) pairs of all documents one after the other, ascending by term within a document.
    counts: Vec<(u32, u32)>,
    /// The end of each document in `counts`.
    ends: Vec<usize>,
    /// The terms of the document that is being added; kept to reuse its memory.
    scratch: Vec<u32>,
}

/// The frequency of a term in the corpus.
#[derive(Debug, Clone, Copy, Default)]
struct TermCount {
    documents: usize,
    occurrences: u64,
}

impl Corpus {
    /// Adds a document by counting its terms.
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
                    // More than u32::MAX distinct terms would not fit in memory, so the cast is exact.
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

    /// Returns the number of documents.
    #[must_use]
    pub fn len(&self) -> usize {
        self.ends.len()
    }

    /// Returns whether there is no document.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.ends.is_empty()
    }

    /// Returns the TF-IDF matrix of the documents over the terms within the limits, with rows of unit length.
    ///
    /// The matrix has no column if no term is within the limits; scikit-learn raises an error then.
    #[must_use]
    pub fn tf_idf(&self, limits: VocabularyLimits) -> TermMatrix {
        let vocabulary = self.vocabulary(limits);
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

    /// Returns the terms within the limits in code point order, with their numbers.
    fn vocabulary(&self, limits: VocabularyLimits) -> Vec<(&str, u32)> {
        let most = limits.max_share * self.len() as f64;
        let mut kept: Vec<(&str, u32)> = self
            .ids
            .iter()
            .map(|(term, &id)| (&**term, id))
            .filter(|&(_, id)| {
                let documents = self.terms[id as usize].documents;
                documents >= limits.min_documents && documents as f64 <= most
            })
            .collect();
        kept.sort_unstable();
        if kept.len() > limits.max_features {
            kept.sort_by_key(|&(_, id)| std::cmp::Reverse(self.terms[id as usize].occurrences));
            kept.truncate(limits.max_features);
            kept.sort_unstable();
        }
        kept
    }
}

/// The weights of terms in documents.
#[derive(Debug, Clone, PartialEq)]
pub struct TermMatrix {
    /// The terms of the columns, in code point order.
    pub terms: Vec<String>,
    /// One row per document.
    pub rows: SparseRows,
}
