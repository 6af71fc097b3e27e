//! Phrases of agents and customers for generated conversations.

/// A reason for contacting the company, with its phrases.
pub(super) struct Theme {
    /// First utterances of customers.
    pub(super) problems: &'static [&'static str],
    /// Details that customers add when asked.
    pub(super) details: &'static [&'static str],
    /// Questions and actions of agents.
    pub(super) steps: &'static [&'static str],
}

/// Reasons for contacting the company.
pub(super) const THEMES: [Theme; 6] = [
    Theme {
        problems: &[
            "I was charged twice on my last invoice.",
            "There is a fee of 12.50 on my bill that nobody can explain.",
            "The refund you promised me three weeks ago has not arrived.",
            "My direct debit was taken before the payment date.",
            "The discount on my tariff is missing from this month's bill.",
        ],
        details: &[
            "The invoice is from the third and the amount is 84.90.",
            "I have the bank statement here, both payments were debited on the same day.",
            "I already sent the receipt and the payment reference by email.",
            "The charge is called service fee, and I never ordered any service.",
        ],
        steps: &[
            "Could you tell me the invoice number, please?",
            "I can see the duplicate payment on your billing account.",
            "I will credit the amount to your next invoice.",
            "The refund takes up to five working days to reach your bank.",
            "I have opened a case with our billing department.",
        ],
    },
    Theme {
        problems: &[
            "My internet connection drops every evening.",
            "The wifi is terribly slow since the update.",
            "The router shows a red light and nothing works.",
            "We have had no network signal since yesterday morning.",
            "Video calls keep freezing although I pay for the fast line.",
        ],
        details: &[
            "I restarted the router twice and changed the cable.",
            "The speed test shows four megabits instead of a hundred.",
            "It happens on the laptop, the phone and the television.",
            "The neighbors on the same line have no problem.",
        ],
        steps: &[
            "Please unplug the router for thirty seconds.",
            "I am running a line test now, one moment.",
            "There was an outage at the exchange near you.",
            "I will change the wifi channel of your router from here.",
            "A technician can visit and measure the line tomorrow.",
        ],
    },
    Theme {
        problems: &[
            "I cannot log in to my account any more.",
            "The password reset email never arrives.",
            "The app says that my verification code is invalid.",
            "My account is locked after three attempts.",
            "I changed my phone and the login code goes to the old number.",
        ],
        details: &[
            "I tried three browsers and the app, always the same error.",
            "My user name is my email address, it worked last week.",
            "I looked in the spam folder, there is no email.",
            "The error says access denied, contact support.",
        ],
        steps: &[
            "I will send a new verification code to your phone.",
            "Please choose a new password with at least twelve characters.",
            "Your account is unlocked now, please try to log in again.",
            "I have changed the email address on your profile.",
            "For your security I need to ask two questions first.",
        ],
    },
    Theme {
        problems: &[
            "My parcel was delivered to the wrong address.",
            "The tracking has not moved for six days.",
            "My order arrived with a broken screen.",
            "The courier says nobody was home, but I was here all day.",
            "Half of my order is missing from the package.",
        ],
        details: &[
            "The order number is on the delivery note, it ends in 411.",
            "The box was open and wet when I found it.",
            "It was a birthday present, and the birthday was on Sunday.",
            "The tracking page says that the parcel is in the depot.",
        ],
        steps: &[
            "I am asking the courier where the parcel is.",
            "We will send a replacement with express delivery today.",
            "You will receive a return label by email.",
            "Could you send us a picture of the damaged package?",
            "The delivery is booked for Thursday between eight and twelve.",
        ],
    },
    Theme {
        problems: &[
            "I want to cancel my subscription before it renews.",
            "I would like to upgrade to the family plan.",
            "My contract was extended by a year without my consent.",
            "What is the notice period of my contract?",
            "The renewal price is much higher than what was offered to me.",
        ],
        details: &[
            "I have been a customer for nine years.",
            "The offer in the letter said half the price for a year.",
            "I sent the cancellation in writing in March.",
            "We are moving abroad and cannot use the plan there.",
        ],
        steps: &[
            "Your contract ends on the last day of next month.",
            "I can offer you the same plan for a lower price.",
            "I will confirm the cancellation by letter.",
            "The upgrade starts with the next billing period.",
            "Let me check which conditions apply to your contract.",
        ],
    },
    Theme {
        problems: &[
            "The coffee machine stopped heating after two weeks.",
            "My new headset does not charge.",
            "The washing machine leaks water on the floor.",
            "The display of my tablet flickers all the time.",
            "The battery of the lawn mower is dead after one season.",
        ],
        details: &[
            "It is still under warranty, I have the receipt.",
            "The manual says to descale it, and I did that.",
            "It makes a loud noise and then switches itself off.",
            "I bought it in your shop in October.",
        ],
        steps: &[
            "Please read me the serial number on the back.",
            "We will repair the device free of charge under warranty.",
            "You can bring it to any of our shops.",
            "I am ordering the spare part for you.",
            "If the repair fails, we replace the device.",
        ],
    },
];

