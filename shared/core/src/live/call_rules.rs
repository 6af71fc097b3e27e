//! The rules of a live call: what is said becomes facts, moments are decided as the transcript becomes complete, and hits are kept
//! in the state before anything is sent for them.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use super::action::CallAction;
use super::batch::MAX_PENDING_SUGGESTIONS;
use super::call_state::CallState;
use super::details::CallDetails;
use super::event::ScoredSegment;
use super::segment::Segment;
use super::settings::LiveSettings;
use super::suggestion::{Suggestion, SuggestionStatus};
use crate::rules::{
    ConversationFacts, Evaluation, LiveRules, RuleAnswer, RuleFile, RuleHit, RuleSuggestion, Truth,
    Utterance,
};

/// Number of hits that are kept in the state of a call; the newest are kept.
pub const MAX_KEPT_HITS: usize = 24;
/// Longest time for which an utterance that goes on holds decisions back. What is not said in a window is known only when whoever
/// speaks has ended, but nobody may hold an alert back for ever.
const MAX_UNFINISHED: SignedDuration = SignedDuration::from_secs(10);

/// What the rules know of a call, and their hits.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct CallRules {
    /// The facts that rules are decided by.
    #[serde(default, rename = "facts", skip_serializing_if = "LiveRules::is_empty")]
    live: LiveRules,
    /// The newest hits, oldest first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    hits: Vec<RuleHit>,
    /// Whether the windows were closed at the end of the call.
    #[serde(default, rename = "closed", skip_serializing_if = "std::ops::Not::not")]
    is_closed: bool,
    /// The answers at the end of the call, once the windows were closed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    answers: Option<ClosingAnswers>,
}

/// The answers of all rules at the end of a call: one letter a rule, in the order of the file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct ClosingAnswers {
    /// The version of the file.
    #[serde(rename = "v")]
    version: String,
    #[serde(rename = "a")]
    letters: String,
}

impl CallRules {
    /// Returns whether no rule has read the call.
    pub(super) fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// Returns the newest hits, oldest first.
    #[must_use]
    pub fn hits(&self) -> &[RuleHit] {
        &self.hits
    }

    /// Returns the hits that are kept, with the answers of all rules at the end of the call; `None` before the end, and if other rules
    /// than those of `file` were asked.
    #[must_use]
    pub fn evaluation(&self, file: &RuleFile) -> Option<Evaluation> {
        let answers = self.answers.as_ref()?;
        if answers.version != file.version() {
            return None;
        }
        let answers = file.rules().iter().zip(answers.letters.chars());
        Some(Evaluation {
            hits: self.hits.clone(),
            answers: answers
                .map(|(rule, letter)| RuleAnswer {
                    rule: rule.id.clone(),
                    version: rule.version.clone(),
                    answer: match letter {
                        't' => Truth::True,
                        'f' => Truth::False,
                        'o' => Truth::Open,
                        _ => Truth::Unknown,
                    },
                })
                .collect(),
        })
    }

    /// Returns the ids of the rules that have hit, each once, in the order of their first hits that are kept.
    #[must_use]
    pub fn hit_ids(&self) -> Vec<&str> {
        let mut ids: Vec<&str> = Vec::new();
        for hit in &self.hits {
            if !ids.contains(&hit.rule.as_str()) {
                ids.push(&hit.rule);
            }
        }
        ids
    }

    /// Returns the ids of the rules whose answer is unknown.
    pub fn unknown_ids(&self) -> impl Iterator<Item = &str> {
        self.live.unknown_rules()
    }

    /// Returns the times in which words may be missing, in milliseconds since the epoch.
    #[must_use]
    pub fn gaps(&self) -> &[(i64, i64)] {
        self.live.gaps()
    }

    /// Returns whether windows are open that the end of the call closes.
    pub(super) fn must_be_closed(&self, settings: &LiveSettings) -> bool {
        settings.rules.is_some() && !self.live.is_empty() && !self.is_closed
    }

    /// Adds the words of a segment; a segment that was added before only gets its score.
    pub(super) fn add_segment(&mut self, file: &RuleFile, segment: &Segment, now: Timestamp) {
        self.live.add(file, &utterance_of(segment, now));
    }

