//! The end of a session: it is stopped, loses its lease, hands over, or reaches its deadline.

use std::time::Duration;

use backends::lease_guard::{LeaseGuard, Leases};
use insights_core::WithCauses;
use insights_http::Deadline;
use jiff::Timestamp;
use runtime::metrics;
use store::state::{Expect, Item, Put, State, StateStore};
use tokio::time::Instant;

use super::archive_queue::ARCHIVE_TIMEOUT;
use super::event_loop::{EventLoop, Mode};
use super::options::Options;
use super::report::{Outcome, Report};
use super::session_store::SessionStore;
use super::state::SessionState;
use crate::records::{self, Phase, SessionRecord};

/// Time limit of all archives at the end of a session that has no deadline.
const FINAL_ARCHIVE_TIMEOUT: Duration = Duration::from_secs(30);
/// Wait between two looks for the successor.
const SUCCESSOR_POLL_INTERVAL: Duration = Duration::from_millis(500);
/// Pause between two signs of life of a session that hands over.
const ALIVE_INTERVAL: Duration = Duration::from_secs(5);
/// How long before its deadline a session stops waiting for a successor.
const SUCCESSOR_MARGIN: Duration = Duration::from_secs(5);
/// How long before its deadline a session without a successor must have archived everything.
const ARCHIVE_MARGIN: Duration = Duration::from_secs(1);
/// Longest time that a session waits at its end for notifications and removals. The next session does what is left.
const BACKGROUND_TIMEOUT: Duration = Duration::from_secs(5);
/// Longest time that a session waits at its end for the model's scores.
const SCORING_TIMEOUT: Duration = Duration::from_secs(3);
/// Duration of the lease that a session without a successor takes for its end.
const FINAL_LEASE: Duration = Duration::from_secs(10);

/// Why a session stops serving.
enum EndReason {
    /// The caller stopped the session.
    Stopped,
    /// The lease was lost.
    LeaseLost,
    /// It is time to hand over, or to give up waiting for a successor; the session must have ended at this moment.
    Deadline(Instant),
    /// A successor is connected.
    SuccessorConnected,
}

/// Works until the session has a reason to end, and ends it accordingly.
///
/// # Errors
/// If a store fails permanently, or a conversation could not be archived.
pub(super) async fn run_to_end(
    state: SessionState,
    lease: LeaseGuard,
    mut options: Options,
) -> anyhow::Result<Report> {
    let mut event_loop = EventLoop::start(state, &mut options);
    let handover = handover_times(&options, event_loop.state.deps.config.handover);
    let end = end_reason(&options, &lease, handover);
    match event_loop.run_until(end, Mode::Serving).await {
        Ok(EndReason::Deadline(deadline)) => hand_over(event_loop, lease, &options, deadline).await,
        Ok(EndReason::LeaseLost) => leave(event_loop, Outcome::Lost).await,
        Ok(EndReason::Stopped | EndReason::SuccessorConnected) => {
            let deadline = Deadline::within(FINAL_ARCHIVE_TIMEOUT);
            finish(event_loop, lease, deadline).await
        }
        Err(error) if !lease.is_held() => {
            tracing::warn!(
                agent_id = event_loop.state.store.agent,
                cause = %WithCauses(error.as_ref()),
                "the session lost its lease while it worked"
            );
            leave(event_loop, Outcome::Lost).await
        }
        Err(error) => {
            fail(event_loop, lease).await;
            Err(error)
        }
    }
}

/// Ends a session that cannot go on: sets the agent offline, so that the contact center routes no chats to an agent that nobody works,
/// and releases the lease, so that the next session need not wait. What arrived is stored or is still in the transcripts.
async fn fail(mut event_loop: EventLoop, lease: LeaseGuard) {
    event_loop.cancel_stream();
    event_loop.presence.stop_and_set_offline().await;
    event_loop
        .state
        .finish_background_work(BACKGROUND_TIMEOUT)
        .await;
    drop(event_loop);
    release(lease).await;
}

/// Returns when the session begins to hand over and when it must have ended, if it has a deadline.
fn handover_times(options: &Options, handover: Duration) -> Option<(Instant, Instant)> {
    let deadline = options.deadline?;
    let begin = deadline.checked_sub(handover).unwrap_or_else(Instant::now);
    Some((begin, deadline))
}

