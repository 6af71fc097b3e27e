//! Contacts of the contact API: which are going on, and which have ended with which disposition.

use std::collections::HashMap;

use insights_http::{Answer, Deadline};
use jiff::Timestamp;
use serde::Deserialize;

use super::calls::Call;
use super::client::TenantClient;
use super::lists::read_list;
use super::scalars::{Flag, Instant, Number, Text, lenient};
use crate::error::Error;

/// Largest number of rows that a page is asked for.
pub const LARGEST_PAGE: usize = 1000;

/// The number of the media type of digital contacts.
const DIGITAL_MEDIA_TYPE: &str = "9";

/// A contact that has ended.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct CompletedContact {
    /// The id of the contact.
    pub id: String,
    /// The id of the contact that the conversation began with, where another contact is part of the same conversation.
    pub master_id: Option<String>,
    /// The start of the contact.
    pub started_at: Option<Timestamp>,
    /// The duration of the contact in seconds.
    pub duration_seconds: Option<f64>,
    /// The id of the disposition.
    pub disposition_id: Option<String>,
    /// Whether the customer left before an agent took the contact.
    pub is_abandoned: bool,
    /// Whether the contact is a digital one.
    pub is_digital: bool,
    /// Whether the contact has been analyzed.
    pub is_analyzed: bool,
}

