//! K-Means on sparse rows with scikit-learn's semantics: greedy k-means++, Lloyd's iterations, the best of several starts.
//!
//! Sources: Lloyd (1982), "Least squares quantization in PCM", IEEE Transactions on Information Theory 28(2); Arthur &
//! Vassilvitskii (2007), "k-means++: the advantages of careful seeding", SODA.
//!
//! Why not the crate `linfa`: it wants dense rows (here 1 value in 10 is not zero), it seeds without the greedy trials, and
//! it does not promise the same clusters on another machine. This implementation is sequential, so that the same rows give
//! the same clusters whatever the number of threads, and it draws its random numbers as scikit-learn does.

mod clustering;
mod lloyd;
mod seeding;

use std::collections::HashSet;

pub use clustering::Clustering;

use super::mersenne::MersenneTwister;
use super::sparse::SparseRows;

/// The settings of a clustering.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ClusterSettings {
    /// The number of clusters; there are fewer clusters if there are fewer distinct rows.
    pub clusters: usize,
    /// The number of starts with new seeds; the start with the lowest inertia is kept.
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

/// Clusters rows of `columns` columns; returns `None` if there is no row, no column, or no cluster to find.
#[must_use]
pub fn cluster_rows(
    rows: &SparseRows,
    columns: usize,
    settings: ClusterSettings,
) -> Option<Clustering> {
    let clusters = count_distinct(rows, settings.clusters);
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
        let seeds = seeding::draw_seeds(rows, &norms, columns, clusters, &mut random);
        let found = lloyd::iterate(rows, &norms, columns, &seeds, tolerance);
        let better = best.as_ref().is_none_or(|best| {
            found.inertia < best.inertia
                && !is_same_partition(&found.labels, &best.labels, clusters)
        });
        if better {
            best = Some(found);
        }
    }
    best
}

/// Counts the distinct rows up to a limit.
fn count_distinct(rows: &SparseRows, limit: usize) -> usize {
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

/// Returns whether two labelings differ in the numbers of the clusters alone; a lower inertia is then a rounding error.
fn is_same_partition(one: &[usize], other: &[usize], clusters: usize) -> bool {
    let mut mapping = vec![None; clusters];
    one.iter()
        .zip(other)
        .all(|(&one, &other)| *mapping[one].get_or_insert(other) == other)
}

#[cfg(test)]
mod tests;
