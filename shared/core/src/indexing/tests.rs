//! From a payload to chunks with identity and metadata.

use serde_json::{Value, json};

use super::*;

fn event(data: &Value) -> WebhookEvent {
    let body = json!({
        "event": "conversation.completed", "timestamp": "2026-01-15T10:30:00Z", "conversationId": "c-1", "data": data
    });
    let received = "2026-01-15T10:31:00Z".parse().unwrap();
    WebhookEvent::parse(body.to_string().as_bytes(), received).unwrap()
}

fn settings() -> IndexSettings {
    IndexSettings {
        fields: FieldMap::default(),
        limits: ChunkLimits::new(16, 0).unwrap(),
        redaction: None,
        model: "m".to_owned(),
        categories: String::new(),
    }
}

/// White space separates tokens.
fn words(text: &str) -> Vec<Range<usize>> {
    text.split_whitespace()
        .map(|word| word.as_ptr() as usize - text.as_ptr() as usize)
        .zip(text.split_whitespace())
        .map(|(start, word)| start..start + word.len())
        .collect()
}

fn prepared(data: &Value, settings: &IndexSettings) -> PreparedConversation {
    PreparedConversation::new(&event(data), settings, words).unwrap()
}

#[test]
fn a_payload_becomes_labeled_text_with_an_id_that_a_redelivery_has_too() {
    let data =
        json!({"subject": "Refund", "transcript": {"agent": "Hello", "customer": "I want out"}});
    let first = prepared(&data, &settings());
    assert_eq!(
        first.text,
        "Agent: Hello Customer: I want out Subject: Refund"
    );
    assert_eq!(first.chunks.len(), 1);
    assert_eq!(first, prepared(&data, &settings()));
    assert_eq!(first.chunks[0].id, row_id("c-1", 0, "m"));
    assert_eq!(
        first.chunks[0].id.to_string(),
        "70156720-5a09-5ceb-ae3c-e4c1a5de628e"
    );
}

#[test]
fn ids_differ_by_conversation_index_and_model() {
    let ids = [
        row_id("a", 0, "m"),
        row_id("b", 0, "m"),
        row_id("a", 1, "m"),
        row_id("a", 0, "n"),
    ];
    assert_eq!(ids.iter().collect::<BTreeSet<_>>().len(), 4);
}

#[test]
fn the_content_hash_changes_with_the_text_and_with_every_setting() {
    let hash = |text: &str, change: fn(&mut IndexSettings)| {
        let mut settings = settings();
        change(&mut settings);
        prepared(&json!({"subject": text}), &settings).content_hash
    };
    let hashes = [
        hash("a", |_| {}),
        hash("b", |_| {}),
        hash("a", |s| s.limits = ChunkLimits::new(17, 0).unwrap()),
        hash("a", |s| s.limits = ChunkLimits::new(16, 5).unwrap()),
        hash("a", |s| s.redaction = Some(RedactionPolicy::default())),
        hash("a", |s| s.model = "n".to_owned()),
        hash("a", |s| s.categories = "x".to_owned()),
        hash("a", |s| s.fields = "subject=Topic".parse().unwrap()),
    ];
    assert_eq!(hashes.iter().collect::<BTreeSet<_>>().len(), hashes.len());
    assert_eq!(hashes[0].len(), 64);
}

#[test]
fn metadata_says_what_is_in_each_chunk() {
    let data = json!({"transcript": [
        {"speaker": "agent", "text": "one two three four five six seven eight nine x y z"},
        {"speaker": "customer", "text": "my mail is canary@example.com and card 4111111111111111 yes"},
    ]});
    let prepared = prepared(&data, &settings());
    assert_eq!(prepared.chunks.len(), 2);
    let metadata =
        |index: usize| prepared.metadata(&prepared.chunks[index], "general_inquiry", &settings());
    assert_eq!(
        serde_json::to_value(metadata(1)).unwrap(),
        json!({
            "source": "cxone_data_action",
            "conversation_id": "c-1",
            "content_length": prepared.chunk_text(&prepared.chunks[1]).chars().count(),
            "contains_pii": true,
            "pii_kinds": ["credit_card", "email"],
            "pii_redacted": false,
            "intent_category": "general_inquiry",
        })
    );
    // Counting aloud to nine is a run of digits.
    assert_eq!(
        metadata(0).pii_kinds,
        BTreeSet::from([PiiKind::SpokenDigits])
    );
}

