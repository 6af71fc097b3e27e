//! The list of a part's conversations, and in which chunk the record of each conversation is stored.

use std::collections::{HashMap, HashSet};

use insights_core::analytics::{Conversation, ReportRange};
use insights_core::pii::RedactionPolicy;
use insights_core::rules::RuleFile;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// Number of conversations per chunk. After a kill at most this many transcripts are fetched again, besides those in flight.
pub const CONVERSATIONS_PER_CHUNK: usize = 25;
/// Version of the stored form of listings and records; a part of another version is not read.
const FORMAT_VERSION: u32 = 3;

/// The origin of a part: a part with another origin is collected anew.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PartOrigin {
    /// The base URL of the contact center.
    pub source: String,
    /// The time that the part covers.
    pub range: ReportRange,
    /// Whether the local model scored the customers' lines.
    pub model: bool,
    /// How the texts of the records are masked; empty if they are not.
    pub redaction: String,
    /// The version of the configured rule file that the records were evaluated by; the built-in rules have none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rules: Option<String>,
    version: u32,
}

impl PartOrigin {
    /// Describes the origin of a part in the current format version.
    #[must_use]
    pub fn new(
        source: String,
        range: ReportRange,
        model: bool,
        redaction: Option<&RedactionPolicy>,
    ) -> Self {
        Self {
            source,
            range,
            model,
            redaction: redaction.map_or_else(String::new, |policy| format!("{policy:?}")),
            rules: None,
            version: FORMAT_VERSION,
        }
    }

    /// Returns the same origin with the rule file that the records are evaluated by.
    #[must_use]
    pub fn with_rules(mut self, rules: Option<&RuleFile>) -> Self {
        self.rules = rules.map(|rules| rules.version().to_owned());
        self
    }
}

/// The conversations of a part, each of them once, by the chunk that holds its record.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Listing {
    /// The origin of the part.
    pub origin: PartOrigin,
    /// The moment at which the contact center was asked for the list.
    pub listed_at: Timestamp,
    /// The conversations of each chunk. The number of a chunk never changes, and a chunk may become empty.
    chunks: Vec<Vec<Conversation>>,
    /// The number of rows of the list that named no conversation.
    pub unusable: usize,
}

impl Listing {
    /// Builds the listing of a part that has no records yet. A conversation that is named twice counts once.
    #[must_use]
    pub fn new(
        origin: PartOrigin,
        listed_at: Timestamp,
        mut conversations: Vec<Conversation>,
        unusable: usize,
    ) -> Self {
        let mut seen = HashSet::new();
        conversations.retain(|conversation| seen.insert(conversation.conversation_id.clone()));
        conversations.sort_by(Conversation::compare_in_report_order);
        Self {
            origin,
            listed_at,
            chunks: split_into_chunks(conversations),
            unusable,
        }
    }

    /// Arranges this list, which was read now, by the chunks of an earlier listing of the same origin, so that the records that
    /// are stored in those chunks can be used.
    ///
    /// The conversations and their details are those of this list: an earlier one may have been read before the time was over,
    /// or before a disposition was noted. A known conversation stays in its chunk, a conversation that is listed no longer
    /// leaves it, and new conversations get chunks of their own.
    #[must_use]
    pub fn arranged_by(mut self, earlier: &Self) -> Self {
        let mut fresh: HashMap<String, Conversation> = self
            .take_in_report_order()
            .into_iter()
            .map(|conversation| (conversation.conversation_id.clone(), conversation))
            .collect();
        for chunk in &earlier.chunks {
            let known = chunk
                .iter()
                .filter_map(|conversation| fresh.remove(&conversation.conversation_id));
            self.chunks.push(known.collect());
        }
        let mut new: Vec<Conversation> = fresh.into_values().collect();
        new.sort_by(Conversation::compare_in_report_order);
        self.chunks.extend(split_into_chunks(new));
        self
    }

    /// Returns the number of all conversations.
    #[must_use]
    pub fn conversation_count(&self) -> usize {
        self.chunks.iter().map(Vec::len).sum()
    }

