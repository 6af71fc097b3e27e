//! Further invocations, one a shard, started without waiting for them.

use anyhow::Context;
use aws_sdk_lambda::primitives::Blob;
use aws_sdk_lambda::types::InvocationType;
use futures::stream::StreamExt;

use crate::Trigger;

/// Invocations started at once.
const AT_ONCE: usize = 16;

/// Starts invocations of this very function.
#[derive(Debug, Clone)]
pub struct FanOut {
    client: aws_sdk_lambda::Client,
    function: String,
}

impl FanOut {
    /// Starts invocations of `function` (a name or an ARN).
    #[must_use]
    pub fn new(client: aws_sdk_lambda::Client, function: impl Into<String>) -> Self {
        Self {
            client,
            function: function.into(),
        }
    }

    /// Starts one invocation for each shard. One that runs twice does no harm: the calls' leases keep the second out.
    ///
    /// # Errors
    /// If one of them cannot be started; the others are.
    pub async fn start(&self, shards: impl IntoIterator<Item = u32>) -> anyhow::Result<()> {
        let starts = shards.into_iter().map(|shard| self.start_one(shard));
        let started: Vec<anyhow::Result<()>> = futures::stream::iter(starts)
            .buffer_unordered(AT_ONCE)
            .collect()
            .await;
        started.into_iter().collect()
    }

    async fn start_one(&self, shard: u32) -> anyhow::Result<()> {
        let payload = serde_json::to_vec(&Trigger { shard: Some(shard) })?;
        let invoke = self
            .client
            .invoke()
            .function_name(&self.function)
            .invocation_type(InvocationType::Event)
            .payload(Blob::new(payload));
        invoke
            .send()
            .await
            .with_context(|| format!("cannot start the invocation for shard {shard}"))?;
        Ok(())
    }
}
