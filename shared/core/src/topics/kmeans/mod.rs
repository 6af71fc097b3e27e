//! K-Means on sparse rows with scikit-learn's semantics: greedy k-means++, Lloyd's iterations, the best of several starts.
//!
//! Own code rather than `linfa`: that one wants dense rows (here 1 value in 10 is not zero), seeds without the greedy
//! trials, and does not promise the same clusters on another machine. This is sequential, so the same rows give the
//! same clusters whatever the number of threads, and it draws its random numbers as scikit-learn does.

mod lloyd;
mod seeding;

use std::collections::HashSet;

use super::mersenne::MersenneTwister;
use super::tfidf::SparseRows;

/// How to cluster.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ClusterSettings {
    /// The number of clusters; fewer if there are fewer distinct rows.
    pub clusters: usize,
    /// How many times to start anew; the start with the lowest inertia is kept.
    pub starts: usize,
    /// The seed of the random numbers, as in scikit-learn's `random_state`.
    pub seed: u32,
}

impl Default for ClusterSettings {
    fn default() -> Self {
        Self {
            clusters: 5,
            starts: 10,
            seed: 42,
        }
    }
}

/// SparseRows in clusters.
#[derive(Debug, Clone, PartialEq)]
pub struct Clustering {
    /// The cluster of each row.
    pub labels: Vec<usize>,
    /// The mean of each cluster's rows, a value a column.
    pub centers: Vec<Vec<f64>>,
    /// The sum of the squared distances of the rows to the centers of their clusters.
    pub inertia: f64,
}

/// Clusters rows of `columns` columns; `None` if there is no row, no column or no cluster asked for.
#[must_use]
pub fn cluster_rows(
    rows: &SparseRows,
    columns: usize,
    settings: ClusterSettings,
) -> Option<Clustering> {
    let clusters = distinct(rows, settings.clusters);
    if clusters == 0 || columns == 0 {
        return None;
    }
    let norms: Vec<f64> = rows
        .iter()
        .map(|row| row.iter().map(|(_, value)| value * value).sum())
        .collect();
    let tolerance = lloyd::tolerance(rows, columns);
    let mut random = MersenneTwister::new(settings.seed);
    let mut best: Option<Clustering> = None;
    for _ in 0..settings.starts.max(1) {
        let seeds = seeding::plus_plus(rows, &norms, columns, clusters, &mut random);
        let found = lloyd::iterate(rows, &norms, columns, &seeds, tolerance);
        let better = best.as_ref().is_none_or(|best| {
            found.inertia < best.inertia && !same_partition(&found.labels, &best.labels, clusters)
        });
        if better {
            best = Some(found);
        }
    }
    best
}

/// How many distinct rows there are, counted up to `limit`.
fn distinct(rows: &SparseRows, limit: usize) -> usize {
    let mut seen = HashSet::new();
    for row in rows.iter() {
        if seen.len() >= limit {
            break;
        }
        seen.insert(
            row.iter()
                .map(|&(column, value)| (column, value.to_bits()))
                .collect::<Vec<_>>(),
        );
    }
    seen.len()
}

/// Whether two labellings differ in the numbers of the clusters alone: then a lower inertia is a rounding error.
fn same_partition(one: &[usize], other: &[usize], clusters: usize) -> bool {
    let mut mapping = vec![None; clusters];
    one.iter()
        .zip(other)
        .all(|(&one, &other)| *mapping[one].get_or_insert(other) == other)
}

#[cfg(test)]
mod tests;