impl CompletedContact {
    /// Returns the id of the conversation that the contact is part of.
    #[must_use]
    pub fn conversation_id(&self) -> &str {
        self.master_id.as_deref().unwrap_or(&self.id)
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct WireContact {
    #[serde(default, deserialize_with = "lenient")]
    contact_id: Text,
    #[serde(default, deserialize_with = "lenient")]
    master_contact_id: Text,
    #[serde(default, deserialize_with = "lenient", alias = "contactStart")]
    contact_start_date: Instant,
    #[serde(default, deserialize_with = "lenient", alias = "totalDuration")]
    total_duration_seconds: Number,
    #[serde(default, deserialize_with = "lenient")]
    primary_disposition_id: Text,
    #[serde(default, deserialize_with = "lenient")]
    abandoned: Flag,
    #[serde(default, deserialize_with = "lenient", alias = "mediaType")]
    media_type_id: Text,
    #[serde(default, deserialize_with = "lenient")]
    is_analytics_processed: Flag,
}

impl WireContact {
    fn into_contact(self) -> Option<CompletedContact> {
        // Zero stands for none.
        let non_zero = |id: &String| id != "0";
        Some(CompletedContact {
            id: self.contact_id.into_plain_id()?,
            master_id: self.master_contact_id.into_plain_id().filter(non_zero),
            started_at: self.contact_start_date.0,
            duration_seconds: self.total_duration_seconds.0.filter(|it| *it >= 0.0),
            disposition_id: self.primary_disposition_id.into_plain_id().filter(non_zero),
            is_abandoned: self.abandoned.0,
            is_digital: self.media_type_id.into_text().as_deref() == Some(DIGITAL_MEDIA_TYPE),
            is_analyzed: self.is_analytics_processed.0,
        })
    }
}

/// A page of the list of ended contacts.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct CompletedPage {
    /// The contacts of the page.
    pub contacts: Vec<CompletedContact>,
    /// The number of rows in the answer, unreadable ones among them.
    pub listed: usize,
}

/// Reads contacts that began in a period, `top` of them after the first `skip`. The period should be short: the contact center
/// takes longer the more rows there are, and refuses more than 31 days.
///
/// # Errors
/// As [`TenantClient::read`], and [`insights_http::Error::InvalidResponse`] if the answer holds no list.
pub async fn read_completed(
    client: &TenantClient,
    from: Timestamp,
    to: Timestamp,
    skip: usize,
    top: usize,
    deadline: Deadline,
) -> Result<CompletedPage, Error> {
    let (from, to) = (date_text(from), date_text(to));
    let (skip, top) = (skip.to_string(), top.to_string());
    let query = [
        ("startDate", from.as_str()),
        ("endDate", &to),
        ("top", &top),
        ("skip", &skip),
        ("orderBy", "contactId"),
    ];
    let answer = client
        .read(Call::CompletedContacts, &[], &query, deadline)
        .await?;
    read_contacts(&answer, &["completedContacts", "contacts"])
}

fn read_contacts(answer: &Answer, names: &[&str]) -> Result<CompletedPage, Error> {
    let list = read_list(answer, names)?;
    let listed = list.entries.len();
    let contacts: Vec<_> = list
        .entries
        .into_iter()
        .filter_map(|row| serde_json::from_value::<WireContact>(row).ok())
        .filter_map(WireContact::into_contact)
        .collect();
    if contacts.is_empty() && listed > 0 {
        let reason = format!("none of its {listed} rows names a contact");
        return Err(Error::invalid_response(&answer.endpoint, reason));
    }
    Ok(CompletedPage { contacts, listed })
}

/// Reads the names of the dispositions by their ids.
///
/// # Errors
/// As [`read_completed`], and [`insights_http::Error::InvalidResponse`] if the list has no end.
pub async fn read_dispositions(
    client: &TenantClient,
    deadline: Deadline,
) -> Result<HashMap<String, String>, Error> {
    /// More pages than this are no list of dispositions.
    const MAX_PAGES: usize = 100;
    let top = LARGEST_PAGE.to_string();
    let mut names = HashMap::new();
    for page in 0..MAX_PAGES {
        let skip = (page * LARGEST_PAGE).to_string();
        let query = [("top", top.as_str()), ("skip", &skip)];
        let answer = client
            .read(Call::Dispositions, &[], &query, deadline)
            .await?;
        let list = read_list(&answer, &["dispositions"])?;
        let listed = list.entries.len();
        let known = names.len();
        for row in list.entries {
            if let Ok(row) = serde_json::from_value::<WireDisposition>(row)
                && let (Some(id), Some(name)) = (
                    row.disposition_id.into_plain_id(),
                    row.disposition_name.into_text(),
                )
            {
                names.insert(id, name);
            }
        }
        if listed < LARGEST_PAGE || names.len() == known {
            return Ok(names);
        }
    }
    let template = Call::Dispositions.path().template;
    Err(Error::invalid_response(template, "the list has no end"))
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct WireDisposition {
    #[serde(default, deserialize_with = "lenient")]
    disposition_id: Text,
    #[serde(default, deserialize_with = "lenient")]
    disposition_name: Text,
}

/// Returns a moment as the contact API takes it: whole seconds, and a literal `Z`.
pub(super) fn date_text(at: Timestamp) -> String {
    let whole = Timestamp::from_second(at.as_second()).unwrap_or(at);
    whole.strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
}

#[cfg(test)]
mod tests {
    use http::{HeaderMap, StatusCode};

    use super::*;

    fn read(body: &str) -> Result<CompletedPage, Error> {
        let answer = Answer {
            endpoint: "{acd}/contacts/completed".to_owned(),
            status: StatusCode::OK,
            headers: HeaderMap::new(),
            body: body.to_owned().into_bytes().into(),
        };
        read_contacts(&answer, &["completedContacts"])
    }

    #[test]
    fn contacts_of_old_and_new_versions_are_read_alike() {
        let new = r#"{"completedContacts": [{"contactId": 480000000002, "masterContactId": 480000000001,
            "contactStartDate": "2026-11-20T09:58:11.000Z", "totalDurationSeconds": 351.0, "primaryDispositionId": 12,
            "abandoned": false, "mediaTypeId": 9, "isAnalyticsProcessed": true}]}"#;
        let old = r#"{"completedContacts": [{"contactId": "480000000002", "masterContactId": "480000000001",
            "contactStart": "2026-11-20T09:58:11Z", "totalDurationSeconds": "351", "primaryDispositionId": "12",
            "abandoned": "False", "mediaTypeId": "9", "isAnalyticsProcessed": "True"}, 7]}"#;
        let (new, old) = (read(new).expect("a page"), read(old).expect("a page"));
        assert_eq!(new.contacts, old.contacts);
        assert_eq!((new.listed, old.listed), (1, 2));
        let contact = &new.contacts[0];
        assert_eq!(contact.conversation_id(), "480000000001");
        assert!(contact.is_digital && contact.is_analyzed && !contact.is_abandoned);
    }

    #[test]
    fn a_contact_without_a_master_is_its_own_and_no_rows_are_no_error() {
        let alone = read(
            r#"{"completedContacts": [{"contactId": 5, "masterContactId": 0, "primaryDispositionId": 0}]}"#,
        );
        let alone = alone.expect("a page").contacts.remove(0);
        assert_eq!(
            (alone.conversation_id(), alone.disposition_id.as_deref()),
            ("5", None)
        );
        assert_eq!(read("").expect("a 204"), CompletedPage::default());
        assert!(read(r#"{"completedContacts": [{"id": 5}]}"#).is_err());
        assert!(read(r#"{"error": "x"}"#).is_err());
    }

    #[test]
    fn dates_have_no_fraction_and_a_literal_z() {
        let at = "2026-11-20T09:58:11.250+00:00".parse().expect("a moment");
        assert_eq!(date_text(at), "2026-11-20T09:58:11Z");
    }
}
