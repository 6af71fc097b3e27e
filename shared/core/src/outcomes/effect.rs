//! Effect sizes that do not assume a normal distribution, because compounds crowd at both ends of their scale.

use serde::Serialize;

use crate::scale::round_score;

/// The size of an effect in words.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum EffectSize {
    /// The delta is below 0.147.
    Negligible,
    /// The delta is below 0.33.
    Small,
    /// The delta is below 0.474.
    Medium,
    /// The delta is 0.474 or more.
    Large,
}

impl EffectSize {
    /// Returns the size of a Cliff's delta, with the thresholds of Romano, Kromrey, Coraggio & Skowronek (2006), "Appropriate statistics
    /// for ordinal level data", Florida Association of Institutional Research.
    #[must_use]
    pub fn from_cliffs_delta(delta: f64) -> Self {
        match delta.abs() {
            size if size < 0.147 => Self::Negligible,
            size if size < 0.33 => Self::Small,
            size if size < 0.474 => Self::Medium,
            _ => Self::Large,
        }
    }

    /// Returns the name in tables.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Negligible => "negligible",
            Self::Small => "small",
            Self::Medium => "medium",
            Self::Large => "large",
        }
    }
}

/// Returns Cliff's delta, -1 to 1 with 4 decimals: how often a value of `own` exceeds a value of `rest`, less how often it is
/// exceeded.
///
/// Returns `None` if either side has no value.
///
/// Source: Cliff (1993), "Dominance statistics", Psychological Bulletin 114(3); computed from the rank sum of `own`.
#[must_use]
pub fn cliffs_delta(own: &[f64], rest: &[f64]) -> Option<f64> {
    if own.is_empty() || rest.is_empty() {
        return None;
    }
    let ranks = Ranks::from_groups(&[own, rest]);
    let count = own.len() as f64;
    let above = ranks.sums[0] - count * (count + 1.0) / 2.0;
    Some(round_score(2.0 * above / (count * rest.len() as f64) - 1.0))
}

/// The result of the Kruskal-Wallis test, which says whether groups differ at all.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct KruskalWallis {
    /// The H statistic, corrected for ties; 4 decimals.
    pub h: f64,
    /// The degrees of freedom: the number of groups less one.
    pub degrees_of_freedom: usize,
    /// Epsilon squared: the share of the ranks' variance that the groups explain, 0 to 1, 4 decimals.
    pub epsilon_squared: f64,
}

/// Runs the Kruskal-Wallis test over the groups that have values.
///
/// Returns `None` with fewer than two such groups, or if all values are equal.
///
/// Sources: Kruskal & Wallis (1952), JASA 47(260); epsilon squared as H / (n - 1) in Tomczak & Tomczak (2014), "The need
/// to report effect size estimates revisited", Trends in Sport Sciences 1(21).
#[must_use]
pub fn kruskal_wallis<G: AsRef<[f64]>>(groups: &[G]) -> Option<KruskalWallis> {
    let groups: Vec<&[f64]> = groups
        .iter()
        .map(AsRef::as_ref)
        .filter(|group| !group.is_empty())
        .collect();
    if groups.len() < 2 {
        return None;
    }
    let ranks = Ranks::from_groups(&groups);
    let n = ranks.count as f64;
    let between: f64 = ranks
        .sums
        .iter()
        .zip(&groups)
        .map(|(sum, group)| sum * sum / group.len() as f64)
        .sum();
    let uncorrected = 12.0 / (n * (n + 1.0)) * between - 3.0 * (n + 1.0);
    let correction = 1.0 - ranks.ties / (n * n * n - n);
    if correction <= 0.0 {
        return None;
    }
    let h = (uncorrected / correction).max(0.0);
    Some(KruskalWallis {
        h: round_score(h),
        degrees_of_freedom: groups.len() - 1,
        epsilon_squared: round_score((h / (n - 1.0)).min(1.0)),
    })
}

/// The rank sums of groups among all values together; equal values share the mean of their ranks.
struct Ranks {
    /// The rank sum of each group.
    sums: Vec<f64>,
    /// The number of all values.
    count: usize,
    /// The sum of t^3 - t over all runs of t equal values.
    ties: f64,
}

impl Ranks {
    fn from_groups(groups: &[&[f64]]) -> Self {
        let mut values: Vec<(f64, usize)> = groups
            .iter()
            .enumerate()
            .flat_map(|(group, values)| values.iter().map(move |&value| (value, group)))
            .collect();
        values.sort_unstable_by(|a, b| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1)));
        let mut ranks = Self {
            sums: vec![0.0; groups.len()],
            count: values.len(),
            ties: 0.0,
        };
        let mut before = 0.0;
        for run in values.chunk_by(|a, b| a.0 == b.0) {
            let length = run.len() as f64;
            let rank = before + (length + 1.0) / 2.0;
            run.iter().for_each(|&(_, group)| ranks.sums[group] += rank);
            ranks.ties += length * length * length - length;
            before += length;
        }
        ranks
    }
}
