//! Runs the report's language steps on the lines of standard input, one text per line.
//!
//! - `nlp polarity`: VADER's compound, pos, neu and neg of each line, tab-separated.
//! - `nlp time`: one JSON object with the seconds that VADER, TF-IDF and K-Means take over all lines, and the inertia.
//! - `nlp stop-words`: the stop words of the topics, one per line.
//!
//! `benches/compare.py` runs this program and the Python originals on the same texts.

use std::io::{BufWriter, Read, Write};
use std::time::Instant;

use insights_core::topics::{ClusterSettings, Corpus, VocabularyLimits, cluster_rows, stop_words};
use insights_core::vader::Analyzer;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let task = std::env::args().nth(1).unwrap_or_default();
    let mut out = BufWriter::new(std::io::stdout().lock());
    if task == "stop-words" {
        let mut words: Vec<_> = stop_words().collect();
        words.sort_unstable();
        for word in words {
            writeln!(out, "{word}")?;
        }
        return Ok(());
    }
    let mut text = String::new();
    std::io::stdin().read_to_string(&mut text)?;
    let lines: Vec<&str> = text.split_terminator('\n').collect();
    match task.as_str() {
        "polarity" => {
            let mut vader = Analyzer::default();
            for line in lines {
                let said = vader.polarity(line);
                writeln!(
                    out,
                    "{}\t{}\t{}\t{}",
                    said.compound, said.pos, said.neu, said.neg
                )?;
            }
        }
        "time" => writeln!(out, "{}", times(&lines))?,
        _ => return Err("usage: nlp polarity | time | stop-words, texts on standard input".into()),
    }
    Ok(())
}

fn times(lines: &[&str]) -> serde_json::Value {
    let mut vader = Analyzer::default();
    vader.polarity("the lexicon is read at the first use");
    let started = Instant::now();
    let sum: f64 = lines.iter().map(|line| vader.polarity(line).compound).sum();
    let polarity = started.elapsed().as_secs_f64();

    let started = Instant::now();
    let mut corpus = Corpus::default();
    lines.iter().for_each(|line| corpus.add(line));
    let matrix = corpus.tf_idf(VocabularyLimits::default());
    let weighing = started.elapsed().as_secs_f64();

    let started = Instant::now();
    let found = cluster_rows(&matrix.rows, matrix.terms.len(), ClusterSettings::default());
    let clustering = started.elapsed().as_secs_f64();
    serde_json::json!({
        "texts": lines.len(),
        "mean_compound": sum / lines.len().max(1) as f64,
        "vader_seconds": polarity,
        "tfidf_seconds": weighing,
        "kmeans_seconds": clustering,
        "inertia": found.map(|found| found.inertia),
    })
}
