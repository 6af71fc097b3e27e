//! The wordings with which the detector is developed. The wordings of `held_out` are only measured with.

use insights_core::pii::PiiKind;

/// How people ask for and announce a secret of one kind.
#[derive(Clone, Copy)]
pub(crate) struct KindWordings {
    pub(crate) kind: PiiKind,
    /// Questions of an agent.
    pub(crate) asks: &'static [&'static str],
    /// Sentences of a customer who was not asked; `{}` stands for the secret.
    pub(crate) announcements: &'static [&'static str],
}

/// Everything that is said in the generated conversations but the secrets.
pub(crate) struct Wordings {
    pub(crate) kinds: &'static [KindWordings],
    /// Answers to a question; `{}` stands for the secret.
    pub(crate) answers: &'static [&'static str],
    /// What the listener says between two pieces.
    pub(crate) backchannels: &'static [&'static str],
    /// What the speaker says between two pieces of one turn.
    pub(crate) inner_backchannels: &'static [&'static str],
    /// What the agent says before a number is read back; `{}` stands for the secret.
    pub(crate) read_backs: &'static [&'static str],
    /// What the customer says before a piece is said again.
    pub(crate) corrections: &'static [&'static str],
    /// What a customer says who looks for the card, and what the agent answers.
    pub(crate) interruptions: &'static [(&'static str, &'static str)],
    /// Sentences with figures that are nobody's secret; `#` stands for a digit.
    pub(crate) benign: &'static [&'static str],
    /// Questions for a number that is no secret, with the length of the answer.
    pub(crate) benign_asks: &'static [(&'static str, usize)],
    /// Small talk without figures.
    pub(crate) talk: &'static [&'static str],
}

const fn of(
    kind: PiiKind,
    asks: &'static [&'static str],
    announcements: &'static [&'static str],
) -> KindWordings {
    KindWordings {
        kind,
        asks,
        announcements,
    }
}

