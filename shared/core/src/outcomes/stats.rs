//! Descriptive statistics of a sample.

use serde::Serialize;

use crate::scale::round_score;

/// The count, mean and quartiles of a sample, rounded to 4 decimals.
///
/// A sample without values has a count only.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize)]
pub struct Stats {
    /// The number of values.
    pub n: usize,
    /// The mean of the values.
    pub mean: Option<f64>,
    /// The smallest of the values.
    pub min: Option<f64>,
    /// The first quartile, interpolated linearly (NumPy's and Excel's default; type 7 of Hyndman & Fan 1996).
    pub q1: Option<f64>,
    /// The median of the values.
    pub median: Option<f64>,
    /// The third quartile, interpolated in the same way.
    pub q3: Option<f64>,
    /// The largest of the values.
    pub max: Option<f64>,
}

impl Stats {
    /// Computes the statistics of values in any order.
    #[must_use]
    pub fn from_values(values: &[f64]) -> Self {
        let mut sorted = values.to_vec();
        sorted.sort_unstable_by(f64::total_cmp);
        let mean = (!sorted.is_empty())
            .then(|| round_score(sorted.iter().sum::<f64>() / sorted.len() as f64));
        let at = |share| quantile(&sorted, share).map(round_score);
        Self {
            n: sorted.len(),
            mean,
            min: at(0.0),
            q1: at(0.25),
            median: at(0.5),
            q3: at(0.75),
            max: at(1.0),
        }
    }
}

/// Returns the value below which a share of an ascending sample lies, interpolated linearly.
fn quantile(sorted: &[f64], share: f64) -> Option<f64> {
    let place = share * sorted.len().checked_sub(1)? as f64;
    let below = place.floor() as usize;
    let above = place.ceil() as usize;
    Some(sorted[below] + (sorted[above] - sorted[below]) * (place - place.floor()))
}
