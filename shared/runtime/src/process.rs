//! The settings of every process, whatever its function is.

use std::time::Duration;

use crate::settings::{seconds, text};
use crate::telemetry::DEFAULT_LOG_FILTER;

/// What the name of a stack may be.
const STACK_NAME: &str = "the name of the stack: 1 to 128 letters, digits and hyphens";

crate::settings! {
    /// The settings of every process.
    #[derive(Debug, Clone)]
    pub struct ProcessSettings {
        /// Time of one invocation under an emulator that names no deadline, such as `cargo lambda watch`. Lambda names a deadline, and
        /// this setting has no effect there.
        pub emulated_timeout: Duration = seconds("EMULATED_TIMEOUT_SECONDS", 600, 1..=86_400),
        /// Levels of the log, by module, as `tracing`'s `EnvFilter` reads them. Modules of other projects stay at `warn`,
        /// whatever is set, since some of them would log texts and keys below that.
        pub log_filter: String = text("RUST_LOG", "directives such as info,hyper=warn").or(DEFAULT_LOG_FILTER),
        /// Name of the stack, which is a dimension of every metric.
        pub stack: String = text("STACK_NAME", STACK_NAME).checked_or("local", check_stack_name),
    }
}

/// Checks that a name can be the name of a stack and the value of a dimension.
fn check_stack_name(name: &str) -> Result<(), String> {
    let is_allowed = |c: char| c.is_ascii_alphanumeric() || c == '-';
    if name.len() <= 128 && name.chars().all(is_allowed) {
        Ok(())
    } else {
        Err(STACK_NAME.to_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Env;

    #[test]
    fn the_stack_is_named_by_its_variable_and_local_without_it() {
        let stack = |env: Env| ProcessSettings::from_env(&env).map(|settings| settings.stack);
        assert_eq!(stack(Env::default()).as_deref(), Ok("local"));
        let named = Env::from_pairs([("STACK_NAME", "cxone-insights-prod")]);
        assert_eq!(stack(named).as_deref(), Ok("cxone-insights-prod"));
        let wrong = Env::from_pairs([("STACK_NAME", "two words")]);
        let message = stack(wrong).unwrap_err().to_string();
        assert!(
            message.starts_with("STACK_NAME is \"two words\""),
            "{message}"
        );
    }
}
