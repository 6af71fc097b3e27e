//! The contact center as chat sessions see it, whichever API it has.

use std::sync::Arc;

use cxone::chat::{ChatTranscript, set_availability, set_presence};
use cxone::tenant::chats::read_chat_transcript;
use cxone::{CxoneClient, Error};
use insights_http::Deadline;
use insights_http::exchange::HttpClient;

use crate::config::Config;
use crate::tenant_chats::TenantChats;

/// The contact center of chat sessions.
#[derive(Debug, Clone)]
#[expect(
    clippy::large_enum_variant,
    reason = "a session has one, for as long as it lives"
)]
pub enum ChatCenter {
    /// A contact center with a stream of events for each agent, whose presence and availability are set.
    Tutorial {
        /// The client of the contact center, with the scopes of chats.
        client: CxoneClient,
        /// The HTTP client of the stream.
        stream: HttpClient,
    },
    /// A tenant whose digital contacts are watched. Presence is read and never set, and nothing is sent in an agent's name.
    Tenant(Arc<TenantChats>),
}

impl ChatCenter {
    /// Reads the whole transcript of a conversation; `None` if there is none.
    ///
    /// # Errors
    /// What the requests fail with.
    pub async fn read_transcript(
        &self,
        conversation_id: &str,
        deadline: Deadline,
    ) -> Result<Option<ChatTranscript>, Error> {
        match self {
            Self::Tutorial { client, .. } => {
                cxone::chat::read_transcript(client, conversation_id, deadline).await
            }
            Self::Tenant(chats) => {
                read_chat_transcript(chats.client(), conversation_id, deadline).await
            }
        }
    }

    /// Returns whether a stream tells what happens, and what an agent writes is sent over it.
    #[must_use]
    pub const fn has_stream(&self) -> bool {
        matches!(self, Self::Tutorial { .. })
    }

    /// Returns whether the presence and availability of agents is set. In a tenant both belong to the agents.
    #[must_use]
    pub const fn sets_presence(&self) -> bool {
        matches!(self, Self::Tutorial { .. })
    }

    /// Sets the presence of an agent; does nothing in a tenant.
    ///
    /// # Errors
    /// What the request fails with.
    pub async fn set_presence(
        &self,
        agent: &str,
        status: &str,
        deadline: Deadline,
    ) -> Result<(), Error> {
        match self {
            Self::Tutorial { client, .. } => set_presence(client, agent, status, deadline).await,
            Self::Tenant(_) => Ok(()),
        }
    }

    /// Sets the availability of an agent for routing; does nothing in a tenant.
    ///
    /// # Errors
    /// What the request fails with.
    pub async fn set_availability(
        &self,
        agent: &str,
        availability: f64,
        config: &Config,
        deadline: Deadline,
    ) -> Result<(), Error> {
        match self {
            Self::Tutorial { client, .. } => {
                set_availability(client, agent, availability, &config.skills, deadline).await
            }
            Self::Tenant(_) => Ok(()),
        }
    }
}
