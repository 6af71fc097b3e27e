//! A simulated contact center, the function with a folder for its report, and what the folder holds.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use analytics_report::config::Config;
use analytics_report::range::Period;
use analytics_report::report::WrittenReport;
use analytics_report::{Deps, create_report};
use backends::Backends;
use cxone_simulator::conversations::{Author, Fixed, Line};
use cxone_simulator::{Conversations, Handle, Scenario, Settings, Simulator};
use insights_http::Deadline;
use runtime::config::Env;
use serde_json::Value;
use store::objects::Objects;

pub(crate) const TRANSCRIPTS: &str = "/api/v1/conversations/*/transcripts";
pub(crate) const QUERY: &str = "/api/v1/analytics/conversations/details/query";

/// The function with its report in `folder`; its state is elsewhere, so that the folder holds the report alone.
pub(crate) fn deps(simulator: &Handle, folder: &Path) -> Deps {
    let env = Env::from_pairs([("REPORT_REQUESTS_PER_SECOND", "5000")])
        .with("CXONE_BASE_URL", simulator.url());
    let settings = Settings::default();
    let secrets = [
        ("client_id", settings.client_id),
        ("client_secret", settings.client_secret),
    ];
    let secrets = secrets.map(|(name, value)| (name.to_owned(), value.into()));
    static STATES: OnceLock<tempfile::TempDir> = OnceLock::new();
    static NEXT: AtomicUsize = AtomicUsize::new(0);
    let states = STATES.get_or_init(|| tempfile::tempdir().unwrap()).path();
    let state = states.join(NEXT.fetch_add(1, Ordering::Relaxed).to_string());
    let backends = Backends::laptop(state, secrets.into_iter().collect())
        .with_objects(Objects::open_folder(folder).unwrap());
    Deps::new(&backends, Config::from_env(&env).unwrap()).unwrap()
}

pub(crate) fn days(from: &str, to: &str) -> Period {
    Period::between(from, to).unwrap()
}

pub(crate) fn week() -> Period {
    days("2026-11-02", "2026-11-08")
}

pub(crate) fn until() -> Deadline {
    Deadline::within(Duration::from_secs(120))
}

pub(crate) async fn start(conversations: Conversations) -> Handle {
    Simulator::start(Scenario {
        conversations,
        ..Scenario::default()
    })
    .await
    .unwrap()
}

pub(crate) fn generated(per_day: u32) -> Conversations {
    Conversations {
        per_day,
        page_size: 20,
        ..Conversations::default()
    }
}

/// A conversation in which the customer says all this.
pub(crate) fn said(id: &str, disposition: &str, said: &[&str]) -> Fixed {
    let line = |text: &&str| Line {
        author: Author::Customer,
        text: (*text).to_owned(),
        timestamp: None,
    };
    Fixed {
        conversation_id: id.to_owned(),
        start_time: "2026-11-02T09:00:00Z".to_owned(),
        duration: 60,
        disposition: disposition.to_owned(),
        lines: Some(said.iter().map(line).collect()),
    }
}

pub(crate) async fn report(simulator: &Handle, folder: &Path) -> anyhow::Result<WrittenReport> {
    create_report(&deps(simulator, folder), week(), "", until()).await
}

pub(crate) fn summary(folder: &Path) -> Value {
    serde_json::from_slice(&std::fs::read(folder.join("summary.json")).unwrap()).unwrap()
}

/// The rows of the CSV, each as column and cell.
pub(crate) fn rows(folder: &Path) -> Vec<BTreeMap<String, String>> {
    let bytes = std::fs::read(folder.join("conversations.csv")).unwrap();
    let text = bytes
        .strip_prefix("\u{feff}".as_bytes())
        .expect("a byte order mark");
    csv::Reader::from_reader(text)
        .deserialize()
        .collect::<Result<_, _>>()
        .unwrap()
}

/// The files of a report that must not differ between runs.
pub(crate) fn figures(folder: &Path) -> Vec<Vec<u8>> {
    let names = [
        "conversations.csv",
        "conversation_details.csv",
        "summary.json",
        "report.html",
        "plots/topic_clusters.png",
    ];
    names
        .map(|name| std::fs::read(folder.join(name)).unwrap())
        .into()
}

pub(crate) fn files(folder: &Path) -> Vec<String> {
    let mut found = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path)
            } else {
                found.push(path)
            }
        }
    }
    let mut names: Vec<_> = found
        .iter()
        .map(|it| it.strip_prefix(folder).unwrap().display().to_string())
        .collect();
    names.sort();
    names
}
