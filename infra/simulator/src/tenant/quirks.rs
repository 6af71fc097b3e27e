//! The habits of the real product that integrators complain about, each a switch.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

/// One habit of the real product that a client must cope with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Quirk {
    /// A call of the contact lists without `Accept` gets a page that cannot be read, with status 200.
    AcceptRequired,
    /// The cursor of the segment feed is inclusive, and many segments share one millisecond.
    InclusiveCursor,
    /// Each third page of the segment feed links to itself.
    RepeatedLinks,
    /// The feed ignores `beginningDate` and `endingDate` in half of all runs, which the seed decides.
    IgnoredDates,
    /// A transcript is 404 for some seconds after its segment appears in the feed.
    LateTranscripts,
    /// Segments appear out of the order of their start, some hours late, and some are published again with another text.
    LateSegments,
    /// Two in a hundred calls are answered with 429 and a `Retry-After` that is too short or missing.
    RandomThrottling,
    /// One token of a run is refused long before its end.
    EarlyTokenEnd,
    /// Numbers are numbers or texts by the toss of a coin, and old versions use old field names.
    LooseScalars,
    /// Lists come under another key or bare, and a token comes inside a list.
    OtherShapes,
    /// The tokens have no claim `area`, so that only discovery names the hosts.
    NoAreaClaim,
    /// A list of digital contacts ends with an empty page.
    EmptyLastPage,
    /// A list of messages holds shortened texts, whose rest only the single message has.
    StrippedMessages,
    /// The texts of one closed digital contact are removed between two reads.
    RemovedContent,
    /// Each digital contact takes 250 updates at once and 17 a minute, the agent's own messages included.
    ContactWriteBudget,
    /// The event hub sends events twice, under several names, inside a string and of unknown types.
    HubTroubles,
    /// A subscription at the event hub ends after five minutes, and its renewal is answered with 304.
    HubSubscriptionsEnd,
    /// The event hub refuses the fourth connection within a minute.
    HubConnectLimit,
    /// The live transcript sends interim texts, leaves gaps in the serial numbers and misses one heartbeat.
    NotifyInterims,
    /// The list of completed contacts takes time for each row, and breaks off beyond a minute.
    SlowCompleted,
    /// Errors of the contact lists have an empty body and say the reason in the header `icStatusDescription`.
    StatusDescriptionOnly,
    /// The disposition of a completed contact appears two minutes after its end.
    LateDispositions,
    /// Some calls are transferred: two contacts with one master, and two segments.
    Transfers,
    /// The token endpoint breaks connections of HTTP/2.
    NoHttp2Token,
    /// Only the new path of the segment feed exists, and the case of a contact list's path does not matter.
    OldPathsGone,
    /// Discovery names a host that no client may send a token to.
    ForeignHost,
}

