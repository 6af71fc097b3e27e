//! Fuzz targets: the parsers of everything that comes from outside.
//!
//! Each target starts from good samples, changes bytes of them, and feeds the result to a parser. `cargo test` runs a fixed
//! number of inputs from a fixed seed (`BOLERO_RANDOM_SEED` in `.cargo/config.toml`); a fuzzing engine explores on:
//! `cargo install cargo-bolero && cargo bolero test -p fuzz chat_frames`.

mod mutation;
mod served;

use analytics_report::range::Period;
use cxone::chat::wire::parse_frame;
use cxone::tenant::live_voice::{CustomerMarks, ServerFrame, read_frame};
use data_action::text::interaction_text;
use insights_core::webhook::WebhookEvent;
use runtime::http::event::read_request;
use runtime::{Request, RequestExt};

use crate::mutation::{Mutation, mutate};
use crate::served::ContactCenterAnswer;

/// Number of inputs that each target is fed in `cargo test`.
const INPUTS: usize = 4_000;

/// Largest number of bytes of a text that the Data Action takes in these tests.
const MAX_BODY_BYTES: usize = 64 << 10;

/// Runs `target` on mutations of the samples.
fn fuzz(samples: &[&str], target: impl Fn(&[u8]) + std::panic::RefUnwindSafe) {
    bolero::check!()
        .with_iterations(INPUTS)
        .with_type::<Mutation>()
        .for_each(|mutation| target(&mutate(samples, mutation)));
}

#[test]
fn http_events_are_read_or_refused() {
    let samples = [
        include_str!("../../events/data-action-json.json"),
        include_str!("../../events/semantic-search-refund.json"),
    ];
    fuzz(&samples, |bytes| {
        let Ok(event) = serde_json::from_slice(bytes) else {
            return;
        };
        if let Ok(request) = read_request(event, std::time::Instant::now()) {
            // What a function asks of a request must not panic either.
            let _ = request.path_segments();
            let _ = request.query_value("q");
            let _ = request.header_text("x-api-key");
            let _ = request.media_type();
        }
    });
}

#[test]
fn chat_frames_are_read_or_skipped() {
    let samples = [
        r#"{"type":"message","conversationId":"c-1","from":{"type":"customer","id":"u-1"},"text":"I will call my lawyer","timestamp":1795690580087,"messageId":"m-1"}"#,
        r#"{"type":"routing","conversationId":"c-1","status":"assigned","timestamp":1795690580087.5}"#,
        r#"{"type":"status","conversationId":42,"status":"ended"}"#,
    ];
    fuzz(&samples, |bytes| {
        if let Ok(text) = std::str::from_utf8(bytes) {
            let _ = parse_frame(text);
        }
    });
}

#[test]
fn frames_of_live_voice_are_read_or_skipped() {
    let samples = [
        r#"{"command":"MESSAGE","headers":{},"body":{"Topic":"480000000001_transcript","BusNo":4600001,"Data":{"transcriptionEventId":"e-17","contactId":"480000000001","agentUUId":"11eb","agentId":690001,"participantId":"p-2","messageBody":"I was charged twice \ud83d","messageIsCompletedUtterance":true,"transcriptionSrNo":17,"channelTag":null,"createdtimestamp":"2026-11-20T09:59:01.220Z","words":[]}}}"#,
        r#"{"Command":"Message","Body":"{\"topic\":\"5_transcript\",\"data\":{\"MessageBody\":\"hello\",\"MessageIsCompletedUtterance\":\"True\",\"createdTimestamp\":1795168741220}}"}"#,
        r#"{"command":"ERROR","headers":{},"body":{"responseCode":"403","responseText":"no"}}"#,
        r#"{"command":"SUBSCRIBED","body":{"topic":"480000000001_transcript"}}"#,
    ];
    let marks = CustomerMarks::new(vec!["p-2".to_owned()]);
    fuzz(&samples, |bytes| {
        let Ok(text) = std::str::from_utf8(bytes) else {
            return;
        };
        if let ServerFrame::Utterance(said) = read_frame(text) {
            assert!(!said.text.trim().is_empty(), "a blank text was said");
            assert!(said.text.len() <= 32 << 10, "a text beyond the limit");
            assert!(said.contact_id.len() <= 200, "an id beyond the limit");
            let _ = marks.speaker_of(&said);
        }
    });
}

