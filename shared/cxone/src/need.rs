//! What a call needs of the contact center, for the message of the one who has to grant it.

/// The product that analyzes conversations and makes their transcripts.
pub(crate) const INTERACTION_ANALYTICS: &str = "Interaction Analytics";

/// The product whose contacts are chats, messages and other digital ones.
pub(crate) const DIGITAL_EXPERIENCE: &str = "Digital Experience";

/// What the client must have been granted for a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Need {
    /// The call needs this scope of OAuth; an empty text names none.
    Scope(&'static str),
    /// The call needs a permission of the user in whose name the client acts, and a product that the tenant has licensed.
    Right(Right),
}

/// The permission of a user and the product of a tenant that a call needs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Right {
    /// The permission, as the contact center's page of roles names it.
    pub permission: &'static str,
    /// The product that the tenant must have licensed.
    pub product: &'static str,
}

impl Need {
    /// Returns the scope of OAuth that the call needs; the text is empty where it needs none.
    #[must_use]
    pub fn scope(self) -> &'static str {
        match self {
            Self::Scope(scope) => scope,
            Self::Right(_) => "",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_need_names_its_scope_or_none() {
        assert_eq!(Need::Scope("data-action:read").scope(), "data-action:read");
        let right = Right {
            permission: "ACD: View",
            product: DIGITAL_EXPERIENCE,
        };
        assert_eq!(Need::Right(right).scope(), "");
    }
}
