//! Watches chats while a run goes on: each message of a customer is read, what ended is archived after an outage, and no chat counts as
//! ended in which the customer goes on writing.

use std::collections::BTreeMap;
use std::sync::Arc;

use chat_session::records::{self, OpenRecord};
use jiff::Timestamp;
use store::state::Key;

use crate::chat_center::{AGENT, PlannedChat, PlannedChats, Writing, customer_message};
use crate::faults::Target;
use crate::outage::MAX_RECOVERY_MS;
use crate::processes::Process;
use crate::surroundings::wait_until;
use crate::world::{SharedWorld, World};

/// What the reading of messages needs.
const NEEDED: [Target; 4] = [
    Target::Stream,
    Target::Token,
    Target::ChatTranscript,
    Target::State,
];

/// How long everything that reading needs must have worked before a chat in which the customer writes may not count as ended, in
/// milliseconds.
const SETTLED_MS: u64 = 10_000;

/// How long after its end a chat begins anew if its customer writes, in milliseconds: the wall clock of a session is up to five seconds
/// ahead, and learns of the end a little later.
const AFTER_END_MS: u64 = 10_000;

/// The bounds of a run.
#[derive(Debug, Clone, Copy)]
pub struct Bounds {
    /// Longest time for which a message may be left unread while everything that reading needs works, in milliseconds.
    pub max_unread_ms: u64,
    /// When every chat must be archived that ended a while before, if there is such a moment, in milliseconds of the run.
    pub archived_by_ms: Option<u64>,
    /// Time without a message after which a chat counts as ended, in milliseconds.
    pub silence_ms: u64,
    /// When all sessions are stopped, in milliseconds of the run.
    pub stop_ms: u64,
}

/// Watches the chats of a run until the sessions are stopped, and returns the first complaint.
pub async fn watch(
    world: SharedWorld,
    process: Process,
    chats: Arc<PlannedChats>,
    bounds: Bounds,
) -> Option<String> {
    let mut unread: BTreeMap<Key, &Writing> = chats
        .iter()
        .flat_map(|(id, chat)| chat.customer.iter().map(move |writing| (id, writing)))
        .map(|(id, writing)| {
            let message = customer_message(id, writing);
            (records::message_key(&message), writing)
        })
        .collect();
    let mut healthy_since = 0;
    for second in 0..bounds.stop_ms / 1000 {
        wait_until(second * 1000).await;
        process.turn().await;
        let now_ms = second * 1000;
        let world = world.lock();
        if bounds.archived_by_ms == Some(now_ms)
            && let Some(complaint) = find_unarchived(&world)
        {
            return Some(complaint);
        }
        // A chat is judged by what was read before this second: the note of a chat is written with its message.
        let mut chats = chats.iter();
        let closed = chats.find_map(|(id, chat)| {
            let is_unread = |key: &Key| unread.contains_key(key);
            find_closed(&world, id, chat, is_unread, (now_ms, healthy_since), bounds)
        });
        if closed.is_some() {
            return closed;
        }
        unread.retain(|key, _| world.items.get(key, Timestamp::now()).is_none());
        if world.is_disturbed(&NEEDED, now_ms) {
            healthy_since = now_ms;
        }
        let missed = unread.values().find(|writing| {
            now_ms.saturating_sub(healthy_since.max(writing.at_ms)) > bounds.max_unread_ms
        });
        if let Some(missed) = missed {
            return Some(format!(
                "{:?} of {} ms was not read for {} s although nothing that reading needs failed",
                missed.text,
                missed.at_ms,
                bounds.max_unread_ms / 1000
            ));
        }
    }
    None
}

fn find_unarchived(world: &World) -> Option<String> {
    let open = records::agent_partition(AGENT);
    let left = world.items.list(&open, "open#", None, 10, Timestamp::now());
    left.first().map(|item| {
        format!(
            "{} is not archived {} s after the outage",
            item.key,
            MAX_RECOVERY_MS / 1000
        )
    })
}

/// Returns a complaint if a chat counts as ended whose customer has written a short while ago, and everything has worked since
/// `healthy_since`.
fn find_closed(
    world: &World,
    id: &str,
    chat: &PlannedChat,
    is_unread: impl Fn(&Key) -> bool,
    (now_ms, healthy_since): (u64, u64),
    bounds: Bounds,
) -> Option<String> {
    let mut written = chat.customer.iter().rev();
    let latest = written.find(|writing| writing.at_ms < now_ms)?;
    let ends = chat.ends_ms.iter().rev();
    let mut ends = ends.copied().filter(|end_ms| *end_ms <= now_ms);
    let end_ms = ends.next();
    let is_going_on = end_ms.is_none_or(|end_ms| end_ms + AFTER_END_MS < latest.at_ms);
    let is_known = end_ms.is_none_or(|end_ms| healthy_since < end_ms);
    let is_settled = healthy_since + SETTLED_MS < now_ms && is_known;
    let is_silent = latest.at_ms + bounds.silence_ms < now_ms + SETTLED_MS;
    if !is_going_on || is_silent {
        return None;
    }
    // Where nothing has ended the chat yet, no silence may: what nobody has heard breaks a silence as well.
    let mut pairs = chat.customer.windows(2);
    let was_silent = pairs.any(|pair| pair[0].at_ms + bounds.silence_ms < pair[1].at_ms);
    let is_whole =
        end_ms.is_none() && !was_silent && !world.faults.touches(Target::ChatTranscript, 0, now_ms);
    let message = customer_message(id, latest);
    let is_read = is_settled && !is_unread(&records::message_key(&message));
    if !is_whole && !is_read {
        return None;
    }
    let note = world
        .items
        .get(&records::open_key(AGENT, id), Timestamp::now());
    let record = note.and_then(|note| note.decode::<OpenRecord>().ok());
    let counts_as = match record {
        Some(record) if !record.ended => return None,
        Some(_) => "noted as ended",
        None if is_read => "not noted as open",
        // Nobody knows of the chat yet.
        None => return None,
    };
    Some(format!(
        "{id} is {counts_as} at {now_ms} ms, although its customer wrote {:?} at {} ms",
        latest.text, latest.at_ms
    ))
}