    /// Adds a scored segment.
    pub(super) fn add_scored(&mut self, file: &RuleFile, scored: &ScoredSegment, now: Timestamp) {
        let mut utterance = utterance_of(&scored.segment, now);
        utterance.score = scored.is_counted().then_some(scored.score);
        utterance.emotions.clone_from(&scored.emotions);
        utterance.signals = scored.signals;
        self.live.add(file, &utterance);
        self.is_closed = false;
    }

    /// Notes the time of a segment that came too late to be read.
    pub(super) fn add_lost(&mut self, start: i64, end: i64) {
        if !self.live.is_empty() {
            self.live.add_gap(start.min(end), end);
        }
    }
}

/// Returns a segment as rules read it. A segment that is stamped ahead of its time ends now, because it was read now.
fn utterance_of(segment: &Segment, now: Timestamp) -> Utterance {
    let mut utterance = Utterance::from(segment);
    if segment.is_ahead_of(now) {
        let length = (utterance.end - utterance.start).clamp(0, 60_000);
        utterance.end = now.as_millisecond();
        utterance.start = utterance.end - length;
    }
    utterance
}

/// Returns what the one who registered a call said about it, as rules ask for it.
fn facts_of(details: &CallDetails) -> ConversationFacts {
    let known = [
        ("agent", &details.agent_id),
        ("agent_name", &details.agent_name),
        ("team", &details.team),
        ("language", &details.language),
    ];
    let attributes: BTreeMap<String, String> = known
        .into_iter()
        .filter_map(|(name, value)| Some((name.to_owned(), value.clone()?)))
        .collect();
    ConversationFacts {
        skill: details.skill.clone(),
        attributes: (!attributes.is_empty()).then_some(attributes),
        ..ConversationFacts::default()
    }
}

/// Decides the rules of a call that was just read, and returns what follows from new hits. `unfinished_since` is the start of the
/// earliest utterance of the answer that goes on.
pub(super) fn decide_rules(
    state: &mut CallState,
    batch: &[ScoredSegment],
    unfinished_since: Option<i64>,
    settings: &LiveSettings,
    now: Timestamp,
) -> Vec<CallAction> {
    let Some(file) = settings.rules.clone().filter(|_| state.ended.is_none()) else {
        return Vec::new();
    };
    if state.rules.live.is_empty() {
        return Vec::new();
    }
    let settled = (now - settings.rule_settle).as_millisecond();
    let patience = (now - MAX_UNFINISHED).as_millisecond();
    let complete_until = match unfinished_since {
        Some(start) if start > patience => settled.min(start - 1),
        _ => settled,
    };
    state.rules.live.set_facts(facts_of(&state.details));
    let hits = state.rules.live.advance(&file, complete_until);
    take_hits(state, &file, hits, batch, settings)
}

/// Closes the windows of a call that is over, and returns what follows from new hits.
pub(super) fn close_rules(state: &mut CallState, settings: &LiveSettings) -> Vec<CallAction> {
    let Some(file) = settings.rules.clone() else {
        return Vec::new();
    };
    if !state.rules.must_be_closed(settings) {
        return Vec::new();
    }
    state.rules.live.set_facts(facts_of(&state.details));
    let evaluation = state.rules.live.finish(&file, None);
    state.rules.is_closed = true;
    let letters = evaluation.answers.iter().map(|it| &it.answer.name()[..1]);
    state.rules.answers = Some(ClosingAnswers {
        version: file.version().to_owned(),
        letters: letters.collect(),
    });
    let actions = take_hits(state, &file, evaluation.hits, &[], settings);
    if actions.is_empty() {
        vec![CallAction::SaveState]
    } else {
        actions
    }
}

/// Keeps hits and raises the suggestions of their rules.
fn take_hits(
    state: &mut CallState,
    file: &RuleFile,
    hits: Vec<RuleHit>,
    batch: &[ScoredSegment],
    settings: &LiveSettings,
) -> Vec<CallAction> {
    if hits.is_empty() {
        return Vec::new();
    }
    for hit in &hits {
        let rule = file.rule(&hit.rule);
        if let Some(suggested) = rule.and_then(|rule| rule.suggestion.as_ref()) {
            suggest(state, hit, suggested, batch, settings);
        }
    }
    state.rules.hits.extend(hits.iter().cloned());
    let too_many = state.rules.hits.len().saturating_sub(MAX_KEPT_HITS);
    state.rules.hits.drain(..too_many);
    // The attributes name the rules that have hit, so they are sent again.
    state.revision += 1;
    vec![CallAction::SaveState, CallAction::ReportRuleHits(hits)]
}

