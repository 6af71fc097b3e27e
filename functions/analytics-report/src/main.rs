//! The Lambda function `analytics-report`: wiring only.

use std::process::ExitCode;

use analytics_report::config::Config;
use analytics_report::{Deps, handle};
use backends::Backends;
use runtime::config::Env;
use runtime::lambda;

fn main() -> ExitCode {
    lambda::run("analytics-report", || async {
        let env = Env::process();
        let backends = Backends::aws(&env).await?;
        let deps = Deps::new(&backends, Config::from_env(&env)?)?;
        lambda::serve_events(deps, handle).await
    })
}
