//! The credentials of demonstrations and tests: those that the simulator accepts by default, and those that the functions
//! accept from their own callers.

/// OAuth client id that the simulator accepts.
pub const CLIENT_ID: &str = "demo-client";

/// OAuth client secret that the simulator accepts.
pub const CLIENT_SECRET: &str = "demo-secret";

/// Id of the access key that the simulated tenant accepts. Its end must be percent-encoded in a form.
pub const ACCESS_KEY_ID: &str = "DEMOACCESSKEYIDDEMOACCESSKEYIDDEMOACCESSKEYIDDEMOKEY====";

/// Secret of the access key that the simulated tenant accepts.
pub const ACCESS_KEY_SECRET: &str = "DEMOACCESSKEYSECRETDEMOACCESSKEYSECRETDEMOACCESSKEYS====";

/// Key of the simulated sentiment service.
pub const NLP_API_KEY: &str = "demo-nlp-key";

/// Key of the simulated embeddings service.
pub const OPENAI_API_KEY: &str = "demo-openai-key";

/// Key that callers send to the HTTP functions when a local run configures no other key.
pub const API_KEY: &str = "local-key";

/// Secret that signs webhook deliveries when a local run configures no other secret.
pub const WEBHOOK_SECRET: &str = "local-webhook-secret";

/// All demonstration secrets, each with the name under which the functions look it up. `database_url` is missing, because
/// it depends on the database that is started.
pub const ALL: [(&str, &str); 8] = [
    ("client_id", CLIENT_ID),
    ("client_secret", CLIENT_SECRET),
    ("access_key_id", ACCESS_KEY_ID),
    ("access_key_secret", ACCESS_KEY_SECRET),
    ("api_key", API_KEY),
    ("webhook_secret", WEBHOOK_SECRET),
    ("openai_api_key", OPENAI_API_KEY),
    ("nlp_api_key", NLP_API_KEY),
];
