//! Telling others of escalations: a webhook, an SNS topic, or nobody. Never with what the customer wrote.

use std::time::Duration;

use anyhow::Context;
use insights_core::chat::escalation::Severity;
use serde::Serialize;
use url::Url;

/// How long telling may take.
const TIMEOUT: Duration = Duration::from_secs(5);

/// An escalation as others are told of it.
#[derive(Debug, Clone, Serialize)]
pub struct Notice {
    /// `chat.escalation`.
    pub event: &'static str,
    /// The conversation.
    #[serde(rename = "conversationId")]
    pub conversation_id: String,
    /// The agent.
    #[serde(rename = "agentId")]
    pub agent_id: String,
    /// How severe.
    pub severity: Severity,
    /// The list's word or phrase that was found.
    pub trigger: String,
    /// When the message was sent, in milliseconds since the epoch.
    pub timestamp: i64,
}

impl Notice {
    /// The same for the same escalation, however often it is told: receivers drop repeats by it.
    #[must_use]
    pub fn idempotency_key(&self) -> String {
        format!("escalation-{}-{}", self.conversation_id, self.severity)
    }
}

/// Who is told.
#[derive(Debug, Clone, Default)]
pub struct Notifier {
    webhook: Option<(reqwest::Client, Url)>,
    #[cfg(feature = "sns")]
    topic: Option<(aws_sdk_sns::Client, String)>,
}

impl Notifier {
    /// Tells a webhook, if there is one.
    ///
    /// # Errors
    /// If the HTTP client cannot be built.
    pub fn new(webhook: Option<Url>) -> anyhow::Result<Self> {
        let client =
            || insights_http::client::build_client(insights_http::client::IdleConnections::Close);
        let webhook = webhook
            .map(|url| anyhow::Ok((client()?, url)))
            .transpose()?;
        Ok(Self {
            webhook,
            ..Self::default()
        })
    }

    /// Tells an SNS topic too.
    #[cfg(feature = "sns")]
    #[must_use]
    pub fn with_topic(self, client: aws_sdk_sns::Client, arn: String) -> Self {
        Self {
            topic: Some((client, arn)),
            ..self
        }
    }

    /// Tells everybody.
    ///
    /// # Errors
    /// If one of them was not told; telling again repeats the same idempotency key.
    pub async fn tell(&self, notice: &Notice) -> anyhow::Result<()> {
        if let Some((http, url)) = &self.webhook {
            let answer = http
                .post(url.clone())
                .timeout(TIMEOUT)
                .header(cxone::IDEMPOTENCY_KEY, header(&notice.idempotency_key()))
                .json(notice)
                .send()
                .await
                .context("the escalation webhook is out of reach")?;
            anyhow::ensure!(
                answer.status().is_success(),
                "the escalation webhook answered {}",
                answer.status()
            );
        }
        #[cfg(feature = "sns")]
        if let Some((client, arn)) = &self.topic {
            let subject = format!("Chat escalation: {}", notice.severity);
            let message = serde_json::to_string(notice)?;
            let publish = client
                .publish()
                .topic_arn(arn)
                .subject(subject)
                .message(message)
                .send();
            tokio::time::timeout(TIMEOUT, publish)
                .await
                .context("the escalation topic did not answer in time")?
                .context("the escalation topic refused the notice")?;
        }
        Ok(())
    }
}

/// A header's value of a text that may hold what a header cannot.
fn header(text: &str) -> String {
    text.chars()
        .map(|c| if c.is_ascii_graphic() { c } else { '_' })
        .collect()
}
