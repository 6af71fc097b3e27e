//! URLs that a person configured.

use url::Url;

use crate::Error;

/// Parses a configured URL.
///
/// # Errors
/// [`Error::Invalid`] unless it is an `http` or `https` URL without user, query and fragment.
pub fn parse_url(what: &'static str, text: &str) -> Result<Url, Error> {
    let url = Url::parse(text).map_err(|error| Error::invalid(what, error.to_string()))?;
    let plain = matches!(url.scheme(), "http" | "https")
        && url.has_host()
        && url.username().is_empty()
        && url.password().is_none()
        && url.query().is_none()
        && url.fragment().is_none();
    if plain {
        Ok(url)
    } else {
        Err(Error::invalid(
            what,
            "it must be http(s)://host[:port][/path] and no more",
        ))
    }
}
