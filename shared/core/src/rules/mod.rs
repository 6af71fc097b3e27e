//! Rules: what a contact center wants to know of its conversations, written down once and answered live and afterwards.
//!
//! A [`RuleFile`] is TOML. Each rule has a condition: what is said or not said, by whom and when, what the mood or the silence is,
//! and combinations of these. `docs/rules.md` describes the language. All phrases of a file are one automaton, which reads each
//! utterance once and never goes back.
//!
//! - Answers have **three values**. A condition whose window has not ended is open. Where the transcript has a gap in the window, the
//!   answer is unknown, which is shown as such and is never a hit: not said and not heard are different things.
//! - [`RuleFile::evaluate`] answers a conversation that is over. [`LiveRules`] does the same while the conversation goes on, with a
//!   bounded state that holds no words.
//! - A [`RuleHit`] names rule, version, segments and character offsets, so that the same rule gives the same bytes each time.
//!
//! ```
//! use insights_core::live::Speaker;
//! use insights_core::rules::{Dialogue, RuleFile, Truth, Utterance, quote};
//!
//! let file = RuleFile::from_toml(
//!     r#"
//!     [[rule]]
//!     id = "cancel-without-offer"
//!     when = { sequence = [
//!         { said = ["cancel * (account|contract)"], by = "customer", near = 4 },
//!         { not_said = ["offer you"], by = "agent", within = "90s after" },
//!     ] }
//!     "#,
//! )
//! .unwrap();
//! let mut call = Dialogue {
//!     utterances: vec![Utterance::new(Speaker::Customer, 0, 3000, "Please cancel my old contract")],
//!     ..Dialogue::default()
//! };
//! call.facts.end = Some(120_000);
//! let result = file.evaluate(&call);
//! let place = &result.hits[0].quotes[0];
//! let words = place.from as usize..place.to as usize;
//! assert_eq!(quote(&call.utterances[0].text, words), "cancel my old contract");
//!
//! call.gaps.push((10_000, 20_000));
//! assert_eq!(file.evaluate(&call).answer("cancel-without-offer"), Some(Truth::Unknown));
//! ```

mod asked_source;
mod condition;
mod decide;
mod evaluate;
mod examples;
mod facts;
mod hit;
mod live_rules;
mod located;
mod packed;
mod phrase_text;
mod possible;
mod read_condition;
mod rule_file;
mod scanner;
mod signals;
mod timeline;
mod truth;
mod utterance;

pub use asked_source::AskedSource;
pub use examples::{ExampleResult, example_dialogue};
pub use hit::{QuotePlace, RuleHit, RuleSeverity};
pub use live_rules::{Evaluation, LiveRules, RuleAnswer};
pub use located::{InvalidRuleFile, RuleFault};
pub use packed::InvalidPackedRules;
pub use read_condition::{Threshold, Unit};
pub use rule_file::{MAX_FILE_BYTES, RuleDefinition, RuleFile, RuleSuggestion};
pub use truth::Truth;
pub use utterance::{ConversationFacts, Dialogue, TimeSource, Utterance, WordTime, quote};

#[cfg(test)]
mod tests;
