//! Labels of which a text may have several at once, each with a threshold of its own: emotions and signals.

use crate::config::LabelThresholds;

/// The labels of one output of a model.
pub(crate) struct LabelSet {
    /// Index of the output with a logit for each label.
    output: usize,
    /// Labels in the order of that output, each with the probability from which a text has it.
    labels: LabelThresholds,
}

impl LabelSet {
    /// Creates the labels of the output with the index `output`.
    pub(crate) fn new(output: usize, labels: LabelThresholds) -> Self {
        Self { output, labels }
    }

    /// Gives the labels that a text can have the same threshold.
    pub(crate) fn set_threshold(&mut self, threshold: f32) {
        for (_, own) in &mut self.labels {
            if own.is_finite() {
                *own = threshold;
            }
        }
    }

    /// Returns the names of the labels in the order of the model.
    pub(crate) fn names(&self) -> impl Iterator<Item = &str> {
        self.labels.iter().map(|(name, _)| name.as_str())
    }

    /// Returns every label with its probability, in the order of the model. `outputs` are all outputs of the model.
    pub(crate) fn probabilities(&self, outputs: &[Vec<f32>]) -> Vec<(String, f32)> {
        let names = self.names().map(str::to_owned);
        names
            .zip(outputs[self.output].iter().map(sigmoid))
            .collect()
    }

    /// Returns the labels at or above their thresholds, the most probable one first. `outputs` are all outputs of the model.
    pub(crate) fn found(&self, outputs: &[Vec<f32>]) -> Vec<(String, f32)> {
        let mut found: Vec<_> = self
            .labels
            .iter()
            .zip(outputs[self.output].iter().map(sigmoid))
            .filter(|((_, threshold), probability)| probability >= threshold)
            .map(|((name, _), probability)| (name.clone(), probability))
            .collect();
        found.sort_by(|a, b| b.1.total_cmp(&a.1));
        found
    }
}

fn sigmoid(logit: &f32) -> f32 {
    1.0 / (1.0 + (-logit).exp())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_label_has_a_threshold_of_its_own() {
        let labels = [("joy", 0.4), ("grief", 0.1), ("fear", 0.2)]
            .map(|(name, threshold)| (name.to_owned(), threshold));
        let mut labels = LabelSet::new(1, labels.to_vec());
        // the probabilities are 0.38, 0.12 and 0.5
        let outputs = [vec![], vec![-0.49, -1.99, 0.0]];
        let names = |found: Vec<(String, f32)>| -> Vec<String> {
            found.into_iter().map(|(name, _)| name).collect()
        };
        assert_eq!(names(labels.found(&outputs)), ["fear", "grief"]);
        assert_eq!(
            names(labels.probabilities(&outputs)),
            ["joy", "grief", "fear"]
        );
        labels.set_threshold(0.3);
        assert_eq!(names(labels.found(&outputs)), ["fear", "joy"]);
    }
}
