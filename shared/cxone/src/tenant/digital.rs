//! Digital contacts and their messages.
//!
//! The list of contacts has 25 a page and a token that leads to the next one. [`DigitalWalk`] reads it: a page may be empty,
//! the same contact may be on two pages while the list moves, and a token may lead back.

use std::collections::{HashMap, HashSet};

use http::Method;
use insights_http::{Answer, Deadline};
use jiff::Timestamp;
use jiff::civil::Date;
use serde::Deserialize;
use serde_json::{Value, json};

use super::calls::Call;
use super::client::TenantClient;
use super::lists::{WireList, read_list, read_object};
use super::scalars::{Flag, Instant, Number, Text, lenient};
use crate::error::Error;

/// A list of more pages than this has no end.
const MAX_PAGES: usize = 20_000;

/// Longest text of a message in bytes that is kept.
const MAX_TEXT_BYTES: usize = 256 << 10;

/// The states of contacts in which the conversation goes on.
pub const OPEN_STATUSES: &[&str] = &["new", "open", "pending", "escalated"];

/// The states of contacts in which the conversation has ended.
pub const FINISHED_STATUSES: &[&str] = &["resolved", "closed"];

/// A digital contact in the list.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct DigitalContact {
    /// The number of the contact.
    pub id: String,
    /// The state, in lower case; one of [`OPEN_STATUSES`], [`FINISHED_STATUSES`], or another.
    pub status: String,
    /// The moment at which the state changed last.
    pub status_updated_at: Option<Timestamp>,
    /// The moment at which the contact began.
    pub created_at: Option<Timestamp>,
    /// The id of the agent who has the contact, as the contact center's other parts name the agent; or else the digital one.
    pub agent_id: Option<String>,
    /// The numbers of inbound and outbound messages of the customer, which change with each message.
    pub message_counts: Option<(u64, u64)>,
    /// The custom fields that have a value.
    pub custom_fields: Vec<CustomField>,
}

/// A custom field of a contact.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct CustomField {
    /// The name of the field.
    pub ident: String,
    /// The value of the field.
    pub value: String,
    /// The moment at which the value was written.
    pub updated_at: Option<Timestamp>,
}

