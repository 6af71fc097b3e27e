//! How the vectors of the tokens become the vector of a text: the `1_Pooling/config.json` of a model folder.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::error::Error;

/// How the vectors of the tokens become the vector of a text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Pooling {
    /// The mean of all tokens is taken.
    Mean,
    /// The vector of the first token is taken, which stands for the text in models of BERT's kind.
    Cls,
}

impl Pooling {
    /// Parses the content of `1_Pooling/config.json`.
    ///
    /// # Errors
    /// If the file is not JSON, or names another way than the mean or the first token.
    pub(crate) fn parse(content: &[u8]) -> Result<Self, Error> {
        let config: BTreeMap<String, Value> = serde_json::from_slice(content)
            .map_err(|error| Error::config("1_Pooling is no JSON object").with_source(error))?;
        let mut modes: Vec<&str> = config
            .iter()
            .filter(|(_, value)| **value == Value::Bool(true))
            .filter_map(|(name, _)| name.strip_prefix("pooling_mode_"))
            .collect();
        // Newer versions write the name of the mode.
        modes.extend(config.get("pooling_mode").and_then(Value::as_str));
        match modes.as_slice() {
            // Divided by another number, the sum points where the mean points.
            ["mean" | "mean_tokens" | "mean_sqrt_len_tokens"] => Ok(Self::Mean),
            ["cls" | "cls_token"] => Ok(Self::Cls),
            other => Err(Error::config(format!(
                "1_Pooling names {other:?}; allowed is one of pooling_mode_mean_tokens and pooling_mode_cls_token"
            ))),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_mean_and_the_first_token_are_known_and_nothing_else() {
        let parse = |text: &str| Pooling::parse(text.as_bytes());
        let mean = r#"{"word_embedding_dimension": 384, "pooling_mode_cls_token": false, "pooling_mode_mean_tokens": true}"#;
        assert_eq!(parse(mean).unwrap(), Pooling::Mean);
        let cls = r#"{"pooling_mode_cls_token": true, "pooling_mode_mean_tokens": false, "include_prompt": true}"#;
        assert_eq!(parse(cls).unwrap(), Pooling::Cls);
        assert_eq!(parse(r#"{"pooling_mode": "cls"}"#).unwrap(), Pooling::Cls);
        for other in [
            r#"{"pooling_mode_lasttoken": true}"#,
            r#"{"pooling_mode_cls_token": true, "pooling_mode_mean_tokens": true}"#,
            r#"{"pooling_mode": "max"}"#,
            "{}",
            "[]",
        ] {
            assert!(
                parse(other).unwrap_err().to_string().contains("1_Pooling"),
                "{other}"
            );
        }
    }
}
