//! When a connection pings, and when it counts as dead: a decision over passed-in time.

use std::time::Duration;

use tokio::time::Instant;

/// How a connection is kept alive.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Timing {
    /// A ping is sent this long after the last one, whatever else comes: the server ends a connection after 60 s without
    /// anything from this side.
    pub ping_every: Duration,
    /// A connection on which nothing has come for this long after a ping is half open: given up.
    pub pong_within: Duration,
    /// How long connecting may take, and how long a write may be stuck before the connection is given up.
    pub patience: Duration,
}

impl Default for Timing {
    /// A ping every 20 s, so that two may be lost in the server's 60 s; 10 s for its answer; 10 s of patience.
    fn default() -> Self {
        Self {
            ping_every: Duration::from_secs(20),
            pong_within: Duration::from_secs(10),
            patience: Duration::from_secs(10),
        }
    }
}

/// What is due.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Due {
    /// Nothing until then.
    Nothing(Instant),
    /// A ping.
    Ping,
    /// Nothing was heard in time after a ping: the connection is half open.
    GiveUp,
}

/// The state of a connection's pings.
#[derive(Debug, Clone)]
pub(super) struct Keepalive {
    timing: Timing,
    next_ping: Instant,
    /// When the oldest unanswered ping was sent.
    asked: Option<Instant>,
}

impl Keepalive {
    /// The first ping is due at once: its answer proves the connection healthy.
    pub(super) const fn new(timing: Timing, now: Instant) -> Self {
        Self {
            timing,
            next_ping: now,
            asked: None,
        }
    }

    /// Anything at all came.
    pub(super) const fn heard(&mut self) {
        self.asked = None;
    }

    /// A ping goes out.
    pub(super) fn pinged(&mut self, now: Instant) {
        self.asked = self.asked.or(Some(now));
        self.next_ping = now + self.timing.ping_every;
    }

    /// The next ping is due now.
    pub(super) const fn ask(&mut self, now: Instant) {
        self.next_ping = now;
    }

    /// What is due at `now`.
    pub(super) fn due(&self, now: Instant) -> Due {
        let dead = self.asked.map(|asked| asked + self.timing.pong_within);
        match dead {
            Some(dead) if dead <= now => Due::GiveUp,
            _ if self.next_ping <= now => Due::Ping,
            Some(dead) => Due::Nothing(dead.min(self.next_ping)),
            None => Due::Nothing(self.next_ping),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    #[test]
    fn pings_go_out_at_once_and_then_every_interval() {
        let now = Instant::now();
        let mut alive = Keepalive::new(Timing::default(), now);
        assert_eq!(alive.due(now), Due::Ping);
        alive.pinged(now);
        alive.heard();
        assert_eq!(alive.due(now + SECOND), Due::Nothing(now + 20 * SECOND));
        assert_eq!(alive.due(now + 20 * SECOND), Due::Ping);
    }

    #[test]
    fn silence_after_a_ping_is_a_half_open_connection() {
        let now = Instant::now();
        let mut alive = Keepalive::new(Timing::default(), now);
        alive.pinged(now);
        assert_eq!(alive.due(now + SECOND), Due::Nothing(now + 10 * SECOND));
        assert_eq!(alive.due(now + 10 * SECOND), Due::GiveUp);
    }

    #[test]
    fn any_frame_is_an_answer() {
        let now = Instant::now();
        let mut alive = Keepalive::new(Timing::default(), now);
        alive.pinged(now);
        alive.heard();
        assert_eq!(
            alive.due(now + 19 * SECOND),
            Due::Nothing(now + 20 * SECOND)
        );
    }

    #[test]
    fn further_pings_do_not_extend_the_wait_for_the_first() {
        let now = Instant::now();
        let timing = Timing {
            ping_every: 4 * SECOND,
            ..Timing::default()
        };
        let mut alive = Keepalive::new(timing, now);
        alive.pinged(now);
        alive.pinged(now + 4 * SECOND);
        alive.pinged(now + 8 * SECOND);
        assert_eq!(alive.due(now + 10 * SECOND), Due::GiveUp);
    }
}
