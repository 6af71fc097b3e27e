//! What agents do and how skills stand.

use axum::response::Response;
use serde_json::{Value, json};

use super::Call;
use super::lists::page;
use crate::tenant::clock::with_millis;
use crate::tenant::people::{AGENTS, SKILLS};
use crate::tenant::refusal::Refusal;

pub(super) fn agents(call: &Call<'_>) -> Result<Response, Refusal> {
    let since = call.params.time("updatedSince")?;
    let running = call.world.running();
    let mut rows = Vec::new();
    for agent in AGENTS {
        let works: Vec<_> = running
            .iter()
            .filter(|contact| contact.agent.id == agent.id)
            .collect();
        let (start, skill) = works
            .first()
            .map_or((call.world.started(), &SKILLS[0]), |contact| {
                (contact.start, contact.skill)
            });
        if since.is_some_and(|since| start < since) {
            continue;
        }
        let (state, name) = if works.is_empty() {
            (1, "Available")
        } else {
            (3, "InboundContact")
        };
        rows.push(json!({
            "agentId": agent.id, "agentStateId": state, "agentStateName": name,
            "contactId": works.first().map(|contact| contact.id), "isACW": false, "isOutbound": false,
            "openContacts": works.len(), "outStateId": null, "outStateDescription": null,
            "startDate": with_millis(start), "skillId": skill.id, "skillName": skill.name,
            "teamId": agent.team_id, "teamName": agent.team_name,
            "firstName": agent.first_name, "lastName": agent.last_name,
        }));
    }
    page(call, "agentStates", rows)
}

pub(super) fn skills(call: &Call<'_>) -> Result<Response, Refusal> {
    let now = call.world.clock.now();
    let running = call.world.running();
    let rows: Vec<Value> = SKILLS
        .iter()
        .map(|skill| {
            let active = running.iter().filter(|it| it.skill.id == skill.id).count();
            json!({
                "serverTime": with_millis(now), "skillId": skill.id, "skillName": skill.name,
                "agentsACW": 0, "agentsAvailable": 2, "agentsIdle": 0, "agentsLoggedIn": AGENTS.len(),
                "agentsUnavailable": 0, "agentsWorking": active.min(AGENTS.len()), "contactsActive": active,
                "earliestQueueTime": null, "inSLA": 40, "outSLA": 2, "queueCount": 0, "skillQueueCount": 0,
                "personalQueueCount": 0, "parkedCount": 0, "serviceLevel": 95, "serviceLevelGoal": 90,
                "serviceLevelThreshold": 30,
            })
        })
        .collect();
    page(call, "skillActivity", rows)
}
