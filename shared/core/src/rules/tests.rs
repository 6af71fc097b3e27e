//! Rules that are read, refused, and answered; the built-in file against the policy of suggestions.

use proptest::prelude::*;

use super::*;
use crate::live::alert_replay::replay_alerts;
use crate::live::{LiveSettings, ScoredSegment, Segment, Speaker};
use crate::scale::Score;

fn rule(when: &str) -> RuleFile {
    match RuleFile::from_toml(&format!("[[rule]]\nid = \"r\"\nwhen = {when}\n")) {
        Ok(file) => file,
        Err(error) => panic!("{error}"),
    }
}

fn dialogue(text: &str) -> Dialogue {
    example_dialogue(text, Speaker::Customer)
}

/// Returns the second of the first hit and the answer at the end.
fn answer(when: &str, text: &str) -> (Option<i64>, Truth) {
    let evaluation = rule(when).evaluate(&dialogue(text));
    let second = evaluation.hits.first().map(|hit| hit.at / 1000);
    (second, evaluation.answer("r").unwrap())
}

fn fault(text: &str) -> String {
    RuleFile::from_toml(text).unwrap_err().to_string()
}

#[test]
fn the_built_in_rules_match_their_examples() {
    RuleFile::from_toml(RuleFile::BUILT_IN).unwrap();
    assert_eq!(RuleFile::built_in().rules().len(), 6);
}

#[test]
fn the_example_of_the_documentation_is_a_rule_file() {
    let page = include_str!("../../../../docs/rules.md");
    let example = page
        .split("```toml\n")
        .nth(1)
        .unwrap()
        .split("```")
        .next()
        .unwrap();
    let file = RuleFile::from_toml(example).unwrap_or_else(|error| panic!("{error}"));
    assert_eq!(file.rules().len(), 6);
}

#[test]
fn faults_name_the_place_what_was_found_and_what_is_allowed() {
    for (text, expected) in [
        (
            "",
            "line 1, column 1: found no rule; allowed: at least one [[rule]]",
        ),
        (
            "[[rules]]",
            "line 1, column 3: found the key `rules`; allowed: rule, parts, real_words",
        ),
        (
            "[[rule]]\nid = 7",
            "line 2, column 6: found 7; allowed: id = ",
        ),
        (
            "[[rule]]\nid = \"a\"",
            "rule a: found a rule without `when`",
        ),
        (
            "[[rule]]\nid = \"a\"\nwhen = 3",
            "line 3, column 8: rule a: found 3; allowed: a condition",
        ),
        (
            "[[rule]]\nid = \"a\"\nwhen = { said = [] }",
            "found an empty list; allowed: a list of phrases",
        ),
        (
            "[[rule]]\nid = \"a\"\nwhen = { said = [\"x\", \"(y\"] }",
            "line 3, column 23: rule a: found the phrase \"(y\": a bracket",
        ),
        (
            "[[rule]]\nid = \"a\"\nwhen = { said = [\"x\"], by = \"bot\" }",
            "column 29: rule a: found \"bot\"; allowed: \"agent\", \"customer\"",
        ),
        (
            "[[rule]]\nid = \"a\"\nwhen = { said = [\"x\"], within = \"first minute\" }",
            "found \"first minute\"; allowed: \"first 60s\"",
        ),
        (
            "[[rule]]\nid = \"a\"\nwhen = { silence = \"20s\" }",
            "found \"20s\"; allowed: a comparison like \"> 20s\"",
        ),
        (
            "[[rule]]\nid = \"a\"\nwhen = { silence = \"< 20s\" }",
            "found \"< 20s\"; allowed: a comparison like \"> 20s\"",
        ),
        (
            "[[rule]]\nid = \"a\"\nwhen = { average = \"< 3\" }",
            "allowed: a comparison like \"< 0.3\", with a number from 0 to 1",
        ),
        (
            "[[rule]]\nid = \"a\"\nwhen = { said = [\"x\"], silence = \"> 2s\" }",
            "found both `said` and `silence`",
        ),
        (
            "[[rule]]\nid = \"a\"\nwhen = { said = [\"{x}\"] }",
            "found the part {x}; allowed: the names of [parts]",
        ),
        (
            "[[rule]]\nid = \"a\"\nwhen = { signal = \"rain\" }",
            "found \"rain\"; allowed: legal, manager",
        ),
        (
            "[[rule]]\nid = \"a\"\nwhen = { talk_share = \"> 0.5\" }",
            "found a `talk_share` without `by`",
        ),
        (
            "[[rule]]\nid = \"a\"\nwhen = { count = { said = [\"x\"] } }",
            "found a count without `is`",
        ),
        (
            "[[rule]]\nid = \"a\"\nwhen = { sequence = [{ not_said = [\"x\"] }] }",
            "found `not_said`; allowed: something that happens",
        ),
        (
            "[[rule]]\nid = \"a\"\nseverity = \"bad\"\nwhen = { said = [\"x\"] }",
            "found \"bad\"; allowed: \"info\", \"warn\" or \"severe\"",
        ),
        (
            "[[rule]]\nid = \"a\"\nwhen = { said = [\"x\"] }\n[[rule]]\nid = \"a\"\nwhen = { said = [\"x\"] }",
            "line 5, column 6: found the id \"a\" a second time",
        ),
        (
            "[[rule]]\nid = \"a\"\nwhen = { said = [\"x\"]\n",
            "found no TOML",
        ),
        (
            "[[rule]]\nid = \"a\"\nwhen = { said = [\"help\"] }\nexamples = { match = [\"nothing\"] }",
            "line 4, column 23: rule a: found \"nothing\", for which the rule is false; allowed: an example that the rule matches",
        ),
        (
            "[[rule]]\nid = \"a\"\nwhen = { said = [\"help\"] }\nexamples = { differ = [\"help me\"] }",
            "for which the rule is true; allowed: an example that the rule does not match",
        ),
    ] {
        let found = fault(text);
        assert!(
            found.contains(expected),
            "{text}\n{found}\nshould say {expected}"
        );
    }
}

