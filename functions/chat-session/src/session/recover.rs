//! The beginning of a session: what the one before left, and what it did not get to.

use std::sync::Arc;
use std::time::Duration;

use futures::{StreamExt, TryStreamExt};
use insights_core::chat::archive::Gap;
use insights_core::chat::merge::Heard;
use insights_core::chat::message::Message;
use jiff::Timestamp;
use store::state::StateStore;

use super::desk::{Chat, Desk, Parts};
use super::{Options, agent, lease};
use crate::Deps;
use crate::records::{self, EscalationRecord, OpenRecord, Phase, SessionRecord};

/// Chats read at once.
const AT_ONCE: usize = 16;
/// Waits between tries to read, the first and the longest.
const READ_RETRY: (Duration, Duration) = (Duration::from_millis(50), Duration::from_secs(2));
/// How long after its time for it a hand-over counts as a death.
const HANDOVER_GRACE_MS: i64 = 30_000;

/// What is stored of a chat.
struct Stored {
    conversation: String,
    heard: Vec<Heard>,
    escalations: Vec<EscalationRecord>,
    spilled: bool,
}

/// The desk of a session that goes on where the last one of the agent ended or died. One that died is ended here: its
/// agent goes offline, before this session sets it available.
pub(super) async fn recover(
    deps: Arc<Deps>,
    agent: &str,
    options: &Options,
    lease: &lease::Held,
) -> anyhow::Result<Desk> {
    let now = Timestamp::now();
    let last = deps.state.get(&records::session(agent), now).await?;
    let last: Option<SessionRecord> = last.map(|item| item.decode()).transpose()?;
    let parts = Parts::start(&deps, options, lease.lost.clone());
    let mut desk = Desk::new(Arc::clone(&deps), agent, options, parts);
    if let Some(last) = &last
        && died(last, now, &deps)
    {
        tracing::warn!(
            agent,
            holder = last.holder,
            "the last session died, ending its presence"
        );
        agent::offline(&deps, agent).await;
        desk.down_since = Some(last.heard_ms);
    }
    desk.record(Phase::Serving).await?;
    for (_, gap) in records::all::<Gap>(&deps.state, &records::agent(agent), "outage#", now).await?
    {
        desk.note_outage(gap);
    }
    let unsent = records::all::<Message>(&deps.state, &records::agent(agent), "out#", now).await?;
    desk.outbox
        .resume(unsent.into_iter().map(|(_, message)| message).collect());
    let open = open_chats(&deps, agent, now).await?;
    if !open.is_empty() {
        tracing::info!(
            agent,
            conversations = open.len(),
            "going on with open conversations"
        );
        desk.down_since = desk.down_since.or(last
            .filter(|last| last.phase == Phase::Ended)
            .map(|last| last.heard_ms));
    }
    let ended: Vec<bool> = open.iter().map(|(_, record)| record.ended).collect();
    let names: Vec<String> = open
        .into_iter()
        .map(|(conversation, _)| conversation)
        .collect();
    for (stored, ended) in desk.read(&names).await?.into_iter().zip(ended) {
        desk.go_on(stored, ended).await?;
    }
    desk.count_active();
    Ok(desk)
}

/// The conversations that are not archived yet.
async fn open_chats(
    deps: &Deps,
    agent: &str,
    now: Timestamp,
) -> Result<Vec<(String, OpenRecord)>, store::Error> {
    let open =
        records::all::<OpenRecord>(&deps.state, &records::agent(agent), "open#", now).await?;
    let named = |item: store::state::Item| item.key.sort.strip_prefix("open#").map(str::to_owned);
    Ok(open
        .into_iter()
        .filter_map(|(item, record)| Some((named(item)?, record)))
        .collect())
}

