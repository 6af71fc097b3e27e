//! Topics of conversations: TF-IDF and K-Means with scikit-learn's semantics; each topic is named by its top terms.
//!
//! ```
//! use insights_core::topics::{ClusterSettings, Corpus, VocabularyLimits, find_topics};
//!
//! let mut corpus = Corpus::default();
//! for text in ["refund the invoice", "invoice refund", "router offline", "the router is offline"] {
//!     corpus.add(text);
//! }
//! let settings = ClusterSettings { clusters: 2, ..ClusterSettings::default() };
//! let found = find_topics(&corpus, VocabularyLimits::default(), settings);
//! assert_eq!(found.topics.len(), 2);
//! assert_eq!(found.topics[0].terms, ["invoice", "refund"]);
//! assert_eq!(found.labels, [Some(0), Some(0), Some(1), Some(1)]);
//! ```

mod kmeans;
mod mersenne;
mod sparse;
mod stop_words;
mod terms;
mod tfidf;

use serde::Serialize;

pub use kmeans::{ClusterSettings, Clustering, cluster_rows};
pub use sparse::SparseRows;
pub use stop_words::stop_words;
pub use tfidf::{Corpus, TermMatrix, VocabularyLimits};

/// Number of terms that describe a topic.
const TERMS_PER_TOPIC: usize = 10;
/// Number of terms that make the name of a topic.
const TERMS_IN_NAME: usize = 3;
/// Number of conversations that are shown as examples of a topic.
const EXAMPLES_PER_TOPIC: usize = 3;

/// A topic: a cluster of conversations with similar words.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Topic {
    /// The number of the topic; 0 is the largest topic.
    pub id: usize,
    /// The first terms of the topic, for example `refund, invoice, charged`.
    pub name: String,
    /// The terms with the highest mean weight in the topic's conversations, the highest first.
    pub terms: Vec<String>,
    /// The number of conversations of the topic.
    pub size: usize,
    /// The conversations nearest to the topic's center, the nearest first, as positions in the corpus.
    #[serde(skip)]
    pub examples: Vec<usize>,
}

/// The topics of a corpus.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Topics {
    /// The topics, the largest first.
    pub topics: Vec<Topic>,
    /// The topic of each document; `None` if the corpus has no term at all.
    pub labels: Vec<Option<usize>>,
    /// The number of terms in the vocabulary.
    pub vocabulary: usize,
    /// The sum of squared distances of the documents to the centers of their topics; 0 without topics.
    pub inertia: f64,
    /// Whether the limits on document counts were lifted because they left no term (as with one or two conversations).
    pub relaxed: bool,
}

/// Finds the topics of a corpus.
///
/// Where the vocabulary limits leave no term, the limits on document counts are lifted, so that a handful of conversations
/// still have topics. Without any term there is no topic. With fewer distinct documents than clusters there are as many
/// topics as distinct documents.
#[must_use]
pub fn find_topics(corpus: &Corpus, limits: VocabularyLimits, settings: ClusterSettings) -> Topics {
    let mut matrix = corpus.tf_idf(limits);
    let relaxed = matrix.terms.is_empty();
    if relaxed {
        matrix = corpus.tf_idf(VocabularyLimits {
            min_documents: 1,
            max_share: 1.0,
            ..limits
        });
    }
    match cluster_rows(&matrix.rows, matrix.terms.len(), settings) {
        Some(clustering) => Topics {
            relaxed,
            ..name_clusters(&matrix, &clustering)
        },
        None => Topics {
            labels: vec![None; corpus.len()],
            ..Topics::default()
        },
    }
}

/// Turns clusters into topics, the largest first, with names and examples.
fn name_clusters(matrix: &TermMatrix, clustering: &Clustering) -> Topics {
    let mut members = vec![Vec::new(); clustering.centers.len()];
    for (document, &label) in clustering.labels.iter().enumerate() {
        members[label].push(document);
    }
    let mut order: Vec<usize> = (0..members.len())
        .filter(|&cluster| !members[cluster].is_empty())
        .collect();
    order.sort_by_key(|&cluster| {
        (
            std::cmp::Reverse(members[cluster].len()),
            members[cluster][0],
        )
    });

    let mut labels = vec![None; clustering.labels.len()];
    let topics = order.iter().enumerate().map(|(id, &cluster)| {
        members[cluster]
            .iter()
            .for_each(|&document| labels[document] = Some(id));
        let center = &clustering.centers[cluster];
        let terms = top_terms(matrix, center);
        let name = if terms.is_empty() {
            "no frequent terms".to_owned()
        } else {
            terms[..terms.len().min(TERMS_IN_NAME)].join(", ")
        };
        let examples = nearest_members(&matrix.rows, center, &members[cluster]);
        Topic {
            id,
            name,
            terms,
            size: members[cluster].len(),
            examples,
        }
    });
    let topics = topics.collect();
    Topics {
        topics,
        labels,
        vocabulary: matrix.terms.len(),
        inertia: clustering.inertia,
        relaxed: false,
    }
}

/// Returns the terms with the highest weights, ties in code point order.
fn top_terms(matrix: &TermMatrix, center: &[f64]) -> Vec<String> {
    let mut columns: Vec<usize> = (0..center.len())
        .filter(|&column| center[column] > 0.0)
        .collect();
    columns.sort_by(|&a, &b| center[b].total_cmp(&center[a]));
    columns
        .into_iter()
        .take(TERMS_PER_TOPIC)
        .map(|column| matrix.terms[column].clone())
        .collect()
}

/// Returns the members nearest to the center, ties in the order of the corpus.
fn nearest_members(rows: &SparseRows, center: &[f64], members: &[usize]) -> Vec<usize> {
    let mut ranked: Vec<(f64, usize)> = members
        .iter()
        .map(|&at| {
            let row = rows.row(at);
            let (dot, norm) = row
                .iter()
                .fold((0.0, 0.0), |(dot, norm), &(column, value)| {
                    (dot + value * center[column as usize], norm + value * value)
                });
            (norm - 2.0 * dot, at)
        })
        .collect();
    ranked.sort_by(|a, b| a.0.total_cmp(&b.0));
    ranked
        .into_iter()
        .take(EXAMPLES_PER_TOPIC)
        .map(|(_, at)| at)
        .collect()
}

#[cfg(test)]
mod tests;
