//! Agents: their presence, which is read and never set, and messages to a team.

use http::Method;
use insights_http::Deadline;
use serde::Deserialize;
use serde_json::json;

use super::calls::Call;
use super::client::TenantClient;
use super::lists::read_list;
use super::scalars::{Text, lenient};
use crate::error::Error;

/// How long a message to agents is shown, in minutes.
const MESSAGE_MINUTES: u32 = 15;

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct WireStatus {
    #[serde(default, deserialize_with = "lenient")]
    user_id: Text,
    #[serde(default, deserialize_with = "lenient")]
    incontact_id: Text,
    #[serde(default, deserialize_with = "lenient")]
    status: Text,
}

/// Reads the presence of the agent who has digital contacts under this id; `None` if the list does not have the agent.
///
/// # Errors
/// As [`TenantClient::read`], and [`insights_http::Error::InvalidResponse`] if the answer holds no list.
pub async fn read_presence(
    client: &TenantClient,
    agent: &str,
    deadline: Deadline,
) -> Result<Option<String>, Error> {
    let answer = client.read(Call::UserStatuses, &[], &[], deadline).await?;
    let list = read_list(&answer, &["data", "userStatuses", "users"])?;
    Ok(list.entries.into_iter().find_map(|row| {
        let row = serde_json::from_value::<WireStatus>(row).ok()?;
        let ids = [row.incontact_id, row.user_id];
        let is_agent = |id: Text| id.into_plain_id().as_deref() == Some(agent);
        let is_of_agent = ids.into_iter().any(is_agent);
        is_of_agent.then(|| row.status.into_plain_id()).flatten()
    }))
}

/// Sends a message to all agents of a team. It is shown in the agents' application for a quarter of an hour.
///
/// # Errors
/// As [`TenantClient::write`].
pub async fn send_team_message(
    client: &TenantClient,
    team_id: u64,
    subject: &str,
    message: &str,
    deadline: Deadline,
) -> Result<(), Error> {
    let body = json!({
        "message": message,
        "subject": subject,
        "targetType": "Team",
        "targetIds": [team_id],
        "expireMinutes": MESSAGE_MINUTES,
    });
    client
        .write(Call::AgentMessages, Method::POST, &[], &body, deadline)
        .await?;
    Ok(())
}
