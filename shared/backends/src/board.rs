//! The board of supervisors in the state store: one row per live conversation, and what supervisors say about alerts.
//!
//! | partition | sort key | holds |
//! |---|---|---|
//! | `board#SHARD` | `row#ID` | the row of a live call, in the shard of its list |
//! | `board#chats` | `row#ID` | the row of a live chat |
//! | either | `marks#ID` | the newest marks of the conversation's alert |
//! | `board-marks#ID` | time and kind | every mark of a conversation, for the replay of rules |
//!
//! Rows are written without conditions: one that lands late is replaced within [`REFRESH_INTERVAL`], and whoever reads rows has the
//! call's state for everything that must be exact. A board reads its partitions and scans nothing.

use std::collections::BTreeSet;

use insights_core::board::{AlertMark, AlertMarks, BoardRow, ConversationKind};
use jiff::{SignedDuration, Timestamp};
use store::Error;
use store::state::{Expect, Item, Key, Put, StateStore};

use crate::settings::MAX_SHARDS;
use crate::shards::shard_of;

pub use insights_core::board::standing::REFRESH_INTERVAL;

/// How long a row outlives its last write: long enough that a supervisor sees that nobody listens any more.
const ROW_RETENTION: SignedDuration = SignedDuration::from_mins(15);

/// How long the newest marks of a conversation outlive the last of them.
const MARKS_RETENTION: SignedDuration = SignedDuration::from_hours(12);

/// Most items that one query reads.
const PAGE_SIZE: usize = 1000;

/// Most attempts to write marks while somebody else writes them.
const MARK_ATTEMPTS: usize = 8;

/// Most attempts to write an objection. Each but the last finds its millisecond taken by another one, of which the board takes a hundred
/// a conversation; when they are made one right after the other, they lie in consecutive milliseconds.
const OBJECTION_ATTEMPTS: usize = 101;

/// Partition of the rows of chats.
const CHATS: &str = "board#chats";

/// One conversation of the board, as it is stored.
#[derive(Debug, Clone, PartialEq)]
pub struct BoardEntry {
    /// The id of the conversation.
    pub id: String,
    /// What the board knows of the conversation.
    pub row: BoardRow,
    /// What supervisors have said about its alert.
    pub marks: AlertMarks,
}

/// The board in a state store.
#[derive(Debug, Clone)]
pub struct Board<S> {
    store: S,
    shards: u32,
}

impl<S: StateStore> Board<S> {
    /// Creates the access to the board in `store`, whose calls are listed in `shards` shards (at least one).
    #[must_use]
    pub fn new(store: S, shards: u32) -> Self {
        Self {
            store,
            shards: shards.max(1),
        }
    }

    /// Writes the row of a conversation.
    ///
    /// # Errors
    /// The errors of the store.
    pub async fn write(&self, id: &str, row: &BoardRow, now: Timestamp) -> Result<(), Error> {
        let key = Key::new(self.partition(id, row.kind), row_sort(id));
        let put = Put::encode(key, row, Some(now + ROW_RETENTION))?;
        self.store.put(put, Expect::Any, now).await.map(|_| ())
    }

    /// Reads the row of a conversation, if there is one.
    ///
    /// # Errors
    /// The errors of the store.
    pub async fn row(
        &self,
        id: &str,
        kind: ConversationKind,
        now: Timestamp,
    ) -> Result<Option<BoardRow>, Error> {
        let key = Key::new(self.partition(id, kind), row_sort(id));
        let item = self.store.get(&key, now).await?;
        item.map(|item| item.decode()).transpose()
    }

    /// Reads the marks of a conversation.
    ///
    /// # Errors
    /// The errors of the store.
    pub async fn marks(
        &self,
        id: &str,
        kind: ConversationKind,
        now: Timestamp,
    ) -> Result<AlertMarks, Error> {
        let key = Key::new(self.partition(id, kind), marks_sort(id));
        let item = self.store.get(&key, now).await?;
        item.map_or_else(|| Ok(AlertMarks::default()), |item| item.decode())
    }

    /// Removes a conversation that has ended from the board.
    ///
    /// # Errors
    /// The errors of the store.
    pub async fn remove(
        &self,
        id: &str,
        kind: ConversationKind,
        now: Timestamp,
    ) -> Result<(), Error> {
        for sort in [row_sort(id), marks_sort(id)] {
            let key = Key::new(self.partition(id, kind), sort);
            self.store.delete(&key, Expect::Any, now).await?;
        }
        Ok(())
    }

    /// Reads all live conversations, by queries that may be a second behind. What cannot be read is left out, so that one bad item
    /// hides no other.
    ///
    /// # Errors
    /// The errors of the store.
    pub async fn read(&self, now: Timestamp) -> Result<Vec<BoardEntry>, Error> {
        let mut entries = Vec::new();
        let partitions = (0..self.shards)
            .map(shard_partition)
            .chain([CHATS.to_owned()]);
        for partition in partitions {
            let items = self.read_partition(&partition, now).await?;
            let mut marks: std::collections::HashMap<&str, AlertMarks> = items
                .iter()
                .filter_map(|item| Some((item.key.sort.strip_prefix(MARKS)?, item.decode().ok()?)))
                .collect();
            for item in &items {
                let Some(id) = item.key.sort.strip_prefix(ROW) else {
                    continue;
                };
                if let Ok(row) = item.decode() {
                    entries.push(BoardEntry {
                        id: id.to_owned(),
                        row,
                        marks: marks.remove(id).unwrap_or_default(),
                    });
                }
            }
        }
        Ok(entries)
    }

