//! The words by which a conversation is read: what each word can be, looked up once for each word of a turn.

use std::sync::LazyLock;

use rustc_hash::FxHashMap;

use super::name_words::{EVERYDAY, EXCLAMATIONS};

/// What a word can be; a word may be several things at once.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct WordRoles(u32);

impl WordRoles {
    /// The word stands between the digits of one number: "uh", "dash", "and then".
    pub(super) const FILLER: Self = Self(1);
    /// The word shows that somebody listens: "okay", "mm hmm", "got it".
    pub(super) const BACKCHANNEL: Self = Self(1 << 1);
    /// The word is so common that it is never a name, a password or a part of an address.
    pub(super) const COMMON: Self = Self(1 << 2);
    /// The word links a label with its value: "is", "it's", "was".
    pub(super) const LINK: Self = Self(1 << 3);
    /// The word may be left out inside a phrase: "the", "your", "my".
    pub(super) const DETERMINER: Self = Self(1 << 4);
    /// The word is the name of a month.
    pub(super) const MONTH: Self = Self(1 << 5);
    /// The word is a day of the month as people say it: "fifteenth".
    pub(super) const ORDINAL: Self = Self(1 << 6);
    /// The word counts what the number before it is a number of: "minutes", "times".
    pub(super) const UNIT: Self = Self(1 << 7);
    /// The word ends the name of a street.
    pub(super) const STREET: Self = Self(1 << 8);
    /// The word ends the name of a street, and is an everyday word too: "way", "close".
    pub(super) const MAYBE_STREET: Self = Self(1 << 9);
    /// The word is the name of a mail provider.
    pub(super) const MAIL_PROVIDER: Self = Self(1 << 10);
    /// The word is the last part of a host name.
    pub(super) const TOP_LEVEL: Self = Self(1 << 11);
    /// The word is "at".
    pub(super) const AT: Self = Self(1 << 12);
    /// The word is "dot" or stands for a dot.
    pub(super) const DOT: Self = Self(1 << 13);
    /// The word is the name of another sign of an e-mail address: "underscore".
    pub(super) const SIGN: Self = Self(1 << 14);
    /// The word says that a turn asks for something or invites somebody to say something.
    pub(super) const REQUEST: Self = Self(1 << 15);
    /// The word names somebody who speaks, in a label such as `Agent:`.
    pub(super) const SPEAKER: Self = Self(1 << 16);
    /// The word announces that something follows or is meant in its place: "sorry", "actually".
    pub(super) const PLACE_BEFORE: Self = Self(1 << 17);
    /// The word is a part of an address: "flat", "apartment".
    pub(super) const DWELLING: Self = Self(1 << 18);
    /// The word is one of everyday talk that nobody is called by: "router", "works", "wow".
    pub(super) const EVERYDAY: Self = Self(1 << 19);

    /// Returns whether the word can be any of the given things.
    pub(super) const fn has(self, other: Self) -> bool {
        self.0 & other.0 != 0
    }

    /// Returns the union of two sets of roles.
    pub(super) const fn with(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// The roles of words that carry no value of their own.
    pub(super) const EMPTY_TALK: Self = Self(
        Self::FILLER.0 | Self::BACKCHANNEL.0 | Self::COMMON.0 | Self::LINK.0 | Self::DETERMINER.0,
    );
}

/// What a word says about a number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum NumberWord {
    /// One digit, from zero to nine.
    Digit(u8),
    /// Two digits, from ten to nineteen.
    Teen(u8),
    /// A multiple of ten, whose zero a following digit replaces.
    Tens(u8),
    /// So many zeros: hundred, thousand.
    Zeros(u8),
    /// The next digit counts so many times.
    Repeat(u8),
}

/// A word that the detector knows.
#[derive(Debug, Clone, Copy)]
pub(super) struct KnownWord {
    /// The number of the word, for phrases.
    pub(super) id: u16,
    /// What the word can be.
    pub(super) roles: WordRoles,
    /// What the word says about a number.
    pub(super) number: Option<NumberWord>,
}

/// Longest word that the detector knows, in bytes.
pub(super) const MAX_WORD_BYTES: usize = 24;

/// All words that the detector knows.
#[derive(Default)]
pub(super) struct Vocabulary {
    words: FxHashMap<&'static str, KnownWord>,
}

impl Vocabulary {
    /// Returns what is known of a word, which must be in lower case.
    pub(super) fn find(&self, word: &str) -> Option<KnownWord> {
        self.words.get(word).copied()
    }

    /// Returns the number of a word, which becomes known if it was not.
    pub(super) fn intern(&mut self, word: &'static str) -> u16 {
        let next = u16::try_from(self.words.len()).unwrap_or(u16::MAX);
        self.words
            .entry(word)
            .or_insert(KnownWord {
                id: next,
                roles: WordRoles::default(),
                number: None,
            })
            .id
    }

