//! Lloyd's iterations: each row to its nearest center, each center to the mean of its rows.

use super::super::tfidf::SparseRows;
use super::Clustering;

/// scikit-learn's `max_iter`.
const ITERATIONS: usize = 300;
/// scikit-learn's `tol`, in units of the mean variance of a column.
const TOLERANCE: f64 = 1e-4;

/// The squared shift of the centers below which they count as at rest.
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

/// Iterates from the seeds until nothing changes.
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
    for _ in 0..ITERATIONS {
        let before = labels.clone();
        centers.assign(rows, &mut labels);
        let moved = centers.means(rows, norms, &labels);
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

/// Dense centers, the values of one column side by side: a sparse row meets all centers in one pass.
struct Centers {
    clusters: usize,
    values: Vec<f64>,
    norms: Vec<f64>,
}

impl Centers {
    fn at(rows: &SparseRows, columns: usize, seeds: &[usize]) -> Self {
        let mut values = vec![0.0; columns * seeds.len()];
        for (cluster, &seed) in seeds.iter().enumerate() {
            for &(column, value) in rows.row(seed) {
                values[column as usize * seeds.len() + cluster] = value;
            }
        }
        Self::new(seeds.len(), values)
    }

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

    fn column(&self, column: u32) -> &[f64] {
        let start = column as usize * self.clusters;
        &self.values[start..start + self.clusters]
    }

    /// The nearest center of each row; of equally near ones the first.
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

    /// The centers moved to the means of their rows; one without rows to the row farthest from its own center.
    fn means(&self, rows: &SparseRows, norms: &[f64], labels: &[usize]) -> Self {
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

    /// Empty clusters, each with the row it gets: the farthest from their centers, of equally far ones the first.
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

    fn distance(&self, row: &[(u32, f64)], norm: f64, cluster: usize) -> f64 {
        let dot: f64 = row
            .iter()
            .map(|&(column, value)| value * self.column(column)[cluster])
            .sum();
        (norm - 2.0 * dot + self.norms[cluster]).max(0.0)
    }

    fn shift(&self, to: &Self) -> f64 {
        self.values
            .iter()
            .zip(&to.values)
            .map(|(one, other)| (one - other).powi(2))
            .sum()
    }

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