    /// Returns the numbers of the chunks in which a conversation has its record.
    pub fn chunk_numbers(&self) -> impl Iterator<Item = usize> + '_ {
        (0..self.chunks.len()).filter(|number| !self.chunks[*number].is_empty())
    }

    /// Returns the conversations of a chunk.
    #[must_use]
    pub fn chunk(&self, number: usize) -> &[Conversation] {
        self.chunks.get(number).map_or(&[], Vec::as_slice)
    }

    /// Takes conversations out of the listing; the others stay in their chunks. Returns the numbers of the chunks that held one.
    pub(crate) fn remove(&mut self, is_removed: impl Fn(&str) -> bool) -> Vec<usize> {
        let mut changed = Vec::new();
        for (number, chunk) in self.chunks.iter_mut().enumerate() {
            let before = chunk.len();
            chunk.retain(|conversation| !is_removed(&conversation.conversation_id));
            if chunk.len() != before {
                changed.push(number);
            }
        }
        changed
    }

    /// Returns all conversations in the order of the report, each with the number of its chunk.
    #[must_use]
    pub fn in_report_order(&self) -> Vec<(usize, &Conversation)> {
        let mut all: Vec<(usize, &Conversation)> = self
            .chunks
            .iter()
            .enumerate()
            .flat_map(|(number, chunk)| {
                chunk.iter().map(move |conversation| (number, conversation))
            })
            .collect();
        all.sort_by(|(_, one), (_, other)| one.compare_in_report_order(other));
        all
    }

    /// Takes all conversations out of the listing, in the order of the report.
    fn take_in_report_order(&mut self) -> Vec<Conversation> {
        let mut all: Vec<Conversation> = std::mem::take(&mut self.chunks)
            .into_iter()
            .flatten()
            .collect();
        all.sort_by(Conversation::compare_in_report_order);
        all
    }
}

/// Splits conversations into chunks of [`CONVERSATIONS_PER_CHUNK`].
fn split_into_chunks(conversations: Vec<Conversation>) -> Vec<Vec<Conversation>> {
    conversations
        .chunks(CONVERSATIONS_PER_CHUNK)
        .map(<[Conversation]>::to_vec)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn conversation(id: usize) -> Conversation {
        Conversation {
            conversation_id: format!("c-{id:04}"),
            start_time: String::new(),
            duration_seconds: None,
            disposition: "unknown".to_owned(),
            ..Conversation::default()
        }
    }

    fn listing(ids: impl IntoIterator<Item = usize>) -> Listing {
        let range = ReportRange {
            from: String::new(),
            to: String::new(),
        };
        let origin = PartOrigin::new(String::new(), range, false, None);
        let conversations = ids.into_iter().map(conversation).collect();
        Listing::new(origin, Timestamp::UNIX_EPOCH, conversations, 0)
    }

    fn ids(chunk: &[Conversation]) -> Vec<&str> {
        chunk
            .iter()
            .map(|conversation| conversation.conversation_id.as_str())
            .collect()
    }

    #[test]
    fn a_new_list_keeps_known_conversations_in_their_chunks() {
        let earlier = listing((0..60).filter(|id| id % 2 == 0));
        let merged = listing(1..70).arranged_by(&earlier);
        assert_eq!(merged.conversation_count(), 69);
        let first: Vec<_> = (2..50).step_by(2).map(|id| format!("c-{id:04}")).collect();
        assert_eq!(ids(merged.chunk(0)), first, "c-0000 is listed no longer");
        assert_eq!(merged.chunk(1).len(), 5);
        let order = merged.in_report_order();
        assert!(order.is_sorted_by_key(|(_, conversation)| &conversation.conversation_id));
        assert_eq!(order[0].0, 2, "c-0001 is new and in the first new chunk");
    }

    #[test]
    fn the_details_of_the_new_list_count() {
        let earlier = listing([1]);
        let mut now = listing([1]);
        now.chunks[0][0].disposition = "resolved".to_owned();
        let merged = now.arranged_by(&earlier);
        assert_eq!(merged.chunk(0)[0].disposition, "resolved");
    }

    #[test]
    fn a_chunk_that_became_empty_keeps_its_number() {
        let earlier = listing(0..30);
        let merged = listing(25..31).arranged_by(&earlier);
        assert_eq!(merged.chunk_numbers().collect::<Vec<_>>(), [1, 2]);
        assert_eq!(ids(merged.chunk(2)), ["c-0030"]);
    }

    #[test]
    fn a_conversation_that_is_listed_twice_counts_once() {
        assert_eq!(listing([3, 1, 3]).conversation_count(), 2);
    }
}
