//! Embeddings a second on every core, as the writer makes them: `cargo run -p embedding --example embed_bench`.
#![expect(clippy::print_stdout, reason = "a measurement is printed")]

use std::time::{Duration, Instant};

use embedding::provider::{EmbeddingProvider, LocalProvider};
use inference::{Embedder, WorkerPool};
use insights_http::Deadline;

/// How long each length is measured.
const FOR: Duration = Duration::from_secs(10);

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let provider = LocalProvider::new(WorkerPool::new(Embedder::embedded()?, None));
    for tokens in [32, 128] {
        // Each word is one token; two of the tokens are the model's own.
        let text = "refund ".repeat(tokens - 2);
        let texts = vec![text.as_str(); 64];
        let (mut count, started) = (0, Instant::now());
        while started.elapsed() < FOR {
            let vectors = provider.embed(&texts, Deadline::within(FOR * 6)).await;
            anyhow::ensure!(vectors.iter().all(Result::is_ok), "a text has no vector");
            count += vectors.len();
        }
        println!(
            "{tokens} tokens: {:.0} embeddings/s",
            count as f64 / started.elapsed().as_secs_f64()
        );
    }
    Ok(())
}
