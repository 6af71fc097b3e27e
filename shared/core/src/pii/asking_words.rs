//! The words that separate a sentence that asks for data from one that only mentions it. Each list is of words with blanks between them.

/// Verbs that ask somebody to say something.
pub(super) const GIVING: &str = "tell give say spell confirm verify provide read repeat state quote supply share dictate identify authenticate";

/// Verbs that ask for something only where it is typed while the speaker listens.
pub(super) const TYPING: &str = "enter key type input";

/// Verbs by which the speaker asks for something: "I need", "can I take".
pub(super) const TAKING: &str = "need require have get take grab ask collect note";

/// Verbs by which the speaker asks what somebody has in mind: "do you remember".
pub(super) const KNOWING: &str = "have know remember recall got see find want";

/// Words of a question for the data itself.
pub(super) const QUESTION: &str = "what what's whats which";

/// Words after which a question is not for the data: "what happens when you enter the password".
pub(super) const OTHER_QUESTION: &str = "happens happened happen error message when if after says asks asked page website site app screen";

/// Words of talk about a secret that is set, sent, lost or renewed.
pub(super) const CHANGING: &str = "set sets setting reset resets resetting change changes changed changing create creates created creating choosing chose chosen picking picked update \
     updates updated updating recover recovering restore restoring renew renewed renewing unlock unlocked unlocking block blocked lock locked forget forgot \
     forgotten forgetting lose lost losing replace replaced replacing delete deleted remove removed issue issued send sends sent sending receive received \
     keep protect store stored save saved write entering typing mistyped using modify modified edit edited editing swap generate generated assign assigned \
     register registered activate activated expired";

/// Words that tell of a thing that is still to be made or only one of many.
pub(super) const INDEFINITE: &str = "a an any another no";

/// What may stand between an indefinite word and what it belongs to.
pub(super) const ADJECTIVES: &str = "new temporary strong stronger different fresh replacement better safe secure valid own digit four six good weak wrong";

/// What may stand between a verb and its object: "set up your new PIN".
pub(super) const BEFORE_OBJECT: &str = "a an any another no your the my our their this that new old temporary strong different fresh own up on of you him her them to current forgotten four \
     digit";

/// Words that stand right before a thing.
pub(super) const DETERMINERS: &str = "your the my our their this that new old";

/// Verbs that say that somebody is checked.
pub(super) const CHECKING: &str = "confirm verify identify authenticate";
/// Words before the data as a means: "with your password", "about your PIN".
pub(super) const BEARING: &str = "with using use about regarding concerning without by via into";

/// Words that begin a condition.
pub(super) const CONDITION: &str =
    "when if after once where whenever before until while because since unless how";

/// Words right behind the data that tell something of it.
pub(super) const TELLING: &str = "has had hasn't will won't can can't cannot must should shouldn't needs might may works work doesn't didn't expired expires reset resets link links \
     page policy manager pad machine field box screen rules requirements change changes problem problems issue issues screenlock recovery protection \
     protected form letter mailer reminder";

/// What a secret can be said to be, so that it is not said.
pub(super) const STATES: &str = "wrong not expired incorrect changed locked blocked invalid never always being been reset unlocked correct right sent set case active activated old \
     outdated weak strong safe secure hacked compromised stolen gone missing broken too required needed valid working stored encrypted only rejected \
     refused disabled different updated fine accepted protected saved no longer about to";

/// Words that deny what follows.
pub(super) const DENIALS: &str = "not never don't dont won't wont can't cannot couldn't wouldn't shouldn't doesn't didn't nobody nor without mustn't needn't";

/// Words between a denial and the verb that it denies: "you don't have to give".
pub(super) const BETWEEN_DENIAL: &str =
    "have need to ever want you me us going be or actually even please allowed";

/// Words that may stand anywhere in a request.
pub(super) const POLITE: &str = "just please also quickly now then kindly maybe perhaps ever go ahead and first to going gonna again briefly have";

/// Those who do something for the listener, who is not asked then.
pub(super) const OTHERS: &str = "i i'll i'd i've we we'll we'd we've they they'll he she it it'll system someone somebody website";

/// Those who hear something, so that they do not say it.
pub(super) const LISTENERS: &str =
    "you them him her everyone anyone anybody customers people whether if that how why";
