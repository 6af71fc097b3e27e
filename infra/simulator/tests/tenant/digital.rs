//! The digital API.

use std::collections::BTreeSet;

use cxone_simulator::chat::{Line, ScriptedChat};
use cxone_simulator::tenant::Quirks;
use cxone_simulator::tenant::digital::case::Writer;
use serde_json::{Value, json};

use crate::support::{Tenant, rows, tenant, tenant_with};

/// Reads a whole list of contacts, page by page.
pub(crate) async fn read_contacts(tenant: &Tenant, query: &str) -> (Vec<Value>, usize) {
    let (mut found, mut pages) = (Vec::new(), 0);
    let mut url = tenant.digital(&format!("contacts?{query}"));
    loop {
        let (status, page) = tenant.get(&url).await;
        assert_eq!(status, 200, "{page}");
        pages += 1;
        assert!(rows(&page, "data").len() <= 25);
        found.extend(rows(&page, "data").to_vec());
        match page["scrollToken"].as_str() {
            Some(token) => url = tenant.digital(&format!("contacts?scrollToken={token}")),
            None => {
                assert_eq!(page["hits"], json!(found.len()));
                return (found, pages);
            }
        }
    }
}

#[tokio::test]
async fn closed_contacts_are_listed_once_in_pages_of_25() {
    let tenant = tenant(Quirks::none()).await;
    let (closed, pages) = read_contacts(
        &tenant,
        "status%5B%5D=closed&sorting=createdAt&sortingType=asc",
    )
    .await;
    assert!(closed.len() > 100, "{}", closed.len());
    assert_eq!(pages, closed.len().div_ceil(25));
    let ids: BTreeSet<_> = closed
        .iter()
        .map(|contact| contact["id"].to_string())
        .collect();
    assert_eq!(ids.len(), closed.len());
    let day = &closed[0]["createdAt"].as_str().unwrap()[..10];
    let (of_day, _) =
        read_contacts(&tenant, &format!("date%5Bfrom%5D={day}&date%5Bto%5D={day}")).await;
    assert!(!of_day.is_empty() && of_day.len() < closed.len());
    assert_eq!(
        tenant
            .get(&tenant.digital("contacts?date%5Bfrom%5D=yesterday"))
            .await
            .0,
        400
    );
}

#[tokio::test]
async fn a_chat_of_the_scenario_begins_with_the_first_list_and_ends() {
    let line = |after_ms, from: &str, text: &str| Line {
        after_ms,
        from: from.to_owned(),
        text: text.to_owned(),
    };
    let chat = ScriptedChat {
        id: "chat-1".to_owned(),
        lines: vec![line(0, "customer", "Hello"), line(60_000, "agent", "Hi")],
        transcript: true,
        ends: true,
    };
    let tenant = tenant_with(Quirks::none(), |scenario| {
        scenario.conversations.per_day = 0;
        scenario.chat.conversations = vec![chat];
    })
    .await;
    let open = "status%5B%5D=new&status%5B%5D=open";
    let (found, _) = read_contacts(&tenant, open).await;
    let number = found[0]["id"].as_str().unwrap();
    let messages = tenant.digital(&format!("contacts/{number}/messages"));
    let (_, first) = tenant.get(&messages).await;
    assert_eq!(first["hits"], 1);
    assert_eq!(
        first["data"][0]["messageContent"]["payload"]["text"],
        "Hello"
    );
    assert_eq!(first["data"][0]["direction"], "inbound");
    tenant
        .handle
        .world()
        .clock
        .advance(std::time::Duration::from_secs(61));
    let (_, both) = tenant.get(&messages).await;
    assert_eq!(
        (&both["hits"], &both["data"][1]["authorUser"]["isBotUser"]),
        (&json!(2), &json!(false))
    );
    let (_, contact) = tenant
        .get(&tenant.digital(&format!("contacts/{number}")))
        .await;
    assert_eq!(contact["status"], "closed");
    assert_eq!(
        contact["endUser"]["messageStatistics"],
        json!({"inbound": 1, "outbound": 1})
    );
    assert!(read_contacts(&tenant, open).await.0.is_empty());
}

