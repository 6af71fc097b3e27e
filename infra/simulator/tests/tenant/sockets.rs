//! The event hub and the notification socket.

use std::collections::BTreeSet;
use std::time::Duration;

use cxone_simulator::live::{Call, Line};
use cxone_simulator::tenant::digital::case::Writer;
use cxone_simulator::tenant::{Quirk, Quirks};
use futures::{SinkExt, StreamExt};
use serde_json::{Value, json};
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, client_async};

use crate::support::{Tenant, tenant, tenant_with};

/// Longest time that a test waits for a frame.
const FRAME_TIMEOUT: Duration = Duration::from_secs(20);

struct Socket(WebSocketStream<MaybeTlsStream<TcpStream>>);

impl Socket {
    async fn open(url: &str) -> Self {
        let parsed: reqwest::Url = url.replacen("ws://", "http://", 1).parse().unwrap();
        let address = (parsed.host_str().unwrap(), parsed.port().unwrap());
        let stream = TcpStream::connect(address).await.unwrap();
        let (socket, _) = client_async(url, MaybeTlsStream::Plain(stream))
            .await
            .unwrap();
        Self(socket)
    }

    async fn send(&mut self, frame: Value) {
        self.0
            .send(Message::Text(frame.to_string().into()))
            .await
            .unwrap();
    }

    /// Returns the next text frame; `None` once the connection has ended.
    async fn next(&mut self) -> Option<String> {
        loop {
            let frame = tokio::time::timeout(FRAME_TIMEOUT, self.0.next())
                .await
                .expect("a frame in time");
            match frame {
                Some(Ok(Message::Text(text))) => return Some(text.to_string()),
                Some(Ok(Message::Close(_)) | Err(_)) | None => return None,
                Some(Ok(_)) => {}
            }
        }
    }

    async fn json(&mut self) -> Value {
        let text = self.next().await.expect("a frame");
        let frame: Value = serde_json::from_str(&text).unwrap();
        match frame.as_str() {
            Some(inside) => serde_json::from_str(inside).unwrap(),
            None => frame,
        }
    }
}

fn hub_url(tenant: &Tenant) -> String {
    let id = tenant.handle.world().settings().tenant_id;
    format!(
        "{}/?tenantId={id}&userId=u-1",
        tenant.handle.hosts().event_hub
    )
}

async fn hub(tenant: &Tenant) -> Socket {
    let mut socket = Socket::open(&hub_url(tenant)).await;
    socket
        .send(json!({"action": "register", "payload": {"token": tenant.token}}))
        .await;
    assert_eq!(socket.next().await.as_deref(), Some("authorized"));
    socket
}

async fn subscribe(tenant: &Tenant, number: i64) -> u16 {
    let body = json!({"relationObjectId": number.to_string(), "subscriptionType": "contact"});
    tenant
        .post(&tenant.digital("event-hub-subscriptions"), body)
        .await
        .0
}

#[tokio::test]
async fn the_hub_tells_what_happens_to_contacts_that_are_subscribed_to() {
    let tenant = tenant(Quirks::none()).await;
    let digital = &tenant.handle.world().digital;
    let (followed, other) = (digital.open(), digital.open());
    digital.say(followed, Writer::Customer, "Before the connection");
    let mut socket = hub(&tenant).await;
    assert_eq!(subscribe(&tenant, followed).await, 201);
    assert_eq!(subscribe(&tenant, 1).await, 404);
    digital.say(other, Writer::Customer, "Not followed");
    let id = digital.say(followed, Writer::Customer, "Hello?").unwrap();
    digital.edit(&id, "Hello!");
    digital.close(followed);
    let added = socket.json().await;
    assert_eq!(
        (&added["eventType"], &added["data"]["message"]["id"]),
        (&json!("MessageAddedIntoCase"), &json!(id))
    );
    assert_eq!(added["data"]["case"]["id"], json!(followed.to_string()));
    assert!(added["data"]["message"]["postId"].is_string());
    let changed = socket.json().await;
    assert_eq!(changed["eventType"], "MessageUpdated");
    assert_eq!(
        changed["data"]["message"]["messageContent"]["payload"]["text"],
        "Hello!"
    );
    let ended = socket.json().await;
    assert_eq!(
        (&ended["eventType"], &ended["data"]["case"]["status"]),
        (&json!("CaseStatusChanged"), &json!("closed"))
    );
    socket.send(json!({"action": "heartbeat"})).await;
    assert_eq!(socket.next().await.as_deref(), Some("pong"));
    tenant.handle.world().hub.break_connections();
    assert_eq!(socket.next().await, None);
}

