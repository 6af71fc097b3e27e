//! Follows the open digital contacts of a tenant by themselves, and ends the calls of contacts that have ended.
//!
//! A tenant tells nobody when a digital contact begins or ends. One process, the holder of a lease, reads the list of open contacts and
//! registers those that nobody has registered, up to a limit; and it reads the contacts that are followed now and then, of which one that
//! is not open any more has ended. What a script says of an ended contact is a hint: that contact is read at once, and what it says of
//! itself counts.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::sync::Arc;
use std::time::Duration;

use backends::ended_contacts::NewNotices;
use backends::lease_guard::Leases;
use cxone::Error;
use cxone::tenant::TenantClient;
use cxone::tenant::digital::{
    DigitalContact, DigitalQuery, DigitalWalk, OPEN_STATUSES, read_contact,
};
use insights_core::WithCauses;
use insights_core::live::EndReason;
use insights_http::Deadline;
use jiff::Timestamp;
use store::state::{Key, State};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use tokio_util::task::AbortOnDropHandle;

use crate::deps::Deps;
use crate::live_center::LiveCenter;
use crate::voice_calls::VoiceCalls;

/// How long the lease of a process that died keeps others from watching.
const LEASE: Duration = Duration::from_secs(30);

/// Longest time of one request, tries and the wait for a turn included.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(30);

/// How much later a change of a contact may have been than the contact says: times are cut to seconds, and clocks differ a little.
const CLOCK_ERROR: Duration = Duration::from_secs(2);

/// Largest number of contacts that one list looks up in the state store, because they are open and not followed.
const MAX_LOOKUPS: usize = 200;

/// Begins to watch the contacts of a tenant, beside the calls of a run; `None` for another contact center. The watch ends with `stop`, or
/// when the handle is dropped.
pub(crate) fn watch(
    deps: &Arc<Deps>,
    holder: &str,
    stop: &CancellationToken,
) -> Option<AbortOnDropHandle<()>> {
    let LiveCenter::Tenant(calls) = &deps.center else {
        return None;
    };
    let watching = watch_under_lease(
        Arc::clone(deps),
        calls.client().clone(),
        holder.to_owned(),
        stop.clone(),
    );
    Some(AbortOnDropHandle::new(tokio::spawn(watching)))
}

async fn watch_under_lease(
    deps: Arc<Deps>,
    client: TenantClient,
    holder: String,
    stop: CancellationToken,
) {
    let leases = Leases::new(deps.state.clone());
    loop {
        let key = Key::new("live#open-contacts", "lease");
        match leases.try_acquire(key, &holder, LEASE).await {
            Ok(Some(guard)) => {
                let mut watch = Watch::new(&deps, &client);
                let ended = guard.run(watch.run(&stop)).await;
                if let Err(lost) = ended {
                    tracing::warn!(
                        cause = %WithCauses(&lost),
                        "the open contacts are watched by another process"
                    );
                }
                if let Err(error) = guard.release().await {
                    tracing::warn!(
                        cause = %WithCauses(&error),
                        "the lease of the open contacts was not given back and ends by itself"
                    );
                }
            }
            Ok(None) => {}
            Err(error) => tracing::warn!(
                cause = %WithCauses(&error),
                "the lease of the open contacts could not be taken"
            ),
        }
        tokio::select! {
            () = stop.cancelled() => return,
            () = tokio::time::sleep(deps.contact_times.step) => {}
        }
    }
}

/// What is known of the contacts.
struct Watch<'a> {
    deps: &'a Deps,
    client: &'a TenantClient,
    notices: NewNotices<State>,
    list_at: Instant,
    /// Contacts of the last complete list.
    open: HashSet<String>,
    /// When each followed contact was read last and was open, or is none of the digital part.
    checked: HashMap<String, Instant>,
    /// Followed contacts that have ended, each with the time at which that was seen.
    ended: HashMap<String, Instant>,
    /// Followed contacts that a script has named and that were not read since.
    hinted: BTreeSet<String>,
    /// The numbers of messages of open contacts that are not followed.
    unfollowed: HashMap<String, Option<(u64, u64)>>,
}

