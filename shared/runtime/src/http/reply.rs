//! Building JSON replies within the size that a caller reads.

use http::StatusCode;
use serde::Serialize;

use crate::failure::Failure;
use crate::http::response::{Response, with_json_text};

/// Largest body of a reply, in bytes: the REST action of CXone Studio reads at most 32 KB.
pub const MAX_REPLY_BYTES: usize = 32 * 1024;

/// Returns a reply with a JSON body.
///
/// # Errors
/// A [`Failure`] with status 500 if `body` cannot be written as JSON or is larger than [`MAX_REPLY_BYTES`].
pub fn json(status: StatusCode, body: &impl Serialize) -> Result<Response, Failure> {
    let body = serde_json::to_string(body).map_err(Failure::internal)?;
    if body.len() > MAX_REPLY_BYTES {
        let size = body.len();
        let cause = anyhow::anyhow!("the reply has {size} bytes, allowed are {MAX_REPLY_BYTES}");
        return Err(Failure::internal(cause));
    }
    Ok(with_json_text(status, body))
}

/// Returns a reply with status 200 and a JSON body.
///
/// # Errors
/// As [`json`].
pub fn ok(body: &impl Serialize) -> Result<Response, Failure> {
    json(StatusCode::OK, body)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reply_too_large_for_studio_becomes_an_error() {
        let largest = "x".repeat(MAX_REPLY_BYTES - 2);
        assert_eq!(ok(&largest).unwrap().body().len(), MAX_REPLY_BYTES);
        let failure = ok(&"x".repeat(MAX_REPLY_BYTES)).unwrap_err();
        assert_eq!(failure.into_response().status(), 500);
    }
}
