//! The settings by which personal data is masked, which every function that stores or sends text reads.

use std::panic::{AssertUnwindSafe, catch_unwind};

use insights_core::pii::{MaskStyle, PiiKinds, RedactionPolicy};

use crate::metrics;
use crate::settings::{choice, text};

/// Where personal data is masked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RedactionMode {
    /// Nothing is masked anywhere.
    Off,
    /// Whatever is written to a store, a file or another service is masked.
    Store,
    /// What is shown to supervisors and sent in notices is masked too.
    Always,
}

crate::settings! {
    /// How personal data is masked.
    #[derive(Debug, Clone)]
    pub struct RedactionSettings {
        /// Where personal data is masked: `off` is nowhere, `store` is in everything that is written, `always` is also in what is shown and sent.
        /// The older values `false` and `true` mean `off` and `store`.
        pub mode: RedactionMode = choice("REDACT_PII", &[
            ("store", RedactionMode::Store),
            ("off", RedactionMode::Off),
            ("always", RedactionMode::Always),
            ("false", RedactionMode::Off),
            ("true", RedactionMode::Store),
        ]),
        /// Kinds of personal data that are masked.
        pub kinds: PiiKinds = text("REDACT_PII_KINDS", "`all`, or names of kinds separated by commas")
            .otherwise("all")
            .parse(|text| text.parse().map_err(|error| format!("kinds of personal data: {error}")))
            .map(|kinds| kinds.unwrap_or(PiiKinds::ALL)),
        /// Form of the masks: `kind` is the kind in brackets, such as `[CARD]`; `blocks` is four full blocks.
        pub mask: MaskStyle = choice("REDACT_PII_MASK", &[("kind", MaskStyle::Kind), ("blocks", MaskStyle::Blocks)]),
    }
}

impl RedactionSettings {
    /// Returns the policy by which text is masked before it is written; `None` if nothing is masked.
    #[must_use]
    pub fn for_stores(&self) -> Option<RedactionPolicy> {
        (self.mode != RedactionMode::Off).then_some(self.policy())
    }

    /// Returns the policy by which text is masked before it is shown or sent; `None` if it is not masked there.
    #[must_use]
    pub fn for_views(&self) -> Option<RedactionPolicy> {
        (self.mode == RedactionMode::Always).then_some(self.policy())
    }

    /// Returns the kinds that are masked and the form of the masks, wherever something is masked.
    #[must_use]
    pub const fn policy(&self) -> RedactionPolicy {
        RedactionPolicy {
            kinds: self.kinds,
            mask: self.mask,
        }
    }
}

/// Masks a text and counts the masks, which `mask` returns beside the text. A text whose masking breaks off is counted as refused and
/// `None`: what cannot be redacted is not stored.
pub fn mask_or_refuse<T>(mask: impl FnOnce() -> (T, usize)) -> Option<T> {
    match catch_unwind(AssertUnwindSafe(mask)) {
        Ok((masked, masks)) => {
            metrics::count("personal_data_masked", masks as u64);
            Some(masked)
        }
        Err(_) => {
            metrics::count("redactions_refused", 1);
            tracing::error!("a text could not be redacted and is not stored");
            None
        }
    }
}

#[cfg(test)]
mod tests {
    use insights_core::pii::PiiKind;

    use super::*;
    use crate::config::Env;

    fn read(pairs: &[(&str, &str)]) -> RedactionSettings {
        RedactionSettings::from_env(&Env::from_pairs(pairs.iter().copied())).unwrap()
    }

    #[test]
    fn what_is_written_is_masked_unless_it_is_set_otherwise() {
        assert_eq!(read(&[]).for_stores(), Some(RedactionPolicy::default()));
        assert_eq!(read(&[]).for_views(), None);
        for (value, stores, views) in [
            ("off", false, false),
            ("false", false, false),
            ("store", true, false),
            ("true", true, false),
            ("always", true, true),
        ] {
            let settings = read(&[("REDACT_PII", value)]);
            assert_eq!(
                (
                    settings.for_stores().is_some(),
                    settings.for_views().is_some()
                ),
                (stores, views),
                "{value}"
            );
        }
    }

    #[test]
    fn what_cannot_be_redacted_is_refused() {
        assert_eq!(mask_or_refuse(|| ("[CARD]", 1)), Some("[CARD]"));
        let refused: Option<String> = mask_or_refuse(|| panic!("a fault of the redactor"));
        assert_eq!(refused, None);
    }

    #[test]
    fn kinds_and_mask_are_chosen() {
        let settings = read(&[
            ("REDACT_PII_KINDS", "credit_card, pin"),
            ("REDACT_PII_MASK", "blocks"),
        ]);
        let policy = settings.for_stores().unwrap();
        assert!(policy.kinds.contains(PiiKind::Pin) && !policy.kinds.contains(PiiKind::Email));
        assert_eq!(policy.mask_of(PiiKind::Pin), "████");
        let error = RedactionSettings::from_env(&Env::from_pairs([("REDACT_PII_KINDS", "cards")]))
            .unwrap_err();
        assert!(error.to_string().contains("credit_card"), "{error}");
    }
}
