//! Builds the provider that the settings name.

use std::sync::Arc;

use insights_http::CallLimits;
use insights_http::client::{IdleConnections, build_client};
use insights_http::secret::SecretSource;
use secrecy::SecretString;

use crate::provider::{HttpProvider, LocalProvider, Provider};
use crate::service::NlpClient;
use crate::settings::{ProviderKind, SentimentSettings};

/// Builds the provider that the settings name. `key` is the key of the HTTP service; the model in this process needs none.
///
/// # Errors
/// The model was not loaded, or the URL of the service is not usable.
pub async fn build_provider(
    settings: &SentimentSettings,
    key: Arc<dyn SecretSource<SecretString>>,
    idle: IdleConnections,
) -> anyhow::Result<Provider> {
    let scoring = &settings.scoring;
    if let Some(shared) = &scoring.shared {
        return Ok(shared.clone());
    }
    let (ProviderKind::Http, Some(url)) = (settings.provider, &scoring.url) else {
        let local = LocalProvider::load(&scoring.models, scoring.emotion_threshold).await?;
        return Ok(Provider::Local(local));
    };
    let client = NlpClient::new(
        build_client(idle)?,
        url.as_str(),
        key,
        CallLimits::default(),
    )?;
    Ok(Provider::Http(Box::new(HttpProvider::new(client))))
}
