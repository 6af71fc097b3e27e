//! The Lambda function `data-action`: wiring only.

use std::process::ExitCode;

use runtime::config::Env;
use runtime::lambda;

fn main() -> ExitCode {
    lambda::run("data-action", || async {
        let deps = data_action::start::from_env(&Env::process()).await?;
        lambda::serve_http(deps, data_action::handle).await
    })
}
