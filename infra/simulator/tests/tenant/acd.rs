//! The contact lists.

use cxone_simulator::conversations::{Author, Fixed, Line};
use cxone_simulator::live::{Call, Line as Utterance};
use cxone_simulator::tenant::Quirks;
use jiff::{SignedDuration, Timestamp};
use serde_json::json;

use crate::support::{rows, tenant, tenant_with};

#[tokio::test]
async fn the_list_of_completed_contacts_is_read_by_links_and_by_skip() {
    let tenant = tenant(Quirks::none()).await;
    let all = tenant.completed().await;
    assert!(all.len() > 500, "{}", all.len());
    let from = Timestamp::now() - SignedDuration::from_hours(30 * 24);
    let from = from.strftime("%Y-%m-%dT%H:%M:%SZ");
    let mut url = tenant.acd(&format!(
        "contacts/completed?startDate={from}&top=400&fields=contactId"
    ));
    let mut ids = Vec::new();
    loop {
        let (_, page) = tenant.get(&url).await;
        ids.extend(rows(&page, "completedContacts").to_vec());
        match page["_links"]["next"].as_str() {
            Some(next) => url = next.to_owned(),
            None => break,
        }
    }
    let wanted: Vec<_> = all
        .iter()
        .map(|row| json!({"contactId": row["contactId"]}))
        .collect();
    assert_eq!(ids, wanted);
    let (status, _) = tenant.get(&format!("{url}&skip=100000")).await;
    assert_eq!(status, 200, "the first skip counts");
    let (status, _) = tenant
        .get(&tenant.acd(&format!("contacts/completed?startDate={from}&skip=100000")))
        .await;
    assert_eq!(status, 204);
}

#[tokio::test]
async fn dates_need_a_z_and_windows_end_after_31_days() {
    let tenant = tenant(Quirks::none()).await;
    for query in [
        "startDate=2026-11-01T00:00:00%2B00:00",
        "startDate=2026-11-01",
        "startDate=2026-09-01T00:00:00Z&endDate=2026-10-03T00:00:00Z",
        "",
        "startDate=2026-11-01T00:00:00Z&top=0",
        "startDate=2026-11-01T00:00:00Z&mediaTypeId=phone",
    ] {
        let (status, answer) = tenant
            .get(&tenant.acd(&format!("contacts/completed?{query}")))
            .await;
        assert_eq!(status, 400, "{query}");
        assert_eq!(answer["error"], "InvalidParameter");
    }
    let wide = "contacts/completed?startDate=2026-09-01T00:00:00Z&endDate=2026-10-02T00:00:00Z";
    assert_ne!(tenant.get(&tenant.acd(wide)).await.0, 400);
}

#[tokio::test]
async fn live_calls_and_open_chats_are_active_contacts_with_busy_agents() {
    let call = Call::new(
        "live-1",
        vec![Utterance::said("customer", 60_000, "Hello?")],
    );
    let tenant = tenant_with(Quirks::none(), |scenario| {
        scenario.conversations.per_day = 0;
        scenario.calls = vec![call];
    })
    .await;
    let number = tenant.handle.world().digital.open();
    let (_, list) = tenant.get(&tenant.acd("contacts/active")).await;
    let media: Vec<_> = rows(&list, "activeContacts")
        .iter()
        .map(|row| row["mediaTypeId"].clone())
        .collect();
    assert_eq!(media, [json!(9), json!(4)]);
    let (_, chats) = tenant
        .get(&tenant.acd("contacts/active?mediaTypeId=9"))
        .await;
    assert_eq!(chats["activeContacts"][0]["contactId"], json!(number));
    let (_, agents) = tenant.get(&tenant.acd("agents/states")).await;
    let busy = rows(&agents, "agentStates")
        .iter()
        .filter(|row| row["agentStateName"] == "InboundContact");
    assert!(busy.count() >= 1);
    let (_, skills) = tenant.get(&tenant.acd("skills/activity")).await;
    assert_eq!(rows(&skills, "skillActivity").len(), 3);
    // Some time later both have ended.
    tenant.handle.world().digital.close(number);
    tenant
        .handle
        .world()
        .clock
        .advance(std::time::Duration::from_secs(600));
    assert_eq!(tenant.get(&tenant.acd("contacts/active")).await.0, 204);
    assert_eq!(tenant.completed().await.len(), 2);
}

