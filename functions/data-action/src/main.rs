//! The Lambda function `data-action`: wiring only.

use std::process::ExitCode;

use backends::Backends;
use data_action::config::Config;
use data_action::{Deps, handle};
use runtime::config::Env;
use runtime::lambda;

fn main() -> ExitCode {
    lambda::run("data-action", || async {
        let env = Env::process();
        let backends = Backends::aws(&env).await?;
        let deps = Deps::new(&backends, Config::from_env(&env)?).await?;
        lambda::serve_http(deps, handle).await
    })
}
