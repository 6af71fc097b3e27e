//! Measures how well the sentiment model does what a contact center uses it for: classes, alerts and signals of utterances that
//! a team has labeled.

use std::fs;
use std::path::Path;

use anyhow::{Context, bail, ensure};
use inference::SentimentModel;
use insights_core::signals::{Signal, Signals};
use serde_json::{Map, Value, json};

use super::figures::{Binary, Calibration, Classes};

/// The letters of signals in the fourth column of a file of five columns.
const SIGNAL_LETTERS: [(char, Signal); 5] = [
    ('L', Signal::Legal),
    ('M', Signal::Manager),
    ('U', Signal::Urgent),
    ('C', Signal::Churn),
    ('V', Signal::Vulnerable),
];

const ALLOWED_LABELS: &str = "negative, neutral or positive; a level from -2 to 2; or 0, 1 or 2 in a file without levels below 0";

/// An utterance with its labels.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Utterance {
    text: String,
    /// Class: 0 negative, 1 neutral, 2 positive.
    class: usize,
    /// Signals, if the file has them.
    signals: Option<Signals>,
}

/// A label as a file writes it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Label {
    Class(usize),
    Number(i8),
}

/// Reads utterances: `label<TAB>text` a line, or the five columns `level`, `emotions`, `speaker`, `signals` and `text`. Blank lines
/// and a line of headings are skipped.
///
/// # Errors
/// If the file cannot be read, or a line has no tab, no text or a label that is not allowed. No message repeats any of a text.
pub(super) fn read(path: &Path) -> anyhow::Result<Vec<Utterance>> {
    let content =
        fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))?;
    let content = content.strip_prefix('\u{feff}').unwrap_or(&content);
    let mut rows = Vec::new();
    for (index, line) in content.lines().enumerate() {
        if line.trim().is_empty() {
            continue;
        }
        let place = || format!("{} line {}", path.display(), index + 1);
        let cells: Vec<&str> = line.split('\t').collect();
        let (label, columns) = (cells[0].trim(), cells.len());
        if rows.is_empty()
            && ["label", "level"]
                .iter()
                .any(|h| label.eq_ignore_ascii_case(h))
        {
            continue;
        }
        ensure!(
            columns == 2 || columns == 5,
            "{}: a line has label and text, or level, emotions, speaker, signals and text, separated by tabs; it has {columns} columns",
            place()
        );
        let Some(label) = parse_label(label) else {
            bail!("{}: a label is {ALLOWED_LABELS}", place());
        };
        let text = cells[columns - 1].trim();
        ensure!(!text.is_empty(), "{}: the text is missing", place());
        let signals = (columns == 5).then(|| parse_signals(cells[3]));
        rows.push((label, text.to_owned(), signals));
    }
    ensure!(!rows.is_empty(), "{} has no labeled line", path.display());
    let has_levels = rows
        .iter()
        .any(|(label, _, signals)| signals.is_some() || matches!(label, Label::Number(..0)));
    let utterance = |(label, text, signals)| Utterance {
        text,
        class: class_of(label, has_levels),
        signals,
    };
    Ok(rows.into_iter().map(utterance).collect())
}

fn parse_label(label: &str) -> Option<Label> {
    match label.to_lowercase().as_str() {
        "negative" | "neg" => Some(Label::Class(0)),
        "neutral" | "neu" => Some(Label::Class(1)),
        "positive" | "pos" => Some(Label::Class(2)),
        number => {
            let number = number.parse().ok()?;
            (-2..=2).contains(&number).then_some(Label::Number(number))
        }
    }
}

/// Returns the class of a label. Numbers are levels around 0 where a file has levels, and classes otherwise.
fn class_of(label: Label, has_levels: bool) -> usize {
    match label {
        Label::Class(class) => class,
        Label::Number(level) if has_levels => match level.signum() {
            -1 => 0,
            0 => 1,
            _ => 2,
        },
        Label::Number(class) => usize::try_from(class).unwrap_or_default(),
    }
}

fn parse_signals(letters: &str) -> Signals {
    let named = |letter| {
        SIGNAL_LETTERS
            .iter()
            .find(|(other, _)| *other == letter)
            .map(|(_, signal)| *signal)
    };
    letters.chars().filter_map(named).collect()
}