fn suggest(
    state: &mut CallState,
    hit: &RuleHit,
    suggested: &RuleSuggestion,
    batch: &[ScoredSegment],
    settings: &LiveSettings,
) {
    if state.ended.is_some() || state.pending_suggestions().count() >= MAX_PENDING_SUGGESTIONS {
        return;
    }
    let (template, content) = match suggested {
        RuleSuggestion::Text(text) => (hit.rule.clone(), text.clone()),
        RuleSuggestion::Template => {
            let heard = || {
                batch
                    .iter()
                    .filter(|scored| settings.alert.subject.includes(scored.segment.speaker))
            };
            let emotions: Vec<String> =
                heard().flat_map(|scored| scored.emotions.clone()).collect();
            let intents: Vec<String> = heard().filter_map(|scored| scored.intent.clone()).collect();
            let Some(template) = settings.templates.choose(&emotions, &intents) else {
                return;
            };
            (template.name.clone(), template.content.clone())
        }
    };
    let suggestion = Suggestion {
        key: state.next_suggestion_key(),
        content,
        template,
        average: state.sentiment.customer.unwrap_or_default().average,
        at: hit.at,
        status: SuggestionStatus::Pending,
    };
    state.add_suggestion(suggestion);
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use proptest::prelude::*;

    use super::*;
    use crate::live::{CallEvent, ScoredBatch, Speaker, apply_event};
    use crate::rules::{ConversationFacts, Dialogue};
    use crate::scale::Score;

    const RULES: &str = r#"
        [[rule]]
        id = "lawyer"
        severity = "severe"
        suggest = "Get a supervisor."
        when = { said = ["lawyer"], by = "customer" }
        [[rule]]
        id = "notice"
        severity = "warn"
        when = { not_said = ["recorded"], by = "agent", within = "first 20s" }
        [[rule]]
        id = "silence"
        when = { silence = "> 8s" }
        [[rule]]
        id = "offer"
        when = { sequence = [{ said = ["cancel"] }, { not_said = ["offer"], by = "agent", within = "15s after" }] }
        [[rule]]
        id = "mood"
        suggest = "template"
        when = { average = "< 0.4", over = "20s", by = "customer" }
        again = { after = "10s" }
    "#;

    const WORDS: [&str; 6] = [
        "hello",
        "my lawyer",
        "cancel it",
        "we offer this",
        "recorded",
        "well",
    ];

    /// The store and one process that works on the call. A crash forgets what was not saved.
    struct Run {
        settings: LiveSettings,
        stored: String,
        state: CallState,
        reported: Vec<RuleHit>,
    }

    impl Run {
        fn apply(&mut self, event: CallEvent, now: Timestamp, crash_at: Option<usize>) -> bool {
            let state = std::mem::replace(&mut self.state, CallState::new("call", now));
            let (state, actions) = apply_event(state, event, &self.settings, now);
            self.state = state;
            for (number, action) in actions.into_iter().enumerate() {
                if crash_at == Some(number) {
                    self.state = serde_json::from_str(&self.stored).unwrap();
                    return false;
                }
                match action {
                    CallAction::SaveState => {
                        self.stored = serde_json::to_string(&self.state).unwrap()
                    }
                    CallAction::ReportRuleHits(hits) => self.reported.extend(hits),
                    CallAction::ScoreSegments { segments, has_more } => {
                        let scored = segments.into_iter().map(scored).collect();
                        let batch = ScoredBatch {
                            scored,
                            has_more,
                            ..ScoredBatch::default()
                        };
                        if !self.apply(CallEvent::BatchScored(batch), now, crash_at) {
                            return false;
                        }
                    }
                    _ => {}
                }
            }
            true
        }
    }

    fn scored(segment: Segment) -> ScoredSegment {
        let score = Score::from_ten_thousandths((segment.end % 7 * 1400) as u16);
        ScoredSegment::new(segment, score)
    }

    fn at(ms: i64) -> Timestamp {
        Timestamp::from_millisecond(1_700_000_000_000 + ms).unwrap()
    }

    /// Returns the number of hits of a call, read at `now_ms`, in which an utterance goes on since second 2 and nothing else was said
    /// after second 1.
    fn hits_while_somebody_speaks(now_ms: i64) -> usize {
        let rules = r#"
            [[rule]]
            id = "silence"
            when = { silence = "> 8s" }
        "#;
        let settings = LiveSettings {
            rules: Some(Arc::new(RuleFile::from_toml(rules).unwrap())),
            silence_timeout: None,
            ..LiveSettings::default()
        };
        let state = CallState::new("call", at(0));
        let mut run = Run {
            settings,
            stored: serde_json::to_string(&state).unwrap(),
            state,
            reported: Vec::new(),
        };
        let said = |start_ms, end_ms, is_final| Segment {
            text: "hello".to_owned(),
            start: at(start_ms).as_millisecond(),
            end: at(end_ms).as_millisecond(),
            speaker: Speaker::Customer,
            is_final,
        };
        for (read_ms, segments) in [
            (1500, vec![said(0, 1000, true)]),
            (now_ms, vec![said(0, 1000, true), said(2000, 2500, false)]),
        ] {
            let fetched = CallEvent::SegmentsFetched {
                segments,
                is_sweep: true,
            };
            run.apply(fetched, at(read_ms), None);
        }
        run.reported.len()
    }

    #[test]
    fn an_utterance_that_goes_on_holds_decisions_back_for_ten_seconds() {
        assert_eq!(hits_while_somebody_speaks(11_999), 0);
        assert_eq!(hits_while_somebody_speaks(12_000), 1);
        assert_eq!(hits_while_somebody_speaks(30_000), 1);
    }

    proptest! {
        #[test]
        fn a_live_call_over_crashes_and_repeats_has_the_hits_of_the_call_afterwards(
            said in prop::collection::vec((any::<bool>(), 0_usize..6, 0_i64..12_000, 500_i64..3000), 1..14),
            crashes in prop::collection::vec((0_usize..90, 0_usize..4), 0..12),
            lag in 0_i64..1800,
        ) {
            let file = Arc::new(RuleFile::from_toml(RULES).unwrap());
            let mut segments = Vec::new();
            let mut start = at(0).as_millisecond();
            for (number, (is_agent, word, pause, length)) in said.iter().enumerate() {
                start += pause;
                let speaker = if *is_agent { Speaker::Agent } else { Speaker::Customer };
                let text = format!("{} {number}", WORDS[*word]);
                segments.push(Segment { text, start, end: start + length, speaker, is_final: true });
                start += length;
            }
            let settings = LiveSettings { rules: Some(Arc::clone(&file)), silence_timeout: None, ..LiveSettings::default() };
            let state = CallState::new("call", at(0));
            let stored = serde_json::to_string(&state).unwrap();
            let mut run = Run { settings, stored, state, reported: Vec::new() };
            let end_ms = start - at(0).as_millisecond();
            // Each poll serves all that is final by then, so everything repeats; an utterance that goes on is partial.
            for (polls, now_ms) in (0..end_ms + 40_000).step_by(1000).enumerate() {
                let now = at(now_ms);
                let visible = segments
                    .iter()
                    .filter(|segment| segment.start <= now.as_millisecond())
                    .map(|segment| {
                        let is_final = segment.end + lag <= now.as_millisecond();
                        Segment { is_final, ..segment.clone() }
                    })
                    .collect();
                let crash = crashes.iter().find(|(poll, _)| *poll == polls).map(|(_, action)| *action);
                run.apply(CallEvent::SegmentsFetched { segments: visible, is_sweep: true }, now, crash);
            }
            let now = at(end_ms + 40_000);
            run.apply(CallEvent::StopRequested, now, None);
            run.apply(CallEvent::RoundStarted, now, None);
            let dialogue = Dialogue {
                facts: ConversationFacts { end: Some((now - run.settings.rule_settle).as_millisecond() - 1000), ..ConversationFacts::default() },
                utterances: segments.into_iter().map(|segment| {
                    let scored = scored(segment);
                    Utterance::from(&scored.segment).with_score(scored.score)
                }).collect(),
                ..Dialogue::default()
            };
            let expected = file.evaluate(&dialogue).hits;
            let key = |hit: &RuleHit| (hit.at, hit.key());
            let mut kept: Vec<RuleHit> = run.state.rules().hits().to_vec();
            kept.sort_by_key(key);
            let mut wanted = expected;
            wanted.sort_by_key(key);
            prop_assert_eq!(&kept, &wanted);
            let mut reported: Vec<String> = run.reported.iter().map(RuleHit::key).collect();
            let count = reported.len();
            reported.sort();
            reported.dedup();
            prop_assert_eq!(reported.len(), count, "a hit is reported once");
        }
    }
}
