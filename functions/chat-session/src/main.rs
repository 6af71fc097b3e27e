//! The Lambda function `chat-session`: wiring only.

use std::process::ExitCode;
use std::sync::Arc;

use backends::Backends;
use chat_session::config::Config;
use chat_session::{Deps, handle};
use runtime::config::Env;
use runtime::lambda;

fn main() -> ExitCode {
    lambda::run("chat-session", || async {
        let env = Env::process();
        let backends = Backends::aws(&env).await?;
        let deps = Deps::new(&backends, Config::from_env(&env)?).await?;
        lambda::serve_events(Arc::new(deps), handle).await
    })
}