#[tokio::test]
async fn single_messages_and_details_are_found_by_their_ids() {
    let tenant = tenant(Quirks::none()).await;
    let digital = &tenant.handle.world().digital;
    let number = digital.open();
    let id = digital
        .say(number, Writer::Bot, "How may I help you?")
        .unwrap();
    let (_, one) = tenant.get(&tenant.digital(&format!("messages/{id}"))).await;
    assert_eq!(
        (&one["authorUser"]["isBotUser"], &one["contactNumber"]),
        (&json!(true), &json!(number.to_string()))
    );
    let (_, list) = tenant
        .get(&tenant.digital(&format!("messages?contactNumber={number}")))
        .await;
    assert_eq!(list["data"][0], one);
    let (_, detail) = tenant
        .get(&tenant.digital(&format!("contacts/{number}/detail")))
        .await;
    assert_eq!(detail["messages"][0]["id"], json!(id));
    let (_, pages) = tenant
        .get(&tenant.digital(&format!("contacts/{number}/detail/pagination")))
        .await;
    assert_eq!(pages, json!({"previous": null, "next": null}));
    for path in [
        "contacts/1",
        "contacts/x/messages",
        "messages/chat_sim_1_m1",
        "messages/x",
        "nothing",
    ] {
        assert_eq!(tenant.get(&tenant.digital(path)).await.0, 404, "{path}");
    }
    assert_eq!(
        tenant
            .get(&tenant.digital("contacts?scrollToken=made-up"))
            .await
            .0,
        400
    );
}

#[tokio::test]
async fn contacts_and_messages_are_updated() {
    let tenant = tenant(Quirks::none()).await;
    let digital = &tenant.handle.world().digital;
    let number = digital.open();
    let message = digital
        .say(number, Writer::Customer, "This is a scandal!")
        .unwrap();
    let contact = tenant.digital(&format!("contacts/{number}"));
    let fields = json!([{"ident": "ai_sentiment", "value": "0.28"}]);
    assert_eq!(
        tenant
            .put(&format!("{contact}/custom-fields"), fields)
            .await
            .0,
        200
    );
    assert_eq!(digital.custom_fields(number)["ai_sentiment"], "0.28");
    let unknown = json!([{"ident": "other", "value": "1"}]);
    assert_eq!(
        tenant
            .put(&format!("{contact}/custom-fields"), unknown)
            .await
            .0,
        400
    );
    let remove = tenant
        .client
        .delete(format!("{contact}/custom-fields/ai_sentiment"));
    assert_eq!(tenant.send(remove).await.0, 204);
    assert!(digital.custom_fields(number).is_empty());
    assert_eq!(
        tenant
            .put(&contact, json!({"routingQueuePriority": 9}))
            .await
            .0,
        204
    );
    assert_eq!(
        tenant
            .put(
                &format!("{contact}/routing-queue"),
                json!({"routingQueueId": "q-2"})
            )
            .await
            .0,
        204
    );
    assert_eq!(
        tenant
            .put(&format!("{contact}/status"), json!({"status": "escalated"}))
            .await
            .0,
        200
    );
    assert_eq!(
        tenant
            .put(&format!("{contact}/status"), json!({"status": "lost"}))
            .await
            .0,
        400
    );
    let (_, shown) = tenant.get(&contact).await;
    assert_eq!(
        (
            &shown["routingQueuePriority"],
            &shown["routingQueueId"],
            &shown["status"]
        ),
        (&json!(9), &json!("q-2"), &json!("escalated"))
    );
    let url = tenant.digital(&format!("messages/{message}"));
    let (_, changed) = tenant
        .put(
            &format!("{url}/sentiment"),
            json!({"sentiment": "negative"}),
        )
        .await;
    assert_eq!(changed["sentiment"], "negative");
    let (_, tagged) = tenant.put(&format!("{url}/tags/7"), json!({})).await;
    assert_eq!(tagged["tags"][0]["title"], "complaint");
    assert_eq!(
        tenant.put(&format!("{url}/tags/99"), json!({})).await.0,
        404
    );
    assert_eq!(
        tenant
            .post(&format!("{url}/notes"), json!({"content": "Call back"}))
            .await
            .0,
        201
    );
}

#[tokio::test]
async fn facts_of_the_digital_api_are_answered() {
    let tenant = tenant(Quirks::none()).await;
    let (_, channels) = tenant.get(&tenant.digital("channels")).await;
    assert_eq!(channels[0]["id"], "chat_sim");
    for (path, member) in [
        ("tags", "hits"),
        ("routing-queues?size=500", "data"),
        ("me", "brand"),
        ("event-hub-url", "websocketUrl"),
    ] {
        let (status, answer) = tenant.get(&tenant.digital(path)).await;
        assert!(
            status == 200 && answer.get(member).is_some(),
            "{path}: {answer}"
        );
    }
    let users = format!(
        "{}/engager/2.0/user-statuses",
        tenant.handle.hosts().digital
    );
    assert_eq!(tenant.get(&users).await.1["hits"], 5);
}
