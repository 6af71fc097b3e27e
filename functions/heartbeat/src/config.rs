//! The settings of the function, read once at start.

use backends::settings::CallerSecretNameSettings;
use runtime::settings::{Required, group, required_url, text};
use smoke::{Check, parse_checks};
use url::Url;

/// What the list of checks may be.
const CHECKS_ALLOWED: &str = "checks separated by commas: health, score, search, call";

runtime::settings! {
    /// The configuration of the heartbeat.
    #[derive(Debug, Clone)]
    pub struct Config {
        /// The secret with the key that is sent.
        pub callers: CallerSecretNameSettings = group::<CallerSecretNameSettings>(),
        /// URL of the HTTP API that is checked; `https`, unless the host is this machine. The key is `heartbeat_key` of the callers'
        /// secret, or `api_key` where there is none.
        pub api_url: Required<Url> = required_url("HEARTBEAT_API_URL"),
        /// Checks that are made. `search` wakes a database that sleeps while it is not used.
        pub checks: Vec<Check> = text("HEARTBEAT_CHECKS", CHECKS_ALLOWED)
            .checked_or("health,score,search,call", |names| parse_checks(names).map(drop))
            .map(|names| parse_checks(&names).unwrap_or_default()),
    }
}

#[cfg(test)]
mod tests {
    use runtime::config::Env;
    use smoke::ALL_CHECKS;

    use super::*;

    #[test]
    fn every_check_is_made_unless_some_are_named() {
        let checks = |env: Env| Config::from_env(&env).map(|config| config.checks);
        assert_eq!(checks(Env::default()), Ok(ALL_CHECKS.to_vec()));
        let some = Env::from_pairs([("HEARTBEAT_CHECKS", "score,health")]);
        assert_eq!(checks(some), Ok(vec![Check::Health, Check::Score]));
        let wrong = Env::from_pairs([("HEARTBEAT_CHECKS", "pulse")]);
        let message = checks(wrong).unwrap_err().to_string();
        assert!(
            message.starts_with("HEARTBEAT_CHECKS is \"pulse\", but must be names of checks"),
            "{message}"
        );
    }
}
