//! Measures intent by embeddings: a test text takes the category of its nearest training text, or of the nearest mean of a
//! category's training texts.

use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context, ensure};
use indicatif::ProgressBar;
use inference::Embedder;
use insights_core::intent::NearestNeighbors;
use serde_json::{Value, json};

/// Name of the corpus' folder if DIR holds several corpora.
const FOLDER: &str = "banking77";

/// A text with the number of its category.
struct LabeledText {
    text: String,
    label: usize,
}

/// The result of a measurement.
pub(super) struct Measured {
    /// Number of texts in the test file.
    pub(super) texts: usize,
    /// Accuracies from 0 to 1, by method.
    pub(super) figures: Value,
    /// Time for the texts of both files, with one thread per core.
    pub(super) took: Duration,
    /// Number of texts of both files.
    pub(super) embedded: usize,
}

/// Measures `train.csv` and `test.csv` (columns `text,category`) of the folder.
///
/// # Errors
/// If a file is missing or malformed, or the model does not load.
pub(super) fn measure(
    dir: &Path,
    model_dir: Option<&Path>,
    limit: Option<usize>,
) -> anyhow::Result<Measured> {
    let dir = if dir.join("train.csv").exists() {
        dir.to_owned()
    } else {
        dir.join(FOLDER)
    };
    let mut categories = Vec::new();
    let train = read(&dir.join("train.csv"), &mut categories)?;
    let known = categories.len();
    let mut test = read(&dir.join("test.csv"), &mut categories)?;
    ensure!(
        categories.len() == known,
        "test.csv has a category that train.csv does not have: {}",
        categories[known]
    );
    test.truncate(limit.unwrap_or(usize::MAX));
    let model = model_dir.map_or_else(Embedder::embedded, Embedder::from_dir)?;
    let bar = super::progress_bar(FOLDER, train.len() + test.len());
    let started = Instant::now();
    let train_vectors = embed(&model, &train, &bar)?;
    let test_vectors = embed(&model, &test, &bar)?;
    let took = started.elapsed();
    bar.finish_and_clear();

    let labels: Vec<usize> = train.iter().map(|text| text.label).collect();
    let means = means(&train_vectors, &labels, known);
    let nearest = NearestNeighbors::new(train_vectors, labels)?;
    let mean = NearestNeighbors::new(means, (0..known).collect())?;
    let accuracy = |neighbours: &NearestNeighbors| {
        let right = test.iter().zip(&test_vectors).filter(|(text, vector)| {
            neighbours
                .nearest(vector)
                .is_some_and(|(label, _)| label == text.label)
        });
        right.count() as f64 / test.len().max(1) as f64
    };
    let figures = json!({ "nearest": accuracy(&nearest), "class_mean": accuracy(&mean) });
    Ok(Measured {
        texts: test.len(),
        figures,
        took,
        embedded: train.len() + test.len(),
    })
}

fn read(path: &Path, categories: &mut Vec<String>) -> anyhow::Result<Vec<LabeledText>> {
    let failed = || {
        format!(
            "{}: a file with the columns text,category is needed",
            path.display()
        )
    };
    let mut reader = csv::Reader::from_path(path).with_context(failed)?;
    let mut texts = Vec::new();
    for record in reader.deserialize() {
        let (text, category): (String, String) = record.with_context(failed)?;
        let label = categories
            .iter()
            .position(|known| *known == category)
            .unwrap_or_else(|| {
                categories.push(category);
                categories.len() - 1
            });
        texts.push(LabeledText { text, label });
    }
    Ok(texts)
}

/// Embeds the texts on every core and returns the vectors in the order of the texts.
fn embed(
    model: &Embedder,
    texts: &[LabeledText],
    bar: &ProgressBar,
) -> anyhow::Result<Vec<Vec<f32>>> {
    let next = AtomicUsize::new(0);
    let work = || -> anyhow::Result<Vec<(usize, Vec<f32>)>> {
        let mut own = Vec::new();
        loop {
            let index = next.fetch_add(1, Ordering::Relaxed);
            let Some(text) = texts.get(index) else {
                return Ok(own);
            };
            own.push((index, model.embed(&text.text)?));
            bar.inc(1);
        }
    };
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    let parts = std::thread::scope(|scope| {
        let workers: Vec<_> = (0..threads).map(|_| scope.spawn(work)).collect();
        workers
            .into_iter()
            .map(|worker| {
                worker
                    .join()
                    .map_err(|_| anyhow::anyhow!("an inference thread panicked"))?
            })
            .collect::<anyhow::Result<Vec<Vec<(usize, Vec<f32>)>>>>()
    })?;
    let mut vectors: Vec<_> = parts.into_iter().flatten().collect();
    vectors.sort_unstable_by_key(|(index, _)| *index);
    Ok(vectors.into_iter().map(|(_, vector)| vector).collect())
}

/// Returns the mean vector of each category.
fn means(vectors: &[Vec<f32>], labels: &[usize], categories: usize) -> Vec<Vec<f32>> {
    let dimension = vectors.first().map_or(0, Vec::len);
    let mut means = vec![vec![0.0; dimension]; categories];
    for (vector, label) in vectors.iter().zip(labels) {
        means[*label]
            .iter_mut()
            .zip(vector)
            .for_each(|(sum, value)| *sum += value);
    }
    means
}
