//! What a poll brings: which of its segments are new, and what they do to the call once they are scored.

use jiff::{SignedDuration, Timestamp};

use super::event::{Batch, Effect, Scored};
use super::interaction::{Interaction, SUGGESTIONS_DUE, Suggestion, SuggestionStatus};
use super::recent::{Remembered, Verdict};
use super::rules::{Listener, Rules, ms};
use super::segment::{Direction, Segment, SegmentId};

/// A segment that ends further in the future than this is a fault of a clock or a unit, and would push the cursor past
/// every real one.
const PLAUSIBLE_LEAD: SignedDuration = SignedDuration::from_hours(24);

impl Interaction {
    /// The new final segments of an answer, in order of their ends, at most a batch.
    pub(super) fn select(
        &self,
        segments: Vec<Segment>,
        rules: &Rules,
        now: Timestamp,
    ) -> Vec<Effect> {
        let latest = (now + PLAUSIBLE_LEAD).as_millisecond();
        let (mut late, mut implausible) = (0, 0);
        let mut fresh: Vec<(i64, SegmentId, Segment)> = Vec::new();
        for segment in segments.into_iter().filter(|segment| segment.is_final) {
            if segment.end < segment.start || segment.end > latest {
                implausible += 1;
                continue;
            }
            let id = segment.id();
            match self.recent.judge(id, segment.end) {
                Verdict::Fresh => fresh.push((segment.end, id, segment)),
                Verdict::Known => {}
                Verdict::TooLate => late += 1,
            }
        }
        fresh.sort_by_key(|(end, id, _)| (*end, *id));
        fresh.dedup_by_key(|(_, id, _)| *id);
        let more = fresh.len() > rules.batch;
        fresh.truncate(rules.batch);
        let mut effects = Vec::new();
        if late + implausible > 0 {
            effects.push(Effect::Skipped { late, implausible });
        }
        if !fresh.is_empty() {
            effects.push(Effect::Score {
                segments: fresh.into_iter().map(|(_, _, segment)| segment).collect(),
                more,
            });
        }
        effects
    }

    /// Counts a scored batch into the state, decides on a suggestion, and says what is to be sent.
    pub(super) fn take(
        &mut self,
        batch: Vec<Scored>,
        more: bool,
        rules: &Rules,
        now: Timestamp,
    ) -> Vec<Effect> {
        let batch: Vec<Scored> = batch
            .into_iter()
            .filter(|scored| self.count(scored))
            .collect();
        if batch.is_empty() {
            return Vec::new();
        }
        let heard: Vec<Direction> = batch
            .iter()
            .map(|scored| scored.segment.direction)
            .collect();
        self.readings = self.readings.after(&self.recent, &heard, rules);
        self.recent.forget(ms(rules.horizon));
        self.revision += 1;
        self.heard_at = now;
        // Amid a catch-up the readings are of the past; what matters to the agent is where it ends.
        let suggestion = if more {
            None
        } else {
            self.decide(&batch, rules)
        };
        if let Some(holder) = &mut self.holder {
            holder.until = now + rules.lease;
        }
        let segments = batch.iter().map(|Scored { segment, score, .. }| {
            (
                segment.id(),
                segment.start,
                segment.end,
                segment.direction,
                *score,
            )
        });
        let report = Batch {
            segments: segments.collect(),
            readings: self.readings,
            suggestion,
        };
        let mut effects = vec![Effect::Save, Effect::Report(report)];
        effects.extend(self.sends());
        effects
    }

    /// Remembers a segment and adds it to its speaker's total; false if it was known.
    fn count(&mut self, scored: &Scored) -> bool {
        let Scored { segment, score, .. } = scored;
        let remembered = Remembered::new(segment.id(), segment.end, segment.direction, *score);
        let new = self.recent.insert(remembered);
        if new {
            let total = match segment.direction {
                Direction::Customer => &mut self.customer,
                Direction::Agent => &mut self.agent,
            };
            total.segments += 1;
            total.sum += u64::from(remembered.score);
        }
        new
    }

    /// Raises a suggestion if the policy asks for one.
    fn decide(&mut self, batch: &[Scored], rules: &Rules) -> Option<Suggestion> {
        let listener = rules.alert.listener;
        let heard = || {
            batch
                .iter()
                .filter(|scored| listener.hears(scored.segment.direction))
        };
        // Who was not heard has the reading of an earlier batch, which was decided on then.
        heard().next()?;
        let reading = match listener {
            Listener::Customer => self.readings.customer.unwrap_or_default(),
            Listener::Both => self.readings.both,
        };
        let at = self.recent.newest()?;
        if self.due().count() >= SUGGESTIONS_DUE || !self.alert.decide(reading, at, rules) {
            return None;
        }
        let emotions: Vec<String> = heard().flat_map(|scored| scored.emotions.clone()).collect();
        let intents: Vec<String> = heard().filter_map(|scored| scored.intent.clone()).collect();
        let template = rules.templates.choose(&emotions, &intents)?;
        let suggestion = Suggestion {
            key: self.next_key(),
            content: template.content.clone(),
            template: template.name.clone(),
            average: reading.average,
            at,
            status: SuggestionStatus::Due,
        };
        self.raised += 1;
        self.suggestions.push(suggestion.clone());
        self.forget_suggestions();
        Some(suggestion)
    }
}
