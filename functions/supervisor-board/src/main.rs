//! The Lambda function `supervisor-board`: wiring only.

use std::process::ExitCode;

use backends::Backends;
use runtime::config::Env;
use runtime::lambda;
use supervisor_board::config::Config;
use supervisor_board::{Deps, handle};

fn main() -> ExitCode {
    lambda::run("supervisor-board", || async {
        let env = Env::process();
        let backends = Backends::aws(&env).await?;
        let deps = Deps::new(&backends, Config::from_env(&env)?)?;
        lambda::serve_http(deps, handle).await
    })
}
