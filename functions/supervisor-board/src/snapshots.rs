//! What all open boards of a process show: the rows are read once for all of them, and what has changed is found by comparing.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use backends::board::{Board, BoardEntry};
use insights_core::board::AlertHandling;
use jiff::Timestamp;
use serde::Serialize;
use sha2::{Digest, Sha256};
use store::Error;
use store::state::State;
use tokio::sync::Mutex;
use tokio::time::Instant;

use crate::row_view;

/// Number of earlier snapshots that are kept, so that a browser that comes again gets only what has changed. A minute of changes each
/// second.
const KEPT_SNAPSHOTS: usize = 60;

/// The figures at the head of the page.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
pub(crate) struct Head {
    /// Number of live calls.
    pub(crate) calls: usize,
    /// Number of live chats.
    pub(crate) chats: usize,
    /// Number of alerts that wait for somebody.
    pub(crate) open: usize,
    /// When the oldest alert that waits was raised, in milliseconds since the epoch.
    pub(crate) oldest: Option<i64>,
}

/// All live conversations at one time.
#[derive(Debug)]
pub struct Snapshot {
    /// A digest of the rows: two processes that read the same rows name them alike.
    pub(crate) id: String,
    /// When the rows were read, in milliseconds since the epoch.
    pub(crate) as_of_ms: i64,
    /// The figures at the head of the page.
    pub(crate) head: Head,
    /// The JSON of each conversation, by its id.
    rows: BTreeMap<String, Arc<str>>,
}

impl Snapshot {
    fn of(entries: &[BoardEntry], now: Timestamp) -> Self {
        let now_ms = now.as_millisecond();
        let (mut head, mut digest) = (Head::default(), Sha256::new());
        let mut rows: BTreeMap<String, Arc<str>> = BTreeMap::new();
        for entry in entries {
            let (view, stands) = row_view::view(entry, now_ms);
            if entry.row.kind == insights_core::board::ConversationKind::Chat {
                head.chats += 1;
            } else {
                head.calls += 1;
            }
            if stands.handling == AlertHandling::Open {
                head.open += 1;
                let oldest = head.oldest.into_iter().chain(stands.alert_since_ms).min();
                head.oldest = oldest;
            }
            let Ok(json) = serde_json::to_string(&view) else {
                continue;
            };
            rows.insert(entry.id.clone(), Arc::from(json));
        }
        for json in rows.values() {
            digest.update((json.len() as u64).to_be_bytes());
            digest.update(json.as_bytes());
        }
        let id = digest.finalize();
        let id = id
            .iter()
            .take(12)
            .fold(String::new(), |hex, byte| hex + &format!("{byte:02x}"));
        Self {
            id,
            as_of_ms: now_ms,
            head,
            rows,
        }
    }

    /// Returns the data of the event that shows everything.
    pub(crate) fn whole(&self) -> String {
        self.event(self.rows.values(), &[])
    }

    /// Returns the data of the event that leads from an earlier snapshot to this one.
    pub(crate) fn since(&self, earlier: &Self) -> String {
        let changed = self
            .rows
            .iter()
            .filter(|(id, json)| earlier.rows.get(*id) != Some(*json))
            .map(|(_, json)| json);
        let gone: Vec<&String> = earlier
            .rows
            .keys()
            .filter(|id| !self.rows.contains_key(*id))
            .collect();
        self.event(changed, &gone)
    }

    fn event<'r>(&self, rows: impl Iterator<Item = &'r Arc<str>>, gone: &[&String]) -> String {
        let head = serde_json::to_string(&self.head).unwrap_or_default();
        let gone = serde_json::to_string(gone).unwrap_or_default();
        let rows: Vec<&str> = rows.map(AsRef::as_ref).collect();
        format!(
            r#"{{"as_of":{},"head":{head},"gone":{gone},"rows":[{}]}}"#,
            self.as_of_ms,
            rows.join(",")
        )
    }
}

/// The newest snapshot of a process and some before it.
#[derive(Debug)]
pub struct Snapshots {
    board: Board<State>,
    refresh: Duration,
    kept: Mutex<Kept>,
}