async fn end_reason(
    options: &Options,
    lease: &LeaseGuard,
    handover: Option<(Instant, Instant)>,
) -> EndReason {
    let lease_lost = lease.lost();
    let handover = async {
        match handover {
            Some((begin, deadline)) => {
                tokio::time::sleep_until(begin).await;
                deadline
            }
            None => std::future::pending().await,
        }
    };
    tokio::select! {
        () = options.stop.cancelled() => EndReason::Stopped,
        () = lease_lost.cancelled() => EndReason::LeaseLost,
        deadline = handover => EndReason::Deadline(deadline),
    }
}

/// Releases the lease for a successor, and works on until the successor is connected.
///
/// Both sessions receive messages for a moment, so none is missed; a message that both store has one identity and is stored
/// once.
async fn hand_over(
    mut event_loop: EventLoop,
    lease: LeaseGuard,
    options: &Options,
    deadline: Instant,
) -> anyhow::Result<Report> {
    let agent = event_loop.state.store.agent.clone();
    tracing::info!(agent_id = agent, "handing the session over to a successor");
    match close(&mut event_loop, &lease, options).await {
        Ok(EndReason::LeaseLost) => return leave(event_loop, Outcome::Lost).await,
        Ok(EndReason::Stopped) => {
            let deadline = Deadline::within(FINAL_ARCHIVE_TIMEOUT);
            return finish(event_loop, lease, deadline).await;
        }
        Ok(_) => {}
        Err(error) => {
            fail(event_loop, lease).await;
            return Err(error);
        }
    }
    event_loop.presence.stop().await;
    release(lease).await;
    let last_moment = deadline
        .checked_sub(SUCCESSOR_MARGIN)
        .unwrap_or_else(Instant::now);
    let state = event_loop.state.deps.state.clone();
    let successor = wait_for_successor(state, agent, options.holder.clone());
    let end = async {
        tokio::select! {
            () = successor => EndReason::SuccessorConnected,
            () = tokio::time::sleep_until(last_moment) => EndReason::Deadline(deadline),
            () = options.stop.cancelled() => EndReason::Stopped,
        }
    };
    match event_loop.run_until(end, Mode::HandingOver).await {
        Ok(EndReason::SuccessorConnected) => leave(event_loop, Outcome::HandedOver).await,
        Ok(_) => end_without_successor(event_loop, options, deadline).await,
        Err(error) => {
            // Without a successor, nobody else would set the agent offline.
            if let Ok(Some(lease)) =
                take_final_lease(&event_loop.state.store, &options.holder).await
            {
                fail(event_loop, lease).await;
            }
            Err(error)
        }
    }
}

/// Takes the lease of a session that has handed over, if no successor holds it.
async fn take_final_lease(
    store: &SessionStore,
    holder: &str,
) -> Result<Option<LeaseGuard>, store::Error> {
    let leases = Leases::new(store.state.clone());
    let key = records::lease_key(&store.agent);
    leases.try_acquire(key, holder, FINAL_LEASE).await
}

/// Works until the archives that are being written are finished, and stores that the session hands over. Arrivals are taken meanwhile.
async fn close(
    event_loop: &mut EventLoop,
    lease: &LeaseGuard,
    options: &Options,
) -> anyhow::Result<EndReason> {
    let lease_lost = lease.lost();
    let mut running = event_loop.state.archives.watch_running();
    let latest = Instant::now() + ARCHIVE_TIMEOUT;
    let end = async {
        tokio::select! {
            () = options.stop.cancelled() => EndReason::Stopped,
            () = lease_lost.cancelled() => EndReason::LeaseLost,
            _ = running.wait_for(|running| *running == 0) => EndReason::Deadline(latest),
            () = tokio::time::sleep_until(latest) => EndReason::Deadline(latest),
        }
    };
    let end = event_loop.run_until(end, Mode::Closing).await?;
    if matches!(end, EndReason::Deadline(_)) {
        event_loop.state.record(Phase::HandingOver).await?;
    }
    Ok(end)
}

/// Waits until another session of the agent is connected, and gives signs of life until one has begun. A successor takes a session
/// without them for dead, and reads from the transcripts what nobody heard.
async fn wait_for_successor(state: State, agent: String, holder: String) {
    let mut next_sign = Instant::now() + ALIVE_INTERVAL;
    loop {
        tokio::time::sleep(SUCCESSOR_POLL_INTERVAL).await;
        let latest = state
            .get(&records::session_key(&agent), Timestamp::now())
            .await
            .ok()
            .flatten();
        let Some(item) = latest else {
            continue;
        };
        let Ok(record) = item.decode::<SessionRecord>() else {
            continue;
        };
        if record.holder != holder {
            if record.connected {
                return;
            }
        } else if Instant::now() >= next_sign {
            next_sign = Instant::now() + ALIVE_INTERVAL;
            give_sign_of_life(&state, &item, record).await;
        }
    }
}

