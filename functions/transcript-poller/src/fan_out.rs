//! Starts further invocations of this function, one for each shard, without waiting for their results.

use anyhow::Context;
use aws_sdk_lambda::primitives::Blob;
use aws_sdk_lambda::types::InvocationType;
use futures::stream::StreamExt;

use crate::trigger::Trigger;

/// Largest number of invocations that are started at the same time.
const MAX_CONCURRENT_STARTS: usize = 16;

/// Starts invocations of this very function.
#[derive(Debug, Clone)]
pub struct FanOut {
    client: aws_sdk_lambda::Client,
    function: String,
}

impl FanOut {
    /// Creates a starter of invocations of `function`, a name or an ARN.
    #[must_use]
    pub fn new(client: aws_sdk_lambda::Client, function: impl Into<String>) -> Self {
        Self {
            client,
            function: function.into(),
        }
    }

    /// Returns the name under which a function with an alias is invoked: `name:alias`, or the name alone without one.
    #[must_use]
    pub fn qualified(name: &str, alias: Option<&str>) -> String {
        alias.map_or_else(|| name.to_owned(), |alias| format!("{name}:{alias}"))
    }

    /// Starts one invocation for each shard. A shard that is followed twice does no harm: the leases of the calls keep the
    /// second invocation out.
    ///
    /// # Errors
    /// Fails if one of the invocations cannot be started. The others are started all the same.
    pub async fn start_shards(&self, shards: impl IntoIterator<Item = u32>) -> anyhow::Result<()> {
        let starts = shards.into_iter().map(|shard| self.start_shard(shard));
        let results: Vec<anyhow::Result<()>> = futures::stream::iter(starts)
            .buffer_unordered(MAX_CONCURRENT_STARTS)
            .collect()
            .await;
        results.into_iter().collect()
    }

    async fn start_shard(&self, shard: u32) -> anyhow::Result<()> {
        let payload = serde_json::to_vec(&Trigger { shard: Some(shard) })?;
        self.client
            .invoke()
            .function_name(&self.function)
            .invocation_type(InvocationType::Event)
            .payload(Blob::new(payload))
            .send()
            .await
            .with_context(|| format!("cannot start the invocation for shard {shard}"))?;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_alias_is_part_of_the_name_that_is_invoked() {
        assert_eq!(FanOut::qualified("poller", Some("live")), "poller:live");
        assert_eq!(FanOut::qualified("poller", None), "poller");
    }
}
