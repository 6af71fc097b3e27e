//! Invocations that work several agents: what happens to one agent's session concerns no other.

use std::sync::Arc;
use std::time::Duration;

use chat_session::session::{Options, Outcome, Update};
use chat_session::{Event, handle};
use cxone_simulator::{Fault, FaultRule, Scenario};
use runtime::lambda::Invocation;

use crate::faulty_state::{Call, FaultyState, StoreFault};
use crate::fixture::{AGENT, SessionFixture, eventually};

fn invocation(request_id: &str, lasting: Duration) -> Invocation {
    Invocation {
        request_id: request_id.to_owned(),
        deadline: std::time::Instant::now() + lasting,
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_session_that_panics_ends_no_other_and_is_started_again() {
    let state = FaultyState::new();
    let settings = [("CHAT_HANDOVER_MS", "5500"), ("CHAT_LEASE_MS", "500")];
    let fixture = SessionFixture::on(&state, Scenario::default(), &settings).await;
    state.fail_times(
        Call::Get,
        "chat-agent#agent-2/session",
        StoreFault::Panic,
        1,
    );
    let deps = fixture.deps().await;
    let event = Event {
        agents: vec!["agent-1".to_owned(), "agent-2".to_owned()],
        ..Event::default()
    };
    let reply = handle(&deps, event, invocation("one", Duration::from_secs(12))).await;
    let outcomes: Vec<Outcome> = reply
        .unwrap()
        .sessions
        .iter()
        .map(|session| session.outcome)
        .collect();
    assert_eq!(outcomes, [Outcome::Ended, Outcome::Ended]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_that_is_delivered_twice_does_not_share_a_lease() {
    let fixture = SessionFixture::new(Scenario::default(), &[("CHAT_HANDOVER_MS", "5500")]).await;
    let deps = fixture.deps().await;
    let event = || Event {
        agents: vec![AGENT.to_owned()],
        ..Event::default()
    };
    let first = Arc::clone(&deps);
    let one = tokio::spawn(async move {
        handle(&first, event(), invocation("same", Duration::from_secs(8))).await
    });
    let chat = &fixture.simulator.world().chat;
    eventually("the agent is worked", || chat.connections() == 1).await;
    let repeated = handle(&deps, event(), invocation("same", Duration::from_secs(8))).await;
    assert_eq!(repeated.unwrap().sessions[0].outcome, Outcome::Held);
    assert_eq!(
        one.await.unwrap().unwrap().sessions[0].outcome,
        Outcome::Ended
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn one_agent_too_many_does_not_stop_the_others() {
    let agents: Vec<String> = (0..51).map(|number| format!("agent-{number:02}")).collect();
    let list = agents.join(",");
    let settings = [
        ("CHAT_AGENTS", list.as_str()),
        ("CHAT_SHARDS", "3"),
        ("CHAT_HANDOVER_MS", "9000"),
    ];
    let fixture = SessionFixture::new(Scenario::default(), &settings).await;
    let deps = fixture.deps().await;
    let all = handle(
        &deps,
        Event::default(),
        invocation("all", Duration::from_secs(12)),
    )
    .await;
    let error = all.unwrap_err().to_string();
    assert!(
        error.contains("1 agents") && error.contains("CHAT_SHARDS"),
        "{error}"
    );
    let chat = &fixture.simulator.world().chat;
    assert_eq!(chat.presence("agent-49"), ["available", "offline"]);
    assert!(chat.presence("agent-50").is_empty());

    let shard = |shard| Event {
        shard: Some(shard),
        ..Event::default()
    };
    let unknown = handle(
        &deps,
        shard(3),
        invocation("three", Duration::from_secs(12)),
    )
    .await;
    assert!(unknown.unwrap_err().to_string().contains("no shard 3"));
    let mut worked = Vec::new();
    for number in 0..3 {
        let limit = Duration::from_secs(12);
        let reply = handle(&deps, shard(number), invocation("shard", limit)).await;
        worked.extend(
            reply
                .unwrap()
                .sessions
                .into_iter()
                .map(|session| session.agent),
        );
    }
    worked.sort_unstable();
    assert_eq!(worked, agents);
}

#[tokio::test(flavor = "multi_thread")]
async fn messages_are_taken_while_the_hand_over_waits_for_an_archive() {
    let settings = [("CHAT_HANDOVER_MS", "30000")];
    let scenario = Scenario::default().with_fault(FaultRule::new(
        "/api/v2/chat/conversations/ended/transcript",
        Fault::Delay(Duration::from_secs(4)),
    ));
    let fixture = SessionFixture::new(scenario, &settings).await;
    let mut session = fixture
        .start_with(Options {
            deadline: Some(tokio::time::Instant::now() + Duration::from_secs(32)),
            ..Options::new("one".to_owned())
        })
        .await;
    let chat = &fixture.simulator.world().chat;
    eventually("the session is connected", || chat.connections() == 1).await;
    chat.say("ended", "customer", "hello");
    session.shows("ended", "hello").await;
    chat.end("ended");
    let path = "/api/v2/chat/conversations/ended/transcript";
    let archiving = || fixture.simulator.requests("GET", path) > 0;
    eventually("the archive begins", archiving).await;
    let mut shown = 0;
    // All of them must come before the archive is written, whenever the hand-over begins.
    let mut is_archived = false;
    while !is_archived {
        chat.say("going-on", "customer", &format!("message {shown}"));
        let update = session
            .next("a message or the archive", |update| {
                matches!(update, Update::Message { .. } | Update::Archived { .. })
            })
            .await;
        match update {
            Update::Archived { .. } => is_archived = true,
            _ => shown += 1,
        }
    }
    assert!(shown > 20, "{shown}");
    session.stop().await;
}
