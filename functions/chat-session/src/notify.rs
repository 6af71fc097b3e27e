//! Notification of others about escalations, by a webhook and an SNS topic. A notification never contains what a customer
//! wrote.

use std::time::Duration;

use anyhow::Context;
use insights_http::client::BodyError;
use insights_http::exchange::HttpClient;
use serde::{Deserialize, Serialize};
use url::Url;

/// Time limit for one delivery to one receiver.
const DELIVERY_TIMEOUT: Duration = Duration::from_secs(5);

/// The notification about an escalation, as its receivers get it.
#[derive(Debug, Clone, Serialize)]
pub struct Notification {
    /// The kind of notification: `chat.escalation`, or `chat.rule` for a hit of a rule file.
    pub event: &'static str,
    /// The id of the conversation.
    #[serde(rename = "conversationId")]
    pub conversation_id: String,
    /// The id of the agent.
    #[serde(rename = "agentId")]
    pub agent_id: String,
    /// The severity of the escalation or of the rule.
    pub severity: &'static str,
    /// The name of the rule that was found, or the configured word or phrase; of a rule file, the rule's id and the number of its hit.
    pub trigger: String,
    /// The version of the rule, for a hit of a rule file.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub version: Option<String>,
    /// When the message that triggered the escalation was sent, in milliseconds since the epoch.
    pub timestamp: i64,
}

impl Notification {
    /// Returns the idempotency key, which is the same for each delivery of the same escalation.
    ///
    /// Receivers drop repeated deliveries by this key.
    #[must_use]
    pub fn idempotency_key(&self) -> String {
        if self.version.is_some() {
            return format!("rule-{}-{}", self.conversation_id, self.trigger);
        }
        format!("escalation-{}-{}", self.conversation_id, self.severity)
    }
}

/// The receivers that have got a notification.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Delivered {
    /// Whether the webhook has accepted the notification.
    pub webhook: bool,
    /// Whether the SNS topic has accepted the notification.
    pub topic: bool,
}

/// The receivers of notifications.
#[derive(Debug, Clone, Default)]
pub struct Notifier {
    webhook: Option<(HttpClient, Url)>,
    #[cfg(feature = "sns")]
    topic: Option<(aws_sdk_sns::Client, String)>,
}

impl Notifier {
    /// Creates a notifier that delivers to the URL of a webhook with this client, if there is one.
    #[must_use]
    pub fn new(webhook: Option<(HttpClient, Url)>) -> Self {
        Self {
            webhook,
            ..Self::default()
        }
    }

    /// Adds an SNS topic as a receiver.
    #[cfg(feature = "sns")]
    #[must_use]
    pub fn with_topic(self, client: aws_sdk_sns::Client, arn: String) -> Self {
        Self {
            topic: Some((client, arn)),
            ..self
        }
    }

    /// Delivers a notification to all receivers that have not got it yet, and notes in `delivered` which have it now. A receiver that
    /// fails does not keep the other one from being notified.
    ///
    /// # Errors
    /// If the delivery to one receiver failed. Another delivery has the same idempotency key.
    pub async fn deliver(
        &self,
        notification: &Notification,
        delivered: &mut Delivered,
    ) -> anyhow::Result<()> {
        let to_webhook = async {
            if delivered.webhook {
                return Ok(());
            }
            self.deliver_to_webhook(notification).await
        };
        let to_topic = async {
            if delivered.topic {
                return Ok(());
            }
            self.deliver_to_topic(notification).await
        };
        let (webhook, topic) = tokio::join!(to_webhook, to_topic);
        *delivered = Delivered {
            webhook: webhook.is_ok(),
            topic: topic.is_ok(),
        };
        webhook.and(topic)
    }

    async fn deliver_to_webhook(&self, notification: &Notification) -> anyhow::Result<()> {
        let Some((http, url)) = &self.webhook else {
            return Ok(());
        };
        let request = http
            .requests()
            .post(url.clone())
            .header(
                cxone::IDEMPOTENCY_KEY,
                header_value(&notification.idempotency_key()),
            )
            .json(notification)
            .build()
            .map_err(reqwest::Error::without_url)
            .context("the request to the escalation webhook cannot be built")?;
        let answer = tokio::time::timeout(DELIVERY_TIMEOUT, http.send(request))
            .await
            .context("the escalation webhook did not answer in time")?
            .map_err(|error| match error {
                BodyError::Broken(error) => BodyError::Broken(error.without_url()),
                other => other,
            })
            .context("the escalation webhook cannot be reached")?;
        anyhow::ensure!(
            answer.status().is_success(),
            "the escalation webhook answered {}",
            answer.status()
        );
        Ok(())
    }

    #[cfg(feature = "sns")]
    async fn deliver_to_topic(&self, notification: &Notification) -> anyhow::Result<()> {
        let Some((client, arn)) = &self.topic else {
            return Ok(());
        };
        let kind = match notification.version {
            Some(_) => "Chat rule",
            None => "Chat escalation",
        };
        let subject = format!("{kind}: {}", notification.severity);
        let message = serde_json::to_string(notification)?;
        let publish = client
            .publish()
            .topic_arn(arn)
            .subject(subject)
            .message(message)
            .send();
        tokio::time::timeout(DELIVERY_TIMEOUT, publish)
            .await
            .context("the escalation topic did not answer in time")?
            .context("the escalation topic refused the notification")?;
        Ok(())
    }

    #[cfg(not(feature = "sns"))]
    async fn deliver_to_topic(&self, _notification: &Notification) -> anyhow::Result<()> {
        Ok(())
    }
}

/// Returns a text as the value of a header, with each character that a header cannot hold replaced.
fn header_value(text: &str) -> String {
    text.chars()
        .map(|c| if c.is_ascii_graphic() { c } else { '_' })
        .collect()
}
