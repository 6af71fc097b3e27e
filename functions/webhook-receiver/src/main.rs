//! The Lambda function `webhook-receiver`: wiring only.

use std::process::ExitCode;

use backends::Backends;
use runtime::config::Env;
use runtime::lambda;
use webhook_receiver::config::Config;
use webhook_receiver::{Deps, handle};

fn main() -> ExitCode {
    lambda::run("webhook-receiver", || async {
        let env = Env::process();
        let backends = Backends::aws(&env).await?;
        let deps = Deps::new(&backends, Config::from_env(&env)?)?;
        lambda::serve_http(deps, handle).await
    })
}