impl DigitalContact {
    /// Returns whether the conversation has ended.
    #[must_use]
    pub fn is_finished(&self) -> bool {
        FINISHED_STATUSES.contains(&self.status.as_str())
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct WireContact {
    #[serde(default, deserialize_with = "lenient")]
    id: Text,
    #[serde(default, deserialize_with = "lenient")]
    status: Text,
    #[serde(default, deserialize_with = "lenient")]
    status_updated_at: Instant,
    #[serde(default, deserialize_with = "lenient")]
    created_at: Instant,
    #[serde(default, deserialize_with = "lenient")]
    inbox_assignee_user: Option<WireUser>,
    #[serde(default, deserialize_with = "lenient")]
    end_user: Option<WireEndUser>,
    #[serde(default, deserialize_with = "lenient")]
    custom_fields: Vec<Value>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct WireField {
    #[serde(default, deserialize_with = "lenient")]
    ident: Text,
    #[serde(default, deserialize_with = "lenient")]
    value: Text,
    #[serde(default, deserialize_with = "lenient")]
    updated_at: Instant,
}

impl WireField {
    fn into_field(self) -> Option<CustomField> {
        Some(CustomField {
            ident: self.ident.into_text()?,
            value: self.value.into_text()?,
            updated_at: self.updated_at.0,
        })
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct WireUser {
    #[serde(default, deserialize_with = "lenient")]
    id: Text,
    #[serde(default, deserialize_with = "lenient")]
    incontact_id: Text,
    #[serde(default, deserialize_with = "lenient")]
    is_bot_user: Flag,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct WireEndUser {
    #[serde(default, deserialize_with = "lenient")]
    message_statistics: Option<WireStatistics>,
}

#[derive(Deserialize)]
struct WireStatistics {
    #[serde(default, deserialize_with = "lenient")]
    inbound: Number,
    #[serde(default, deserialize_with = "lenient")]
    outbound: Number,
}

impl WireContact {
    fn into_contact(self) -> Option<DigitalContact> {
        let agent = self.inbox_assignee_user;
        let agent = agent.and_then(|user| {
            let ids = [user.incontact_id, user.id];
            ids.into_iter().find_map(Text::into_plain_id)
        });
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "`as` saturates, and a count only has to differ from another"
        )]
        let count = |number: Number| number.0.map(|number| number as u64);
        let statistics = self.end_user.and_then(|user| user.message_statistics);
        Some(DigitalContact {
            id: self.id.into_plain_id()?,
            status: self.status.into_text()?.to_ascii_lowercase(),
            status_updated_at: self.status_updated_at.0,
            created_at: self.created_at.0,
            agent_id: agent,
            message_counts: statistics
                .and_then(|it| Some((count(it.inbound)?, count(it.outbound)?))),
            custom_fields: self
                .custom_fields
                .into_iter()
                .filter_map(|field| serde_json::from_value::<WireField>(field).ok())
                .filter_map(WireField::into_field)
                .collect(),
        })
    }
}

/// Which contacts a walk reads.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DigitalQuery {
    /// The states of the contacts.
    pub statuses: &'static [&'static str],
    /// The first and the last day on which the contacts began, where that bounds the list.
    pub created: Option<(Date, Date)>,
}

/// A walk over the pages of the list of contacts.
#[derive(Debug)]
pub struct DigitalWalk {
    query: DigitalQuery,
    scroll_token: Option<String>,
    used_tokens: HashSet<String>,
    seen: HashSet<String>,
    listed: usize,
    pages: usize,
    has_ended: bool,
    /// The number of rows that name no contact.
    pub unusable: usize,
}

impl DigitalWalk {
    /// Begins a walk over the list.
    #[must_use]
    pub fn new(query: DigitalQuery) -> Self {
        Self {
            query,
            scroll_token: None,
            used_tokens: HashSet::new(),
            seen: HashSet::new(),
            listed: 0,
            pages: 0,
            has_ended: false,
            unusable: 0,
        }
    }

    /// Reads the next page and returns the contacts that no earlier page had; `None` after the last page. After an error the same
    /// page is asked for again, or the walk begins anew where the contact center has forgotten the token.
    ///
    /// # Errors
    /// As [`TenantClient::read`], and [`insights_http::Error::InvalidResponse`] if the answer holds no list, or the list no end.
    pub async fn next_page(
        &mut self,
        client: &TenantClient,
        deadline: Deadline,
    ) -> Result<Option<Vec<DigitalContact>>, Error> {
        if self.has_ended {
            return Ok(None);
        }
        let mut query: Vec<(&str, String)> = Vec::new();
        for status in self.query.statuses {
            query.push(("status[]", (*status).to_owned()));
        }
        match (&self.scroll_token, self.query.created) {
            (Some(token), _) => query.push(("scrollToken", token.clone())),
            (None, created) => {
                if let Some((first, last)) = created {
                    query.push(("date[from]", first.to_string()));
                    query.push(("date[to]", last.to_string()));
                }
                query.push(("sorting", "createdAt".to_owned()));
                query.push(("sortingType", "asc".to_owned()));
            }
        }
        let query: Vec<_> = query
            .iter()
            .map(|(name, value)| (*name, value.as_str()))
            .collect();
        let answer = match client
            .read(Call::DigitalContacts, &[], &query, deadline)
            .await
        {
            Err(error) if self.scroll_token.is_some() && is_forgotten_token(&error) => {
                // What was seen stays seen, so that the new walk brings the rest alone.
                self.scroll_token = None;
                self.listed = 0;
                self.used_tokens.clear();
                self.pages += 1;
                return if self.pages < MAX_PAGES {
                    Ok(Some(Vec::new()))
                } else {
                    Err(error)
                };
            }
            answer => answer?,
        };
        self.take(&answer)
    }

    fn take(&mut self, answer: &Answer) -> Result<Option<Vec<DigitalContact>>, Error> {
        let WireList { entries, members } = read_list(answer, &["data", "contacts", "items"])?;
        self.pages += 1;
        let listed = entries.len();
        self.listed += listed;
        let contacts: Vec<_> = entries
            .into_iter()
            .filter_map(|row| serde_json::from_value::<WireContact>(row).ok())
            .filter_map(WireContact::into_contact)
            .collect();
        self.unusable += listed - contacts.len();
        let member = |name: &str| members.get(name).cloned().unwrap_or_default();
        let hits: Number = serde_json::from_value(member("hits")).unwrap_or_default();
        let token: Text = serde_json::from_value(member("scrollToken")).unwrap_or_default();
        let token = token.into_text();
        let is_complete = hits.0.is_some_and(|hits| self.listed as f64 >= hits);
        let leads_on = token
            .as_ref()
            .is_some_and(|token| self.used_tokens.insert(token.clone()) || listed > 0);
        self.has_ended = listed == 0 || is_complete || !leads_on;
        if !self.has_ended && self.pages >= MAX_PAGES {
            return Err(Error::invalid_response(
                &answer.endpoint,
                "the list has no end",
            ));
        }
        self.scroll_token = token;
        let is_new = |contact: &DigitalContact| self.seen.insert(contact.id.clone());
        Ok(Some(contacts.into_iter().filter(is_new).collect()))
    }
}

/// Returns whether the contact center does not know a scroll token any more.
fn is_forgotten_token(error: &Error) -> bool {
    use insights_http::Error as HttpError;
    matches!(
        error,
        Error::Refused { status: 400, .. }
            | Error::Http(HttpError::Rejected { status: 400, .. } | HttpError::NotFound { .. })
    )
}

/// Reads one contact; `None` if there is none of this number.
///
/// # Errors
/// As [`TenantClient::read`], and [`insights_http::Error::InvalidResponse`] if the answer is no contact.
pub async fn read_contact(
    client: &TenantClient,
    contact_id: &str,
    deadline: Deadline,
) -> Result<Option<DigitalContact>, Error> {
    let answer = match client
        .read(Call::DigitalContact, &[contact_id], &[], deadline)
        .await
    {
        Err(error) if error.is_not_found() => return Ok(None),
        answer => answer?,
    };
    let contact = serde_json::from_value::<WireContact>(Value::Object(read_object(&answer)?)).ok();
    let invalid = || Error::invalid_response(&answer.endpoint, "it is no contact");
    contact
        .and_then(WireContact::into_contact)
        .map(Some)
        .ok_or_else(invalid)
}

/// Who wrote a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Author {
    /// The customer wrote the message.
    Customer,
    /// An agent wrote the message.
    Agent,
    /// A bot or a workflow wrote the message.
    Bot,
}

/// A message of a digital contact.
#[derive(Clone, PartialEq)]
pub struct DigitalMessage {
    /// The id of the message.
    pub id: String,
    /// Who wrote the message.
    pub author: Author,
    /// What it says; empty where nothing is written in it, or where the text was removed.
    pub text: String,
    /// The moment at which it was written.
    pub at: Option<Timestamp>,
    /// Whether the contact center has removed the text, by a rule of privacy or at somebody's wish.
    pub is_removed: bool,
}

/// Omits the text, so that it cannot reach a log.
impl std::fmt::Debug for DigitalMessage {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("DigitalMessage")
            .field("id", &self.id)
            .field("author", &self.author)
            .field("is_removed", &self.is_removed)
            .finish_non_exhaustive()
    }
}

