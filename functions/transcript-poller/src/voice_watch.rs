//! Follows the calls of a tenant by themselves while they go on, where their words are listened to.
//!
//! Each run reads the list of the calls that go on, listens to those of its own shards that an agent has, and registers those whose words
//! come. Two runs that overlap, as two invocations do at a hand-over, both listen: the state of a call counts each utterance once. A call
//! that is missing from the list has ended.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::time::Duration;

use cxone::tenant::TenantClient;
use cxone::tenant::active_calls::read_active_calls;
use insights_core::WithCauses;
use insights_core::live::EndReason;
use insights_http::Deadline;
use jiff::Timestamp;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use tokio_util::task::AbortOnDropHandle;

use crate::call_selection::CallSelection;
use crate::deps::Deps;
use crate::live_center::LiveCenter;
use crate::voice_calls::VoiceCalls;

/// Longest time of one read of the list, tries and the wait for a turn included.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(30);

/// How long a call that has ended is known as a call.
const KNOWN_AFTER_END: Duration = Duration::from_secs(600);

/// Number of lists in a row that miss a call that has ended. One may miss a call because it changed between two pages.
const MISSING_LISTS: u32 = 2;

/// Begins to listen to the calls of a tenant beside the calls of a run; `None` where nobody has switched it on. It ends when the handle is
/// dropped, and registers nothing after `stop`.
pub(crate) fn watch(
    deps: &Arc<Deps>,
    selection: &CallSelection,
    stop: &CancellationToken,
) -> Option<AbortOnDropHandle<()>> {
    let LiveCenter::Tenant(calls) = &deps.center else {
        return None;
    };
    calls.voice()?;
    let (deps, selection, stop) = (Arc::clone(deps), selection.clone(), stop.clone());
    let watching = async move {
        let LiveCenter::Tenant(calls) = &deps.center else {
            return;
        };
        let Some(voice) = calls.voice() else {
            return;
        };
        let mut watch = VoiceWatch {
            deps: &deps,
            client: calls.client(),
            voice,
            selection,
            list_at: Instant::now(),
            known: HashMap::new(),
            followed: HashSet::new(),
            settled: HashSet::new(),
        };
        tokio::join!(voice.listen(calls.client().clone()), watch.run(&stop));
    };
    Some(AbortOnDropHandle::new(tokio::spawn(watching)))
}

/// What is known of a call.
#[derive(Debug, Default)]
struct KnownCall {
    has_agent: bool,
    /// Number of lists in a row that miss the call.
    missing_lists: u32,
    /// Since when the lists miss the call.
    missing_since: Option<Instant>,
    /// Whether the call was ended here because the lists miss it.
    was_ended: bool,
}

/// What is known of the calls of a tenant.
struct VoiceWatch<'a> {
    deps: &'a Deps,
    client: &'a TenantClient,
    voice: &'a VoiceCalls,
    selection: CallSelection,
    list_at: Instant,
    known: HashMap<String, KnownCall>,
    /// Calls that are registered in the shards of this run.
    followed: HashSet<String>,
    /// Calls that are not to be registered, until something new is said in them.
    settled: HashSet<String>,
}

