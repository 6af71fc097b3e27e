//! Whether anything grew.

use crate::process::Figures;

/// Figures of one moment of the run.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Sample {
    /// Minutes since the start.
    pub(crate) minute: f64,
    /// What the process used.
    pub(crate) figures: Figures,
    /// Requests to the contact center since the last sample.
    pub(crate) requests_per_second: f64,
    /// The 95th percentile of the time that a score took.
    pub(crate) score_p95_ms: f64,
    /// Scores that failed since the last sample.
    pub(crate) failed_scores: usize,
    /// The 95th percentile of the time from a final segment to its attributes, of the segments since the last sample.
    pub(crate) live_lag_p95_ms: f64,
}

impl Sample {
    /// Returns the sample as a line of the table.
    pub(crate) fn line(&self, fault: &str) -> String {
        let Figures {
            memory_mib,
            threads,
            sockets,
            files,
        } = self.figures;
        format!(
            "{:>7.1}  {memory_mib:>10.1}  {threads:>7}  {sockets:>7}  {files:>5}  {:>10.1}  {:>12.1}  {:>6}  {:>15.0}  {fault}",
            self.minute,
            self.requests_per_second,
            self.score_p95_ms,
            self.failed_scores,
            self.live_lag_p95_ms
        )
    }
}

/// Compares the second quarter of the run with the last one, and returns what has grown. The first quarter is left out:
/// caches and pools fill up there.
pub(crate) fn judge(samples: &[Sample]) -> Vec<String> {
    let quarter = samples.len() / 4;
    if quarter < 2 {
        return vec!["the run was too short to tell: it needs eight lines of figures".to_owned()];
    }
    let (early, late) = (&samples[quarter..2 * quarter], &samples[3 * quarter..]);
    let mut complaints = Vec::new();
    let mut compare = |name: &str, of: fn(&Sample) -> f64, factor: f64, slack: f64| {
        let (before, after) = (median(early, of), median(late, of));
        if after > before * factor + slack {
            complaints.push(format!(
                "{name}: {before:.1} in the second quarter, {after:.1} in the last"
            ));
        }
    };
    compare(
        "memory in MiB",
        |sample| sample.figures.memory_mib,
        1.1,
        16.0,
    );
    compare("threads", |sample| sample.figures.threads as f64, 1.1, 4.0);
    compare("sockets", |sample| sample.figures.sockets as f64, 1.2, 20.0);
    compare("files", |sample| sample.figures.files as f64, 1.1, 8.0);
    compare(
        "requests per second",
        |sample| sample.requests_per_second,
        1.5,
        20.0,
    );
    complaints
}

fn median(samples: &[Sample], of: fn(&Sample) -> f64) -> f64 {
    let mut values: Vec<f64> = samples.iter().map(of).collect();
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run(memory_of: impl Fn(usize) -> f64) -> Vec<Sample> {
        let sample = |number| Sample {
            figures: Figures {
                memory_mib: memory_of(number),
                ..Figures::default()
            },
            ..Sample::default()
        };
        (0..40).map(sample).collect()
    }

    #[test]
    fn a_run_that_fills_its_caches_and_stays_there_grows_not() {
        assert_eq!(
            judge(&run(|number| 200.0 + number.min(9) as f64 * 10.0)),
            Vec::<String>::new()
        );
    }

    #[test]
    fn a_leak_is_found() {
        let complaints = judge(&run(|number| 200.0 + number as f64 * 3.0));
        assert_eq!(complaints.len(), 1, "{complaints:?}");
    }

    #[test]
    fn a_run_that_is_too_short_is_no_proof() {
        assert_eq!(judge(&run(|_| 1.0)[..7]).len(), 1);
    }
}