    fn add(&mut self, words: &'static str, roles: WordRoles) {
        for word in words.split_whitespace() {
            self.intern(word);
            if let Some(known) = self.words.get_mut(word) {
                known.roles = known.roles.with(roles);
            }
        }
    }

    fn add_number(&mut self, word: &'static str, number: NumberWord) {
        self.intern(word);
        if let Some(known) = self.words.get_mut(word) {
            known.number = Some(number);
        }
    }

    /// Builds the vocabulary without the words of phrases.
    pub(super) fn new() -> Self {
        let mut vocabulary = Self::default();
        for (words, roles) in ROLES {
            vocabulary.add(words, *roles);
        }
        for (place, words) in DIGITS.iter().enumerate() {
            for word in words.split_whitespace() {
                vocabulary.add_number(word, NumberWord::Digit(place as u8));
            }
        }
        for (place, word) in TEENS.split_whitespace().enumerate() {
            vocabulary.add_number(word, NumberWord::Teen(place as u8));
        }
        for (place, word) in TENS.split_whitespace().enumerate() {
            vocabulary.add_number(word, NumberWord::Tens(place as u8 + 2));
        }
        for (word, number) in OTHER_NUMBERS {
            vocabulary.add_number(word, *number);
        }
        vocabulary
    }
}

const DIGITS: [&str; 10] = [
    "zero oh o nought naught aught null nil",
    "one",
    "two",
    "three",
    "four",
    "five fife",
    "six",
    "seven",
    "eight",
    "nine niner",
];
const TEENS: &str =
    "ten eleven twelve thirteen fourteen fifteen sixteen seventeen eighteen nineteen";
const TENS: &str = "twenty thirty forty fifty sixty seventy eighty ninety";
const OTHER_NUMBERS: &[(&str, NumberWord)] = &[
    ("fourty", NumberWord::Tens(4)),
    ("hundred", NumberWord::Zeros(2)),
    ("thousand", NumberWord::Zeros(3)),
    ("double", NumberWord::Repeat(2)),
    ("triple", NumberWord::Repeat(3)),
    ("treble", NumberWord::Repeat(3)),
    ("quadruple", NumberWord::Repeat(4)),
];