#[test]
fn several_faults_are_named_at_once() {
    let found = fault("[[rule]]\nid = \"a\"\nwhen = 1\n[[rule]]\nid = \"b\"\nwhen = 2\n");
    assert_eq!(found.lines().count(), 2, "{found}");
}

#[test]
fn depth_and_size_have_limits() {
    let mut deep = "{ said = [\"x\"] }".to_owned();
    for _ in 0..12 {
        deep = format!("{{ not = {deep} }}");
    }
    assert!(fault(&format!("[[rule]]\nid = \"a\"\nwhen = {deep}")).contains("nested deeper"));
    assert!(fault(&"#".repeat(MAX_FILE_BYTES + 1)).contains("bytes"));
}

#[test]
fn what_is_said_is_found_with_alternatives_distance_and_exceptions() {
    let cancel = r#"{ said = ["cancel * (account|contract)"], by = "customer", near = 4, unless = ["not cancel"] }"#;
    assert_eq!(
        answer(cancel, "please cancel my very old contract").1,
        Truth::True
    );
    assert_eq!(
        answer(cancel, "I do not cancel my contract").1,
        Truth::False
    );
    assert_eq!(
        answer(cancel, "agent: you can cancel the contract").1,
        Truth::False
    );
}

#[test]
fn what_is_not_said_is_true_when_its_window_ends() {
    let notice =
        r#"{ not_said = ["call (is|may be) recorded"], by = "agent", within = "first 60s" }"#;
    assert_eq!(
        answer(notice, "agent: hello\n(70s)\ncustomer: hi").0,
        Some(60)
    );
    let said = "agent: this call may be recorded\n(70s)\ncustomer: hi";
    assert_eq!(answer(notice, said), (None, Truth::False));
    // The call ends before the window does.
    assert_eq!(
        answer(notice, "agent: hello\n(20s)\ncustomer: bye").1,
        Truth::True
    );
    let late = "agent: hello\n(70s)\nagent: this call is recorded";
    assert_eq!(answer(notice, late).0, Some(60));
}

