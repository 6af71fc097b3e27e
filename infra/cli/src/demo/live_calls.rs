//! Scene 2: two live calls are followed, one of which turns bad.

use std::time::Duration;

use anyhow::{Context, ensure};
use cxone_simulator::live::Call;
use runtime::Observer;
use serde_json::Value;
use transcript_poller::CountedBatch;

use super::{API_KEY, Stage, tenant};
use crate::live::{BackgroundPoller, BatchLine};

/// Longest time that the scene may take.
const SCENE_TIMEOUT: Duration = Duration::from_secs(120);

/// Registers the calls over HTTP, follows them until every segment is scored, and prints the result.
pub(super) async fn play(stage: &Stage) -> anyhow::Result<()> {
    let what = match stage.context.simulated_tenant {
        None => "calls",
        Some(_) => "digital contacts",
    };
    println!("\n2. Live {what}: PUT {}", stage.url("/interactions/{id}"));
    println!(
        "   the average of the last 30 s, over both speakers and alone, as the conversation goes on\n"
    );
    let print = Observer::new(|batch: CountedBatch| {
        let line = BatchLine::new(&batch.interaction_id, &batch.report);
        for line in line.to_string().lines() {
            println!("   {line}");
        }
    });
    let poller =
        BackgroundPoller::start(&stage.context, &stage.data_action.provider, print).await?;
    for call in &stage.calls {
        request_interaction(stage, reqwest::Method::PUT, &call.id).await?;
    }
    let _writing = tenant::write_in_contacts(&stage.context, stage.calls.clone());
    let done = tokio::time::timeout(SCENE_TIMEOUT, wait_until_scored(stage)).await;
    poller.finish().await?;
    done.context("the calls were not scored in time")??;
    for Call { id, .. } in &stage.calls {
        let interaction = request_interaction(stage, reqwest::Method::GET, id).await?;
        let suggestions = interaction["suggestions"].as_array().map_or(0, Vec::len);
        println!(
            "   {id}: customer {} over the call, {suggestions} suggestion{} to the agent",
            interaction["customer"]["call_average"],
            if suggestions == 1 { "" } else { "s" }
        );
        request_interaction(stage, reqwest::Method::DELETE, id).await?;
    }
    tenant::end_contacts(&stage.context, &stage.calls);
    Ok(())
}

/// Waits until every segment of every call is scored.
async fn wait_until_scored(stage: &Stage) -> anyhow::Result<()> {
    for call in &stage.calls {
        let segments = call.lines.len() as u64;
        loop {
            let interaction = request_interaction(stage, reqwest::Method::GET, &call.id).await?;
            let count = |who: &str| interaction[who]["segments"].as_u64().unwrap_or_default();
            if count("customer") + count("agent") >= segments {
                break;
            }
            tokio::time::sleep(Duration::from_millis(200)).await;
        }
    }
    Ok(())
}

async fn request_interaction(
    stage: &Stage,
    method: reqwest::Method,
    id: &str,
) -> anyhow::Result<Value> {
    let url = stage.url(&format!("/interactions/{id}"));
    let response = stage
        .http
        .request(method, url)
        .bearer_auth(API_KEY)
        .send()
        .await?;
    let status = response.status();
    ensure!(status.is_success(), "the answer was {status}");
    Ok(response.json().await?)
}
