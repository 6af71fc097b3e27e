//! The tenant of a simulated contact center: its names, credentials, permissions and licenses.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use super::quirks::Quirks;
use crate::demo_secrets;

/// The settings of a simulated tenant. Each has a default, so that a scenario lists only what differs.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct TenantSettings {
    /// Habits of the real product that are switched on.
    pub quirks: Quirks,
    /// Id of the tenant, a GUID.
    pub tenant_id: String,
    /// Number of the business unit.
    pub business_unit: i64,
    /// Area of the tenant; the default is `na1`.
    pub area: String,
    /// Cluster of the tenant; the default is `C52`.
    pub cluster: String,
    /// Domain that discovery names; the default is `niceincontact.com`.
    pub domain: String,
    /// Id of the registered application.
    pub client_id: String,
    /// Secret of the registered application.
    pub client_secret: String,
    /// How the application proves itself, which is fixed when it is registered.
    pub client_auth: ClientAuth,
    /// Id of the service user's access key.
    pub access_key_id: String,
    /// Secret of the service user's access key.
    pub access_key_secret: String,
    /// Whether the access key has expired.
    pub access_key_expired: bool,
    /// Lifetime of a token in seconds; the default is 3600.
    pub token_expires_in: u64,
    /// Number of calls after which the first token is refused, if the quirk `early-token-end` is on; the default is 25.
    pub early_token_end_after: u64,
    /// What the role of the service user permits; everything by default.
    pub permissions: BTreeSet<Permission>,
    /// What the tenant has a license for; everything by default.
    pub licenses: BTreeSet<License>,
    /// Lowest version of the contact lists that exists.
    pub lowest_version: u32,
    /// Highest version of the contact lists that exists.
    pub highest_version: u32,
    /// Hosts that serve the digital API.
    pub digital_hosts: DigitalHosts,
    /// Seconds after a segment's appearance in which its transcript is 404; the default is 20.
    pub transcript_delay_seconds: u64,
    /// Number of past days that have conversations; the default is 31.
    pub history_days: u32,
    /// Largest page of the segment feed; the default is 500.
    pub largest_feed_page: usize,
    /// Milliseconds that the list of completed contacts takes for each row; the default is 1.
    pub completed_row_ms: u64,
    /// Milliseconds after which that list breaks off; the default is 60,000.
    pub completed_limit_ms: u64,
    /// Number of the first digital contact that a scenario or a test begins; what counts is the value at the start.
    pub first_digital_number: i64,
    /// Whether a user may follow the live transcript of another agent's contact; by default nobody may.
    pub foreign_topics: bool,
}

/// How a registered application proves itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ClientAuth {
    /// By the header `Authorization: Basic`.
    Basic,
    /// By `client_id` and `client_secret` in the form.
    Post,
}

/// Hosts that serve the digital API.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DigitalHosts {
    /// The API host and the host of its own.
    Both,
    /// The API host alone.
    Api,
    /// The host of its own alone.
    Digital,
}

/// A right that the role of the service user may lack.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Permission {
    /// Reads contacts, agents and skills.
    Acd,
    /// Reads analyzed segments and their transcripts.
    Analytics,
    /// Reads and updates digital contacts.
    Digital,
    /// Follows the transcripts of live calls.
    VoiceTranscription,
}

/// A product that a tenant may lack.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum License {
    /// Interaction Analytics, which makes segments and transcripts.
    Analytics,
    /// The channels of the digital API.
    Digital,
    /// Continuous transcription of live calls.
    ContinuousTranscription,
}

impl Default for TenantSettings {
    fn default() -> Self {
        use {License as L, Permission as P};
        Self {
            quirks: Quirks::default(),
            tenant_id: "11eb0000-0000-0000-0000-0242ac110002".to_owned(),
            business_unit: 4_600_001,
            area: "na1".to_owned(),
            cluster: "C52".to_owned(),
            domain: "niceincontact.com".to_owned(),
            client_id: demo_secrets::CLIENT_ID.to_owned(),
            client_secret: demo_secrets::CLIENT_SECRET.to_owned(),
            client_auth: ClientAuth::Basic,
            access_key_id: demo_secrets::ACCESS_KEY_ID.to_owned(),
            access_key_secret: demo_secrets::ACCESS_KEY_SECRET.to_owned(),
            access_key_expired: false,
            token_expires_in: 3600,
            early_token_end_after: 25,
            permissions: [P::Acd, P::Analytics, P::Digital, P::VoiceTranscription].into(),
            licenses: [L::Analytics, L::Digital, L::ContinuousTranscription].into(),
            lowest_version: 17,
            highest_version: 34,
            digital_hosts: DigitalHosts::Both,
            transcript_delay_seconds: 20,
            history_days: 31,
            largest_feed_page: 500,
            completed_row_ms: 1,
            completed_limit_ms: 60_000,
            first_digital_number: 127_000_000_001,
            foreign_topics: false,
        }
    }
}
