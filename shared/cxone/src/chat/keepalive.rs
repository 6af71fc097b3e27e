//! When a connection sends a ping, and when it counts as dead: a pure decision with the time passed in.

use std::time::Duration;

use tokio::time::Instant;

/// How a connection to the stream is kept alive.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct StreamTiming {
    /// Time between two pings, whatever else is sent or received. The server ends a connection after 60 s without anything
    /// from its client.
    pub ping_interval: Duration,
    /// Longest wait for anything from the server after a ping; then the connection is half open and given up.
    pub pong_timeout: Duration,
    /// Longest time that connecting may take, and that a write may be stuck before the connection is given up.
    pub io_timeout: Duration,
}

impl Default for StreamTiming {
    /// A ping every 20 s, so that two may be lost in the server's 60 s; 10 s for its answer; 10 s to connect or write.
    fn default() -> Self {
        Self {
            ping_interval: Duration::from_secs(20),
            pong_timeout: Duration::from_secs(10),
            io_timeout: Duration::from_secs(10),
        }
    }
}

/// What a connection has to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum KeepaliveAction {
    /// Wait until this instant.
    Wait(Instant),
    /// Send a ping to the server.
    Ping,
    /// Give the connection up: nothing came in time after a ping, so it is half open.
    GiveUp,
}

/// The state of a connection's pings and of their answers.
#[derive(Debug, Clone)]
pub(super) struct Keepalive {
    timing: StreamTiming,
    next_ping: Instant,
    /// When the oldest unanswered ping was sent.
    unanswered_since: Option<Instant>,
}

impl Keepalive {
    /// Builds the state of a new connection. The first ping is due at once, because its answer proves the connection healthy.
    pub(super) const fn new(timing: StreamTiming, now: Instant) -> Self {
        Self {
            timing,
            next_ping: now,
            unanswered_since: None,
        }
    }

    /// Notes that anything at all was received.
    pub(super) const fn note_received(&mut self) {
        self.unanswered_since = None;
    }

    /// Notes that a ping is being sent.
    pub(super) fn note_ping(&mut self, now: Instant) {
        self.unanswered_since = self.unanswered_since.or(Some(now));
        self.next_ping = now + self.timing.ping_interval;
    }

    /// Makes the next ping due now.
    pub(super) const fn ping_now(&mut self, now: Instant) {
        self.next_ping = now;
    }

    /// Returns what is to be done at `now`.
    pub(super) fn next_action(&self, now: Instant) -> KeepaliveAction {
        let dead = self
            .unanswered_since
            .map(|since| since + self.timing.pong_timeout);
        match dead {
            Some(dead) if dead <= now => KeepaliveAction::GiveUp,
            _ if self.next_ping <= now => KeepaliveAction::Ping,
            Some(dead) => KeepaliveAction::Wait(dead.min(self.next_ping)),
            None => KeepaliveAction::Wait(self.next_ping),
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
        let mut alive = Keepalive::new(StreamTiming::default(), now);
        assert_eq!(alive.next_action(now), KeepaliveAction::Ping);
        alive.note_ping(now);
        alive.note_received();
        assert_eq!(
            alive.next_action(now + SECOND),
            KeepaliveAction::Wait(now + 20 * SECOND)
        );
        assert_eq!(alive.next_action(now + 20 * SECOND), KeepaliveAction::Ping);
    }

    #[test]
    fn silence_after_a_ping_is_a_half_open_connection() {
        let now = Instant::now();
        let mut alive = Keepalive::new(StreamTiming::default(), now);
        alive.note_ping(now);
        assert_eq!(
            alive.next_action(now + SECOND),
            KeepaliveAction::Wait(now + 10 * SECOND)
        );
        assert_eq!(
            alive.next_action(now + 10 * SECOND),
            KeepaliveAction::GiveUp
        );
    }

    #[test]
    fn any_frame_is_an_answer() {
        let now = Instant::now();
        let mut alive = Keepalive::new(StreamTiming::default(), now);
        alive.note_ping(now);
        alive.note_received();
        assert_eq!(
            alive.next_action(now + 19 * SECOND),
            KeepaliveAction::Wait(now + 20 * SECOND)
        );
    }

    #[test]
    fn further_pings_do_not_extend_the_wait_for_the_first() {
        let now = Instant::now();
        let timing = StreamTiming {
            ping_interval: 4 * SECOND,
            ..StreamTiming::default()
        };
        let mut alive = Keepalive::new(timing, now);
        alive.note_ping(now);
        alive.note_ping(now + 4 * SECOND);
        alive.note_ping(now + 8 * SECOND);
        assert_eq!(
            alive.next_action(now + 10 * SECOND),
            KeepaliveAction::GiveUp
        );
    }
}