/// The messages of a contact.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct DigitalMessages {
    /// The messages in the order of their times.
    pub messages: Vec<DigitalMessage>,
    /// The number of entries that are no messages.
    pub unreadable: usize,
}

impl DigitalMessages {
    /// Returns whether the texts of all messages were removed.
    #[must_use]
    pub fn is_removed(&self) -> bool {
        !self.messages.is_empty()
            && self.messages.iter().any(|message| message.is_removed)
            && self.messages.iter().all(|message| message.text.is_empty())
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct WireMessage {
    #[serde(default, deserialize_with = "lenient")]
    id: Text,
    #[serde(default, deserialize_with = "lenient")]
    direction: Text,
    #[serde(default, deserialize_with = "lenient")]
    created_at: Instant,
    #[serde(default, deserialize_with = "lenient")]
    created_at_with_milliseconds: Instant,
    #[serde(default, deserialize_with = "lenient")]
    message_content: Value,
    #[serde(default, deserialize_with = "lenient")]
    author_user: Option<WireUser>,
    #[serde(default, deserialize_with = "lenient")]
    content_removed: Value,
    #[serde(default, deserialize_with = "lenient")]
    has_additional_message_content: Flag,
    #[serde(default, deserialize_with = "lenient")]
    is_deleted_on_external_platform: Flag,
}

impl WireMessage {
    /// Returns the message, and whether its whole content must be asked for.
    pub(super) fn into_message(self) -> Option<(DigitalMessage, bool)> {
        let direction = self.direction.into_text()?.to_ascii_lowercase();
        let is_bot = self.author_user.is_some_and(|user| user.is_bot_user.0);
        let author = match (direction.as_str(), is_bot) {
            ("inbound", _) => Author::Customer,
            ("outbound", true) => Author::Bot,
            ("outbound", false) => Author::Agent,
            _ => return None,
        };
        let is_removed = is_set(&self.content_removed) || self.is_deleted_on_external_platform.0;
        let text = if is_removed {
            String::new()
        } else {
            text_of(&self.message_content)
        };
        let message = DigitalMessage {
            id: self.id.into_plain_id()?,
            author,
            text,
            at: self.created_at_with_milliseconds.0.or(self.created_at.0),
            is_removed,
        };
        let is_cut = self.has_additional_message_content.0 && !is_removed;
        Some((message, is_cut))
    }
}

/// Returns whether a member says something: an object, a text that is not empty, or `true`.
fn is_set(value: &Value) -> bool {
    match value {
        Value::Null => false,
        Value::Bool(value) => *value,
        Value::String(text) => !text.is_empty(),
        Value::Object(members) => !members.is_empty(),
        Value::Array(_) | Value::Number(_) => true,
    }
}

/// Returns what a message says: its text, or else the text for clients that show no cards, or else the texts of its elements.
fn text_of(content: &Value) -> String {
    let payload = &content["payload"];
    let plain = [
        &payload["text"],
        &payload["text"]["content"],
        &content["text"],
        &content["fallbackText"],
    ];
    let plain = plain.into_iter().filter_map(Value::as_str);
    let found = plain.map(str::trim).find(|text| !text.is_empty());
    let mut text = match found {
        Some(text) => text.to_owned(),
        None => {
            let mut texts = Vec::new();
            collect_texts(&payload["elements"], &mut texts, 0);
            texts.join(" ")
        }
    };
    if text.len() > MAX_TEXT_BYTES {
        let end = (0..=MAX_TEXT_BYTES)
            .rev()
            .find(|at| text.is_char_boundary(*at));
        text.truncate(end.unwrap_or_default());
    }
    text
}

fn collect_texts<'a>(value: &'a Value, texts: &mut Vec<&'a str>, depth: usize) {
    /// Cards nest a few levels; what nests deeper is no text for people.
    const MAX_DEPTH: usize = 12;
    if depth > MAX_DEPTH {
        return;
    }
    match value {
        Value::Array(elements) => {
            for element in elements {
                collect_texts(element, texts, depth + 1);
            }
        }
        Value::Object(members) => {
            for (name, member) in members {
                match member {
                    Value::String(text) if name == "text" || name == "content" => {
                        texts.push(text.trim());
                    }
                    _ => collect_texts(member, texts, depth + 1),
                }
            }
        }
        _ => {}
    }
}

/// The whole contents of messages that lists cut, so that who reads a contact again and again asks once for each.
#[derive(Debug, Default)]
pub struct WholeMessages(HashMap<String, (DigitalMessage, DigitalMessage)>);

/// Reads all messages of a contact, the whole content of those that the list cuts included; `None` if there is no contact of this
/// number.
///
/// # Errors
/// As [`TenantClient::read`], and [`insights_http::Error::InvalidResponse`] if the answer holds no messages.
pub async fn read_messages(
    client: &TenantClient,
    contact_id: &str,
    deadline: Deadline,
) -> Result<Option<DigitalMessages>, Error> {
    read_messages_again(client, contact_id, &mut WholeMessages::default(), deadline).await
}

/// Reads all messages of a contact as [`read_messages`] does, and asks for the whole content only of those that the list cuts and that
/// have not been asked for or have changed.
///
/// # Errors
/// As [`read_messages`].
pub async fn read_messages_again(
    client: &TenantClient,
    contact_id: &str,
    known: &mut WholeMessages,
    deadline: Deadline,
) -> Result<Option<DigitalMessages>, Error> {
    let mut found = DigitalMessages::default();
    let mut ids = HashSet::new();
    let mut scroll_token: Option<String> = None;
    let mut listed = 0_usize;
    loop {
        let query: Vec<_> = scroll_token
            .iter()
            .map(|token| ("scrollToken", token.as_str()))
            .collect();
        let answer = match client
            .read(Call::DigitalMessages, &[contact_id], &query, deadline)
            .await
        {
            Err(error) if error.is_not_found() && scroll_token.is_none() => return Ok(None),
            answer => answer?,
        };
        let WireList { entries, members } = read_list(&answer, &["data", "messages", "items"])?;
        let count = entries.len();
        listed += count;
        let ids_before = ids.len();
        for entry in entries {
            let message = serde_json::from_value::<WireMessage>(entry).ok();
            let Some((mut message, is_cut)) = message.and_then(WireMessage::into_message) else {
                found.unreadable += 1;
                continue;
            };
            if !ids.insert(message.id.clone()) {
                continue;
            }
            let is_known = |(cut, _): &&(DigitalMessage, DigitalMessage)| is_cut && *cut == message;
            if let Some((_, whole)) = known.0.get(&message.id).filter(is_known) {
                message = whole.clone();
            } else if is_cut
                && let Some(whole) = read_message(client, &message.id, deadline).await?
            {
                let cut = std::mem::replace(&mut message, whole.clone());
                known.0.insert(cut.id.clone(), (cut, whole));
            }
            found.messages.push(message);
        }
        if found.messages.is_empty() && count > 0 {
            let reason = format!("none of its {count} entries is a message");
            return Err(Error::invalid_response(&answer.endpoint, reason));
        }
        let member = |name: &str| members.get(name).cloned().unwrap_or_default();
        let hits: Number = serde_json::from_value(member("hits")).unwrap_or_default();
        let token: Text = serde_json::from_value(member("scrollToken")).unwrap_or_default();
        scroll_token = token.into_text();
        // The description has no pages here; a server that has some is followed all the same.
        let is_partial = hits.0.is_some_and(|hits| (listed as f64) < hits);
        if scroll_token.is_none() || !is_partial || ids.len() == ids_before {
            found
                .messages
                .sort_by_key(|message| (message.at.is_none(), message.at));
            return Ok(Some(found));
        }
    }
}

/// Reads one message with its whole content; `None` if there is none of this id.
///
/// # Errors
/// As [`TenantClient::read`], and [`insights_http::Error::InvalidResponse`] if the answer is no message.
pub async fn read_message(
    client: &TenantClient,
    message_id: &str,
    deadline: Deadline,
) -> Result<Option<DigitalMessage>, Error> {
    let answer = match client
        .read(Call::DigitalMessage, &[message_id], &[], deadline)
        .await
    {
        Err(error) if error.is_not_found() => return Ok(None),
        answer => answer?,
    };
    let message = serde_json::from_value::<WireMessage>(Value::Object(read_object(&answer)?)).ok();
    let invalid = || Error::invalid_response(&answer.endpoint, "it is no message");
    message
        .and_then(WireMessage::into_message)
        .map(|(message, _)| Some(message))
        .ok_or_else(invalid)
}

/// Writes custom fields of a contact, each a name and a value. The fields must have been defined in the contact center.
///
/// # Errors
/// As [`TenantClient::write`].
pub async fn write_custom_fields(
    client: &TenantClient,
    contact_id: &str,
    fields: &[(&str, &str)],
    deadline: Deadline,
) -> Result<(), Error> {
    let fields: Vec<_> = fields
        .iter()
        .map(|(ident, value)| json!({"ident": ident, "value": value}))
        .collect();
    client
        .write(
            Call::CustomFields,
            Method::PUT,
            &[contact_id],
            &fields,
            deadline,
        )
        .await?;
    Ok(())
}

#[cfg(test)]
mod tests;
