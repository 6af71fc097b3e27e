//! The Lambda function `transcript-poller`.

use std::process::ExitCode;

use runtime::config::Env;
use runtime::lambda;

fn main() -> ExitCode {
    lambda::run("transcript-poller", || async {
        let deps = transcript_poller::start::from_env(&Env::process()).await?;
        lambda::serve_events(deps, transcript_poller::handle).await
    })
}
