//! What is personal data and what only looks like it.

use proptest::prelude::*;

use super::*;

fn kinds(text: &str) -> Vec<(PiiKind, &str)> {
    detect(text)
        .into_iter()
        .map(|finding| (finding.kind, &text[finding.range]))
        .collect()
}

fn all_are(kind: PiiKind, cases: &[(&str, &str)]) {
    for (text, data) in cases {
        assert_eq!(kinds(text), [(kind, *data)], "{text}");
    }
}

fn none_in(cases: &[&str]) {
    for text in cases {
        assert_eq!(kinds(text), [], "{text}");
    }
}

#[test]
fn card_numbers_are_found_by_their_check_digit() {
    all_are(
        PiiKind::CreditCard,
        &[
            (
                "My card is 4111 1111 1111 1111, thanks.",
                "4111 1111 1111 1111",
            ),
            ("card 4111-1111-1111-1111", "4111-1111-1111-1111"),
            ("5555555555554444", "5555555555554444"),
            ("2223003122003222", "2223003122003222"),
            ("Amex 3782 822463 10005", "3782 822463 10005"),
            ("Diners 30569309025904 of 12/26", "30569309025904"),
            ("6011.1111.1111.1117", "6011.1111.1111.1117"),
            ("JCB 3530111333300000", "3530111333300000"),
            ("old Visa 4222222222222", "4222222222222"),
            ("it's 4111, 1111, 1111, 1111", "4111, 1111, 1111, 1111"),
            (
                "4 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1",
                "4 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1",
            ),
            ("order 12345 4111 1111 1111 1111", "4111 1111 1111 1111"),
        ],
    );
    none_in(&[
        "4111 1111 1111 1112",
        "order 1234567890123456",
        "tracking 9400110200881234567890",
        "A4111111111111111",
        "0000 0000 0000 0000",
        "4111 1111 and later 1111 1111",
        "411111111111",
    ]);
}

#[test]
fn bank_accounts_are_found_by_their_remainder() {
    all_are(
        PiiKind::Iban,
        &[
            (
                "IBAN DE89 3704 0044 0532 0130 00 please",
                "DE89 3704 0044 0532 0130 00",
            ),
            ("gb29nwbk60161331926819", "gb29nwbk60161331926819"),
            (
                "FR14 2004 1010 0505 0001 3M02 606",
                "FR14 2004 1010 0505 0001 3M02 606",
            ),
            ("NL91ABNA0417164300.", "NL91ABNA0417164300"),
            ("NO93 8601 1117 947", "NO93 8601 1117 947"),
            ("CH9300762011623852957", "CH9300762011623852957"),
        ],
    );
    none_in(&[
        "DE89 3704 0044 0532 0130 01",
        "DE89 3704 0044 0532 0130",
        "XX89370400440532013000",
        "meet me at 12 30 please call me back today",
        "DE89370400440532013000A",
    ]);
}

#[test]
fn email_addresses_are_found_written_and_spoken() {
    all_are(
        PiiKind::Email,
        &[
            (
                "write to jane.doe+shop@example.co.uk today",
                "jane.doe+shop@example.co.uk",
            ),
            ("<o'neil@mail.example.org>.", "o'neil@mail.example.org"),
            ("X_1@ex-ample.com", "X_1@ex-ample.com"),
            (
                "it's jane dot doe at example dot com",
                "jane dot doe at example dot com",
            ),
        ],
    );
    none_in(&[
        "@handle said so",
        "meet @ 5.30",
        "a@b",
        "look at the dot on the screen",
        "price@99.99",
        "user@localhost",
    ]);
}

