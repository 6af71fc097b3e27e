//! Which faults a run has, and when: drawn from the seed before the run begins.

use rand::Rng;
use rand::rngs::StdRng;

/// What a request is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Target {
    /// The token endpoint of the contact center.
    Token,
    /// The transcript of a live call.
    Transcript,
    /// The attributes of an interaction.
    Attributes,
    /// The suggestions to agents.
    Suggestions,
    /// The service that scores texts.
    Scoring,
    /// The state store of the product.
    State,
    /// The stream of an agent's chats.
    Stream,
    /// The transcript of a chat.
    ChatTranscript,
    /// The presence and the availability of an agent.
    Presence,
    /// The receiver of notifications.
    Webhook,
    /// The object store of the product.
    Objects,
    /// The queue of conversations.
    Queue,
    /// The vector store of the product.
    Vectors,
    /// The service that embeds texts.
    Embedding,
}

/// How a target fails.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// The server answers with this status.
    Status(u16),
    /// The server answers 429; `Some` carries the seconds of its `Retry-After`.
    RateLimited(Option<u32>),
    /// No connection is made.
    Refused,
    /// Nothing is answered, and nothing is done.
    Hang,
    /// The request is carried out, and its answer never arrives.
    LostAnswer,
    /// The answer comes after this many milliseconds.
    Slow(u32),
    /// The answer is not JSON.
    NotJson,
    /// The answer is JSON of another shape.
    WrongShape,
}

impl Fault {
    /// Returns whether a request that meets the fault is carried out.
    #[must_use]
    pub const fn is_carried_out(self) -> bool {
        matches!(self, Self::LostAnswer | Self::Slow(_))
    }

    /// Returns whether a request that meets the fault is carried out and answered.
    #[must_use]
    pub const fn is_answered(self) -> bool {
        matches!(self, Self::Slow(_))
    }
}

/// A fault of one target for some time.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct FaultWindow {
    /// Which requests meet the fault.
    pub target: Target,
    /// How these requests fail.
    pub fault: Fault,
    /// When it begins, in milliseconds of the run.
    pub from_ms: u64,
    /// When it is over, in milliseconds of the run.
    pub until_ms: u64,
    /// Share of the requests that meet the fault.
    pub share: f64,
}

/// All faults of a run.
#[derive(Debug, Clone, Default)]
pub struct FaultPlan {
    /// The windows, in no order.
    pub windows: Vec<FaultWindow>,
    /// Share of all requests whose answer is lost at any time.
    pub lost_share: f64,
    /// When processes die, in milliseconds of the run.
    pub crashes_ms: Vec<u64>,
}

impl FaultPlan {
    /// Draws the faults of a run, each of one of the targets. After `until_ms` everything is healthy.
    #[must_use]
    pub fn draw(random: &mut StdRng, until_ms: u64, targets: &[Target]) -> Self {
        let windows = (0..random.random_range(0..=4))
            .map(|_| {
                let target = targets[random.random_range(0..targets.len())];
                draw_window(random, until_ms, target)
            })
            .collect();
        let crashes_ms = (0..random.random_range(0..=3))
            .map(|_| random.random_range(0..until_ms))
            .collect();
        Self {
            windows,
            lost_share: *[0.0, 0.0, 0.01, 0.05]
                .get(random.random_range(0..4))
                .unwrap_or(&0.0),
            crashes_ms,
        }
    }

    /// Returns the fault that a request to `target` meets at this moment.
    #[must_use]
    pub fn fault(
        &self,
        target: Target,
        at_ms: u64,
        until_ms: u64,
        random: &mut StdRng,
    ) -> Option<Fault> {
        let is_lost = |random: &mut StdRng| at_ms < until_ms && random.random_bool(self.lost_share);
        self.fault_of_window(target, at_ms, random)
            .or_else(|| is_lost(random).then_some(Fault::LostAnswer))
    }

    /// Returns the fault of a window that something with `target` meets at this moment.
    #[must_use]
    pub fn fault_of_window(
        &self,
        target: Target,
        at_ms: u64,
        random: &mut StdRng,
    ) -> Option<Fault> {
        let mut windows = self.windows.iter();
        let met = windows.find(|window| {
            window.target == target
                && (window.from_ms..window.until_ms).contains(&at_ms)
                && random.random_bool(window.share)
        });
        met.map(|window| window.fault)
    }

    /// Returns whether nothing fails in the run.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.windows.is_empty() && self.lost_share == 0.0 && self.crashes_ms.is_empty()
    }

    /// Returns whether `target` has any window of faults that touches the time from `from_ms` to `until_ms`.
    #[must_use]
    pub fn touches(&self, target: Target, from_ms: u64, until_ms: u64) -> bool {
        self.windows.iter().any(|window| {
            window.target == target && window.from_ms < until_ms && from_ms < window.until_ms
        })
    }
}

/// Draws how far the wall clock of a process is ahead of the true time, in milliseconds: most clocks are right to some milliseconds,
/// some are off by less than the safety margin of a lease, and a few are off by seconds.
#[must_use]
pub fn draw_skew(random: &mut StdRng) -> i64 {
    match random.random_range(0..10) {
        0..5 => random.random_range(-5..=5),
        5..8 => random.random_range(-400..=400),
        _ => random.random_range(-5000..=5000),
    }
}

fn draw_window(random: &mut StdRng, until_ms: u64, target: Target) -> FaultWindow {
    let fault = match random.random_range(0..10) {
        0 => Fault::Status(500),
        1 | 2 => Fault::Status(503),
        // A transcript that is not there (404) is that of a call in which nothing was said yet, so it is no fault of it.
        3 if matches!(target, Target::Transcript | Target::ChatTranscript) => Fault::Status(503),
        // A service that embeds is out of reach, and refuses no text.
        3 if target == Target::Embedding => Fault::Status(503),
        3 if target == Target::Token => Fault::Status([401, 403, 404][random.random_range(0..3)]),
        3 => Fault::Status(if random.random_bool(0.5) { 403 } else { 404 }),
        4 => Fault::RateLimited([None, Some(0), Some(1), Some(5)][random.random_range(0..4)]),
        5 => Fault::Refused,
        6 => Fault::Hang,
        7 => Fault::LostAnswer,
        8 => Fault::Slow(random.random_range(500..9000)),
        // A receiver of notifications that answers 200 has them, whatever else it says.
        _ if target == Target::Webhook => Fault::Status(502),
        // The answer to a send has no shape of its own, so that none is wrong.
        _ if matches!(
            target,
            Target::Attributes | Target::Suggestions | Target::Presence
        ) || random.random_bool(0.5) =>
        {
            Fault::NotJson
        }
        _ => Fault::WrongShape,
    };
    let from_ms = random.random_range(0..until_ms);
    let length_ms = if random.random_bool(0.2) {
        until_ms
    } else {
        random.random_range(500..40_000)
    };
    FaultWindow {
        target,
        fault,
        from_ms,
        until_ms: (from_ms + length_ms).min(until_ms),
        share: if random.random_bool(0.7) {
            1.0
        } else {
            random.random_range(0.1..1.0)
        },
    }
}
