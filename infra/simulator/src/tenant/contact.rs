//! A contact of a simulated tenant, as every system of it sees the contact.

use jiff::{SignedDuration, Timestamp};

use super::people::{Agent, Skill};
use crate::conversations::{Author, Line};

/// The channel of a contact.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Channel {
    /// A call by phone.
    Call,
    /// A chat of the digital API.
    Chat,
    /// A digital chat that a bot answered.
    Bot,
    /// A chat of the old kind, which the digital API does not know.
    OldChat,
    /// A thread of mails of the old kind.
    Mail,
}

impl Channel {
    /// Returns the number of the media type in the contact lists.
    #[must_use]
    pub fn media_type_id(self) -> i64 {
        match self {
            Self::Call => 4,
            Self::Chat | Self::Bot => 9,
            Self::OldChat => 3,
            Self::Mail => 1,
        }
    }

    /// Returns the name of the media type in the contact lists.
    #[must_use]
    pub fn media_type_name(self) -> &'static str {
        match self {
            Self::Call => "Call",
            Self::Chat | Self::Bot => "Digital",
            Self::OldChat => "Chat",
            Self::Mail => "Email",
        }
    }

    /// Returns the name of the media type in the segment feed.
    #[must_use]
    pub fn feed_name(self) -> &'static str {
        match self {
            Self::Call => "PhoneCall",
            Self::Chat | Self::Bot => "Digital",
            Self::OldChat => "Chat",
            Self::Mail => "Email",
        }
    }

    /// Returns whether the digital API knows contacts of this channel.
    #[must_use]
    pub fn is_digital(self) -> bool {
        matches!(self, Self::Chat | Self::Bot)
    }
}

/// A contact of the tenant: one agent's part of a conversation.
#[derive(Debug, Clone, PartialEq)]
pub struct Contact {
    /// Number of the contact, up to 15 digits.
    pub id: i64,
    /// Number of the first contact of the conversation; the same as the id unless the contact was transferred.
    pub master_id: i64,
    /// Channel of the contact.
    pub channel: Channel,
    /// Start of the contact.
    pub start: Timestamp,
    /// End of the contact.
    pub end: Timestamp,
    /// Outcome in the word of the generator, such as `resolved`.
    pub outcome: String,
    /// What was said; `None` if there is no transcript.
    pub lines: Option<Vec<Line>>,
    /// Language of the contact.
    pub language: &'static str,
    /// Agent who worked the contact.
    pub agent: &'static Agent,
    /// Skill to which the contact was routed.
    pub skill: &'static Skill,
    /// Whether Interaction Analytics has a segment of the contact.
    pub has_segment: bool,
    /// A number drawn from the contact's id, which decides what differs from contact to contact.
    pub noise: u64,
}

impl Contact {
    /// Returns the id of the contact's segment, a GUID that ends in the contact's number.
    #[must_use]
    pub fn segment_id(&self) -> String {
        let noise = self.noise;
        format!(
            "{:08x}-{:04x}-4{:03x}-8{:03x}-{:012}",
            noise >> 32,
            (noise >> 16) & 0xffff,
            (noise >> 4) & 0xfff,
            noise & 0xfff,
            self.id.rem_euclid(1_000_000_000_000)
        )
    }

    /// Returns when the segment appears in the feed: minutes after the end of a call, hours if `late` and the contact is one
    /// of the late ones. With `ties`, segments appear in batches that share a millisecond.
    #[must_use]
    pub fn annotated_at(&self, late: bool, ties: bool) -> Timestamp {
        let delay = match self.channel {
            Channel::Call if late => 120 + i64::try_from(self.noise % 480).unwrap_or(0),
            Channel::Call => 300,
            _ => 5,
        };
        let hours = if late && self.noise % 40 == 7 { 3 } else { 0 };
        let at = self.end + SignedDuration::from_secs(delay + hours * 3600);
        if !ties {
            return at;
        }
        let batch = at.as_second().div_euclid(60) * 60 + 60;
        Timestamp::from_second(batch).unwrap_or(at)
    }

    /// Returns when the segment is published again with another text, if it is.
    #[must_use]
    pub fn republished_at(&self, annotated_at: Timestamp) -> Option<Timestamp> {
        (self.noise % 20 == 3).then(|| annotated_at + SignedDuration::from_mins(30))
    }

    /// Returns the time of a line; a line without a time is at its place between start and end.
    #[must_use]
    pub fn time_of(&self, place: usize, line: &Line) -> Timestamp {
        let stated = line
            .timestamp
            .as_deref()
            .and_then(|time| time.parse::<Timestamp>().ok());
        stated.unwrap_or_else(|| {
            let steps = self
                .lines
                .as_ref()
                .map_or(1, |lines| lines.len().max(1) as i64);
            let millis = self.end.as_millisecond() - self.start.as_millisecond();
            self.start + SignedDuration::from_millis(millis / steps * place as i64)
        })
    }

    /// Returns what customer and agent said, each line with its place and time; announcements are left out.
    pub fn spoken(&self) -> impl Iterator<Item = (usize, Timestamp, &Line)> {
        let lines = self.lines.iter().flatten().enumerate();
        lines
            .filter(|(_, line)| line.author != Author::System)
            .map(|(place, line)| (place, self.time_of(place, line), line))
    }
}

/// Returns a number that depends on the seed and an id alone.
pub(super) fn noise(seed: u64, id: i64) -> u64 {
    let mut mixed = seed ^ (id as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    mixed ^ (mixed >> 31)
}
