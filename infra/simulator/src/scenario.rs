//! What a simulator starts with, and the scenario file that describes it.
//!
//! A scenario file is TOML, or JSON if its name ends in `.json`. Every key is optional:
//!
//! ```toml
//! seed = 42                        # seed of everything random
//!
//! [settings]
//! client_id = "demo-client"
//! client_secret = "demo-secret"
//! nlp_api_key = "demo-nlp-key"
//! token_expires_in = 3600          # seconds
//! granted_scopes = ["data-actions:read", "data-actions:write"]
//!
//! [[faults]]
//! path = "/api/v2/data-actions"    # `*` matches one segment, `**` at the end matches the rest
//! method = "POST"                  # every method, if left out
//! after = 1                        # requests that pass before the rule applies; default 0
//! times = 2                        # number of requests that are hit; unlimited, if left out
//! probability = 0.5                # default 1
//! kind = "status"
//! status = 429
//! retry_after = 1                  # seconds; or retry_after_date_in = 1 for an HTTP date
//!
//! [[faults]]
//! path = "/v1/sentiment"
//! kind = "answer"                  # a fixed answer
//! status = 200
//! body = { score = "high" }
//!
//! [[calls]]                        # a live call, which starts with the simulator
//! id = "call-1"
//! waits = true                     # the call starts when its transcript is first requested; default false
//! [[calls.lines]]
//! at_ms = 2000                     # when the utterance starts, from the start of the call
//! duration_ms = 3000
//! direction = "customer"           # or "agent"
//! text = "I was charged twice."
//! final_after_ms = 400             # time from the end until the segment is final; partials appear from the start
//! repeats = true                   # every answer contains the segment twice; default false
//! ```
//!
//! The section `[conversations]` is described in [`conversations`](crate::conversations), and `[chat]` in
//! [`chat::script`](crate::chat::script), `[tenant]` in [`tenant`](crate::tenant).
//!
//! The kinds of faults are `status` (needs `status`), `delay` (needs `delay_ms`), `drop`, `lose_answer`, `truncate`, `malformed_json`,
//! `wrong_content`, `answer` (needs `body`), `revoke_tokens`; see [`Fault`](crate::Fault) for their effects.

use std::path::Path;

use serde::{Deserialize, Serialize};

use crate::chat::script::ChatSettings;
use crate::conversations::model::Conversations;
use crate::fault::FaultRule;
use crate::live::script::Call;
use crate::settings::Settings;
use crate::tenant::settings::TenantSettings;

/// What a simulator starts with. The default has no faults, no live calls and no chats.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Scenario {
    /// Seed of everything random; the default is 42.
    pub seed: u64,
    /// Credentials, scopes and token lifetime.
    pub settings: Settings,
    /// Fault rules in the order in which they are tried.
    pub faults: Vec<FaultRule>,
    /// Live calls that the simulator plays.
    pub calls: Vec<Call>,
    /// Settings and scripts of the chat system.
    pub chat: ChatSettings,
    /// Past conversations and how they are listed.
    pub conversations: Conversations,
    /// Tenant of the profile `cxone`.
    pub tenant: TenantSettings,
}

impl Default for Scenario {
    fn default() -> Self {
        Self {
            seed: 42,
            settings: Settings::default(),
            faults: Vec::new(),
            calls: Vec::new(),
            chat: ChatSettings::default(),
            conversations: Conversations::default(),
            tenant: TenantSettings::default(),
        }
    }
}

/// Why a scenario file cannot be used. The message names the file, the line, and what is allowed there.
#[derive(Debug)]
pub struct ScenarioError(String);

impl std::fmt::Display for ScenarioError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for ScenarioError {}

impl Scenario {
    /// Reads a scenario file.
    ///
    /// # Errors
    /// [`ScenarioError`] if the file cannot be read, or has a key or a value that does not exist.
    pub fn from_file(path: &Path) -> Result<Self, ScenarioError> {
        let named = |error: String| ScenarioError(format!("scenario {}: {error}", path.display()));
        let text = std::fs::read_to_string(path).map_err(|error| named(error.to_string()))?;
        let is_json = path
            .extension()
            .is_some_and(|extension| extension.eq_ignore_ascii_case("json"));
        let scenario = if is_json {
            Self::from_json(&text)
        } else {
            Self::from_toml(&text)
        };
        scenario.map_err(|error| named(error.0))
    }

    /// Parses a scenario written in TOML.
    ///
    /// # Errors
    /// [`ScenarioError`] with the line and what is allowed there.
    pub fn from_toml(text: &str) -> Result<Self, ScenarioError> {
        toml::from_str(text).map_err(|error| ScenarioError(error.to_string().trim_end().to_owned()))
    }

    /// Parses a scenario written in JSON.
    ///
    /// # Errors
    /// [`ScenarioError`] with the line and what is allowed there.
    pub fn from_json(text: &str) -> Result<Self, ScenarioError> {
        serde_json::from_str(text).map_err(|error| ScenarioError(error.to_string()))
    }

    /// Adds a fault rule to the scenario.
    #[must_use]
    pub fn with_fault(mut self, rule: FaultRule) -> Self {
        self.faults.push(rule);
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fault::{Fault, RetryAfter};

    #[test]
    fn a_file_in_toml_and_one_in_json_are_equal() {
        let toml = Scenario::from_toml(
            r#"
            seed = 7
            [settings]
            token_expires_in = 30
            [[faults]]
            path = "/oauth/token"
            kind = "status"
            status = 429
            retry_after = 1
            times = 2
            "#,
        );
        let json = Scenario::from_json(
            r#"{"seed": 7, "settings": {"token_expires_in": 30}, "faults": [
                {"path": "/oauth/token", "kind": "status", "status": 429, "retry_after": 1, "times": 2}]}"#,
        );
        let rule =
            FaultRule::new("/oauth/token", Fault::Status(429, RetryAfter::Seconds(1))).times(2);
        let settings = Settings {
            token_expires_in: 30,
            ..Settings::default()
        };
        let wanted = Scenario {
            seed: 7,
            settings,
            faults: vec![rule],
            ..Scenario::default()
        };
        assert_eq!(toml.unwrap(), wanted);
        assert_eq!(json.unwrap(), wanted);
    }

    #[test]
    fn a_bad_file_names_the_line_and_what_is_allowed() {
        let cases = [
            (
                "seed = 1\nsettngs = 3\n",
                ["line 2", "unknown field `settngs`", "`settings`"],
            ),
            (
                "[settings]\nclient = \"x\"\n",
                ["line 2", "unknown field `client`", "`client_id`"],
            ),
            (
                "\n[[faults]]\npath = \"/a\"\nkind = \"status\"\n",
                ["line 2", "this kind needs status", "faults"],
            ),
            (
                "[[faults]]\npath = \"/a\"\nkind = \"boom\"\n",
                ["line 3", "unknown variant `boom`", "`lose_answer`"],
            ),
        ];
        for (text, wanted) in cases {
            let error = Scenario::from_toml(text).unwrap_err().to_string();
            for part in wanted {
                assert!(error.contains(part), "`{part}` not in: {error}");
            }
        }
        let error = Scenario::from_json("{\"seed\": 1,\n \"sed\": 2}")
            .unwrap_err()
            .to_string();
        assert!(
            error.contains("unknown field `sed`") && error.contains("line 2"),
            "{error}"
        );
    }
}
