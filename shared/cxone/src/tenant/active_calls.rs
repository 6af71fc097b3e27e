//! The calls that go on: the contacts of the medium phone that the contact API lists as active.

use insights_http::Deadline;
use serde::Deserialize;

use super::calls::Call;
use super::client::TenantClient;
use super::contacts::LARGEST_PAGE;
use super::lists::read_list;
use super::scalars::{Text, lenient};
use crate::error::Error;

/// The number of the media type of calls.
const PHONE_MEDIA_TYPE: &str = "4";

/// More pages than this are no list of calls that go on.
const MAX_PAGES: usize = 50;

/// A call that goes on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ActiveCall {
    /// The id of the contact.
    pub id: String,
    /// Whether an agent has the call; without one there is nobody whose words are transcribed.
    pub has_agent: bool,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct WireContact {
    #[serde(default, deserialize_with = "lenient")]
    contact_id: Text,
    #[serde(default, deserialize_with = "lenient", alias = "mediaType")]
    media_type_id: Text,
    #[serde(default, deserialize_with = "lenient")]
    agent_id: Text,
}

/// Reads all calls that go on. A call that is missing from the list has ended.
///
/// # Errors
/// As [`TenantClient::read`], and [`insights_http::Error::InvalidResponse`] if an answer holds no list, rows that name no contact, or the
/// list has no end.
pub async fn read_active_calls(
    client: &TenantClient,
    deadline: Deadline,
) -> Result<Vec<ActiveCall>, Error> {
    let top = LARGEST_PAGE.to_string();
    let mut calls = Vec::new();
    for page in 0..MAX_PAGES {
        let skip = (page * LARGEST_PAGE).to_string();
        let query = [
            ("mediaTypeId", PHONE_MEDIA_TYPE),
            ("top", &top),
            ("skip", &skip),
        ];
        let answer = client
            .read(Call::ActiveContacts, &[], &query, deadline)
            .await?;
        let list = read_list(&answer, &["activeContacts", "contacts"])?;
        let listed = list.entries.len();
        let rows: Vec<_> = list
            .entries
            .into_iter()
            .filter_map(|row| serde_json::from_value::<WireContact>(row).ok())
            .filter_map(|row| {
                Some((
                    row.contact_id.into_plain_id()?,
                    row.media_type_id,
                    row.agent_id,
                ))
            })
            .collect();
        if rows.is_empty() && listed > 0 {
            let reason = format!("none of its {listed} rows names a contact");
            return Err(Error::invalid_response(&answer.endpoint, reason));
        }
        for (id, media_type, agent) in rows {
            // A tenant that ignores the query lists other media too.
            let media_type = media_type.into_text();
            if media_type.is_none_or(|media_type| media_type == PHONE_MEDIA_TYPE) {
                let agent = agent.into_plain_id();
                let has_agent = agent.is_some_and(|agent| agent != "0");
                calls.push(ActiveCall { id, has_agent });
            }
        }
        if listed < LARGEST_PAGE {
            return Ok(calls);
        }
    }
    let template = Call::ActiveContacts.path().template;
    Err(Error::invalid_response(template, "the list has no end"))
}
