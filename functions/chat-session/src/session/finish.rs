//! The end of a session: stopped, lost, handed over, or at its deadline.

use std::time::Duration;

use insights_http::Deadline;
use jiff::{SignedDuration, Timestamp};
use runtime::metrics;
use store::state::lease::Lease;
use store::state::{State, StateStore};
use tokio::time::Instant;

use super::desk::Desk;
use super::lease::Held;
use super::work::Work;
use super::{Options, Outcome, Report};
use crate::records::{self, Phase, SessionRecord};

/// How long the archives at the end may take together.
const AT_END: Duration = Duration::from_secs(20);
/// How often the one that hands over looks for its successor, and how long before its deadline it no longer waits.
const LOOK: Duration = Duration::from_millis(500);
const LAST_MOMENT: Duration = Duration::from_secs(5);

/// How a session comes to its end.
enum End {
    Stop,
    Lost,
    HandOver(Instant),
    Successor,
}

/// Works until the end, and ends.
///
/// # Errors
/// If the stores fail for good, or a conversation could not be archived.
pub(super) async fn work(desk: Desk, lease: Held, mut options: Options) -> anyhow::Result<Report> {
    let mut work = Work::start(desk, &mut options);
    let end = work
        .until(
            end(&options, &lease, work_handover(&options, &work.desk)),
            true,
        )
        .await;
    let end = match end {
        Ok(End::HandOver(deadline)) => return hand_over(work, lease, &options, deadline).await,
        Ok(end) => end,
        Err(error) => {
            // What arrived is stored or will come by the transcript; the lease ends by itself, and the next session of the
            // agent ends this one's presence and archives.
            work.stop_link.cancel();
            return Err(error);
        }
    };
    if matches!(end, End::Lost) {
        return left(work, Outcome::Lost).await;
    }
    finish(work, Some(lease), Deadline::within(AT_END)).await
}

fn work_handover(options: &Options, desk: &Desk) -> Option<(Instant, Instant)> {
    let deadline = options.deadline?;
    Some((
        deadline
            .checked_sub(desk.deps.config.handover)
            .unwrap_or_else(Instant::now),
        deadline,
    ))
}

async fn end(options: &Options, lease: &Held, handover: Option<(Instant, Instant)>) -> End {
    let hand_over = async {
        match handover {
            Some((at, deadline)) => {
                tokio::time::sleep_until(at).await;
                deadline
            }
            None => std::future::pending().await,
        }
    };
    tokio::select! {
        () = options.stop.cancelled() => End::Stop,
        () = lease.lost.cancelled() => End::Lost,
        deadline = hand_over => End::HandOver(deadline),
    }
}

/// Lets the next worker take the lease and listens on until that one is connected: no message falls between the two, and
/// one that both store is one.
async fn hand_over(
    mut work: Work,
    lease: Held,
    options: &Options,
    deadline: Instant,
) -> anyhow::Result<Report> {
    let agent = work.desk.agent.clone();
    tracing::info!(agent, "handing over");
    while let Some(done) = work.archives.join_next().await {
        work.desk.archived(done?).await?;
    }
    work.presence.leave().await;
    work.desk.record(Phase::HandingOver).await?;
    lease.give_back().await;
    let last_moment = deadline
        .checked_sub(LAST_MOMENT)
        .unwrap_or_else(Instant::now);
    let next = successor(
        work.desk.deps.state.clone(),
        agent.clone(),
        options.holder.clone(),
    );
    let end = async {
        tokio::select! {
            () = next => End::Successor,
            () = tokio::time::sleep_until(last_moment) => End::HandOver(deadline),
            () = options.stop.cancelled() => End::Stop,
        }
    };
    match work.until(end, false).await? {
        End::Successor => left(work, Outcome::HandedOver).await,
        _ => end_alone(work, options, deadline).await,
    }
}

/// Returns when another session of the agent is connected.
async fn successor(state: State, agent: String, holder: String) {
    loop {
        tokio::time::sleep(LOOK).await;
        let last = state
            .get(&records::session(&agent), Timestamp::now())
            .await
            .ok()
            .flatten();
        let last = last.and_then(|item| item.decode::<SessionRecord>().ok());
        if last.is_some_and(|last| last.holder != holder && last.connected) {
            return;
        }
    }
}

/// Nobody came, or it is stopped: if the lease is free, this session ends like any other.
async fn end_alone(work: Work, options: &Options, deadline: Instant) -> anyhow::Result<Report> {
    let state = work.desk.deps.state.clone();
    let (key, lasting) = (
        records::lease(&work.desk.agent),
        SignedDuration::from_secs(10),
    );
    let lease = Lease::acquire(&state, key, &options.holder, lasting, Timestamp::now()).await?;
    let Some(lease) = lease else {
        return left(work, Outcome::HandedOver).await;
    };
    let until = deadline.checked_sub(LAST_MOMENT / 5).unwrap_or(deadline);
    let report = finish(work, None, Deadline::at(until)).await;
    lease.release(&state, Timestamp::now()).await?;
    report
}

/// Leaves the agent to another worker: what has arrived is stored, the rest is theirs.
async fn left(mut work: Work, outcome: Outcome) -> anyhow::Result<Report> {
    work.presence.leave().await;
    work.stop().await?;
    tracing::info!(agent = work.desk.agent, ?outcome, "session left");
    Ok(Report {
        outcome,
        summary: Some(work.desk.summary()),
    })
}

/// Ends the session: presence offline, everything stored has its turn, every conversation is archived.
async fn finish(mut work: Work, lease: Option<Held>, deadline: Deadline) -> anyhow::Result<Report> {
    work.presence.offline().await;
    work.stop().await?;
    work.desk.let_all_have_their_turn().await?;
    while let Some(done) = work.archives.join_next().await {
        work.desk.archived(done?).await?;
    }
    let archived = work.desk.archive_all(deadline).await;
    let recorded = work.desk.record(Phase::Ended).await;
    if let Some(lease) = lease {
        lease.give_back().await;
    }
    metrics::flush();
    archived.and(recorded)?;
    let summary = work.desk.summary();
    tracing::info!(
        agent = work.desk.agent,
        messages = summary.messages,
        archived = summary.archived,
        "session ended"
    );
    Ok(Report {
        outcome: Outcome::Ended,
        summary: Some(summary),
    })
}
