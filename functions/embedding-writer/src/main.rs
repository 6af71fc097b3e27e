//! The Lambda function `embedding-writer`: wiring only.

use std::process::ExitCode;

use runtime::config::Env;
use runtime::lambda;

fn main() -> ExitCode {
    lambda::run("embedding-writer", || async {
        let deps = embedding_writer::start::from_env(&Env::process()).await?;
        lambda::serve_events(deps, embedding_writer::handle).await
    })
}
