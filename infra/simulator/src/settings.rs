//! What the simulated contact centre accepts: credentials, scopes, token life.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use crate::demo_secrets;

/// Every scope that the contact centre knows; a token request with another one is a bad request.
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

/// The settings; each has a default, so that a scenario names only what differs.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Settings {
    /// The OAuth client id it knows; `demo-client`.
    pub client_id: String,
    /// Its secret; `demo-secret`.
    pub client_secret: String,
    /// The key of the sentiment service; `demo-nlp-key`.
    pub nlp_api_key: String,
    /// The key of the embeddings service; `demo-openai-key`.
    pub openai_api_key: String,
    /// A part of a text because of which the embeddings service refuses a request; none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub openai_refuses: Option<String>,
    /// How long a token lives, in seconds; 3600.
    pub token_expires_in: u64,
    /// The scopes that the client is granted; all.
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