#[derive(Debug, Default)]
struct Kept {
    newest: Option<(Instant, Arc<Snapshot>)>,
    earlier: VecDeque<Arc<Snapshot>>,
}

impl Snapshots {
    /// Creates the snapshots of a board, which are renewed at most once in each `refresh`.
    #[must_use]
    pub fn new(board: Board<State>, refresh: Duration) -> Self {
        Self {
            board,
            refresh,
            kept: Mutex::default(),
        }
    }

    /// Returns the newest snapshot. Of many who ask at the same time, one reads.
    ///
    /// # Errors
    /// The errors of the store.
    pub async fn newest(&self) -> Result<Arc<Snapshot>, Error> {
        let mut kept = self.kept.lock().await;
        if let Some((read_at, newest)) = &kept.newest
            && read_at.elapsed() < self.refresh
        {
            return Ok(Arc::clone(newest));
        }
        let now = Timestamp::now();
        let entries = self.board.read(now).await?;
        let snapshot = Arc::new(Snapshot::of(&entries, now));
        if let Some((_, newest)) = kept.newest.take()
            && newest.id != snapshot.id
        {
            kept.earlier.push_back(newest);
            if kept.earlier.len() > KEPT_SNAPSHOTS {
                kept.earlier.pop_front();
            }
        }
        kept.newest = Some((Instant::now(), Arc::clone(&snapshot)));
        Ok(snapshot)
    }

    /// Returns the snapshot with this name, if it is still kept.
    pub(crate) async fn find(&self, id: &str) -> Option<Arc<Snapshot>> {
        let kept = self.kept.lock().await;
        let newest = kept.newest.as_ref().map(|(_, newest)| newest);
        let mut all = kept.earlier.iter().chain(newest);
        all.find(|snapshot| snapshot.id == id).cloned()
    }

    /// Lets the next one who asks read, because something was written just now.
    pub(crate) async fn expire(&self) {
        let mut kept = self.kept.lock().await;
        let refresh = self.refresh;
        if let Some((read_at, _)) = &mut kept.newest {
            *read_at = read_at.checked_sub(refresh).unwrap_or(*read_at);
        }
    }
}

#[cfg(test)]
mod tests {
    use insights_core::board::{AlertMarks, BoardRow};

    use super::*;

    fn entry(id: &str, started_ms: i64) -> BoardEntry {
        BoardEntry {
            id: id.to_owned(),
            row: BoardRow {
                started_ms,
                ..BoardRow::default()
            },
            marks: AlertMarks::default(),
        }
    }

    fn parsed(data: &str) -> serde_json::Value {
        serde_json::from_str(data).unwrap()
    }

    #[test]
    fn a_difference_names_what_changed_and_what_is_gone_and_nothing_else() {
        let now = Timestamp::from_millisecond(5000).unwrap();
        let before = Snapshot::of(&[entry("a", 1), entry("b", 1), entry("c", 1)], now);
        let after = Snapshot::of(&[entry("d", 1), entry("c", 2), entry("a", 1)], now);
        let data = parsed(&after.since(&before));
        let ids: Vec<_> = data["rows"]
            .as_array()
            .unwrap()
            .iter()
            .map(|row| &row["id"])
            .collect();
        assert_eq!(ids, ["c", "d"]);
        assert_eq!(data["gone"], serde_json::json!(["b"]));
        assert_eq!(data["head"]["calls"], 3);
        assert_eq!(parsed(&after.whole())["rows"].as_array().unwrap().len(), 3);
    }

    #[test]
    fn the_same_rows_have_the_same_name_whoever_reads_them_and_when() {
        let at = |ms| Timestamp::from_millisecond(ms).unwrap();
        let one = Snapshot::of(&[entry("a", 1), entry("b", 2)], at(5000));
        let other = Snapshot::of(&[entry("b", 2), entry("a", 1)], at(6000));
        assert_eq!(one.id, other.id);
        assert_ne!(one.id, Snapshot::of(&[entry("a", 1)], at(5000)).id);
    }
}
