//! Median and minimum time of one text on one thread, tokenizing included, for texts of 8, 32 and 128 tokens.
//!
//! `cargo run --release -p inference --example latency [-- MODEL_DIR]`; the output has the form of the usual ONNX Runtime
//! loop, so that the two can be alternated and compared.
#![expect(clippy::print_stdout, reason = "its output is the result")]

use std::path::Path;
use std::time::Instant;

use inference::SentimentModel;

fn main() -> Result<(), inference::Error> {
    let folder = std::env::args().nth(1);
    let started = Instant::now();
    let model = match &folder {
        Some(folder) => SentimentModel::from_dir(Path::new(folder))?,
        None => SentimentModel::embedded()?,
    };
    println!(
        "load {:.1} ms, accelerated: {}",
        started.elapsed().as_secs_f64() * 1e3,
        model.is_accelerated()
    );
    for tokens in [8, 32, 128] {
        let text = ["help", "with", "my", "bill", "please", "account"]
            .into_iter()
            .cycle();
        let text = text.take(tokens - 2).collect::<Vec<_>>().join(" ");
        assert_eq!(model.score(&text)?.tokens, tokens, "each word is one token");
        let mut times: Vec<f64> = Vec::new();
        for _ in 0..200 {
            let started = Instant::now();
            std::hint::black_box(model.score(&text)?);
            times.push(started.elapsed().as_secs_f64() * 1e3);
        }
        times.sort_by(f64::total_cmp);
        println!(
            "{tokens:4} tokens  p50 {:6.2} ms  min {:6.2} ms",
            times[times.len() / 2],
            times[0]
        );
    }
    Ok(())
}
