//! The Lambda function `transcript-poller`: wiring only.

use std::process::ExitCode;
use std::sync::Arc;

use backends::Backends;
use runtime::config::Env;
use runtime::lambda;
use transcript_poller::config::Config;
use transcript_poller::{Deps, handle};

fn main() -> ExitCode {
    lambda::run("transcript-poller", || async {
        let env = Env::process();
        let backends = Backends::aws(&env).await?;
        let deps = Deps::new(&backends, Config::from_env(&env)?).await?;
        lambda::serve_events(Arc::new(deps), handle).await
    })
}
