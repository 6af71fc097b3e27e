//! Scene 3: an agent works three chats. One of them escalates, and all are archived.

use std::time::Duration;

use anyhow::{Context, ensure};
use chat_session::session::{self, Options, Update};
use runtime::Observer;
use tokio::sync::mpsc;

use super::Stage;
use crate::chat;

/// Agent who works the chats.
const AGENT: &str = "agent-001";
/// Longest time that the scene may take.
const SCENE_TIMEOUT: Duration = Duration::from_secs(40);

/// Works the scripted chats until all of them are archived.
pub(super) async fn play(stage: &Stage) -> anyhow::Result<()> {
    println!(
        "\n3. Chat session of {AGENT}: every message is stored, scored, escalated and archived\n"
    );
    let deps = chat::build(&stage.context, None).await?;
    let has_model = deps.scorer.is_enabled();
    let (sender, updates) = mpsc::channel(1000);
    let options = Options {
        updates: Observer::sending(sender),
        ..Options::new(chat::lease_holder())
    };
    let stop = options.stop.clone();
    let session = tokio::spawn(async move { session::run(deps, AGENT, options).await });
    let (forward, forwarded) = mpsc::channel(1000);
    let showing = tokio::spawn(chat::show_updates(forwarded, false, has_model, None));
    let archived =
        tokio::time::timeout(SCENE_TIMEOUT, forward_until_archived(updates, forward)).await;
    stop.cancel();
    let report = session.await??;
    showing.await?;
    archived.context("the chats did not end in time")?;
    let summary = report.summary.context("another worker holds the session")?;
    ensure!(summary.archived > 0, "no chat was archived");
    println!(
        "   {} messages, {} escalations; replay one with: cargo run -- replay chat-refund --data-dir {} --speed 4",
        summary.messages,
        summary.escalations,
        stage.context.data_dir.display()
    );
    Ok(())
}

/// Forwards updates until each scripted chat is archived.
async fn forward_until_archived(
    mut updates: mpsc::Receiver<Update>,
    forward: mpsc::Sender<Update>,
) {
    let mut left = chat::SCRIPTED_CHATS;
    while let Some(update) = updates.recv().await {
        let archived = matches!(update, Update::Archived { .. });
        let _ignored = forward.send(update).await;
        left -= usize::from(archived);
        if left == 0 {
            return;
        }
    }
}