const ROLES: &[(&str, WordRoles)] = &[
    (
        "uh um umm er erm ah and then dash hyphen space dot next slash comma plus followed by again so stroke point let's see me let hmm em ehm eh aha like you know",
        WordRoles::FILLER,
    ),
    (
        "okay ok k kay yes yeah yep yup ya yah yea aye righto grand brill right sure mm mmm hmm mhm mmhmm uh huh uhhuh got it go on ahead thanks thank you perfect great alright \
         lovely cool fine good correct exactly noted gotcha course cheers indeed totally definitely amazing nice awesome fab fantastic super continue carry excellent brilliant super wonderful understood absolutely certainly",
        WordRoles::BACKCHANNEL,
    ),
    (
        "a about after again ago all also always am an and another any anybody anyone anything are aren't around as ask at away back be because been \
         before being below best better between both bring but by call called calling came can can't cannot could couldn't day days did didn't do does \
         doesn't doing don't done down during each either else email end enough even ever every everyone everything far few find first for from full gave \
         get gets getting give given go goes going gone got had has hasn't have haven't having he hello help her here here's hers hey hi him his hold how \
         however i i'd i'll i'm i've if in instead into is isn't it it'd it'll it's its just keep kept know known last later least left less let letter like \
         little look looking lot made make makes many may maybe me mean means might mine minute moment month more most much must my myself need needs \
         never new no nobody none nope nor not nothing now number of off often oh old on once one only onto or other our ours out over own page paid \
         part pay people per phone please put quite rather read really record right said same say saying says see seen send sent shall she should since so \
         some someone something soon sorry speak speaking start started still such sure take taken talk tell than that that'd that'll that's the their \
         them then there there's these they they're thing things think this those though through till time times to today together told tomorrow \
         too took try trying two under until up upon us use used using very wait want wanted wants was wasn't way we we'd we'll we're we've week well \
         went were weren't what what's whatever when where whether which while who who's whole whom why will with within without won't work would \
         wouldn't write year years yesterday yet you you'd you'll you're you've your yours yourself hear ready secure line working wrong expired \
         incorrect changed problem issue account card mr mrs ms miss sir ma'am madam guys okay spelled spelt lowercase uppercase capital capitals \
         word words letters case small big believe guess actually bear second sec hang start over mistake correction scratch real quick \
         glasses purse wallet find grab room barking dog loud clear private safe secret because question answer forgot forgotten remember reset \
         misspelled misspelt happy upset angry frustrated unhappy ridiculous terrible awful disappointed interested wondering afraid able unable \
         bit bits final ones group groups block set front reverse bottom top side middle beginning hear listening waiting finding pulling          checking check typing enter entered says saying wanna gonna gotta ya yall dear love mate buddy man folks everybody actual proper simple easy hard          sounds sound seems seem believe think thought knew love like likes dislike hate mind minds rather whenever wherever because since unless although          morning afternoon evening night goodbye bye welcome appreciate appreciated pleasure worries worry trouble problems else's nothing's somebody's          such quick quickly slowly slow fast faster repeat repeated cut broke breaking missed miss catch caught hearing heard written wrote reading          does did doing happened happening happens told tells ask asked asking answer answered number's one's mine's else anymore already alone along          among around away became become between both certain clearly close closed open opened different enough entire especially exactly example          following further general getting given great half happen high inside itself large likely main matter mean meant much near nearly necessary often          ones others outside own past perhaps possible present probably purpose quite rest seem several show simply single small somewhat special          state stay stop sure than therefore thus together toward turn turned twice under used usually various went whatever whether without yes          okay alrighty righty ok okey kindly hopefully honestly basically literally obviously apparently anyway anyways btw          order refund cancel bill help customer agent service support long short late early online address name password pin code date birth",
        WordRoles::COMMON,
    ),
    (
        "is it's its it was are that's thats that would be will 's as says said reads starts begins ends ending with number no num this here's would're \
         being equals were",
        WordRoles::LINK,
    ),
    (
        "the your ur my a an that this his her our their its",
        WordRoles::DETERMINER,
    ),
    (
        "january february march april may june july august september october november december jan feb mar apr jun jul aug sep sept oct nov dec",
        WordRoles::MONTH,
    ),
    (
        "first second third fourth fifth sixth seventh eighth ninth tenth eleventh twelfth thirteenth fourteenth fifteenth sixteenth seventeenth \
         eighteenth nineteenth twentieth thirtieth",
        WordRoles::ORDINAL,
    ),
    (
        "second sec secs moment dollars dollar bucks pounds pound quid euros euro cents cent pence percent rupees yen francs usd eur gbp am pm a.m p.m o'clock minutes minute \
         mins min hours hour hrs days day weeks week months month years year seconds times time items item units unit people boxes copies pieces \
         miles kilometers inches inch inches feet gigs gigabytes megabytes megabits mb gb kb mbps meg points pages customers calls tickets orders \
         bags seats rooms nights guests adults kids children others more percent million billion k kg pounds ounces digit digits figure figures \
         character characters numbers letters of or stars degrees volts watts \
         meter meters metre metres centimeter centimeters centimetre centimetres millimeter millimeters millimetre millimetres kilometre kilometres cm km yards \
         gram grams kilogram kilograms kilo kilos milligrams milligram mg tonnes tons liters litres liter litre ml gallons gallon pints kilowatt kilowatts kwh amps \
         square acres terabytes tb gigabyte gigabits kilobytes pixels hertz mph kph rpm psi calories celsius fahrenheit gig meg business working calendar air nautical \
         percentage pages rows steps weeks nights months lbs lb oz ounce cards lines phones devices chairs dogs cats cars hundred's channels",
        WordRoles::UNIT,
    ),
    (
        "street road avenue lane boulevard terrace crescent rd ave blvd strasse straße highway parkway freeway mews",
        WordRoles::STREET,
    ),
    (
        "st drive court close way place dr ct pl ln square gardens grove row walk hill view park circle trail loop green rise",
        WordRoles::MAYBE_STREET,
    ),
    (
        "gmail googlemail hotmail outlook yahoo icloud aol protonmail proton gmx live msn btinternet comcast verizon posteo fastmail ymail rediffmail \
         mac me att sbcglobal virgin virginmedia sky talktalk optusnet bigpond orange wanadoo freenet web libero mailbox zoho hey",
        WordRoles::MAIL_PROVIDER,
    ),
    (
        "com net org edu gov info io co uk ca us de fr es it nl ch jp br in ie au nz eu app dev me biz ai tv xyz online shop cloud email tech pt se no dk fi \
         pl at be cz gr mil int ru cn mx ar za sg hk kr tr ro hu store site club live pro mobi name health law",
        WordRoles::TOP_LEVEL,
    ),
    ("at", WordRoles::AT),
    ("dot point period", WordRoles::DOT),
    ("underscore dash hyphen plus minus", WordRoles::SIGN),
    (
        "please pls plz kindly what what's whats which who whom can could may might would will give tell confirm verify read ready need go ahead where when enter say \
         provide spell have take get how key starting",
        WordRoles::REQUEST,
    ),
    (
        "agent customer caller client rep representative advisor adviser operator user member bot assistant visitor system transcript subject guest \
         consumer end_user speaker",
        WordRoles::SPEAKER,
    ),
    (
        "flat apartment apt unit suite floor house",
        WordRoles::DWELLING,
    ),
    (
        "to email mail address write me under on use it's is its that's",
        WordRoles::PLACE_BEFORE,
    ),
    (EVERYDAY, WordRoles::EVERYDAY),
    (EXCLAMATIONS, WordRoles::EVERYDAY.with(WordRoles::COMMON)),
];

/// The vocabulary with the words of the phrases, and the phrases themselves.
pub(super) static LANGUAGE: LazyLock<super::phrases::Language> =
    LazyLock::new(super::phrases::Language::new);
