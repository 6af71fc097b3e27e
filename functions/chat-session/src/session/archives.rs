//! The archives of a session: of conversations that end meanwhile, and of all at its end.

use std::time::Duration;

use anyhow::Context;
use futures::StreamExt;
use insights_http::Deadline;
use jiff::Timestamp;
use runtime::metrics;
use store::state::{Expect, StateStore};
use tokio::task::JoinSet;
use tokio::time::Instant;

use super::Update;
use super::desk::Desk;
use crate::archive::{self, Archived};
use crate::records;

/// Archives at once.
const AT_ONCE: usize = 8;
/// How long one archive may take while the session goes on.
const PATIENCE: Duration = Duration::from_secs(30);
/// When an archive that failed is tried again.
const RETRY: Duration = Duration::from_secs(30);

/// An archive that was tried in the background.
pub(super) struct Done {
    conversation: String,
    /// How many messages the session had stored when it began.
    stored: u64,
    result: anyhow::Result<Archived>,
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
    pub(super) async fn let_all_have_their_turn(&mut self) -> anyhow::Result<()> {
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
    pub(super) async fn archive_all(&mut self, deadline: Deadline) -> anyhow::Result<()> {
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
        self.no_more_of(conversation).await;
        let key = records::open(&self.agent, conversation);
        self.deps
            .state
            .delete(&key, Expect::Any, Timestamp::now())
            .await
            .context("an archived conversation stays open")
    }
}
