//! The Lambda function `semantic-search`: wiring only.

use std::process::ExitCode;

use backends::Backends;
use runtime::config::Env;
use runtime::lambda;
use semantic_search::config::Config;
use semantic_search::{Deps, handle};

fn main() -> ExitCode {
    lambda::run("semantic-search", || async {
        let env = Env::process();
        let backends = Backends::aws(&env).await?;
        let deps = Deps::new(&backends, Config::from_env(&env)?).await?;
        lambda::serve_http(deps, handle).await
    })
}
