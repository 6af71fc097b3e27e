//! Scripted calls for a person to watch.

use super::script::{Call, Line};

const BAD: [(&str, &str); 12] = [
    (
        "agent",
        "Good morning, thank you for calling, how can I help you?",
    ),
    (
        "customer",
        "Hi, thanks. I'd like to know where my order is, please.",
    ),
    ("agent", "Of course, I'll be glad to look that up for you."),
    ("customer", "It should have been here on Monday."),
    (
        "agent",
        "It seems the parcel has gone back to the warehouse.",
    ),
    (
        "customer",
        "Again? That is the second time this month, that's really annoying.",
    ),
    ("customer", "And you charged me twice for it as well."),
    ("agent", "I can only open another ticket for that."),
    (
        "customer",
        "This is ridiculous, nobody ever calls me back about these tickets.",
    ),
    (
        "customer",
        "I am furious, this is the worst service I have ever had, I want my money back now.",
    ),
    (
        "agent",
        "I am so sorry. I am refunding both charges right now and sending a new one by courier today.",
    ),
    (
        "customer",
        "Oh. Well, thank you, that really helps, I appreciate it.",
    ),
];

const GOOD: [(&str, &str); 6] = [
    (
        "agent",
        "Hello, you are speaking with support, what can I do for you?",
    ),
    (
        "customer",
        "My router keeps losing the connection since yesterday.",
    ),
    (
        "agent",
        "Let us restart it together; please hold the button for five seconds.",
    ),
    ("customer", "Okay, it is blinking now. It says connected."),
    (
        "customer",
        "Great, it works again, that was quick, thank you so much!",
    ),
    ("agent", "Wonderful, have a lovely day!"),
];

/// Returns the calls `demo-bad`, in which a customer loses patience and is won back, and `demo-good`. The calls start when
/// their transcripts are first requested. At `speed` 1 there is an utterance every 3 seconds.
#[must_use]
pub fn demo_calls(speed: f64) -> Vec<Call> {
    let call = |id: &str, said: &[(&str, &str)]| {
        let ms = |scripted: i64| (scripted as f64 / speed) as i64;
        let line = |(place, (who, text)): (i64, &(&str, &str))| Line {
            duration_ms: ms(2400),
            final_after_ms: ms(300),
            // The contact center's API sometimes returns a segment twice.
            repeats: place % 4 == 1,
            ..Line::said(who, ms(500 + 3000 * place), text)
        };
        Call {
            waits: true,
            ..Call::new(id, (0..).zip(said).map(line).collect())
        }
    };
    vec![call("demo-bad", &BAD), call("demo-good", &GOOD)]
}