impl<'a> Watch<'a> {
    fn new(deps: &'a Deps, client: &'a TenantClient) -> Self {
        Self {
            notices: NewNotices::new(deps.state.clone()),
            deps,
            client,
            list_at: Instant::now(),
            open: HashSet::new(),
            checked: HashMap::new(),
            ended: HashMap::new(),
            hinted: BTreeSet::new(),
            unfollowed: HashMap::new(),
        }
    }

    async fn run(&mut self, stop: &CancellationToken) {
        loop {
            let step = tokio::select! {
                () = stop.cancelled() => return,
                step = self.step() => step,
            };
            if let Err(error) = step {
                tracing::warn!(
                    cause = %WithCauses(error.as_ref()),
                    "the open contacts of the tenant were not watched for a moment"
                );
            }
            tokio::select! {
                () = stop.cancelled() => return,
                () = tokio::time::sleep(self.deps.contact_times.step) => {}
            }
        }
    }

    async fn step(&mut self) -> anyhow::Result<()> {
        let mut followed = self.followed().await?;
        self.take_hints(&followed).await?;
        if self.deps.config.open_contacts > 0 && Instant::now() >= self.list_at {
            // Before the request: one that fails is not made again at once.
            self.list_at = Instant::now() + self.deps.contact_times.list;
            self.read_list(&mut followed).await?;
        }
        self.checked.retain(|id, _| followed.contains(id));
        self.ended.retain(|id, _| followed.contains(id));
        self.hinted.retain(|id| followed.contains(id));
        if let Some(id) = self.next_check(&followed) {
            self.check(&id).await?;
        }
        Ok(())
    }

