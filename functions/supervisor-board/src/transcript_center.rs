//! The contact center as the board sees it, whichever API it has: what was said in a conversation that goes on.

use backends::settings::CxoneSettings;
use backends::tenant_settings::Profile;
use backends::{Backends, TenantShare};
use cxone::chat::ChatTranscript;
use cxone::endpoints::System;
use cxone::live::LiveTranscript;
use cxone::tenant::TenantClient;
use cxone::tenant::chats::{read_chat_transcript, read_live_transcript};
use cxone::{CxoneClient, Error};
use insights_http::Deadline;
use store::state::State;

/// The contact center of the transcripts.
#[derive(Debug)]
#[expect(
    clippy::large_enum_variant,
    reason = "a process has one, for as long as it lives"
)]
pub enum TranscriptCenter {
    /// A contact center with transcripts of calls and of chats.
    Tutorial {
        /// The client for transcripts of calls.
        calls: CxoneClient,
        /// The client for transcripts of chats.
        chats: CxoneClient,
    },
    /// A tenant, in which live calls and chats are digital contacts.
    Tenant(TenantClient),
}

impl TranscriptCenter {
    /// Builds the clients of the contact center that the settings name. Nothing is sent yet.
    ///
    /// # Errors
    /// If a URL of the contact center is missing or not allowed.
    pub(crate) fn open(
        backends: &Backends,
        settings: &CxoneSettings,
        secrets: &std::sync::Arc<backends::FunctionSecrets>,
        state: &State,
    ) -> anyhow::Result<Self> {
        let client = |system| backends.cxone_client(settings, system, secrets, state);
        Ok(match settings.profile {
            Profile::Tutorial => Self::Tutorial {
                calls: client(System::RealTime)?,
                chats: client(System::Chat)?,
            },
            Profile::Cxone => Self::Tenant(backends.tenant_client(
                settings,
                TenantShare::Board,
                1,
                secrets,
                state,
            )?),
        })
    }

    /// Reads what was said in a live call.
    ///
    /// # Errors
    /// What the requests fail with.
    pub(crate) async fn read_call(
        &self,
        id: &str,
        deadline: Deadline,
    ) -> Result<LiveTranscript, Error> {
        match self {
            Self::Tutorial { calls, .. } => {
                cxone::live::read_transcript(calls, id, 0, deadline).await
            }
            Self::Tenant(client) => read_live_transcript(client, id, deadline).await,
        }
    }

    /// Reads what was written in a chat; `None` if there is no transcript.
    ///
    /// # Errors
    /// What the requests fail with.
    pub(crate) async fn read_chat(
        &self,
        id: &str,
        deadline: Deadline,
    ) -> Result<Option<ChatTranscript>, Error> {
        match self {
            Self::Tutorial { chats, .. } => cxone::chat::read_transcript(chats, id, deadline).await,
            Self::Tenant(client) => read_chat_transcript(client, id, deadline).await,
        }
    }
}
