//! What happens next to a call: a pure transition, so that every schedule of crashes and repeats can be tried.

use jiff::Timestamp;

use super::event::{Effect, Event, Left};
use super::interaction::{Ended, Holder, Interaction, Reason, SuggestionStatus};
use super::rules::{Rules, ms};

/// The state after an event, and what to do.
#[must_use]
pub fn step(
    mut state: Interaction,
    event: Event,
    rules: &Rules,
    now: Timestamp,
) -> (Interaction, Vec<Effect>) {
    let effects = match event {
        Event::Register => state.register(now),
        Event::Stop => state.stop(now),
        Event::Claim { holder } => state.claim(holder, rules, now),
        Event::Release => {
            state.holder = None;
            vec![Effect::Save]
        }
        Event::Tick => state.tick(rules, now),
        Event::Fetched { segments, sweep } => {
            state.sweeping = sweep.then(|| state.recent.newest().unwrap_or(0));
            let effects = state.select(segments, rules, now);
            let scores = |effect: &Effect| matches!(effect, Effect::Score { .. });
            if !effects.iter().any(scores) {
                state.end_sweep(now);
            }
            effects
        }
        Event::Scored { batch, more } => {
            if !more {
                state.end_sweep(now);
            }
            state.take(batch, more, rules, now)
        }
        Event::Patched { revision } => {
            state.patched = state.patched.max(revision.min(state.revision));
            Vec::new()
        }
        Event::Posted { key, id } => state.settle(&key, SuggestionStatus::Sent(id)),
        Event::Refused { key } => state.settle(&key, SuggestionStatus::Refused),
    };
    (state, effects)
}

impl Interaction {
    fn register(&mut self, now: Timestamp) -> Vec<Effect> {
        if self.ended.take().is_none() {
            return Vec::new();
        }
        self.heard_at = now;
        vec![Effect::Save]
    }

    fn stop(&mut self, now: Timestamp) -> Vec<Effect> {
        if self.ended.is_some() {
            return Vec::new();
        }
        self.ended = Some(Ended {
            reason: Reason::Stopped,
            at: now,
        });
        vec![Effect::Save]
    }

    fn claim(&mut self, name: String, rules: &Rules, now: Timestamp) -> Vec<Effect> {
        match self.holder(now) {
            Some(other) if other.name != name => {
                return vec![Effect::Leave(Left::Held(other.until))];
            }
            _ => {}
        }
        if let Some(ended) = self.ended
            && !self.lingers(rules, now)
        {
            return vec![Effect::Leave(Left::Ended(ended.reason))];
        }
        self.holder = Some(Holder {
            name,
            until: now + rules.lease,
        });
        vec![Effect::Save]
    }

    fn tick(&mut self, rules: &Rules, now: Timestamp) -> Vec<Effect> {
        let mut effects = Vec::new();
        if let Some(silence) = rules.silence
            && self.ended.is_none()
            && now >= self.heard_at + silence
        {
            self.ended = Some(Ended {
                reason: Reason::Silence,
                at: now,
            });
            effects.push(Effect::Save);
        }
        if let Some(ended) = self.ended
            && !self.lingers(rules, now)
        {
            self.holder = None;
            return vec![Effect::Save, Effect::Leave(Left::Ended(ended.reason))];
        }
        if self.renew(rules, now) && effects.is_empty() {
            effects.push(Effect::Save);
        }
        effects.extend(self.sends());
        if self.ended.is_none() {
            effects.push(self.fetch(rules, now));
        }
        effects
    }

    /// Whether a call that has ended still has something to send, and is still to be tried.
    fn lingers(&self, rules: &Rules, now: Timestamp) -> bool {
        self.ended
            .is_some_and(|ended| self.has_due() && now < ended.at + rules.linger)
    }

    /// Renews the lease if half of it is over; says whether it did.
    fn renew(&mut self, rules: &Rules, now: Timestamp) -> bool {
        match &mut self.holder {
            Some(holder) if holder.until <= now + rules.lease / 2 => {
                holder.until = now + rules.lease;
                true
            }
            _ => false,
        }
    }

    pub(super) fn sends(&self) -> Vec<Effect> {
        let patch = (self.patched < self.revision).then(|| Effect::Patch {
            revision: self.revision,
            attributes: self.readings.attributes(),
        });
        patch
            .into_iter()
            .chain(self.due().cloned().map(Effect::Post))
            .collect()
    }

    fn fetch(&self, rules: &Rules, now: Timestamp) -> Effect {
        let sweep = self
            .swept_at
            .is_none_or(|swept| now >= swept + rules.sweep_every);
        let cursor = self.recent.newest().unwrap_or(0);
        // From the cursor of the last sweep, not from today's: the cursor may have leapt over a late segment since.
        let from = if sweep {
            self.swept.min(cursor).saturating_sub(ms(rules.lookback))
        } else {
            cursor
        };
        // Nothing behind the memory could be told from a repeat.
        let reach = self.recent.floor().map_or(0, |floor| floor + 1);
        Effect::Fetch {
            from: from.max(reach).max(0),
            sweep,
        }
    }

    /// Everything that a sweep brought counts now; the next one looks back from where this one did.
    fn end_sweep(&mut self, now: Timestamp) {
        if let Some(cursor) = self.sweeping.take() {
            self.swept = cursor;
            self.swept_at = Some(now);
        }
    }

    /// Records the contact centre's answer to a suggestion. It is written at once: until then a crash sends it again.
    fn settle(&mut self, key: &str, status: SuggestionStatus) -> Vec<Effect> {
        match self
            .suggestions
            .iter_mut()
            .find(|s| s.key == key && s.status == SuggestionStatus::Due)
        {
            Some(suggestion) => {
                suggestion.status = status;
                vec![Effect::Save]
            }
            None => Vec::new(),
        }
    }
}

#[cfg(test)]
mod tests;
