//! The request to an HTTP function, and what functions read of it.

use std::borrow::Cow;
use std::time::{Duration, Instant};

use bytes::Bytes;
use http::header::CONTENT_TYPE;
use percent_encoding::percent_decode_str;

use crate::failure::Failure;
use crate::http::caller_name::CallerName;
use crate::invocation::Invocation;

/// The request to an HTTP function.
///
/// The URI has a path and a query, both percent-encoded; the path does not contain the stage of API Gateway. The extensions
/// hold the [`Invocation`].
pub type Request = http::Request<Bytes>;

/// The header by which a request is named, in both directions.
pub const REQUEST_ID: &str = "x-request-id";

/// Longest identifier of a request that is taken from its caller, in bytes.
const MAX_REQUEST_ID_BYTES: usize = 128;

/// Time for a request that carries no [`Invocation`], as in unit tests.
const DEFAULT_TIME_LIMIT: Duration = Duration::from_secs(5);

/// What functions read of a [`Request`].
///
/// ```
/// use bytes::Bytes;
/// use runtime::http::RequestExt;
///
/// let request = http::Request::get("/interactions/a%2Fb?limit=5&q=late+refund")
///     .header("content-type", "Application/JSON; charset=utf-8")
///     .body(Bytes::new())
///     .unwrap();
/// assert_eq!(request.path_segments().unwrap(), ["interactions", "a/b"]);
/// assert_eq!(request.query_value("q").as_deref(), Some("late refund"));
/// assert_eq!(request.media_type(), "application/json");
/// ```
pub trait RequestExt {
    /// Returns the value of a header if there is one and it is visible ASCII text.
    fn header_text(&self, name: &str) -> Option<&str>;

    /// Returns the first value of a query parameter, decoded.
    fn query_value(&self, name: &str) -> Option<Cow<'_, str>>;

    /// Returns the media type of the body in lower case and without its parameters; the text is empty if there is none.
    fn media_type(&self) -> String;

    /// Returns the segments of the path, percent-decoded once, without empty ones.
    ///
    /// # Errors
    /// A [`Failure`] with status 400 and code `invalid_path` if a decoded segment is not UTF-8.
    fn path_segments(&self) -> Result<Vec<String>, Failure>;

    /// Returns the moment by which the reply must be ready; five seconds from now if the request carries no [`Invocation`].
    fn deadline(&self) -> Instant;

    /// Returns API Gateway's identifier of the request; the text is empty if the request carries no [`Invocation`].
    fn request_id(&self) -> &str;

    /// Returns the identifier that the caller gave to the request as `x-request-id`, if it is 1 to 128 letters, digits and `-._:`.
    fn client_request_id(&self) -> Option<&str>;

    /// Names the caller, once it has proven itself, in every further log line of the request. The name is never a key.
    fn name_caller(&self, name: &str);
}

impl RequestExt for Request {
    fn header_text(&self, name: &str) -> Option<&str> {
        self.headers().get(name)?.to_str().ok()
    }

    fn query_value(&self, name: &str) -> Option<Cow<'_, str>> {
        let query = self.uri().query()?.as_bytes();
        url::form_urlencoded::parse(query)
            .find(|(key, _)| key == name)
            .map(|(_, value)| value)
    }

    fn media_type(&self) -> String {
        let value = self.header_text(CONTENT_TYPE.as_str()).unwrap_or_default();
        let media_type = value.split(';').next().unwrap_or_default();
        media_type.trim().to_ascii_lowercase()
    }

    fn path_segments(&self) -> Result<Vec<String>, Failure> {
        let segments = self.uri().path().split('/');
        segments
            .filter(|segment| !segment.is_empty())
            .map(decode_segment)
            .collect()
    }

    fn deadline(&self) -> Instant {
        match self.extensions().get::<Invocation>() {
            Some(invocation) => invocation.deadline,
            None => Instant::now() + DEFAULT_TIME_LIMIT,
        }
    }

    fn request_id(&self) -> &str {
        let invocation = self.extensions().get::<Invocation>();
        invocation.map_or("", |invocation| &invocation.request_id)
    }

    fn client_request_id(&self) -> Option<&str> {
        let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._:".contains(&byte);
        self.header_text(REQUEST_ID)
            .filter(|id| (1..=MAX_REQUEST_ID_BYTES).contains(&id.len()) && id.bytes().all(is_plain))
    }

    fn name_caller(&self, name: &str) {
        if let Some(caller) = self.extensions().get::<CallerName>() {
            caller.set(name);
        }
        tracing::Span::current().record("caller", name);
    }
}

/// Decodes one segment. A lossy decoder would make one identifier of several that are not UTF-8.
fn decode_segment(segment: &str) -> Result<String, Failure> {
    let decoded = percent_decode_str(segment).decode_utf8();
    decoded.map(Cow::into_owned).map_err(|error| {
        let message = "the path must be UTF-8 after percent-decoding";
        Failure::invalid("invalid_path", message).with_cause(error)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn get(target: &str) -> Request {
        http::Request::get(target).body(Bytes::new()).unwrap()
    }

    #[test]
    fn path_segments_are_decoded_once() {
        let request = get("/interactions//a%2Fb+c%3D%2525");
        assert_eq!(
            request.path_segments().unwrap(),
            ["interactions", "a/b+c=%25"]
        );
    }

    #[test]
    fn a_path_that_is_not_utf8_is_the_callers_fault() {
        for path in ["/interactions/%ff", "/interactions/%fe", "/%c3"] {
            let failure = get(path).path_segments().unwrap_err();
            assert_eq!(
                (failure.status().as_u16(), failure.code()),
                (400, "invalid_path"),
                "{path}"
            );
        }
    }

    #[test]
    fn an_identifier_from_the_caller_is_plain_and_short_or_none() {
        let named = |id: &str| {
            let request = http::Request::get("/health").header(REQUEST_ID, id);
            let request: Request = request.body(Bytes::new()).unwrap();
            request.client_request_id().map(str::to_owned)
        };
        let plain = "studio-7:4711.a_b";
        assert_eq!(named(plain).as_deref(), Some(plain));
        assert_eq!(named("two words"), None);
        assert_eq!(named(&"x".repeat(129)), None);
        assert_eq!(get("/health").client_request_id(), None);
    }

    #[test]
    fn the_first_value_of_a_query_parameter_is_decoded() {
        let request = get("/search?q=late+refund&limit=5&q=%C3%A9&empty=&flag");
        assert_eq!(request.query_value("q").as_deref(), Some("late refund"));
        assert_eq!(request.query_value("empty").as_deref(), Some(""));
        assert_eq!(request.query_value("flag").as_deref(), Some(""));
        assert_eq!(request.query_value("other"), None);
        assert_eq!(get("/search").query_value("q"), None);
    }

    #[test]
    fn the_invocation_gives_deadline_and_request_id() {
        let mut request = get("/health");
        assert_eq!(request.request_id(), "");
        assert!(request.deadline() > Instant::now());
        let deadline = Instant::now() + Duration::from_secs(60);
        request.extensions_mut().insert(Invocation {
            request_id: "r-1".to_owned(),
            deadline,
        });
        assert_eq!(
            (request.request_id(), request.deadline()),
            ("r-1", deadline)
        );
    }
}
