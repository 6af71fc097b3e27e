//! The complete answer of a call.

use bytes::Bytes;
use http::{HeaderMap, StatusCode};
use insights_core::lenient_json;
use serde::de::DeserializeOwned;

use crate::error::Error;

/// An answer with a status that another attempt would not change.
#[derive(Clone)]
pub struct Answer {
    /// The endpoint that answered, as logs and errors name it.
    pub endpoint: String,
    /// The HTTP status of the answer.
    pub status: StatusCode,
    /// The headers of the answer.
    pub headers: HeaderMap,
    /// The complete body of the answer.
    pub body: Bytes,
}

impl std::fmt::Debug for Answer {
    /// Leaves out headers and body, which may hold a token or a customer's words.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(
            f,
            "Answer({}, {}, {} bytes)",
            self.endpoint,
            self.status,
            self.body.len()
        )
    }
}

impl Answer {
    /// Parses the body as the JSON of a `T`, with the repairs of [`insights_core::lenient_json`].
    ///
    /// # Errors
    /// [`Error::InvalidResponse`] with the place in the body where it stops being a `T`, without the content.
    pub fn json<T: DeserializeOwned>(&self) -> Result<T, Error> {
        lenient_json::from_slice(&self.body).map_err(|error| {
            // The error itself is not kept as the cause: its text may quote a value. Place and kind are enough to find it.
            let kind = match error.classify() {
                serde_json::error::Category::Data => "the JSON has not the expected shape",
                _ => "it is not JSON",
            };
            let (line, column) = (error.line(), error.column());
            Error::invalid_response(
                &self.endpoint,
                format!("{kind} (line {line}, column {column})"),
            )
        })
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn read(body: &'static [u8]) -> Result<Value, Error> {
        let answer = Answer {
            endpoint: "GET /transcripts".to_owned(),
            status: StatusCode::OK,
            headers: HeaderMap::new(),
            body: Bytes::from_static(body),
        };
        answer.json()
    }

    #[test]
    fn odd_characters_and_numbers_do_not_make_an_answer_unreadable() {
        for body in [
            b"\xef\xbb\xbf[{\"text\":\"angry \\ud83d\"},null]".as_slice(),
            b"[{\"text\":\"angry \xf0\x9f\x98\"},1e400]",
        ] {
            let lines = read(body).unwrap();
            assert_eq!(lines, json!([{"text": "angry \u{fffd}"}, null]));
        }
    }

    #[test]
    fn an_unreadable_answer_is_named_by_its_place_alone() {
        let error = read(b"{\"secret\": canary}").unwrap_err().to_string();
        assert!(
            error.contains("line 1, column 12") && !error.contains("canary"),
            "{error}"
        );
    }
}
