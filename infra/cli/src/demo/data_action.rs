//! Scene 1: a Studio script asks the Data Action for the sentiment of what customers just said.

use std::time::Duration;

use anyhow::{Context, ensure};
use cxone::data_actions::{self, Registration};
use cxone::endpoints::System;
use insights_http::Deadline;
use serde::Deserialize;
use serde_json::json;

use super::{API_KEY, Stage};

/// Utterances of customers. The last repeats the first, so that it is answered from the cache.
pub(super) const UTTERANCES: [&str; 10] = [
    "I am extremely frustrated with this service and want a refund immediately.",
    "The support agent was very helpful and resolved my issue quickly.",
    "My account number is four five seven two.",
    "I have been on hold for forty minutes and nobody can tell me where my order is.",
    "Thank you so much, that fixed it.",
    "Can I change the delivery address to my office?",
    "I'm worried somebody has used my card.",
    "You billed me twice and I never agreed to either of them!",
    "Oh wow, I did not expect it to arrive a day early, great.",
    "I am extremely frustrated with this service and want a refund immediately.",
];

#[derive(Deserialize)]
struct Answer {
    sentiment_score: f64,
    emotion_tags: Vec<String>,
    alert_triggered: bool,
    processing_latency_ms: f64,
}

/// Registers the schema, then scores each utterance over HTTP.
pub(super) async fn play(stage: &Stage) -> anyhow::Result<()> {
    println!(
        "\n1. Data Action: POST {}",
        stage.url("/data-actions/sentiment")
    );
    let client = stage.context.cxone_client(System::DataAction)?;
    let deadline = Deadline::within(Duration::from_secs(10));
    let registered =
        data_actions::register(&client, &data_actions::sentiment_action(), deadline).await?;
    let how = match registered {
        Registration::Created { .. } => "registered",
        Registration::Exists => "was registered before",
    };
    println!(
        "   schema {} {how} with the contact center\n",
        data_actions::SENTIMENT_ACTION
    );
    println!("   score   alert  latency    tags");
    for text in UTTERANCES {
        let (answer, hit) = request_score(stage, text)
            .await
            .with_context(|| format!("{text:?}"))?;
        let alert = if answer.alert_triggered { "ALERT" } else { "" };
        let cached = if hit { " (cached)" } else { "" };
        println!("   {text}");
        println!(
            "   {:<7.4} {alert:<6} {:>6.2} ms  {}{cached}",
            answer.sentiment_score,
            answer.processing_latency_ms,
            answer.emotion_tags.join(", "),
        );
        stage.pause(Duration::from_millis(300)).await;
    }
    Ok(())
}

async fn request_score(stage: &Stage, text: &str) -> anyhow::Result<(Answer, bool)> {
    let request = stage
        .http
        .post(stage.url("/data-actions/sentiment"))
        .bearer_auth(API_KEY);
    let response = request
        .json(&json!({"interaction_text": text}))
        .send()
        .await?;
    let status = response.status();
    ensure!(status.is_success(), "the answer was {status}");
    let hit = response
        .headers()
        .get("x-cache")
        .is_some_and(|value| value == "hit");
    Ok((response.json().await?, hit))
}
