//! The contact center as the poller sees it, whichever API it has.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use cxone::live::{LiveTranscript, patch_attributes, post_suggestion, read_transcript};
use cxone::tenant::TenantClient;
use cxone::tenant::agents::send_team_message;
use cxone::tenant::chats::live_transcript;
use cxone::tenant::digital::{
    WholeMessages, read_contact, read_messages_again, write_custom_fields,
};
use cxone::{CxoneClient, Error};
use insights_core::live::Suggestion;
use insights_core::live::write_budget::WriteBudget;
use insights_http::{Deadline, Error as HttpError};
use jiff::Timestamp;

use crate::config::TenantWrites;
use crate::voice_calls::VoiceCalls;

/// Shortest time between two writes of attributes to a contact of a tenant.
const TENANT_WRITE_INTERVAL: Duration = Duration::from_secs(60);

/// Number of contacts whose budgets are remembered. Budgets of ended contacts are forgotten above it.
const MAX_BUDGETS: usize = 10_000;

/// What stands above a message to a team.
const TEAM_MESSAGE_SUBJECT: &str = "A conversation needs attention";

/// The contact center of live calls.
#[derive(Debug)]
#[expect(
    clippy::large_enum_variant,
    reason = "a process has one, for as long as it lives"
)]
pub enum LiveCenter {
    /// A contact center with live transcripts, attributes and suggestions.
    Tutorial {
        /// The client for what is sent: a hiccup is tried again at once, and an outage by the lane.
        sends: CxoneClient,
        /// The client for polls. Each makes one attempt, because the rounds of the calls are the retries, and more attempts would go
        /// round the pace.
        polls: CxoneClient,
    },
    /// A tenant, of which digital contacts are read live. Attributes become custom fields and suggestions messages to a team, where an
    /// operator has set them.
    Tenant(TenantCalls),
}

impl LiveCenter {
    /// Reads the segments of a call that end at or after `from`, in milliseconds since the epoch.
    ///
    /// # Errors
    /// What the request fails with.
    pub async fn read_transcript(
        &self,
        interaction_id: &str,
        from: i64,
        deadline: Deadline,
    ) -> Result<LiveTranscript, Error> {
        match self {
            Self::Tutorial { polls, .. } => {
                read_transcript(polls, interaction_id, from, deadline).await
            }
            Self::Tenant(calls) => calls.read_transcript(interaction_id, from, deadline).await,
        }
    }