#[tokio::test]
async fn the_hub_refuses_unknown_tokens_and_tenants() {
    let tenant = tenant(Quirks::none()).await;
    let mut socket = Socket::open(&hub_url(&tenant)).await;
    socket
        .send(json!({"action": "register", "payload": {"token": "made-up"}}))
        .await;
    assert_eq!(socket.next().await.as_deref(), Some("unauthorized"));
    assert_eq!(socket.next().await, None);
    let plain = tenant
        .handle
        .hosts()
        .event_hub
        .replacen("ws://", "http://", 1);
    let refused = tenant
        .client
        .get(format!("{plain}/?tenantId=other&userId=u-1"));
    assert!(refused.send().await.unwrap().status().is_client_error());
}

#[tokio::test]
async fn quirk_16_repeats_events_under_other_names_and_inside_strings() {
    let tenant = tenant(Quirks::none().with(Quirk::HubTroubles)).await;
    let digital = &tenant.handle.world().digital;
    let number = digital.open();
    let mut socket = hub(&tenant).await;
    subscribe(&tenant, number).await;
    let mut ids = BTreeSet::new();
    for place in 0..8 {
        ids.insert(
            digital
                .say(number, Writer::Customer, &format!("Message {place}"))
                .unwrap(),
        );
    }
    let (mut received, mut traces, mut names, mut unknown, mut strings) =
        (BTreeSet::new(), Vec::new(), BTreeSet::new(), 0, 0);
    while received.len() < ids.len() || unknown < 2 || traces.len() < 10 {
        let text = socket.next().await.unwrap();
        let mut frame: Value = serde_json::from_str(&text).unwrap();
        if let Some(inside) = frame.as_str() {
            strings += 1;
            frame = serde_json::from_str(inside).unwrap();
        }
        if frame["eventType"] == "SomethingNew" {
            unknown += 1;
            continue;
        }
        received.insert(frame["data"]["message"]["id"].as_str().unwrap().to_owned());
        traces.push(frame["traceId"].to_string());
        names.extend(
            ["case", "contact", "customerContact"]
                .into_iter()
                .filter(|name| frame["data"].get(name).is_some()),
        );
    }
    assert_eq!(received, ids);
    assert!(names.len() == 3 && strings >= 2, "{names:?} {strings}");
    assert!(traces.iter().collect::<BTreeSet<_>>().len() < traces.len());
}

#[tokio::test]
async fn quirk_16_tells_nothing_of_what_happened_while_away() {
    let tenant = tenant(Quirks::none().with(Quirk::HubTroubles)).await;
    let digital = &tenant.handle.world().digital;
    let number = digital.open();
    subscribe(&tenant, number).await;
    let socket = hub(&tenant).await;
    drop(socket);
    digital.say(number, Writer::Customer, "Lost");
    let mut socket = hub(&tenant).await;
    let id = digital.say(number, Writer::Customer, "Told").unwrap();
    assert_eq!(socket.json().await["data"]["message"]["id"], json!(id));
}

#[tokio::test]
async fn quirk_17_ends_subscriptions_after_five_minutes_and_renews_with_304() {
    let tenant = tenant(Quirks::none().with(Quirk::HubSubscriptionsEnd)).await;
    let world = tenant.handle.world();
    let (renewed, ended) = (world.digital.open(), world.digital.open());
    let mut socket = hub(&tenant).await;
    assert_eq!(
        (
            subscribe(&tenant, renewed).await,
            subscribe(&tenant, ended).await
        ),
        (201, 201)
    );
    world.clock.advance(Duration::from_secs(200));
    assert_eq!(subscribe(&tenant, renewed).await, 304);
    world.clock.advance(Duration::from_secs(150));
    world
        .digital
        .say(ended, Writer::Customer, "Nobody hears this");
    let id = world
        .digital
        .say(renewed, Writer::Customer, "Hello")
        .unwrap();
    assert_eq!(socket.json().await["data"]["message"]["id"], json!(id));
    assert_eq!(subscribe(&tenant, ended).await, 201);
}

#[tokio::test]
async fn quirk_18_refuses_the_fourth_connection_of_a_minute() {
    let tenant = tenant(Quirks::none().with(Quirk::HubConnectLimit)).await;
    for _ in 0..3 {
        hub(&tenant).await;
    }
    let mut socket = Socket::open(&hub_url(&tenant)).await;
    assert_eq!(socket.next().await.as_deref(), Some("RATE_LIMIT_EXCEEDED"));
    tenant.handle.world().clock.advance(Duration::from_secs(61));
    hub(&tenant).await;
}