#[test]
fn a_gap_in_the_window_makes_the_answer_unknown() {
    let file = rule(r#"{ not_said = ["recorded line"], by = "agent", within = "first 60s" }"#);
    let mut call = dialogue("agent: hello\n(90s)\ncustomer: hi");
    call.gaps = vec![(30_000, 31_000)];
    let evaluation = file.evaluate(&call);
    assert_eq!(
        (evaluation.hits.len(), evaluation.answer("r")),
        (0, Some(Truth::Unknown))
    );
    call.gaps = vec![(61_000, 70_000)];
    assert_eq!(
        file.evaluate(&call).answer("r"),
        Some(Truth::True),
        "the gap is outside"
    );
}

#[test]
fn a_sequence_waits_for_what_should_follow() {
    let rule = r#"{ sequence = [{ said = ["cancel"], by = "customer" }, { not_said = ["offer you"], by = "agent", within = "30s after" }] }"#;
    assert_eq!(
        answer(rule, "cancel\n(60s)\nagent: I can offer you a discount"),
        (Some(30), Truth::True)
    );
    assert_eq!(
        answer(
            rule,
            "cancel\nagent: let me see what I can offer you\n(60s)\nbye"
        )
        .1,
        Truth::False
    );
    // The second wish had no offer.
    assert_eq!(
        answer(
            rule,
            "cancel\nagent: I can offer you this\n(60s)\ncancel\n(40s)\nbye"
        )
        .1,
        Truth::True
    );
    assert_eq!(answer(rule, "hello\n(60s)\nbye").1, Truth::False);
}

#[test]
fn silence_and_mood_are_read_at_the_same_moment() {
    let rule = r#"{ all = [{ silence = "> 20s" }, { customer_average = "< 0.4", over = "60s" }] }"#;
    assert_eq!(
        answer(
            rule,
            "this is terrible, awful and useless\n(25s)\nagent: hello"
        )
        .1,
        Truth::True
    );
    assert_eq!(
        answer(rule, "great, thank you, wonderful\n(25s)\nagent: hello").1,
        Truth::False
    );
    assert_eq!(
        answer(
            rule,
            "this is terrible, awful and useless\n(15s)\nagent: hello"
        )
        .1,
        Truth::False
    );
}

#[test]
fn counts_durations_shares_and_overtalk_are_compared() {
    let count = r#"{ count = { said = ["refund"], by = "customer" }, is = ">= 3" }"#;
    assert_eq!(
        answer(count, "refund\nrefund\nagent: refund").1,
        Truth::False
    );
    assert_eq!(
        answer(count, "refund now, I want my refund\nagent: no\nrefund").1,
        Truth::True
    );
    assert_eq!(
        answer(
            r#"{ count = { said = ["sorry"] }, is = "< 1" }"#,
            "hello\n(5s)\nbye"
        )
        .1,
        Truth::True
    );
    assert_eq!(
        answer(r#"{ duration = "> 30s" }"#, "hello\n(31s)\nbye").0,
        Some(30)
    );
    assert_eq!(
        answer(
            r#"{ talk_share = "> 0.7", by = "agent" }"#,
            "agent: a b c d e f g h i j\nhi"
        )
        .1,
        Truth::True
    );
    let file = rule(r#"{ overtalk = "> 2s" }"#);
    let mut both = Dialogue {
        utterances: vec![
            Utterance::new(Speaker::Agent, 0, 9000, "I was saying"),
            Utterance::new(Speaker::Customer, 5000, 8000, "no"),
        ],
        ..Dialogue::default()
    };
    assert_eq!(file.evaluate(&both).hits[0].at, 7001);
    both.utterances[1].start = 6500;
    assert_eq!(file.evaluate(&both).answer("r"), Some(Truth::False));
}

#[test]
fn skill_attribute_hold_and_emotion_are_read_where_they_are_known() {
    let mut call = dialogue("hello\n(10s)\nbye");
    let skill = rule(r#"{ skill = ["billing"] }"#);
    assert_eq!(skill.evaluate(&call).answer("r"), Some(Truth::Unknown));
    call.facts.skill = Some("billing".to_owned());
    assert_eq!(skill.evaluate(&call).answer("r"), Some(Truth::True));
    let attribute = rule(r#"{ attribute = { name = "tier", is = ["gold"] } }"#);
    assert_eq!(attribute.evaluate(&call).answer("r"), Some(Truth::Unknown));
    call.facts.attributes = Some([("tier".to_owned(), "gold".to_owned())].into());
    assert_eq!(attribute.evaluate(&call).answer("r"), Some(Truth::True));
    call.holds = vec![(1000, 9000)];
    assert_eq!(
        rule(r#"{ hold = "> 5s" }"#).evaluate(&call).hits[0].at,
        6001
    );
    assert_eq!(
        rule(r#"{ silence = "> 5s" }"#).evaluate(&call).answer("r"),
        Some(Truth::False)
    );
    call.utterances[0].emotions = vec!["Anger".to_owned()];
    assert_eq!(
        rule(r#"{ emotion = ["anger"] }"#)
            .evaluate(&call)
            .answer("r"),
        Some(Truth::True)
    );
}

#[test]
fn windows_at_the_end_are_decided_after_the_call() {
    let thanks = r#"{ not_said = ["thank you"], by = "agent", within = "last 20s" }"#;
    assert_eq!(
        answer(thanks, "agent: thank you\n(60s)\nagent: bye"),
        (Some(61), Truth::True)
    );
    assert_eq!(
        answer(thanks, "agent: hello\n(60s)\nagent: thank you").1,
        Truth::False
    );
    let early = r#"{ said = ["price"], within = "first 10%" }"#;
    assert_eq!(answer(early, "price\n(60s)\nbye").1, Truth::True);
    assert_eq!(answer(early, "hello\n(60s)\nprice\nbye").1, Truth::False);
    let recent = r#"{ said = ["angry"], over = "10s" }"#;
    assert_eq!(
        answer(recent, "hello\n(60s)\nI am angry\n(20s)\nbye").0,
        Some(61)
    );
}

#[test]
fn unless_takes_back_what_was_said_before() {
    let file = RuleFile::from_toml(
        "[[rule]]\nid = \"r\"\nwhen = { said = [\"cancel\"] }\nunless = { said = [\"appointment\"] }\n",
    )
    .unwrap();
    assert_eq!(
        file.evaluate(&dialogue("cancel it")).answer("r"),
        Some(Truth::True)
    );
    assert_eq!(
        file.evaluate(&dialogue("my appointment\ncancel it"))
            .answer("r"),
        Some(Truth::False)
    );
}

#[test]
fn a_text_like_a_prototype_needs_the_model_and_names_it_in_the_version() {
    let file = rule(r#"{ said_like = "what can I offer you", by = "agent", above = 0.9 }"#);
    let mut call = dialogue("agent: maybe a discount");
    assert_eq!(file.evaluate(&call).answer("r"), Some(Truth::Unknown));
    let with_model = file
        .clone()
        .with_prototypes("model-a", vec![vec![1.0, 0.0]]);
    assert_ne!(with_model.rules()[0].version, file.rules()[0].version);
    assert_ne!(
        with_model.version(),
        file.clone()
            .with_prototypes("model-b", vec![vec![1.0, 0.0]])
            .version()
    );
    call.utterances[0].embedding = Some(vec![0.99, 0.05]);
    // Another model's vector answers nothing where the file has none.
    assert_eq!(file.evaluate(&call).answer("r"), Some(Truth::Unknown));
    assert_eq!(with_model.evaluate(&call).answer("r"), Some(Truth::True));
    call.utterances[0].embedding = Some(vec![0.0, 1.0]);
    assert_eq!(with_model.evaluate(&call).answer("r"), Some(Truth::False));
}

#[test]
fn the_version_is_that_of_the_meaning() {
    let one = rule(r#"{ said = ["a"], by = "agent" }"#);
    let same =
        RuleFile::from_toml("# a comment\n[[rule]]\nid='r'\n[rule.when]\nby='agent'\nsaid=['a']\n")
            .unwrap();
    assert_eq!(one.rules()[0].version, same.rules()[0].version);
    assert_eq!(one, same);
    assert_ne!(one, rule(r#"{ said = ["b"], by = "agent" }"#));
}

#[test]
fn a_hit_after_a_change_of_the_file_is_not_repeated_and_the_past_is_a_gap() {
    let old = rule(r#"{ said = ["lawyer"] }"#);
    let new = RuleFile::from_toml(
        "[[rule]]\nid=\"r\"\nwhen={said=[\"lawyer\", \"court\"]}\n[[rule]]\nid=\"new\"\nwhen={not_said=[\"hello\"], within=\"first 60s\"}\n",
    )
    .unwrap();
    let mut call = LiveRules::default();
    call.add(
        &old,
        &Utterance::new(Speaker::Customer, 0, 1000, "hello, my lawyer"),
    );
    assert_eq!(call.advance(&old, 2000).len(), 1);
    call.add(
        &new,
        &Utterance::new(Speaker::Customer, 70_000, 71_000, "my lawyer"),
    );
    assert!(call.advance(&new, 80_000).is_empty());
    assert_eq!(call.finish(&new, None).answer("new"), Some(Truth::Unknown));
}

#[test]
fn what_does_not_fit_is_forgotten_and_becomes_unknown() {
    let file = rule(r#"{ count = { said = ["yes"] }, is = "< 30" }"#);
    let mut call = LiveRules::default();
    for second in 0..60 {
        let start = second * 1000;
        call.add(
            &file,
            &Utterance::new(Speaker::Agent, start, start + 500, "yes"),
        );
        assert!(call.advance(&file, start + 900).is_empty());
        let stored = serde_json::to_string(&call).unwrap();
        assert!(stored.len() < 2000, "{}", stored.len());
        call = serde_json::from_str(&stored).unwrap();
    }
    assert_eq!(call.finish(&file, None).answers[0].answer, Truth::Unknown);
}

#[test]
fn a_repeat_of_what_was_forgotten_is_not_spoken_again() {
    let file = rule(r#"{ talk_share = "> 0.7", by = "customer" }"#);
    let add = |call: &mut LiveRules, second: i64| {
        let start = second * 1000;
        let said = Utterance::new(Speaker::Agent, start, start + 500, "yes");
        call.add(&file, &said);
    };
    let mut call = LiveRules::default();
    for second in 0..400 {
        add(&mut call, second);
        call.advance(&file, second * 1000 + 900);
    }
    let before = serde_json::to_string(&call).unwrap();
    for second in [0, 1, 17] {
        add(&mut call, second);
    }
    assert_eq!(serde_json::to_string(&call).unwrap(), before);
    add(&mut call, 400);
    assert_ne!(serde_json::to_string(&call).unwrap(), before);
}

#[test]
fn moments_are_decided_up_to_where_the_words_are_complete() {
    let file = rule(r#"{ said = ["lawyer"] }"#);
    let mut call = LiveRules::default();
    assert_eq!((call.decided_until(), call.last_end()), (None, None));
    call.add(
        &file,
        &Utterance::new(Speaker::Customer, 500, 1500, "my lawyer"),
    );
    assert_eq!((call.decided_until(), call.last_end()), (None, Some(1500)));
    assert_eq!(call.advance(&file, 2000).len(), 1);
    assert_eq!(call.decided_until(), Some(2000));
    // An earlier moment takes nothing back.
    call.advance(&file, 1000);
    assert_eq!(call.decided_until(), Some(2000));
}

/// A customer's or an agent's line every few seconds, with a score.
fn scored_call(lines: &[(u8, u16, bool)]) -> Vec<ScoredSegment> {
    let mut now = 0;
    lines
        .iter()
        .enumerate()
        .map(|(number, (pause, score, is_customer))| {
            now += 1000 + i64::from(*pause) * 1000;
            let segment = Segment {
                text: format!("line {number}"),
                start: now - 900,
                end: now,
                speaker: if *is_customer {
                    Speaker::Customer
                } else {
                    Speaker::Agent
                },
                is_final: true,
            };
            ScoredSegment::new(segment, Score::from_ten_thousandths(*score))
        })
        .collect()
}

proptest! {
    #[test]
    fn the_built_in_suggestion_is_that_of_the_alert_policy(
        lines in prop::collection::vec((0_u8..12, 0_u16..6000, any::<bool>()), 1..60)
    ) {
        let call = scored_call(&lines);
        let utterances = call
            .iter()
            .map(|scored| Utterance::from(&scored.segment).with_score(scored.score))
            .collect();
        let dialogue = Dialogue { utterances, ..Dialogue::default() };
        let hits: Vec<i64> = RuleFile::built_in()
            .evaluate(&dialogue)
            .hits
            .iter()
            .filter(|hit| hit.rule == "suggestion")
            .map(|hit| hit.at)
            .collect();
        let alerts: Vec<i64> = replay_alerts(call, &LiveSettings::default(), std::time::Duration::from_secs(1))
            .iter()
            .map(|alert| alert.at)
            .collect();
        prop_assert_eq!(hits, alerts);
    }

    #[test]
    fn no_file_makes_it_panic(text in "(\\[\\[rule\\]\\]\n)?[a-z{}\\[\\]=\"<>, 0-9\n]{0,200}") {
        let _ = RuleFile::from_toml(&text);
    }
}
