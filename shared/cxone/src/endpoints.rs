//! Every path, token path and scope of the contact centre, as data.
//!
//! A [`Profile`] is one vendor's or version's set of paths; [`CONTRACT`] is the one in use. Another one is another
//! value, not other code. A [`Site`] is a profile at a base URL; it builds each [`Endpoint`] that a call goes to.

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use url::Url;

use crate::Error;

/// The systems that call the contact centre; each has its own token path and scopes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum System {
    /// Registration of the Data Action.
    DataAction,
    /// The transcript poller.
    RealTime,
    /// The analytics report.
    Analytics,
    /// The embedding pipeline.
    Embeddings,
    /// The chat sessions.
    Chat,
}

/// What a call does; its path is the profile's.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Route {
    /// Registers a Data Action.
    RegisterDataAction,
    /// Lists the Data Actions.
    ListDataActions,
    /// Segments of a live interaction; takes its id.
    LiveTranscript,
    /// Attributes of a live interaction; takes its id.
    Attributes,
    /// Suggestions to the agent.
    Suggestions,
    /// Query of past conversations.
    ConversationQuery,
    /// Transcript of a past conversation; takes its id.
    ConversationTranscript,
    /// Presence of an agent; takes the user's id.
    Presence,
    /// Routing availability of an agent; takes the user's id.
    Routing,
    /// The WebSocket stream of chat events.
    ChatStream,
    /// Pages of a chat's transcript; takes the conversation's id.
    ChatTranscript,
}

/// A route's path, in which `{id}` stands for an id, and the scope it needs.
#[derive(Debug, Clone, Copy)]
pub struct Path {
    /// The path below the base URL.
    pub template: &'static str,
    /// The scope that the token must have.
    pub scope: &'static str,
}

/// How a system gets its tokens.
#[derive(Debug, Clone, Copy)]
pub struct Grant {
    /// The token endpoint's path below the base URL.
    pub token_path: &'static str,
    /// The scopes asked for, separated by spaces; empty to send none and get what the client is granted.
    pub scopes: &'static str,
}

/// One set of paths.
#[derive(Debug, Clone, Copy)]
pub struct Profile {
    /// Its name, for logs.
    pub name: &'static str,
    /// The path of each route.
    pub path: fn(Route) -> Path,
    /// The grant of each system.
    pub grant: fn(System) -> Grant,
}

/// The paths of the contract.
pub const CONTRACT: Profile = Profile {
    name: "contract",
    path: contract_path,
    grant: contract_grant,
};

fn contract_path(route: Route) -> Path {
    let (template, scope) = match route {
        Route::RegisterDataAction => ("/api/v2/data-actions", "data-actions:write"),
        Route::ListDataActions => ("/api/v2/data-actions", "data-actions:read"),
        Route::LiveTranscript => ("/api/v2/interactions/{id}/transcripts", "interactions:view"),
        Route::Attributes => ("/api/v2/interactions/{id}/attributes", "interactions:write"),
        Route::Suggestions => ("/api/v2/agentassist/suggestions", "agentassist:write"),
        Route::ConversationQuery => (
            "/api/v1/analytics/conversations/details/query",
            "read:analytics",
        ),
        Route::ConversationTranscript => (
            "/api/v1/conversations/{id}/transcripts",
            "read:conversation",
        ),
        Route::Presence => ("/api/v2/presence/users/{id}", "presence:write"),
        Route::Routing => ("/api/v2/routing/users/{id}", "routing:write"),
        Route::ChatStream => ("/api/v2/chat/stream", "chat:read"),
        Route::ChatTranscript => ("/api/v2/chat/conversations/{id}/transcript", "chat:read"),
    };
    Path { template, scope }
}

fn contract_grant(system: System) -> Grant {
    let (token_path, scopes) = match system {
        System::DataAction => (
            "/oauth/token",
            "data-actions:write data-actions:read interactions:read",
        ),
        System::RealTime => (
            "/oauth/token",
            "interactions:view interactions:write agentassist:write",
        ),
        System::Analytics => ("/oauth2/token", ""),
        System::Embeddings => ("/oauth/token", "dataaction:read webhook:read"),
        System::Chat => (
            "/api/v2/oauth/token",
            "chat:read chat:write presence:read presence:write routing:read routing:write",
        ),
    };
    Grant { token_path, scopes }
}

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

/// Parses a configured URL.
pub(crate) fn parse_url(what: &'static str, text: &str) -> Result<Url, Error> {
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

fn below(base: &Url, path: &str) -> Url {
    let mut url = base.clone();
    url.set_path(&format!("{}{path}", base.path().trim_end_matches('/')));
    url
}

#[cfg(test)]
mod tests;
