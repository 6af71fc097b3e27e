//! The moment at which an invocation hands its sessions over.
//!
//! Sessions of one agent that failed, or that started later than the others, are taken by another invocation. If each invocation handed
//! over a fixed time after its own start, these fragments would never come together again, and each would cost a function that runs
//! around the clock. All invocations therefore hand over at the same moments: at multiples of a period since 1970. The invocation
//! that the schedule starts next takes the agents of all of them.

use std::time::Duration;

/// The period is a multiple of this, so that invocations that have a few seconds more or less use the same period.
const STEP: Duration = Duration::from_secs(60);
/// An invocation with fewer of these steps hands over when its time is over: there is nothing to gain from coming together.
const FEWEST_STEPS: u32 = 2;

/// Returns how long an invocation works its sessions before it hands them over.
///
/// `now_ms` is the time in milliseconds since the epoch, and `remaining` the time that is left until the last moment for the hand-over.
/// The result is at most `remaining`, and ends at the last common boundary before that.
#[must_use]
pub fn time_to_handover(now_ms: i64, remaining: Duration) -> Duration {
    let steps = u32::try_from(remaining.as_secs() / STEP.as_secs()).unwrap_or(u32::MAX);
    if steps < FEWEST_STEPS {
        return remaining;
    }
    let Some(period) = STEP.checked_mul(steps) else {
        return remaining;
    };
    let now = Duration::from_millis(u64::try_from(now_ms).unwrap_or(0));
    let latest = (now + remaining).as_millis();
    // The last boundary is less than a period before the latest moment, and a period is at most what remains: it is not past.
    let beyond_boundary = u64::try_from(latest % period.as_millis()).unwrap_or(0);
    remaining.saturating_sub(Duration::from_millis(beyond_boundary))
}

#[cfg(test)]
mod tests {
    use std::collections::{BTreeMap, BTreeSet};

    use super::*;

    /// 15 minutes less the margin for the hand-over and for the reply.
    const REMAINING: Duration = Duration::from_millis(809_900);

    #[test]
    fn a_short_invocation_uses_all_of_its_time() {
        let remaining = Duration::from_secs(119);
        assert_eq!(time_to_handover(1_700_000_000_123, remaining), remaining);
        assert_eq!(time_to_handover(0, Duration::ZERO), Duration::ZERO);
    }

    #[test]
    fn every_invocation_hands_over_at_a_common_boundary_in_its_time() {
        let period_ms = 13 * 60_000;
        for start_ms in (1_700_000_000_000_i64..).step_by(7_777).take(500) {
            let until = time_to_handover(start_ms, REMAINING);
            let end_ms = start_ms + i64::try_from(until.as_millis()).unwrap();
            assert_eq!(end_ms % period_ms, 0);
            assert!(until <= REMAINING && until + Duration::from_secs(780) > REMAINING);
        }
    }

    /// Plays the schedule minute by minute: each invocation takes all agents that nobody works, and returns how many invocations work
    /// at the end.
    fn invocations_after(minutes: i64, failures: &BTreeMap<i64, &str>) -> usize {
        let schedule_ms = |minute: i64| 1_700_000_017_000 + minute * 60_000;
        let mut worked: BTreeMap<&str, (i64, i64)> = BTreeMap::new();
        for minute in 0..minutes {
            let now_ms = schedule_ms(minute);
            if let Some(agent) = failures.get(&minute) {
                worked.remove(agent);
            }
            worked.retain(|_, (_, until_ms)| *until_ms > now_ms);
            let until = time_to_handover(now_ms, REMAINING);
            let until_ms = now_ms + i64::try_from(until.as_millis()).unwrap();
            for agent in ["a", "b", "c", "d", "e", "f"] {
                worked.entry(agent).or_insert((minute, until_ms));
            }
        }
        let working: BTreeSet<i64> = worked.values().map(|(started, _)| *started).collect();
        working.len()
    }

    #[test]
    fn agents_whose_sessions_failed_come_together_again() {
        let failures: BTreeMap<i64, &str> =
            [(20, "a"), (23, "b"), (25, "c"), (26, "d"), (31, "b")].into();
        assert!(
            invocations_after(32, &failures) > 1,
            "they are spread at first"
        );
        assert_eq!(invocations_after(32 + 2 * 14, &failures), 1);
        assert_eq!(invocations_after(1000, &failures), 1);
    }
}
