//! Greedy k-means++: draws seeds far from each other, each the best of a few random candidates.
//!
//! Source: Arthur & Vassilvitskii (2007), "k-means++: the advantages of careful seeding", SODA; the greedy variant and
//! the number of trials are those of scikit-learn.

use super::super::mersenne::MersenneTwister;
use super::super::sparse::SparseRows;

/// Draws the rows to start from and returns their indices.
pub(super) fn draw_seeds(
    rows: &SparseRows,
    norms: &[f64],
    columns: usize,
    clusters: usize,
    random: &mut MersenneTwister,
) -> Vec<usize> {
    let trials = 2 + (clusters as f64).ln() as usize;
    let first = draw_uniform(rows.len(), random);
    let mut seeds = vec![first];
    let mut closest = distances(rows, norms, columns, first);
    let mut potential: f64 = closest.iter().sum();
    while seeds.len() < clusters {
        let drawn: Vec<f64> = (0..trials).map(|_| random.next_f64() * potential).collect();
        let sums = cumulative_sums(&closest);
        let mut best: Option<(f64, usize, Vec<f64>)> = None;
        for value in drawn {
            let candidate = sums.partition_point(|&sum| sum < value).min(rows.len() - 1);
            let mut nearer = distances(rows, norms, columns, candidate);
            nearer
                .iter_mut()
                .zip(&closest)
                .for_each(|(new, old)| *new = new.min(*old));
            let sum: f64 = nearer.iter().sum();
            if best.as_ref().is_none_or(|(least, ..)| sum < *least) {
                best = Some((sum, candidate, nearer));
            }
        }
        let Some((sum, candidate, nearer)) = best else {
            break;
        };
        (potential, closest) = (sum, nearer);
        seeds.push(candidate);
    }
    seeds
}

/// Draws a row with equal chances, in the way in which NumPy's `choice` with probabilities draws it.
fn draw_uniform(rows: usize, random: &mut MersenneTwister) -> usize {
    let shares = cumulative_sums(&vec![1.0 / rows as f64; rows]);
    let total = shares.last().copied().unwrap_or(1.0);
    let drawn = random.next_f64();
    shares
        .partition_point(|share| share / total <= drawn)
        .min(rows - 1)
}

/// Returns the running sums of values.
fn cumulative_sums(values: &[f64]) -> Vec<f64> {
    values
        .iter()
        .scan(0.0, |sum, value| {
            *sum += value;
            Some(*sum)
        })
        .collect()
}

/// Returns the squared distances of all rows to one of them.
fn distances(rows: &SparseRows, norms: &[f64], columns: usize, to: usize) -> Vec<f64> {
    let mut dense = vec![0.0; columns];
    for &(column, value) in rows.row(to) {
        dense[column as usize] = value;
    }
    rows.iter()
        .zip(norms)
        .map(|(row, norm)| {
            let dot: f64 = row
                .iter()
                .map(|&(column, value)| value * dense[column as usize])
                .sum();
            (-2.0 * dot + norms[to] + norm).max(0.0)
        })
        .collect()
}
