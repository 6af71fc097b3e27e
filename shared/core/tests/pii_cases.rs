//! Conversations in which personal data must be masked, and sentences in which nothing may be.

use insights_core::pii::{RedactionPolicy, SpeakerRole, redact_text, redact_turns};

use SpeakerRole::{Agent, Customer};

/// Returns the turns with masks, joined by bars.
fn redacted(turns: &[(SpeakerRole, &str)]) -> String {
    let redacted = redact_turns(turns.iter().copied(), &RedactionPolicy::default());
    redacted
        .iter()
        .map(|turn| turn.text.as_str())
        .collect::<Vec<_>>()
        .join(" | ")
}

/// Asserts that nothing of some secrets is left in a conversation.
fn assert_gone(turns: &[(SpeakerRole, &str)], secrets: &[&str]) {
    let text = redacted(turns);
    for secret in secrets {
        assert!(!text.contains(secret), "{secret:?} is left in {text:?}");
    }
}

/// Asserts what single texts become.
fn assert_redacted(cases: &[(&str, &str)]) {
    let wrong: Vec<String> = cases
        .iter()
        .map(|(text, expected)| (redact_text(text, &RedactionPolicy::default()), expected))
        .filter(|(text, expected)| text != *expected)
        .map(|(text, expected)| format!("{text:?} should be {expected:?}"))
        .collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn a_card_number_in_pieces_is_masked() {
    assert_eq!(
        redacted(&[
            (Agent, "card number please"),
            (Customer, "4111 1111"),
            (Agent, "okay"),
            (Customer, "1111 1111")
        ]),
        "card number please | [CARD] | okay | [CARD]"
    );
    assert_eq!(
        redacted(&[
            (Agent, "Can I take the long number on the front?"),
            (Customer, "4111"),
            (Customer, "1111"),
            (Customer, "1111"),
            (Customer, "1111"),
        ]),
        "Can I take the long number on the front? | [CARD] | [CARD] | [CARD] | [CARD]"
    );
    assert_gone(
        &[
            (Agent, "and the card number?"),
            (Customer, "four one one one"),
            (Agent, "four one one one"),
            (Customer, "one one one one"),
            (Agent, "one one one one, yes"),
            (Customer, "double one double one"),
            (Agent, "mm hmm"),
            (Customer, "treble one one"),
        ],
        &["one one", "double", "treble", "four"],
    );
}

#[test]
fn a_card_number_in_pieces_is_masked_where_nobody_asked_for_it() {
    for turns in [
        vec![
            (Customer, "4111 1111"),
            (Agent, "okay"),
            (Customer, "1111 1111"),
        ],
        vec![
            (Customer, "4111"),
            (Agent, "4111"),
            (Customer, "1111"),
            (Agent, "1111"),
            (Customer, "1111"),
            (Customer, "1111"),
        ],
        vec![
            (Customer, "four one one one"),
            (Agent, "uh huh"),
            (Customer, "one one one one"),
            (Customer, "one one one one"),
            (Customer, "one one one one"),
        ],
        // Misheard, but read in groups of four as a card is.
        vec![
            (Customer, "4111"),
            (Agent, "ok"),
            (Customer, "1113"),
            (Customer, "1111"),
            (Customer, "1111"),
        ],
        vec![
            (SpeakerRole::Unknown, "4111 1111"),
            (SpeakerRole::Unknown, "1111 1111"),
        ],
    ] {
        assert_gone(&turns, &["111", "one"]);
    }
}

#[test]
fn a_card_number_with_backchannels_in_one_turn_is_masked() {
    for word in [
        "okay", "mm hmm", "uh huh", "right", "yes", "got it", "go on", "mhm", "um",
    ] {
        let spoken = format!(
            "four one one one {word} one one one one {word} one one one one {word} one one one one"
        );
        assert_gone(&[(Customer, &spoken)], &["one"]);
        let written = format!("4111 {word} 1111 {word} 1111 {word} 1111");
        assert_gone(&[(Customer, &written)], &["1111"]);
    }
    assert_gone(
        &[(
            Customer,
            "four one one one okay one one one one yes one one one one got it one one one one",
        )],
        &["one"],
    );
    assert_redacted(&[(
        "Agent: card number please Customer: 4111 1111 Agent: okay Customer: 1111 1111",
        "Agent: card number please Customer: [CARD] Agent: okay Customer: [CARD]",
    )]);
}

#[test]
fn security_codes_pins_and_accounts_are_masked() {
    assert_redacted(&[
        ("cvv 421 exp 09/27", "cvv [SECURITY_CODE] exp [EXPIRY]"),
        (
            "the security code on the back is 421",
            "the security code on the back is [SECURITY_CODE]",
        ),
        ("my PIN is 4471", "my PIN is [PIN]"),
        (
            "sort code 20-00-00 account 55779911",
            "sort code [ROUTING_NUMBER] account [BANK_ACCOUNT]",
        ),
        (
            "my credit card number is 1242 2341 3673 9999",
            "my credit card number is [CARD]",
        ),
        ("CVC: 007", "CVC: [SECURITY_CODE]"),
        ("it's 4421, that's my pin", "it's [PIN], that's my pin"),
        (
            "the three digits on the back are four two one",
            "the three digits on the back are [SECURITY_CODE]",
        ),
        ("my pin is double four seven one", "my pin is [PIN]"),
        (
            "routing number 021000021 and account number 1234567890",
            "routing number [ROUTING_NUMBER] and account number [BANK_ACCOUNT]",
        ),
        (
            "security code nine hundred five",
            "security code [SECURITY_CODE]",
        ),
        ("expires september twenty seven", "expires [EXPIRY]"),
        ("my password is hunter2", "my password is [PASSWORD]"),
        (
            "my passport number is 533380006",
            "my passport number is [PASSPORT]",
        ),
        (
            "national insurance number QQ 12 34 56 C",
            "national insurance number [NATIONAL_INSURANCE]",
        ),
    ]);
    assert_gone(
        &[
            (Agent, "what are the last three digits on the back?"),
            (Customer, "four"),
            (Agent, "yes"),
            (Customer, "two"),
            (Customer, "and one"),
        ],
        &["four", "two", "one"],
    );
    assert_gone(
        &[
            (Agent, "please say your PIN"),
            (Customer, "hold on"),
            (Agent, "sure"),
            (Customer, "4 4"),
            (Agent, "yes"),
            (Customer, "7 1"),
        ],
        &["4", "7"],
    );
    assert_gone(
        &[
            (Agent, "and the CVV?"),
            (Customer, "421"),
            (Agent, "421, thank you"),
        ],
        &["421"],
    );
}

#[test]
fn telephone_numbers_are_masked_by_more_cues_and_national_forms() {
    for text in [
        "my number is 4155550132",
        "the number on the account is 4155550132",
        "please give me a call 4155550132",
        "Yes, the number is 01632 960123",
        "My Japanese number is 090-1234-5678",
        "dial 0041791234567",
        "My number is 07700 900123",
        "The number is 0161 496 0000",
        "Please call 5551234567",
        "It's 07700 900123",
        "Agent: what's your number? Customer: 07700 900123",
        "you can whatsapp me, 07700 900123",
        "contact 020 7946 0958",
        "You can get me at 5551234567",
        "0044 7700 900123",
        "my mobile number is oh seven seven double oh nine hundred one two three",
        "ring me on 087 123 4567",
        "06 12 34 56 78",
        "(11) 91234-5678",
        "98765 43210 is my number",
        "0412 345 678",
    ] {
        let redacted = redact_text(text, &RedactionPolicy::default());
        let left: String = redacted.chars().filter(char::is_ascii_digit).collect();
        assert!(
            left.is_empty() && redacted.contains('['),
            "{text:?} became {redacted:?}"
        );
        assert!(!redacted.contains("seven"), "{redacted}");
    }
    assert_gone(
        &[
            (Agent, "the mobile number on the account"),
            (Customer, "7911123456"),
        ],
        &["7911123456"],
    );
}

#[test]
fn a_secret_is_masked_again_whatever_is_said_around_it() {
    assert_gone(
        &[
            (Agent, "and the security code please"),
            (Customer, "four seven seven"),
            (Agent, "reading that back, four seven seven"),
            (Agent, "what number can we call you back on"),
            (Customer, "087 462 3819"),
            (
                Agent,
                "so the serial number of the person to call is 087 462 3819",
            ),
        ],
        &["seven", "462"],
    );
}

#[test]
fn identifiers_of_several_groups_are_masked_whole() {
    let masked = |question, answer| redacted(&[(Agent, question), (Customer, answer)]);
    assert_eq!(
        masked(
            "what is your driver's license number",
            "it's D6101-40706-60905"
        ),
        "what is your driver's license number | it's [DRIVERS_LICENSE]"
    );
    assert_eq!(
        redacted(&[
            (Agent, "What's your IBAN?"),
            (Customer, "GB33 BUKB"),
            (Agent, "yes"),
            (Customer, "2020 1555 5555 55"),
        ]),
        "What's your IBAN? | [IBAN] | yes | [IBAN]"
    );
    let harmless = "the part AB12-4431 is for the order XY99-2210";
    assert_eq!(redacted(&[(Customer, harmless)]), harmless);
}

#[test]
fn other_forms_are_masked() {
    assert_redacted(&[
        ("4111/1111/1111/1111", "[CARD]"),
        ("4111   1111   1111   1111", "[CARD]"),
        ("4111 - 1111 - 1111 - 1111", "[CARD]"),
        ("４１１１ １１１１ １１１１ １１１１", "[CARD]"),
        ("DE89.3704.0044.0532.0130.00", "[IBAN]"),
        ("john at gmail.com", "[EMAIL]"),
        ("lena @ acme . com", "[EMAIL]"),
        ("jürgen@müller.de", "[EMAIL]"),
        ("write to kim@studio.app", "write to [EMAIL]"),
        ("john dot smith at gmail.com", "[EMAIL]"),
        ("jane.doe at hotmail.com", "[EMAIL]"),
        ("john.smith at example dot co dot uk", "[EMAIL]"),
        ("josé@example.com", "[EMAIL]"),
        ("_john@example.com", "[EMAIL]"),
        (
            "my date of birth is 06151991",
            "my date of birth is [DATE_OF_BIRTH]",
        ),
        (
            "date of birth oh six fifteen ninety one",
            "date of birth [DATE_OF_BIRTH]",
        ),
        ("DOB 07041985", "DOB [DATE_OF_BIRTH]"),
        ("my social is 078-051121", "my social is [SSN]"),
        (
            "it is 078051123 that is my social security number",
            "it is [SSN] that is my social security number",
        ),
        ("my zip is 12345-6789", "my zip is [ADDRESS]"),
        ("I live at 14 Maple Street", "I live at [ADDRESS]"),
        (
            "my name is Jane Doe and I need help",
            "my name is [NAME] and I need help",
        ),
    ]);
    assert_gone(
        &[
            (Agent, "date of birth?"),
            (Customer, "oh six fifteen"),
            (Agent, "yes"),
            (Customer, "ninety one"),
        ],
        &["fifteen", "ninety"],
    );
    assert_gone(
        &[
            (Agent, "what's your name?"),
            (Customer, "it's Margaret Okafor"),
            (Agent, "Thank you Margaret"),
        ],
        &["Margaret", "Okafor"],
    );
}

/// An account number of each country in the SWIFT IBAN registry, release 99: the example of the registry, with valid check digits.
const IBANS: &str = "\
    AD1200012030200359100100 AE070331234567890123456 AL47212110090000000235698741 AT611904300234573201 \
    AZ21NABZ00000000137010001944 BA391290079401028494 BE68539007547034 BG80BNBG96611020345678 BH67BMAG00001299123456 \
    BI4210000100010000332045181 BR1800360305000010009795493C1 BY13NBRB3600900000002Z00AB00 CH9300762011623852957 \
    CR05015202001026284066 CY17002001280000001200527600 CZ6508000000192000145399 DE89370400440532013000 \
    DJ2100010000000154000100186 DK5000400440116243 DO28BAGR00000001212453611324 EE382200221020145685 \
    EG380019000500000000263180002 ES9121000418450200051332 FI2112345600000785 FK88SC123456789012 FO6264600001631634 \
    FR1420041010050500013M02606 GB29NWBK60161331926819 GE29NB0000000101904917 GI75NWBK000000007099453 \
    GL8964710001000206 GR1601101250000000012300695 GT82TRAJ01020000001210029690 HR1210010051863000160 \
    HU42117730161111101800000000 IE29AIBK93115212345678 IL620108000000099999999 IQ98NBIQ850123456789012 \
    IS140159260076545510730339 IT60X0542811101000000123456 JO94CBJO0010000000000131000302 \
    KW81CBKU0000000000001234560101 KZ86125KZT5004100100 LB62099900000001001901229114 \
    LC55HEMM000100010012001200023015 LI21088100002324013AA LT121000011101001000 LU280019400644750000 \
    LV80BANK0000435195001 LY83002048000020100120361 MC5811222000010123456789030 MD24AG000225100013104168 \
    ME25505000012345678951 MK07250120000058984 MN121234123456789123 MR1300020001010000123456753 \
    MT84MALT011000012345MTLCAST001S MU17BOMM0101101030300200000MUR NI45BAPR00000013000003558124 NL91ABNA0417164300 \
    NO9386011117947 OM810180000001299123456 PK36SCBL0000001123456702 PL61109010140000071219812874 \
    PS92PALS000000000400123456702 PT50000201231234567890154 QA58DOHB00001234567890ABCDEFG RO49AAAA1B31007593840000 \
    RS35260005601001611379 SA0380000000608010167519 SC18SSCB11010000000000001497USD SD2129010501234001 \
    SE4550000000058398257466 SI56263300012039086 SK3112000000198742637541 SM86U0322509800000000270100 \
    ST23000100010051845310146 SV97CENT00000000000000700025 TL380080012345678910157 TN5910006035183598478831 \
    TR330006100519786457841326 UA213223130000026007233566001 VA59001123000012345678 VG96VPVG0000012345678901 \
    XK051212012345678906";

#[test]
fn ibans_of_every_country_are_masked() {
    let policy = RedactionPolicy::default();
    for iban in IBANS.split_whitespace() {
        let characters = iban.as_bytes().chunks(4).map(String::from_utf8_lossy);
        let in_groups = characters.collect::<Vec<_>>().join(" ");
        for written in [iban, &in_groups, &iban.to_lowercase()] {
            let said = format!("send the refund to {written}, please");
            let masked = redact_text(&said, &policy);
            assert_eq!(masked, "send the refund to [IBAN], please", "{written}");
        }
    }
}

#[test]
fn what_is_nobodys_secret_is_left() {
    let texts = [
        "I bought it at amazon dot com last week",
        "My IMEI is 352099001761481",
        "my order number is 4155550132",
        "the tracking number is 9400110200881234567890",
        "it costs $1,234,567.89",
        "the meeting is at 10:30 on 2026-01-15",
        "10.0.0.1 and 192.168.100.200",
        "I called two or three times on four different days",
        "my card was declined twice",
        "I forgot my password",
        "The password reset link is not working, I get a 500 error.",
        "Login troubleshooting: the password reset link is not working, I get a 500 error.",
        "the pin pad is broken",
        "version 10.15.7 build 19H2026",
        "we have two kids and three dogs",
        "order number five five four two one nine eight",
        "it was 30 percent off",
        "I have been a customer since 2019",
        "my address has changed since march",
        "no that's all for today",
    ];
    let wrong: Vec<String> = texts
        .iter()
        .map(|text| (redact_text(text, &RedactionPolicy::default()), text))
        .filter(|(redacted, text)| redacted != *text)
        .map(|(redacted, text)| format!("{text:?} became {redacted:?}"))
        .collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    for turns in [
        [(Agent, "what's your order number?"), (Customer, "12345678")],
        [
            (Agent, "Thanks for calling"),
            (Customer, "the app keeps crashing"),
        ],
        [(Agent, "how many do you need"), (Customer, "450")],
    ] {
        assert_eq!(redacted(&turns), format!("{} | {}", turns[0].1, turns[1].1));
    }
}

#[test]
fn a_redacted_text_stays_as_it_is() {
    let text = "Agent: [CARD] and [SECURITY_CODE] please Customer: [PIN] 4th floor";
    assert_eq!(redact_text(text, &RedactionPolicy::default()), text);
}

/// Talk of agents about secrets that nobody is to say.
const TALK_ABOUT_SECRETS: [&str; 40] = [
    "I have sent you a link to set a new password.",
    "you should get an email with a link to reset your password",
    "your password has been reset",
    "I can reset your password for you",
    "okay so I've just changed the password on the account",
    "you can change your PIN at any cash machine",
    "we will send you a new PIN by post within five days",
    "please never share your PIN with anyone",
    "we would never ask you for your password",
    "don't tell me your password",
    "you don't have to give me your PIN",
    "your PIN is blocked at the moment",
    "your PIN can be unblocked in the app",
    "the password must have at least twelve characters",
    "Please choose a new password on the website",
    "when you enter your password, what does the page say?",
    "what happens when you enter your passcode?",
    "what error do you see after you type the password?",
    "could you try to log in with your new password?",
    "did you get the email to set up your security word?",
    "I understand that you forgot your password",
    "I'm sorry to hear you lost your PIN",
    "let me help you with your password",
    "I see you're calling about your PIN",
    "tell me if you want to change your memorable word",
    "can you confirm that you have reset your password?",
    "I'll give you a new passcode in a minute",
    "we can set a different security question later on",
    "once you have created a passphrase you can log in again",
    "you'll need your password to log in to the portal",
    "is the problem that your password expired?",
    "have you tried to recover your password?",
    "I will update the security question on your profile",
    "i’ve just reset your password and sent you a text",
    "you can use your PIN in any branch",
    "do not write down your PIN",
    "the password reset takes about an hour",
    "a temporary password will arrive shortly",
    "did you set a pin when you opened the account?",
    "the app may ask for a password again after the update",
];

#[test]
fn talk_about_a_secret_does_not_make_the_next_words_one() {
    let answers = [
        "The page says it was wrong, although Firefox stored it yesterday",
        "Chrome crashes",
        "the portal keeps rejecting everything",
    ];
    let mut wrong = Vec::new();
    for talk in TALK_ABOUT_SECRETS {
        for answer in answers {
            let text = redacted(&[(Agent, talk), (Customer, answer)]);
            if text != format!("{talk} | {answer}") {
                wrong.push(text);
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    // What the customer says of the own secret is no announcement of it either.
    for said in [
        "The app says my password is wrong, although I changed it yesterday.",
        "my password is not working",
        "my security word was never accepted",
        "my pin keeps being rejected",
    ] {
        let answer = "Firefox crashes constantly";
        let text = redacted(&[(Customer, said), (Agent, "I see"), (Customer, answer)]);
        assert_eq!(text, format!("{said} | I see | {answer}"));
    }
}

#[test]
fn figures_after_talk_about_a_pin_are_left() {
    for talk in TALK_ABOUT_SECRETS
        .iter()
        .filter(|talk| talk.contains("PIN") || talk.contains("passcode"))
    {
        let answer = "I opened the account in 1998 and the branch closed at 1830";
        let text = redacted(&[(Agent, talk), (Customer, answer)]);
        assert_eq!(text, format!("{talk} | {answer}"));
    }
}

#[test]
fn whoever_asks_for_a_secret_in_talk_about_changes_is_answered_with_one() {
    let words = [
        "I'll reset it for you, but first what is your current password?",
        "before I set a new one, tell me your old password",
        "to unlock the account I need your password",
        "can you tell me the password you set",
        "what would you like your new password to be?",
        "what would you like to set your password to?",
        "what did you set as your memorable word?",
        "I have changed it, and now your security word please",
        "please choose a memorable word",
        "could you pick a new security word for me",
        "I can reset your password, what is it at the moment?",
        "do you remember the answer to your security question?",
        "can I take your passphrase so that I can reset the account",
        "your password?",
        "and the new password?",
        "confirm your memorable word for me",
        "read me the password in the letter we sent",
        "why don't you tell me your password",
        "Could I have the password that was sent to you?",
        "if you know your memorable word go ahead",
    ];
    let numbers = [
        "what's the new PIN you chose?",
        "to change your PIN I need your current PIN",
        "I'll need your PIN to unblock the card",
        "please enter your PIN",
        "enter or say your passcode",
        "tell me the PIN you want to set",
        "what would you like to set your PIN to?",
        "please choose a four digit PIN",
        "I've just sent you a one time passcode, can you read it to me",
        "I have texted you a verification code",
        "could you key in your PIN now",
        "do you have a PIN on the account?",
        "the security code should be on the back of the card",
        "you should have a three digit code on the back",
        "there is a security code on the back of your new card",
        "can you give me the security code of the card we sent",
        "your PIN please, and then I will reset it",
        "verify yourself with your PIN",
        "I'll ask you for your PIN now",
        "and the pin",
    ];
    for (asks, secret) in words
        .iter()
        .map(|asks| (asks, "Zanzibar"))
        .chain(numbers.iter().map(|asks| (asks, "4471")))
    {
        for answer in [
            secret.to_owned(),
            format!("yes it's {secret}"),
            format!("um {secret}"),
        ] {
            let text = redacted(&[(Agent, asks), (Customer, &answer)]);
            assert!(!text.contains(secret), "{text}");
        }
    }
    // An announcement whose secret comes with the next words.
    for said in [
        "my password is",
        "my password is, hold on",
        "the security word is uh",
    ] {
        assert_gone(&[(Customer, said), (Customer, "Zanzibar")], &["Zanzibar"]);
    }
}

#[test]
fn what_a_segment_cuts_is_masked_on_both_sides_of_the_cut() {
    let cases: [(&[(SpeakerRole, &str)], &str); 8] = [
        (
            &[
                (Agent, "and the security"),
                (Agent, "code"),
                (Customer, "um five four nine"),
            ],
            "and the security | code | um [SECURITY_CODE]",
        ),
        (
            &[
                (Customer, "please charge it to 4111 11"),
                (Customer, "11 1111 1111"),
            ],
            "please charge it to [CARD] | [CARD]",
        ),
        (
            &[
                (Agent, "your full name please"),
                (Customer, "yeah Gareth"),
                (Customer, "Nakamura"),
            ],
            "your full name please | yeah [NAME] | [NAME]",
        ),
        (
            &[(Customer, "my"), (Customer, "name is Lucia Wojcik")],
            "my | name is [NAME]",
        ),
        (
            &[
                (Customer, "I live at 22 Victoria"),
                (Customer, "Terrace, thanks"),
            ],
            "I live at [ADDRESS] | [ADDRESS], thanks",
        ),
        (
            &[
                (Customer, "it is 078051123"),
                (Customer, "that is my social security number"),
            ],
            "it is [SSN] | that is my social security number",
        ),
        (
            &[
                (Agent, "I have sent you a link to set a new"),
                (Agent, "password"),
                (Customer, "Chrome crashes"),
            ],
            "I have sent you a link to set a new | password | Chrome crashes",
        ),
        (
            &[
                (Agent, "your address please"),
                (Customer, "14 Maple Street"),
                (Customer, "the app keeps crashing all the time"),
            ],
            "your address please | [ADDRESS] | the app keeps crashing all the time",
        ),
    ];
    for (turns, expected) in cases {
        assert_eq!(redacted(turns), expected);
    }
}
