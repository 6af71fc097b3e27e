//! Computes the figures that published evaluations of sentiment and emotion models state.

use std::collections::BTreeMap;

/// Counts of texts by expected and predicted class, for tasks of three classes.
#[derive(Debug, Default)]
pub(super) struct Classes([[u32; 3]; 3]);

impl Classes {
    /// Counts one text by what is expected and what the model found.
    pub(super) fn count(&mut self, expected: usize, found: usize) {
        self.0[expected][found] += 1;
    }

    /// Returns the share of texts whose class was predicted correctly.
    pub(super) fn accuracy(&self) -> f64 {
        let right: u32 = (0..3).map(|class| self.0[class][class]).sum();
        ratio(right, self.0.iter().flatten().sum())
    }

    /// Returns the share of a class' texts that were predicted correctly, or `None` if the class has no text.
    pub(super) fn recall(&self, class: usize) -> Option<f64> {
        let all = self.0[class].iter().sum();
        (all > 0).then(|| ratio(self.0[class][class], all))
    }

    /// Returns the mean recall of the classes, which is TweetEval's metric for sentiment.
    pub(super) fn macro_recall(&self) -> f64 {
        let recalls = (0..3).map(|class| ratio(self.0[class][class], self.0[class].iter().sum()));
        recalls.sum::<f64>() / 3.0
    }
}

/// Counts of texts for a question with the answers yes and no, such as whether a text raises an alert.
#[derive(Debug, Default, Clone, Copy)]
pub(super) struct Binary(Label);

impl Binary {
    /// Counts one text by what is expected and what the model found.
    pub(super) fn count(&mut self, expected: bool, found: bool) {
        match (expected, found) {
            (true, true) => self.0.right += 1,
            (false, true) => self.0.spurious += 1,
            (true, false) => self.0.missed += 1,
            (false, false) => {}
        }
    }

    /// Returns the share of the texts found that were expected, or `None` if none was found.
    pub(super) fn precision(&self) -> Option<f64> {
        let found = self.0.right + self.0.spurious;
        (found > 0).then(|| ratio(self.0.right, found))
    }

    /// Returns the share of the texts expected that were found, or `None` if none was expected.
    pub(super) fn recall(&self) -> Option<f64> {
        let expected = self.0.right + self.0.missed;
        (expected > 0).then(|| ratio(self.0.right, expected))
    }

    /// Returns the harmonic mean of precision and recall, or `None` if nothing was expected.
    pub(super) fn f1(&self) -> Option<f64> {
        (self.0.right + self.0.missed > 0).then(|| f1(self.0))
    }
}

/// Number of equal ranges of confidence that a calibration distinguishes.
const CONFIDENCE_RANGES: usize = 10;

/// How the probabilities of predicted classes compare with how often the classes are right.
#[derive(Debug, Default)]
pub(super) struct Calibration([ConfidenceRange; CONFIDENCE_RANGES]);

#[derive(Debug, Default, Clone, Copy)]
struct ConfidenceRange {
    texts: u32,
    right: u32,
    confidence: f64,
}

impl Calibration {
    /// Counts one text: the probability of the predicted class, 0 to 1, and whether the class is right.
    pub(super) fn count(&mut self, confidence: f64, is_right: bool) {
        let index = (confidence * CONFIDENCE_RANGES as f64) as usize;
        let range = &mut self.0[index.min(CONFIDENCE_RANGES - 1)];
        range.texts += 1;
        range.right += u32::from(is_right);
        range.confidence += confidence;
    }

    /// Returns the expected calibration error: the mean distance, over the texts, between the confidence of a range of
    /// confidence and the share of its texts that are right. `None` without a text.
    pub(super) fn error(&self) -> Option<f64> {
        let distance: f64 = self
            .0
            .iter()
            .map(|range| (range.confidence - f64::from(range.right)).abs())
            .sum();
        self.texts().map(|texts| distance / texts)
    }

    /// Returns the mean probability of the predicted classes, or `None` without a text.
    pub(super) fn mean_confidence(&self) -> Option<f64> {
        let sum: f64 = self.0.iter().map(|range| range.confidence).sum();
        self.texts().map(|texts| sum / texts)
    }

    fn texts(&self) -> Option<f64> {
        let texts: u32 = self.0.iter().map(|range| range.texts).sum();
        (texts > 0).then(|| f64::from(texts))
    }
}

