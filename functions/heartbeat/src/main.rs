//! The Lambda function `heartbeat`: wiring only.

use std::process::ExitCode;

use backends::Backends;
use heartbeat::config::Config;
use heartbeat::{Deps, handle};
use runtime::config::Env;
use runtime::lambda;

fn main() -> ExitCode {
    lambda::run("heartbeat", || async {
        let env = Env::process();
        let backends = Backends::aws(&env).await?;
        let deps = Deps::new(&backends, Config::from_env(&env)?)?;
        lambda::serve_events(deps, handle).await
    })
}
