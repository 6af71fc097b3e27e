//! Every path, token path and scope of the contact centre, as data.
//!
//! A [`Profile`] is one vendor's or version's set of paths; [`CONTRACT`] is the one in use. Another one is another
//! value, not other code. A [`Site`] is a profile at a base URL; it builds each [`Endpoint`] that a call goes to.

mod profile;

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use url::Url;

pub use self::profile::{CONTRACT, Grant, Path, Profile, Route, System};
use insights_http::Error;
use insights_http::url::parse_url;

/// Where a call goes.
#[derive(Debug, Clone)]
pub struct Endpoint {
    pub(crate) url: Url,
    pub(crate) template: &'static str,
    pub(crate) scope: &'static str,
}

impl Endpoint {
    /// Adds a query parameter, encoded.
    #[must_use]
    pub fn query(mut self, name: &str, value: &str) -> Self {
        self.url.query_pairs_mut().append_pair(name, value);
        self
    }

    /// The full URL.
    #[must_use]
    pub fn url(&self) -> &Url {
        &self.url
    }

    /// The path with `{id}` in the place of ids: what logs and errors name.
    #[must_use]
    pub fn template(&self) -> &'static str {
        self.template
    }
}

/// A profile at a base URL, as one system uses it.
#[derive(Debug, Clone)]
pub struct Site {
    profile: Profile,
    base: Url,
    token_url: Url,
    scopes: String,
}

impl Site {
    /// The site at `base` with the profile's token URL and scopes for `system`.
    ///
    /// # Errors
    /// [`Error::Invalid`] unless `base` is an `http` or `https` URL without user, query and fragment.
    pub fn new(profile: Profile, system: System, base: &str) -> Result<Self, Error> {
        let base = parse_url("the base URL", base)?;
        let grant = (profile.grant)(system);
        let token_url = below(&base, grant.token_path);
        Ok(Self {
            profile,
            base,
            token_url,
            scopes: grant.scopes.to_owned(),
        })
    }

    /// The same site with another token URL.
    ///
    /// # Errors
    /// [`Error::Invalid`] as for the base URL.
    pub fn with_token_url(mut self, url: &str) -> Result<Self, Error> {
        self.token_url = parse_url("the token URL", url)?;
        Ok(self)
    }

    /// The same site with other scopes, separated by white space; empty to send none.
    #[must_use]
    pub fn with_scopes(mut self, scopes: &str) -> Self {
        self.scopes = scopes.split_whitespace().collect::<Vec<_>>().join(" ");
        self
    }

    /// The base URL.
    #[must_use]
    pub fn base(&self) -> &Url {
        &self.base
    }

    /// The token endpoint.
    #[must_use]
    pub fn token_url(&self) -> &Url {
        &self.token_url
    }

    /// The scopes asked for, separated by spaces; empty if none are sent.
    #[must_use]
    pub fn scopes(&self) -> &str {
        &self.scopes
    }

    /// The endpoint of a route, with `ids` in the order of the path's `{id}`s.
    ///
    /// # Errors
    /// [`Error::Invalid`] if an id cannot be a path segment (see [`segment`]), or their number is wrong.
    pub fn endpoint(&self, route: Route, ids: &[&str]) -> Result<Endpoint, Error> {
        let Path { template, scope } = (self.profile.path)(route);
        let mut pieces = template.split("{id}");
        let mut path = pieces.next().unwrap_or_default().to_owned();
        let mut ids = ids.iter();
        for piece in pieces {
            let id = ids
                .next()
                .ok_or_else(|| Error::invalid(template, "an id is missing"))?;
            path.push_str(&segment(id)?);
            path.push_str(piece);
        }
        if ids.next().is_some() {
            return Err(Error::invalid(template, "it takes fewer ids"));
        }
        Ok(Endpoint {
            url: below(&self.base, &path),
            template,
            scope,
        })
    }

    /// The endpoint that a `nextLink` in an answer from `route` points to: absolute, or relative to `from`.
    ///
    /// # Errors
    /// [`Error::Invalid`] if it is no URL or leads to another scheme, host or port: the token must not go there.
    pub fn link(&self, from: &Endpoint, link: &str) -> Result<Endpoint, Error> {
        let url = from
            .url
            .join(link)
            .map_err(|error| Error::invalid("the next link", error.to_string()))?;
        if url.origin() != self.base.origin() {
            let host = url.host_str().unwrap_or("none").to_owned();
            return Err(Error::invalid(
                "the next link",
                format!("it leads to another host: {host}"),
            ));
        }
        Ok(Endpoint {
            url,
            ..from.clone()
        })
    }
}

/// What stays as it is in a path segment: RFC 3986's unreserved characters.
const SEGMENT: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~');

/// The longest id in bytes; real ones have 36.
const MAX_ID: usize = 512;

/// An id as one path segment, percent-encoded: whatever it holds, it cannot become another path.
///
/// # Errors
/// [`Error::Invalid`] for an empty id, one over 512 bytes, and `.` and `..`, which no encoding keeps from being read
/// as steps in the path.
pub fn segment(id: &str) -> Result<String, Error> {
    if id.is_empty() || id.len() > MAX_ID || id == "." || id == ".." {
        return Err(Error::invalid(
            "an id",
            format!("it must have 1 to {MAX_ID} bytes and not be `.` or `..`"),
        ));
    }
    Ok(utf8_percent_encode(id, SEGMENT).to_string())
}

fn below(base: &Url, path: &str) -> Url {
    let mut url = base.clone();
    url.set_path(&format!("{}{path}", base.path().trim_end_matches('/')));
    url
}

#[cfg(test)]
mod tests;
