//! Time of one text by its length, and of loading a model.
//!
//! `cargo bench -p inference`. One thread; tokenizing included.
#![expect(clippy::unwrap_used, reason = "a panic is how a test fails")]

use std::hint::black_box;

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use inference::{Embedder, SentimentModel};

/// Returns a text of `tokens` tokens, with the two special tokens.
fn text(tokens: usize) -> String {
    let words = ["help", "with", "my", "bill", "please", "account"]
        .into_iter()
        .cycle();
    words.take(tokens - 2).collect::<Vec<_>>().join(" ")
}

fn latency(criterion: &mut Criterion) {
    let (sentiment, embedder) = (
        SentimentModel::embedded().unwrap(),
        Embedder::embedded().unwrap(),
    );
    let mut group = criterion.benchmark_group("text");
    for tokens in [8, 32, 128] {
        let text = text(tokens);
        assert_eq!(sentiment.score(&text).unwrap().tokens, tokens);
        group.throughput(Throughput::Elements(1));
        group.bench_function(BenchmarkId::new("score", tokens), |b| {
            b.iter(|| sentiment.score(black_box(&text)))
        });
        group.bench_function(BenchmarkId::new("embed", tokens), |b| {
            b.iter(|| embedder.embed(black_box(&text)))
        });
        group.bench_function(BenchmarkId::new("tokenize", tokens), |b| {
            b.iter(|| embedder.count_tokens(black_box(&text)))
        });
    }
    group.finish();
}

fn load(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("load");
    group.sample_size(10);
    group.bench_function("sentiment", |b| b.iter(SentimentModel::embedded));
    group.bench_function("embedding", |b| b.iter(Embedder::embedded));
    group.finish();
}

criterion_group!(benches, latency, load);
criterion_main!(benches);
