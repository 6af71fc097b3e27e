//! A second set of wordings that are only measured with. They were written when the detector was finished, without its words in view, and
//! none of their words was added to the detector.

use insights_core::pii::PiiKind;

use crate::wordings::{Wordings, of};

/// The wordings that were written last.
pub(crate) const FRESH: Wordings = Wordings {
    kinds: &[
        of(
            PiiKind::CreditCard,
            &[
                "Right then, if you could read me the card number whenever you're ready",
                "what card number would you like that charged to",
                "let's take the sixteen digits from your bank card please",
                "I'm on the payment screen now, what's the card number",
                "and the number across the middle of the card?",
                "start with the first four digits of the card when you have it",
            ],
            &[
                "sure so the card number is {}",
                "you can bill my mastercard {}",
                "the new credit card number is {}",
                "I always pay with the same debit card, {}",
            ],
        ),
        of(
            PiiKind::SecurityCode,
            &[
                "and then the security code from the back of the card",
                "what's the three digit code next to your signature",
                "could I get the CVV as well",
                "finally the card security code",
            ],
            &[
                "security code is {}",
                "the cvv code is {}",
                "and the code on the back is {}",
            ],
        ),
        of(
            PiiKind::CardExpiry,
            &[
                "what month and year does the card expire",
                "and the expiration date printed on it",
                "good through what date",
            ],
            &["expires {}", "expiration is {}", "the card expires {}"],
        ),
        of(
            PiiKind::Pin,
            &[
                "can you confirm your PIN for me",
                "I'll need the four digit PIN you set up",
                "tell me your phone banking PIN please",
            ],
            &["the pin is {}", "my pin's {}", "PIN number {}"],
        ),
        of(
            PiiKind::Password,
            &[
                "could you tell me the password you set for this account",
                "and your mother's maiden name please",
                "what was the memorable word you chose",
            ],
            &["the password is {}", "I set the password to {}"],
        ),
        of(
            PiiKind::BankAccount,
            &[
                "what account number should the refund go into",
                "may I have your bank account number",
                "read me your checking account number please",
            ],
            &[
                "my bank account number is {}",
                "the account number is {}",
                "the checking account is {}",
            ],
        ),
        of(
            PiiKind::RoutingNumber,
            &[
                "and the routing number for that bank",
                "do you know your sort code",
            ],
            &["routing number {}", "my sort code is {}"],
        ),
        of(
            PiiKind::Iban,
            &[
                "can you give me the IBAN for the transfer",
                "what is the IBAN of that account",
            ],
            &["the iban is {}", "please transfer it to IBAN {}"],
        ),
        of(
            PiiKind::Email,
            &[
                "what email address should I send that to",
                "could I have an email for the confirmation",
                "and what's your email",
            ],
            &[
                "my email address is {}",
                "it's registered to {}",
                "can you email me at {}",
            ],
        ),
        of(
            PiiKind::Phone,
            &[
                "what number can we call you back on",
                "and the best phone number for you today",
                "could I take a contact number",
                "what's your cell phone number",
            ],
            &[
                "my phone number is {}",
                "please call me on {}",
                "you can reach me at {}",
                "my mobile is {}",
            ],
        ),
        of(
            PiiKind::Ssn,
            &[
                "may I have your social security number",
                "for verification, what is your social",
            ],
            &["my social security number is {}", "the social is {}"],
        ),
        of(
            PiiKind::NationalInsurance,
            &["can I take your national insurance number please"],
            &["my NI number is {}", "national insurance number is {}"],
        ),
        of(
            PiiKind::Passport,
            &["what's your passport number", "the passport number please"],
            &["the passport number is {}", "my passport is {}"],
        ),
        of(
            PiiKind::DriversLicense,
            &[
                "and the number on your driver's license",
                "what's your driving license number",
            ],
            &[
                "my driver's license number is {}",
                "driving licence number {}",
            ],
        ),
        of(
            PiiKind::DateOfBirth,
            &[
                "could you give me your date of birth",
                "and what is your birth date",
                "your date of birth for security please",
            ],
            &["my birthday's {}", "date of birth is {}", "I was born {}"],
        ),
        of(
            PiiKind::Address,
            &[
                "what is your current address",
                "and the street address please",
                "which address should the engineer come to",
            ],
            &[
                "my home address is {}",
                "I live at {}",
                "the parcel should go to {}",
            ],
        ),
        of(
            PiiKind::Name,
            &[
                "may I take your name please",
                "and who do I have the pleasure of speaking to",
                "what's the name on the account",
            ],
            &[
                "my full name is {}",
                "Hello, my name is {}",
                "the name is {}",
            ],
        ),
    ],
    answers: &[
        "{}",
        "{}",
        "sure it's {}",
        "of course, {}",
        "that's {}",
        "yes that's {}",
        "so it would be {}",
        "let me see, {}",
        "alright, {}",
        "it should be {}",
    ],
    backchannels: &[
        "okay",
        "yes",
        "mhm",
        "alright",
        "sure",
        "thank you",
        "keep going",
        "and next",
        "yup",
    ],
    inner_backchannels: &["okay", "yeah", "uh", "right", "sure", "and", ","],
    read_backs: &[
        "I've got {}, is that right?",
        "just to confirm, {}",
        "so {}, correct",
        "reading that back, {}",
    ],
    corrections: &[
        "sorry, that should be {}",
        "no sorry, {}",
        "wait no, it's {}",
        "I misread that, {}",
    ],
    interruptions: &[
        ("give me a second to find my wallet", "no rush"),
        ("hang on, the doorbell is ringing", "that's fine"),
        ("why do you need that", "it's only to verify your account"),
        ("I have to put you on speaker", "okay, no problem"),
    ],
    benign: &[
        "the order id is ########",
        "my tracking code is 1Z##########",
        "I opened ticket number ##### on Monday",
        "the package weighs ## pounds",
        "they charged me ## dollars and ## cents twice",
        "I called at 1#:45 and again at 3:1# pm",
        "it crashed on version ##.#.#",
        "the error says code ####",
        "my neighbor paid $#,### for the same thing",
        "the modem shows 10.0.0.1##",
        "I found it on amazon dot com for less",
        "there were ### people ahead of me in the queue",
        "the flight number is UA ####",
        "the promotion ends on the 2#th of May",
        "I've been a customer for ## years",
        "we are on the ## floor",
        "the booking reference is K#P##X",
        "model number XR-####",
        "the reservation was for ## nights in 20##",
        "about 4# percent of my calls drop",
        "I read it on the website booking dot com",
    ],
    benign_asks: &[
        ("could you read me the order number", 9),
        ("what's the tracking number on the label", 10),
        ("do you have a case number", 6),
        ("what is the model number", 6),
        ("how long have you been waiting", 2),
    ],
    talk: &[
        "Hello and welcome, how may I help you today",
        "I would like to know why my bill went up",
        "one moment while I check that",
        "that sounds frustrating, let me see what I can do",
        "the internet has been down since yesterday",
        "will somebody call me back",
        "great, thanks for your patience",
        "the delivery never showed up",
        "could you send me the invoice again",
        "I appreciate your help",
    ],
};
