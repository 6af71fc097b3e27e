//! An agent's presence and availability for routing.

use http::Method;
use insights_http::Deadline;
use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::client::CxoneClient;
use crate::endpoints::Route;
use crate::error::Error;
use crate::request::Request;

/// A skill of an agent in the form that the routing engine takes: any JSON object.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Skill(pub serde_json::Map<String, serde_json::Value>);

/// Sets an agent's presence, for example to `available` or `offline`. Doing it again changes nothing.
///
/// # Errors
/// As [`CxoneClient::answer`].
pub async fn set_presence(
    client: &CxoneClient,
    agent_id: &str,
    status: &str,
    deadline: Deadline,
) -> Result<(), Error> {
    let endpoint = client.site().endpoint(Route::Presence, &[agent_id])?;
    let body = json!({ "status": { "statusName": status } });
    let request = Request::json(Method::PUT, endpoint, &body)?;
    client.send_unit(request, deadline).await
}

/// Sets an agent's availability in `[0, 1]` (see [`insights_core::chat::availability`]) and skills.
///
/// # Errors
/// As [`CxoneClient::answer`].
pub async fn set_availability(
    client: &CxoneClient,
    agent_id: &str,
    availability: f64,
    skills: &[Skill],
    deadline: Deadline,
) -> Result<(), Error> {
    let endpoint = client.site().endpoint(Route::Routing, &[agent_id])?;
    let body = json!({ "availability": availability, "skills": skills });
    let request = Request::json(Method::PUT, endpoint, &body)?;
    client.send_unit(request, deadline).await
}
