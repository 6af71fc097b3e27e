//! Scene 1 with a tenant: a script of Studio asks the Data Action for the sentiment of what customers just said. A tenant has
//! nowhere to register the action.

use std::time::Duration;

use anyhow::{Context, ensure};
use cxone_simulator::studio::script::SentimentScript;
use cxone_simulator::studio::{RestAction, Studio};

use super::data_action::UTTERANCES;
use super::{API_KEY, Stage};

/// Time limit of one call in milliseconds. A laptop may be busy with more than the demo.
const TIMEOUT_MS: u64 = 5000;

/// Plays a turn of the script for each utterance.
pub(super) async fn play(stage: &Stage) -> anyhow::Result<()> {
    let address = stage.url("/data-actions/sentiment?reply=studio");
    println!("\n1. Data Action, called by a Studio script: POST {address}\n");
    let action = |service_address: String, parameters: &str| RestAction {
        verb: "POST".to_owned(),
        service_address,
        headers: r#"{"Content-Type":"application/json","x-api-key":"{apiKey}"}"#.to_owned(),
        parameters: parameters.to_owned(),
        timeout_ms: TIMEOUT_MS,
    };
    let script = SentimentScript {
        score: action(address, "{body}"),
        contact_ended: action(stage.url("/studio/contact-ended"), "{release}"),
        api_key: API_KEY.to_owned(),
    };
    let studio = Studio::new(1);
    println!("   score   alert  tags");
    for text in UTTERANCES {
        let turn = script.turn(&studio, text).await;
        let turn = turn.with_context(|| format!("{text:?} has no score"))?;
        ensure!(turn.error_code.is_empty(), "{text:?}: {}", turn.error_code);
        let alert = if turn.is_alert { "ALERT" } else { "" };
        println!("   {text}");
        println!("   {:<7} {alert:<6} {}", turn.score, turn.emotions);
        stage.pause(Duration::from_millis(300)).await;
    }
    Ok(())
}
