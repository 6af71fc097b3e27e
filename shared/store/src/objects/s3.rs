//! Opens a bucket with the region, the address and the credentials of the AWS clients' configuration.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use async_trait::async_trait;
use aws_config::SdkConfig;
use object_store::aws::{AmazonS3Builder, AwsCredential};
use object_store::client::{HttpConnector, ReqwestConnector};
use object_store::{BackoffConfig, ClientOptions, CredentialProvider, RetryConfig};
use tokio::sync::Mutex;

#[cfg(feature = "aws")]
use aws_sdk_dynamodb as sdk;
#[cfg(all(feature = "queue", not(feature = "aws")))]
use aws_sdk_sqs as sdk;
use sdk::config::{ProvideCredentials, SharedCredentialsProvider};

use super::earlier_versions::BucketVersions;
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

/// Builds the client of a bucket, with the access to its versions.
///
/// # Errors
/// [`Error::Missing`] if the configuration names no region or no credentials, or the name of the bucket is impossible.
pub(super) fn open_bucket(config: &SdkConfig, bucket: &str) -> Result<BucketVersions, Error> {
    let missing = |what: &str| Error::missing(format!("{what} for the bucket {bucket}"));
    let region = config
        .region()
        .ok_or_else(|| missing("a region (AWS_REGION)"))?;
    let provider = config
        .credentials_provider()
        .ok_or_else(|| missing("credentials"))?;
    let mut options = ClientOptions::new()
        .with_connect_timeout(CONNECT_TIMEOUT)
        .with_timeout(REQUEST_TIMEOUT);
    let mut builder = AmazonS3Builder::new()
        .with_bucket_name(bucket)
        .with_region(region.as_ref())
        .with_credentials(Arc::new(Credentials {
            provider,
            cached: Mutex::default(),
        }))
        .with_client_options(options.clone())
        .with_retry(RetryConfig {
            backoff: BackoffConfig {
                init_backoff: Duration::from_millis(100),
                ..Default::default()
            },
            max_retries: MAX_RETRIES,
            retry_timeout: RETRY_TIMEOUT,
        });
    let mut address = format!("https://s3.{region}.amazonaws.com");
    if let Some(endpoint) = config.endpoint_url() {
        let allows_http = crate::aws::is_loopback(endpoint);
        builder = builder.with_endpoint(endpoint).with_allow_http(allows_http);
        options = options.with_allow_http(allows_http);
        endpoint.trim_end_matches('/').clone_into(&mut address);
    }
    let unusable =
        |error| Error::missing_with(format!("a usable client for the bucket {bucket}"), error);
    Ok(BucketVersions {
        store: Arc::new(builder.build().map_err(unusable)?),
        http: ReqwestConnector::default()
            .connect(&options)
            .map_err(unusable)?,
        address: format!("{address}/{bucket}"),
        region: region.as_ref().to_owned(),
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
