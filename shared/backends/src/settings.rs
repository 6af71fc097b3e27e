//! The settings that several functions share: the names of their stores and the contact center.

use std::time::Duration;

use runtime::settings::{
    Required, choice, group, number, required_text, required_url, seconds, text, url,
};
use url::Url;

use crate::tenant_settings::{Profile, TenantSettings};

/// Largest number of lists that the live calls can be spread over.
pub const MAX_SHARDS: u32 = 1000;

runtime::settings! {
    /// Settings of the AWS clients; [`Backends::aws`](crate::Backends::aws) reads them.
    #[derive(Debug, Clone)]
    pub struct AwsSettings {
        /// Address that replaces the one of every AWS service, for an emulator. On a loopback address the clients use placeholder
        /// credentials.
        pub endpoint_url: Option<String> = text("AWS_ENDPOINT_URL", "an http or https URL").otherwise("AWS itself"),
        /// Name or ARN of the one secret in Secrets Manager that takes the place of each secret that is not set by itself:
        /// CALLERS_SECRET_ID, CONTACT_CENTER_SECRET_ID, DATABASE_SECRET_ID and PROVIDERS_SECRET_ID.
        pub secret_id: Option<String> = text("SECRET_ID", "the name or ARN of a secret in Secrets Manager"),
    }
}

/// What the name of a secret may be.
const SECRET_NAME: &str =
    "the name or ARN of a secret in Secrets Manager, unless SECRET_ID names one secret for all";

/// What takes the place of a secret's name.
const SHARED_SECRET: &str = "the secret of SECRET_ID";

runtime::settings! {
    /// The name of the secret with the keys by which callers and senders of webhooks prove themselves.
    #[derive(Debug, Clone)]
    pub struct CallerSecretNameSettings {
        /// Name or ARN of the secret that proves callers and senders of webhooks: `api_key`, `api_keys`, `webhook_secret` and
        /// `webhook_secrets`, and `heartbeat_key` with which the heartbeat calls.
        pub id: Required<String> = required_text("CALLERS_SECRET_ID", SECRET_NAME).otherwise(SHARED_SECRET),
    }
}

runtime::settings! {
    /// The secret with the keys by which callers and senders of webhooks prove themselves.
    #[derive(Debug, Clone)]
    pub struct CallerSecretSettings {
        /// The name of the secret that proves callers.
        pub id: Required<String> = group::<CallerSecretNameSettings>().try_map(|secret| Ok(secret.id)),
        /// How long after a change of the callers' secret the keys of its previous version are accepted too; 0 never accepts
        /// them.
        pub previous_keys: Duration = seconds("PREVIOUS_KEYS_SECONDS", 86_400, 0..=2_592_000),
    }
}

runtime::settings! {
    /// The secret with the credentials for the contact center.
    #[derive(Debug, Clone)]
    pub struct ContactCenterSecretSettings {
        /// Name or ARN of the secret with the credentials for the contact center: `client_id` and `client_secret`, and for a tenant
        /// `access_key_id` and `access_key_secret`.
        pub id: Required<String> = required_text("CONTACT_CENTER_SECRET_ID", SECRET_NAME).otherwise(SHARED_SECRET),
    }
}

runtime::settings! {
    /// The secret with the address of the database.
    #[derive(Debug, Clone)]
    pub struct DatabaseSecretSettings {
        /// Name or ARN of the secret with the address of the database, user and password included: `database_url`, and
        /// `search_database_url` for a user that only reads.
        pub id: Required<String> = required_text("DATABASE_SECRET_ID", SECRET_NAME).otherwise(SHARED_SECRET),
    }
}

runtime::settings! {
    /// The secret with the keys of services that score or embed.
    #[derive(Debug, Clone)]
    pub struct ProviderSecretSettings {
        /// Name or ARN of the secret with the keys of services that score or embed: `nlp_api_key` and `openai_api_key`. It is
        /// read only if such a service is set.
        pub id: Required<String> = required_text("PROVIDERS_SECRET_ID", SECRET_NAME).otherwise(SHARED_SECRET),
    }
}

runtime::settings! {
    /// The state store of a function.
    #[derive(Debug, Clone)]
    pub struct StateSettings {
        /// Name of the DynamoDB table that holds the state of all functions.
        pub table: Required<String> = required_text("STATE_TABLE", "the name of the DynamoDB table"),
    }
}

runtime::settings! {
    /// The object store of a function.
    #[derive(Debug, Clone)]
    pub struct ObjectSettings {
        /// Name of the S3 bucket that holds reports and archives.
        pub bucket: Required<String> = required_text("OBJECT_BUCKET", "the name of the S3 bucket"),
    }
}

runtime::settings! {
    /// The rule file of a function.
    #[derive(Debug, Clone)]
    pub struct RuleFileSettings {
        /// The rule file: `object:KEY` is an object of OBJECT_BUCKET, anything else the path of a file. A file that is refused leaves
        /// the last good one in force.
        pub file: Option<String> = text("RULES_FILE", "object:KEY or the path of a file").otherwise("the built-in rules"),
        /// Delay between two reads of the rule file.
        pub reload: Duration = seconds("RULES_RELOAD_SECONDS", 60, 1..=3600),
    }
}

runtime::settings! {
    /// The queue between the webhook receiver and the embedding writer.
    #[derive(Debug, Clone)]
    pub struct QueueSettings {
        /// URL of the SQS queue in which received webhooks wait until they are embedded.
        pub url: Required<String> = required_text("EMBEDDING_QUEUE_URL", "the URL of the SQS queue"),
    }
}

runtime::settings! {
    /// The contact center that a function calls.
    #[derive(Debug, Clone)]
    pub struct CxoneSettings {
        /// Which API the contact center has: `tutorial` for the one of published tutorials, `cxone` for that of a NICE CXone tenant.
        pub profile: Profile = choice("CXONE_PROFILE", &[("tutorial", Profile::Tutorial), ("cxone", Profile::Cxone)]),
        /// The tenant, in the profile `cxone`.
        pub tenant: TenantSettings = group::<TenantSettings>(),
        /// Base URL of the contact center's API; `https`, unless the host is this machine. In the profile `cxone` it may be left
        /// empty, and takes the place of the host that the discovery names.
        pub base_url: Required<Url> = required_url("CXONE_BASE_URL"),
        /// URL that issues access tokens.
        pub token_url: Option<Url> = url("CXONE_TOKEN_URL").otherwise("the API's own path below CXONE_BASE_URL"),
        /// OAuth scopes that are asked for, separated by spaces.
        pub scopes: Option<String> = text("CXONE_SCOPES", "scopes separated by spaces").otherwise("the scopes that the function needs"),
    }
}

runtime::settings! {
    /// The lists of live calls.
    #[derive(Debug, Clone)]
    pub struct ShardSettings {
        /// Number of lists that the live calls are spread over. One invocation of the transcript poller follows one list.
        pub count: u32 = number("POLL_SHARDS", 1, 1..=MAX_SHARDS, "lists"),
    }
}
