//! Building the function's dependencies from the deployed environment, and what an invocation does.

use std::sync::Arc;
use std::time::Duration;

use backends::cxone_client;
use backends::stores::Stores;
use cxone::endpoints::System;
use insights_http::Deadline;
use insights_http::client::IdleConnections;
use runtime::config::Env;
use runtime::lambda::Invocation;
use serde_json::Value;
use store::objects::Objects;

use crate::config::Config;
use crate::event::ReportTask;
use crate::{Deps, Reply};

/// Kept back from Lambda's deadline for the reduce step and the writing of the report.
const REPORTING: Duration = Duration::from_secs(60);

/// The dependencies of a deployed function.
///
/// # Errors
/// If a variable is missing or wrong.
pub async fn from_env(env: &Env) -> anyhow::Result<Arc<Deps>> {
    let config = Config::from_env(env)?;
    let stores = Stores::from_env(env).await?;
    // One invocation makes thousands of calls in a row: connections are kept, and none is idle for long.
    let client = cxone_client::client(
        env,
        System::Analytics,
        &stores.secrets,
        &stores.state,
        IdleConnections::Keep,
    )?;
    let aws = store::aws::load_config(env.text("AWS_ENDPOINT_URL")).await;
    let bucket = env.required("OBJECT_BUCKET", "the name of the S3 bucket")?;
    Ok(Arc::new(Deps::new(
        client,
        Objects::open_bucket(&aws, &bucket)?,
        config,
    )))
}

/// Carries out the task of an event, up to shortly before the invocation's deadline.
///
/// # Errors
/// As [`crate::handle`]; the event's source tries again, and the next try goes on from the checkpoints.
pub async fn invoked(
    deps: Arc<Deps>,
    event: Value,
    invocation: Invocation,
) -> anyhow::Result<Reply> {
    let task = ReportTask::from_event(&event)?;
    let deadline = Deadline::at(invocation.deadline.into());
    let until = deadline.earlier_by(REPORTING);
    anyhow::ensure!(
        !until.has_passed(),
        "{} s are left of this invocation, and {} s are kept for writing the report: give the function more time",
        deadline.remaining().as_secs(),
        REPORTING.as_secs()
    );
    crate::handle(&deps, task, until).await
}
