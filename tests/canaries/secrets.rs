//! The secrets that are planted: of each kind a dialogue in which somebody gives one away.

/// A dialogue that gives a secret away, and the parts of it that nobody may find afterwards.
pub(crate) struct Planted {
    pub(crate) kind: &'static str,
    /// The speaker and the words of each turn.
    pub(crate) turns: &'static [(&'static str, &'static str)],
    /// What must be nowhere, as it was said.
    pub(crate) canaries: &'static [&'static str],
}

const AGENT: &str = "agent";
const CUSTOMER: &str = "customer";

macro_rules! planted {
    ($($kind:literal: [$(($who:ident, $words:literal)),+ $(,)?] => [$($canary:literal),+ $(,)?];)+) => {
        &[$(Planted { kind: $kind, turns: &[$(($who, $words)),+], canaries: &[$($canary),+] }),+]
    };
}

/// Every secret that is planted.
pub(crate) const PLANTED: &[Planted] = planted! {
    "card in one turn": [(AGENT, "card number please"), (CUSTOMER, "it is 4539 1488 0343 6467")] => ["4539", "0343 6467"];
    "card in two turns": [(AGENT, "card number please"), (CUSTOMER, "4485 2758"), (AGENT, "okay"), (CUSTOMER, "9145 0010")] => ["4485", "9145"];
    "card in four turns nobody asked for": [(CUSTOMER, "5425"), (AGENT, "mm hmm"), (CUSTOMER, "2334"), (AGENT, "yes"), (CUSTOMER, "3010"), (AGENT, "go on"), (CUSTOMER, "9903")] => ["5425", "2334", "3010", "9903"];
    "card in words": [(CUSTOMER, "my card is four nine two nine seven three eight two one one six eight zero four five one")] => ["nine two nine", "eight two one", "zero four five"];
    "card with backchannels": [(AGENT, "the long number on the card"), (CUSTOMER, "four seven one six okay two zero five eight yes nine three one one got it six two four seven")] => ["seven one six", "three one one"];
    "card with slashes": [(CUSTOMER, "charge 4916/3385/0606/3014 for it")] => ["4916/3385", "0606/3014"];
    "card misheard": [(CUSTOMER, "my credit card number is 1242 2341 3673 9999")] => ["1242 2341", "3673"];
    "card of fifteen digits": [(CUSTOMER, "use my amex 3714 496353 98431")] => ["496353", "98431"];
    "security code": [(AGENT, "and the security code?"), (CUSTOMER, "that would be 8427")] => ["be 8427"];
    "security code announced": [(CUSTOMER, "the cvv is 5931 I think")] => ["is 5931"];
    "expiry": [(AGENT, "what is the expiry date of the card"), (CUSTOMER, "it expires 09/2031")] => ["09/2031"];
    "PIN": [(AGENT, "what is your PIN?"), (CUSTOMER, "it's 77412")] => ["77412"];
    "PIN announced": [(CUSTOMER, "my pin is 60934")] => ["60934"];
    "passcode in words": [(AGENT, "please say your passcode"), (CUSTOMER, "six six one nine")] => ["six six one nine"];
    "password": [(CUSTOMER, "my password is Quagmire1987x")] => ["Quagmire1987x"];
    "memorable word": [(AGENT, "can you give me your memorable word"), (CUSTOMER, "xylophonist")] => ["xylophonist"];
    "maiden name": [(AGENT, "What is your mother's maiden name?"), (CUSTOMER, "Featherstonehaugh")] => ["Featherstonehaugh"];
    "bank account": [(CUSTOMER, "sort code 20-14-53 account 55779911")] => ["20-14-53", "55779911"];
    "bank account asked for": [(AGENT, "what's your bank account number"), (CUSTOMER, "31926819")] => ["31926819"];
    "routing number": [(AGENT, "What is the routing number?"), (CUSTOMER, "it's 026009593")] => ["026009593"];
    "IBAN": [(CUSTOMER, "my IBAN is DE75 5121 0800 1245 1261 99")] => ["5121 0800", "1261 99"];
    "IBAN in pieces": [(AGENT, "What's your IBAN?"), (CUSTOMER, "GB33 BUKB"), (AGENT, "yes"), (CUSTOMER, "2020 1555 5555 55")] => ["BUKB", "1555 5555"];
    "e-mail": [(CUSTOMER, "write to marguerite.dubois@fastmail.example.org")] => ["marguerite.dubois"];
    "e-mail in words": [(AGENT, "What's the best email for you?"), (CUSTOMER, "thaddeus dot quill at gmail dot com")] => ["thaddeus", "quill"];
    "e-mail half spoken": [(CUSTOMER, "send it to barnaby77 at gmail.com")] => ["barnaby77"];
    "phone of the United States": [(CUSTOMER, "call me at (415) 555-0132")] => ["555-0132"];
    "phone of the United Kingdom": [(CUSTOMER, "yes, my number is 01632 960743")] => ["960743"];
    "phone with a plus": [(CUSTOMER, "you can reach me at +49 1512 3456789")] => ["3456789"];
    "phone of India": [(AGENT, "your mobile number please"), (CUSTOMER, "98480 22338")] => ["22338"];
    "phone of Japan": [(CUSTOMER, "my Japanese number is 090-1790-1357")] => ["1790-1357"];
    "phone of France": [(CUSTOMER, "my number is 06 12 48 56 78")] => ["12 48 56"];
    "phone in words": [(AGENT, "what's a good number to reach you"), (CUSTOMER, "two oh two five five five oh one seven three")] => ["two oh two", "oh one seven"];
    "social security number": [(CUSTOMER, "it is 078-05-1129 that is my social security number")] => ["05-1129"];
    "social security number in pieces": [(AGENT, "Can you verify your social security number?"), (CUSTOMER, "five one nine"), (AGENT, "okay"), (CUSTOMER, "eight four two one one seven")] => ["five one nine", "one one seven"];
    "national insurance number": [(CUSTOMER, "my national insurance number is QQ 12 34 56 C")] => ["12 34 56"];
    "passport": [(CUSTOMER, "my passport number is X73829461")] => ["X73829461"];
    "driver's license": [(AGENT, "what is your driver's license number"), (CUSTOMER, "it's D6101-40706-60905")] => ["40706"];
    "birth": [(AGENT, "and your date of birth"), (CUSTOMER, "the fourteenth of February 1983")] => ["February 1983"];
    "birth in figures": [(CUSTOMER, "my date of birth is 06151991")] => ["06151991"];
    "address": [(AGENT, "Can you confirm your home address?"), (CUSTOMER, "7714 Wisteria Lane")] => ["7714", "Wisteria"];
    "name": [(CUSTOMER, "Hi, my name is Philomena Oyelaran")] => ["Philomena", "Oyelaran"];
    "name asked for": [(AGENT, "can I have your full name please"), (CUSTOMER, "Thelonious Abernathy")] => ["Thelonious", "Abernathy"];
};
