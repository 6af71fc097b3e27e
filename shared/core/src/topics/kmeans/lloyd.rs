//! Lloyd's iterations: assign each row to its nearest center, move each center to the mean of its rows, and repeat.
//!
//! Source: Lloyd (1982), "Least squares quantization in PCM", IEEE Transactions on Information Theory 28(2); stopping rules and
//! the relocation of empty clusters as in scikit-learn.

use super::super::sparse::SparseRows;
use super::clustering::Clustering;

/// Largest number of iterations; scikit-learn's `max_iter`.
const MAX_ITERATIONS: usize = 300;
/// Shift of the centers that counts as none, in units of the mean variance of a column; scikit-learn's `tol`.
const TOLERANCE: f64 = 1e-4;

/// Returns the squared shift of the centers below which the centers count as at rest.
pub(super) fn tolerance(rows: &SparseRows, columns: usize) -> f64 {
    let count = rows.len() as f64;
    let mut sums = vec![(0.0, 0.0); columns];
    for &(column, value) in rows.iter().flatten() {
        let (sum, squares) = &mut sums[column as usize];
        *sum += value;
        *squares += value * value;
    }
    let variances: f64 = sums
        .iter()
        .map(|(sum, squares)| squares / count - (sum / count).powi(2))
        .sum();
    TOLERANCE * variances / columns as f64
}

/// Iterates from the seeds until the centers are at rest.
pub(super) fn iterate(
    rows: &SparseRows,
    norms: &[f64],
    columns: usize,
    seeds: &[usize],
    tolerance: f64,
) -> Clustering {
    let mut centers = Centers::at(rows, columns, seeds);
    let mut labels = vec![usize::MAX; rows.len()];
    let mut at_rest = false;
    for _ in 0..MAX_ITERATIONS {
        let before = labels.clone();
        centers.assign(rows, &mut labels);
        let moved = centers.move_to_means(rows, norms, &labels);
        let shift = centers.shift(&moved);
        centers = moved;
        at_rest = labels == before;
        if at_rest || shift <= tolerance {
            break;
        }
    }
    if !at_rest {
        centers.assign(rows, &mut labels);
    }
    let inertia = (0..rows.len())
        .map(|at| centers.distance(rows.row(at), norms[at], labels[at]))
        .sum();
    Clustering {
        labels,
        centers: centers.dense(),
        inertia,
    }
}

/// The centers of all clusters.
///
/// The values of one column stand side by side, so that a sparse row meets all centers in one pass.
struct Centers {
    clusters: usize,
    values: Vec<f64>,
    norms: Vec<f64>,
}

impl Centers {
    /// Places the centers at the seed rows.
    fn at(rows: &SparseRows, columns: usize, seeds: &[usize]) -> Self {
        let mut values = vec![0.0; columns * seeds.len()];
        for (cluster, &seed) in seeds.iter().enumerate() {
            for &(column, value) in rows.row(seed) {
                values[column as usize * seeds.len() + cluster] = value;
            }
        }
        Self::new(seeds.len(), values)
    }

    /// Builds centers from their values and computes the squared lengths.
    fn new(clusters: usize, values: Vec<f64>) -> Self {
        let mut norms = vec![0.0; clusters];
        for column in values.chunks_exact(clusters) {
            norms
                .iter_mut()
                .zip(column)
                .for_each(|(norm, value)| *norm += value * value);
        }
        Self {
            clusters,
            values,
            norms,
        }
    }

    /// Returns the values of one column in all centers.
    fn column(&self, column: u32) -> &[f64] {
        let start = column as usize * self.clusters;
        &self.values[start..start + self.clusters]
    }

