//! What each function declares.

use backends::settings::AwsSettings;
use runtime::process::ProcessSettings;
use runtime::settings::Declaration;

/// Returns the declarations of one function.
type Declarations = fn() -> Vec<Declaration>;

/// Every function by name, in the order of the page.
pub(crate) const FUNCTIONS: [(&str, Declarations); 10] = [
    ("data-action", || {
        with_process(data_action::config::Config::declarations())
    }),
    ("transcript-poller", || {
        with_process(transcript_poller::config::Config::declarations())
    }),
    ("webhook-receiver", || {
        with_process(webhook_receiver::config::Config::declarations())
    }),
    ("embedding-writer", || {
        with_process(embedding_writer::config::Config::declarations())
    }),
    ("semantic-search", || {
        with_process(semantic_search::config::Config::declarations())
    }),
    ("supervisor-board", || {
        with_process(supervisor_board::config::Config::declarations())
    }),
    ("analytics-report", || {
        with_process(analytics_report::config::Config::declarations())
    }),
    ("chat-session", || {
        with_process(chat_session::config::Config::declarations())
    }),
    ("admin", || {
        with_process(admin::config::Config::declarations())
    }),
    ("heartbeat", || {
        with_process(heartbeat::config::Config::declarations())
    }),
];

/// Returns the declarations of a function.
pub(crate) fn function(name: &str) -> Vec<Declaration> {
    let found = FUNCTIONS.iter().find(|(function, _)| *function == name);
    found.map_or_else(Vec::new, |(_, declarations)| declarations())
}

/// Adds what every process reads.
fn with_process(own: Vec<Declaration>) -> Vec<Declaration> {
    let mut declarations = AwsSettings::declarations();
    declarations.extend(ProcessSettings::declarations());
    declarations.extend(own);
    declarations
}
