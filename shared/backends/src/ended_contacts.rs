//! The contacts of which a script or an automation of the contact center has said that they ended, until their texts are fetched.
//!
//! A notice is a hint and no more: who finds the texts by a list of its own needs none, and a notice of a contact that does not
//! exist costs one fetch.

use std::collections::HashSet;
use std::time::Duration;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use store::Error;
use store::state::{Expect, Key, Put, StateStore};

/// The partition of the notices, within what the receiver of webhooks may write.
const PARTITION: &str = "webhook#ended-contacts";

/// How long a notice is kept; a contact whose texts are not there by then comes with the list of all.
const RETENTION: Duration = Duration::from_hours(48);

/// Largest number of notices that are looked at for news: whoever looks reads the lists of all contacts anyway.
const MAX_NOTICES: usize = 500;

/// Notice that a contact has ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct EndedContact {
    /// Number of the contact, as digits.
    pub contact_id: String,
    /// Number of the first contact of the conversation, as digits; that of the contact unless it was transferred.
    pub master_id: String,
    /// Media type as the script sent it; empty if it sent none.
    pub media_type: String,
    /// Skill as the script sent it; empty if it sent none.
    pub skill: String,
    /// When the notice came.
    pub told_at: Timestamp,
}

impl EndedContact {
    /// Returns whether the contact may be a digital one, as far as the script has said what it is: `9`, a name, or nothing.
    #[must_use]
    pub fn may_be_digital(&self) -> bool {
        let media = self.media_type.trim().to_ascii_lowercase();
        let numbers_of_others = ["1", "3", "4", "5", "6", "7", "8"];
        let names_of_others = ["phone", "call", "voice", "voicemail", "work item"];
        !numbers_of_others.contains(&media.as_str()) && !names_of_others.contains(&media.as_str())
    }
}

/// The notices in a state store.
#[derive(Debug, Clone)]
pub struct EndedContacts<S>(S);

impl<S: StateStore> EndedContacts<S> {
    /// Creates the access to the notices in a store.
    #[must_use]
    pub fn new(store: S) -> Self {
        Self(store)
    }

    /// Keeps a notice, and returns whether it is the first one of its contact.
    ///
    /// # Errors
    /// The errors of the store.
    pub async fn note(&self, contact: &EndedContact, now: Timestamp) -> Result<bool, Error> {
        let put = Put::encode(key(&contact.contact_id), contact, Some(now + RETENTION))?;
        match self.0.put(put, Expect::Absent, now).await {
            Ok(_version) => Ok(true),
            Err(Error::Conflict { .. }) => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// Returns up to `limit` notices in order of the contacts' numbers, those after the number `after`.
    ///
    /// # Errors
    /// The errors of the store.
    pub async fn list(
        &self,
        after: Option<&str>,
        limit: usize,
        now: Timestamp,
    ) -> Result<Vec<EndedContact>, Error> {
        let items = self.0.list(PARTITION, "", after, limit, now).await?;
        items.iter().map(|item| item.decode()).collect()
    }

    /// Removes the notice of a contact whose texts were fetched.
    ///
    /// # Errors
    /// The errors of the store.
    pub async fn remove(&self, contact_id: &str, now: Timestamp) -> Result<(), Error> {
        self.0.delete(&key(contact_id), Expect::Any, now).await
    }
}

/// The notices for somebody who follows contacts live and wants to hear of each notice once.
#[derive(Debug)]
pub struct NewNotices<S> {
    notices: EndedContacts<S>,
    /// The notices that were there at the last look, by contact and moment.
    heard: HashSet<(String, Timestamp)>,
}

impl<S: StateStore> NewNotices<S> {
    /// Creates the access to the notices in a store, of which none has been looked at.
    #[must_use]
    pub fn new(store: S) -> Self {
        Self {
            notices: EndedContacts::new(store),
            heard: HashSet::new(),
        }
    }

    /// Looks at the notices, and returns the contacts of those that were not there at the last look.
    ///
    /// # Errors
    /// The errors of the store.
    pub async fn take(&mut self, now: Timestamp) -> Result<Vec<String>, Error> {
        let listed = self.notices.list(None, MAX_NOTICES, now).await?;
        let listed = listed.into_iter();
        let heard = listed.map(|notice| (notice.contact_id, notice.told_at));
        let heard = heard.collect::<HashSet<_>>();
        let new = heard.difference(&self.heard);
        let new = new.map(|(contact_id, _)| contact_id.clone()).collect();
        self.heard = heard;
        Ok(new)
    }
}

fn key(contact_id: &str) -> Key {
    Key::new(PARTITION, contact_id)
}

#[cfg(test)]
mod tests {
    use store::state::SqliteState;

    use super::*;

    #[test]
    fn what_a_script_says_of_the_medium_decides_whether_the_digital_part_is_asked() {
        let contact = |media_type: &str| EndedContact {
            contact_id: "127000000001".to_owned(),
            master_id: "127000000001".to_owned(),
            media_type: media_type.to_owned(),
            skill: String::new(),
            told_at: Timestamp::UNIX_EPOCH,
        };
        for media in ["9", "", "Digital", "chat", "whatsapp"] {
            assert!(contact(media).may_be_digital(), "{media}");
        }
        for media in ["4", " 5 ", "Phone", "VOICE"] {
            assert!(!contact(media).may_be_digital(), "{media}");
        }
    }

    #[tokio::test]
    async fn a_notice_is_kept_once_and_until_its_texts_are_fetched() {
        let folder = tempfile::tempdir().unwrap();
        let store = SqliteState::open(folder.path().join("state.db")).unwrap();
        let contacts = EndedContacts::new(store);
        let now = Timestamp::from_second(1_800_000_000).unwrap();
        let contact = |id: &str| EndedContact {
            contact_id: id.to_owned(),
            master_id: id.to_owned(),
            media_type: "9".to_owned(),
            skill: String::new(),
            told_at: now,
        };
        assert!(contacts.note(&contact("127000000001"), now).await.unwrap());
        assert!(!contacts.note(&contact("127000000001"), now).await.unwrap());
        assert!(contacts.note(&contact("127000000002"), now).await.unwrap());
        let all = contacts.list(None, 10, now).await.unwrap();
        assert_eq!(all, [contact("127000000001"), contact("127000000002")]);
        let rest = contacts.list(Some("127000000001"), 10, now).await.unwrap();
        assert_eq!(rest, [contact("127000000002")]);
        contacts.remove("127000000001", now).await.unwrap();
        let later = now + RETENTION + Duration::from_secs(1);
        assert_eq!(contacts.list(None, 10, now).await.unwrap().len(), 1);
        assert!(contacts.list(None, 10, later).await.unwrap().is_empty());
    }
}
