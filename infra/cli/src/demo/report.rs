//! Scene 5: the report of a week, as a quality manager opens it on Monday morning.

use std::time::{Duration, Instant};

use analytics_report::config::Config;
use analytics_report::range::Period;
use analytics_report::{Deps, create_report, delete_checkpoints};
use anyhow::ensure;
use insights_http::Deadline;
use store::objects::Objects;

use super::{Stage, tenant};

/// First and last day of a week of which the simulator has conversations.
const WEEK: (&str, &str) = ("2026-11-02", "2026-11-06");

/// Rate limit of transcript requests. The simulator has no limit that would have to be respected.
const REQUESTS_PER_SECOND: u32 = 5000;

/// Writes the report of a week.
pub(super) async fn play(stage: &Stage) -> anyhow::Result<()> {
    let (from, to) = match stage.context.simulated_tenant {
        None => (WEEK.0.to_owned(), WEEK.1.to_owned()),
        Some(_) => tenant::reported_days(),
    };
    println!("\n5. Analytics report: {from} to {to}");
    let begin = Instant::now();
    let folder = stage.context.data_dir.join("report");
    let objects = Objects::open_folder(&folder)?;
    delete_checkpoints(&objects, "").await?;
    let mut config = Config::from_env(&stage.context.env)?;
    config.requests_per_second = REQUESTS_PER_SECOND;
    let backends = stage.context.backends.clone().with_objects(objects);
    let deps = Deps::new(&backends, config)?;
    let period = Period::between(&from, &to)?;
    let written = create_report(
        &deps,
        period,
        "",
        Deadline::within(Duration::from_secs(120)),
    )
    .await?;
    ensure!(written.conversations > 0, "there were no conversations");
    println!(
        "   {} conversations, {} with a transcript, in {:.1} s",
        written.conversations,
        written.with_transcript,
        begin.elapsed().as_secs_f64()
    );
    println!("   open {}", folder.join("report.html").display());
    Ok(())
}
