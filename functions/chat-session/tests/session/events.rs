//! The function's events, as EventBridge and an operator send them, through `handle`.

use std::sync::Arc;
use std::time::{Duration, Instant};

use chat_session::session::Outcome;
use chat_session::{Event, handle};
use cxone_simulator::Scenario;
use runtime::lambda::Invocation;

use crate::fixture::{SessionFixture, eventually};

fn event(name: &str) -> Event {
    let path = format!("{}/../../events/{name}.json", env!("CARGO_MANIFEST_DIR"));
    serde_json::from_str(&std::fs::read_to_string(path).expect("the event's file"))
        .expect("an event")
}

fn invocation(request_id: &str, lasting: Duration) -> Invocation {
    Invocation {
        request_id: request_id.to_owned(),
        deadline: Instant::now() + lasting,
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_schedule_runs_sessions_of_the_configured_agents_until_the_deadline() {
    let fixture = SessionFixture::new(
        Scenario::default(),
        &[("CHAT_AGENTS", "agent-1"), ("CHAT_HANDOVER_MS", "5500")],
    )
    .await;
    let chat = &fixture.simulator.world().chat;
    let deps = fixture.deps().await;
    let first = Arc::clone(&deps);
    let one = tokio::spawn(async move {
        let event = event("chat-session-schedule");
        handle(&first, event, invocation("one", Duration::from_secs(8))).await
    });
    eventually("the agent is worked", || chat.connections() == 1).await;
    chat.say("chat-1", "customer", "hello");
    let second = handle(
        &deps,
        event("chat-session-schedule"),
        invocation("two", Duration::from_secs(8)),
    )
    .await
    .unwrap();
    assert_eq!(
        second.sessions[0].outcome,
        Outcome::Held,
        "a second invocation ends at once"
    );
    let reply = one.await.unwrap().unwrap();
    assert_eq!(
        (reply.sessions.len(), reply.sessions[0].outcome),
        (1, Outcome::Ended)
    );
    fixture.assert_archived("chat-1").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_event_may_name_the_agents_and_an_invalid_agent_is_refused() {
    let fixture = SessionFixture::new(Scenario::default(), &[("CHAT_HANDOVER_MS", "5500")]).await;
    let deps = fixture.deps().await;
    let bad = handle(
        &deps,
        event("chat-session-bad-agent"),
        invocation("one", Duration::from_secs(7)),
    )
    .await;
    assert!(bad.unwrap_err().to_string().contains("without slash"));
    let reply = handle(
        &deps,
        event("chat-session-agents"),
        invocation("two", Duration::from_secs(7)),
    )
    .await
    .unwrap();
    let agents: Vec<&str> = reply
        .sessions
        .iter()
        .map(|session| session.agent.as_str())
        .collect();
    assert_eq!(agents, ["agent-001", "agent-002"]);
    assert_eq!(
        fixture.simulator.world().chat.presence("agent-002"),
        ["available", "offline"]
    );
}
