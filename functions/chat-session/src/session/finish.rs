//! The end of conversations and of sessions: archives, presence, lease.

use std::time::Duration;

use anyhow::Context;
use cxone::Deadline;
use futures::StreamExt;
use jiff::{SignedDuration, Timestamp};
use runtime::metrics;
use store::state::lease::Lease;
use store::state::{Expect, StateStore};
use tokio::task::JoinSet;
use tokio::time::Instant;

use super::desk::Desk;
use super::intake::Work;
use super::lease::Held;
use super::{Options, Outcome, Report, Update};
use crate::archive::{self, Archived};
use crate::records::{self, Phase, SessionRecord};

/// Archives at once.
const AT_ONCE: usize = 8;
/// How long one archive may take while the session goes on, and all of them at its end.
const PATIENCE: Duration = Duration::from_secs(30);
const AT_END: Duration = Duration::from_secs(20);
/// When an archive that failed is tried again.
const RETRY: Duration = Duration::from_secs(30);
/// How often the one that hands over looks for its successor, and how long before its deadline it no longer waits.
const LOOK: Duration = Duration::from_millis(500);
const LAST_MOMENT: Duration = Duration::from_secs(5);

/// An archive that was tried in the background.
pub(super) struct Done {
    conversation: String,
    /// How many messages the session had stored when it began.
    stored: u64,
    result: anyhow::Result<Archived>,
}

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
    let (state, holder) = (work.desk.deps.state.clone(), options.holder.clone());
    let successor = async {
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
    };
    let end = async {
        tokio::select! {
            () = successor => End::Successor,
            () = tokio::time::sleep_until(last_moment) => End::HandOver(deadline),
            () = options.stop.cancelled() => End::Stop,
        }
    };
    let end = work.until(end, false).await?;
    if matches!(end, End::Successor) {
        return left(work, Outcome::HandedOver).await;
    }
    // Nobody came, or it is stopped: if the lease is free, this session ends like any other.
    let lasting = SignedDuration::from_secs(10);
    let key = records::lease(&agent);
    match Lease::acquire(
        &work.desk.deps.state,
        key,
        &options.holder,
        lasting,
        Timestamp::now(),
    )
    .await?
    {
        Some(lease) => {
            let state = work.desk.deps.state.clone();
            let report = finish(
                work,
                None,
                Deadline::at(deadline.checked_sub(LAST_MOMENT / 5).unwrap_or(deadline)),
            )
            .await;
            lease.release(&state, Timestamp::now()).await?;
            report
        }
        None => left(work, Outcome::HandedOver).await,
    }
}

/// Leaves the agent to another worker: what has arrived is stored, the rest is theirs.
async fn left(mut work: Work, outcome: Outcome) -> anyhow::Result<Report> {
    work.presence.leave().await;
    work.stop_link.cancel();
    let _ = (&mut work.link).await;
    work.drain().await?;
    tracing::info!(agent = work.desk.agent, ?outcome, "session left");
    Ok(Report {
        outcome,
        summary: Some(work.desk.summary()),
    })
}