#[test]
fn redaction_happens_before_chunking_and_keeps_the_turns() {
    let mut settings = settings();
    settings.redaction = Some(RedactionPolicy::default());
    let data = json!({"transcript": [
        {"speaker": "agent", "text": "Your card number and a mail address please, so that I can look"},
        {"speaker": "customer", "text": "4111 1111 1111 1111 and a dot b at example dot com"},
        {"speaker": "agent", "text": "Thank you"},
    ]});
    let prepared = prepared(&data, &settings);
    assert!(
        prepared
            .text
            .ends_with("Customer: [CARD] and [EMAIL] Agent: Thank you"),
        "{}",
        prepared.text
    );
    let last = prepared.chunks.last().unwrap();
    assert_eq!(
        prepared.chunk_text(last),
        "Customer: [CARD] and [EMAIL] Agent: Thank you"
    );
    let metadata = prepared.metadata(last, "x", &settings);
    assert!(metadata.contains_pii && metadata.pii_redacted);
    assert_eq!(
        metadata.pii_kinds,
        BTreeSet::from([PiiKind::CreditCard, PiiKind::Email])
    );
}

#[test]
fn a_number_that_is_given_over_several_turns_is_masked() {
    let mut settings = settings();
    settings.redaction = Some(RedactionPolicy::default());
    let data = json!({"transcript": [
        {"speaker": "agent", "text": "card number please"},
        {"speaker": "customer", "text": "4111 1111"},
        {"speaker": "agent", "text": "okay"},
        {"speaker": "customer", "text": "1111 1111"},
    ]});
    let prepared = prepared(&data, &settings);
    assert_eq!(
        prepared.text,
        "Agent: card number please Customer: [CARD] Agent: okay Customer: [CARD]"
    );
    assert!(
        prepared
            .metadata(&prepared.chunks[0], "x", &settings)
            .contains_pii
    );
}

#[test]
fn a_conversation_without_text_says_where_it_was_looked_for() {
    let error =
        PreparedConversation::new(&event(&json!({"other": "x"})), &settings(), words).unwrap_err();
    assert!(
        error
            .to_string()
            .contains("transcript.agent, transcript.customer, transcript, subject"),
        "{error}"
    );
}

#[test]
fn a_conversation_whose_text_was_removed_has_no_chunks_and_keeps_its_identity() {
    let stored = prepared(&json!({"subject": "My card was stolen"}), &settings());
    let removed = prepared(&json!({"subject": ""}), &settings());
    assert_eq!(
        (removed.conversation_id.as_str(), removed.event_time),
        (stored.conversation_id.as_str(), stored.event_time)
    );
    assert!(removed.chunks.is_empty() && removed.text.is_empty());
    assert_ne!(removed.content_hash, stored.content_hash);
    assert_ne!(removed.event_digest, stored.event_digest);
}

#[test]
fn the_digest_of_an_event_depends_on_its_data_alone() {
    let data = json!({"subject": "Call me at 555 123 4567"});
    let redacting = IndexSettings {
        redaction: Some(RedactionPolicy::default()),
        model: "another".to_owned(),
        ..settings()
    };
    let (one, two) = (prepared(&data, &settings()), prepared(&data, &redacting));
    assert_eq!(one.event_digest, two.event_digest);
    assert_ne!(one.content_hash, two.content_hash);
    assert_eq!(one.event_digest.len(), 64);
}

#[test]
fn debug_output_shows_no_text() {
    let data = json!({"subject": "canary"});
    let shown = format!(
        "{:?} {:?} {:?}",
        event(&data),
        prepared(&data, &settings()),
        settings().fields.extract_turns(&event(&data).data)
    );
    assert!(!shown.contains("canary"), "{shown}");
}