/// Every quirk in the order of its number, with its name, whether it is on by default, and what it does.
const TABLE: [(Quirk, &str, bool, &str); 26] = [
    (
        Quirk::AcceptRequired,
        "accept-required",
        true,
        "contact lists without Accept: an unreadable page with status 200",
    ),
    (
        Quirk::InclusiveCursor,
        "inclusive-cursor",
        true,
        "segment feed: inclusive cursor, many segments in one millisecond",
    ),
    (
        Quirk::RepeatedLinks,
        "repeated-links",
        true,
        "segment feed: each third page links to itself",
    ),
    (
        Quirk::IgnoredDates,
        "ignored-dates",
        true,
        "segment feed: beginningDate and endingDate ignored in half of all runs",
    ),
    (
        Quirk::LateTranscripts,
        "late-transcripts",
        true,
        "transcript: 404 for some seconds after its segment appears",
    ),
    (
        Quirk::LateSegments,
        "late-segments",
        true,
        "segment feed: out of order, some hours late, some published again",
    ),
    (
        Quirk::RandomThrottling,
        "random-throttling",
        true,
        "2 % of calls: 429 with a short or missing Retry-After",
    ),
    (
        Quirk::EarlyTokenEnd,
        "early-token-end",
        true,
        "one token of a run: refused long before its end",
    ),
    (
        Quirk::LooseScalars,
        "loose-scalars",
        true,
        "numbers as numbers or texts; old field names up to version 21",
    ),
    (
        Quirk::OtherShapes,
        "other-shapes",
        false,
        "lists under another key or bare; the token inside a list",
    ),
    (
        Quirk::NoAreaClaim,
        "no-area-claim",
        false,
        "tokens without the claim area",
    ),
    (
        Quirk::EmptyLastPage,
        "empty-last-page",
        true,
        "digital contacts: an empty page at the end",
    ),
    (
        Quirk::StrippedMessages,
        "stripped-messages",
        true,
        "digital messages: shortened texts in lists and events",
    ),
    (
        Quirk::RemovedContent,
        "removed-content",
        true,
        "digital messages: one contact's texts removed between two reads",
    ),
    (
        Quirk::ContactWriteBudget,
        "contact-write-budget",
        true,
        "digital contacts: 250 updates at once and 17 a minute, the agent's included",
    ),
    (
        Quirk::HubTroubles,
        "hub-troubles",
        true,
        "event hub: repeats, other names, JSON in a string, unknown types",
    ),
    (
        Quirk::HubSubscriptionsEnd,
        "hub-subscriptions-end",
        true,
        "event hub: subscriptions end after 5 minutes; 304 on renewal",
    ),
    (
        Quirk::HubConnectLimit,
        "hub-connect-limit",
        true,
        "event hub: RATE_LIMIT_EXCEEDED on the fourth connection in a minute",
    ),
    (
        Quirk::NotifyInterims,
        "notify-interims",
        true,
        "live transcript: interim texts, serial gaps, one missed heartbeat",
    ),
    (
        Quirk::SlowCompleted,
        "slow-completed",
        true,
        "completed contacts: time for each row; broken off beyond a minute",
    ),
    (
        Quirk::StatusDescriptionOnly,
        "status-description-only",
        true,
        "contact lists: errors only in the header icStatusDescription",
    ),
    (
        Quirk::LateDispositions,
        "late-dispositions",
        true,
        "completed contacts: the disposition appears 2 minutes after the end",
    ),
    (
        Quirk::Transfers,
        "transfers",
        true,
        "some calls: two contacts, one master, two segments",
    ),
    (
        Quirk::NoHttp2Token,
        "no-http2-token",
        false,
        "token endpoint: connections of HTTP/2 are broken",
    ),
    (
        Quirk::OldPathsGone,
        "old-paths-gone",
        true,
        "old path of the segment feed: 404; any case of a contact list's path works",
    ),
    (
        Quirk::ForeignHost,
        "foreign-host",
        false,
        "discovery: a host that no client may send a token to",
    ),
];

impl Quirk {
    /// Returns every quirk in the order of its number.
    pub fn all() -> impl Iterator<Item = Self> {
        TABLE.iter().map(|row| row.0)
    }

    /// Returns the number of the quirk, from 1 to 26.
    #[must_use]
    pub fn number(self) -> usize {
        TABLE.iter().take_while(|row| row.0 != self).count() + 1
    }

    /// Returns the name that switches the quirk on a command line.
    #[must_use]
    pub fn name(self) -> &'static str {
        self.row().1
    }

    /// Returns true for quirks that are on unless they are switched off.
    #[must_use]
    pub fn is_on_by_default(self) -> bool {
        self.row().2
    }

    /// Returns what the quirk does, in a few words.
    #[must_use]
    pub fn summary(self) -> &'static str {
        self.row().3
    }

    fn row(self) -> &'static (Self, &'static str, bool, &'static str) {
        &TABLE[self.number() - 1]
    }

    /// Finds a quirk by its name, or by its number as `Q1` to `Q26`.
    #[must_use]
    pub fn find(name: &str) -> Option<Self> {
        let number = name
            .strip_prefix(['q', 'Q'])
            .and_then(|number| number.parse::<usize>().ok());
        match number {
            Some(number) => Self::all().nth(number.checked_sub(1)?),
            None => Self::all().find(|quirk| quirk.name() == name),
        }
    }
}

/// The quirks that are switched on. In a scenario file: a table of names with `true` or `false`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "BTreeMap<String, bool>", into = "BTreeMap<String, bool>")]
pub struct Quirks(BTreeSet<Quirk>);

impl Default for Quirks {
    fn default() -> Self {
        Self(
            Quirk::all()
                .filter(|quirk| quirk.is_on_by_default())
                .collect(),
        )
    }
}

impl Quirks {
    /// Returns a tenant that behaves as documented, with no quirk.
    #[must_use]
    pub fn none() -> Self {
        Self(BTreeSet::new())
    }

