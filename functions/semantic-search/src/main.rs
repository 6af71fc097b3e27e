//! The Lambda function `semantic-search`: wiring only.

use std::process::ExitCode;

use runtime::config::Env;
use runtime::lambda;

fn main() -> ExitCode {
    lambda::run("semantic-search", || async {
        let deps = semantic_search::start::from_env(&Env::process()).await?;
        lambda::serve_http(deps, semantic_search::handle).await
    })
}
