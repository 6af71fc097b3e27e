//! Scene 4 with a tenant: its finished conversations are fetched, since no webhook brings their texts, and a search finds them by
//! meaning.

use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::ensure;
use feeder::config::Config;
use feeder::{Deps, feed};
use insights_http::Deadline;
use insights_http::rate_limit::RateLimiter;

use super::Stage;
use super::embedding::print_answers;
use crate::embed::{IndexerSink, describe};

/// Longest time that the scene may take.
const SCENE_TIMEOUT: Duration = Duration::from_secs(120);

/// Conversations in a second that may be embedded: nobody else waits for this machine.
const CONVERSATIONS_PER_SECOND: u32 = 1000;

/// Embeds the finished conversations of the last days, and searches.
pub(super) async fn play(stage: &Stage) -> anyhow::Result<()> {
    println!("\n4. Embeddings: the finished conversations of the tenant, without a webhook");
    let begin = Instant::now();
    let config = Config::from_env(&stage.context.env)?;
    let sink = Arc::new(IndexerSink::new(stage.pipeline.indexer()?));
    let mut deps = Deps::with_sink(&stage.context.backends, config, sink)?;
    deps.pace = RateLimiter::new(CONVERSATIONS_PER_SECOND, CONVERSATIONS_PER_SECOND);
    let summary = feed(&deps, Deadline::within(SCENE_TIMEOUT)).await?;
    ensure!(summary.is_complete, "the list was not read to its end");
    println!(
        "   {}; this took {:.1} s",
        describe(&summary),
        begin.elapsed().as_secs_f64()
    );
    print_answers(stage).await
}
