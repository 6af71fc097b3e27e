//! Scene 3: an agent works three chats. One of them escalates, and all are archived.

use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, ensure};
use chat_session::chat_center::ChatCenter;
use chat_session::session::{self, Options, Update};
use chat_session::tenant_chats::{EVERYBODY, TenantChats};
use runtime::Observer;
use tokio::sync::mpsc;

use super::{Stage, tenant};
use crate::chat;

/// Agent who works the chats.
const AGENT: &str = "agent-001";
/// Time between two reads of the list of open contacts of a tenant, at speed 1: a person watches.
const LIST_INTERVAL: Duration = Duration::from_secs(2);
/// Longest time that the scene may take.
const SCENE_TIMEOUT: Duration = Duration::from_secs(40);

/// Works the scripted chats until all of them are archived.
pub(super) async fn play(stage: &Stage) -> anyhow::Result<()> {
    let is_tenant = stage.context.simulated_tenant.is_some();
    let (agent, whose) = match is_tenant {
        false => (AGENT, AGENT),
        true => (EVERYBODY, "all agents, followed by polling"),
    };
    println!(
        "\n3. Chat session of {whose}: every message is stored, scored, escalated and archived\n"
    );
    let mut deps = chat::build(&stage.context, None).await?;
    if let Some(deps) = Arc::get_mut(&mut deps)
        && let ChatCenter::Tenant(chats) = &deps.center
    {
        let (client, interval) = (chats.client().clone(), LIST_INTERVAL.div_f64(stage.speed));
        let chats = TenantChats::with_list_interval(client, None, interval);
        deps.center = ChatCenter::Tenant(Arc::new(chats));
    }
    let has_model = deps.scorer.is_enabled();
    let (sender, updates) = mpsc::channel(1000);
    let options = Options {
        updates: Observer::sending(sender),
        ..Options::new(chat::lease_holder())
    };
    let stop = options.stop.clone();
    let session = tokio::spawn(async move { session::run(deps, agent, options).await });
    let (forward, forwarded) = mpsc::channel(1000);
    let showing = tokio::spawn(chat::show_updates(forwarded, false, has_model, None));
    let archived = tokio::time::timeout(
        SCENE_TIMEOUT,
        forward_until_archived(stage, updates, forward),
    )
    .await;
    stop.cancel();
    let report = session.await??;
    showing.await?;
    let last_archived = archived.context("the chats did not end in time")?;
    let summary = report.summary.context("another worker holds the session")?;
    ensure!(summary.archived > 0, "no chat was archived");
    println!(
        "   {} messages, {} escalations; replay one with: cargo run -- replay {} --data-dir {} --speed 4",
        summary.messages + summary.recovered,
        summary.escalations,
        last_archived.unwrap_or_default(),
        stage.context.data_dir.display()
    );
    Ok(())
}

/// Forwards updates until each scripted chat is archived. Returns the id of the last one.
async fn forward_until_archived(
    stage: &Stage,
    mut updates: mpsc::Receiver<Update>,
    forward: mpsc::Sender<Update>,
) -> Option<String> {
    let mut left = chat::SCRIPTED_CHATS;
    while let Some(update) = updates.recv().await {
        let archived = match &update {
            // A tenant has contacts of its own, which may end meanwhile.
            Update::Archived {
                conversation_id, ..
            } => tenant::is_scripted_chat(&stage.context, conversation_id)
                .then(|| conversation_id.clone()),
            _ => None,
        };
        let _ignored = forward.send(update).await;
        left -= usize::from(archived.is_some());
        if left == 0 {
            return archived;
        }
    }
    None
}