/// Ends the session: presence offline, everything stored has its turn, every conversation is archived.
async fn finish(mut work: Work, lease: Option<Held>, deadline: Deadline) -> anyhow::Result<Report> {
    work.presence.offline().await;
    work.stop_link.cancel();
    let _ = (&mut work.link).await;
    work.drain().await?;
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

impl Desk {
    /// Ends chats that have been silent for too long.
    pub(super) async fn end_silent(&mut self) -> anyhow::Result<()> {
        let silence = self.deps.config.silence;
        let silent = self
            .chats
            .iter()
            .filter(|(_, chat)| !chat.ended && chat.touched.elapsed() >= silence);
        let silent: Vec<String> = silent
            .map(|(conversation, _)| conversation.clone())
            .collect();
        let mut puts = Vec::new();
        for conversation in silent {
            self.end(conversation, &mut puts)?;
        }
        self.store(puts).await?;
        self.count_active();
        Ok(())
    }

    /// Begins to archive chats that have ended, in the background.
    pub(super) fn archive_ended(&mut self, archives: &mut JoinSet<Done>) {
        let delay = self.deps.config.archive_delay;
        let now = Instant::now();
        for (conversation, chat) in &mut self.chats {
            let ready = chat.ended
                && !chat.archiving
                && chat.touched.elapsed() >= delay
                && chat.archive_from <= now;
            if !ready || archives.len() >= AT_ONCE {
                continue;
            }
            chat.archiving = true;
            let (deps, outages) = (self.deps.clone(), self.outages.clone());
            let (conversation, stored) = (conversation.clone(), chat.stored);
            archives.spawn(async move {
                let result = archive::conversation(
                    &deps,
                    &conversation,
                    &outages,
                    Deadline::within(PATIENCE),
                )
                .await;
                Done {
                    conversation,
                    stored,
                    result,
                }
            });
        }
    }

    /// An archive is done, or failed and is tried again.
    pub(super) async fn archived(&mut self, done: Done) -> anyhow::Result<()> {
        let Done {
            conversation,
            stored,
            result,
        } = done;
        let again = match result {
            Ok(archived) => {
                self.note_archived(&conversation, archived);
                (!archived.complete).then_some(RETRY)
            }
            Err(error) => {
                tracing::error!(
                    conversation,
                    error = format!("{error:#}"),
                    "not archived, trying again"
                );
                metrics::count("chat_archive_failures", 1);
                Some(RETRY)
            }
        };
        let Some(chat) = self.chats.get_mut(&conversation) else {
            return Ok(());
        };
        chat.archiving = false;
        if let Some(again) = again {
            chat.archive_from = Instant::now() + again;
        } else if chat.ended && chat.stored == stored {
            self.forget(&conversation);
            self.close(&conversation).await?;
        }
        Ok(())
    }

    /// Everything that waits has its turn now: the session ends.
    async fn let_all_have_their_turn(&mut self) -> anyhow::Result<()> {
        loop {
            for waiting in self.pacer.drain() {
                self.turn(waiting).await?;
            }
            self.refill().await?;
            if self.pacer.waiting() == 0 {
                return Ok(());
            }
        }
    }

    /// Archives every conversation, also those that have not ended.
    async fn archive_all(&mut self, deadline: Deadline) -> anyhow::Result<()> {
        let (deps, outages) = (self.deps.clone(), self.outages.clone());
        let chats: Vec<String> = self.chats.keys().cloned().collect();
        let archiving = chats.into_iter().map(|conversation| {
            let (deps, outages) = (&deps, &outages);
            async move {
                let result = archive::conversation(deps, &conversation, outages, deadline).await;
                (conversation, result)
            }
        });
        let archiving: Vec<_> = archiving.collect();
        let results: Vec<_> = futures::stream::iter(archiving)
            .buffer_unordered(AT_ONCE)
            .collect()
            .await;
        let mut failed = None;
        for (conversation, result) in results {
            match result {
                Ok(archived) => {
                    self.note_archived(&conversation, archived);
                    if archived.complete {
                        self.close(&conversation).await?;
                    }
                }
                Err(error) => {
                    tracing::error!(
                        conversation,
                        error = format!("{error:#}"),
                        "not archived, the next session does it"
                    );
                    failed = Some(
                        error.context(format!("conversation {conversation} was not archived")),
                    );
                }
            }
        }
        failed.map_or(Ok(()), Err)
    }

    fn note_archived(&mut self, conversation: &str, archived: Archived) {
        let Archived {
            messages,
            written,
            complete,
        } = archived;
        tracing::info!(conversation, messages, written, complete, "archived");
        if written {
            self.counts.archived += 1;
            metrics::count("chat_archived", 1);
        }
        self.show(|| Update::Archived {
            conversation_id: conversation.to_owned(),
            messages,
        });
    }

    /// The conversation is archived: the next session need not.
    async fn close(&mut self, conversation: &str) -> anyhow::Result<()> {
        let key = records::open(&self.agent, conversation);
        self.deps
            .state
            .delete(&key, Expect::Any, Timestamp::now())
            .await
            .context("an archived conversation stays open")
    }
}
