//! The table of paths, token paths and scopes: the only place that names them.

/// The parts of this product that call the contact center; each has a token path and scopes of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum System {
    /// The registration of the Data Action.
    DataAction,
    /// The transcript poller of live calls.
    RealTime,
    /// The report about past conversations.
    Analytics,
    /// The pipeline that writes and searches embeddings.
    Embeddings,
    /// The chat sessions of agents.
    Chat,
}

/// What a call does. Which path that has is the profile's matter.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Route {
    /// Registers a Data Action.
    RegisterDataAction,
    /// Lists the Data Actions.
    ListDataActions,
    /// Reads the segments of a live interaction; takes the interaction's id.
    LiveTranscript,
    /// Changes the attributes of a live interaction; takes the interaction's id.
    Attributes,
    /// Shows a suggestion to the agent of a live interaction.
    Suggestions,
    /// Lists past conversations, in pages.
    ConversationQuery,
    /// Reads the transcript of a past conversation; takes the conversation's id.
    ConversationTranscript,
    /// Sets the presence of an agent; takes the user's id.
    Presence,
    /// Sets the availability of an agent for routing; takes the user's id.
    Routing,
    /// Opens the WebSocket stream of chat events.
    ChatStream,
    /// Reads the pages of a chat's transcript; takes the conversation's id.
    ChatTranscript,
}

/// The path of a route, in which `{id}` stands for an id, and the scope that the route needs.
#[derive(Debug, Clone, Copy)]
pub struct RoutePath {
    /// The path below the base URL.
    pub template: &'static str,
    /// The scope that the token must have.
    pub scope: &'static str,
}

/// How a system gets its tokens: the client credentials grant of RFC 6749, 4.4.
#[derive(Debug, Clone, Copy)]
pub struct TokenGrant {
    /// The path of the token endpoint below the base URL.
    pub token_path: &'static str,
    /// The scopes that are asked for, separated by spaces; empty to send none and get what the client is granted.
    pub scopes: &'static str,
}

/// One version's set of paths.
#[derive(Debug, Clone, Copy)]
pub struct Profile {
    /// Returns the path of a route.
    pub path: fn(Route) -> RoutePath,
    /// Returns the grant of a system.
    pub grant: fn(System) -> TokenGrant,
}

/// The paths of the contact center's API as this product uses it (`docs/api-contract.md`).
pub const CXONE_API: Profile = Profile {
    path: api_path,
    grant: api_grant,
};

fn api_path(route: Route) -> RoutePath {
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
    RoutePath { template, scope }
}

fn api_grant(system: System) -> TokenGrant {
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
    TokenGrant { token_path, scopes }
}
