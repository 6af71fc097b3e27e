//! The Lambda function `embedding-writer`: wiring only.

use std::process::ExitCode;

use backends::Backends;
use embedding_writer::config::Config;
use embedding_writer::{Deps, handle};
use runtime::config::Env;
use runtime::lambda;

fn main() -> ExitCode {
    lambda::run("embedding-writer", || async {
        let env = Env::process();
        let backends = Backends::aws(&env).await?;
        let deps = Deps::new(&backends, Config::from_env(&env)?).await?;
        lambda::serve_events(deps, handle).await
    })
}
