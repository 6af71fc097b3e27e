//! Answers to a question for a name, and what people say instead of one.

use insights_core::pii::{RedactionPolicy, SpeakerRole, redact_turns};

use SpeakerRole::{Agent, Customer};

const QUESTIONS: [&str; 6] = [
    "May I have your name please?",
    "who am I speaking with",
    "Hello, may I ask who I'm speaking with?",
    "and what's the name on the account",
    "Can I get your full name for the ticket?",
    "what is your first name",
];

/// Returns what a customer says after a question, masked.
fn after(question: &str, said: &str) -> String {
    let turns = [(Agent, question), (Customer, said)];
    redact_turns(turns, &RedactionPolicy::default())[1]
        .text
        .clone()
}

#[test]
fn exclamations_thanks_and_talk_are_no_answers_to_a_question_for_a_name() {
    let talk = [
        "Great, it works again, that was quick, thank you so much!",
        "great it works again thank you",
        "Wow, that was fast!",
        "Oh wow.",
        "It works!",
        "works now",
        "Fixed it, thanks",
        "Yay, the router is back online",
        "Okay, it is blinking now. It says connected.",
        "it's working again",
        "My router keeps losing the connection since yesterday.",
        "the screen went black",
        "Wi-Fi dropped again",
        "Awesome, that helped a lot, much appreciated!",
        "Brilliant, sorted",
        "You guys are lifesavers",
        "thanks a million",
        "why do you need that",
        "I already told your colleague",
        "hold on, somebody is at the door",
        "Netflix works again now",
        "my Comcast box is dead",
        "it froze",
        "Everything crashed this morning.",
        "I want to cancel my subscription",
        "Terrible service, honestly",
        "never mind, it reconnected",
        "Unbelievable!",
        "what a relief",
        "she hung up on me",
        "I was charged twice in January",
        "it should have been here on Monday",
        "Restarting it now",
        "Yes, that is the right address.",
        "Could you say that once more, please?",
        "sorry, can you repeat the question",
    ];
    let wrong: Vec<String> = QUESTIONS
        .iter()
        .flat_map(|question| talk.iter().map(move |said| (after(question, said), said)))
        .filter(|(masked, said)| masked != *said)
        .map(|(masked, said)| format!("{said:?} became {masked:?}"))
        .collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn names_are_found_among_exclamations_thanks_and_talk() {
    let answers = [
        ("Jane Doe", "Jane Doe"),
        ("jane doe", "jane doe"),
        ("it's kelly", "kelly"),
        ("Fred", "Fred"),
        ("emily browning", "emily browning"),
        ("sure, Priya Natarajan", "Priya Natarajan"),
        ("Yes this is Tom speaking", "Tom"),
        ("yes it's mohammed ahmed, thanks", "mohammed ahmed"),
        ("you're speaking with Maria Lopez", "Maria Lopez"),
        ("You're talking to dana whitfield", "dana whitfield"),
        ("oh hi, I'm Siobhan", "Siobhan"),
        ("um, just call me Ravi", "Ravi"),
        ("Jane, that's J A N E", "J A N E"),
        ("Okafor, O K A F O R", "Okafor"),
        (
            "Great, it works again. My name is Jane Doe by the way",
            "Jane Doe",
        ),
        ("Doe. Jane Doe.", "Doe"),
        ("it would be ludwig van beethoven", "beethoven"),
        ("mrs patel", "patel"),
        ("that's Juan de la Cruz", "Juan de la Cruz"),
        ("I think it's under hannah schmidt", "hannah schmidt"),
        ("the account holder is Olga Petrova", "Olga Petrova"),
        ("first name Anna, last name Berg", "Berg"),
        ("Jane Doe from accounting", "Jane Doe"),
        ("yeah Smith it is", "Smith"),
        ("no, sorry, Jane Roe", "Jane Roe"),
        (
            "well my husband's the account holder, so Peter Jones",
            "Peter Jones",
        ),
        ("O'Brien", "O'Brien"),
        ("Dr. Weiss", "Weiss"),
    ];
    let left: Vec<String> = QUESTIONS
        .iter()
        .flat_map(|question| {
            answers
                .iter()
                .map(move |(said, name)| (after(question, said), name))
        })
        .filter(|(masked, name)| {
            name.split(' ').any(|part| {
                masked
                    .split(|letter: char| !letter.is_alphanumeric() && letter != '\'')
                    .any(|word| word == part)
            })
        })
        .map(|(masked, name)| format!("{name:?} is left in {masked:?}"))
        .collect();
    assert!(left.is_empty(), "{}", left.join("\n"));
}

#[test]
fn whoever_says_with_whom_the_customer_speaks_asks_for_no_name() {
    for said in [
        "Hello, you are speaking with support, what can I do for you?",
        "You're speaking with the billing department, one moment please.",
        "thanks for speaking with us today, can I help with anything else?",
    ] {
        for answer in ["pluto", "Blimpo is down"] {
            assert_eq!(after(said, answer), answer, "{said}");
        }
    }
    for said in [
        "And am I speaking with the account holder?",
        "who's this I'm speaking with",
    ] {
        assert_eq!(after(said, "Jane Doe"), "[NAME]", "{said}");
    }
}

#[test]
fn a_sentence_is_no_answer_to_a_question_for_a_password_or_an_address_of_mail() {
    for question in [
        "what is your password",
        "What's the memorable word?",
        "and your email address please",
    ] {
        for said in [
            "Great, it works again",
            "oh now it works",
            "it froze",
            "they refunded it",
        ] {
            assert_eq!(after(question, said), said, "{question}");
        }
    }
    assert_eq!(
        after("what is your password", "it is bluebird"),
        "it is [PASSWORD]"
    );
    assert_eq!(
        after("What's the memorable word?", "bluebird"),
        "[PASSWORD]"
    );
}

#[test]
fn a_conversation_without_anything_personal_stays_as_it_is() {
    let turns = [
        (
            Agent,
            "Hello, you are speaking with support, what can I do for you?",
        ),
        (
            Customer,
            "My router keeps losing the connection since yesterday.",
        ),
        (Agent, "May I have your name please, while I look that up?"),
        (Customer, "Sure. Oh, hold on, all the lights went green!"),
        (
            Agent,
            "Let us restart it together; please hold the button for five seconds.",
        ),
        (Customer, "Okay, it is blinking now. It says connected."),
        (
            Customer,
            "Great, it works again, that was quick, thank you so much!",
        ),
        (Agent, "Wonderful, have a lovely day!"),
        (Customer, "You too, bye."),
    ];
    let redacted = redact_turns(turns, &RedactionPolicy::default());
    for ((_, said), redacted) in turns.iter().zip(redacted) {
        assert_eq!(redacted.text, *said);
    }
}

#[test]
fn a_name_is_introduced_by_a_greeting_or_by_what_is_booked_under_it() {
    let text = |said: &str| insights_core::pii::redact_text(said, &RedactionPolicy::default());
    for (said, masked) in [
        ("hi this is lucia castellanos", "hi this is [NAME]"),
        (
            "Good morning, this is Tom and I have a question",
            "Good morning, this is [NAME] and I have a question",
        ),
        (
            "hello I'm priya and I'm a customer of yours",
            "hello I'm [NAME] and I'm a customer of yours",
        ),
        (
            "the account's in the name of kwame okafor",
            "the account's in the name of [NAME]",
        ),
        (
            "it's under my husband's name, yuki wojcik",
            "it's under my husband's name, [NAME]",
        ),
        (
            "my name is Mark Will-May and I know how that sounds",
            "my name is [NAME] and I know how that sounds",
        ),
        ("your name is Richard G. Hawn", "your name is [NAME]"),
    ] {
        assert_eq!(text(said), masked);
    }
    for said in [
        "they killed whales in the name of science",
        "hi this is ridiculous",
        "hello I'm calling about my bill",
        "the menu is hard to read, yes, this is minor, but it costs time",
        "hey this is urgent",
        "hi I'm furious",
    ] {
        assert_eq!(text(said), said);
    }
}