/// Starts a tenant with one live call, and a socket of live transcripts that is connected.
async fn live(quirks: Quirks, foreign_topics: bool) -> (Tenant, Socket, i64) {
    let lines = (0..6).map(|place| {
        Line::said(
            if place % 2 == 0 { "customer" } else { "agent" },
            600_000 + place * 3000,
            "I was charged twice this month",
        )
    });
    let call = Call::new("live-1", lines.collect());
    let tenant = tenant_with(quirks, |scenario| {
        scenario.calls = vec![call];
        scenario.tenant.foreign_topics = foreign_topics;
    })
    .await;
    let (_, active) = tenant
        .get(&tenant.acd("contacts/active?contactId=128000000001"))
        .await;
    let number = active["activeContacts"][0]["contactId"].as_i64().unwrap();
    let url = format!(
        "{}/agent-assist-notifications/notifications/ws?agentId=690099&BUid=4600001",
        tenant.handle.hosts().notify
    );
    let mut socket = Socket::open(&url).await;
    socket
        .send(json!({"command": "CONNECT", "headers": {"sessionToken": tenant.token}, "body": {}}))
        .await;
    assert_eq!(socket.json().await["command"], "CONNECTED");
    socket.send(json!({"command": "SUBSCRIBE", "headers": {}, "body": {"topic": format!("{number}_transcript")}})).await;
    (tenant, socket, number)
}

#[tokio::test]
async fn the_transcript_of_another_agents_call_is_refused_unless_allowed() {
    let (_tenant, mut socket, _) = live(Quirks::none(), false).await;
    let answer = socket.json().await;
    assert_eq!(
        (&answer["command"], &answer["body"]["responseCode"]),
        (&json!("ERROR"), &json!(403))
    );
    let (tenant, mut socket, number) = live(Quirks::none(), true).await;
    assert_eq!(socket.json().await["command"], "SUBSCRIBED");
    tenant
        .handle
        .world()
        .clock
        .advance(Duration::from_secs(700));
    for serial in 1..=6 {
        let message = socket.json().await;
        let data = &message["body"]["Data"];
        assert_eq!(
            (
                &data["messageIsCompletedUtterance"],
                &data["transcriptionSrNo"]
            ),
            (&json!(true), &json!(serial))
        );
        assert_eq!(data["contactId"], json!(number.to_string()));
    }
    for (command, answer) in [
        ("HEARTBEAT", "HEARTBEAT_ACK"),
        ("HEARTBEAT", "HEARTBEAT_ACK"),
        ("OTHER", "ERROR"),
    ] {
        socket
            .send(json!({"command": command, "headers": {"sessionToken": ""}, "body": {}}))
            .await;
        assert_eq!(socket.json().await["command"], answer);
    }
    socket
        .send(json!({"command": "UNSUBSCRIBE", "body": {"topic": format!("{number}_transcript")}}))
        .await;
    assert_eq!(socket.json().await["command"], "UNSUBSCRIBED");
}

#[tokio::test]
async fn quirk_19_sends_interim_texts_leaves_gaps_and_misses_a_heartbeat() {
    let (tenant, mut socket, _) = live(Quirks::none().with(Quirk::NotifyInterims), true).await;
    assert_eq!(socket.json().await["command"], "SUBSCRIBED");
    tenant
        .handle
        .world()
        .clock
        .advance(Duration::from_secs(700));
    let (mut serials, mut finals) = (Vec::new(), 0);
    for _ in 0..12 {
        let message = socket.json().await;
        let data = &message["body"]["Data"];
        serials.push(data["transcriptionSrNo"].as_i64().unwrap());
        finals += usize::from(data["messageIsCompletedUtterance"] == true);
        assert_eq!(data["channelTag"], Value::Null);
    }
    assert_eq!(finals, 6);
    assert!(serials.is_sorted() && serials[11] > 12, "{serials:?}");
    for _ in 0..3 {
        socket
            .send(json!({"command": "HEARTBEAT", "body": {}}))
            .await;
    }
    // Two of three are answered; the refusal after them shows that no third answer is under way.
    socket.send(json!({"command": "OTHER", "body": {}})).await;
    let mut commands = Vec::new();
    for _ in 0..3 {
        commands.push(socket.json().await["command"].as_str().unwrap().to_owned());
    }
    assert_eq!(commands, ["HEARTBEAT_ACK", "HEARTBEAT_ACK", "ERROR"]);
}
