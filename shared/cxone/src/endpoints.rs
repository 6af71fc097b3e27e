//! Every path, token path and scope of the contact center, as data.
//!
//! A [`Profile`] is one version's set of paths; [`CXONE_API`] is the one in use. Another version is another value, not other
//! code. A [`Site`] is a profile at a base URL; it builds the [`Endpoint`] of each call.

mod profile;

use insights_http::url::parse_url;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use url::Url;

pub use self::profile::{CXONE_API, Profile, Route, RoutePath, System, TokenGrant};
use crate::error::Error;
pub use crate::need::{Need, Right};

/// The full URL of a call, with what logs name instead of it and what the call needs.
#[derive(Debug, Clone)]
pub struct Endpoint {
    url: Url,
    template: &'static str,
    need: Need,
}

impl Endpoint {
    /// Builds the endpoint of a call that no [`Profile`] has, because its host is learned at run time.
    #[must_use]
    pub fn new(url: Url, template: &'static str, need: Need) -> Self {
        Self {
            url,
            template,
            need,
        }
    }

    /// Adds a query parameter, percent-encoded.
    #[must_use]
    pub fn query(mut self, name: &str, value: &str) -> Self {
        self.url.query_pairs_mut().append_pair(name, value);
        self
    }

    /// Returns the full URL.
    #[must_use]
    pub fn url(&self) -> &Url {
        &self.url
    }

    /// Returns the path with `{id}` in the place of ids, which is what logs and errors name.
    #[must_use]
    pub fn template(&self) -> &'static str {
        self.template
    }

    /// Returns what the client must have been granted.
    #[must_use]
    pub fn need(&self) -> Need {
        self.need
    }
}

/// A profile at a base URL, as one system uses it.
#[derive(Debug, Clone)]
pub struct Site {
    profile: Profile,
    base: Url,
    token_url: Url,
    scopes: String,
    grant: Grant,
}

/// How a client asks for a token.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Grant {
    /// The client acts in its own name (RFC 6749, 4.4).
    #[default]
    ClientCredentials,
    /// The client acts in the name of the user whose access key it has (RFC 6749, 4.3).
    Password(ClientAuthentication),
    /// A user's access key is enough, and there is no client.
    AccessKey,
}

/// Where a client puts its id and secret in a token request (RFC 6749, 2.3.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ClientAuthentication {
    /// The client proves itself by the header `Authorization: Basic`.
    Basic,
    /// The client proves itself by fields of the form.
    Post,
}

impl Site {
    /// Builds the site at `base` with the profile's token URL and scopes for `system`.
    ///
    /// # Errors
    /// [`insights_http::Error::Invalid`] unless `base` is an `http` or `https` URL without user, query and fragment.
    pub fn new(profile: Profile, system: System, base: &str) -> Result<Self, Error> {
        let base = parse_url("the base URL", base)?;
        let grant = (profile.grant)(system);
        let token_url = append_path(&base, grant.token_path);
        Ok(Self {
            profile,
            base,
            token_url,
            scopes: grant.scopes.to_owned(),
            grant: Grant::ClientCredentials,
        })
    }

    /// Returns the same site with another way to ask for tokens.
    #[must_use]
    pub fn with_grant(mut self, grant: Grant) -> Self {
        self.grant = grant;
        self
    }

    /// Returns how tokens are asked for.
    #[must_use]
    pub fn grant(&self) -> Grant {
        self.grant
    }

    /// Returns the same site with another token URL.
    ///
    /// # Errors
    /// [`insights_http::Error::Invalid`] as for the base URL.
    pub fn with_token_url(mut self, url: &str) -> Result<Self, Error> {
        self.token_url = parse_url("the token URL", url)?;
        Ok(self)
    }

    /// Returns the same site with other scopes, separated by white space; an empty text sends none.
    #[must_use]
    pub fn with_scopes(mut self, scopes: &str) -> Self {
        self.scopes = scopes.split_whitespace().collect::<Vec<_>>().join(" ");
        self
    }

    /// Returns the base URL, below which all paths are.
    #[must_use]
    pub fn base(&self) -> &Url {
        &self.base
    }

    /// Returns the URL of the token endpoint.
    #[must_use]
    pub fn token_url(&self) -> &Url {
        &self.token_url
    }

    /// Returns the scopes that are asked for, separated by spaces; the text is empty if none are sent.
    #[must_use]
    pub fn scopes(&self) -> &str {
        &self.scopes
    }

    /// Returns the endpoint of a route, with `ids` in the order of the `{id}`s in its path.
    ///
    /// # Errors
    /// [`insights_http::Error::Invalid`] if an id cannot be a path segment (see [`encode_path_segment`]), or the number of
    /// ids is wrong.
    pub fn endpoint(&self, route: Route, ids: &[&str]) -> Result<Endpoint, Error> {
        let RoutePath { template, scope } = (self.profile.path)(route);
        let mut pieces = template.split("{id}");
        let mut path = pieces.next().unwrap_or_default().to_owned();
        let mut ids = ids.iter();
        for piece in pieces {
            let id = ids
                .next()
                .ok_or_else(|| Error::invalid(template, "an id is missing"))?;
            path.push_str(&encode_path_segment(id)?);
            path.push_str(piece);
        }
        if ids.next().is_some() {
            return Err(Error::invalid(template, "it takes fewer ids"));
        }
        Ok(Endpoint {
            url: append_path(&self.base, &path),
            template,
            need: Need::Scope(scope),
        })
    }

    /// Returns the endpoint that a link in the answer of `from` leads to; the link is absolute or relative to `from`.
    ///
    /// # Errors
    /// [`insights_http::Error::Invalid`] if the link is no URL or leads to another scheme, host or port: the token must not
    /// go there.
    pub fn link(&self, from: &Endpoint, link: &str) -> Result<Endpoint, Error> {
        let url = from.url.join(link).map_err(|error| {
            insights_http::Error::invalid_with_cause("the next link", "it is no URL", error)
        })?;
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

/// The characters that stay as they are in a path segment: the unreserved ones of RFC 3986.
const UNRESERVED: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~');

/// Longest id in bytes; real ones have 36.
const MAX_ID_BYTES: usize = 512;

/// Returns an id as one path segment, percent-encoded, so that no id can become another path.
///
/// # Errors
/// [`insights_http::Error::Invalid`] for an empty id, one over 512 bytes, and `.` and `..`, which no encoding keeps from
/// being read as steps in the path.
pub fn encode_path_segment(id: &str) -> Result<String, Error> {
    if id.is_empty() || id.len() > MAX_ID_BYTES || id == "." || id == ".." {
        return Err(Error::invalid(
            "an id",
            format!("it must have 1 to {MAX_ID_BYTES} bytes and not be `.` or `..`"),
        ));
    }
    Ok(utf8_percent_encode(id, UNRESERVED).to_string())
}

pub(crate) fn append_path(base: &Url, path: &str) -> Url {
    let mut url = base.clone();
    url.set_path(&format!("{}{path}", base.path().trim_end_matches('/')));
    url
}

#[cfg(test)]
mod tests;