#[tokio::test]
async fn one_contact_has_a_row_a_disposition_and_a_history() {
    let tenant = tenant(Quirks::none()).await;
    let all = tenant.completed().await;
    let resolved = all
        .iter()
        .find(|row| row["primaryDispositionId"] == 11)
        .unwrap();
    let id = &resolved["contactId"];
    let (_, one) = tenant
        .get(&tenant.acd(&format!("contacts/{id}?fields=agentId")))
        .await;
    assert_eq!(one["contactId"], json!({"agentId": resolved["agentId"]}));
    let (_, disposition) = tenant
        .get(&tenant.acd(&format!("contacts/{id}/disposition")))
        .await;
    assert_eq!(disposition["dispositionName"], "Issue resolved");
    let (_, names) = tenant.get(&tenant.acd("dispositions")).await;
    assert!(
        rows(&names, "dispositions")
            .iter()
            .any(|row| row["dispositionId"] == 11)
    );
    for path in ["state-history", "custom-data"] {
        assert_eq!(
            tenant
                .get(&tenant.acd(&format!("contacts/{id}/{path}")))
                .await
                .0,
            200
        );
    }
    assert_eq!(tenant.get(&tenant.acd("contacts/0")).await.0, 400);
    assert_eq!(tenant.get(&tenant.acd("contacts/123")).await.0, 404);
}

#[tokio::test]
async fn old_channels_have_transcripts_of_their_own() {
    let start = Timestamp::now() - SignedDuration::from_hours(2);
    let conversation = |id: &str| Fixed {
        conversation_id: id.to_owned(),
        start_time: start.to_string(),
        duration: 60,
        disposition: "resolved".to_owned(),
        lines: Some(vec![Line {
            author: Author::Customer,
            text: "Where is it?".to_owned(),
            timestamp: None,
        }]),
    };
    let tenant = tenant_with(Quirks::none(), |scenario| {
        scenario.conversations = cxone_simulator::Conversations::only(vec![
            conversation("oldchat-1"),
            conversation("mail-1"),
        ]);
    })
    .await;
    let (chat, mail) = (990_000_000_000_i64, 990_000_000_100_i64);
    let (_, text) = tenant
        .get(&tenant.acd(&format!("contacts/{chat}/historical-chat-transcript")))
        .await;
    assert_eq!(text["transcript"]["transcript"][0]["Text"], "Where is it?");
    assert_eq!(
        tenant
            .get(&tenant.acd(&format!("contacts/{chat}/chat-transcript")))
            .await
            .0,
        404
    );
    let (_, text) = tenant
        .get(&tenant.acd(&format!("contacts/{mail}/email-transcript")))
        .await;
    assert_eq!(text["emails"][0]["bodyHtml"], "<p>Where is it?</p>");
    assert_eq!(
        tenant
            .get(&tenant.acd(&format!("contacts/{chat}/email-transcript")))
            .await
            .0,
        404
    );
}

#[tokio::test]
async fn updates_are_kept_and_tags_refuse_digital_contacts() {
    let tenant = tenant(Quirks::none()).await;
    let open = tenant.handle.world().digital.open();
    let call = tenant
        .completed()
        .await
        .iter()
        .find(|row| row["mediaTypeId"] == 4)
        .unwrap()["contactId"]
        .clone();
    let tags = json!({"tags": [{"tagId": 7}]});
    assert_eq!(
        tenant
            .post(&tenant.acd(&format!("contacts/{call}/tags")), tags.clone())
            .await
            .0,
        200
    );
    let (status, answer) = tenant
        .post(&tenant.acd(&format!("contacts/{open}/tags")), tags)
        .await;
    assert_eq!(
        (status, &answer["error"]),
        (400, &json!("InvalidContactId"))
    );
    let signal = tenant.acd(&format!("interactions/{open}/signal?p1=alert"));
    assert_eq!(tenant.post(&signal, json!({})).await.0, 202);
    let message = json!({"message": "A customer is angry", "subject": "Alert", "targetType": "Team", "targetIds": [81]});
    let (_, sent) = tenant
        .post(&tenant.acd("communications/agent-messages"), message)
        .await;
    assert_eq!(sent["assignedTargetIds"], json!([81]));
    assert_eq!(
        tenant
            .post(
                &tenant.acd("interactions/work-items"),
                json!({"pointOfContact": "x"})
            )
            .await
            .0,
        202
    );
    let kinds: Vec<_> = tenant
        .handle
        .world()
        .writes
        .all()
        .into_iter()
        .map(|write| write.kind)
        .collect();
    assert_eq!(kinds, ["tags", "signal", "agent-message", "work-item"]);
}

#[tokio::test]
async fn facts_about_the_tenant_have_versions_that_exist() {
    let tenant = tenant(Quirks::none()).await;
    let (_, unit) = tenant.get(&tenant.acd("business-unit")).await;
    assert_eq!(
        unit["businessUnits"][0]["tenantId"],
        json!(tenant.handle.world().settings().tenant_id)
    );
    let (_, versions) = tenant.get(&tenant.acd("apiversion")).await;
    assert!(rows(&versions, "apiVersions").contains(&json!("31.0")));
    for path in ["server-time", "contact-state-descriptions", "media-types"] {
        assert_eq!(tenant.get(&tenant.acd(path)).await.0, 200, "{path}");
    }
    for version in ["v16.0", "v35.0", "v31", "31.0"] {
        let url = tenant.acd("business-unit").replace("v31.0", version);
        assert_eq!(tenant.get(&url).await.0, 404, "{version}");
    }
}