/// Notes in the record of a session that hands over that it is alive, unless a successor has written the record since.
async fn give_sign_of_life(state: &State, item: &Item, record: SessionRecord) {
    let now = Timestamp::now();
    let record = SessionRecord {
        alive_ms: Some(now.as_millisecond()),
        ..record
    };
    let written = match Put::encode(item.key.clone(), &record, item.expires_at) {
        Ok(put) => state.put(put, Expect::Version(item.version), now).await,
        Err(error) => Err(error),
    };
    if let Err(error) = written
        && !matches!(error, store::Error::Conflict { .. })
    {
        tracing::warn!(
            holder = record.holder,
            cause = %WithCauses(&error),
            "a session that hands over could not note that it is alive"
        );
    }
}

/// Ends a session for which no successor came, if its lease is still free.
async fn end_without_successor(
    event_loop: EventLoop,
    options: &Options,
    deadline: Instant,
) -> anyhow::Result<Report> {
    let lease = take_final_lease(&event_loop.state.store, &options.holder).await?;
    let Some(lease) = lease else {
        return leave(event_loop, Outcome::HandedOver).await;
    };
    let until = deadline.checked_sub(ARCHIVE_MARGIN).unwrap_or(deadline);
    finish(event_loop, lease, Deadline::at(until)).await
}

/// Releases the lease, so that the next session need not wait for its end.
pub(super) async fn release(lease: LeaseGuard) {
    if let Err(error) = lease.release().await {
        tracing::warn!(
            cause = %WithCauses(&error),
            "the lease was not released, it ends by itself"
        );
    }
}

/// Leaves the agent to another session: stores what has arrived, and changes nothing else.
async fn leave(mut event_loop: EventLoop, outcome: Outcome) -> anyhow::Result<Report> {
    event_loop.presence.stop().await;
    if let Err(error) = event_loop.stop().await {
        // The new holder reads the transcripts, which hold what was not stored here.
        tracing::warn!(
            agent_id = event_loop.state.store.agent,
            cause = %WithCauses(error.as_ref()),
            "the last arrivals of a session that another one follows were not stored"
        );
    }
    event_loop
        .state
        .finish_background_work(BACKGROUND_TIMEOUT)
        .await;
    tracing::info!(
        agent_id = event_loop.state.store.agent,
        ?outcome,
        "another session continues with the agent"
    );
    Ok(Report {
        outcome,
        summary: Some(event_loop.state.summary()),
    })
}

/// Processes everything that is stored, and archives every conversation.
async fn work_off(event_loop: &mut EventLoop, deadline: Deadline) -> anyhow::Result<()> {
    let stopped_ms = Timestamp::now().as_millisecond();
    let was_connected = event_loop.state.stream.connected;
    event_loop.stop().await?;
    event_loop.state.drain_pending().await?;
    if let Some(finished) = deadline
        .bound(event_loop.state.finish_scoring(SCORING_TIMEOUT))
        .await
    {
        finished?;
    }
    if was_connected {
        let deciding = event_loop.state.decide_rules_finally(stopped_ms);
        if let Some(decided) = deadline.bound(deciding).await {
            decided?;
        }
    }
    if let Some(finished) = deadline.bound(event_loop.finish_archives()).await {
        finished?;
    }
    event_loop.state.archive_all(deadline).await
}

/// Ends the session: sets the agent offline, processes everything that is stored, and archives every conversation.
async fn finish(
    mut event_loop: EventLoop,
    lease: LeaseGuard,
    deadline: Deadline,
) -> anyhow::Result<Report> {
    event_loop.presence.stop_and_set_offline().await;
    let worked = work_off(&mut event_loop, deadline).await;
    let recorded = match &worked {
        Ok(()) => event_loop.state.record(Phase::Ended).await,
        Err(_) => Ok(()),
    };
    event_loop
        .state
        .finish_background_work(BACKGROUND_TIMEOUT)
        .await;
    release(lease).await;
    metrics::flush();
    worked.and(recorded)?;
    let summary = event_loop.state.summary();
    tracing::info!(
        agent_id = event_loop.state.store.agent,
        messages = summary.messages,
        archived = summary.archived,
        "the session has ended"
    );
    Ok(Report {
        outcome: Outcome::Ended,
        summary: Some(summary),
    })
}
