//! Which of many open contacts is read next, where each reading is one request and the requests are limited.
//!
//! A contact whose row in the list has changed is read first, then one that somebody gave a hint about, then the one that was read
//! longest ago. A contact that is not listed any more has ended, and is read a last time.
//!
//! ```
//! use insights_core::chat::contact_board::{ContactBoard, ListedContact};
//!
//! let mut board = ContactBoard::new(60_000);
//! let row = |id: &str, version| ListedContact { id: id.to_owned(), version: Some(version) };
//! board.take_list(vec![row("a", 1), row("b", 1)]);
//! assert_eq!(board.next_read(0).as_deref(), Some("a"));
//! board.note_read("a", 0);
//! board.note_read("b", 0);
//! assert_eq!(board.next_read(1_000), None, "nothing has changed");
//!
//! board.take_list(vec![row("a", 2)]);
//! assert_eq!(board.next_read(2_000).as_deref(), Some("a"), "a message came");
//! assert!(board.has_ended("b"));
//! ```

use std::collections::BTreeMap;

/// Wait after the first failed reading of a contact, in milliseconds; each further one doubles it.
const FIRST_RETRY_MS: i64 = 5_000;

/// A row of the list of open contacts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ListedContact {
    /// The id of the contact.
    pub id: String,
    /// What changes with each message; `None` where the list does not tell.
    pub version: Option<u64>,
}

#[derive(Debug, Clone, Default, PartialEq, Eq)]
struct Contact {
    version: Option<u64>,
    /// The version at which the contact was read last.
    read_version: Option<u64>,
    read_at_ms: Option<i64>,
    has_hint: bool,
    has_ended: bool,
    /// The number of readings in a row that failed, and when the next one is tried.
    failures: u32,
    retry_at_ms: i64,
}

impl Contact {
    /// Returns how urgent it is to read the contact: the smaller, the sooner. `None` if it need not be read.
    fn urgency(&self, now_ms: i64, refresh_ms: i64) -> Option<(u8, i64)> {
        if self.failures > 0 && now_ms < self.retry_at_ms {
            return None;
        }
        let read_at_ms = self.read_at_ms.unwrap_or(i64::MIN);
        let is_new = self.read_at_ms.is_none();
        let has_changed = self.version.is_some() && self.version != self.read_version;
        if is_new || has_changed || self.has_hint || self.has_ended {
            return Some((0, read_at_ms));
        }
        // Where the list tells of changes, the rest is read now and then, in case it does not tell of all.
        let wait_ms = if self.version.is_some() {
            refresh_ms
        } else {
            0
        };
        let is_due = now_ms.saturating_sub(read_at_ms) >= wait_ms;
        is_due.then_some((1, read_at_ms))
    }
}

/// The open contacts of a tenant.
#[derive(Debug, Clone)]
pub struct ContactBoard {
    contacts: BTreeMap<String, Contact>,
    refresh_ms: i64,
}

impl ContactBoard {
    /// Builds an empty board. A contact that seems unchanged is read again after `refresh_ms`.
    #[must_use]
    pub fn new(refresh_ms: i64) -> Self {
        Self {
            contacts: BTreeMap::new(),
            refresh_ms,
        }
    }

    /// Takes a complete list of the open contacts. Those that are not listed any more have ended.
    pub fn take_list(&mut self, listed: Vec<ListedContact>) {
        for contact in self.contacts.values_mut() {
            contact.has_ended = true;
        }
        for row in listed {
            let contact = self.contacts.entry(row.id).or_default();
            contact.has_ended = false;
            contact.version = row.version;
        }
    }

    /// Takes a contact that was open before the first list, so that it counts as ended if no list has it.
    pub fn expect(&mut self, id: &str) {
        self.contacts.entry(id.to_owned()).or_default();
    }

    /// Takes a hint that something has happened in a contact. A hint about a contact that is not open is dropped: the next list tells.
    pub fn take_hint(&mut self, id: &str) {
        if let Some(contact) = self.contacts.get_mut(id) {
            contact.has_hint = true;
        }
    }

    /// Marks all contacts as to be read, because hints may have been missed.
    pub fn doubt_all(&mut self) {
        for contact in self.contacts.values_mut() {
            contact.has_hint = true;
        }
    }

    /// Returns the contact that is to be read now, if one is.
    #[must_use]
    pub fn next_read(&self, now_ms: i64) -> Option<String> {
        let urgent = self
            .contacts
            .iter()
            .filter_map(|(id, contact)| Some((contact.urgency(now_ms, self.refresh_ms)?, id)));
        urgent.min().map(|(_, id)| id.clone())
    }

    /// Notes that a contact was read. What the list says of it from now on is news.
    pub fn note_read(&mut self, id: &str, now_ms: i64) {
        if let Some(contact) = self.contacts.get_mut(id) {
            contact.read_version = contact.version;
            contact.read_at_ms = Some(now_ms);
            contact.has_hint = false;
            contact.failures = 0;
        }
    }