/// Counts of correct, spurious and missed labels, for tasks of several labels per text.
#[derive(Debug, Default)]
pub(super) struct Tags(BTreeMap<String, Label>);

#[derive(Debug, Default, Clone, Copy)]
struct Label {
    right: u32,
    spurious: u32,
    missed: u32,
}

impl Tags {
    /// Counts one text by what is expected and what the model found.
    pub(super) fn count(&mut self, expected: &[String], found: &[&str]) {
        for label in expected {
            let entry = self.0.entry(label.clone()).or_default();
            if found.contains(&label.as_str()) {
                entry.right += 1
            } else {
                entry.missed += 1
            }
        }
        for label in found
            .iter()
            .filter(|label| !expected.iter().any(|other| other == *label))
        {
            self.0.entry((*label).to_owned()).or_default().spurious += 1;
        }
    }

    /// Returns the mean over labels of the harmonic mean of precision and recall.
    pub(super) fn macro_f1(&self) -> f64 {
        self.0.values().copied().map(f1).sum::<f64>() / self.0.len().max(1) as f64
    }

    /// Returns the harmonic mean of precision and recall over all labels together.
    pub(super) fn micro_f1(&self) -> f64 {
        f1(self.0.values().fold(Label::default(), |sum, label| Label {
            right: sum.right + label.right,
            spurious: sum.spurious + label.spurious,
            missed: sum.missed + label.missed,
        }))
    }
}

fn f1(label: Label) -> f64 {
    ratio(
        2 * label.right,
        2 * label.right + label.spurious + label.missed,
    )
}

fn ratio(part: u32, whole: u32) -> f64 {
    if whole == 0 {
        0.0
    } else {
        f64::from(part) / f64::from(whole)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn accuracy_and_macro_recall_differ_where_classes_are_uneven() {
        let mut classes = Classes::default();
        for (expected, found, times) in [(0, 0, 1), (0, 1, 1), (1, 1, 8), (2, 2, 1), (2, 0, 1)] {
            (0..times).for_each(|_| classes.count(expected, found));
        }
        assert!((classes.accuracy() - 10.0 / 12.0).abs() < 1e-12);
        assert!((classes.macro_recall() - 2.0 / 3.0).abs() < 1e-12);
    }

    #[test]
    fn shares_of_nothing_are_no_figures() {
        let mut alerts = Binary::default();
        assert_eq!(
            (alerts.precision(), alerts.recall(), alerts.f1()),
            (None, None, None)
        );
        for (expected, found) in [
            (true, true),
            (true, false),
            (true, false),
            (false, true),
            (false, false),
        ] {
            alerts.count(expected, found);
        }
        assert_eq!(alerts.precision(), Some(0.5));
        assert_eq!(alerts.recall(), Some(1.0 / 3.0));
        assert_eq!(alerts.f1(), Some(0.4));
        assert_eq!(Classes::default().recall(0), None);
        assert_eq!(Calibration::default().error(), None);
    }

    #[test]
    fn a_calibration_compares_confidence_with_how_often_it_is_right() {
        let mut calibration = Calibration::default();
        for (confidence, is_right) in [(0.95, true), (0.95, false), (0.55, true), (1.0, true)] {
            calibration.count(confidence, is_right);
        }
        // 0.9 to 1.0: three texts of mean confidence 0.9667, two of them right; 0.5 to 0.6: one of 0.55, right
        let expected = (2.9 - 2.0 + 0.45) / 4.0;
        assert!((calibration.error().unwrap() - expected).abs() < 1e-12);
        assert!((calibration.mean_confidence().unwrap() - 3.45 / 4.0).abs() < 1e-12);
    }

    #[test]
    fn f1_counts_what_was_missed_and_what_was_spurious() {
        let mut tags = Tags::default();
        tags.count(&["joy".to_owned(), "love".to_owned()], &["joy", "anger"]);
        tags.count(&["joy".to_owned()], &[]);
        // joy 2*1/(2+0+1), love 0, anger 0
        assert!((tags.macro_f1() - (2.0 / 3.0) / 3.0).abs() < 1e-12);
        assert!((tags.micro_f1() - 2.0 / 5.0).abs() < 1e-12);
    }
}
