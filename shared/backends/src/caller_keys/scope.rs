//! What a key may do.

/// One thing that a key may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scope {
    /// The key may score a text.
    Score,
    /// The key may start, stop and show live calls.
    Calls,
    /// The key may send webhooks without a signature.
    Webhook,
    /// The key may search conversations.
    Search,
    /// The key may watch the board of supervisors.
    Board,
    /// The key may erase conversations, and do other work of administrators.
    Admin,
}

impl Scope {
    /// Every scope there is, in the order of the documentation.
    pub const ALL: [Self; 6] = [
        Self::Score,
        Self::Calls,
        Self::Webhook,
        Self::Search,
        Self::Board,
        Self::Admin,
    ];

    /// Returns the name of the scope, as it stands in the secret and in replies.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Score => "score",
            Self::Calls => "calls",
            Self::Webhook => "webhook",
            Self::Search => "search",
            Self::Board => "board",
            Self::Admin => "admin",
        }
    }

    /// Returns the scope with this name, if there is one.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|scope| scope.name() == name)
    }

    const fn bit(self) -> u8 {
        1 << self as u8
    }
}

/// A set of scopes, as one key has them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Scopes(u8);

impl Scopes {
    /// The scopes of the one key that has no entry of its own: what the key could do before there were scopes.
    pub(super) const OF_API_KEY: Self =
        Self(Scope::Score.bit() | Scope::Calls.bit() | Scope::Webhook.bit() | Scope::Search.bit());

    /// Returns whether the set has this scope.
    #[must_use]
    pub const fn contains(self, scope: Scope) -> bool {
        self.0 & scope.bit() != 0
    }

    /// Returns the set as bits, for a selection in constant time.
    pub(super) const fn bits(self) -> u8 {
        self.0
    }

    /// Builds the set of these bits.
    pub(super) const fn from_bits(bits: u8) -> Self {
        Self(bits)
    }
}

impl FromIterator<Scope> for Scopes {
    fn from_iter<I: IntoIterator<Item = Scope>>(scopes: I) -> Self {
        Self(scopes.into_iter().fold(0, |bits, scope| bits | scope.bit()))
    }
}
