//! The Lambda function `chat-session`: wiring only.

use std::process::ExitCode;

use runtime::config::Env;
use runtime::lambda;

fn main() -> ExitCode {
    lambda::run("chat-session", || async {
        let deps = chat_session::start::from_env(&Env::process()).await?;
        lambda::serve_events(deps, chat_session::handle).await
    })
}
