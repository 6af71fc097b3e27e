//! An agent's presence and availability for routing.

use http::Method;
use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::endpoints::Route;
use crate::{CxoneClient, Request};
use insights_http::{Deadline, Error};

/// A skill of an agent, as the routing engine takes it: any JSON object.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Skill(pub serde_json::Map<String, serde_json::Value>);

/// Sets an agent's presence, e.g. to `available` or `offline`. Doing it again changes nothing.
///
/// # Errors
/// As [`CxoneClient::answer`].
pub async fn set_presence(
    client: &CxoneClient,
    user: &str,
    status: &str,
    deadline: Deadline,
) -> Result<(), Error> {
    let endpoint = client.site().endpoint(Route::Presence, &[user])?;
    let body = json!({ "status": { "statusName": status } });
    client
        .send_unit(Request::json(Method::PUT, endpoint, &body)?, deadline)
        .await
}

/// Sets an agent's availability in `[0, 1]` (see [`insights_core::chat::availability`]) and skills.
///
/// # Errors
/// As [`CxoneClient::answer`].
pub async fn set_availability(
    client: &CxoneClient,
    user: &str,
    availability: f64,
    skills: &[Skill],
    deadline: Deadline,
) -> Result<(), Error> {
    let endpoint = client.site().endpoint(Route::Routing, &[user])?;
    let body = json!({ "availability": availability, "skills": skills });
    client
        .send_unit(Request::json(Method::PUT, endpoint, &body)?, deadline)
        .await
}
