//! The Lambda function `analytics-report`: wiring only.

use std::process::ExitCode;

use runtime::config::Env;
use runtime::lambda;

fn main() -> ExitCode {
    lambda::run("analytics-report", || async {
        let deps = analytics_report::start::from_env(&Env::process()).await?;
        lambda::serve_events(deps, analytics_report::start::invoked).await
    })
}
