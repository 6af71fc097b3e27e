//! Scene 5: the report that a quality manager opens on Monday morning.

use std::time::{Duration, Instant};

use analytics_report::config::Config;
use analytics_report::range::Period;
use analytics_report::{Deps, forget, single};
use anyhow::ensure;
use cxone::endpoints::System;
use insights_http::Deadline;
use store::objects::Objects;

use super::Stage;

/// A working week whose conversations the simulated contact centre has.
const WEEK: (&str, &str) = ("2026-11-02", "2026-11-06");

/// The simulated contact centre has no limit to keep to.
const REQUESTS_PER_SECOND: u32 = 5000;

/// Makes the report of a week.
pub(super) async fn play(stage: &Stage) -> anyhow::Result<()> {
    println!("\n5. Analytics report: {} to {}", WEEK.0, WEEK.1);
    let begin = Instant::now();
    let folder = stage.home.data_dir.join("report");
    let objects = Objects::folder(&folder)?;
    forget(&objects, "").await?;
    let mut config = Config::from_env(&stage.home.env)?;
    config.requests_per_second = REQUESTS_PER_SECOND;
    let deps = Deps::new(stage.home.cxone_client(System::Analytics)?, objects, config);
    let period = Period::between(WEEK.0, WEEK.1)?;
    let written = single(
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
