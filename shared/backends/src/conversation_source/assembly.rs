//! Puts segments, digital contacts and ended contacts together: each conversation once, with its parts in their order.

use std::collections::{BTreeMap, HashMap, HashSet};

use cxone::tenant::contacts::CompletedContact;
use cxone::tenant::digital::DigitalContact;
use cxone::tenant::segments::Segment;
use insights_core::analytics::{Conversation, ConversationPart, PartKind};
use jiff::Timestamp;

use crate::tenant_settings::MediaTypes;

/// The disposition of a conversation that a customer left before an agent took it.
const ABANDONED: &str = "abandoned";

/// What is known of the contacts that conversations are made of.
#[derive(Debug, Default)]
pub(super) struct KnownContacts {
    /// Ended contacts by their ids.
    pub(super) contacts: HashMap<String, CompletedContact>,
    /// The names of dispositions by their ids.
    pub(super) dispositions: HashMap<String, String>,
}

impl KnownContacts {
    /// Returns the id of the conversation that a contact is part of; an unknown contact is a conversation of its own.
    fn conversation_of<'a>(&'a self, contact_id: &'a str) -> &'a str {
        self.contacts
            .get(contact_id)
            .map_or(contact_id, CompletedContact::conversation_id)
    }

    /// Returns the name of a contact's disposition.
    fn disposition_of(&self, contact: &CompletedContact) -> Option<String> {
        match &contact.disposition_id {
            // A disposition that has no name is known by its id.
            Some(id) => Some(self.dispositions.get(id).unwrap_or(id).clone()),
            None => contact.is_abandoned.then(|| ABANDONED.to_owned()),
        }
    }
}

/// What belongs to one conversation.
#[derive(Default)]
struct Group {
    parts: Vec<ConversationPart>,
    /// The digital contacts among the parts; their text is not taken from segments as well.
    digital: HashSet<String>,
    segments: Vec<(String, ConversationPart)>,
    contacts: Vec<CompletedContact>,
    segment_disposition: Option<String>,
}

/// Returns the conversations that the segments, the digital contacts and the ended contacts are parts of, in the order of their
/// ids. An ended contact without a text is a conversation without parts.
///
/// Where digital contacts are read (`media`), the text of a digital contact is taken from its messages: a segment of it only tells
/// that it has ended, so that its text is not taken twice.
pub(super) fn assemble(
    known: &KnownContacts,
    media: MediaTypes,
    segments: Vec<Segment>,
    digital: Vec<DigitalContact>,
    ended: &[String],
) -> Vec<Conversation> {
    let mut groups: BTreeMap<String, Group> = BTreeMap::new();
    let is_read_as_digital = |contact_id: &str| {
        media.digital
            && known
                .contacts
                .get(contact_id)
                .is_some_and(|it| it.is_digital)
    };
    for segment in segments {
        let id = known.conversation_of(&segment.contact_id).to_owned();
        let group = groups.entry(id).or_default();
        group.segment_disposition = segment
            .disposition_code
            .or(group.segment_disposition.take());
        if is_read_as_digital(&segment.contact_id) {
            group.add_digital(ConversationPart {
                id: segment.contact_id,
                kind: PartKind::Digital,
                started_at: segment.started_at,
                ended_at: segment.ended_at,
                published_at: segment.published_at.or(segment.first_analyzed_at),
            });
            continue;
        }
        let part = ConversationPart {
            id: segment.id,
            kind: PartKind::Segment,
            started_at: segment.started_at,
            ended_at: segment.ended_at,
            published_at: segment.published_at.or(segment.first_analyzed_at),
        };
        group.segments.push((segment.contact_id, part));
    }
    for contact in digital {
        let id = known.conversation_of(&contact.id).to_owned();
        groups.entry(id).or_default().add_digital(ConversationPart {
            id: contact.id,
            kind: PartKind::Digital,
            started_at: contact.created_at,
            ended_at: contact.status_updated_at,
            published_at: contact.status_updated_at,
        });
    }
    for contact_id in ended {
        let id = known.conversation_of(contact_id).to_owned();
        let group = groups.entry(id).or_default();
        if is_read_as_digital(contact_id) {
            let contact = known.contacts.get(contact_id);
            group.add_digital(ConversationPart {
                id: contact_id.clone(),
                kind: PartKind::Digital,
                started_at: contact.and_then(|it| it.started_at),
                ended_at: None,
                published_at: None,
            });
        }
    }
    // Contacts that are part of a conversation whose other contacts are listed.
    for contact in known.contacts.values() {
        if let Some(group) = groups.get_mut(contact.conversation_id()) {
            group.contacts.push(contact.clone());
        }
    }
    groups
        .into_iter()
        .map(|(id, group)| group.into_conversation(id, known))
        .collect()
}

impl Group {
    /// Adds a digital contact. Of one that is known already, the later publication counts.
    fn add_digital(&mut self, part: ConversationPart) {
        if self.digital.insert(part.id.clone()) {
            self.parts.push(part);
            return;
        }
        let mut known = self.parts.iter_mut();
        if let Some(known) = known.find(|known| known.id == part.id) {
            known.published_at = known.published_at.max(part.published_at);
            known.ended_at = known.ended_at.max(part.ended_at);
        }
    }

    fn into_conversation(mut self, id: String, known: &KnownContacts) -> Conversation {
        let mut seen = HashSet::new();
        for (contact_id, part) in self.segments {
            // The digital part has the text of its own contact, and has it first.
            if !self.digital.contains(&contact_id) && seen.insert(part.id.clone()) {
                self.parts.push(part);
            }
        }
        self.parts.sort_by(ConversationPart::compare);
        self.contacts.sort_by(|one, other| {
            one.started_at
                .cmp(&other.started_at)
                .then_with(|| one.id.cmp(&other.id))
        });
        let starts = self.parts.iter().map(|part| part.started_at);
        let starts = starts.chain(self.contacts.iter().map(|contact| contact.started_at));
        let start = starts.flatten().min();
        let disposition = self
            .contacts
            .iter()
            .rev()
            .find_map(|it| known.disposition_of(it));
        let disposition = disposition.or(self.segment_disposition);
        let ready_at = self
            .parts
            .iter()
            .filter_map(|part| part.published_at.or(part.ended_at));
        Conversation {
            conversation_id: id,
            start_time: start.map(|at| at.to_string()).unwrap_or_default(),
            duration_seconds: duration(&self.parts, &self.contacts, start),
            disposition: disposition.unwrap_or_else(|| Conversation::NO_DISPOSITION.to_owned()),
            ready_at: ready_at.max(),
            parts: self.parts,
        }
    }
}

/// Returns the duration of a conversation: from its start to the last end, or else the sum of its contacts'.
fn duration(
    parts: &[ConversationPart],
    contacts: &[CompletedContact],
    start: Option<Timestamp>,
) -> Option<f64> {
    let listed: Vec<f64> = contacts
        .iter()
        .filter_map(|it| it.duration_seconds)
        .collect();
    if !listed.is_empty() {
        return Some(listed.iter().sum());
    }
    let end = parts.iter().filter_map(|part| part.ended_at).max()?;
    let seconds = end.duration_since(start?).as_secs_f64();
    (seconds >= 0.0).then_some(seconds)
}

#[cfg(test)]
mod tests;
