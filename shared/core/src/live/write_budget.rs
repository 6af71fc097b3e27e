//! When a contact may be written to, where every write takes from the same budget as the messages of its agent.
//!
//! The contact center lets each contact have 250 updates at once and 17 more a minute. A message of the agent is an update, and so is a
//! value that this product writes. The budget is estimated from the messages that were seen. A value is written at most once a
//! minute, only while a reserve is left that no agent types away, and only while few of the updates that were taken are not given
//! back yet: so the agent is never kept from answering by what was written here.

/// Number of updates that a contact takes at once.
const BURST: f64 = 250.0;

/// Number of updates that are given back in a millisecond.
const REFILL_PER_MS: f64 = 17.0 / 60_000.0;

/// Number of updates that are left to the agent.
const RESERVE: f64 = 50.0;

/// Largest number of own updates that are not given back yet.
const MAX_DEBT: f64 = 5.0;

/// Shortest time between two writes to a contact, in milliseconds.
const INTERVAL_MS: i64 = 60_000;

/// The budget of one contact.
#[derive(Debug, Clone)]
pub struct WriteBudget {
    /// The estimated number of updates that may be made now, which is never too high: all messages that were seen count as written
    /// just before.
    level: f64,
    at_ms: i64,
    /// The estimated level when messages were counted last, if nothing had been written here.
    level_without_writes: f64,
    counted_at_ms: i64,
    /// The estimated number of own updates that are not given back yet, which is never too low.
    debt: f64,
    written_at_ms: Option<i64>,
    /// The number of messages that were seen.
    messages: Option<u64>,
}

impl WriteBudget {
    /// Builds the budget of a contact of which nothing is known yet.
    #[must_use]
    pub fn new(now_ms: i64) -> Self {
        Self {
            level: BURST,
            at_ms: now_ms,
            level_without_writes: BURST,
            counted_at_ms: now_ms,
            debt: 0.0,
            written_at_ms: None,
            messages: None,
        }
    }

    fn refill(&mut self, now_ms: i64) {
        self.level = (self.level + refill_between(self.at_ms, now_ms)).min(BURST);
        self.at_ms = self.at_ms.max(now_ms);
    }

    /// Notes that the contact has so many messages now. Those that were not seen before count as written a moment ago.
    pub fn note_messages(&mut self, messages: u64, now_ms: i64) {
        self.refill(now_ms);
        let new = messages.saturating_sub(self.messages.unwrap_or(0));
        self.messages = Some(messages.max(self.messages.unwrap_or(0)));
        #[expect(
            clippy::cast_precision_loss,
            reason = "what is beyond the burst is all the same"
        )]
        let taken = new.min(1_000) as f64;
        self.level = (self.level - taken).max(0.0);
        self.pay_debt(taken, now_ms);
    }

    /// Reduces the debt by the updates that would have been lost over the brim of the bucket if nothing had been written here. The
    /// messages may have come at any moment since the last count, so that only what is certain to have run over is counted.
    fn pay_debt(&mut self, taken: f64, now_ms: i64) {
        let filled = self.level_without_writes + refill_between(self.counted_at_ms, now_ms);
        let lost = (filled - taken - BURST).max(0.0);
        self.debt = (self.debt - lost).max(0.0);
        self.level_without_writes = (filled.min(BURST) - taken).max(0.0);
        self.counted_at_ms = self.counted_at_ms.max(now_ms);
    }

    /// Returns how long to wait before a value may be written, in milliseconds; zero if it may be written now.
    #[must_use]
    pub fn wait_ms(&mut self, now_ms: i64) -> i64 {
        self.refill(now_ms);
        let since_write = self.written_at_ms.map(|at| now_ms.saturating_sub(at));
        let until_interval = since_write.map_or(0, |since| (INTERVAL_MS - since).max(0));
        let lacking = (RESERVE + 1.0 - self.level).max(0.0);
        // A debt that is too large shrinks only while the bucket would be full without it.
        let in_debt = self.debt + 1.0 > MAX_DEBT;
        #[expect(
            clippy::cast_possible_truncation,
            reason = "at most the time of a refill"
        )]
        let until_refilled = (lacking / REFILL_PER_MS).ceil() as i64;
        let until_paid = if in_debt { INTERVAL_MS } else { 0 };
        until_interval.max(until_refilled).max(until_paid)
    }

    /// Notes that a value was written.
    pub fn note_write(&mut self, now_ms: i64) {
        self.refill(now_ms);
        self.level = (self.level - 1.0).max(0.0);
        self.debt += 1.0;
        self.written_at_ms = Some(now_ms);
    }

    /// Notes that another process wrote a value at this moment, whose update has been counted there.
    pub fn note_earlier_write(&mut self, at_ms: i64) {
        let latest = self.written_at_ms.map_or(at_ms, |known| known.max(at_ms));
        // A clock that is ahead must not hold writes up for ever.
        self.written_at_ms = Some(latest.min(self.at_ms));
    }

    /// Notes that the contact center has refused an update for its number: nothing is left.
    pub fn note_refusal(&mut self, now_ms: i64) {
        self.refill(now_ms);
        self.level = 0.0;
        self.written_at_ms = Some(now_ms);
    }
}

