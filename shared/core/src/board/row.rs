//! The row of a live conversation: what a board shows of it, in about 250 bytes of JSON.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::mark::AlertMarks;
use super::standing::Severity;
use super::unknown_rules::UnknownRules;
use crate::live::{
    CallDetails, CallState, LiveSettings, Speaker, SpeechTotals, Trend, WindowSentiment,
};
use crate::rules::{RuleHit, RuleSeverity};

/// Name of the alert that a call's average raises, as rules have names.
pub const AVERAGE_RULE: &str = "customer-average";

/// Largest number of points of the sparkline.
const MAX_POINTS: usize = 12;

/// Largest number of rules that a row names as fired.
const MAX_FIRED: usize = 6;

/// Largest number of alerts of a row beside the first one. Each takes about 90 bytes.
const MAX_FURTHER_ALERTS: usize = 3;

/// Number of hexadecimal digits of a model's digest.
const MODEL_DIGITS: usize = 12;

/// Longest name or skill in a row, in characters. The whole value is in the state of the call.
const MAX_NAME_CHARS: usize = 32;

/// The kind of a live conversation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub enum ConversationKind {
    /// A telephone call, whose transcript a poller reads.
    #[default]
    #[serde(rename = "c")]
    Call,
    /// A chat, which a chat session works.
    #[serde(rename = "t")]
    Chat,
}

/// An average with its trend, as a row stores it: thousandths, and -1, 0 or 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct RowReading(pub u16, pub i8);

impl RowReading {
    /// Returns the average, 0 to 1.
    #[must_use]
    pub fn average(self) -> f64 {
        f64::from(self.0) / 1000.0
    }

    /// Returns the trend of the average.
    #[must_use]
    pub const fn trend(self) -> Trend {
        match self.1 {
            ..=-1 => Trend::Declining,
            0 => Trend::Stable,
            1.. => Trend::Improving,
        }
    }

    /// Builds the reading of an average and its trend.
    #[must_use]
    pub fn new(average: f64, trend: Trend) -> Self {
        let trend = match trend {
            Trend::Declining => -1,
            Trend::Stable => 0,
            Trend::Improving => 1,
        };
        Self(thousandths(average), trend)
    }
}

impl From<WindowSentiment> for RowReading {
    fn from(window: WindowSentiment) -> Self {
        Self::new(window.average, window.trend)
    }
}

/// Returns a score from 0 to 1 in thousandths.
pub(super) fn thousandths(score: f64) -> u16 {
    (score.clamp(0.0, 1.0) * 1000.0).round() as u16
}

/// An alert that is open for a conversation.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RowAlert {
    /// Name of the rule that raised the alert.
    #[serde(rename = "r")]
    pub rule: String,
    /// Version of the rule: a digest of everything that it decides by.
    #[serde(rename = "v")]
    pub version: String,
    /// When the alert was raised, in milliseconds since the epoch, by the times of the conversation.
    #[serde(rename = "m")]
    pub at_ms: i64,
    /// Average that raised the alert, in thousandths; 0 for a rule that decides by words.
    #[serde(rename = "c", default, skip_serializing_if = "is_zero")]
    pub average: u16,
    /// How severe the rule is.
    #[serde(rename = "s")]
    pub severity: Severity,
    /// Digest of the model whose scores raised the alert, its first twelve hexadecimal digits.
    #[serde(rename = "d", default, skip_serializing_if = "Option::is_none")]
    pub model: Option<String>,
}

