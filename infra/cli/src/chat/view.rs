//! Prints the events of a chat session for a terminal, or as JSON lines.

use std::collections::{HashMap, VecDeque};
use std::time::Duration;

use chat_session::session::Update;
use insights_core::chat::message::{Identity, Message};
use insights_core::pii::{ConversationRedactor, ConversationTurn, RedactionPolicy, SpeakerRole};
use insights_core::unscored::Unscored;
use jiff::Timestamp;
use jiff::tz::TimeZone;
use serde_json::{Value, json};
use tokio::sync::mpsc;
use tokio::time::Instant;

/// How long the printing of a message is delayed for the model's score.
const SCORE_WAIT: Duration = Duration::from_millis(250);

/// The masks of what is shown, conversation by conversation.
struct ShownTexts {
    policy: Option<RedactionPolicy>,
    redactors: HashMap<String, (ConversationRedactor, u64)>,
}

impl ShownTexts {
    fn new(policy: Option<RedactionPolicy>) -> Self {
        Self {
            policy,
            redactors: HashMap::new(),
        }
    }

    /// Returns the text of a message as it is shown. What was shown before a later message makes it personal data stays shown.
    fn of(&mut self, message: &Message) -> String {
        let Some(policy) = &self.policy else {
            return message.text.clone();
        };
        let (redactor, turns) = self
            .redactors
            .entry(message.conversation_id.clone())
            .or_insert_with(|| (ConversationRedactor::new(*policy), 0));
        *turns += 1;
        let turn = ConversationTurn {
            id: *turns,
            role: SpeakerRole::from_label(&message.from.kind),
            at_ms: Some(message.timestamp_ms),
            text: &message.text,
        };
        let findings = redactor.push(&turn).findings;
        policy.mask_findings(&message.text, &findings).0
    }

    fn forget(&mut self, conversation: &str) {
        self.redactors.remove(conversation);
    }
}

/// A message whose printing may wait for the model's score.
struct PendingMessage {
    identity: Identity,
    until: Instant,
    message: Message,
    shown: Value,
}

/// Prints updates until the session ends, with personal data masked if a policy says so. With a model, each message waits a moment for the model's score.
pub(crate) async fn show_updates(
    mut updates: mpsc::Receiver<Update>,
    as_json: bool,
    has_model: bool,
    policy: Option<RedactionPolicy>,
) {
    let mut texts = ShownTexts::new(policy);
    let mut held: VecDeque<PendingMessage> = VecDeque::new();
    loop {
        let due = held.front().map(|line| line.until);
        let update = tokio::select! {
            update = updates.recv() => update,
            () = async { match due { Some(due) => tokio::time::sleep_until(due).await, None => std::future::pending().await } } => {
                if let Some(line) = held.pop_front() {
                    print_message(&line, as_json);
                }
                continue;
            }
        };
        let Some(update) = update else { break };
        match update {
            Update::Message {
                message,
                via,
                lexicon,
                latency,
                escalation,
            } => {
                let shown = json!({
                    "event": "message",
                    "conversationId": message.conversation_id,
                    "from": message.from,
                    "text": texts.of(&message),
                    "timestamp": message.timestamp_ms,
                    "via": via,
                    "lexicon_score": lexicon.score.to_four_decimals(),
                    "latency_ms": latency.map(|latency| latency.duration.as_millis() as u64),
                    "sla_breach": latency.is_some_and(|latency| latency.breached),
                    "escalation": escalation.map(|trigger| json!({"severity": trigger.severity, "trigger": trigger.phrase})),
                });
                let hold = if has_model {
                    SCORE_WAIT
                } else {
                    Duration::ZERO
                };
                held.push_back(PendingMessage {
                    identity: message.identity(),
                    until: Instant::now() + hold,
                    message,
                    shown,
                });
            }
            Update::Scored {
                identity,
                sentiment,
                ..
            } => {
                if let Some(line) = held.iter_mut().find(|line| line.identity == identity) {
                    line.shown["model_score"] = json!(sentiment.score.to_four_decimals());
                    line.shown["signals"] = json!(sentiment.signals);
                    if sentiment.unscored == Some(Unscored::OtherLanguage) {
                        line.shown["language"] = json!(sentiment.language);
                    }
                    line.until = Instant::now();
                }
            }
            other => {
                if let Update::Archived {
                    conversation_id, ..
                } = &other
                {
                    texts.forget(conversation_id);
                }
                held.drain(..)
                    .for_each(|line| print_message(&line, as_json));
                print_event(&other, as_json);
            }
        }
    }
    held.iter().for_each(|line| print_message(line, as_json));
}