    async fn read_partition(&self, partition: &str, now: Timestamp) -> Result<Vec<Item>, Error> {
        let mut items: Vec<Item> = Vec::new();
        loop {
            let after = items.last().map(|item| item.key.sort.clone());
            let page = self
                .store
                .list_relaxed(partition, "", after.as_deref(), PAGE_SIZE, now)
                .await?;
            let is_last = page.len() < PAGE_SIZE;
            items.extend(page);
            if is_last {
                return Ok(items);
            }
        }
    }

    /// Stores what a supervisor said about an alert: first for the replay of rules, until `retention` is over, then for the board.
    /// Storing the same mark again changes nothing. Returns the marks of the conversation.
    ///
    /// # Errors
    /// The errors of the store.
    pub async fn mark(
        &self,
        id: &str,
        kind: ConversationKind,
        mark: &AlertMark,
        retention: SignedDuration,
        now: Timestamp,
    ) -> Result<AlertMarks, Error> {
        let sort = format!("{:013}#{}", mark.at_ms, mark.kind.name());
        let put = Put::encode(
            Key::new(mark_partition(id), sort),
            mark,
            Some(now + retention),
        )?;
        self.store.put(put, Expect::Any, now).await?;
        let key = Key::new(self.partition(id, kind), marks_sort(id));
        let mut attempts = 0;
        loop {
            let item = self.store.get(&key, now).await?;
            let expect = item
                .as_ref()
                .map_or(Expect::Absent, |item| Expect::Version(item.version));
            let mut marks: AlertMarks = match &item {
                Some(item) => item.decode()?,
                None => AlertMarks::default(),
            };
            marks.apply(mark.clone());
            let put = Put::encode(key.clone(), &marks, Some(now + MARKS_RETENTION))?;
            attempts += 1;
            match self.store.put(put, expect, now).await {
                Ok(_) => return Ok(marks),
                Err(Error::Conflict { .. }) if attempts < MARK_ATTEMPTS => {}
                Err(error) => return Err(error),
            }
        }
    }

    fn partition(&self, id: &str, kind: ConversationKind) -> String {
        match kind {
            ConversationKind::Call => shard_partition(shard_of(id, self.shards)),
            ConversationKind::Chat => CHATS.to_owned(),
        }
    }
}

/// Stores the objection of somebody to an answer of a conversation's scorecard. Storing the same objection again changes nothing, and
/// of two that are made in the same millisecond both are kept.
///
/// # Errors
/// The errors of the store.
pub async fn contest<S: StateStore>(
    store: &S,
    conversation: &str,
    objection: &AlertMark,
    retention: SignedDuration,
    now: Timestamp,
) -> Result<(), Error> {
    let mut objection = objection.clone();
    let mut attempts = 0;
    loop {
        let sort = format!("{:013}#{}", objection.at_ms, objection.kind.name());
        let key = Key::new(mark_partition(conversation), sort);
        let put = Put::encode(key.clone(), &objection, Some(now + retention))?;
        attempts += 1;
        match store.put(put, Expect::Absent, now).await {
            Ok(_) => return Ok(()),
            Err(Error::Conflict { .. }) if attempts < OBJECTION_ATTEMPTS => {}
            Err(error) => return Err(error),
        }
        let known = store.get(&key, now).await?;
        if known
            .and_then(|item| item.decode::<AlertMark>().ok())
            .as_ref()
            == Some(&objection)
        {
            return Ok(());
        }
        objection.at_ms += 1;
    }
}

/// Reads every mark of a conversation, oldest first: what supervisors said about its alerts, for the replay of rules.
///
/// # Errors
/// The errors of the store, and [`Error::Corrupt`] for a mark that cannot be read.
pub async fn read_marks<S: StateStore>(
    store: &S,
    conversation: &str,
    now: Timestamp,
) -> Result<Vec<AlertMark>, Error> {
    let items = store
        .list(&mark_partition(conversation), "", None, PAGE_SIZE, now)
        .await?;
    items.iter().map(Item::decode).collect()
}

/// Returns the keys of the row and the marks of a conversation, in the partitions of any number of lists, for its erasure.
pub(crate) fn possible_keys(conversation: &str) -> BTreeSet<Key> {
    let shards: BTreeSet<u32> = (1..=MAX_SHARDS)
        .map(|shards| shard_of(conversation, shards))
        .collect();
    let partitions = shards.into_iter().map(shard_partition);
    partitions
        .chain([CHATS.to_owned()])
        .flat_map(|partition| {
            [row_sort(conversation), marks_sort(conversation)]
                .map(|sort| Key::new(partition.clone(), sort))
        })
        .collect()
}

