//! Channels, tags, queues and users of the digital API.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use serde_json::{Value, json};

use crate::tenant::params::Params;
use crate::tenant::people::{AGENTS, SKILLS};
use crate::tenant::world::TenantWorld;

/// Tags of messages with their numbers.
pub(super) const TAGS: [(i64, &str); 2] = [(7, "complaint"), (8, "legal")];

pub(super) async fn channels() -> Json<Value> {
    let channel = |id: &str, name: &str| {
        json!({
            "id": id, "name": name, "realExternalPlatformId": "chat", "isPrivate": true, "hasConversations": true,
        })
    };
    Json(json!([
        channel("chat_sim", "Web chat"),
        channel("chat_bot", "Self-service")
    ]))
}

pub(super) async fn tags() -> Json<Value> {
    let tags = TAGS.map(|(id, title)| json!({"id": id, "title": title, "color": "#ff0000"}));
    Json(json!({"hits": tags.len(), "data": tags}))
}

pub(super) async fn queues(params: Params) -> Json<Value> {
    let size = params.number::<usize>("size").ok().flatten().unwrap_or(50);
    let queues: Vec<Value> = SKILLS
        .iter()
        .take(size)
        .map(|skill| json!({"id": skill.queue, "name": skill.name, "skillId": skill.id}))
        .collect();
    Json(json!({"hits": SKILLS.len(), "data": queues}))
}

pub(super) async fn me() -> Json<Value> {
    Json(json!({"user": {"id": 13_699}, "brand": {"id": 1_042}}))
}

pub(super) async fn event_hub_url(State(world): State<Arc<TenantWorld>>) -> Json<Value> {
    let settings = world.settings();
    let url = format!(
        "{}?tenantId={}",
        world.hosts().event_hub,
        settings.tenant_id
    );
    Json(json!({"websocketUrl": url}))
}

pub(super) async fn presence() -> Json<Value> {
    let users: Vec<Value> = AGENTS
        .iter()
        .map(|agent| json!({"userId": agent.digital_id, "incontactId": agent.user_id(), "status": "online"}))
        .collect();
    Json(json!({"hits": users.len(), "data": users}))
}
