//! Generates conversations. The same seed and day give the same conversations, word for word.

use jiff::{SignedDuration, Timestamp};
use rand::rngs::StdRng;
use rand::seq::IndexedRandom;
use rand::{Rng, SeedableRng};

use super::model::{Author, Fixed, Line};
use super::phrases::{EMPATHY, FAREWELLS, GREETINGS, OPENINGS, REACTIONS, THEMES, Theme, closing};

/// Dispositions, each with its percentage of conversations and with three equally likely moods of the customer at the end.
/// A mood is an index into the phrases, from happy (0) to angry (2).
const DISPOSITIONS: [(&str, u32, [usize; 3]); 7] = [
    ("resolved", 60, [0, 0, 1]),
    ("escalated", 12, [2, 2, 1]),
    ("callback", 11, [0, 1, 2]),
    ("abandoned", 8, [2, 1, 2]),
    ("unknown", 4, [0, 1, 2]),
    ("transferred", 4, [1, 1, 2]),
    ("", 1, [1, 1, 1]),
];

/// Opening hours in seconds of the day: 07:30 to 20:30.
const OPENING_HOURS: (i64, i64) = (27_000, 73_800);

/// Returns the random number generator of a conversation.
fn random(seed: u64, day: i64, index: u32) -> StdRng {
    let mixed = seed
        ^ (day as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15)
        ^ u64::from(index).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    StdRng::seed_from_u64(mixed)
}

/// Returns the number of conversations of a day: `per_day` from Monday to Friday, a third of that at the weekend.
pub(super) fn count(per_day: u32, day: i64) -> u32 {
    // 1 January 1970 was a Thursday.
    let weekend = matches!((day + 3).rem_euclid(7), 5 | 6);
    if weekend {
        per_day.div_ceil(3)
    } else {
        per_day
    }
}

/// Returns the `index`-th conversation of a day (days since 1970), with its lines.
pub(super) fn conversation(seed: u64, day: i64, index: u32) -> Fixed {
    let mut random = random(seed, day, index);
    let second = day * 86_400 + random.random_range(OPENING_HOURS.0..OPENING_HOURS.1);
    let start = Timestamp::from_second(second).unwrap_or_default();
    let roll = random.random_range(0..100);
    let mut below = 0;
    let (disposition, _, moods) = DISPOSITIONS
        .into_iter()
        .find(|(_, percent, _)| {
            below += percent;
            roll < below
        })
        .unwrap_or(DISPOSITIONS[0]);
    let mood = moods.choose(&mut random).copied().unwrap_or(1);
    let theme = THEMES.choose(&mut random).unwrap_or(&THEMES[0]);
    let mut dialogue = Dialogue {
        lines: Vec::new(),
        clock: start,
        random,
    };
    dialogue.play(theme, disposition, mood);
    let duration = dialogue.clock.duration_since(start).as_secs();
    Fixed {
        conversation_id: id(day, index, dialogue.random.random()),
        start_time: start.to_string(),
        duration: duration.unsigned_abs(),
        disposition: disposition.to_owned(),
        lines: Some(dialogue.lines),
    }
}

/// Returns an id that looks random and encodes day and index.
fn id(day: i64, index: u32, noise: u64) -> String {
    format!(
        "{day:08x}-{:04x}-4{:03x}-8{:03x}-{:012x}",
        index,
        noise >> 52,
        (noise >> 40) & 0xfff,
        noise & 0xffff_ffff_ffff
    )
}

/// Returns the day and index that an id encodes.
pub(super) fn day_and_index(id: &str) -> Option<(i64, u32)> {
    let mut parts = id.split('-');
    let day = i64::from_str_radix(parts.next()?, 16).ok()?;
    let index = u32::from_str_radix(parts.next()?, 16).ok()?;
    Some((day, index))
}

struct Dialogue {
    lines: Vec<Line>,
    clock: Timestamp,
    random: StdRng,
}

impl Dialogue {
    fn play(&mut self, theme: &Theme, disposition: &str, mood: usize) {
        use Author::{Agent, Customer, System};
        self.say(System, &["Contact connected"]);
        self.say(Agent, GREETINGS);
        // Most people start in a neutral mood, however the conversation ends.
        let opening = if self.random.random_bool(0.4) {
            mood
        } else {
            1
        };
        self.say(Customer, OPENINGS[opening]);
        self.say(Customer, theme.problems);
        if disposition == "abandoned" && self.random.random_bool(0.5) {
            self.say(Customer, REACTIONS[mood]);
            self.say(System, &["Customer disconnected"]);
            return;
        }
        self.say(Agent, EMPATHY);
        self.say(Agent, theme.steps);
        self.say(Customer, theme.details);
        for _ in 0..self.random.random_range(0..4) {
            self.say(Agent, theme.steps);
            if self.random.random_bool(0.25) {
                self.hold();
            }
            let reaction = if self.random.random_bool(0.6) {
                mood
            } else {
                1
            };
            self.say(Customer, REACTIONS[reaction]);
        }
        self.say(Agent, closing(disposition));
        self.say(Customer, FAREWELLS[mood]);
        self.say(System, &["Contact ended"]);
    }

    fn say(&mut self, author: Author, choices: &[&str]) {
        let text = choices
            .choose(&mut self.random)
            .copied()
            .unwrap_or_default();
        self.lines.push(Line {
            author,
            text: text.to_owned(),
            timestamp: Some(self.clock.to_string()),
        });
        let spoken = text.split(' ').count() as i64 * 400;
        let pause = self.random.random_range(300..4_000);
        self.clock += SignedDuration::from_millis(spoken + pause);
    }

    fn hold(&mut self) {
        let seconds = self.random.random_range(20..120);
        self.clock += SignedDuration::from_secs(seconds);
    }
}
