//! The Lambda function `webhook-receiver`: wiring only.

use std::process::ExitCode;

use runtime::config::Env;
use runtime::lambda;

fn main() -> ExitCode {
    lambda::run("webhook-receiver", || async {
        let deps = webhook_receiver::start::from_env(&Env::process()).await?;
        lambda::serve_http(deps, webhook_receiver::handle).await
    })
}
