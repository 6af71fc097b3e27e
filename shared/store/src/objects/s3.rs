//! Opens a bucket with the region, the address and the credentials of the AWS clients' configuration.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use async_trait::async_trait;
use aws_config::SdkConfig;
use object_store::aws::{AmazonS3, AmazonS3Builder, AwsCredential};
use object_store::{BackoffConfig, ClientOptions, CredentialProvider, RetryConfig};
use tokio::sync::Mutex;

#[cfg(feature = "aws")]
use aws_sdk_dynamodb as sdk;
#[cfg(all(feature = "queue", not(feature = "aws")))]
use aws_sdk_sqs as sdk;
use sdk::config::{ProvideCredentials, SharedCredentialsProvider};

use crate::Error;

/// How long a connection may take.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(2);
/// How long one request with its whole body may take; reports and archives have a few megabytes.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(30);
/// Most retries of one request.
const MAX_RETRIES: usize = 3;
/// How long all attempts of one request may take together.
const RETRY_TIMEOUT: Duration = Duration::from_secs(60);
/// How long before their expiry credentials are read again.
const EXPIRY_MARGIN: Duration = Duration::from_secs(60);

/// Builds the client of a bucket.
///
/// # Errors
/// [`Error::Missing`] if the configuration names no region or no credentials, or the name of the bucket is impossible.
pub(super) fn open_bucket(config: &SdkConfig, bucket: &str) -> Result<AmazonS3, Error> {
    let missing = |what: &str| Error::missing(format!("{what} for the bucket {bucket}"));
    let region = config
        .region()
        .ok_or_else(|| missing("a region (AWS_REGION)"))?;
    let provider = config
        .credentials_provider()
        .ok_or_else(|| missing("credentials"))?;
    let mut builder = AmazonS3Builder::new()
        .with_bucket_name(bucket)
        .with_region(region.as_ref())
        .with_credentials(Arc::new(Credentials {
            provider,
            cached: Mutex::default(),
        }))
        .with_client_options(
            ClientOptions::new()
                .with_connect_timeout(CONNECT_TIMEOUT)
                .with_timeout(REQUEST_TIMEOUT),
        )
        .with_retry(RetryConfig {
            backoff: BackoffConfig {
                init_backoff: Duration::from_millis(100),
                ..Default::default()
            },
            max_retries: MAX_RETRIES,
            retry_timeout: RETRY_TIMEOUT,
        });
    if let Some(endpoint) = config.endpoint_url() {
        builder = builder
            .with_endpoint(endpoint)
            .with_allow_http(crate::aws::is_loopback(endpoint));
    }
    builder.build().map_err(|error| {
        Error::missing_with(format!("a usable client for the bucket {bucket}"), error)
    })
}

/// The credentials of the AWS clients, kept until shortly before they expire.
#[derive(Debug)]
struct Credentials {
    provider: SharedCredentialsProvider,
    cached: Mutex<Option<(Arc<AwsCredential>, Option<SystemTime>)>>,
}

#[async_trait]
impl CredentialProvider for Credentials {
    type Credential = AwsCredential;

    async fn get_credential(&self) -> object_store::Result<Arc<AwsCredential>> {
        let mut cached = self.cached.lock().await;
        if let Some((credential, expiry)) = cached.as_ref()
            && expiry.is_none_or(|at| at > SystemTime::now() + EXPIRY_MARGIN)
        {
            return Ok(Arc::clone(credential));
        }
        let fresh = self
            .provider
            .provide_credentials()
            .await
            .map_err(|source| object_store::Error::Generic {
                store: "S3",
                source: Box::new(source),
            })?;
        let credential = Arc::new(AwsCredential {
            key_id: fresh.access_key_id().to_owned(),
            secret_key: fresh.secret_access_key().to_owned(),
            token: fresh.session_token().map(str::to_owned),
        });
        *cached = Some((Arc::clone(&credential), fresh.expiry()));
        Ok(credential)
    }
}