const ROW: &str = "row#";
const MARKS: &str = "marks#";

fn row_sort(id: &str) -> String {
    format!("{ROW}{id}")
}

fn marks_sort(id: &str) -> String {
    format!("{MARKS}{id}")
}

fn shard_partition(shard: u32) -> String {
    format!("board#{shard}")
}

/// Returns the partition that keeps every mark of a conversation.
pub(crate) fn mark_partition(conversation: &str) -> String {
    format!("board-marks#{conversation}")
}

#[cfg(test)]
mod tests {
    use insights_core::board::{AlertReference, MarkKind};
    use store::state::SqliteState;

    use super::*;

    fn now() -> Timestamp {
        Timestamp::from_second(1_764_000_000).unwrap()
    }

    fn board(folder: &tempfile::TempDir) -> Board<SqliteState> {
        let state = SqliteState::open(folder.path().join("state.sqlite")).unwrap();
        Board::new(state, 3)
    }

    fn mark(kind: MarkKind, at_ms: i64) -> AlertMark {
        AlertMark {
            alert: AlertReference {
                rule: "customer-average".to_owned(),
                version: "v".to_owned(),
                at_ms: 7,
            },
            kind,
            by: "Grace".to_owned(),
            key: "floor".to_owned(),
            at_ms,
            until_ms: None,
            reason: None,
        }
    }

    #[tokio::test]
    async fn rows_of_all_shards_and_of_chats_are_read_with_their_marks_and_go_when_they_end() {
        let folder = tempfile::tempdir().unwrap();
        let board = board(&folder);
        for number in 0..20 {
            let row = BoardRow {
                started_ms: number,
                ..BoardRow::default()
            };
            board
                .write(&format!("call-{number}"), &row, now())
                .await
                .unwrap();
        }
        let chat = BoardRow::of_new_chat("agent-1", now());
        board.write("chat-1", &chat, now()).await.unwrap();
        let wrong = mark(MarkKind::Wrong, 1000);
        let retention = SignedDuration::from_hours(1);
        for _ in 0..2 {
            board
                .mark("chat-1", ConversationKind::Chat, &wrong, retention, now())
                .await
                .unwrap();
        }
        let read = board.read(now()).await.unwrap();
        assert_eq!(read.len(), 21);
        let chat = read.iter().find(|entry| entry.id == "chat-1").unwrap();
        assert_eq!(chat.marks.wrong, Some(wrong.clone()));
        let ended = [
            ("call-3", ConversationKind::Call),
            ("chat-1", ConversationKind::Chat),
        ];
        for (id, kind) in ended {
            board.remove(id, kind, now()).await.unwrap();
            board.remove(id, kind, now()).await.unwrap();
        }
        assert_eq!(board.read(now()).await.unwrap().len(), 19);
        let kept = read_marks(&board.store, "chat-1", now()).await.unwrap();
        assert_eq!(kept, [wrong], "the replay reads it after the end, and once");
        assert_eq!(board.read(now() + ROW_RETENTION).await.unwrap().len(), 0);
    }

    #[tokio::test]
    async fn marks_of_two_supervisors_at_once_are_both_kept() {
        let folder = tempfile::tempdir().unwrap();
        let board = board(&folder);
        let retention = SignedDuration::from_hours(1);
        let (one, other) = (mark(MarkKind::Acknowledged, 1), mark(MarkKind::Wrong, 2));
        let (first, second) = tokio::join!(
            board.mark("c", ConversationKind::Call, &one, retention, now()),
            board.mark("c", ConversationKind::Call, &other, retention, now()),
        );
        first.unwrap();
        second.unwrap();
        let marks = board
            .marks("c", ConversationKind::Call, now())
            .await
            .unwrap();
        assert_eq!((marks.acknowledged, marks.wrong), (Some(one), Some(other)));
    }

    #[tokio::test]
    async fn objections_of_the_same_millisecond_are_all_kept_and_each_once() {
        let folder = tempfile::tempdir().unwrap();
        let board = board(&folder);
        let retention = SignedDuration::from_hours(1);
        let by = |name: &str| AlertMark {
            by: name.to_owned(),
            ..mark(MarkKind::Contested, 1000)
        };
        for name in ["Grace", "Linus", "Grace"] {
            contest(&board.store, "c", &by(name), retention, now())
                .await
                .unwrap();
        }
        let kept = read_marks(&board.store, "c", now()).await.unwrap();
        let names: Vec<&str> = kept.iter().map(|mark| mark.by.as_str()).collect();
        assert_eq!(names, ["Grace", "Linus"]);
    }

    #[tokio::test]
    async fn an_item_that_cannot_be_read_hides_no_other() {
        let folder = tempfile::tempdir().unwrap();
        let board = board(&folder);
        board
            .write("good", &BoardRow::default(), now())
            .await
            .unwrap();
        let bad = Put {
            key: Key::new(CHATS, "row#bad"),
            body: "{}".to_owned(),
            expires_at: None,
        };
        board.store.put(bad, Expect::Any, now()).await.unwrap();
        assert_eq!(board.read(now()).await.unwrap().len(), 1);
    }
}
