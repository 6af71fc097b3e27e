//! Computes the figures that published evaluations of sentiment and emotion models state.

use std::collections::BTreeMap;

/// Counts of texts by expected and predicted class, for tasks of three classes.
#[derive(Debug, Default)]
pub(super) struct Classes([[u32; 3]; 3]);

impl Classes {
    /// Counts one text.
    pub(super) fn count(&mut self, expected: usize, found: usize) {
        self.0[expected][found] += 1;
    }

    /// Returns the share of texts whose class was predicted correctly.
    pub(super) fn accuracy(&self) -> f64 {
        let right: u32 = (0..3).map(|class| self.0[class][class]).sum();
        ratio(right, self.0.iter().flatten().sum())
    }

    /// Returns the mean recall of the classes, which is TweetEval's metric for sentiment.
    pub(super) fn macro_recall(&self) -> f64 {
        let recalls = (0..3).map(|class| ratio(self.0[class][class], self.0[class].iter().sum()));
        recalls.sum::<f64>() / 3.0
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
    /// Counts one text.
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
    fn f1_counts_what_was_missed_and_what_was_spurious() {
        let mut tags = Tags::default();
        tags.count(&["joy".to_owned(), "love".to_owned()], &["joy", "anger"]);
        tags.count(&["joy".to_owned()], &[]);
        // joy 2*1/(2+0+1), love 0, anger 0
        assert!((tags.macro_f1() - (2.0 / 3.0) / 3.0).abs() < 1e-12);
        assert!((tags.micro_f1() - 2.0 / 5.0).abs() < 1e-12);
    }
}
