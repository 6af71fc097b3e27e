//! Which conversations follow from segments, digital contacts and ended contacts.

use super::*;

fn at(minute: i64) -> Option<Timestamp> {
    Timestamp::from_second(1_795_000_000 + minute * 60).ok()
}

fn segment(id: &str, contact: &str, minute: i64) -> Segment {
    Segment {
        id: id.to_owned(),
        contact_id: contact.to_owned(),
        media_type: None,
        started_at: at(minute),
        ended_at: at(minute + 5),
        first_analyzed_at: at(minute + 30),
        published_at: None,
        disposition_code: None,
        customer_sentiment: None,
    }
}

fn digital(id: &str, minute: i64) -> DigitalContact {
    DigitalContact {
        id: id.to_owned(),
        status: "closed".to_owned(),
        created_at: at(minute),
        status_updated_at: at(minute + 9),
        ..DigitalContact::default()
    }
}

fn contact(
    id: &str,
    master: Option<&str>,
    minute: i64,
    disposition: Option<&str>,
) -> CompletedContact {
    CompletedContact {
        id: id.to_owned(),
        master_id: master.map(str::to_owned),
        started_at: at(minute),
        duration_seconds: Some(60.0),
        disposition_id: disposition.map(str::to_owned),
        ..CompletedContact::default()
    }
}

fn known(contacts: Vec<CompletedContact>) -> KnownContacts {
    KnownContacts {
        contacts: contacts.into_iter().map(|it| (it.id.clone(), it)).collect(),
        dispositions: [("7".to_owned(), "Refund granted".to_owned())].into(),
    }
}

fn part_ids(conversation: &Conversation) -> Vec<&str> {
    conversation
        .parts
        .iter()
        .map(|part| part.id.as_str())
        .collect()
}

#[test]
fn a_transferred_call_is_one_conversation_with_the_last_disposition() {
    let known = known(vec![
        contact("1", None, 0, Some("9")),
        contact("2", Some("1"), 6, Some("7")),
    ]);
    let found = assemble(
        &known,
        MediaTypes::default(),
        vec![segment("s2", "2", 6), segment("s1", "1", 1)],
        Vec::new(),
        &[],
    );
    assert_eq!(found.len(), 1);
    assert_eq!(
        (found[0].conversation_id.as_str(), part_ids(&found[0])),
        ("1", vec!["s1", "s2"])
    );
    assert_eq!(found[0].disposition, "Refund granted");
    assert_eq!(found[0].start_time, at(0).expect("a moment").to_string());
    assert_eq!(found[0].duration_seconds, Some(120.0));
}

#[test]
fn a_segment_without_its_contact_is_a_conversation_of_its_own() {
    let found = assemble(
        &known(Vec::new()),
        MediaTypes::default(),
        vec![segment("s1", "1", 1), segment("s2", "2", 2)],
        Vec::new(),
        &[],
    );
    let ids: Vec<_> = found.iter().map(|it| it.conversation_id.as_str()).collect();
    assert_eq!(ids, ["1", "2"]);
    assert_eq!(
        (found[0].duration_seconds, found[0].disposition.as_str()),
        (Some(300.0), "unknown")
    );
}

#[test]
fn the_text_of_a_digital_contact_is_taken_once() {
    let found = assemble(
        &known(vec![
            contact("1", None, 0, None),
            contact("2", Some("1"), 9, None),
        ]),
        MediaTypes::default(),
        vec![
            segment("chat", "1", 0),
            segment("call", "2", 9),
            segment("call", "2", 9),
        ],
        vec![digital("1", 0), digital("1", 0)],
        &[],
    );
    assert_eq!(found.len(), 1);
    assert_eq!(
        part_ids(&found[0]),
        ["1", "call"],
        "an elevated chat keeps its call"
    );
}

#[test]
fn an_ended_contact_without_a_text_is_a_conversation_without_parts() {
    let abandoned = CompletedContact {
        is_abandoned: true,
        ..contact("3", None, 0, None)
    };
    let found = assemble(
        &known(vec![abandoned]),
        MediaTypes::default(),
        Vec::new(),
        Vec::new(),
        &["3".to_owned()],
    );
    assert_eq!(
        (found[0].parts.len(), found[0].disposition.as_str()),
        (0, "abandoned")
    );
}

#[test]
fn a_disposition_without_a_name_keeps_its_id() {
    let found = assemble(
        &known(vec![contact("3", None, 0, Some("12"))]),
        MediaTypes::default(),
        Vec::new(),
        Vec::new(),
        &["3".to_owned()],
    );
    assert_eq!(found[0].disposition, "12");
}

#[test]
fn a_segment_of_a_digital_contact_tells_only_that_it_has_ended() {
    let chat = CompletedContact {
        is_digital: true,
        ..contact("5", None, 0, None)
    };
    let both = || {
        assemble(
            &known(vec![chat.clone()]),
            MediaTypes::default(),
            vec![segment("s5", "5", 0)],
            Vec::new(),
            &[],
        )
    };
    assert_eq!(part_ids(&both()[0]), ["5"]);
    assert_eq!(both()[0].parts[0].kind, PartKind::Digital);
    let with_row = assemble(
        &known(vec![chat.clone()]),
        MediaTypes::default(),
        vec![segment("s5", "5", 0)],
        vec![digital("5", 0)],
        &["5".to_owned()],
    );
    assert_eq!(part_ids(&with_row[0]), ["5"]);
    assert_eq!(
        with_row[0].parts[0].published_at,
        at(30),
        "the later publication counts"
    );
    let voice_alone = MediaTypes {
        voice: true,
        digital: false,
    };
    let analyzed = assemble(
        &known(vec![chat]),
        voice_alone,
        vec![segment("s5", "5", 0)],
        Vec::new(),
        &[],
    );
    assert_eq!(part_ids(&analyzed[0]), ["s5"]);
}
