//! The AWS clients' shared configuration and the meaning of their errors.
//!
//! One [`SdkConfig`] per process: reading the environment and setting up TLS is a good part of a cold start.

use std::time::Duration;

use aws_config::retry::RetryConfig;
use aws_config::timeout::TimeoutConfig;
use aws_config::{BehaviorVersion, Region, SdkConfig};
use tokio::sync::OnceCell;

use crate::Error;
use sdk::config::{Credentials, SharedCredentialsProvider};
use sdk::error::{ProvideErrorMetadata, SdkError};

#[cfg(feature = "aws")]
use aws_sdk_dynamodb as sdk;
#[cfg(all(feature = "queue", not(feature = "aws")))]
use aws_sdk_sqs as sdk;

/// Time to a TLS connection; a small function's processor share makes handshakes slow, hence not less.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(2);
/// One try, from sending to the whole answer. Ten times what these services usually take.
const ATTEMPT_TIMEOUT: Duration = Duration::from_secs(3);
/// All tries together.
const OPERATION_TIMEOUT: Duration = Duration::from_secs(10);
/// Tries of one operation. Three also survive the dead sockets that a thawed function finds in its pool.
const MAX_ATTEMPTS: u32 = 3;
/// The first pause between tries, before jitter.
const INITIAL_BACKOFF: Duration = Duration::from_millis(50);
/// The longest pause between tries.
const MAX_BACKOFF: Duration = Duration::from_secs(1);
/// The region when an emulator is addressed and the environment names none; emulators sign for any.
const EMULATOR_REGION: &str = "us-east-1";
/// The variables that name a region.
const REGION_VARIABLES: [&str; 2] = ["AWS_REGION", "AWS_DEFAULT_REGION"];

/// The shared configuration: region and credentials from the environment as usual, timeouts and retries fit for a
/// function. Loaded at the first call and kept.
///
/// `endpoint` replaces every service's address. A loopback address means an emulator: it gets placeholder
/// credentials, so that real ones never leave for it, and a configuration of its own at each call.
pub async fn config(endpoint: Option<&str>) -> SdkConfig {
    static DEPLOYED: OnceCell<SdkConfig> = OnceCell::const_new();
    match endpoint {
        None => DEPLOYED.get_or_init(|| loader().load()).await.clone(),
        Some(url) if is_loopback(url) => {
            let placeholder = Credentials::new("local", "local", None, None, "emulator");
            let mut loader = loader()
                .endpoint_url(url)
                .credentials_provider(SharedCredentialsProvider::new(placeholder));
            if REGION_VARIABLES
                .iter()
                .all(|name| std::env::var_os(name).is_none())
            {
                loader = loader.region(Region::from_static(EMULATOR_REGION));
            }
            loader.load().await
        }
        Some(url) => loader().endpoint_url(url).load().await,
    }
}

fn loader() -> aws_config::ConfigLoader {
    aws_config::defaults(BehaviorVersion::latest())
        .retry_config(
            RetryConfig::standard()
                .with_max_attempts(MAX_ATTEMPTS)
                .with_initial_backoff(INITIAL_BACKOFF)
                .with_max_backoff(MAX_BACKOFF),
        )
        .timeout_config(
            TimeoutConfig::builder()
                .connect_timeout(CONNECT_TIMEOUT)
                .operation_attempt_timeout(ATTEMPT_TIMEOUT)
                .operation_timeout(OPERATION_TIMEOUT)
                .build(),
        )
}

/// Whether an endpoint is on this machine.
pub(crate) fn is_loopback(url: &str) -> bool {
    let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
    let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
    let host = match authority.strip_prefix('[') {
        Some(v6) => v6.split(']').next().unwrap_or_default(),
        None => authority.split(':').next().unwrap_or_default(),
    };
    host == "localhost"
        || host
            .parse::<std::net::IpAddr>()
            .is_ok_and(|ip| ip.is_loopback())
}

/// Which call on which resource failed.
pub(crate) struct Failed<'a> {
    /// The service, e.g. `DynamoDB`.
    pub(crate) store: &'static str,
    /// The operation, e.g. `GetItem`.
    pub(crate) operation: &'static str,
    /// The table, queue, secret or item.
    pub(crate) what: &'a str,
}

impl Failed<'_> {
    /// What a client's error means to the caller. Messages of the services name parameters and limits, not bodies.
    pub(crate) fn with_cause<E, R>(&self, error: SdkError<E, R>) -> Error
    where
        E: ProvideErrorMetadata + std::error::Error + Send + Sync + 'static,
        R: std::fmt::Debug + Send + Sync + 'static,
    {
        let (mut code, mut message) = (String::new(), String::new());
        if let SdkError::ServiceError(service) = &error {
            code.push_str(service.err().code().unwrap_or_default());
            message.extend(
                service
                    .err()
                    .message()
                    .unwrap_or_default()
                    .chars()
                    .take(200),
            );
        }
        let code = code
            .strip_prefix("AWS.SimpleQueueService.")
            .unwrap_or(&code);
        match code {
            "ResourceNotFoundException"
            | "QueueDoesNotExist"
            | "NonExistentQueue"
            | "AccessDenied"
            | "AccessDeniedException"
            | "UnrecognizedClientException"
            | "InvalidSignatureException"
            | "InvalidClientTokenId"
            | "DecryptionFailure" => {
                Error::missing_with(format!("{} {} ({code})", self.store, self.what), error)
            }
            "ValidationException"
            | "SerializationException"
            | "InvalidParameterException"
            | "InvalidParameterValue"
            | "InvalidParameterValueException"
            | "InvalidRequestException"
            | "InvalidMessageContents"
            | "ItemCollectionSizeLimitExceededException" => Error::Limit {
                what: format!("{} of {}", self.operation, self.what),
                limit: format!("{code}: {message}"),
                source: Some(Box::new(error)),
            },
            _ => Error::Unavailable {
                store: self.store,
                operation: self.operation,
                source: Box::new(error),
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_endpoint_on_this_machine_is_told_from_one_that_only_looks_like_it() {
        for local in [
            "http://127.0.0.1:5000",
            "http://localhost:8000/",
            "http://[::1]:4566",
            "http://127.9.9.9",
        ] {
            assert!(is_loopback(local), "{local}");
        }
        for remote in [
            "https://dynamodb.eu-west-1.amazonaws.com",
            "http://localhost.example.com",
            "http://127.0.0.1.example.com",
            "http://10.0.0.1:8000",
        ] {
            assert!(!is_loopback(remote), "{remote}");
        }
    }
}
