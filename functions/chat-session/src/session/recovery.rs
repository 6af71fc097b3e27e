//! Session start-up: restores outages, unsent messages, open conversations and pending escalations of the previous session.

use std::sync::Arc;

use backends::lease_guard::LeaseGuard;
use insights_core::chat::archive::Gap;
use jiff::Timestamp;
use store::state::StateStore;

use super::loading::OpenConversation;
use super::options::Options;
use super::presence;
use super::state::SessionState;
use super::tasks::unsent_messages;
use crate::deps::Deps;
use crate::records::{self, OpenRecord, Phase, SessionRecord};

/// How long after its last sign of life a session that was handing over counts as dead, in milliseconds: several of its signs, and
/// what two clocks may differ by.
const ALIVE_GRACE_MS: i64 = 20_000;
/// How long after the planned hand-over one counts as dead that gave no signs of life, as earlier versions do, in milliseconds.
const HANDOVER_GRACE_MS: i64 = 30_000;

/// Restores the state in which the previous session of the agent ended or died.
///
/// If the previous session died, its presence is still "available" at the contact center. The agent goes offline first, before
/// this session makes the agent available again.
pub(super) async fn restore(
    deps: Arc<Deps>,
    agent: &str,
    options: &Options,
    lease: &LeaseGuard,
) -> anyhow::Result<SessionState> {
    let now = Timestamp::now();
    let previous = deps.state.get(&records::session_key(agent), now).await?;
    let previous: Option<SessionRecord> = previous.as_ref().and_then(records::decode_or_skip);
    let mut state = SessionState::new(Arc::clone(&deps), agent, options, lease.lost());
    // Before the first session nobody listened: conversations may have begun. That includes a first session that ended before it
    // could write its record.
    let now_ms = now.as_millisecond();
    state.stream.missed_until_ms = match &previous {
        Some(previous) => previous.missed_until(now_ms),
        None => Some(now_ms),
    };
    if let Some(previous) = &previous
        && has_died(previous, now, &deps)
    {
        tracing::warn!(
            agent_id = agent,
            holder = previous.holder,
            "the previous session died, setting its agent offline"
        );
        presence::set_offline(&deps, agent).await;
        state.stream.down_since_ms = Some(previous.last_frame_ms);
    }
    let partition = records::agent_partition(agent);
    for (_, gap) in records::list_all::<Gap>(&deps.state, &partition, "outage#", now).await? {
        state.stream.add_outage(gap);
    }
    let unsent = unsent_messages(&deps.state, agent).await?;
    state.outbound.outbox.restore(unsent);
    let open = open_conversations(&deps, agent, now).await?;
    if !open.is_empty() {
        tracing::info!(
            agent_id = agent,
            conversations = open.len(),
            "continuing with open conversations"
        );
        if let Some(previous) = previous
            && previous.phase == Phase::Ended
        {
            state.stream.down_since_ms = Some(previous.last_frame_ms);
        }
    }
    if let Some(down_since_ms) = state.stream.down_since_ms {
        // Nothing is heard until the stream is up: a session that ends before that leaves the whole outage to the next one.
        state.stream.last_frame_ms = down_since_ms;
        state.stream.note_missed_until(now_ms);
    }
    state.record(Phase::Serving).await?;
    state.loading().resume(open).await?;
    state.conversations.publish_active();
    Ok(state)
}

/// Returns the conversations that are not archived yet.
///
/// What was said while nobody listened is read from the transcripts, so that a silence goes on over sessions. The watch over a tenant tells
/// of the end of each contact itself; there, a silence begins anew.
async fn open_conversations(
    deps: &Deps,
    agent: &str,
    now: Timestamp,
) -> Result<Vec<OpenConversation>, store::Error> {
    let partition = records::agent_partition(agent);
    let open = records::list_all::<OpenRecord>(&deps.state, &partition, "open#", now).await?;
    Ok(open
        .into_iter()
        .filter_map(|(item, record)| {
            Some(OpenConversation {
                id: item.key.sort.strip_prefix("open#")?.to_owned(),
                ended_at_ms: record.ended_at_ms(),
                open_since_ms: deps.center.has_stream().then_some(record.since_ms),
            })
        })
        .collect())
}

/// Returns whether a session ended without ending its presence.
fn has_died(previous: &SessionRecord, now: Timestamp, deps: &Deps) -> bool {
    let handover = i64::try_from(deps.config.handover.as_millis()).unwrap_or(i64::MAX);
    match previous.phase {
        Phase::Serving => true,
        Phase::HandingOver => {
            let counts_until_ms = match previous.alive_ms {
                Some(alive_ms) => alive_ms.saturating_add(ALIVE_GRACE_MS),
                None => previous
                    .last_frame_ms
                    .saturating_add(handover)
                    .saturating_add(HANDOVER_GRACE_MS),
            };
            now.as_millisecond() > counts_until_ms
        }
        Phase::Ended => false,
    }
}