impl RowAlert {
    /// Builds the alert that a hit of a rule raises, if the rule is one that somebody should look at.
    #[must_use]
    pub fn of_hit(hit: &RuleHit) -> Option<Self> {
        let severity = match hit.severity {
            RuleSeverity::Info => return None,
            RuleSeverity::Warn => Severity::Warn,
            RuleSeverity::Severe => Severity::Severe,
        };
        Some(Self {
            rule: hit.rule.clone(),
            version: hit.version.clone(),
            at_ms: hit.at,
            average: 0,
            severity,
            model: None,
        })
    }
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes references")]
const fn is_zero(value: &u16) -> bool {
    *value == 0
}

/// What the board knows of one live conversation. One small item holds it; nothing of it is needed to score.
///
/// `Debug` leaves the customer's words out, so that no log line can hold them.
#[derive(Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct BoardRow {
    /// Kind of the conversation.
    #[serde(rename = "k")]
    pub kind: ConversationKind,
    /// When scoring began, in milliseconds since the epoch.
    #[serde(rename = "s")]
    pub started_ms: i64,
    /// When the conversation was last listened to, in milliseconds since the epoch; it is written anew while nothing is said.
    #[serde(rename = "u")]
    pub read_ms: i64,
    /// End of the newest words, in milliseconds since the epoch.
    #[serde(rename = "h", default, skip_serializing_if = "Option::is_none")]
    pub heard_ms: Option<i64>,
    /// Customer's average and trend.
    #[serde(rename = "c", default, skip_serializing_if = "Option::is_none")]
    pub customer: Option<RowReading>,
    /// Agent's average and trend.
    #[serde(rename = "a", default, skip_serializing_if = "Option::is_none")]
    pub agent: Option<RowReading>,
    /// Customer's newest scores, oldest first: tenths of a second before the newest one, and thousandths.
    #[serde(rename = "p", default, skip_serializing_if = "Vec::is_empty")]
    pub points: Vec<(u32, u16)>,
    /// Customer's newest words, redacted and cut; see [`LastLine`](super::LastLine).
    #[serde(rename = "l", default, skip_serializing_if = "String::is_empty")]
    pub last_line: String,
    /// Contact center's identifier of the agent.
    #[serde(rename = "i", default, skip_serializing_if = "Option::is_none")]
    pub agent_id: Option<String>,
    /// Name of the agent.
    #[serde(rename = "n", default, skip_serializing_if = "Option::is_none")]
    pub agent_name: Option<String>,
    /// Skill or queue of the conversation.
    #[serde(rename = "q", default, skip_serializing_if = "Option::is_none")]
    pub skill: Option<String>,
    /// Team of the agent.
    #[serde(rename = "t", default, skip_serializing_if = "Option::is_none")]
    pub team: Option<String>,
    /// Language of the conversation.
    #[serde(rename = "g", default, skip_serializing_if = "Option::is_none")]
    pub language: Option<String>,
    /// Worst alert that is open, the newest of the worst ones.
    #[serde(rename = "x", default, skip_serializing_if = "Option::is_none")]
    pub alert: Option<RowAlert>,
    /// Further alerts of other rules, the worst first.
    #[serde(rename = "y", default, skip_serializing_if = "Vec::is_empty")]
    pub further_alerts: Vec<RowAlert>,
    /// Names of the rules that fired so far.
    #[serde(rename = "f", default, skip_serializing_if = "Vec::is_empty")]
    pub fired: Vec<String>,
    /// Rules of a chat that cannot be answered. The rules of a call are in its state.
    #[serde(rename = "o", default, skip_serializing_if = "UnknownRules::is_empty")]
    pub unknown: UnknownRules,
    /// How long both sides have spoken.
    #[serde(
        rename = "w",
        default,
        skip_serializing_if = "Spoken::is_empty",
        with = "spoken"
    )]
    pub spoken: Spoken,
}

/// How long both sides of a conversation have spoken, as a row stores it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Spoken(pub SpeechTotals);

impl Spoken {
    fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

/// Four numbers in the place of four names.
mod spoken {
    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    use super::{SpeechTotals, Spoken};