#[test]
fn webhooks_are_read_or_refused() {
    let samples = [
        r#"{"event":"conversation.completed","timestamp":"2026-01-15T10:30:00Z","conversationId":"c-1","data":{"subject":"billing","transcript":[{"speaker":"customer","text":"my bill is wrong"}],"intent":"billing","metadata":{"a":1}}}"#,
        "\u{feff}{\"event\":\"conversation.completed\",\"timestamp\":1795690580087,\"conversationId\":42,\"data\":{}}",
    ];
    let received = jiff::Timestamp::UNIX_EPOCH;
    fuzz(&samples, |bytes| {
        let _ = WebhookEvent::parse(bytes, received);
    });
}

#[test]
fn bodies_of_the_data_action_are_read_or_refused() {
    let samples = [
        r#"{"interaction_text":"I am furious \ud83d"}"#,
        "interaction_text=I+am+furious%21+caf%C3%A9&x=1",
    ];
    for media_type in ["application/json", "application/x-www-form-urlencoded"] {
        fuzz(&samples, |bytes| {
            let request: Request = http::Request::post("/data-actions/sentiment")
                .header("content-type", media_type)
                .body(bytes.to_vec().into())
                .expect("a valid request");
            if let Ok(text) = interaction_text(&request, MAX_BODY_BYTES) {
                assert!(!text.trim().is_empty(), "a blank text counts as a text");
            }
        });
    }
}

#[test]
fn live_transcripts_are_read_or_refused() {
    let samples = [
        r#"[{"text":"hello","startTime":1795690580087,"endTime":1795690581087.5,"direction":"customer","isFinal":true},null,{"text":"bye","startTime":1,"endTime":2,"direction":"agent","isFinal":false}]"#,
        "[]",
    ];
    let center = ContactCenterAnswer::new();
    fuzz(&samples, |bytes| {
        if let Ok(transcript) = center.read_live_transcript(bytes) {
            for segment in transcript.segments {
                assert!(segment.text.len() <= 32 << 10, "a text beyond the limit");
            }
        }
    });
}

#[test]
fn pages_of_conversations_and_their_transcripts_are_read_or_refused() {
    let samples = [
        r#"{"data":[{"conversationId":"c-1","start_time":"2026-01-15T10:30:00Z","duration":61.5,"disposition":"Resolved"},{"conversationId":7,"start_time":1793610000}],"nextLink":null}"#,
        r#"[{"text":"hello","author":{"type":"agent"},"timestamp":"2026-01-15T10:30:00Z"},{"text":"ok","author":{"type":"customer"},"timestamp":1795690580087}]"#,
    ];
    let center = ContactCenterAnswer::new();
    fuzz(&samples, |bytes| {
        let _ = center.read_page(bytes);
        let _ = center.read_transcript(bytes);
    });
}

#[test]
fn token_answers_are_read_or_refused() {
    let samples = [
        r#"{"access_token":"abc","token_type":"bearer","expires_in":3600}"#,
        r#"{"access_token":"abc","expires_in":"3600"}"#,
    ];
    let center = ContactCenterAnswer::new();
    fuzz(&samples, |bytes| {
        let _ = center.read_token(bytes);
    });
}

#[test]
fn report_ranges_are_read_or_refused() {
    let samples = ["2026-11-02T09:00:00", "2026-11-02", "2026-11-02 09:00Z"];
    fuzz(&samples, |bytes| {
        if let Ok(text) = std::str::from_utf8(bytes) {
            let _ = Period::between(text, "2026-11-03");
            let _ = Period::between("2026-11-01", text);
        }
    });
}
