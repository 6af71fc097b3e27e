//! The shared configuration of the AWS clients, and what their errors mean.
//!
//! There is one [`SdkConfig`] in a process, because reading the environment and setting up TLS is a good part of a cold
//! start.

use std::time::Duration;

pub use aws_config::SdkConfig;
use aws_config::retry::RetryConfig;
use aws_config::timeout::TimeoutConfig;
use aws_config::{BehaviorVersion, Region};
use tokio::sync::OnceCell;

use crate::Error;
use sdk::config::{Credentials, SharedCredentialsProvider};
use sdk::error::{ProvideErrorMetadata, SdkError};

#[cfg(feature = "aws")]
use aws_sdk_dynamodb as sdk;
#[cfg(all(feature = "queue", not(feature = "aws")))]
use aws_sdk_sqs as sdk;

/// How long a TLS connection may take. Not less, because the processor share of a small function makes handshakes slow.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(2);
/// How long one attempt may take, from the request to the whole answer: ten times what these services usually take.
const ATTEMPT_TIMEOUT: Duration = Duration::from_secs(3);
/// How long all attempts of one call may take together.
const OPERATION_TIMEOUT: Duration = Duration::from_secs(10);
/// Attempts of one call. Three also survive the dead sockets that a function finds in its pool after it was frozen.
const MAX_ATTEMPTS: u32 = 3;
/// The first pause between two attempts, before jitter.
const INITIAL_BACKOFF: Duration = Duration::from_millis(50);
/// The longest pause between two attempts.
const MAX_BACKOFF: Duration = Duration::from_secs(1);
/// The region for an emulator when the environment names none; emulators accept any region.
const EMULATOR_REGION: &str = "us-east-1";
/// The environment variables that name a region.
const REGION_VARIABLES: [&str; 2] = ["AWS_REGION", "AWS_DEFAULT_REGION"];

/// Loads the shared configuration at the first call and returns the same one later: region and credentials from the
/// environment as usual, with timeouts and retries that fit a function.
///
/// `endpoint` replaces the address of every service. A loopback address means an emulator, which gets placeholder
/// credentials, so that real ones are never sent to it, and a configuration of its own at each call.
pub async fn load_config(endpoint: Option<&str>) -> SdkConfig {
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

/// Returns whether an endpoint is on this machine.
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

/// A call of an AWS service that failed, and the resource that it concerned.
pub(crate) struct FailedCall<'a> {
    /// The service that was called, e.g. `DynamoDB`.
    pub(crate) store: &'static str,
    /// The operation that was called, e.g. `GetItem`.
    pub(crate) operation: &'static str,
    /// The table, queue, secret or item that was asked for.
    pub(crate) what: &'a str,
}

impl FailedCall<'_> {
    /// Returns what the error of the client means to the caller. Messages of the services name parameters and limits, not
    /// bodies.
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