    pub(super) fn serialize<S: Serializer>(
        spoken: &Spoken,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        let SpeechTotals {
            customer_ms,
            agent_ms,
            unscored_ms,
            gaps,
            ..
        } = spoken.0;
        (customer_ms, agent_ms, unscored_ms, gaps).serialize(serializer)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Spoken, D::Error> {
        let (customer_ms, agent_ms, unscored_ms, gaps) = Deserialize::deserialize(deserializer)?;
        Ok(Spoken(SpeechTotals {
            customer_ms,
            agent_ms,
            unscored_ms,
            gaps,
            ..SpeechTotals::default()
        }))
    }
}

impl std::fmt::Debug for BoardRow {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("BoardRow")
            .field("kind", &self.kind)
            .field("started_ms", &self.started_ms)
            .field("read_ms", &self.read_ms)
            .field("customer", &self.customer)
            .field("alert", &self.alert)
            .field("last_line_bytes", &self.last_line.len())
            .finish_non_exhaustive()
    }
}

impl BoardRow {
    /// Builds the row of a call that was registered and not listened to yet.
    #[must_use]
    pub fn registered(details: &CallDetails, now: Timestamp) -> Self {
        let mut row = Self {
            started_ms: now.as_millisecond(),
            read_ms: now.as_millisecond(),
            ..Self::default()
        };
        row.describe(details);
        row
    }

    /// Builds the row of a call from its state. `last_line` holds the customer's newest words, redacted, and `model` the digest of
    /// the model that scores.
    #[must_use]
    pub fn of_call(
        state: &CallState,
        last_line: &str,
        settings: &LiveSettings,
        model: Option<&str>,
        now: Timestamp,
    ) -> Self {
        let sentiment = state.sentiment();
        let is_live = state.ended().is_none();
        let average_alert = state.alert().open().filter(|_| is_live);
        let mut row = Self {
            kind: ConversationKind::Call,
            started_ms: state.registered_at().as_millisecond(),
            read_ms: now.as_millisecond(),
            heard_ms: state.memory().latest_end(),
            customer: sentiment.customer.map(RowReading::from),
            agent: sentiment.agent.map(RowReading::from),
            points: points_of_window(state, settings),
            last_line: last_line.to_owned(),
            spoken: Spoken(*state.speech()),
            ..Self::default()
        };
        if let Some((at_ms, average)) = average_alert {
            row.raise(RowAlert {
                rule: AVERAGE_RULE.to_owned(),
                version: settings.alert_version(),
                at_ms,
                average: thousandths(average),
                severity: Severity::Severe,
                model: model.map(|digest| digest.chars().take(MODEL_DIGITS).collect()),
            });
        }
        if state.alert().has_fired() {
            row.note_fired(AVERAGE_RULE);
        }
        for hit in state.rules().hits() {
            row.note_hit(hit, is_live);
        }
        row.describe(state.details());
        if row.language.is_none() {
            row.language = state.language().map(str::to_owned);
        }
        row
    }

    /// Takes over what is known of the agent and the skill.
    pub fn describe(&mut self, details: &CallDetails) {
        let short = |value: &Option<String>| -> Option<String> {
            let value = value.as_ref()?;
            Some(value.chars().take(MAX_NAME_CHARS).collect())
        };
        self.agent_id = short(&details.agent_id);
        self.agent_name = short(&details.agent_name);
        self.skill = short(&details.skill);
        self.team = short(&details.team);
        self.language = short(&details.language);
    }

    /// Notes the hit of a rule, which raises an alert if somebody should look at it and the conversation `is_live`.
    pub fn note_hit(&mut self, hit: &RuleHit, is_live: bool) {
        self.note_fired(&hit.rule);
        if is_live && let Some(alert) = RowAlert::of_hit(hit) {
            self.raise(alert);
        }
    }

    /// Adds an alert to those that are open. Of the alerts of one rule the newest is kept; the worst few of all rules are.
    pub fn raise(&mut self, alert: RowAlert) {
        let mut alerts: Vec<RowAlert> = self.alert.take().into_iter().collect();
        alerts.append(&mut self.further_alerts);
        match alerts.iter_mut().find(|known| known.rule == alert.rule) {
            Some(known) if known.at_ms >= alert.at_ms => {}
            Some(known) => *known = alert,
            None => alerts.push(alert),
        }
        alerts.sort_by_key(|alert| std::cmp::Reverse((alert.severity, alert.at_ms)));
        alerts.truncate(1 + MAX_FURTHER_ALERTS);
        let mut alerts = alerts.into_iter();
        self.alert = alerts.next();
        self.further_alerts = alerts.collect();
    }

