//! Sentences beside each other that differ in little, of which one holds personal data and the other none, or less.

use insights_core::pii::{
    Finding, LateFinding, PiiKind, RedactionPolicy, SpeakerRole, add_late, redact_turns,
};

/// Asserts what conversations become: turns of the agent (`A: `) and the customer (`C: `) with bars between them.
fn assert_redacted(cases: &[(&str, &str)]) {
    let policy = RedactionPolicy::default();
    let wrong: Vec<String> = cases
        .iter()
        .filter_map(|(conversation, expected)| {
            let turns = conversation
                .split(" | ")
                .map(|turn| match turn.split_at(3) {
                    ("A: ", text) => (SpeakerRole::Agent, text),
                    (_, text) => (SpeakerRole::Customer, text),
                });
            let redacted = redact_turns(turns, &policy);
            let last = redacted.last().map_or("", |turn| turn.text.as_str());
            (last != *expected)
                .then(|| format!("{conversation:?} became {last:?} instead of {expected:?}"))
        })
        .collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn words_around_at_and_dot_are_no_address_without_a_sign_of_one() {
    assert_redacted(&[
        (
            "C: write to smith 7 at end of the dot com",
            "write to smith 7 at end of the dot com",
        ),
        ("C: write to smith 7 at end of dot com", "write to [EMAIL]"),
        (
            "C: section c is at acme dot com",
            "section c is at acme dot com",
        ),
        (
            "C: my plan b works at acme dot com",
            "my plan b works at acme dot com",
        ),
        ("C: write to smith 7 at acme dot com", "write to [EMAIL]"),
        ("C: write to j r smith at acme dot com", "write to [EMAIL]"),
    ]);
}

#[test]
fn ranges_and_comparisons_are_no_answer_to_a_question_for_digits() {
    assert_redacted(&[
        (
            "A: what's your PIN? | C: between 1200 and 3400 I think",
            "between 1200 and 3400 I think",
        ),
        (
            "A: what's your PIN? | C: from 12 to 3400 I think",
            "from 12 to 3400 I think",
        ),
        ("A: what's your PIN? | C: 3400 I think", "[PIN] I think"),
        (
            "A: what's your PIN? | C: it is 115 over 88",
            "it is 115 over 88",
        ),
        (
            "A: what's your PIN? | C: 800 more than last year",
            "800 more than last year",
        ),
        ("A: what's your PIN? | C: the last 3", "the last 3"),
    ]);
}

#[test]
fn three_groups_of_figures_are_a_date_only_with_a_year() {
    assert_redacted(&[
        (
            "C: my phone number is 07700 12 11",
            "my phone number is [PHONE]",
        ),
        (
            "C: my phone number is 555 12 11",
            "my phone number is [PHONE]",
        ),
        (
            "C: my phone number is 2026 12 11",
            "my phone number is 2026 12 11",
        ),
    ]);
}

#[test]
fn whoever_verifies_somebody_with_a_secret_asks_for_the_secret() {
    assert_redacted(&[
        (
            "A: I will verify you with your password | C: bluebird seven",
            "[PASSWORD]",
        ),
        (
            "A: I can verify you with your memorable word | C: it's sunflower",
            "it's [PASSWORD]",
        ),
    ]);
}

#[test]
fn whoever_verifies_somebody_using_a_secret_asks_for_the_secret() {
    assert_redacted(&[
        ("A: I can verify you using your pin | C: 4471", "[PIN]"),
        ("A: please verify using your pin | C: 4471", "[PIN]"),
        (
            "A: let me verify you using your security code | C: 447",
            "[SECURITY_CODE]",
        ),
        (
            "A: we can confirm you using your password | C: bluebird",
            "[PASSWORD]",
        ),
        ("A: you can log in using your pin | C: 4471", "4471"),
        ("A: he changed it using your pin | C: 4471", "4471"),
    ]);
}

#[test]
fn an_initial_joins_names_and_a_full_stop_behind_a_word_does_not() {
    assert_redacted(&[
        ("C: my name is J. Smith", "my name is [NAME]"),
        ("C: my name is Jane J. Smith", "my name is [NAME]"),
        ("C: my name is J. smith", "my name is [NAME]. smith"),
        (
            "C: my name is j. We met before",
            "my name is [NAME]. We met before",
        ),
        (
            "C: my name is Jane. Smith is what they call me",
            "my name is [NAME]. Smith is what they call me",
        ),
    ]);
}

#[test]
fn talk_about_a_changed_name_or_address_asks_for_none() {
    assert_redacted(&[
        (
            "A: I have changed your email | C: great, jane at gmail is what I gave you",
            "great, jane at gmail is what I gave you",
        ),
        ("A: what is your email | C: jane at gmail", "[EMAIL]"),
        (
            "A: we have changed your name | C: perfect sunshine",
            "perfect sunshine",
        ),
        ("A: and the password is? | C: bluebird seven", "[PASSWORD]"),
    ]);
}

#[test]
fn what_follows_a_price_or_a_way_is_no_spelled_answer() {
    assert_redacted(&[
        (
            "A: what's your email? | C: copay went from 27 to 45 dollars",
            "copay went from 27 to 45 dollars",
        ),
        (
            "A: can I get your name please | C: the Router under the desk",
            "the Router under the desk",
        ),
        (
            "A: can I get your name please | C: it is the Router here",
            "it is the Router here",
        ),
    ]);
}

#[test]
fn names_and_addresses_of_mail_end_where_talk_begins() {
    assert_redacted(&[
        (
            "C: you can write to me at priya underscore mbeki at northfield.org",
            "you can write to me at [EMAIL]",
        ),
        (
            "A: what's your email? | C: I misread that, f dot castellanos at hotmail dot co dot uk",
            "I misread that, [EMAIL]",
        ),
        (
            "A: what name is it under? | C: okay yes, Netflix keeps crashing",
            "okay yes, Netflix keeps crashing",
        ),
        (
            "A: may I have your name? | C: sure. it's about Monday",
            "sure. it's about Monday",
        ),
        ("A: the password is what | C: bluebird", "[PASSWORD]"),
        (
            "A: your password is wrong | C: bluebird seven",
            "bluebird seven",
        ),
    ]);
}

#[test]
fn an_identifier_has_letters_and_figures_and_no_less_than_its_kind_needs() {
    assert_redacted(&[
        (
            "A: what is your driver's license number? | C: it is D1234567",
            "it is [DRIVERS_LICENSE]",
        ),
        ("A: what's your driver's license? | C: A4", "A4"),
        ("A: what is your passport number? | C: ask mp3", "ask mp3"),
    ]);
}

#[test]
fn of_two_things_that_are_asked_for_the_second_answer_is_the_secret() {
    assert_redacted(&[
        (
            "A: what's your PIN and your order number? | C: 46324 | C: 4471",
            "[PIN]",
        ),
        (
            "A: what's your PIN? and the order number please | C: 46324 | A: okay | C: 4471",
            "[PIN]",
        ),
        (
            "A: tell me your security code and your ticket number | C: 46324 | C: 447",
            "[SECURITY_CODE]",
        ),
        ("A: what's your order number? | C: 46324", "46324"),
    ]);
}

#[test]
fn a_late_finding_takes_the_place_of_what_it_overlaps_and_of_nothing_beside_it() {
    let finding = |range| Finding {
        kind: PiiKind::Phone,
        range,
    };
    for (range, expected) in [
        (0..3, vec![(0, 3), (5, 10), (20, 30)]),
        (0..5, vec![(0, 5), (5, 10), (20, 30)]),
        (0..6, vec![(0, 10), (20, 30)]),
        (6..8, vec![(5, 10), (20, 30)]),
        (10..20, vec![(5, 10), (10, 20), (20, 30)]),
        (9..21, vec![(5, 30)]),
        (30..40, vec![(5, 10), (20, 30), (30, 40)]),
    ] {
        let mut findings = vec![finding(5..10), finding(20..30)];
        let late = LateFinding {
            turn_id: 1,
            kind: PiiKind::CreditCard,
            range: range.clone(),
        };
        add_late(&mut findings, &late);
        let ranges: Vec<_> = findings
            .iter()
            .map(|it| (it.range.start, it.range.end))
            .collect();
        assert_eq!(ranges, expected, "{range:?}");
        let cards = findings.iter().filter(|it| it.kind == PiiKind::CreditCard);
        assert_eq!(cards.count(), 1);
    }
}
