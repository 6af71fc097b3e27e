//! The frames of the notification socket.
//!
//! Names of members are found in any letter case: the outer ones of a message are written `LikeThis`, the inner ones `likeThis`, and
//! which of them a tenant writes in which way is not published.

use jiff::Timestamp;
use secrecy::{ExposeSecret, SecretString};
use serde_json::{Value, json};

use crate::conversations::parse_instant;
use crate::tenant::scalars::{Flag, Text};

/// Longest text of an utterance in bytes. Speech recognition ends one at a pause, long before this.
const MAX_TEXT_BYTES: usize = 32 << 10;

/// Longest mark of a channel or a participant in bytes.
const MAX_MARK_BYTES: usize = 200;

/// What the topic of a contact's transcript ends with.
const TRANSCRIPT: &str = "_transcript";

/// What a frame from the server says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ServerFrame {
    /// The token was accepted.
    Connected,
    /// The transcript of a contact comes from now on; of which one, where the frame says so.
    Subscribed(Option<String>),
    /// The transcript of a contact does not come any more.
    Unsubscribed,
    /// A heartbeat was heard.
    HeartbeatAcknowledged,
    /// What was asked for last is refused, with a code that is that of HTTP where it is known.
    Refused(Option<u16>),
    /// Somebody has said something to its end.
    Utterance(Utterance),
    /// The frame is of no interest: somebody is still speaking, or it is about something else.
    Other,
    /// The frame should have said something and cannot be read.
    Unreadable,
}

/// Something that was said to its end. `Debug` leaves the text out.
#[derive(Clone, PartialEq, Eq, Default)]
pub struct Utterance {
    /// The id of the contact in which it was said.
    pub contact_id: String,
    /// The id of the utterance.
    pub event_id: Option<String>,
    /// The number of the utterance among those of its participant; numbers may be left out.
    pub serial: Option<String>,
    /// The id of who said it.
    pub participant: Option<String>,
    /// The name of the channel on which it was said.
    pub channel: Option<String>,
    /// The ids of the contact's agent.
    pub agents: Vec<String>,
    /// The words that were said.
    pub text: String,
    /// When it was said, where the frame has a readable time.
    pub at: Option<Timestamp>,
}

impl std::fmt::Debug for Utterance {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Utterance")
            .field("contact_id", &self.contact_id)
            .field("event_id", &self.event_id)
            .field("serial", &self.serial)
            .field("at", &self.at)
            .finish_non_exhaustive()
    }
}

/// Reads a frame from the server: a JSON object, or one as the text of a JSON string.
#[must_use]
pub fn read_frame(text: &str) -> ServerFrame {
    let Some(frame) = object_of(insights_core::lenient_json::from_str(text).unwrap_or_default())
    else {
        return ServerFrame::Unreadable;
    };
    let command = text_of(&frame, "command").unwrap_or_default();
    let body = member(&frame, "body").clone();
    match command.to_ascii_uppercase().as_str() {
        "CONNECTED" => ServerFrame::Connected,
        "SUBSCRIBED" => {
            let topic = object_of(body).and_then(|body| text_of(&body, "topic"));
            ServerFrame::Subscribed(topic.and_then(|topic| contact_of(&topic)))
        }
        "UNSUBSCRIBED" => ServerFrame::Unsubscribed,
        "HEARTBEAT_ACK" => ServerFrame::HeartbeatAcknowledged,
        "ERROR" => {
            let code = object_of(body).and_then(|body| text_of(&body, "responseCode"));
            ServerFrame::Refused(code.and_then(|code| code.parse().ok()))
        }
        "MESSAGE" => object_of(body).map_or(ServerFrame::Unreadable, |body| read_message(&body)),
        "" => ServerFrame::Unreadable,
        _ => ServerFrame::Other,
    }
}

/// Reads the body of a message. Only an utterance that is complete says something: others are its beginnings.
fn read_message(body: &Value) -> ServerFrame {
    let topic = text_of(body, "Topic");
    let of_topic = topic.as_deref().and_then(contact_of);
    if topic.is_some() && of_topic.is_none() {
        return ServerFrame::Other;
    }
    let Some(data) = object_of(member(body, "Data").clone()) else {
        return ServerFrame::Unreadable;
    };
    let complete = member(&data, "messageIsCompletedUtterance").clone();
    if !serde_json::from_value(complete).is_ok_and(|Flag(is_complete)| is_complete) {
        return ServerFrame::Other;
    }
    let raw_text: Option<Text> = serde_json::from_value(member(&data, "messageBody").clone()).ok();
    let text = raw_text.and_then(Text::into_raw).unwrap_or_default();
    if text.len() > MAX_TEXT_BYTES {
        return ServerFrame::Unreadable;
    }
    if text.trim().is_empty() {
        return ServerFrame::Other;
    }
    let Some(contact_id) = of_topic.or_else(|| id_of(&data, "contactId")) else {
        return ServerFrame::Unreadable;
    };
    let mark = |name| text_of(&data, name).filter(|mark| mark.len() <= MAX_MARK_BYTES);
    let agents = ["agentId", "agentUUId"].into_iter().filter_map(mark);
    ServerFrame::Utterance(Utterance {
        contact_id,
        event_id: mark("transcriptionEventId"),
        serial: mark("transcriptionSrNo"),
        participant: mark("participantId"),
        channel: mark("channelTag"),
        agents: agents.filter(|agent| agent != "0").collect(),
        text: text.trim().to_owned(),
        at: parse_instant(member(&data, "createdtimestamp")),
    })
}