#[test]
fn telephone_numbers_are_found_by_form_or_by_the_word_before_them() {
    all_are(
        PiiKind::Phone,
        &[
            ("(555) 123-4567", "(555) 123-4567"),
            ("555-123-4567", "555-123-4567"),
            ("1-800-555-0199 is free", "1-800-555-0199"),
            ("call 212.555.0123 now", "212.555.0123"),
            ("+1 555 123 4567", "+1 555 123 4567"),
            ("+44 20 7946 0958", "+44 20 7946 0958"),
            ("+49 (0)30 901820", "+49 (0)30 901820"),
            ("+4915112345678.", "+4915112345678"),
            ("My mobile is 07911 123456", "07911 123456"),
            ("you can reach me at 5551234567", "5551234567"),
            ("5551234567 is my cell", "5551234567"),
            ("my phone is 555-1234", "555-1234"),
        ],
    );
    none_in(&[
        "order 5551234567",
        "order number 555-123-4567",
        "ticket 2045551234 about my phone",
        "the order 1234567890, call me when it ships",
        "it costs $1,234,567.89",
        "1 234 567 890 units",
        "between 10 30 and 11 45, call me",
        "call me on 12-05-2026",
        "10.0.0.1 and 192.168.100.200",
        "ISBN 978-3-16-148410-0",
        "+5 points",
        "2026-01-15T10:30:00Z",
    ]);
}

#[test]
fn social_security_numbers_are_found_in_the_ranges_they_are_issued_from() {
    all_are(
        PiiKind::Ssn,
        &[
            ("SSN: 123-45-6789", "123-45-6789"),
            ("my social is 123 45 6789 ok", "123 45 6789"),
            ("social security number 123456789", "123456789"),
            ("899.99.9999", "899.99.9999"),
        ],
    );
    none_in(&[
        "000-12-3456",
        "666-12-3456",
        "900-12-3456",
        "123-00-4567",
        "123-45-0000",
        "order 123-45-6789",
        "123-45 6789",
        "part 12345-6789",
        "number 123456789",
        "1-123-45-6789-0",
    ]);
}

#[test]
fn dates_are_of_birth_where_the_text_says_so() {
    all_are(
        PiiKind::DateOfBirth,
        &[
            ("DOB: 12/05/1980", "12/05/1980"),
            ("born on 1980-05-12 in Leeds", "1980-05-12"),
            (
                "Agent: Your date of birth? Customer: Sure, it's the 4th of July 1985.",
                "4th of July 1985",
            ),
            ("my birthday is May 12, 1980", "May 12, 1980"),
            (
                "date of birth May twelfth nineteen eighty",
                "May twelfth nineteen eighty",
            ),
            ("3 Jan 2001 is my date of birth", "3 Jan 2001"),
            ("dob 31.12.99", "31.12.99"),
        ],
    );
    none_in(&[
        "I ordered it on 12/05/2024",
        "delivery between 05/12/2026 and 05/14/2026",
        "the meeting is May 12, 2026",
        "born on 45/67/1980",
        "a birthday cake for 12/05/2026",
        "It came on 12/05/2026. What is your date of birth?",
    ]);
}

#[test]
fn spoken_digits_are_found_in_long_runs() {
    all_are(
        PiiKind::SpokenDigits,
        &[
            (
                "it is four five seven two eight eight one nine please",
                "four five seven two eight eight one nine",
            ),
            (
                "double four seven, uh, triple two one oh",
                "double four seven, uh, triple two one oh",
            ),
            (
                "forty five, thirty two, nineteen, sixty one, seventy seven, eighty",
                "forty five, thirty two, nineteen, sixty one, seventy seven, eighty",
            ),
            (
                "4572 double one oh nine three",
                "4572 double one oh nine three",
            ),
            ("3 5 7 2 8 8 1 9 1", "3 5 7 2 8 8 1 9 1"),
        ],
    );
    all_are(
        PiiKind::CreditCard,
        &[
            (
                "four one one one, one one one one, one one one one, one one one one",
                "four one one one, one one one one, one one one one, one one one one",
            ),
            (
                "four triple one double one double one double one double one double one double one",
                "four triple one double one double one double one double one double one double one",
            ),
        ],
    );
    none_in(&[
        "one two three four five six",
        "between twenty twenty four and twenty twenty five",
        "I called two or three times on four different days",
        "at ten thirty or eleven fifteen",
        "double the price, one of five",
        "on 12 05 2024 10 30",
        "rated 4 5 5 3 5",
        "Agent: one two three four Customer: five six seven eight",
    ]);
}

