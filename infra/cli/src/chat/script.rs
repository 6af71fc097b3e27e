//! The chats that the simulator plays in a local run.

use cxone_simulator::Scenario;
use cxone_simulator::chat::{ChatSettings, Line, ScriptedChat};

/// Number of scripted chats.
pub(crate) const SCRIPTED_CHATS: usize = 3;

/// Returns a scenario of three chats: a refund that turns into a legal matter, a router that gets repaired, and a question
/// about an invoice. `speed` is the factor by which the pauses are shortened.
pub(crate) fn scenario(speed: f64) -> Scenario {
    let chat = |id: &str, lines: &[(&str, u64, &str)]| chat(id, lines, speed);
    let conversations = vec![
        chat(
            "chat-refund",
            &[
                (
                    "customer",
                    300,
                    "Hello, you charged me twice for the same order.",
                ),
                (
                    "agent",
                    1500,
                    "I am sorry to hear that. May I have the order number?",
                ),
                (
                    "customer",
                    1200,
                    "It's 48213. I've been waiting for two weeks now.",
                ),
                ("agent", 1600, "Thank you. I can see both payments."),
                (
                    "customer",
                    900,
                    "This is not a complaint yet, but it is urgent!",
                ),
                (
                    "agent",
                    1500,
                    "I understand. The refund takes five more days.",
                ),
                (
                    "customer",
                    800,
                    "Five days? That is ridiculous. I want to speak to a manager.",
                ),
                (
                    "customer",
                    1100,
                    "Otherwise my lawyer will take care of it.",
                ),
                (
                    "agent",
                    1500,
                    "I have refunded it just now, and my manager will call you.",
                ),
                ("customer", 1200, "Finally. Thank you."),
            ],
        ),
        chat(
            "chat-router",
            &[
                ("customer", 700, "My internet is down again."),
                (
                    "agent",
                    1400,
                    "Let me check the line. Please restart the router.",
                ),
                ("customer", 2600, "Done. Still not working."),
                (
                    "agent",
                    1500,
                    "I have reset the port, please try once more.",
                ),
                (
                    "customer",
                    2400,
                    "It works now, great! You were very helpful.",
                ),
            ],
        ),
        chat(
            "chat-invoice",
            &[
                ("customer", 2000, "Where do I find my invoice?"),
                ("agent", 1800, "In your account under Documents."),
                ("customer", 1500, "Found it, thanks!"),
            ],
        ),
    ];
    let settings = ChatSettings {
        conversations,
        ..ChatSettings::default()
    };
    Scenario {
        chat: settings,
        ..Scenario::default()
    }
}

fn chat(id: &str, lines: &[(&str, u64, &str)], speed: f64) -> ScriptedChat {
    let lines = lines
        .iter()
        .map(|&(from, after_ms, text)| Line {
            after_ms: (after_ms as f64 / speed) as u64,
            from: from.to_owned(),
            text: text.to_owned(),
        })
        .collect();
    ScriptedChat {
        id: id.to_owned(),
        lines,
        transcript: true,
        ends: true,
    }
}