/// Returns the contact whose transcript a topic is; `None` for another topic.
fn contact_of(topic: &str) -> Option<String> {
    let text = Value::String(topic.strip_suffix(TRANSCRIPT)?.to_owned());
    let id: Text = serde_json::from_value(text).ok()?;
    id.into_plain_id()
}

/// Returns an object, or the one that a text holds.
fn object_of(value: Value) -> Option<Value> {
    let value = match &value {
        Value::String(inner) => insights_core::lenient_json::from_str(inner).unwrap_or_default(),
        _ => value,
    };
    value.is_object().then_some(value)
}

/// Returns a member of an object by its name in any letter case; null where there is none.
fn member<'a>(object: &'a Value, name: &str) -> &'a Value {
    const MISSING: &Value = &Value::Null;
    let Value::Object(members) = object else {
        return MISSING;
    };
    let in_other_case = || {
        let mut members = members.iter();
        members.find(|(key, _)| key.eq_ignore_ascii_case(name))
    };
    let exact = members.get(name);
    exact
        .or_else(|| in_other_case().map(|(_, value)| value))
        .unwrap_or(MISSING)
}

fn text_of(object: &Value, name: &str) -> Option<String> {
    let text: Text = serde_json::from_value(member(object, name).clone()).ok()?;
    text.into_text()
}

fn id_of(object: &Value, name: &str) -> Option<String> {
    let text: Text = serde_json::from_value(member(object, name).clone()).ok()?;
    text.into_plain_id()
}

/// Returns the frame that connects with a token.
pub(super) fn connect(token: &SecretString) -> String {
    with_token("CONNECT", token, &json!({}))
}

/// Returns the frame that asks for the transcript of a contact.
pub(super) fn subscribe(token: &SecretString, contact_id: &str) -> String {
    with_token("SUBSCRIBE", token, &topic_of(contact_id))
}

/// Returns the frame that asks for no more of a contact.
pub(super) fn unsubscribe(token: &SecretString, contact_id: &str) -> String {
    with_token("UNSUBSCRIBE", token, &topic_of(contact_id))
}

/// Returns the frame that shows that the client is there. It needs no token.
pub(super) fn heartbeat() -> String {
    json!({"command": "HEARTBEAT", "headers": {"sessionToken": ""}, "body": {}}).to_string()
}

fn topic_of(contact_id: &str) -> Value {
    json!({"topic": format!("{contact_id}{TRANSCRIPT}")})
}

