//! The table of paths, token paths and scopes: the only place that names them.

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
