//! The Lambda function `admin`: wiring only.

use std::process::ExitCode;

use admin::config::Config;
use admin::erasure_request::handle_request;
use admin::{Deps, handle};
use backends::Backends;
use runtime::config::Env;
use runtime::lambda;

fn main() -> ExitCode {
    lambda::run("admin", || async {
        let env = Env::process();
        let backends = Backends::aws(&env).await?;
        let deps = Deps::new(&backends, Config::from_env(&env)?).await?;
        lambda::serve_events_and_http(deps, handle, handle_request).await
    })
}