fn with_token(command: &str, token: &SecretString, body: &Value) -> String {
    let headers = json!({"sessionToken": token.expose_secret()});
    json!({"command": command, "headers": headers, "body": body}).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The message of the socket as the agent's application receives it, with other members of its data.
    fn message(changes: &[(&str, Value)]) -> String {
        let mut data = json!({
            "transcriptionEventId": "e-17", "contactId": "480000000001", "busNo": 4_600_001, "tenantId": "11eb",
            "agentUUId": "11eb-agent", "agentId": 690_001, "masterId": "480000000001", "participantId": "p-2",
            "messageBody": "I was charged twice.", "messageIsCompletedUtterance": true,
            "messageMetaData": {"completeUtterance": true}, "transcriptionSrNo": 17, "languageCode": "en-US",
            "channelTag": null, "createdtimestamp": "2026-11-20T09:59:01.220Z", "audioProcessed": "4100", "words": [],
        });
        for (name, value) in changes {
            data[*name] = value.clone();
        }
        let body = json!({"Topic": "480000000001_transcript", "VendorList": [], "BusNo": 4_600_001, "Data": data});
        json!({"command": "MESSAGE", "headers": {}, "body": body}).to_string()
    }

    fn utterance(text: &str) -> Utterance {
        match read_frame(text) {
            ServerFrame::Utterance(utterance) => utterance,
            other => panic!("{other:?} for {text}"),
        }
    }

    #[test]
    fn a_complete_utterance_is_read_with_all_that_tells_who_said_it() {
        let said = utterance(&message(&[]));
        assert_eq!(said.contact_id, "480000000001");
        assert_eq!(said.text, "I was charged twice.");
        assert_eq!(
            (said.event_id.as_deref(), said.serial.as_deref()),
            (Some("e-17"), Some("17"))
        );
        assert_eq!(
            (said.participant.as_deref(), &said.channel),
            (Some("p-2"), &None)
        );
        assert_eq!(said.agents, ["690001", "11eb-agent"]);
        assert_eq!(said.at, "2026-11-20T09:59:01.220Z".parse().ok());
        assert!(!format!("{said:?}").contains("charged"), "a text in Debug");
    }

    #[test]
    fn scalars_may_be_texts_or_numbers_and_names_in_any_case() {
        let expected = utterance(&message(&[]));
        let as_texts = message(&[
            ("messageIsCompletedUtterance", json!("True")),
            ("transcriptionSrNo", json!("17")),
            ("agentId", json!("690001")),
            ("contactId", json!(480_000_000_001_i64)),
            ("createdtimestamp", json!("1795168741220")),
        ]);
        assert_eq!(utterance(&as_texts), expected);
        assert_eq!(
            utterance(&message(&[(
                "createdtimestamp",
                json!(1_795_168_741_220_i64)
            )])),
            expected
        );
        for (name, other) in [
            ("Topic", "topic"),
            ("Data", "data"),
            ("command", "Command"),
            ("MESSAGE", "message"),
            ("messageBody", "MessageBody"),
            ("messageIsCompletedUtterance", "MessageIsCompletedUtterance"),
            ("createdtimestamp", "createdTimestamp"),
            ("transcriptionSrNo", "TranscriptionSrNo"),
        ] {
            let quoted = |name: &str| format!("\"{name}\"");
            let changed = message(&[]).replace(&quoted(name), &quoted(other));
            assert_eq!(utterance(&changed), expected, "{other}");
        }
        assert_eq!(
            utterance(&Value::String(message(&[])).to_string()),
            expected
        );
    }

    #[test]
    fn only_what_was_said_to_its_end_is_an_utterance() {
        for changes in [
            [("messageIsCompletedUtterance", json!(false))],
            [("messageIsCompletedUtterance", json!("false"))],
            [("messageIsCompletedUtterance", json!(null))],
            [("messageBody", json!("  "))],
            [("messageBody", json!(null))],
        ] {
            assert_eq!(
                read_frame(&message(&changes)),
                ServerFrame::Other,
                "{changes:?}"
            );
        }
        let long = message(&[("messageBody", json!("a".repeat(40_000)))]);
        assert_eq!(read_frame(&long), ServerFrame::Unreadable);
        let of_copilot = message(&[]).replace("480000000001_transcript", "690001_agentcopilot");
        assert_eq!(read_frame(&of_copilot), ServerFrame::Other);
    }

    #[test]
    fn an_utterance_without_id_or_time_is_still_one() {
        let said = utterance(&message(&[
            ("transcriptionEventId", json!(null)),
            ("transcriptionSrNo", json!({})),
            ("participantId", json!([])),
            ("agentId", json!(0)),
            ("createdtimestamp", json!("a while ago")),
        ]));
        assert_eq!(
            (said.event_id, said.serial, said.participant, said.at),
            (None, None, None, None)
        );
        assert_eq!(said.agents, ["11eb-agent"]);
        let without_topic = message(&[]).replace("\"Topic\"", "\"Other\"");
        assert_eq!(utterance(&without_topic).contact_id, "480000000001");
    }

    #[test]
    fn answers_are_told_apart_and_the_text_of_a_refusal_is_not_kept() {
        for (frame, expected) in [
            (
                r#"{"command":"CONNECTED","headers":{"connectionId":"c"}}"#,
                ServerFrame::Connected,
            ),
            (r#"{"command":"SUBSCRIBED"}"#, ServerFrame::Subscribed(None)),
            (
                r#"{"command":"SUBSCRIBED","body":{"topic":"5_transcript"}}"#,
                ServerFrame::Subscribed(Some("5".to_owned())),
            ),
            (
                r#"{"command":"heartbeat_ack","body":null}"#,
                ServerFrame::HeartbeatAcknowledged,
            ),
            (
                r#"{"command":"ERROR","body":{"responseCode":"403","responseText":"token x"}}"#,
                ServerFrame::Refused(Some(403)),
            ),
            (
                r#"{"command":"ERROR","body":{"responseCode":403.0}}"#,
                ServerFrame::Refused(Some(403)),
            ),
            (
                r#"{"command":"ERROR","body":"no"}"#,
                ServerFrame::Refused(None),
            ),
            (r#"{"command":"UNSUBSCRIBED"}"#, ServerFrame::Unsubscribed),
            (r#"{"command":"RECONNECT"}"#, ServerFrame::Other),
            (r#"{"command":"MESSAGE","body":7}"#, ServerFrame::Unreadable),
            (
                r#"{"command":"MESSAGE","body":{"Topic":"5_transcript"}}"#,
                ServerFrame::Unreadable,
            ),
            ("{}", ServerFrame::Unreadable),
            ("pong", ServerFrame::Unreadable),
            ("", ServerFrame::Unreadable),
        ] {
            assert_eq!(read_frame(frame), expected, "{frame}");
        }
    }
}
