//! The contact lists: contacts, agents, skills and dispositions below `/incontactapi/services/v{N}.0`.
//!
//! | request | answer |
//! |---|---|
//! | `GET apiversion`, `business-unit`, `server-time` | facts about the tenant |
//! | `GET contacts/active`, `contacts/completed` | lists by `top`, `skip` and `_links`; 204 without rows |
//! | `GET contacts/{id}`, `/disposition`, `/custom-data`, `/state-history` | one contact |
//! | `GET contacts/{id}/chat-transcript`, `/historical-chat-transcript`, `/email-transcript` | texts of the old channels |
//! | `GET dispositions`, `contact-state-descriptions`, `media-types` | names of numbers |
//! | `GET agents/states`, `skills/activity` | who works on what |
//! | `POST interactions/{id}/signal`, `interactions/work-items`, `communications/agent-messages`, `contacts/{id}/tags` | kept for assertions |

mod contacts;
mod lists;
mod staff;
mod texts;
mod updates;

use std::sync::Arc;

use axum::Json;
use axum::extract::{ConnectInfo, State};
use axum::http::{Method, StatusCode, Uri};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use serde_json::json;

use super::clock::with_millis;
use super::params::Params;
use super::quirks::Quirk;
use super::refusal::Refusal;
use super::world::TenantWorld;
use crate::socket::ConnectionSwitch;

/// First part of every path, in lower case.
const PREFIX: &str = "/incontactapi/services/";

/// A call of the contact lists.
struct Call<'a> {
    world: &'a TenantWorld,
    /// Version of the API that the path names.
    version: u32,
    /// Path of the call without a query, as the client wrote it.
    path: &'a str,
    params: Params,
    body: Bytes,
    connection: ConnectionSwitch,
}

/// Answers a call of the contact lists, whose path may have any case.
pub(super) async fn serve(
    State(world): State<Arc<TenantWorld>>,
    ConnectInfo(connection): ConnectInfo<ConnectionSwitch>,
    method: Method,
    uri: Uri,
    body: Bytes,
) -> Response {
    let lower = uri.path().to_ascii_lowercase();
    let path = if world.has(Quirk::OldPathsGone) {
        lower
    } else {
        uri.path().to_owned()
    };
    let rest = path
        .strip_prefix(PREFIX)
        .or_else(|| path.strip_prefix("/inContactAPI/services/"));
    let Some((version, rest)) = rest.and_then(|rest| rest.split_once('/')) else {
        return Refusal::not_found("there is no such path").into_response();
    };
    let settings = world.settings();
    let version = version
        .strip_prefix('v')
        .and_then(|version| version.strip_suffix(".0"))
        .and_then(|version| version.parse::<u32>().ok())
        .filter(|version| (settings.lowest_version..=settings.highest_version).contains(version));
    let Some(version) = version else {
        return Refusal::not_found("there is no such version").into_response();
    };
    let segments: Vec<&str> = rest.split('/').collect();
    let call = Call {
        world: &world,
        version,
        path: uri.path(),
        params: Params::of(uri.query()),
        body,
        connection,
    };
    route(&call, &method, &segments)
        .await
        .unwrap_or_else(IntoResponse::into_response)
}

async fn route(call: &Call<'_>, method: &Method, segments: &[&str]) -> Result<Response, Refusal> {
    match (method.as_str(), segments) {
        ("GET", ["contacts", "active"]) => contacts::active(call),
        ("GET", ["contacts", "completed"]) => contacts::completed(call).await,
        ("GET", ["contacts", id]) => contacts::one(call, id),
        ("GET", ["contacts", id, "disposition"]) => contacts::disposition(call, id),
        ("GET", ["contacts", id, "custom-data"]) => contacts::custom_data(call, id),
        ("GET", ["contacts", id, "state-history"]) => contacts::state_history(call, id),
        ("GET", ["contacts", id, "chat-transcript"]) => texts::active_chat(call, id),
        ("GET", ["contacts", id, "historical-chat-transcript"]) => texts::past_chat(call, id),
        ("GET", ["contacts", id, "email-transcript"]) => texts::mails(call, id),
        ("GET", ["dispositions"]) => lists::dispositions(call),
        ("GET", ["contact-state-descriptions"]) => lists::states(call),
        ("GET", ["media-types"]) => lists::media_types(call),
        ("GET", ["agents", "states"]) => staff::agents(call),
        ("GET", ["skills", "activity"]) => staff::skills(call),
        ("POST", ["interactions", "work-items"]) => updates::work_item(call),
        ("POST", ["interactions", id, "signal"]) => updates::signal(call, id),
        ("POST", ["communications", "agent-messages"]) => updates::agent_message(call),
        ("POST", ["contacts", id, "tags"]) => updates::tags(call, id),
        ("GET", ["apiversion"]) => Ok(versions(call)),
        ("GET", ["business-unit"]) => Ok(business_unit(call)),
        ("GET", ["server-time"]) => {
            Ok(Json(json!({"ServerTime": with_millis(call.world.clock.now())})).into_response())
        }
        _ => Err(Refusal::not_found("there is no such path")),
    }
}

fn versions(call: &Call<'_>) -> Response {
    let settings = call.world.settings();
    let all: Vec<String> = (settings.lowest_version..=settings.highest_version)
        .map(|version| format!("{version}.0"))
        .collect();
    Json(json!({"apiVersions": all})).into_response()
}

fn business_unit(call: &Call<'_>) -> Response {
    let settings = call.world.settings();
    let unit = json!({
        "businessUnitId": settings.business_unit, "businessUnitName": "Simulated unit",
        "tenantId": settings.tenant_id, "clusterId": settings.cluster,
    });
    (StatusCode::OK, Json(json!({"businessUnits": [unit]}))).into_response()
}