/// Scores the utterances and returns the figures by their names. `seen` is called after each text.
///
/// # Errors
/// If the model fails on a text.
pub(super) fn measure(
    model: &SentimentModel,
    utterances: &[Utterance],
    alert_threshold: f64,
    seen: impl Fn(),
) -> anyhow::Result<Value> {
    let (mut classes, mut alerts) = (Classes::default(), Binary::default());
    let (mut calibration, mut unscored) = (Calibration::default(), 0_u32);
    let mut signals = [Binary::default(); Signal::ALL.len()];
    for utterance in utterances {
        let analysis = model.score(&utterance.text)?;
        let probabilities = analysis.probabilities;
        let best = (0..3)
            .max_by(|a, b| probabilities[*a].total_cmp(&probabilities[*b]))
            .unwrap_or(1);
        classes.count(utterance.class, best);
        let is_alert = analysis.unscored.is_none() && analysis.score < alert_threshold;
        alerts.count(utterance.class == 0, is_alert);
        if analysis.unscored.is_some() {
            unscored += 1;
        } else {
            calibration.count(f64::from(probabilities[best]), best == utterance.class);
        }
        if let Some(expected) = utterance.signals {
            let found: Signals = analysis
                .signals
                .iter()
                .filter_map(|(name, _)| Signal::named(name))
                .collect();
            for (signal, counts) in Signal::ALL.into_iter().zip(&mut signals) {
                counts.count(expected.contains(signal), found.contains(signal));
            }
        }
        seen();
    }
    let mut figures = Map::new();
    let mut add = |name: &str, value: Value| figures.insert(name.to_owned(), value);
    add("accuracy", classes.accuracy().into());
    for (class, name) in ["negative", "neutral", "positive"].into_iter().enumerate() {
        add(&format!("recall_{name}"), json!(classes.recall(class)));
    }
    add("macro_recall", classes.macro_recall().into());
    add("alert_precision", json!(alerts.precision()));
    add("alert_recall", json!(alerts.recall()));
    add("calibration_error", json!(calibration.error()));
    add("mean_confidence", json!(calibration.mean_confidence()));
    add("unscored", unscored.into());
    if utterances
        .iter()
        .any(|utterance| utterance.signals.is_some())
    {
        for (signal, counts) in Signal::ALL.into_iter().zip(&signals) {
            add(&format!("f1_{}", signal.name()), json!(counts.f1()));
        }
    }
    Ok(figures.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read_text(content: &str) -> anyhow::Result<Vec<Utterance>> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("labeled.tsv");
        fs::write(&path, content).unwrap();
        read(&path)
    }

    fn classes(content: &str) -> Vec<usize> {
        let utterances = read_text(content).unwrap();
        utterances.iter().map(|utterance| utterance.class).collect()
    }

    #[test]
    fn labels_are_words_levels_or_classes() {
        assert_eq!(
            classes("\u{feff}label\ttext\r\nNegative\tbad\r\n\r\nneu\tok\nPOS\tgood\n"),
            [0, 1, 2]
        );
        assert_eq!(classes("-2\ta\n-1\tb\n0\tc\n1\td\n2\te"), [0, 0, 1, 2, 2]);
        assert_eq!(classes("0\ta\n1\tb\n2\tc"), [0, 1, 2], "no level below 0");
        assert_eq!(
            classes("1\tjoy\tC\t-\ta\n0\t\tA\t-\tb"),
            [2, 1],
            "five columns have levels"
        );
    }

    #[test]
    fn signals_are_read_where_the_file_has_them() {
        let utterances = read_text("-2\tanger\tC\tMC\twords\n0\t\tC\t-\tothers").unwrap();
        let expected: Signals = [Signal::Manager, Signal::Churn].into_iter().collect();
        assert_eq!(utterances[0].signals, Some(expected));
        assert_eq!(utterances[1].signals, Some(Signals::NONE));
        assert_eq!(read_text("neg\twords").unwrap()[0].signals, None);
    }

    #[test]
    fn a_line_that_does_not_fit_is_named_without_its_words() {
        for (content, part) in [
            ("neg\ta\nangry\tmy secret", "line 2: a label is"),
            ("neg\ta\n3\tmy secret", "line 2: a label is"),
            ("neg my secret", "line 1: a line has"),
            ("neg\ta\tmy secret", "it has 3 columns"),
            ("neg\t ", "line 1: the text is missing"),
            ("\n", "has no labeled line"),
        ] {
            let error = read_text(content).unwrap_err().to_string();
            assert!(error.contains(part) && !error.contains("secret"), "{error}");
        }
    }

    /// The model was trained on these utterances: the figures show that it is the trained model, not how good it is.
    #[test]
    fn the_shipped_model_has_learned_its_training_utterances() {
        let path = Path::new(env!("CARGO_MANIFEST_DIR"))
            .join("../../shared/inference/training/utterances/train.tsv");
        let utterances: Vec<_> = read(&path).unwrap().into_iter().step_by(25).collect();
        assert_eq!(utterances.len(), 400);
        let model = SentimentModel::embedded().unwrap();
        let figures = measure(&model, &utterances, 0.3, || {}).unwrap();
        for (name, least) in [
            ("accuracy", 0.9),
            ("alert_precision", 0.9),
            ("alert_recall", 0.8),
        ] {
            assert!(figures[name].as_f64().unwrap() > least, "{name}: {figures}");
        }
        assert_eq!(figures["unscored"].as_f64(), Some(0.0), "{figures}");
    }
}