    /// Returns the alerts that are open, the worst first and of the worst the newest.
    pub fn alerts(&self) -> impl Iterator<Item = &RowAlert> {
        self.alert.iter().chain(&self.further_alerts)
    }

    /// Returns the alert that counts now: the worst one that nobody called wrong, or the worst one if all were.
    #[must_use]
    pub fn current_alert(&self, marks: &AlertMarks) -> Option<&RowAlert> {
        let mut alerts = self.alerts();
        alerts
            .find(|alert| !marks.is_wrong(alert))
            .or(self.alert.as_ref())
    }

    /// Notes that a rule has fired. The first few rules are kept.
    pub fn note_fired(&mut self, rule: &str) {
        if self.fired.len() < MAX_FIRED && !self.fired.iter().any(|fired| fired == rule) {
            self.fired.push(rule.to_owned());
        }
    }
}

/// Returns the customer's scores of the window, newest [`MAX_POINTS`], oldest first.
fn points_of_window(state: &CallState, settings: &LiveSettings) -> Vec<(u32, u16)> {
    let window_ms = i64::try_from(settings.window.as_millis()).unwrap_or(i64::MAX);
    let mut newest_end = None;
    let mut points: Vec<(u32, u16)> = state
        .memory()
        .segments()
        .iter()
        .rev()
        .filter(|segment| segment.speaker == Speaker::Customer)
        .map_while(|segment| {
            let newest = *newest_end.get_or_insert(segment.end);
            let age = newest.saturating_sub(segment.end);
            let tenths = u32::try_from(age / 100).unwrap_or(u32::MAX);
            (age <= window_ms).then_some((tenths, segment.score / 10))
        })
        .take(MAX_POINTS)
        .collect();
    points.reverse();
    points
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::live::{CallEvent, ScoredBatch, ScoredSegment, Segment, apply_event};
    use crate::scale::Score;

    fn now() -> Timestamp {
        Timestamp::from_second(1_764_000_000).unwrap()
    }

    /// Returns the state of a call whose customer gets angrier, with one segment that was refused.
    fn state_of_bad_call() -> CallState {
        let settings = LiveSettings::default();
        let mut state = CallState::new("interaction-0001", now());
        state.describe(CallDetails {
            agent_id: Some("agent-001".to_owned()),
            agent_name: Some("Ada Lovelace".to_owned()),
            skill: Some("billing".to_owned()),
            ..CallDetails::default()
        });
        let start = now().as_millisecond();
        for (index, score) in (0..).zip([0.6, 0.4, 0.2, 0.1, 0.1, 0.1]) {
            let segment = |speaker, offset: i64| Segment {
                text: format!("words {index} {offset}"),
                start: start + index * 5000 + offset,
                end: start + index * 5000 + offset + 2000,
                speaker,
                is_final: true,
            };
            let scored = ScoredSegment::new(
                segment(Speaker::Customer, 0),
                Score::try_from(score).unwrap(),
            );
            let unscored = if index == 2 {
                vec![segment(Speaker::Agent, 2500)]
            } else {
                Vec::new()
            };
            let batch = ScoredBatch {
                scored: vec![scored],
                unscored,
                ..ScoredBatch::default()
            };
            let at = now() + jiff::SignedDuration::from_secs(index * 5 + 3);
            (state, _) = apply_event(state, CallEvent::BatchScored(batch), &settings, at);
        }
        state
    }

    #[test]
    fn the_row_of_a_call_says_what_the_state_says_in_few_bytes() {
        let state = state_of_bad_call();
        let settings = LiveSettings::default();
        let line =
            "I am furious, this is the worst service I have ever had, I want my money back now";
        let row = BoardRow::of_call(&state, line, &settings, Some("0123456789abcdef"), now());
        let customer = state.sentiment().customer.unwrap();
        assert!((row.customer.unwrap().average() - customer.average).abs() < 0.001);
        assert_eq!(row.customer.unwrap().trend(), customer.trend);
        assert_eq!(row.points.len(), 6);
        assert_eq!(row.points.last(), Some(&(0, 100)));
        let alert = row.alert.clone().unwrap();
        assert_eq!(alert.rule, AVERAGE_RULE);
        assert_eq!(alert.version, settings.alert_version());
        assert_eq!(row.fired, [AVERAGE_RULE]);
        assert_eq!(row.spoken.0.coverage(), Some(12.0 / 14.0));
        assert_eq!(row.spoken.0.gaps, 1);
        let json = serde_json::to_string(&row).unwrap();
        // With names, keys and version 400 bytes at most, so that 500 rows cost 25 read units.
        assert!(json.len() < 430, "{} bytes: {json}", json.len());
        let quiet = BoardRow {
            alert: None,
            fired: Vec::new(),
            ..row.clone()
        };
        let quiet = serde_json::to_string(&quiet).unwrap();
        assert!(quiet.len() < 310, "{} bytes: {quiet}", quiet.len());
        assert_eq!(serde_json::from_str::<BoardRow>(&json).unwrap(), row);
    }

    fn hit(rule: &str, severity: RuleSeverity, at: i64) -> RuleHit {
        RuleHit {
            rule: rule.to_owned(),
            version: "0123456789ab".to_owned(),
            severity,
            number: 1,
            at,
            offset_ms: at,
            time_source: crate::rules::TimeSource::ShareOfCharacters,
            quotes: Vec::new(),
        }
    }

    #[test]
    fn the_worst_hit_is_the_alert_and_of_the_worst_the_newest() {
        let mut row = BoardRow::default();
        for (rule, severity, at) in [
            ("greeting", RuleSeverity::Info, 9),
            ("legal", RuleSeverity::Severe, 3),
            ("notice", RuleSeverity::Warn, 8),
            ("cancel", RuleSeverity::Severe, 5),
            ("cancel", RuleSeverity::Severe, 4),
            ("silence", RuleSeverity::Warn, 1),
            ("transfer", RuleSeverity::Warn, 2),
        ] {
            row.note_hit(&hit(rule, severity, at), true);
        }
        let rules: Vec<_> = row
            .alerts()
            .map(|alert| (alert.rule.as_str(), alert.at_ms))
            .collect();
        assert_eq!(
            rules,
            [("cancel", 5), ("legal", 3), ("notice", 8), ("transfer", 2)]
        );
        assert_eq!(row.fired.len(), 6);
        let stored = serde_json::to_string(&row).unwrap();
        assert_eq!(serde_json::from_str::<BoardRow>(&stored).unwrap(), row);
        let mut ended = BoardRow::default();
        ended.note_hit(&hit("legal", RuleSeverity::Severe, 3), false);
        assert_eq!((ended.alert, ended.fired), (None, vec!["legal".to_owned()]));
    }

    #[test]
    fn a_debug_print_holds_no_words_of_the_customer() {
        let row = BoardRow {
            last_line: "my secret".to_owned(),
            ..BoardRow::default()
        };
        assert!(!format!("{row:?}").contains("secret"));
    }

    #[test]
    fn a_stored_row_keeps_its_form() {
        let stored = r#"{"k":"c","s":1764000000000,"u":1764000010000,"h":1764000009000,"c":[210,-1],"a":[600,0],"p":[[50,400],[0,210]],"l":"words","i":"a-1","n":"Ada","q":"billing","t":"north","x":{"r":"customer-average","v":"0badcafe","m":1764000009000,"c":210,"s":"severe"},"f":["customer-average"],"w":[4000,2000,500,1]}"#;
        let row: BoardRow = serde_json::from_str(stored).unwrap();
        assert_eq!(serde_json::to_string(&row).unwrap(), stored);
        let smallest: BoardRow = serde_json::from_str(r#"{"k":"t","s":1,"u":2}"#).unwrap();
        assert_eq!(smallest.kind, ConversationKind::Chat);
    }
}
