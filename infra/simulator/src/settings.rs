//! The credentials, scopes and token lifetime of a simulated contact center.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use crate::demo_secrets;

/// Every scope that the contact center knows. A token request with another scope is answered with 400.
pub const SCOPES: [&str; 16] = [
    "data-actions:write",
    "data-actions:read",
    "interactions:read",
    "interactions:view",
    "interactions:write",
    "agentassist:write",
    "read:conversation",
    "read:analytics",
    "dataaction:read",
    "webhook:read",
    "chat:read",
    "chat:write",
    "presence:read",
    "presence:write",
    "routing:read",
    "routing:write",
];

/// The settings of a simulator. Each has a default, so that a scenario lists only what differs.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Settings {
    /// OAuth client id that is accepted; the default is `demo-client`.
    pub client_id: String,
    /// OAuth client secret that is accepted; the default is `demo-secret`.
    pub client_secret: String,
    /// Key of the sentiment service; the default is `demo-nlp-key`.
    pub nlp_api_key: String,
    /// Key of the embeddings service; the default is `demo-openai-key`.
    pub openai_api_key: String,
    /// The embeddings service refuses texts that contain this part; by default it refuses none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub openai_refuses: Option<String>,
    /// Lifetime of a token in seconds; the default is 3600.
    pub token_expires_in: u64,
    /// Scopes that are granted to the client; all scopes by default.
    pub granted_scopes: BTreeSet<String>,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            client_id: demo_secrets::CLIENT_ID.to_owned(),
            client_secret: demo_secrets::CLIENT_SECRET.to_owned(),
            nlp_api_key: demo_secrets::NLP_API_KEY.to_owned(),
            openai_api_key: demo_secrets::OPENAI_API_KEY.to_owned(),
            openai_refuses: None,
            token_expires_in: 3600,
            granted_scopes: SCOPES.iter().map(|&scope| scope.to_owned()).collect(),
        }
    }
}