/// Returns the number of updates that are given back between two moments.
fn refill_between(from_ms: i64, to_ms: i64) -> f64 {
    #[expect(clippy::cast_precision_loss, reason = "a minute has few milliseconds")]
    let passed = to_ms.saturating_sub(from_ms).max(0) as f64;
    passed * REFILL_PER_MS
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use proptest::test_runner::TestCaseError;

    use super::*;

    /// The contact center's own count of a contact.
    #[derive(Clone)]
    struct Bucket {
        level: f64,
        at_ms: i64,
    }

    impl Bucket {
        fn take(&mut self, now_ms: i64) -> bool {
            let passed = (now_ms - self.at_ms) as f64;
            self.level = (self.level + passed * REFILL_PER_MS).min(BURST);
            self.at_ms = now_ms;
            let is_allowed = self.level >= 1.0;
            if is_allowed {
                self.level -= 1.0;
            }
            is_allowed
        }
    }

    /// Plays a chat in which so many messages are written in each minute, and writes a value after each minute where the budget allows
    /// it. Returns the number of values.
    fn play(minutes: Vec<u32>) -> Result<u32, TestCaseError> {
        let full = Bucket {
            level: BURST,
            at_ms: 0,
        };
        let (mut shared, mut alone) = (full.clone(), full);
        let mut budget = WriteBudget::new(0);
        let (mut messages, mut last_write, mut writes) = (0, i64::MIN / 2, 0);
        for (minute, count) in minutes.into_iter().enumerate() {
            let start = minute as i64 * 60_000;
            for number in 0..i64::from(count) {
                let at = start + number * 60_000 / i64::from(count);
                let was_allowed_alone = alone.level >= MAX_DEBT + 1.0;
                let (with_us, without_us) = (shared.take(at), alone.take(at));
                messages += u64::from(without_us);
                // An agent who would be blocked within a few messages anyway types more than a person does.
                prop_assert!(
                    with_us || !was_allowed_alone,
                    "minute {minute}: the agent is blocked"
                );
            }
            let now = start + 59_999;
            budget.note_messages(messages, now);
            if budget.wait_ms(now) == 0 {
                prop_assert!(now - last_write >= INTERVAL_MS);
                prop_assert!(shared.take(now), "a write beyond the budget");
                budget.note_write(now);
                last_write = now;
                writes += 1;
            }
        }
        Ok(writes)
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(200))]

        #[test]
        fn the_agent_is_never_blocked_by_what_is_written(
            // Minutes in which agent and customer write so many messages, lively ones among them.
            minutes in prop::collection::vec(
                prop_oneof![0_u32..4, 0_u32..20, 15_u32..19, 15_u32..60],
                1..240,
            ),
        ) {
            play(minutes)?;
        }
    }

    #[test]
    fn a_chat_that_uses_up_what_is_given_back_pays_no_debt() {
        let mut minutes = vec![17; 240];
        minutes.extend([60; 10]);
        assert!(play(minutes).unwrap() <= 5);
        assert!(
            play(vec![3; 60]).unwrap() >= 59,
            "a quiet chat pays at once"
        );
    }

    #[test]
    fn a_value_is_written_once_a_minute_and_not_after_a_refusal() {
        let mut budget = WriteBudget::new(0);
        assert_eq!(budget.wait_ms(0), 0);
        budget.note_write(0);
        assert_eq!(budget.wait_ms(1_000), 59_000);
        assert_eq!(budget.wait_ms(60_000), 0);
        budget.note_refusal(60_000);
        assert!(
            budget.wait_ms(60_000) >= 170_000,
            "until the reserve is there"
        );
    }

    #[test]
    fn what_another_process_wrote_counts_for_the_minute() {
        let mut budget = WriteBudget::new(100_000);
        budget.note_earlier_write(70_000);
        assert_eq!(budget.wait_ms(100_000), 30_000);
        budget.note_earlier_write(10_000_000);
        assert_eq!(budget.wait_ms(100_000), 60_000, "a clock that is ahead");
    }

    #[test]
    fn a_lively_chat_is_left_alone() {
        let mut budget = WriteBudget::new(0);
        budget.note_messages(230, 0);
        assert!(budget.wait_ms(0) > 0);
        budget.note_messages(230, 600_000);
        assert_eq!(budget.wait_ms(600_000), 0, "ten minutes of silence");
    }
}
