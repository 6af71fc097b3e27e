//! Which modules may log below `warn`: those of this project, whose messages hold no text of a conversation and no key.

use tracing::{Level, Metadata};

/// The crates of this project, as their modules are named.
pub const OWN_MODULES: [&str; 25] = [
    "admin",
    "analytics_report",
    "backends",
    "chat_session",
    "cxone",
    "cxone_insights",
    "cxone_simulator",
    "data_action",
    "dev_stack",
    "e2e",
    "embedding",
    "embedding_writer",
    "feeder",
    "heartbeat",
    "inference",
    "insights_core",
    "insights_http",
    "runtime",
    "semantic_search",
    "sentiment",
    "smoke",
    "store",
    "supervisor_board",
    "transcript_poller",
    "webhook_receiver",
];

/// Returns whether an event or span may be logged at all: anybody's warnings, and everything of this project's own modules.
pub(super) fn may_be_logged(metadata: &Metadata<'_>) -> bool {
    *metadata.level() <= Level::WARN || is_own(metadata.target())
}

fn is_own(target: &str) -> bool {
    let module = target.split("::").next().unwrap_or_default();
    OWN_MODULES.contains(&module)
}
