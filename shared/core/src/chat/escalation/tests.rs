//! Triggers that are found, denied, and raised once.

use super::*;
use proptest::prelude::*;

fn severity(text: &str) -> Option<Severity> {
    EscalationDetector::default()
        .find(text)
        .map(|trigger| trigger.severity)
}

#[test]
fn the_most_severe_trigger_wins_wherever_it_stands() {
    use Severity::{Complaint, Legal, Urgent};
    let cases = [
        ("this is urgent", Urgent),
        ("I need a supervisor immediately", Complaint),
        ("this complaint goes to my lawyer, asap", Legal),
        ("My lawyer will hear about this complaint", Legal),
        ("EMERGENCY!!!", Urgent),
        ("I am not satisfied", Complaint),
        ("a complaint filed with the bank", Legal),
        ("my attorney’s letter", Legal),
        ("two lawyers and three managers", Legal),
    ];
    for (text, expected) in cases {
        assert_eq!(severity(text), Some(expected), "{text}");
    }
}

#[test]
fn words_are_matched_whole() {
    for text in [
        "the purgent resurgent",
        "illegally",
        "paralegals",
        "management",
        "pursue the refund",
        "issue",
        "thank you",
    ] {
        assert_eq!(severity(text), None, "{text}");
    }
}

#[test]
fn what_is_denied_is_no_trigger() {
    let texts = [
        "this is not a complaint",
        "it's not really a complaint",
        "It isn't urgent at all",
        "nothing urgent",
        "no complaints from me",
        "I don't want to complain",
        "I don’t need a manager",
        "no need for a lawyer",
        "without any legal stuff",
        "it's not an emergency",
        "I'm not going to file a formal complaint",
        "not that urgent",
    ];
    for text in texts {
        assert_eq!(severity(text), None, "{text}");
    }
}

#[test]
fn a_negation_of_something_else_leaves_the_trigger() {
    use Severity::{Complaint, Legal, Urgent};
    let cases = [
        ("No, this is urgent", Urgent),
        ("no this is urgent", Urgent),
        ("you have not answered my complaint", Complaint),
        ("I can't reach a manager", Complaint),
        ("I will not drop this complaint", Complaint),
        ("not only a complaint", Complaint),
        ("I'm not happy. Get me a supervisor", Complaint),
        ("why don't you answer my lawyer", Legal),
        ("it is not a joke - my attorney will call", Legal),
        ("this is not a complaint yet, but urgent", Urgent),
        ("this is not urgent but my lawyer is informed", Legal),
    ];
    for (text, expected) in cases {
        assert_eq!(severity(text), Some(expected), "{text}");
    }
}

#[test]
fn one_denied_mention_does_not_hide_another() {
    assert_eq!(
        severity("This is not a complaint. Well, it is a complaint."),
        Some(Severity::Complaint)
    );
}

#[test]
fn lists_can_be_replaced_one_by_one() {
    let lists =
        EscalationPhrases::from_json(r#"{"urgent": ["bleeding heart", "down*"], "legal": []}"#)
            .unwrap();
    let escalation = EscalationDetector::new(&lists);
    let found = |text: &str| {
        escalation
            .find(text)
            .map(|trigger| (trigger.severity, trigger.phrase))
    };
    assert_eq!(
        found("our shop is downtime"),
        Some((Severity::Urgent, "down*".to_owned()))
    );
    assert_eq!(
        found("a Bleeding  HEART"),
        Some((Severity::Urgent, "bleeding heart".to_owned()))
    );
    assert_eq!(found("this is urgent, says my lawyer"), None);
    assert_eq!(
        found("a complaint").map(|(severity, _)| severity),
        Some(Severity::Complaint)
    );
}

#[test]
fn bad_lists_are_refused_with_the_place() {
    let cases = [
        (r#"{"legall": []}"#, "legall"),
        (r#"{"urgent": "asap"}"#, "sequence"),
        (r#"{"urgent": ["asap", ""]}"#, "urgent phrase 2"),
        (r#"{"legal": ["*"]}"#, "legal phrase 1"),
        (r#"{"complaint": ["com*plain"]}"#, "misplaced"),
        ("not json", "must be a JSON object"),
    ];
    for (json, expected) in cases {
        let error = EscalationPhrases::from_json(json).unwrap_err().to_string();
        assert!(error.contains(expected), "{error} should say {expected}");
    }
}

#[test]
fn each_severity_is_raised_once_a_conversation() {
    let escalation = EscalationDetector::default();
    let mut escalated = RaisedSeverities::default();
    let texts = [
        "urgent",
        "asap please",
        "a complaint",
        "my lawyer",
        "urgent again",
        "another lawyer",
    ];
    let raised: Vec<_> = texts
        .iter()
        .filter_map(|text| escalated.raise(escalation.find(text)))
        .map(|t| t.severity)
        .collect();
    assert_eq!(
        raised,
        [Severity::Urgent, Severity::Complaint, Severity::Legal]
    );
}

#[test]
fn what_an_earlier_session_raised_is_not_raised_again() {
    let mut escalated = RaisedSeverities::default();
    escalated.mark_raised(Severity::Legal);
    assert_eq!(
        escalated.raise(EscalationDetector::default().find("my lawyer")),
        None
    );
    let stored = serde_json::to_string(&escalated).unwrap();
    assert_eq!(stored, r#"["legal"]"#);
    assert_eq!(
        serde_json::from_str::<RaisedSeverities>(&stored).unwrap(),
        escalated
    );
}

proptest! {
    #[test]
    fn no_text_makes_it_panic(text in ".{0,300}") {
        let _ = severity(&text);
    }

    #[test]
    fn a_trigger_between_other_words_is_found(before in "[b-z]{4,9}", after in "[b-z]{4,9}") {
        let text = format!("{before}x lawyer {after}");
        prop_assert_eq!(severity(&text), Some(Severity::Legal));
    }
}
