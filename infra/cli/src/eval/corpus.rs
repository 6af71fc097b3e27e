//! Reads labeled corpora in the formats in which they are published.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, bail, ensure};

/// A text with its labels.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct LabeledText {
    /// Text without user names and links.
    pub(super) text: String,
    /// Class: 0 negative, 1 neutral, 2 positive; `None` if the labels contradict each other.
    pub(super) sentiment: Option<usize>,
    /// Names of the emotions.
    pub(super) emotions: Vec<String>,
}

const POSITIVE: [&str; 12] = [
    "admiration",
    "amusement",
    "approval",
    "caring",
    "desire",
    "excitement",
    "gratitude",
    "joy",
    "love",
    "optimism",
    "pride",
    "relief",
];
const NEGATIVE: [&str; 11] = [
    "anger",
    "annoyance",
    "disappointment",
    "disapproval",
    "disgust",
    "embarrassment",
    "fear",
    "grief",
    "nervousness",
    "remorse",
    "sadness",
];

type Corpora = Vec<(&'static str, Vec<LabeledText>)>;

/// Reads every corpus with sentiment labels in or below the folder.
pub(super) fn sentiment(dir: &Path) -> anyhow::Result<Corpora> {
    let mut corpora = Vec::new();
    if let Some(dir) = find(dir, "tweeteval", "test_text.txt") {
        corpora.push(("tweeteval", tweeteval(&dir)?));
    }
    if let Some(dir) = find(dir, "goemotions", "test.tsv") {
        let mut texts = goemotions(&dir)?;
        texts.retain(|text| text.sentiment.is_some());
        corpora.push(("goemotions", texts));
    }
    ensure_found(
        corpora,
        dir,
        "tweeteval/test_text.txt with test_labels.txt, or goemotions/test.tsv with emotions.txt",
    )
}

/// Reads every corpus with emotion labels in or below the folder.
pub(super) fn emotion(dir: &Path) -> anyhow::Result<Corpora> {
    let mut corpora = Vec::new();
    if let Some(dir) = find(dir, "goemotions", "test.tsv") {
        corpora.push(("goemotions", goemotions(&dir)?));
    }
    ensure_found(corpora, dir, "goemotions/test.tsv with emotions.txt")
}

fn ensure_found(corpora: Corpora, dir: &Path, wanted: &str) -> anyhow::Result<Corpora> {
    ensure!(
        !corpora.is_empty(),
        "{} holds no corpus for this task; it should hold {wanted}",
        dir.display()
    );
    Ok(corpora)
}

fn find(dir: &Path, name: &str, file: &str) -> Option<PathBuf> {
    [dir.join(name), dir.to_owned()]
        .into_iter()
        .find(|dir| dir.join(file).is_file())
}

fn read(path: &Path) -> anyhow::Result<String> {
    fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))
}

fn tweeteval(dir: &Path) -> anyhow::Result<Vec<LabeledText>> {
    let (texts, labels) = (
        read(&dir.join("test_text.txt"))?,
        read(&dir.join("test_labels.txt"))?,
    );
    let (texts, labels): (Vec<_>, Vec<_>) = (texts.lines().collect(), labels.lines().collect());
    ensure!(
        texts.len() == labels.len(),
        "{} texts but {} labels in {}",
        texts.len(),
        labels.len(),
        dir.display()
    );
    let pairs = texts.into_iter().zip(labels).enumerate();
    pairs
        .map(|(line, (text, label))| match label.trim().parse() {
            Ok(class) if class < 3 => Ok(LabeledText {
                text: clean_tweet(text),
                sentiment: Some(class),
                emotions: Vec::new(),
            }),
            _ => bail!(
                "test_labels.txt line {}: a label is 0, 1 or 2, not {label:?}",
                line + 1
            ),
        })
        .collect()
}

fn goemotions(dir: &Path) -> anyhow::Result<Vec<LabeledText>> {
    let (rows, names) = (
        read(&dir.join("test.tsv"))?,
        read(&dir.join("emotions.txt"))?,
    );
    let names: Vec<&str> = names.lines().map(str::trim).collect();
    let row = |(line, row): (usize, &str)| {
        let mut cells = row.split('\t');
        let (Some(text), Some(ids)) = (cells.next(), cells.next()) else {
            bail!(
                "test.tsv line {}: a row is text, label ids, id, separated by tabs",
                line + 1
            );
        };
        let emotions = ids
            .split(',')
            .map(|id| id.parse().ok().and_then(|id: usize| names.get(id)));
        let emotions: Option<Vec<String>> = emotions
            .map(|name| name.map(|name| (*name).to_owned()))
            .collect();
        let emotions = emotions
            .with_context(|| format!("test.tsv line {}: unknown label in {ids:?}", line + 1))?;
        let sentiment = sentiment_of(&emotions);
        Ok(LabeledText {
            text: text.to_owned(),
            sentiment,
            emotions: without_neutral(emotions),
        })
    };
    rows.lines().enumerate().map(row).collect()
}

/// Returns the class of a comment whose emotions agree: all positive, all negative, or `neutral` alone.
fn sentiment_of(emotions: &[String]) -> Option<usize> {
    let any = |names: &[&str]| {
        emotions
            .iter()
            .any(|emotion| names.contains(&emotion.as_str()))
    };
    match (any(&NEGATIVE), any(&POSITIVE)) {
        (true, false) => Some(0),
        (false, true) => Some(2),
        (false, false) if emotions == ["neutral"] => Some(1),
        _ => None,
    }
}

/// Removes `neutral`, which is a label of the corpus but not a tag of the product.
fn without_neutral(mut emotions: Vec<String>) -> Vec<String> {
    emotions.retain(|emotion| emotion != "neutral");
    emotions
}

/// Returns a tweet without user names and links, and with HTML entities and escapes decoded, as in the model's training.
fn clean_tweet(text: &str) -> String {
    let text = html_escape::decode_html_entities(text)
        .replace("\\u2019", "'")
        .replace("\\u002c", ",");
    let words = text
        .split_whitespace()
        .filter(|word| !word.starts_with("http") && !word.starts_with('@'));
    words.collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tweets_lose_names_links_and_entities() {
        assert_eq!(
            clean_tweet("@user it\\u2019s A&amp;B http://t.co/x  now"),
            "it's A&B now"
        );
    }

    #[test]
    fn a_wrong_label_is_named_with_its_line() {
        let dir = tempfile::tempdir().unwrap();
        fs::write(dir.path().join("test_text.txt"), "a\nb\n").unwrap();
        fs::write(dir.path().join("test_labels.txt"), "1\n7\n").unwrap();
        let error = sentiment(dir.path()).unwrap_err().to_string();
        assert_eq!(
            error,
            "test_labels.txt line 2: a label is 0, 1 or 2, not \"7\""
        );
    }

    #[test]
    fn an_error_names_the_files_that_a_corpus_needs() {
        let dir = tempfile::tempdir().unwrap();
        assert!(
            emotion(dir.path())
                .unwrap_err()
                .to_string()
                .contains("goemotions/test.tsv")
        );
    }

    #[test]
    fn emotions_decide_the_class_only_where_they_agree() {
        let class = |names: &[&str]| {
            sentiment_of(
                &names
                    .iter()
                    .map(|name| (*name).to_owned())
                    .collect::<Vec<_>>(),
            )
        };
        assert_eq!(class(&["joy", "neutral"]), Some(2));
        assert_eq!(class(&["anger"]), Some(0));
        assert_eq!(class(&["neutral"]), Some(1));
        assert_eq!(class(&["joy", "anger"]), None);
        assert_eq!(class(&["curiosity"]), None);
    }
}