    /// Returns the calls whose words are listened to, where an operator has switched it on.
    fn voice(&self) -> Option<&'a VoiceCalls> {
        match &self.deps.center {
            LiveCenter::Tenant(calls) => calls.voice(),
            LiveCenter::Tutorial { .. } => None,
        }
    }

    /// Returns the contacts that are followed, in all lists.
    async fn followed(&self) -> anyhow::Result<HashSet<String>> {
        let mut followed = HashSet::new();
        for shard in 0..self.deps.calls.shards() {
            let listed = self.deps.calls.list(shard, Timestamp::now()).await?;
            followed.extend(listed.into_iter().map(|call| call.id));
        }
        // Calls are watched by another list.
        if let Some(voice) = self.voice() {
            followed.retain(|id| !voice.is_call(id));
        }
        Ok(followed)
    }

    /// Takes the followed contacts of which a script has said since the last step that they ended.
    async fn take_hints(&mut self, followed: &HashSet<String>) -> anyhow::Result<()> {
        if followed.is_empty() {
            return Ok(());
        }
        let new = self.notices.take(Timestamp::now()).await?.into_iter();
        self.hinted.extend(new.filter(|id| followed.contains(id)));
        Ok(())
    }

    /// Reads the whole list of open contacts, and registers those that are not followed yet.
    async fn read_list(&mut self, followed: &mut HashSet<String>) -> anyhow::Result<()> {
        let mut walk = DigitalWalk::new(DigitalQuery {
            statuses: OPEN_STATUSES,
            created: None,
        });
        let mut listed = Vec::new();
        while let Some(page) = walk
            .next_page(self.client, Deadline::within(REQUEST_TIMEOUT))
            .await?
        {
            listed.extend(page);
        }
        self.open = listed.iter().map(|contact| contact.id.clone()).collect();
        let limit = self.deps.config.open_contacts;
        let unfollowed = listed
            .iter()
            .filter(|contact| !followed.contains(&contact.id))
            .count();
        let room = limit.saturating_sub(followed.len());
        runtime::metrics::gauge(
            "open_contacts_unfollowed",
            unfollowed.saturating_sub(room) as f64,
        );
        let (mut lookups, mut unfollowed) = (0, HashMap::new());
        for contact in listed {
            if followed.contains(&contact.id) {
                continue;
            }
            let counts = contact.message_counts;
            let before = self.unfollowed.get(&contact.id);
            let has_news = before.is_some_and(|before| *before != counts);
            if followed.len() < limit && lookups < MAX_LOOKUPS {
                lookups += 1;
                if self.is_to_be_followed(&contact, has_news).await? {
                    let now = Timestamp::now();
                    self.deps.calls.register(&contact.id, now).await?;
                    followed.insert(contact.id);
                    continue;
                }
            }
            unfollowed.insert(contact.id, counts);
        }
        self.unfollowed = unfollowed;
        Ok(())
    }

    /// Returns whether an open contact is to be followed: one that is new, that was opened again after it had ended, or in which somebody
    /// writes again after a silence. One of which somebody has asked that it be no longer followed is left alone.
    async fn is_to_be_followed(
        &self,
        contact: &DigitalContact,
        has_news: bool,
    ) -> anyhow::Result<bool> {
        let known = self.deps.calls.load(&contact.id, Timestamp::now()).await?;
        let Some(end) = known.and_then(|known| known.call.ended()) else {
            return Ok(true);
        };
        let changed_at = contact.status_updated_at.map(|at| at + CLOCK_ERROR);
        let was_opened_again = changed_at.is_some_and(|changed_at| changed_at > end.at);
        Ok(was_opened_again || (end.reason == EndReason::Silence && has_news))
    }

    /// Returns the contact that is read now: one whose grace is over, one that a script has named, or one that was not read for long.
    fn next_check(&self, followed: &HashSet<String>) -> Option<String> {
        let times = self.deps.contact_times;
        let is_over = |seen: &Instant| seen.elapsed() >= times.grace;
        if let Some((id, _)) = self.ended.iter().find(|(_, seen)| is_over(seen)) {
            return Some(id.clone());
        }
        if let Some(id) = self.hinted.first() {
            return Some(id.clone());
        }
        let is_due = |id: &&String| {
            let checked = self.checked.get(*id);
            let is_old = checked.is_none_or(|at| at.elapsed() >= times.check);
            is_old && !self.open.contains(*id) && !self.ended.contains_key(*id)
        };
        let due = followed.iter().filter(is_due);
        due.min_by_key(|id| self.checked.get(*id).copied()).cloned()
    }

    /// Reads a followed contact, and ends its call once the contact is not open any more and its last messages had their time.
    async fn check(&mut self, id: &str) -> anyhow::Result<()> {
        // Before the request: one that fails has its turn later.
        self.checked.insert(id.to_owned(), Instant::now());
        self.hinted.remove(id);
        let deadline = Deadline::within(REQUEST_TIMEOUT);
        let found = match read_contact(self.client, id, deadline).await {
            // A tenant of calls alone has no digital contacts.
            Err(Error::NotLicensed { .. }) if self.voice().is_some() => None,
            found => found?,
        };
        let is_open = match found {
            Some(contact) => OPEN_STATUSES.contains(&contact.status.as_str()),
            // No digital contact: a call that ended while no process listened, or a number that nobody knows.
            None => self.voice().is_none_or(|voice| !voice.is_over(id)),
        };
        if is_open {
            self.ended.remove(id);
            return Ok(());
        }
        self.open.remove(id);
        let seen = *self.ended.entry(id.to_owned()).or_insert_with(Instant::now);
        if seen.elapsed() < self.deps.contact_times.grace {
            return Ok(());
        }
        self.deps.calls.stop(id, Timestamp::now()).await?;
        self.ended.remove(id);
        tracing::info!(
            interaction_id = id,
            "the contact has ended and is no longer scored"
        );
        Ok(())
    }
}