/// Whether a session ended without an end.
fn died(last: &SessionRecord, now: Timestamp, deps: &Deps) -> bool {
    let handover = i64::try_from(deps.config.handover.as_millis()).unwrap_or(i64::MAX);
    match last.phase {
        Phase::Serving => true,
        Phase::HandingOver => {
            now.as_millisecond()
                > last
                    .heard_ms
                    .saturating_add(handover)
                    .saturating_add(HANDOVER_GRACE_MS)
        }
        Phase::Ended => false,
    }
}

impl Desk {
    /// Opens the chats that are not open, with what earlier sessions stored of them. Noted as open before anything of them
    /// is stored, so that whoever comes next archives them.
    pub(super) async fn open(&mut self, conversations: &[String]) -> anyhow::Result<()> {
        let mut new: Vec<String> = conversations
            .iter()
            .filter(|id| !self.chats.contains_key(id.as_str()))
            .cloned()
            .collect();
        if new.is_empty() {
            return Ok(());
        }
        new.sort_unstable();
        new.dedup();
        let since_ms = Timestamp::now().as_millisecond();
        let mut puts = Vec::new();
        for conversation in &new {
            let ended = self.ended.contains(conversation);
            puts.push(self.put(
                records::open(&self.agent, conversation),
                &OpenRecord { since_ms, ended },
            )?);
        }
        self.store(puts).await?;
        for stored in self.read(&new).await? {
            let ended = self.ended.contains(&stored.conversation);
            self.go_on(stored, ended).await?;
        }
        self.count_active();
        Ok(())
    }

    /// What is stored of these chats, in their order.
    async fn read(&self, conversations: &[String]) -> anyhow::Result<Vec<Stored>> {
        let reading: Vec<_> = conversations
            .iter()
            .map(|conversation| self.read_until_read(conversation))
            .collect();
        Ok(futures::stream::iter(reading)
            .buffered(AT_ONCE)
            .try_collect()
            .await?)
    }

    async fn read_until_read(&self, conversation: &str) -> Result<Stored, store::Error> {
        let mut wait = READ_RETRY.0;
        loop {
            match self.read_one(conversation).await {
                Err(error) if error.is_retryable() && !self.lost.is_cancelled() => {
                    tracing::warn!(conversation, error = %error, "chat not read yet");
                    tokio::time::sleep(wait).await;
                    wait = (wait * 2).min(READ_RETRY.1);
                }
                result => return result,
            }
        }
    }

    async fn read_one(&self, conversation: &str) -> Result<Stored, store::Error> {
        let (state, now) = (&self.deps.state, Timestamp::now());
        let partition = records::conversation(conversation);
        let heard = records::all(state, &partition, "m#", now).await?;
        let escalations = records::all(state, &partition, "e#", now).await?;
        let spill = records::spill(&self.agent, conversation);
        let spilled = !state.list(&spill, "", None, 1, now).await?.is_empty();
        Ok(Stored {
            conversation: conversation.to_owned(),
            heard: heard.into_iter().map(|(_, heard)| heard).collect(),
            escalations: escalations.into_iter().map(|(_, record)| record).collect(),
            spilled,
        })
    }

    /// Goes on with a chat: what was stored and not looked at for escalations is looked at now.
    async fn go_on(&mut self, mut stored: Stored, ended: bool) -> anyhow::Result<()> {
        let mut chat = Chat::new(ended);
        for record in &stored.escalations {
            chat.escalated.mark_raised(record.severity);
        }
        stored.heard.sort_by_key(|heard| heard.arrival);
        for heard in &stored.heard {
            chat.known.insert(heard.message.identity());
            self.arrival = self.arrival.max(heard.arrival);
        }
        if stored.spilled {
            self.pacer.adopt_spilled(&stored.conversation);
        }
        self.chats.insert(stored.conversation.clone(), chat);
        for record in stored
            .escalations
            .iter()
            .filter(|record| !record.told && record.agent == self.agent)
        {
            self.tell(&stored.conversation, record);
        }
        for heard in &stored.heard {
            self.escalate(&heard.message).await?;
        }
        Ok(())
    }
}