    /// Returns every quirk that a client can work with: all but the foreign host, which no client may send its token to.
    #[must_use]
    pub fn all_workable() -> Self {
        Self(Quirk::all().collect()).without(Quirk::ForeignHost)
    }

    /// Returns these quirks and one more.
    #[must_use]
    pub fn with(mut self, quirk: Quirk) -> Self {
        self.0.insert(quirk);
        self
    }

    /// Returns these quirks without one of them.
    #[must_use]
    pub fn without(mut self, quirk: Quirk) -> Self {
        self.0.remove(&quirk);
        self
    }

    /// Returns whether a quirk is switched on.
    #[must_use]
    pub fn has(&self, quirk: Quirk) -> bool {
        self.0.contains(&quirk)
    }

    /// Switches one quirk as written on a command line: `NAME=on` or `NAME=off`; `all=off` switches all of them.
    ///
    /// # Errors
    /// What is wrong with the text, with the names that exist.
    pub fn switch(&mut self, text: &str) -> Result<(), String> {
        let (name, state) = text
            .split_once('=')
            .ok_or_else(|| format!("`{text}` must be NAME=on or NAME=off"))?;
        let on = match state {
            "on" => true,
            "off" => false,
            _ => return Err(format!("`{state}` must be on or off")),
        };
        self.set(name, on)
    }

    fn set(&mut self, name: &str, on: bool) -> Result<(), String> {
        let quirks: Vec<Quirk> = if name == "all" {
            Quirk::all().collect()
        } else {
            let known = || TABLE.map(|row| row.1).join(", ");
            let unknown = || format!("there is no quirk `{name}`; there are {}", known());
            vec![Quirk::find(name).ok_or_else(unknown)?]
        };
        for quirk in quirks {
            if on {
                self.0.insert(quirk);
            } else {
                self.0.remove(&quirk);
            }
        }
        Ok(())
    }
}

impl TryFrom<BTreeMap<String, bool>> for Quirks {
    type Error = String;

    fn try_from(switches: BTreeMap<String, bool>) -> Result<Self, String> {
        let mut quirks = Self::default();
        // `all` sorts before most names and must not undo them.
        if let Some(on) = switches.get("all") {
            quirks.set("all", *on)?;
        }
        for (name, on) in switches.iter().filter(|(name, _)| *name != "all") {
            quirks.set(name, *on)?;
        }
        Ok(quirks)
    }
}

impl From<Quirks> for BTreeMap<String, bool> {
    fn from(quirks: Quirks) -> Self {
        Quirk::all()
            .map(|quirk| (quirk.name().to_owned(), quirks.has(quirk)))
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quirks_are_switched_by_name_or_number() {
        let mut quirks = Quirks::default();
        assert!(quirks.has(Quirk::LateSegments) && !quirks.has(Quirk::ForeignHost));
        quirks.switch("late-segments=off").unwrap();
        quirks.switch("Q26=on").unwrap();
        assert!(!quirks.has(Quirk::LateSegments) && quirks.has(Quirk::ForeignHost));
        quirks.switch("all=off").unwrap();
        assert_eq!(quirks, Quirks::none());
        for (text, part) in [
            ("late-segments", "NAME=on"),
            ("late-segments=no", "on or off"),
            ("lates=on", "late-segments"),
            ("Q27=on", "no quirk `Q27`"),
            ("Q0=on", "no quirk `Q0`"),
        ] {
            let error = quirks.switch(text).unwrap_err();
            assert!(error.contains(part), "{error}");
        }
    }

    #[test]
    fn the_table_has_each_quirk_once_under_its_number() {
        let numbers: Vec<usize> = Quirk::all().map(Quirk::number).collect();
        assert_eq!(numbers, (1..=26).collect::<Vec<_>>());
        assert_eq!(Quirk::find("Q6"), Some(Quirk::LateSegments));
        assert!(Quirk::all().all(|quirk| Quirk::find(quirk.name()) == Some(quirk)));
    }

    #[test]
    fn a_table_switches_some_and_leaves_the_others() {
        let read: Quirks =
            serde_json::from_str(r#"{"all": false, "accept-required": true}"#).unwrap();
        assert_eq!(read, Quirks::none().with(Quirk::AcceptRequired));
        let written = serde_json::to_string(&read).unwrap();
        assert_eq!(serde_json::from_str::<Quirks>(&written).unwrap(), read);
    }
}