impl VoiceWatch<'_> {
    async fn run(&mut self, stop: &CancellationToken) {
        loop {
            let step = tokio::select! {
                () = stop.cancelled() => return,
                step = self.step() => step,
            };
            if let Err(error) = step {
                tracing::warn!(
                    cause = %WithCauses(error.as_ref()),
                    "the calls of the tenant were not watched for a moment"
                );
            }
            tokio::select! {
                () = stop.cancelled() => return,
                () = tokio::time::sleep(self.deps.contact_times.step) => {}
            }
        }
    }

    async fn step(&mut self) -> anyhow::Result<()> {
        self.followed = self.read_followed().await?;
        if Instant::now() >= self.list_at {
            // Before the request: one that fails is not made again at once.
            self.list_at = Instant::now() + self.deps.contact_times.list;
            self.read_list().await?;
        }
        if matches!(self.selection, CallSelection::Shards(_)) {
            self.register_audible().await?;
            self.end_missing().await?;
        }
        Ok(())
    }

    async fn read_followed(&self) -> anyhow::Result<HashSet<String>> {
        let mut followed = HashSet::new();
        if let CallSelection::Shards(shards) = &self.selection {
            for &shard in shards {
                let listed = self.deps.calls.list(shard, Timestamp::now()).await?;
                followed.extend(listed.into_iter().map(|call| call.id));
            }
        }
        Ok(followed)
    }

    fn is_own(&self, id: &str) -> bool {
        match &self.selection {
            CallSelection::Shards(shards) => {
                self.followed.contains(id) || shards.contains(&self.deps.calls.shard_of(id))
            }
            CallSelection::Ids(ids) => ids.iter().any(|own| own == id),
        }
    }

    /// Reads which calls go on, and listens to the own ones among them until they have had time for their last words.
    async fn read_list(&mut self) -> anyhow::Result<()> {
        let listed = read_active_calls(self.client, Deadline::within(REQUEST_TIMEOUT)).await?;
        for call in self.known.values_mut() {
            call.missing_lists = call.missing_lists.saturating_add(1);
            call.missing_since.get_or_insert_with(Instant::now);
        }
        for call in listed {
            let known = self.known.entry(call.id).or_default();
            // An agent who was there remains: a call on hold between two agents is still the same.
            known.has_agent |= call.has_agent;
            (known.missing_lists, known.missing_since) = (0, None);
        }
        let is_kept = |call: &KnownCall| {
            let missing = call.missing_since;
            missing.is_none_or(|since| since.elapsed() < KNOWN_AFTER_END)
        };
        self.known.retain(|_, call| is_kept(call));
        self.settled.retain(|id| self.known.contains_key(id));
        self.voice.set_phone(self.known.keys().cloned().collect());
        let own = self
            .known
            .iter()
            .filter(|(id, call)| call.has_agent && !self.has_ended(call) && self.is_own(id));
        let mut wanted: Vec<&String> = own.map(|(id, _)| id).collect();
        let max_calls = self.deps.config.max_calls;
        if wanted.len() > max_calls {
            tracing::error!(
                calls = wanted.len(),
                max_calls,
                "more calls go on than one invocation listens to: raise POLL_SHARDS"
            );
            // Those that are listened to already go on.
            wanted.sort_by_key(|id| !self.followed.contains(*id));
            wanted.truncate(max_calls);
        }
        self.voice
            .calls()
            .follow(&wanted.into_iter().cloned().collect());
        Ok(())
    }

    /// Returns whether a call is over, its last words included.
    fn has_ended(&self, call: &KnownCall) -> bool {
        let grace = self.deps.contact_times.grace;
        let missing = call
            .missing_since
            .is_some_and(|since| since.elapsed() >= grace);
        missing && call.missing_lists >= MISSING_LISTS
    }

    /// Registers the calls whose words come and that nobody follows. One of which somebody has asked that it be no longer followed is left
    /// alone.
    async fn register_audible(&mut self) -> anyhow::Result<()> {
        for id in self.voice.calls().audible() {
            let Some(known) = self.known.get(&id) else {
                continue;
            };
            let (was_ended, has_ended) = (known.was_ended, self.has_ended(known));
            let has_news = self.voice.calls().has_unread(&id);
            let is_settled = self.settled.contains(&id) && !has_news;
            if has_ended || self.followed.contains(&id) || is_settled || !self.is_own(&id) {
                continue;
            }
            let loaded = self.deps.calls.load(&id, Timestamp::now()).await?;
            let end = loaded.map(|loaded| loaded.call.ended());
            let is_new = match end {
                // Nobody has ever scored it, or its entry was not written.
                None | Some(None) => true,
                Some(Some(end)) => was_ended || (end.reason == EndReason::Silence && has_news),
            };
            if is_new {
                self.deps.calls.register(&id, Timestamp::now()).await?;
                if let Some(known) = self.known.get_mut(&id) {
                    known.was_ended = false;
                }
                self.settled.remove(&id);
                tracing::info!(
                    interaction_id = id,
                    "the words of a call are scored while it goes on"
                );
            } else {
                self.settled.insert(id);
            }
        }
        Ok(())
    }

    /// Ends the calls that the lists miss.
    async fn end_missing(&mut self) -> anyhow::Result<()> {
        let ended: Vec<String> = self
            .known
            .iter()
            .filter(|(id, call)| {
                !call.was_ended && self.has_ended(call) && self.followed.contains(*id)
            })
            .map(|(id, _)| id.clone())
            .collect();
        for id in ended {
            self.deps.calls.stop(&id, Timestamp::now()).await?;
            if let Some(known) = self.known.get_mut(&id) {
                known.was_ended = true;
            }
            tracing::info!(
                interaction_id = id,
                "the call has ended and is no longer scored"
            );
        }
        Ok(())
    }
}