    /// Sends the attributes of a call.
    ///
    /// # Errors
    /// What the request fails with, and [`HttpError::RateLimited`] while a contact of a tenant may not be written to.
    pub async fn send_attributes(
        &self,
        interaction_id: &str,
        attributes: &[(&'static str, String)],
        deadline: Deadline,
    ) -> Result<(), Error> {
        match self {
            Self::Tutorial { sends, .. } => {
                patch_attributes(sends, interaction_id, attributes, deadline).await
            }
            Self::Tenant(calls) => {
                calls
                    .write_attributes(interaction_id, attributes, deadline)
                    .await
            }
        }
    }

    /// Sends a suggestion; returns the contact center's id of it, if it names one.
    ///
    /// # Errors
    /// What the request fails with.
    pub async fn send_suggestion(
        &self,
        interaction_id: &str,
        suggestion: &Suggestion,
        deadline: Deadline,
    ) -> Result<Option<String>, Error> {
        let Suggestion { key, content, .. } = suggestion;
        match self {
            Self::Tutorial { sends, .. } => {
                post_suggestion(sends, interaction_id, content, key, deadline).await
            }
            Self::Tenant(calls) => {
                calls.alert_team(interaction_id, deadline).await?;
                Ok(None)
            }
        }
    }

    /// Returns the shortest time between two sends of the attributes of a call.
    pub(crate) fn attribute_interval(&self, interaction_id: &str) -> Duration {
        match self {
            Self::Tutorial { .. } => Duration::ZERO,
            // Nothing is written into a call.
            Self::Tenant(calls) if calls.voice_of(interaction_id).is_some() => Duration::ZERO,
            Self::Tenant(_) => TENANT_WRITE_INTERVAL,
        }
    }

    /// Returns the path of the token endpoint, whose limit is not that of the transcripts.
    pub(crate) fn token_path(&self) -> &str {
        match self {
            Self::Tutorial { sends, .. } => sends.site().token_url().path(),
            Self::Tenant(calls) => calls.token_path.as_str(),
        }
    }
}

/// The digital contacts of a tenant as live calls, and its calls where they are listened to.
#[derive(Debug)]
pub struct TenantCalls {
    client: TenantClient,
    token_path: String,
    writes: TenantWrites,
    /// The calls whose words are listened to, where an operator has switched it on.
    voice: Option<VoiceCalls>,
    contacts: Mutex<HashMap<String, WrittenContact>>,
}

/// What was written to a contact, and what may be.
#[derive(Debug)]
struct WrittenContact {
    budget: WriteBudget,
    /// What the fields hold, once this process has read or written them.
    values: Option<Vec<(String, String)>>,
    whole: WholeMessages,
}

impl TenantCalls {
    /// Builds the live calls of a tenant.
    ///
    /// # Errors
    /// If the token URL cannot be used.
    pub fn new(client: TenantClient, writes: TenantWrites) -> Result<Self, Error> {
        let site = TenantClient::token_site(client.options())?;
        Ok(Self {
            token_path: site.token_url().path().to_owned(),
            client,
            writes,
            voice: None,
            contacts: Mutex::default(),
        })
    }

    /// Listens to calls as well.
    #[must_use]
    pub fn with_voice(mut self, voice: Option<VoiceCalls>) -> Self {
        self.voice = voice;
        self
    }

    /// Returns the calls whose words are listened to, where an operator has switched it on.
    pub(crate) fn voice(&self) -> Option<&VoiceCalls> {
        self.voice.as_ref()
    }

    /// Returns the calls to which a contact belongs, if it is one whose words are listened to.
    fn voice_of(&self, contact_id: &str) -> Option<&VoiceCalls> {
        self.voice().filter(|voice| voice.is_call(contact_id))
    }

    /// Returns the client of the tenant, whose pace all live contacts share.
    pub(crate) fn client(&self) -> &TenantClient {
        &self.client
    }

    fn with_contact<T>(&self, id: &str, change: impl FnOnce(&mut WrittenContact) -> T) -> T {
        let now_ms = Timestamp::now().as_millisecond();
        let mut contacts = self.contacts.lock().unwrap_or_else(PoisonError::into_inner);
        if contacts.len() >= MAX_BUDGETS && !contacts.contains_key(id) {
            contacts.clear();
        }
        let contact = contacts
            .entry(id.to_owned())
            .or_insert_with(|| WrittenContact {
                budget: WriteBudget::new(now_ms),
                values: None,
                whole: WholeMessages::default(),
            });
        change(contact)
    }

    async fn read_transcript(
        &self,
        contact_id: &str,
        from: i64,
        deadline: Deadline,
    ) -> Result<LiveTranscript, Error> {
        if let Some(voice) = self.voice_of(contact_id) {
            return voice.read(contact_id, from);
        }
        let take = |contact: &mut WrittenContact| std::mem::take(&mut contact.whole);
        let mut whole = self.with_contact(contact_id, take);
        let read = read_messages_again(&self.client, contact_id, &mut whole, deadline).await;
        self.with_contact(contact_id, |contact| contact.whole = whole);
        let Some(found) = read? else {
            return Ok(LiveTranscript::default());
        };
        let now_ms = Timestamp::now().as_millisecond();
        self.with_contact(contact_id, |contact| {
            contact
                .budget
                .note_messages(found.messages.len() as u64, now_ms);
        });
        Ok(live_transcript(found, from))
    }

    /// Writes the score and the trend into the custom fields that are set, if they have changed and the contact may be written to.
    async fn write_attributes(
        &self,
        contact_id: &str,
        attributes: &[(&'static str, String)],
        deadline: Deadline,
    ) -> Result<(), Error> {
        let values = self.writes.fields_of(attributes);
        // A call has no custom fields.
        if self.voice_of(contact_id).is_some() {
            return Ok(());
        }
        if values.is_empty() || !self.know_fields(contact_id, &values, deadline).await? {
            return Ok(());
        }
        let now_ms = Timestamp::now().as_millisecond();
        let wait = self.with_contact(contact_id, |contact| {
            let has_changed = contact.values.as_ref() != Some(&values);
            has_changed.then(|| contact.budget.wait_ms(now_ms))
        });
        let Some(wait_ms) = wait else {
            return Ok(());
        };
        if wait_ms > 0 {
            return Err(HttpError::RateLimited {
                endpoint: "{dfo}/contacts/{id}/custom-fields".to_owned(),
                retry_after: Some(Duration::from_millis(wait_ms.unsigned_abs())),
            }
            .into());
        }
        // Counted before it is sent: a write whose answer is lost has been made.
        self.with_contact(contact_id, |contact| contact.budget.note_write(now_ms));
        let fields: Vec<_> = values
            .iter()
            .map(|(field, value)| (field.as_str(), value.as_str()))
            .collect();
        let written = write_custom_fields(&self.client, contact_id, &fields, deadline).await;
        self.with_contact(contact_id, |contact| match &written {
            Ok(()) => contact.values = Some(values),
            Err(Error::Http(HttpError::RateLimited { .. })) => contact.budget.note_refusal(now_ms),
            Err(_) => {}
        });
        written
    }

    /// Reads what the fields hold and when they were written, unless this process knows: another one may have written a moment ago.
    /// Returns whether there is such a contact.
    async fn know_fields(
        &self,
        contact_id: &str,
        wanted: &[(String, String)],
        deadline: Deadline,
    ) -> Result<bool, Error> {
        if self.with_contact(contact_id, |contact| contact.values.is_some()) {
            return Ok(true);
        }
        let Some(found) = read_contact(&self.client, contact_id, deadline).await? else {
            return Ok(false);
        };
        let own: Vec<_> = wanted
            .iter()
            .filter_map(|(name, _)| {
                found
                    .custom_fields
                    .iter()
                    .find(|field| field.ident == *name)
            })
            .collect();
        let written_at = own.iter().filter_map(|field| field.updated_at).max();
        let values = own
            .iter()
            .map(|field| (field.ident.clone(), field.value.clone()))
            .collect();
        self.with_contact(contact_id, |contact| {
            if let Some(at) = written_at {
                contact.budget.note_earlier_write(at.as_millisecond());
            }
            contact.values = Some(values);
        });
        Ok(true)
    }

    /// Tells the team that a conversation goes badly, without a word of it.
    async fn alert_team(&self, contact_id: &str, deadline: Deadline) -> Result<(), Error> {
        let Some(team) = self.writes.alert_team else {
            return Ok(());
        };
        let message = format!("The sentiment of conversation {contact_id} declines.");
        send_team_message(&self.client, team, TEAM_MESSAGE_SUBJECT, &message, deadline).await
    }
}
