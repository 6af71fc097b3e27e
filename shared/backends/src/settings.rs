//! The settings that several functions share: the names of their stores and the contact center.

use runtime::settings::{Required, number, required_text, required_url, text, url};
use url::Url;

runtime::settings! {
    /// Settings of the AWS clients; [`Backends::aws`](crate::Backends::aws) reads them.
    #[derive(Debug, Clone)]
    pub struct AwsSettings {
        /// Address that replaces the one of every AWS service, for an emulator. On a loopback address the clients use placeholder
        /// credentials.
        pub endpoint_url: Option<String> = text("AWS_ENDPOINT_URL", "an http or https URL").otherwise("AWS itself"),
    }
}

runtime::settings! {
    /// The secret of a function.
    #[derive(Debug, Clone)]
    pub struct SecretSettings {
        /// Name or ARN of the secret in Secrets Manager that holds every key and password.
        pub id: Required<String> = required_text("SECRET_ID", "the name or ARN of the secret in Secrets Manager"),
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
        /// Base URL of the contact center's API; `https`, unless the host is this machine.
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
        pub count: u32 = number("POLL_SHARDS", 1, 1..=1000, "lists"),
    }
}
