//! Agents: their states, which are read and never set, and messages to a team.

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

/// The state of an agent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AgentState {
    /// The id of the agent.
    pub agent_id: String,
    /// The name of the state, such as `Available`.
    pub state: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct WireState {
    #[serde(default, deserialize_with = "lenient")]
    agent_id: Text,
    #[serde(default, deserialize_with = "lenient")]
    agent_state_name: Text,
}

/// Reads the states of the agents, of at most a thousand.
///
/// # Errors
/// As [`TenantClient::read`], and [`insights_http::Error::InvalidResponse`] if the answer holds no list.
pub async fn read_states(
    client: &TenantClient,
    deadline: Deadline,
) -> Result<Vec<AgentState>, Error> {
    let query = [("top", "1000"), ("fields", "agentId,agentStateName")];
    let answer = client
        .read(Call::AgentStates, &[], &query, deadline)
        .await?;
    let list = read_list(&answer, &["agentStates"])?;
    let states = list.entries.into_iter().filter_map(|row| {
        let row = serde_json::from_value::<WireState>(row).ok()?;
        Some(AgentState {
            agent_id: row.agent_id.into_plain_id()?,
            state: row.agent_state_name.into_plain_id()?,
        })
    });
    Ok(states.collect())
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