fn print_message(line: &PendingMessage, as_json: bool) {
    if as_json {
        println!("{}", line.shown);
        return;
    }
    let number = |field: &str| line.shown[field].as_f64();
    let score = |field: &str| {
        number(field).map_or_else(
            || "  - ".to_owned(),
            insights_core::scale::format_short_score,
        )
    };
    let latency = number("latency_ms").map_or_else(String::new, |ms| format!("{ms:.0} ms"));
    let late = if line.shown["sla_breach"] == true {
        " LATE"
    } else {
        ""
    };
    let escalation = match (
        &line.shown["escalation"]["severity"],
        &line.shown["escalation"]["trigger"],
    ) {
        (Value::String(severity), Value::String(trigger)) => {
            format!("  << {} ({trigger})", severity.to_uppercase())
        }
        _ => String::new(),
    };
    println!(
        "{}  {:<16} {:<9} {} {}  {:>7}{late}  {}{escalation}",
        format_time(line.message.timestamp_ms),
        printable(&line.message.conversation_id),
        printable(&line.message.from.kind),
        score("lexicon_score"),
        score("model_score"),
        latency,
        printable(&line.message.text),
    );
}

fn print_event(update: &Update, as_json: bool) {
    let (object, words) = match update {
        Update::Connected => (
            json!({"event": "connected"}),
            "-- connected; time, conversation, sender, lexicon and model score, latency, text"
                .to_owned(),
        ),
        Update::Disconnected { reason, wait_ms } => (
            json!({"event": "disconnected", "reason": reason, "wait_ms": wait_ms}),
            format!(
                "-- disconnected: {reason}; connecting again in {:.1} s",
                *wait_ms as f64 / 1000.0
            ),
        ),
        Update::Assigned { conversation_id } => (
            json!({"event": "assigned", "conversationId": conversation_id}),
            format!("-- {} is followed from now on", printable(conversation_id)),
        ),
        Update::Ended { conversation_id } => (
            json!({"event": "conversation_ended", "conversationId": conversation_id}),
            format!("-- {} has ended", printable(conversation_id)),
        ),
        Update::Archived {
            conversation_id,
            messages,
        } => (
            json!({"event": "archived", "conversationId": conversation_id, "messages": messages}),
            format!(
                "-- {} archived, {messages} messages",
                printable(conversation_id)
            ),
        ),
        Update::Escalated {
            conversation_id,
            trigger,
        } => (
            json!({"event": "escalated", "conversationId": conversation_id, "severity": trigger.severity, "trigger": trigger.phrase}),
            format!(
                "-- {} escalates: {}, by {}",
                printable(conversation_id),
                trigger.severity,
                printable(&trigger.phrase)
            ),
        ),
        Update::RuleHits {
            conversation_id,
            hits,
        } => {
            let rules: Vec<_> = hits.iter().map(|hit| hit.rule.as_str()).collect();
            (
                json!({"event": "rules_hold", "conversationId": conversation_id, "hits": hits}),
                format!(
                    "-- {} has hits of rules: {}",
                    printable(conversation_id),
                    printable(&rules.join(", "))
                ),
            )
        }
        Update::Message { .. } | Update::Scored { .. } | Update::UnknownRules { .. } => return,
    };
    if as_json {
        println!("{object}");
    } else {
        println!("{words}");
    }
}

/// Formats a timestamp as a time of day in the time zone of this machine.
fn format_time(timestamp_ms: i64) -> String {
    let time = Timestamp::from_millisecond(timestamp_ms).unwrap_or_default();
    time.to_zoned(TimeZone::system())
        .strftime("%H:%M:%S")
        .to_string()
}

/// Returns the text with blanks instead of control characters, so that it cannot move the cursor or change colors.
pub(crate) fn printable(text: &str) -> String {
    text.chars()
        .map(|c| if c.is_control() { ' ' } else { c })
        .collect()
}

#[cfg(test)]
mod tests {
    use insights_core::chat::message::Sender;

    use super::*;

    #[test]
    fn what_customers_write_cannot_drive_the_terminal() {
        assert_eq!(printable("a\u{1b}[2Jb\r\nc\u{9b}d"), "a [2Jb  c d");
        assert_eq!(printable("Grüße 😡"), "Grüße 😡");
    }

    fn message(conversation: &str, kind: &str, text: &str, timestamp_ms: i64) -> Message {
        Message {
            conversation_id: conversation.to_owned(),
            from: Sender {
                kind: kind.to_owned(),
                id: "u-1".to_owned(),
            },
            text: text.to_owned(),
            timestamp_ms,
        }
    }

    #[test]
    fn a_number_in_pieces_is_masked_in_each_conversation_by_itself() {
        let said = [
            message("c-1", "agent", "card number please", 1_000),
            message("c-2", "customer", "I ordered 4111 of them", 2_000),
            message("c-1", "customer", "4111 1111", 3_000),
        ];
        let mut masked = ShownTexts::new(Some(RedactionPolicy::default()));
        let shown: Vec<String> = said.iter().map(|message| masked.of(message)).collect();
        assert_eq!(
            shown,
            ["card number please", "I ordered 4111 of them", "[CARD]"]
        );
        let mut whole = ShownTexts::new(None);
        assert_eq!(whole.of(&said[2]), "4111 1111");
    }
}