pub(super) const GREETINGS: &[&str] = &[
    "Good morning, thank you for calling, how can I help you?",
    "Hello, you are speaking with the service team, what can I do for you?",
    "Welcome, how may I help you today?",
];

pub(super) const EMPATHY: &[&str] = &[
    "I am sorry to hear that.",
    "I understand, that is annoying.",
    "Thank you for telling me.",
    "Let me look into that for you.",
    "Of course, I am happy to help.",
];

/// Openings of customers, from happy to angry.
pub(super) const OPENINGS: [&[&str]; 3] = [
    &[
        "Hi, I hope you can help me.",
        "Good morning!",
        "Hello, thanks for picking up so quickly.",
    ],
    &["Hello.", "Hi, I have a question.", "Yes, hello."],
    &[
        "I have been waiting for forty minutes!",
        "This is the third time I am calling about the same thing.",
        "Finally somebody answers, this is ridiculous.",
    ],
];

/// Reactions of customers, from happy to angry.
pub(super) const REACTIONS: [&[&str]; 3] = [
    &[
        "Oh great, that was quick.",
        "That sounds good, thank you.",
        "Perfect, I appreciate that.",
        "Nice, that works :)",
    ],
    &[
        "Okay.",
        "I see.",
        "One moment, please.",
        "Yes, that is right.",
        "Alright, go on.",
    ],
    &[
        "That is NOT acceptable!",
        "I am really disappointed in your service.",
        "Your colleague promised me the opposite, this is a joke.",
        "I am so angry, nobody takes this seriously!!",
        "That doesn't help me at all.",
    ],
];

/// Farewells of customers, from happy to angry.
pub(super) const FAREWELLS: [&[&str]; 3] = [
    &[
        "Thank you so much, you were very helpful! 😀",
        "Wonderful, thanks a lot, have a lovely day!",
        "Great service, I am really happy with that.",
    ],
    &["Okay, goodbye.", "Alright, bye.", "Thanks, bye."],
    &[
        "This is the worst service I have ever had.",
        "I will complain about this, goodbye.",
        "Terrible. I am going to cancel everything.",
        "I am frustrated and I still have no solution 😡",
    ],
];

/// Returns what the agent says at the end, by disposition.
pub(super) fn closing(disposition: &str) -> &'static [&'static str] {
    match disposition {
        "resolved" => &[
            "That is done now.",
            "Everything is fixed, is there anything else?",
            "It is solved, I am glad.",
        ],
        "escalated" => &[
            "I will pass this to my supervisor.",
            "A manager will take over your case.",
        ],
        "callback" => &[
            "We will call you back tomorrow before noon.",
            "A specialist will call you back today.",
        ],
        "transferred" => &["I am transferring you to the other department."],
        _ => &["I have noted everything in your file."],
    }
}