#[test]
fn orders_times_prices_and_addresses_are_left_alone() {
    none_in(&[
        "Hello, how can I assist you with your order?",
        "I need a full refund because the item arrived damaged.",
        "I get a 500 error at 10:30:15 on 2026-01-15.",
        "That is $1,299.99, or 12 payments of 108.33",
        "order #A-20481-77 of size 221B",
        "version 10.15.7 build 19H2026",
        "conversation 3f2b8c1e-9d4a-4c55-8f6e-2b1a7c9d0e11",
        "UPS 1Z999AA10123456784",
    ]);
}

#[test]
fn several_kinds_come_in_the_order_of_the_text_and_redaction_replaces_them() {
    let text =
        "Mail jane@example.com, phone 555-123-4567, card 4111 1111 1111 1111, born 12/05/1980.";
    let found = detect(text);
    assert_eq!(
        found.iter().map(|finding| finding.kind).collect::<Vec<_>>(),
        [
            PiiKind::Email,
            PiiKind::Phone,
            PiiKind::CreditCard,
            PiiKind::DateOfBirth
        ]
    );
    let (redacted, placed) = redact(text, &found);
    assert_eq!(
        redacted,
        "Mail [EMAIL], phone [PHONE], card [CARD], born [DATE_OF_BIRTH]."
    );
    assert_eq!(
        placed
            .iter()
            .map(|finding| &redacted[finding.range.clone()])
            .collect::<Vec<_>>(),
        ["[EMAIL]", "[PHONE]", "[CARD]", "[DATE_OF_BIRTH]"]
    );
    assert_eq!(redact("nothing", &[]), ("nothing".to_owned(), vec![]));
}

#[test]
fn a_kind_is_written_in_snake_case() {
    assert_eq!(
        serde_json::to_string(&[PiiKind::CreditCard, PiiKind::DateOfBirth]).unwrap(),
        r#"["credit_card","date_of_birth"]"#
    );
}

#[test]
fn hostile_texts_take_linear_time() {
    for unit in [
        "1",
        "1 ",
        "4111-",
        "a@",
        "a.",
        "+1(",
        "de89 ",
        "one ",
        "double ",
        "born 1/1/",
        "(((",
        "at dot ",
        "my password? ",
        "set a pin ? or ",
    ] {
        let text = unit.repeat(240_000 / unit.len());
        let found = detect(&text);
        let (redacted, _) = redact(&text, &found);
        assert!(redacted.len() <= text.len() * 3, "{unit}");
    }
}

proptest! {
    #[test]
    fn findings_are_in_order_apart_and_on_character_boundaries(text in "(\\PC|[0-9 .@+-]|four |one |é|born ){0,200}") {
        let found = detect(&text);
        let mut end = 0;
        for finding in &found {
            prop_assert!(finding.range.start >= end && finding.range.start < finding.range.end);
            prop_assert!(text.get(finding.range.clone()).is_some());
            end = finding.range.end;
        }
        let (redacted, placed) = redact(&text, &found);
        prop_assert_eq!(placed.len(), found.len());
        for finding in placed {
            prop_assert_eq!(&redacted[finding.range], finding.kind.placeholder());
        }
    }

    #[test]
    fn a_number_with_a_valid_check_digit_is_found_in_any_grouping(
        body in proptest::collection::vec(0_u8..10, 17),
        (issuer, length) in prop_oneof![
            Just((vec![4_u8], 13)), Just((vec![4], 16)), Just((vec![4], 19)), Just((vec![5, 1], 16)),
            Just((vec![3, 7], 15)), Just((vec![3, 6], 14)), Just((vec![2, 3], 16)), Just((vec![6], 18)),
        ],
        groups in 3_usize..6,
        separator in prop_oneof![Just(" "), Just("-"), Just("")],
    ) {
        let mut digits = issuer;
        digits.extend(body);
        digits.truncate(length - 1);
        digits.push(0);
        let check = (0..10).find(|check| {
            *digits.last_mut().unwrap() = *check;
            numbers::is_card(&digits)
        });
        prop_assume!(check.is_some());
        let written: Vec<String> = digits.iter().map(u8::to_string).collect();
        let number = written.chunks(groups).map(<[String]>::concat).collect::<Vec<_>>().join(separator);
        let text = format!("my card {number} ok");
        prop_assert!(kinds(&text).contains(&(PiiKind::CreditCard, number.as_str())), "{}", text);
    }
}
