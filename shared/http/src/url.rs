//! URLs that a person configured.

use url::Url;

use crate::error::Error;

/// Parses a configured URL; `what` says in an error which setting it is.
///
/// # Errors
/// [`Error::Invalid`] unless the text is an `http` or `https` URL without user, query and fragment.
///
/// # Examples
/// ```
/// use insights_http::url::parse_url;
///
/// assert!(parse_url("the base URL", "https://api.example.com/cx").is_ok());
/// assert_eq!(
///     parse_url("the base URL", "ftp://example.com").unwrap_err().to_string(),
///     "the base URL is not usable: it must be http(s)://host[:port][/path] and no more",
/// );
/// ```
pub fn parse_url(what: &'static str, text: &str) -> Result<Url, Error> {
    let url =
        Url::parse(text).map_err(|error| Error::invalid_with_cause(what, "it is no URL", error))?;
    let is_plain = matches!(url.scheme(), "http" | "https")
        && url.has_host()
        && url.username().is_empty()
        && url.password().is_none()
        && url.query().is_none()
        && url.fragment().is_none();
    if is_plain {
        Ok(url)
    } else {
        Err(Error::invalid(
            what,
            "it must be http(s)://host[:port][/path] and no more",
        ))
    }
}
