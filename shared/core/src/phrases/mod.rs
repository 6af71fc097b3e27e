//! Phrases: a small language for what people say, and rules made of it.
//!
//! A phrase is a row of words as a supervisor would write it down:
//!
//! | written | what it matches |
//! |---|---|
//! | `complaint` | the word and its forms (`complaints`), from six letters on also with one typing error |
//! | `=legal` | exactly this word |
//! | `sue/verb` | the word and its forms, unless it is written like a name: a capital letter inside a sentence |
//! | `lawyer*`, `*ed` | any word that begins, or ends, so |
//! | `#` | a number in digits |
//! | `(a\|b c)` | one of these |
//! | `[a\|b]` | one of these or nothing |
//! | `*`, `*5` | up to three, or up to five, words of the same clause |
//! | `,` | nothing, but the next word may be the first one of a clause |
//! | `^`, `$` | the beginning, or the end, of a clause |
//!
//! The words of a phrase stand in one clause, unless a `,` lets them go on in the next one, and always in one sentence. A
//! text is read without regard to case, with contractions written out (`don't` is `do not`), and emphasis (`_urgent_`),
//! spelled letters (`A.S.A.P.`) and repeated letters (`urgenttt`) seen through; see [`Words`].
//!
//! A rule says which phrases must be said, and `unless` which others: a phrase of `unless` takes back the occurrences that
//! it shares a word with, and a phrase of `still` keeps them nevertheless. Words that are mostly harmless count only where a
//! phrase of `only` shares a word with them. A [`RuleFile`] holds rules in TOML, with
//! parts of phrases under a name (`{name}`) and examples by which each rule is checked.
//!
//! All phrases of a [`PhraseSet`] are one automaton, which reads a text once and never goes back.
//!
//! ```
//! use insights_core::phrases::{RuleFile, RuleSet, Words};
//!
//! let file = RuleFile::from_toml(
//!     r#"
//!     [parts]
//!     wish = "(do|did) not (want|need)"
//!
//!     [[rule]]
//!     id = "cancellation"
//!     severity = "warn"
//!     said = ["cancel * (account|contract)"]
//!     unless = ["{wish} to {said}"]
//!     still = ["(why|if) you {wish}"]
//!     "#,
//! )
//! .unwrap();
//! let rules = RuleSet::new(&file, vec![file.compile(&file.rules()[0]).unwrap()]);
//! assert!(rules.find_first(&Words::new("please cancel my account")).is_some());
//! assert!(rules.find_first(&Words::new("I don't want to cancel my account")).is_none());
//! ```

mod automaton;
mod contractions;
mod forms;
mod rule_set;
mod rules;
mod spelling;
mod syntax;
mod vocabulary;
mod words;

pub use automaton::{Occurrence, PhraseSet};
pub use rule_set::{RuleHit, RuleSet};
pub use rules::{Examples, InvalidRules, Rule, RuleFile, RuleText};
pub use syntax::InvalidPhrase;
pub use words::Words;
