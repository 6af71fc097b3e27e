//! The chat scene: an agent works three chats; one escalates; all are archived.

use std::time::Duration;

use anyhow::{Context, ensure};
use chat_session::session::{self, Options, Update};
use tokio::sync::mpsc;

use super::Stage;
use crate::chat;

/// The agent of the scene.
const AGENT: &str = "agent-001";
/// How long the scene may take at most.
const PATIENCE: Duration = Duration::from_secs(40);

/// Works the scripted chats until all of them are archived.
pub(super) async fn play(stage: &Stage) -> anyhow::Result<()> {
    println!(
        "\n3. Chat session of {AGENT}: stream in, every message stored, scored, escalated, archived\n"
    );
    let deps = chat::deps(&stage.home, false).await?;
    let model = deps.scorer.is_there();
    let (show, updates) = mpsc::channel(1000);
    let options = Options {
        updates: Some(show),
        ..Options::new(chat::holder())
    };
    let stop = options.stop.clone();
    let session = tokio::spawn(async move { session::run(deps, AGENT, options).await });
    let (forward, seen) = mpsc::channel(1000);
    let showing = tokio::spawn(chat::show(seen, false, model));
    let archived = tokio::time::timeout(PATIENCE, until_archived(updates, forward)).await;
    stop.cancel();
    let report = session.await??;
    showing.await?;
    archived.context("the chats did not end in time")?;
    let summary = report.summary.context("another worker holds the session")?;
    ensure!(summary.archived > 0, "no chat was archived");
    println!(
        "   {} messages, {} escalations; try: cargo run -- replay chat-refund --data-dir {} --speed 4",
        summary.messages,
        summary.escalations,
        stage.home.data_dir.display()
    );
    Ok(())
}

/// Passes updates on until each scripted chat is archived.
async fn until_archived(mut updates: mpsc::Receiver<Update>, forward: mpsc::Sender<Update>) {
    let mut left = chat::SCRIPTED;
    while let Some(update) = updates.recv().await {
        let archived = matches!(update, Update::Archived { .. });
        let _shown = forward.send(update).await;
        left -= usize::from(archived);
        if left == 0 {
            return;
        }
    }
}
