//! Wordings that were written before the detector and that are only measured with: whoever changes the detector does not read
//! them, and adds none of their words to the detector because of them.

use insights_core::pii::PiiKind;

use crate::wordings::{KindWordings, Wordings};

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

/// The wordings that are only measured with.
pub(crate) const HELD_OUT: Wordings = Wordings {
    kinds: &[
        of(
            PiiKind::CreditCard,
            &[
                "Whenever you're ready, the long card number",
                "lovely, and the number on the card you'd like to use?",
                "what's the sixteen digits on there",
                "go ahead with your credit card number whenever you have it in front of you",
                "I can take payment now if you have your card to hand",
                "and the full number as it appears on the card",
                "would you mind reading out the debit card for me",
                "which card is it, can you give me all the digits",
            ],
            &[
                "use my amex {}",
                "here's the card number {}",
                "put it on card {}",
                "the number on my credit card is {}",
                "I'll pay by card, it's {}",
            ],
        ),
        of(
            PiiKind::SecurityCode,
            &[
                "and lastly the three numbers on the back",
                "what's the CVV on that",
                "security digits please",
                "flip the card over and tell me the code there",
                "and the card verification number",
                "the security number on the back next to the signature?",
            ],
            &[
                "cvc is {}",
                "my security code's {}",
                "the code on the back of my card says {}",
                "and {} for the cvv",
            ],
        ),
        of(
            PiiKind::CardExpiry,
            &[
                "and the expiration?",
                "what month and year does it run out",
                "expiring when?",
                "good through date?",
            ],
            &["expires {}", "expiration {}", "expiry date is {}"],
        ),
        of(
            PiiKind::Pin,
            &[
                "I need the pin to verify you",
                "could you tell me your PIN code",
                "what's the four digit pin on the account",
                "your phone PIN please?",
            ],
            &[
                "pin is {}",
                "my pin code is {}",
                "use pin {}",
                "The PIN I set was {}",
            ],
        ),
        of(
            PiiKind::Password,
            &[
                "and your account password?",
                "tell me your security word",
                "what did you put for your mother's maiden name",
                "the secret answer please",
            ],
            &["password {}", "my password's {}", "my security word is {}"],
        ),
        of(
            PiiKind::BankAccount,
            &[
                "whats the account number for the direct debit",
                "read me the account number off your statement",
                "your bank details please, starting with the account number",
            ],
            &[
                "bank account number {}",
                "it should go to account number {}",
                "my current account is {}",
            ],
        ),
        of(
            PiiKind::RoutingNumber,
            &[
                "sort code next please",
                "and your bank's routing number",
                "what sort code is that",
            ],
            &[
                "the sort code's {}",
                "routing {}",
                "my bank's routing number is {}",
            ],
        ),
        of(
            PiiKind::Iban,
            &["may I have your IBAN number", "and the IBAN to pay it to?"],
            &["the iban is {}", "please transfer it to {}"],
        ),
        of(
            PiiKind::Email,
            &[
                "which email did you sign up with",
                "what email address should I use",
                "do you have an email for the confirmation",
            ],
            &[
                "it's under {}",
                "reach me at {}",
                "email me on {}",
                "my mail address is {}",
            ],
        ),
        of(
            PiiKind::Phone,
            &[
                "and a contact number for you",
                "what's your cell",
                "phone number?",
                "which number can the technician ring you on",
            ],
            &[
                "ring me on {}",
                "my telephone number is {}",
                "my mobile's {}",
                "you can reach me on {}",
                "my contact number is {}",
            ],
        ),
        of(
            PiiKind::Ssn,
            &[
                "could you give me your social security",
                "and the social for the primary account holder",
            ],
            &["social security {}", "SSN is {}", "my social security's {}"],
        ),
        of(
            PiiKind::NationalInsurance,
            &[
                "do you have your national insurance number handy",
                "NI number?",
            ],
            &["my NI number is {}", "national insurance is {}"],
        ),
        of(
            PiiKind::Passport,
            &[
                "passport number please",
                "and the passport you'll travel with, what's its number",
            ],
            &["the passport number is {}", "my passport is {}"],
        ),
        of(
            PiiKind::DriversLicense,
            &[
                "could I get a license number off your driver's license",
                "driver license number?",
            ],
            &["driving licence number {}", "driver's license number is {}"],
        ),
        of(
            PiiKind::DateOfBirth,
            &[
                "for security, your date of birth",
                "what's your birth date",
                "and you were born when?",
                "your birthdate please",
            ],
            &[
                "born {}",
                "date of birth {}",
                "my DOB is {}",
                "her birthday is {}",
            ],
        ),
        of(
            PiiKind::Address,
            &[
                "and where do you live",
                "what's your billing address",
                "could you give me the street address",
                "the delivery address please",
            ],
            &[
                "I'm at {}",
                "home address is {}",
                "it's going to {}",
                "our house is {}",
            ],
        ),
        of(
            PiiKind::Name,
            &[
                "may I ask your name",
                "and what's the name on the account",
                "could you spell your full name for me",
                "whom do I have the pleasure of talking to",
            ],
            &[
                "this is {} calling",
                "I'm calling about my bill, my name is {}",
                "name is {}",
            ],
        ),
    ],
    answers: &[
        "{}",
        "{}",
        "{}",
        "That's {}",
        "yes that would be {}",
        "of course, {}",
        "alright it is {}",
        "uh {}",
        "okay, {} please",
        "let me look, {}",
        "I think it's {}",
        "hmm {}",
        "Sure thing. {}",
    ],
    backchannels: &[
        "sure",
        "yeah",
        "okay, next",
        "Alright",
        "mm-hmm",
        "I'm listening",
        "thanks",
        "uh-huh, and then?",
        "great",
        "carry on",
    ],
    inner_backchannels: &[
        "ok", "uh", "yeah", "alright", "and", "mhm", "er", "then", "hmm",
    ],
    read_backs: &[
        "I've got {}, is that right?",
        "just to confirm {}",
        "so {}",
        "that was {}",
        "alright, {} thank you",
    ],
    corrections: &[
        "no sorry it's {}",
        "correction, {}",
        "oh wait, {}",
        "scratch that, {}",
        "hang on, that's wrong, {}",
    ],
    interruptions: &[
        ("give me a minute, it's in the other room", "absolutely"),
        ("why do you need that", "just to verify you"),
        ("bear with me", "I'm here"),
        ("can you hear me okay", "yes loud and clear"),
    ],
    benign: &[
        "I placed order ######### on friday",
        "my booking reference is ######",
        "parcel number ############ is lost",
        "the total came to ###.## euros",
        "you charged me ## dollars twice",
        "my appointment is at 9:4# tomorrow",
        "the router shows 10.0.0.1#",
        "your ticket number is #######",
        "model number ######",
        "we spent 2,### dollars in 2023",
        "the 5#th street store was closed",
        "it's been 1# days",
        "claim number #######",
        "item ###### is out of stock",
        "I saw it on walmart dot com",
        "we're on extension 4##",
        "gate 2# at terminal 5",
        "error code 0x80070###",
        "the case id is ########",
        "flight 1### was canceled",
        "it's a 5# inch television",
        "the discount code SAVE2# doesn't work",
        "my download speed is ### megabits",
        "I was on hold for an hour and 2# minutes",
        "the policy started on June 1 2023",
        "two of the four chairs broke",
        "someone used my card in another country",
        "the pin pad is broken",
        "my name was misspelled on the letter",
        "the account was closed in 2019",
    ],
    benign_asks: &[
        ("could I have your booking reference", 6),
        ("what is the case number", 8),
        ("order id?", 9),
        ("the model number please", 6),
        ("how many units did you order", 2),
        ("what year did you buy it", 4),
    ],
    talk: &[
        "Good morning, what can I do for you today?",
        "one moment while I check that",
        "sorry to hear that",
        "Brilliant",
        "my internet is down again",
        "I'd like a refund",
        "are you still there",
        "can I speak to someone else",
        "okay that makes sense",
        "have a lovely day",
        "what does that mean",
        "nobody told me about the fee",
    ],
};
