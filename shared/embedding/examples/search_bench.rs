//! Search latency and recall on PostgreSQL: `cargo run -p embedding --example search_bench -- [ROWS] [DATABASE_URL]`.
//!
//! The vectors are synthetic: 384 dimensions around 1,000 random centers of unequal weight, each with a residue of its own,
//! which is about how sentence embeddings lie. Queries are drawn from the same mixture and are not among the rows. Recall
//! is against the exact order, computed here.
#![expect(clippy::print_stdout, reason = "a measurement is printed")]

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

use insights_core::indexing::{SOURCE_SYSTEM, row_id};
use jiff::Timestamp;
use secrecy::SecretString;
use serde_json::{Map, Value, json};
use store::vectors::{
    ChunkRow, EmbeddedConversation, EmbeddingModel, PgVectors, VectorQuery, VectorStore,
};

const DIMENSION: usize = 384;
const CLUSTER_CENTERS: usize = 1000;
const QUERIES: usize = 200;
const LIMIT: usize = 10;
const BATCH: usize = 500;

/// A small generator of its own, so that a run can be repeated.
struct Random(u64);

impl Random {
    fn next(&mut self) -> f32 {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 40) as f32 / (1_u32 << 24) as f32
    }

    /// About normal: the sum of four uniform numbers.
    fn normal(&mut self) -> f32 {
        (0..4).map(|_| self.next()).sum::<f32>() - 2.0
    }

    fn vector(&mut self, center: &[f32]) -> Vec<f32> {
        let vector: Vec<f32> = center
            .iter()
            .map(|value| value + 0.7 * self.normal())
            .collect();
        let length = vector.iter().map(|value| value * value).sum::<f32>().sqrt();
        vector.iter().map(|value| value / length).collect()
    }

    /// Few centers are frequent, most are rare.
    fn center(&mut self) -> usize {
        ((self.next() * self.next()) * CLUSTER_CENTERS as f32) as usize % CLUSTER_CENTERS
    }
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let mut arguments = std::env::args().skip(1);
    let rows: usize = arguments.next().map_or(Ok(100_000), |rows| rows.parse())?;
    let fresh = arguments
        .next()
        .map_or_else(|| Err(dev_stack::create_database()), Ok);
    let url = fresh.as_ref().unwrap_or_else(|database| &database.url);
    let model = EmbeddingModel {
        name: "synthetic".to_owned(),
        dimension: DIMENSION,
    };
    let store = PgVectors::new(&SecretString::from(url.as_str()), SOURCE_SYSTEM, model, 2)?;
    store.prepare(soon()).await?;

    let mut random = Random(7);
    let centers: Vec<Vec<f32>> = (0..CLUSTER_CENTERS)
        .map(|_| (0..DIMENSION).map(|_| random.normal()).collect())
        .collect();
    let mut vector = || {
        let center = random.center();
        random.vector(&centers[center])
    };
    let vectors: Vec<Vec<f32>> = (0..rows).map(|_| vector()).collect();
    let questions: Vec<Vec<f32>> = (0..QUERIES).map(|_| vector()).collect();

    let started = Instant::now();
    for (batch, part) in vectors.chunks(BATCH).enumerate() {
        let conversations: Vec<EmbeddedConversation> = part
            .iter()
            .zip(batch * BATCH..)
            .map(|(vector, index)| conversation(index, vector))
            .collect();
        store.replace(&conversations, soon()).await?;
    }
    let wrote = started.elapsed();
    println!(
        "{rows} rows written with their index in {:.0} s ({:.0}/s)",
        wrote.as_secs_f64(),
        rows as f64 / wrote.as_secs_f64()
    );

    for (name, filter, every) in [
        ("no filter", json!({}), 1),
        ("filter of 10 %", json!({"intent_category": "tenth"}), 10),
        ("filter of 0.1 %", json!({"intent_category": "rare"}), 1000),
    ] {
        let filter: BTreeMap<String, Value> = serde_json::from_value(filter)?;
        measure(&store, name, &filter, every, &vectors, &questions).await?;
    }
    Ok(())
}

async fn measure(
    store: &PgVectors,
    name: &str,
    filter: &BTreeMap<String, Value>,
    every: usize,
    vectors: &[Vec<f32>],
    questions: &[Vec<f32>],
) -> anyhow::Result<()> {
    let (mut times, mut recalled, mut wanted) = (Vec::new(), 0, 0);
    for (index, question) in questions.iter().chain(&questions[..20]).enumerate() {
        let query = VectorQuery {
            embedding: question.clone(),
            limit: LIMIT,
            filter: filter.clone(),
        };
        let started = Instant::now();
        let hits = store.search(&query, soon()).await?;
        // The last repeat the first, which warmed the cache.
        if index < 20 {
            continue;
        }
        times.push(started.elapsed());
        let exact = exact(question, vectors, every);
        wanted += exact.len();
        recalled += hits
            .iter()
            .filter(|hit| exact.contains(&hit.conversation_id))
            .count();
    }
    times.sort_unstable();
    let percentile = |p: usize| millis(times[(times.len() * p / 100).min(times.len() - 1)]);
    println!(
        "{name}: p50 {:.1} ms, p95 {:.1} ms, p99 {:.1} ms; recall@{LIMIT} {:.3}",
        percentile(50),
        percentile(95),
        percentile(99),
        recalled as f64 / wanted as f64
    );
    Ok(())
}

/// Returns a deadline that no call of the benchmark reaches.
fn soon() -> tokio::time::Instant {
    tokio::time::Instant::now() + Duration::from_secs(600)
}

fn millis(time: Duration) -> f64 {
    time.as_secs_f64() * 1e3
}

fn conversation(index: usize, vector: &[f32]) -> EmbeddedConversation {
    let category = match index {
        _ if index.is_multiple_of(1000) => "rare",
        _ if index.is_multiple_of(10) => "tenth",
        _ => "common",
    };
    let metadata: Map<String, Value> = [
        ("intent_category", json!(category)),
        ("contains_pii", json!(index.is_multiple_of(7))),
    ]
    .map(|(name, value)| (name.to_owned(), value))
    .into_iter()
    .collect();
    let conversation_id = format!("conversation-{index}");
    EmbeddedConversation {
        event_time: Timestamp::UNIX_EPOCH,
        event_digest: String::new(),
        content_hash: String::new(),
        rows: vec![ChunkRow {
            id: row_id(&conversation_id, 0, "synthetic"),
            chunk_index: 0,
            text: format!(
                "Customer: this is the text of conversation {index}, about as long as a short turn is."
            ),
            embedding: vector.to_vec(),
            metadata,
        }],
        conversation_id,
    }
}

/// The ids of the nearest rows of the filter's part.
fn exact(question: &[f32], vectors: &[Vec<f32>], every: usize) -> BTreeSet<String> {
    let dot = |vector: &[f32]| question.iter().zip(vector).map(|(a, b)| a * b).sum::<f32>();
    let in_part = |index: usize| match every {
        1 => true,
        10 => index.is_multiple_of(10) && !index.is_multiple_of(1000),
        every => index.is_multiple_of(every),
    };
    let mut all: Vec<(f32, usize)> = vectors
        .iter()
        .enumerate()
        .filter(|(index, _)| in_part(*index))
        .map(|(index, vector)| (dot(vector), index))
        .collect();
    all.sort_unstable_by(|a, b| b.0.total_cmp(&a.0));
    all.into_iter()
        .take(LIMIT)
        .map(|(_, index)| format!("conversation-{index}"))
        .collect()
}
