//! After the last scene: calls that go on for some minutes, for whoever looks at the board of supervisors.

use anyhow::{Context, ensure};
use cxone_simulator::live::{Call, demo_calls};
use reqwest::Method;
use runtime::Observer;
use serde_json::json;

use super::{API_KEY, Stage};
use crate::live::BackgroundPoller;

/// Speed of the calls: an utterance every twelve seconds.
const SPEED: f64 = 0.25;

/// Who works on the calls.
const AGENTS: [(&str, &str); 4] = [
    ("Ada Lovelace", "billing"),
    ("Grace Hopper", "orders"),
    ("Alan Turing", "billing"),
    ("Katherine Johnson", "technical help"),
];

/// A call that goes on, and who works on it.
pub(super) struct KeptCall {
    pub(super) call: Call,
    agent_name: &'static str,
    skill: &'static str,
}

/// Returns the calls, with ids that no earlier run used.
pub(super) fn calls() -> Vec<KeptCall> {
    let run = jiff::Timestamp::now().as_second() % 100_000;
    let mut kept = Vec::new();
    for (number, (agent_name, skill)) in AGENTS.into_iter().enumerate() {
        for mut call in demo_calls(SPEED) {
            call.id = format!("{}-{run}-{}", call.id, number + 1);
            kept.push(KeptCall {
                call,
                agent_name,
                skill,
            });
        }
    }
    kept
}

/// Registers the calls and follows them until the demo is stopped.
pub(super) async fn play(stage: &Stage, kept: &[KeptCall]) -> anyhow::Result<()> {
    println!(
        "\nThe board stays open: {}; the key is {API_KEY}; press Ctrl-C to stop",
        stage.url("/board")
    );
    let provider = &stage.data_action.provider;
    let poller = BackgroundPoller::start(&stage.context, provider, Observer::none()).await?;
    for kept in kept {
        let url = stage.url(&format!("/interactions/{}", kept.call.id));
        let details = json!({"agent_name": kept.agent_name, "skill": kept.skill});
        let request = stage.http.request(Method::PUT, url).bearer_auth(API_KEY);
        let response = request.json(&details).send().await?;
        ensure!(
            response.status().is_success(),
            "the answer was {}",
            response.status()
        );
    }
    let said = kept.iter().map(|kept| kept.call.clone()).collect();
    let _writing = super::tenant::write_in_contacts(&stage.context, said);
    poller.wait().await.context("the poller ended").map(|_| ())
}
