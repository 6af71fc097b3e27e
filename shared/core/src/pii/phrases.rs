//! The phrases that say what a number or a word is, or that it is nobody's secret.

use rustc_hash::FxHashMap;

use super::finding::PiiKind;
use super::vocabulary::Vocabulary;

/// What a phrase says about what follows it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Cue {
    /// The phrase names the data itself: "card number".
    Names(PiiKind),
    /// The phrase goes with such data and with much else: "card", "call me".
    Hints(PiiKind),
    /// The phrase asks for data where an agent says it, and is everyday talk elsewhere: "your first pet", "the account holder".
    Asks(PiiKind),
    /// The phrase names something that may be stored: an order, a ticket, an amount.
    Harmless,
    /// The phrase names a device, whose number passes the check of a card by chance.
    Device,
}

/// The words and phrases that the detector knows.
pub(super) struct Language {
    /// The words that have a role.
    pub(super) vocabulary: Vocabulary,
    edges: FxHashMap<(u16, u16), u16>,
    ends: Vec<Option<Cue>>,
}

impl Language {
    /// Builds the tree of all phrases.
    pub(super) fn new() -> Self {
        let mut language = Self {
            vocabulary: Vocabulary::new(),
            edges: FxHashMap::default(),
            ends: vec![None],
        };
        for (cue, phrases) in PHRASES {
            for phrase in phrases
                .split(',')
                .map(str::trim)
                .filter(|phrase| !phrase.is_empty())
            {
                let mut node = 0;
                for word in phrase.split_whitespace() {
                    let word = language.vocabulary.intern(word);
                    let fresh = u16::try_from(language.ends.len()).unwrap_or(u16::MAX);
                    node = *language.edges.entry((node, word)).or_insert(fresh);
                    if node == fresh {
                        language.ends.push(None);
                    }
                }
                language.ends[usize::from(node)] = Some(*cue);
            }
        }
        language
    }

    /// Returns the node of the tree that a word leads to from a node; the root is 0.
    pub(super) fn step(&self, node: u16, word: u16) -> Option<u16> {
        self.edges.get(&(node, word)).copied()
    }

    /// Returns what the phrase that ends at a node says.
    pub(super) fn cue_at(&self, node: u16) -> Option<Cue> {
        self.ends[usize::from(node)]
    }
}

