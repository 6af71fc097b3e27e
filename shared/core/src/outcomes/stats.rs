//! Figures of a sample.

use serde::Serialize;

use crate::scale::round_score;

/// Count, mean and quartiles of a sample; without values all but the count are none. Rounded to 4 decimals.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize)]
pub struct Stats {
    /// How many values there are.
    pub n: usize,
    /// Their mean.
    pub mean: Option<f64>,
    /// The smallest.
    pub min: Option<f64>,
    /// The first quartile, interpolated linearly (NumPy's and Excel's default; type 7 of Hyndman & Fan 1996).
    pub q1: Option<f64>,
    /// The median.
    pub median: Option<f64>,
    /// The third quartile.
    pub q3: Option<f64>,
    /// The largest.
    pub max: Option<f64>,
}

impl Stats {
    /// The figures of some values.
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

/// The value below which this share of an ascending sample lies, interpolated linearly.
fn quantile(sorted: &[f64], share: f64) -> Option<f64> {
    let place = share * sorted.len().checked_sub(1)? as f64;
    let below = place.floor() as usize;
    let above = place.ceil() as usize;
    Some(sorted[below] + (sorted[above] - sorted[below]) * (place - place.floor()))
}