    /// Assigns each row to its nearest center, of equally near centers to the first.
    fn assign(&self, rows: &SparseRows, labels: &mut [usize]) {
        let mut dots = vec![0.0; self.clusters];
        for (row, label) in rows.iter().zip(labels) {
            dots.fill(0.0);
            for &(column, value) in row {
                dots.iter_mut()
                    .zip(self.column(column))
                    .for_each(|(dot, center)| *dot += value * center);
            }
            let mut least = f64::INFINITY;
            for (cluster, (dot, norm)) in dots.iter().zip(&self.norms).enumerate() {
                let distance = norm - 2.0 * dot;
                if distance < least {
                    (least, *label) = (distance, cluster);
                }
            }
        }
    }

    /// Returns the centers at the means of their rows; a center without rows moves to the row that is farthest from its own
    /// center.
    fn move_to_means(&self, rows: &SparseRows, norms: &[f64], labels: &[usize]) -> Self {
        let mut values = vec![0.0; self.values.len()];
        let mut counts = vec![0.0_f64; self.clusters];
        let mut add = |values: &mut Vec<f64>, cluster: usize, row: &[(u32, f64)], sign: f64| {
            counts[cluster] += sign;
            for &(column, value) in row {
                values[column as usize * self.clusters + cluster] += sign * value;
            }
        };
        for (row, &label) in rows.iter().zip(labels) {
            add(&mut values, label, row, 1.0);
        }
        for (cluster, row) in self.relocations(rows, norms, labels) {
            add(&mut values, labels[row], rows.row(row), -1.0);
            add(&mut values, cluster, rows.row(row), 1.0);
        }
        let largest = (0..self.clusters)
            .rev()
            .max_by(|&a, &b| counts[a].total_cmp(&counts[b]))
            .unwrap_or(0);
        for column in values.chunks_exact_mut(self.clusters) {
            column
                .iter_mut()
                .zip(&counts)
                .filter(|(_, count)| **count > 0.0)
                .for_each(|(sum, count)| *sum /= count);
            for cluster in 0..self.clusters {
                if counts[cluster] <= 0.0 {
                    column[cluster] = column[largest];
                }
            }
        }
        Self::new(self.clusters, values)
    }

    /// Returns the empty clusters, each with the row that it gets: the rows farthest from their centers, of equally far rows the
    /// first.
    fn relocations(
        &self,
        rows: &SparseRows,
        norms: &[f64],
        labels: &[usize],
    ) -> Vec<(usize, usize)> {
        let mut filled = vec![false; self.clusters];
        labels.iter().for_each(|&label| filled[label] = true);
        let empty: Vec<usize> = (0..self.clusters)
            .filter(|&cluster| !filled[cluster])
            .collect();
        if empty.is_empty() {
            return Vec::new();
        }
        let mut far: Vec<(f64, usize)> = (0..rows.len())
            .map(|at| (self.distance(rows.row(at), norms[at], labels[at]), at))
            .collect();
        far.sort_by(|a, b| b.0.total_cmp(&a.0));
        far.truncate(empty.len());
        if far.first().is_none_or(|(distance, _)| *distance == 0.0) {
            return Vec::new();
        }
        empty
            .into_iter()
            .zip(far.into_iter().map(|(_, row)| row))
            .collect()
    }

    /// Returns the squared distance of a row to a center.
    fn distance(&self, row: &[(u32, f64)], norm: f64, cluster: usize) -> f64 {
        let dot: f64 = row
            .iter()
            .map(|&(column, value)| value * self.column(column)[cluster])
            .sum();
        (norm - 2.0 * dot + self.norms[cluster]).max(0.0)
    }

    /// Returns the sum of the squared shifts from these centers to others.
    fn shift(&self, to: &Self) -> f64 {
        self.values
            .iter()
            .zip(&to.values)
            .map(|(one, other)| (one - other).powi(2))
            .sum()
    }

    /// Returns one vector per center.
    fn dense(&self) -> Vec<Vec<f64>> {
        (0..self.clusters)
            .map(|cluster| {
                self.values
                    .iter()
                    .skip(cluster)
                    .step_by(self.clusters)
                    .copied()
                    .collect()
            })
            .collect()
    }
}
