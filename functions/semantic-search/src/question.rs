//! The question of a request, out of its query.

use embedding::searcher::Filter;
use runtime::{Failure, Request, RequestExt};

/// Hits without a `limit`.
const LIMIT: usize = 10;
/// The most hits of a reply: a reply has 32 KB.
pub const MAX_LIMIT: usize = 100;
/// The longest question, in bytes; a model reads about 1,000 of them.
const MAX_QUESTION_BYTES: usize = 4096;
/// The longest name of a category, in bytes.
const MAX_INTENT_BYTES: usize = 64;

/// What is searched for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Question {
    /// The words, trimmed, not empty.
    pub text: String,
    /// Hits at most, 1 to 100.
    pub limit: usize,
    /// Conditions on the metadata.
    pub filter: Filter,
}

impl Question {
    /// Reads `q`, `limit`, `intent` and `contains_pii`; other parameters are ignored, and so are `limit`, `intent` and
    /// `contains_pii` where they are empty, as a form sends them.
    ///
    /// # Errors
    /// 400, naming the parameter and what is allowed.
    pub fn read(request: &Request) -> Result<Self, Failure> {
        let text = request.query_value("q").unwrap_or_default();
        let text = text.trim();
        if text.is_empty() {
            return Err(Failure::invalid(
                "missing_question",
                "'q' must be what to search for, as in /search?q=late+refund",
            ));
        }
        if text.len() > MAX_QUESTION_BYTES {
            let message = format!("'q' may have at most {MAX_QUESTION_BYTES} bytes");
            return Err(Failure::invalid("question_too_long", message));
        }
        let given = |name: &str| {
            let value = request.query_value(name)?.trim().to_owned();
            Some(value).filter(|value| !value.is_empty())
        };
        let limit = match given("limit") {
            None => LIMIT,
            Some(value) => {
                let number = value
                    .bytes()
                    .all(|byte| byte.is_ascii_digit())
                    .then(|| value.parse().ok())
                    .flatten();
                number
                    .filter(|limit| (1..=MAX_LIMIT).contains(limit))
                    .ok_or_else(|| {
                        Failure::invalid(
                            "invalid_limit",
                            format!("'limit' must be a whole number from 1 to {MAX_LIMIT}"),
                        )
                    })?
            }
        };
        let intent = given("intent");
        if intent
            .as_ref()
            .is_some_and(|intent| intent.len() > MAX_INTENT_BYTES)
        {
            return Err(Failure::invalid(
                "invalid_intent",
                "'intent' must be the name of a category",
            ));
        }
        let contains_pii = match given("contains_pii").as_deref() {
            None => None,
            Some("true") => Some(true),
            Some("false") => Some(false),
            Some(_) => {
                return Err(Failure::invalid(
                    "invalid_contains_pii",
                    "'contains_pii' must be true or false",
                ));
            }
        };
        Ok(Self {
            text: text.to_owned(),
            limit,
            filter: Filter {
                intent,
                contains_pii,
            },
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(query: &[(&str, &str)]) -> Result<Question, Failure> {
        let query = url::form_urlencoded::Serializer::new(String::new())
            .extend_pairs(query)
            .finish();
        let request = http::Request::get(format!("/search?{query}"));
        Question::read(&request.body(bytes::Bytes::new()).unwrap())
    }

    #[test]
    fn a_question_alone_takes_the_defaults() {
        let question = read(&[
            ("q", " late refund "),
            ("limit", ""),
            ("intent", ""),
            ("other", "x"),
        ])
        .unwrap();
        assert_eq!(
            question,
            Question {
                text: "late refund".to_owned(),
                limit: 10,
                filter: Filter::default()
            }
        );
    }

    #[test]
    fn all_parameters_are_read() {
        let question = read(&[
            ("q", "x"),
            ("limit", "100"),
            ("intent", "billing_dispute"),
            ("contains_pii", "false"),
        ])
        .unwrap();
        assert_eq!(question.limit, 100);
        assert_eq!(
            question.filter,
            Filter {
                intent: Some("billing_dispute".to_owned()),
                contains_pii: Some(false)
            }
        );
    }

    #[test]
    fn each_bad_parameter_has_its_code() {
        let long = "x".repeat(MAX_QUESTION_BYTES + 1);
        for (query, code) in [
            (vec![], "missing_question"),
            (vec![("q", "  ")], "missing_question"),
            (vec![("q", long.as_str())], "question_too_long"),
            (vec![("q", "x"), ("limit", "0")], "invalid_limit"),
            (vec![("q", "x"), ("limit", "101")], "invalid_limit"),
            (vec![("q", "x"), ("limit", "-1")], "invalid_limit"),
            (vec![("q", "x"), ("limit", "+5")], "invalid_limit"),
            (vec![("q", "x"), ("limit", "ten")], "invalid_limit"),
            (
                vec![("q", "x"), ("limit", "99999999999999999999999")],
                "invalid_limit",
            ),
            (
                vec![("q", "x"), ("contains_pii", "yes")],
                "invalid_contains_pii",
            ),
            (vec![("q", "x"), ("intent", &long[..65])], "invalid_intent"),
        ] {
            let failure = read(&query).unwrap_err();
            assert_eq!(
                (failure.status().as_u16(), failure.code()),
                (400, code),
                "{query:?}"
            );
        }
    }
}