/// The wordings that may be looked at while the detector is written.
pub(crate) const DEVELOPMENT: Wordings = Wordings {
    kinds: &[
        of(
            PiiKind::CreditCard,
            &[
                "Card number please",
                "And what's the long number across the front of the card?",
                "can i get the sixteen digit number on your card",
                "Which card would you like to pay with? Go ahead with the number.",
                "okay i'm ready for your card details",
                "Could you read me the debit card number, please?",
                "what is the number on the front of your visa",
                "I'll need your credit card information to process that",
                "may i have the account number on your credit card",
                "please key in or say the card number now",
            ],
            &[
                "my card number is {}",
                "The card is {}",
                "i want to pay with my visa {}",
                "it's a mastercard, number {}",
                "let me give you my card, {}",
                "Please charge it to {}, that's my debit card",
            ],
        ),
        of(
            PiiKind::SecurityCode,
            &[
                "and the security code?",
                "What are the three digits on the back?",
                "and the CVV please",
                "CVC?",
                "can you tell me the last three digits on the signature strip",
                "what's the verification code on the reverse of the card",
                "And the CV2 number for me",
                "the little number on the back of it, please",
            ],
            &[
                "cvv {}",
                "the security code on the back is {}",
                "the three digits on the back are {}",
                "{} is the cvc",
            ],
        ),
        of(
            PiiKind::CardExpiry,
            &[
                "expiry date?",
                "and when does it expire",
                "What's the expiration on that card?",
                "and the exp date please",
                "valid until when?",
            ],
            &[
                "exp {}",
                "it expires {}",
                "expiry {}",
                "the expiration date is {}",
            ],
        ),
        of(
            PiiKind::Pin,
            &[
                "What is your PIN?",
                "please say your four digit pin",
                "can i have your telephone banking pin",
                "and your pin number?",
                "Enter or say your passcode",
            ],
            &[
                "my PIN is {}",
                "my pin number is {}",
                "the passcode is {}",
                "it's pin {}",
            ],
        ),
        of(
            PiiKind::Password,
            &[
                "what's the password on the account",
                "What is your mother's maiden name?",
                "can you give me your memorable word",
                "and the answer to your security question",
                "what's the passphrase we have on file",
            ],
            &[
                "my password is {}",
                "the password would be {}",
                "my mother's maiden name is {}",
                "memorable word is {}",
            ],
        ),
        of(
            PiiKind::BankAccount,
            &[
                "what's your bank account number",
                "Could I take the account number please?",
                "and the checking account number",
                "which account should we debit, the number please",
            ],
            &[
                "my account number is {}",
                "account {}",
                "the account number's {}",
                "it's savings account number {}",
            ],
        ),
        of(
            PiiKind::RoutingNumber,
            &[
                "and the sort code",
                "What is the routing number?",
                "can I have your sort code please",
                "the ABA number at the bottom left of the check?",
            ],
            &[
                "sort code {}",
                "the routing number is {}",
                "sort code is {}",
            ],
        ),
        of(
            PiiKind::Iban,
            &[
                "What's your IBAN?",
                "could you give me the international account number",
                "please read out the iban",
            ],
            &["my IBAN is {}", "IBAN {}", "you can refund to {}"],
        ),
        of(
            PiiKind::Email,
            &[
                "What's the best email for you?",
                "and your e-mail address",
                "where can I email the receipt to?",
                "can you spell your email address for me",
            ],
            &[
                "my email is {}",
                "you can write to me at {}",
                "send it to {}",
                "the address is {}, all lowercase",
            ],
        ),
        of(
            PiiKind::Phone,
            &[
                "what's a good number to reach you",
                "Can I get a callback number?",
                "your mobile number please",
                "what phone number is on the account",
                "in case we get cut off, what number are you calling from",
            ],
            &[
                "my number is {}",
                "you can call me back on {}",
                "the best number to get me at is {}",
                "it's my cell, {}",
                "text me at {}",
                "you can whatsapp me, {}",
                "phone {}",
            ],
        ),
        of(
            PiiKind::Ssn,
            &[
                "what's your social",
                "Can you verify your social security number?",
                "your full SSN please",
            ],
            &[
                "my social security number is {}",
                "my social is {}",
                "{} that is my social security number",
            ],
        ),
        of(
            PiiKind::NationalInsurance,
            &[
                "what is your national insurance number",
                "and your NI number please",
            ],
            &["my national insurance number is {}", "NI number {}"],
        ),
        of(
            PiiKind::Passport,
            &[
                "can i have your passport number",
                "what's the number on your passport",
            ],
            &["my passport number is {}", "passport {}"],
        ),
        of(
            PiiKind::DriversLicense,
            &[
                "what is your driver's license number",
                "and your driving licence number",
            ],
            &["my driver's license is {}", "my licence number is {}"],
        ),
        of(
            PiiKind::DateOfBirth,
            &[
                "and your date of birth",
                "What is your birthday?",
                "can you confirm your DOB",
                "when were you born",
                "date of birth for the account holder?",
            ],
            &[
                "I was born on {}",
                "my date of birth is {}",
                "dob {}",
                "my birthday is {}",
            ],
        ),
        of(
            PiiKind::Address,
            &[
                "what's the address on the account",
                "Can you confirm your home address?",
                "and the first line of your address",
                "where should we ship it to",
            ],
            &[
                "I live at {}",
                "my address is {}",
                "send it to {} please",
                "we moved to {} last week",
            ],
        ),
        of(
            PiiKind::Name,
            &[
                "can I have your full name please",
                "who am I speaking with",
                "And your name?",
                "could i get your first and last name",
            ],
            &[
                "my name is {}",
                "Hi, my name's {} and I have a question",
                "the account is under the name {}",
            ],
        ),
    ],
    answers: &[
        "{}",
        "{}",
        "{}",
        "it's {}",
        "Yes, it's {}.",
        "sure, {}",
        "ok so that's {}",
        "um, {}",
        "yeah {}",
        "It is {}, thanks",
        "okay hold on, here it is, {}",
        "right, {}",
    ],
    backchannels: &[
        "okay",
        "mm hmm",
        "uh huh",
        "Yes",
        "got it",
        "go on",
        "right",
        "Thank you, and the rest?",
        "mhm",
        "ok go ahead",
        "yep",
        "perfect",
    ],
    inner_backchannels: &[
        "okay",
        "yes",
        "got it",
        "mm hmm",
        "uh huh",
        "right",
        "um",
        "and then",
        "let me see",
        ",",
    ],
    read_backs: &[
        "So that's {}, correct?",
        "let me read that back, {}",
        "{}, got it",
        "okay I have {}",
        "Thank you, {}, one moment",
    ],
    corrections: &[
        "sorry, I mean {}",
        "no wait, {}",
        "Actually it's {}",
        "let me start over, {}",
        "my mistake, {}",
    ],
    interruptions: &[
        ("hold on, let me find my glasses", "sure, take your time"),
        ("one second", "no problem"),
        ("is this line secure?", "yes it is, we're encrypted"),
        ("let me grab my purse", "of course"),
        ("sorry, my dog is barking", "no worries at all"),
    ],
    benign: &[
        "my order number is #########",
        "Order ########## never arrived",
        "the tracking number is 94001#################",
        "I have ticket ###### open since May",
        "it says case number 0#######",
        "I paid $###.## for it",
        "that was ### dollars and ## cents",
        "the meeting was at 1#:30 on 2024-05-1#",
        "your site gave me error ###",
        "my router is at 192.168.1.1##",
        "IMEI 35209900176148#",
        "I waited 4# minutes yesterday",
        "I bought it at amazon dot com last week",
        "the invoice number is INV-#######",
        "order number five five four two one nine eight",
        "I've called # times since 20##",
        "it's version 1#.4.2",
        "he ordered 1# boxes of size 1#",
        "the reference is ########",
        "between 2 and 3 pm works",
        "it was 30 percent off",
        "the serial number is SN#########",
        "confirmation code X#K9##",
        "flight BA ###",
        "we have two kids and three dogs",
        "my bill went from ## to ### pounds",
        "I got the email from ebay dot com on monday",
        "channel 4 and channel 5 are gone",
        "the warranty runs for 24 months",
        "my card was declined twice",
        "I forgot my password again",
        "my address has changed since march",
        "the game sold 1,2##,### copies",
    ],
    benign_asks: &[
        ("what's your order number", 8),
        ("Can I have the tracking number please?", 12),
        ("do you have the ticket number", 7),
        ("what's the serial number of the device", 9),
        ("and the invoice number?", 7),
        ("how much was the charge", 3),
    ],
    talk: &[
        "Thanks for calling, how can I help?",
        "let me pull up your account",
        "I see, that must be frustrating",
        "Great",
        "is there anything else",
        "no that's all for today",
        "I want to cancel my subscription",
        "why was I charged twice",
        "the app keeps crashing",
        "that's really helpful, thank you",
        "so what happens now",
        "I'll send you a confirmation",
    ],
};
