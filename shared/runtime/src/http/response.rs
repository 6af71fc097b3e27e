//! The reply of an HTTP function.

use http::header::{CACHE_CONTROL, CONTENT_TYPE};
use http::{HeaderValue, StatusCode};

/// The reply of an HTTP function. The body is JSON text.
pub type Response = http::Response<String>;

/// Returns a reply with a body that is JSON already. Replies are never stored by caches between the function and its caller.
pub(crate) fn with_json_text(status: StatusCode, body: String) -> Response {
    let mut response = Response::new(body);
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}
