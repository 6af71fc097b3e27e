//! Topics of conversations: TF-IDF and K-Means with scikit-learn's semantics, each topic named by its top terms.

mod kmeans;
mod mersenne;
mod stop_words;
mod terms;
mod tfidf;

use serde::Serialize;

pub use kmeans::{ClusterSettings, Clustering, cluster_rows};
pub use stop_words::stop_words;
pub use tfidf::{Corpus, SparseRows, TermMatrix, VocabularyLimits};

/// How many terms describe a topic.
const TERMS: usize = 10;
/// How many of them name it.
const NAMING: usize = 3;
/// How many conversations are shown as its examples.
const EXAMPLES: usize = 3;

/// A topic.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Topic {
    /// Its number; 0 is the largest topic.
    pub id: usize,
    /// Its first terms, e.g. `refund, invoice, charged`.
    pub name: String,
    /// The terms with the highest mean weight in its conversations, highest first.
    pub terms: Vec<String>,
    /// How many conversations it has.
    pub size: usize,
    /// The conversations nearest to its center, nearest first, by their place in the corpus.
    #[serde(skip)]
    pub examples: Vec<usize>,
}

/// The topics of a corpus.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Topics {
    /// The topics, largest first.
    pub topics: Vec<Topic>,
    /// The topic of each document; `None` if the corpus has no term at all.
    pub labels: Vec<Option<usize>>,
    /// How many terms the vocabulary has.
    pub vocabulary: usize,
    /// The sum of squared distances of the documents to the centers of their topics; 0 without topics.
    pub inertia: f64,
    /// Whether the limits on document counts left no term (as with one or two conversations) and were lifted.
    pub relaxed: bool,
}

/// Finds the topics of a corpus.
///
/// Where the selection leaves no term, the limits on document counts are lifted, so that a handful of conversations
/// still have topics; where there is no term at all, there is no topic. With fewer distinct documents than clusters,
/// there are as many topics as distinct documents.
#[must_use]
pub fn find_topics(
    corpus: &Corpus,
    selection: VocabularyLimits,
    settings: ClusterSettings,
) -> Topics {
    let mut matrix = corpus.tf_idf(selection);
    let relaxed = matrix.terms.is_empty();
    if relaxed {
        matrix = corpus.tf_idf(VocabularyLimits {
            min_documents: 1,
            max_share: 1.0,
            ..selection
        });
    }
    match cluster_rows(&matrix.rows, matrix.terms.len(), settings) {
        Some(clustering) => Topics {
            relaxed,
            ..named(&matrix, &clustering)
        },
        None => Topics {
            labels: vec![None; corpus.len()],
            ..Topics::default()
        },
    }
}

fn named(matrix: &TermMatrix, clustering: &Clustering) -> Topics {
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
            terms[..terms.len().min(NAMING)].join(", ")
        };
        let examples = nearest(&matrix.rows, center, &members[cluster]);
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

/// The terms with the highest weights, ties in code point order.
fn top_terms(matrix: &TermMatrix, center: &[f64]) -> Vec<String> {
    let mut columns: Vec<usize> = (0..center.len())
        .filter(|&column| center[column] > 0.0)
        .collect();
    columns.sort_by(|&a, &b| center[b].total_cmp(&center[a]));
    columns
        .into_iter()
        .take(TERMS)
        .map(|column| matrix.terms[column].clone())
        .collect()
}

/// The members nearest to the center, ties in the corpus' order. SparseRows have unit length (or none): the nearest has the
/// largest product with the center.
fn nearest(rows: &SparseRows, center: &[f64], members: &[usize]) -> Vec<usize> {
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
        .take(EXAMPLES)
        .map(|(_, at)| at)
        .collect()
}

#[cfg(test)]
mod tests;