    /// Notes that a contact could not be read: it is tried again a little later, and later after each further failure. Returns the number
    /// of failures in a row.
    pub fn note_failure(&mut self, id: &str, now_ms: i64) -> u32 {
        let refresh_ms = self.refresh_ms;
        let Some(contact) = self.contacts.get_mut(id) else {
            return 0;
        };
        let doublings = contact.failures.min(16);
        contact.failures = contact.failures.saturating_add(1);
        let wait_ms = (FIRST_RETRY_MS << doublings).min(refresh_ms.max(FIRST_RETRY_MS));
        contact.retry_at_ms = now_ms.saturating_add(wait_ms);
        contact.failures
    }

    /// Returns whether a contact is not listed any more.
    #[must_use]
    pub fn has_ended(&self, id: &str) -> bool {
        self.contacts
            .get(id)
            .is_some_and(|contact| contact.has_ended)
    }

    /// Forgets a contact that has ended and was read for the last time.
    pub fn remove(&mut self, id: &str) {
        self.contacts.remove(id);
    }

    /// Returns the ids of the contacts that are open, in the order of their ids.
    pub fn open(&self) -> impl Iterator<Item = &str> {
        let open = self
            .contacts
            .iter()
            .filter(|(_, contact)| !contact.has_ended);
        open.map(|(id, _)| id.as_str())
    }

    /// Returns the number of contacts, those among them that have ended and were not read for the last time.
    #[must_use]
    pub fn len(&self) -> usize {
        self.contacts.len()
    }

    /// Returns whether there is no contact.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.contacts.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rows(contacts: &[(&str, Option<u64>)]) -> Vec<ListedContact> {
        let row = |(id, version): &(&str, Option<u64>)| ListedContact {
            id: (*id).to_owned(),
            version: *version,
        };
        contacts.iter().map(row).collect()
    }

    #[test]
    fn what_has_changed_is_read_before_what_was_read_long_ago() {
        let mut board = ContactBoard::new(30_000);
        board.take_list(rows(&[("a", Some(1)), ("b", Some(1)), ("c", Some(1))]));
        for (at, id) in [(0, "a"), (1, "b"), (2, "c")] {
            assert_eq!(board.next_read(at).as_deref(), Some(id));
            board.note_read(id, at);
        }
        assert_eq!(board.next_read(29_000), None);
        board.take_list(rows(&[("a", Some(1)), ("b", Some(1)), ("c", Some(2))]));
        assert_eq!(board.next_read(40_000).as_deref(), Some("c"));
        board.note_read("c", 40_000);
        assert_eq!(board.next_read(40_000).as_deref(), Some("a"), "longest ago");
        board.take_hint("b");
        assert_eq!(board.next_read(40_000).as_deref(), Some("b"));
    }

    #[test]
    fn without_versions_all_contacts_take_turns() {
        let mut board = ContactBoard::new(30_000);
        board.take_list(rows(&[("a", None), ("b", None)]));
        let mut order = Vec::new();
        for at in 0..6 {
            let id = board.next_read(at).expect("a contact");
            board.note_read(&id, at);
            order.push(id);
        }
        assert_eq!(order, ["a", "b", "a", "b", "a", "b"]);
    }

    #[test]
    fn a_contact_that_ended_is_read_a_last_time_unless_it_comes_back() {
        let mut board = ContactBoard::new(30_000);
        board.take_list(rows(&[("a", Some(1))]));
        board.note_read("a", 0);
        board.take_list(Vec::new());
        assert_eq!(board.next_read(1).as_deref(), Some("a"));
        assert!(board.has_ended("a") && board.open().next().is_none());
        board.take_list(rows(&[("a", Some(1))]));
        assert!(!board.has_ended("a"));
        assert_eq!(board.next_read(1), None);
        board.take_list(Vec::new());
        board.note_read("a", 2);
        board.remove("a");
        assert!(board.is_empty());
    }

    #[test]
    fn a_contact_that_cannot_be_read_does_not_hold_up_the_others() {
        let mut board = ContactBoard::new(30_000);
        board.take_list(rows(&[("a", Some(1)), ("b", Some(1))]));
        assert_eq!(board.next_read(0).as_deref(), Some("a"));
        assert_eq!(board.note_failure("a", 0), 1);
        assert_eq!(board.next_read(1).as_deref(), Some("b"));
        board.note_read("b", 1);
        assert_eq!(board.next_read(2), None, "it has a rest");
        assert_eq!(
            board.next_read(5_000).as_deref(),
            Some("a"),
            "it is tried again"
        );
        assert_eq!(board.note_failure("a", 5_000), 2);
        assert_eq!(board.next_read(14_999), None);
        assert_eq!(board.next_read(15_000).as_deref(), Some("a"));
    }

    #[test]
    fn a_contact_from_before_the_first_list_has_ended_unless_it_is_listed() {
        let mut board = ContactBoard::new(30_000);
        board.expect("a");
        board.expect("b");
        board.take_list(rows(&[("b", Some(1))]));
        assert!(board.has_ended("a") && !board.has_ended("b"));
        assert_eq!(board.next_read(0).as_deref(), Some("a"));
    }
}
