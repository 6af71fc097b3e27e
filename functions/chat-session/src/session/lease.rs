//! The lease of an agent: only the session that holds it works on the agent's conversations.

use backends::lease_guard::{LeaseGuard, Leases};

use super::options::Options;
use crate::deps::Deps;
use crate::records;

/// Takes the agent's lease, and waits for another holder as long as the options say; `None` if the lease stays taken or the
/// session is stopped meanwhile.
///
/// The lease of a session that is dropped is not released but ends by itself, as the lease of a process that dies does: the next
/// session must not begin while tasks of the dropped session may still run.
pub(super) async fn acquire(
    deps: &Deps,
    agent: &str,
    options: &Options,
) -> anyhow::Result<Option<LeaseGuard>> {
    let leases = Leases::new(deps.state.clone());
    let (duration, wait) = (deps.config.lease, options.lease_wait);
    let key = records::lease_key(agent);
    let taking = leases.acquire_within(key, &options.holder, duration, wait);
    let taken = tokio::select! {
        biased;
        taken = taking => taken?,
        () = options.stop.cancelled() => None,
    };
    if taken.is_some() {
        tracing::info!(
            agent_id = agent,
            holder = options.holder,
            "the lease of the agent was taken"
        );
    }
    Ok(taken.map(LeaseGuard::expire_on_drop))
}