// A determiner between two words of a phrase is skipped: "number on card" is also "number on your card".
const PHRASES: &[(Cue, &str)] = &[
    (
        Cue::Names(PiiKind::CreditCard),
        "card number, card numbers, card no, card nos, cc number, cc no, number of new one, number of new card, number across middle, number across front of card, credit card, debit card, credit card number, debit card number, bank card, payment card, card details, \
         card information, card info, long number, long card number, long digits, number across front, number on front, number on card, numbers on card, number off card, \
         number of card, number from card, account number on credit card, number on credit card, number on debit card, number on visa, sixteen digit, sixteen digits, 16 digit, 16 digits, \
         sixteen digit number, visa, mastercard, master card, amex, american express, maestro, payment details, credit card details, debit card details, \
         credit card information, digits on card, digits on front, card digits, pan number, card ending, card ending in, card ends, card ends in, card starting, card starts",
    ),
    (
        Cue::Hints(PiiKind::CreditCard),
        "card, cc, pay by card, pay with card, discover, diners",
    ),
    (
        Cue::Names(PiiKind::SecurityCode),
        "security code, security codes, cvv, cvc, cv2, cvv2, cvc2, cid, cvn, csc, card verification, verification code on back, verification code on reverse, verification value, \
         security number, security digits, card security, three digits, three digit, 3 digits, 3 digit, last three digits, last 3 digits, three numbers, three digit code, \
         number on back, digits on back, digits on reverse, numbers on back, code on back, code on reverse, code on signature, signature strip, last three on back, \
         back of card, back of it, reverse of card, code on card, four digits on front, little digits on front, four numbers on front, three digit number, last three digits on back, last three on signature strip, code on front, c v v, c v c, c v 2, code there, flip card, turn card over, turn over card",
    ),
    (
        Cue::Names(PiiKind::CardExpiry),
        "expiry, expiry date, end date, end date on card, good until, good till, valid till, valid to, expiration, expiration date, exp date, exp, expires, expire, expiring, expires on, valid until, valid thru, valid through, good through, good thru, \
         run out, runs out, date on card, month and year",
    ),
    (
        Cue::Names(PiiKind::Pin),
        "pin, t pin, m pin, pin no, pin number, pin code, pincode, passcode, pass code, access code, telephone pin, banking pin, phone pin, four digit pin, personal identification number, security pin, \
         verification code, one time code, one time passcode, one time password, otp",
    ),
    (
        Cue::Names(PiiKind::Password),
        "password, pw, pwd, passwd, pass word, passwords, passphrase, pass phrase, memorable word, security word, secret word, memorable answer, secret answer, security answer, answer to security question, \
         answer to secret question, security question, maiden name, mother's maiden name, mothers maiden name, name of first pet, first pet, memorable place, memorable name, password hint",
    ),
    (
        Cue::Names(PiiKind::BankAccount),
        "account number, account numbers, bank account, bank account number, checking account, checking account number, savings account, savings account number, current account, \
         current account number, bank details, acct number, acct no, acct num, acct, account no, number of account, number of bank account, account num, giro account",
    ),
    (Cue::Hints(PiiKind::BankAccount), "account"),
    (
        Cue::Names(PiiKind::RoutingNumber),
        "sort code, sort codes, routing number, routing no, routing num, routing, aba, aba number, transit number, bsb, bsb number, ifsc, ifsc code, bank code, swift code, swift, bic, bank identifier",
    ),
    (
        Cue::Names(PiiKind::Iban),
        "iban, iban number, international account number, international bank account, international bank account number",
    ),
    (
        Cue::Names(PiiKind::Email),
        "email address, email id, mail id, e mail id, e mail address, email, e mail, mail address, emails, e mails, mail",
    ),
    (
        Cue::Names(PiiKind::Phone),
        "phone number, telephone number, mobile number, cell number, cell phone, cellphone, mobile phone, callback number, call back number, contact number, contact numbers, \
         daytime number, best number, good number, number to reach, reach you, reach you on, reach you at, number you are calling from, number are you calling from, calling from, landline, \
         home number, work number, fax number, phone, telephone, mobile, cell, whatsapp, number can technician, ring you on, call you on, call you back on, call you back at, call you at, \
         text you at, text you on, phone no, ph no, ph, phone num, mobile no, cell no, contact no, number to get you on, number to get hold of you, tel, fax, handset number, number for you, another number, alternative number",
    ),
    (
        Cue::Hints(PiiKind::Phone),
        "number is, number's, call me, call us, call back, ring me, ring us, text me, reach me, reach us, get me at, get me on, get hold of me, contact me, contact, call, dial, give me a call, \
         phone me, number on account, call him, call her, call them, reach him, reach her, text us, my number, numbers are, new number, number was, message me, text, sms, area code, reached at, reached on, ring",
    ),
    (
        Cue::Names(PiiKind::Ssn),
        "social security, social security number, social security no, ssn, social, socials, social number, last four of social, tax id, itin, social insurance number, sin number",
    ),
    (
        Cue::Names(PiiKind::NationalInsurance),
        "national insurance, national insurance number, ni number, ni no, nino, n i number, n i no",
    ),
    (
        Cue::Names(PiiKind::Passport),
        "passport number, passport, passport no, number on passport, number of passport, number off passport, number in passport, document number on passport, new passport",
    ),
    (
        Cue::Names(PiiKind::DriversLicense),
        "driver's license, drivers license, driver license, driver's licence, drivers licence, driver licence, driving licence, driving license, license number, licence number, license no, licence no, drivers licence no, drivers license no, driving licence no, driving license no, number on license, number on licence, number off license, \
         number off licence, number on driver's license, number on driver's licence, number on drivers license, number on drivers licence, number on driving licence, number on driving license, \
         number of license, number of licence, driver's license no, \
         driver's license number, drivers license number, driver license number, driver's licence number, driving licence number, dl number, dl no, dl",
    ),
    (
        Cue::Names(PiiKind::DateOfBirth),
        "date of birth, day of birth, year of birth, month of birth, birth date, birthdate, birthday is, birthday was, my birthday, your birthday, his birthday, her birthday, dob, d.o.b, born, \
         born on, born in, d o b",
    ),
    (
        Cue::Names(PiiKind::Address),
        "home address, street address, billing address, shipping address, delivery address, mailing address, postal address, address on account, first line of address, \
         my address, your address, address is, address, where do you live, i live at, live at, live on, lives at, residing at, moved to, postcode, post code, zip code, zip, postal code, ship it to, deliver it to, deliver to, ship to, house is",
    ),
    (
        Cue::Names(PiiKind::Name),
        "my name is, my name's, name is, name's, your name, ur name, what's name, whats name, what is name, full name, first name, last name, surname, family name, first and last name, who am i speaking with, who am i speaking to, \
         who am i talking to, who am i talking with, whom am i speaking with, speaking with, pleasure of speaking, pleasure of talking, name on account, under name, under husband's name, under wife's name, under partner's name, under son's name, under daughter's name, under mother's name, under father's name, under name of, in name of, name on card, name on policy, name of policyholder, name on booking, good name, name please, spell your name, who is calling, who's calling",
    ),
    (
        Cue::Asks(PiiKind::Password),
        "town you were born, town born in, city you were born, city born in, where you were born, where were you born, place of birth, birthplace, first school, primary school, elementary school, \
         high school, favorite teacher, favourite teacher, favorite color, favourite colour, favorite movie, favourite movie, favourite film, favorite film, favorite food, favourite food, \
         favorite book, favourite book, favorite team, favourite team, favorite sports team, favorite band, favourite band, favorite place, favourite place, street you grew up on, \
         street grew up on, childhood nickname, childhood friend, best friend, first car, make of first car, first job, first boss, name of pet, pet's name, pets name, middle name of father, \
         father's middle name, mother's middle name, grandmother's name, grandfather's name, oldest sibling, memorable date, nickname, maiden",
    ),
    (
        Cue::Asks(PiiKind::Name),
        "account holder, who's account holder, who is account holder, policyholder, policy holder, cardholder, card holder, what name, which name, whose name, how are you called",
    ),
    (
        Cue::Asks(PiiKind::Email),
        "receipt emailed, emailed, where should we email",
    ),
    (
        Cue::Asks(PiiKind::Address),
        "where are we sending, where are we delivering, where should we send, where should it go, where is it going, where do we send, where would you like it sent, where would you like it delivered, \
         whereabouts are you",
    ),
    (
        Cue::Harmless,
        "order, orders, order number, order id, order no, ticket, ticket number, ticket id, tracking, tracking number, track it, parcel number, parcel, package number, case number, case id, case, reference, reference number, \
         booking reference, ref, invoice, invoice number, invoice no, confirmation, confirmation number, confirmation code, booking, booking number, booking code, serial, serial number, serial no, model, model number, part number, \
         sku, item, item number, product number, error, error code, claim, claim number, rma, policy, policy number, customer number, customer id, member number, member id, membership number, version, \
         build, flight, flight number, gate, terminal, extension, discount code, promo code, coupon, coupon code, voucher, voucher code, gift code, store number, zip file, how much, how many, charged, paid, costs, cost, owe, owed, price, \
         priced, total, totals, amount, balance, fee, fees, charge of, charge was, refund of, payment of, what year, which year, since, channel, room, room number, employee number, badge number, agent id, meter, meter reading, meter readings, current reading, last reading, the reading, reading is, reading was, mileage, \
         quantity, size, route, bus, train, platform, page, chapter, line number, highway, windows, iphone, galaxy, ip address, mac address, port, speed, pin pad, pinpad, chip and pin, pin machine, work order, purchase order, po number, contract number, incident, incident number, \
         request number, service request, return number, shipment, shipment number, delivery number, licence plate, license plate, registration, user id, software, firmware, meeting id, meeting, conference id, webinar, isbn, asin, upc, barcode, deposit of, spent, worth, units",
    ),
    (
        Cue::Device,
        "imei, imei number, meid, iccid, sim number, sim card number, imei is",
    ),
];
