//! Triggers that are found, denied, and raised once.

use super::built_in::BUILT_IN;
use super::*;
use crate::phrases::{RuleSet, Words};
use proptest::prelude::*;

fn severity(text: &str) -> Option<Severity> {
    EscalationDetector::default()
        .find(text)
        .map(|trigger| trigger.severity)
}

#[test]
fn each_rule_holds_for_its_examples_and_for_none_that_differ() {
    let mut wrong = Vec::new();
    for rule in BUILT_IN.file().rules() {
        assert!(
            rule.examples.matching.len() > 1 && rule.examples.differ.len() > 1,
            "{}",
            rule.id
        );
        let compiled = BUILT_IN.file().compile(rule).unwrap();
        let set = RuleSet::new(BUILT_IN.file(), vec![compiled]);
        let examples = [
            (&rule.examples.matching, true),
            (&rule.examples.differ, false),
        ];
        for (texts, expected) in examples {
            for text in texts {
                if set.find_first(&Words::new(text)).is_some() != expected {
                    wrong.push(format!("{}: {text:?} should {expected}", rule.id));
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn the_rules_of_the_file_have_names_of_their_own_and_every_severity() {
    let mut names: Vec<&str> = BUILT_IN
        .file()
        .rules()
        .iter()
        .map(|rule| rule.id.as_str())
        .collect();
    let count = names.len();
    names.sort_unstable();
    names.dedup();
    assert_eq!(names.len(), count);
    for severity in Severity::ALL {
        assert!(BUILT_IN.rules_of(severity).count() > 0, "{severity}");
    }
}

#[test]
fn what_customers_write_is_judged_as_a_supervisor_would() {
    let cases = include_str!("variants.tsv")
        .lines()
        .map(|line| line.split_once('\t').unwrap());
    let mut wrong = Vec::new();
    for (expected, text) in cases {
        let found = severity(text).map_or("-", Severity::name);
        if found != expected {
            wrong.push(format!("{text:?}: {found} instead of {expected}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn what_is_written_with_emphasis_or_by_phone_is_read() {
    use Severity::{Complaint, Legal, Urgent};
    for (text, expected) in [
        ("this is _urgent_", Urgent),
        ("**urgent**", Urgent),
        ("A.S.A.P.", Urgent),
        ("This is urgent.Please call", Urgent),
        ("It’s URGENT😡", Urgent),
        ("I’m taking you to court", Legal),
        ("I don‘t accept this, I want your manager", Complaint),
        ("my lawyer\u{fffd}", Legal),
    ] {
        assert_eq!(severity(text), Some(expected), "{text}");
    }
}

#[test]
fn a_trigger_reports_the_rule_and_not_the_text() {
    let trigger = EscalationDetector::default()
        .find("my laywer knows")
        .unwrap();
    assert_eq!(trigger.phrase, "lawyer");
}

#[test]
fn configured_phrases_are_denied_like_the_built_in_rules() {
    let lists = EscalationPhrases::from_json(r#"{"urgent": ["outage", "line down*"]}"#).unwrap();
    let detector = EscalationDetector::new(&lists);
    for (text, expected) in [
        ("we have an outage", true),
        ("this is not an outage", false),
        ("no outage here", false),
        ("I don't want an outage", false),
        ("why is this not an outage", true),
        ("our line downs", true),
        ("the OUTAGE’s cause", true),
        ("outages", false),
    ] {
        assert_eq!(detector.find(text).is_some(), expected, "{text}");
    }
}

#[test]
fn a_thousand_configured_phrases_are_found_and_denied() {
    let mut phrases: Vec<String> = (0..999).map(|n| format!("outage of region{n}")).collect();
    phrases.push("3,50 extra fee*".to_owned());
    let json = serde_json::json!({ "urgent": phrases }).to_string();
    let lists = EscalationPhrases::from_json(&json).unwrap();
    let detector = EscalationDetector::new(&lists);
    let trigger = detector
        .find("there is an outage of region997 now")
        .unwrap();
    assert_eq!(trigger.phrase, "outage of region997");
    assert_eq!(detector.find("this is not an outage of region12"), None);
    assert_eq!(detector.find("outage of region"), None);
    assert!(detector.find("a 3,50 extra fees").is_some());
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

#[test]
fn rules_and_signals_complete_each_other_as_the_setting_says() {
    use super::EscalationSource::{Both, Rules, Signals as SignalsAlone};
    use crate::signals::{Signal, Signals};

    let detector = EscalationDetector::default();
    let signals = |signals: &[Signal]| signals.iter().copied().collect::<Signals>();
    let find = |source, text: &str, found: &[Signal]| {
        let trigger = detector.find_by(source, text, signals(found))?;
        Some((trigger.severity, trigger.phrase))
    };
    let by_signal = |severity, name: &str| Some((severity, format!("signal {name}")));
    let quiet = "so who do I speak to above you";
    assert_eq!(find(Both, quiet, &[]), None);
    let manager = [Signal::Manager, Signal::Vulnerable];
    assert_eq!(
        find(Both, quiet, &manager),
        by_signal(Severity::Complaint, "manager")
    );
    assert_eq!(
        find(SignalsAlone, quiet, &manager),
        by_signal(Severity::Complaint, "manager")
    );
    assert_eq!(find(Rules, quiet, &manager), None);
    // leaving and being vulnerable escalate nothing
    assert_eq!(
        find(Both, quiet, &[Signal::Churn, Signal::Vulnerable]),
        None
    );
    let urgent = "this is urgent";
    assert_eq!(
        find(Both, urgent, &[Signal::Legal]),
        by_signal(Severity::Legal, "legal")
    );
    assert_eq!(find(SignalsAlone, urgent, &[]), None);
    let by_rule = find(Rules, urgent, &[]).expect("a rule");
    assert_eq!(by_rule.0, Severity::Urgent);
    assert_eq!(
        find(Both, urgent, &[Signal::Urgent]),
        Some(by_rule),
        "the rule is named"
    );
    // what the rules take back is none, whatever the model says
    for (text, signal) in [
        ("my wife Sue will pick it up", Signal::Legal),
        ("Thanks Sue, that fixed it!", Signal::Legal),
        ("can you change the legal name on my account", Signal::Legal),
        ("this is not a complaint", Signal::Manager),
        ("non urgent: can you update my address", Signal::Urgent),
    ] {
        assert_eq!(find(Both, text, &[signal]), None, "{text}");
    }
    let missed = find(Both, "no manager has called me back", &[]).expect("a rule");
    assert_eq!(missed.0, Severity::Complaint);
}
