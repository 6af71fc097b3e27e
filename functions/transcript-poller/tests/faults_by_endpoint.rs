//! Every fault at every endpoint that the poller uses: what does not need the endpoint works, and afterwards nothing is lost,
//! scored twice or sent twice. Run with `--nocapture` for the table.

#![expect(clippy::unwrap_used, reason = "helpers of tests may unwrap")]

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use backends::interactions::Interactions;
use cxone_simulator::live::{Call, Line};
use cxone_simulator::{Fault, FaultRule, RetryAfter, Scenario};
use futures::stream::{StreamExt, iter};
use insights_core::live::{CallState, SegmentId};
use insights_core::scale::format_average;
use jiff::Timestamp;
use runtime::Observer;
use runtime::config::Env;
use sentiment::{LocalProvider, Provider, SentimentSettings};
use serde_json::json;
use store::state::State;
use testkit::{TestFixture, eventually_async};
use tokio_util::sync::CancellationToken;
use transcript_poller::config::Config;
use transcript_poller::{CallSelection, CountedBatch, Deps, poll};

/// The call whose transcript has the fault, where transcripts have one, and another call.
const CALLS: [&str; 2] = ["call-1", "call-2"];

/// Number of cells of the table that are tried at the same time.
const CELLS_AT_ONCE: usize = 8;

/// An endpoint that the poller uses.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Endpoint {
    Token,
    Transcript,
    Attributes,
    Suggestions,
}

impl Endpoint {
    const ALL: [Self; 4] = [
        Self::Token,
        Self::Transcript,
        Self::Attributes,
        Self::Suggestions,
    ];

    fn method_and_path(self) -> (&'static str, &'static str) {
        match self {
            Self::Token => ("POST", "/oauth/token"),
            Self::Transcript => ("GET", "/api/v2/interactions/call-1/transcripts"),
            Self::Attributes => ("PATCH", "/api/v2/interactions/*/attributes"),
            Self::Suggestions => ("POST", "/api/v2/agentassist/suggestions"),
        }
    }
}

fn faults() -> [(&'static str, Fault); 11] {
    let status = |status| Fault::Status(status, RetryAfter::Absent);
    [
        ("503", status(503)),
        ("500", status(500)),
        ("403", status(403)),
        ("404", status(404)),
        ("429", status(429)),
        ("hang", Fault::Delay(Duration::from_secs(60))),
        ("slow", Fault::Delay(Duration::from_secs(3))),
        ("reset", Fault::Drop),
        ("not JSON", Fault::WrongContent),
        (
            "wrong shape",
            Fault::Answer(200, json!({"unexpected": [1]})),
        ),
        ("empty", Fault::Answer(204, json!(null))),
    ]
}

/// Returns a call that turns bad at once, and in which something is said again after the fault.
fn call(id: &str) -> Call {
    let said = [
        ("agent", "Thank you for calling, how can I help you today?"),
        ("customer", "Hello, I hope you can help me, thank you."),
        (
            "customer",
            "I am furious, this is the worst service I have ever had.",
        ),
        (
            "customer",
            "I hate this, you people are completely useless.",
        ),
    ];
    let mut lines: Vec<Line> = (0..)
        .zip(said)
        .map(|(place, (who, text))| Line::said(who, 4000 * place - 20_000, text))
        .collect();
    lines[3].at_ms = -1000;
    lines.push(Line::said(
        "customer",
        9000,
        "It is still useless, and I hate it.",
    ));
    Call::new(id, lines)
}

/// Number of segments of a call before the last one, which is said after the fault.
const EARLY_SEGMENTS: usize = 4;

/// One cell of the table with its surroundings.
struct Cell {
    fixture: TestFixture,
    calls: Interactions<State>,
    batches: Arc<Mutex<Vec<CountedBatch>>>,
}

impl Cell {
    async fn start(endpoint: Endpoint, fault: Fault) -> Self {
        let scenario = Scenario {
            calls: CALLS.map(call).to_vec(),
            ..Scenario::default()
        };
        let settings = [
            ("POLL_IDLE_MS", "100"),
            ("POLL_RELIST_MS", "200"),
            ("LEASE_SECONDS", "6"),
        ];
        let fixture = TestFixture::builder()
            .scenario(scenario)
            .settings(&settings)
            .start()
            .await;
        let (method, path) = endpoint.method_and_path();
        fixture
            .simulator
            .fault(FaultRule::new(path, fault).method(method));
        let calls = Interactions::new(fixture.state.clone(), 1);
        for id in CALLS {
            calls.register(id, Timestamp::now()).await.unwrap();
        }
        Self {
            fixture,
            calls,
            batches: Arc::default(),
        }
    }

    async fn deps(&self, provider: Provider) -> Arc<Deps> {
        let config = Config::from_env(&self.fixture.env).unwrap();
        let deps = Deps::new(&self.fixture.backends(), config.with_scorer(provider)).await;
        let batches = Arc::clone(&self.batches);
        let record = move |batch: CountedBatch| batches.lock().unwrap().push(batch);
        Arc::new(deps.unwrap().with_observer(Observer::new(record)))
    }

    fn scored(&self, id: &str) -> Vec<SegmentId> {
        let batches = self.batches.lock().unwrap();
        batches
            .iter()
            .filter(|batch| batch.interaction_id == id)
            .flat_map(|batch| batch.report.segments.iter().map(|segment| segment.id))
            .collect()
    }

    /// Returns whether the contact center shows the average after the newest batch.
    fn is_shown(&self, id: &str) -> bool {
        let batches = self.batches.lock().unwrap();
        let newest = batches
            .iter()
            .rev()
            .find(|batch| batch.interaction_id == id)
            .map(|batch| format_average(batch.report.sentiment.both.average));
        let shown = self.fixture.simulator.world().live.attributes(id);
        newest.is_some_and(|newest| shown.get("realtime_sentiment_score") == Some(&json!(newest)))
    }

    fn suggestions(&self, id: &str) -> usize {
        self.fixture.simulator.world().live.suggestions(id).len()
    }

    fn hits(&self, endpoint: Endpoint) -> u64 {
        let (method, path) = endpoint.method_and_path();
        self.fixture.simulator.requests(method, path)
    }

    async fn state(&self, id: &str) -> CallState {
        let loaded = self.calls.load(id, Timestamp::now()).await.unwrap();
        loaded.unwrap().call
    }

    /// Returns whether everything works that does not need the endpoint.
    fn does_the_rest_work(&self, endpoint: Endpoint, pauses_all_polls: bool) -> bool {
        let is_scored = |id: &str| self.scored(id).len() >= EARLY_SEGMENTS;
        match endpoint {
            Endpoint::Token => true,
            // A 429 is meant for the client, so all polls pause.
            Endpoint::Transcript if pauses_all_polls => true,
            Endpoint::Transcript => {
                let id = CALLS[1];
                is_scored(id) && self.is_shown(id) && self.suggestions(id) == 1
            }
            Endpoint::Attributes => CALLS
                .iter()
                .all(|id| is_scored(id) && self.suggestions(id) == 1),
            Endpoint::Suggestions => CALLS.iter().all(|id| is_scored(id) && self.is_shown(id)),
        }
    }
}

async fn try_cell(endpoint: Endpoint, name: &str, fault: Fault, provider: Provider) -> String {
    let what = format!("{endpoint:?} with {name}");
    let cell = Cell::start(endpoint, fault).await;
    let (deps, stop) = (cell.deps(provider).await, CancellationToken::new());
    let run = tokio::spawn({
        let stop = stop.clone();
        async move { poll(&deps, CallSelection::Shards(vec![0]), "poller", stop).await }
    });
    eventually_async(&format!("{what}: the rest works"), async || {
        cell.hits(endpoint) >= 1 && cell.does_the_rest_work(endpoint, name == "429")
    })
    .await;
    cell.fixture.simulator.world().faults.clear();
    eventually_async(
        &format!("{what}: all is well after the fault"),
        async || {
            CALLS
                .iter()
                .all(|id| cell.scored(id).len() == EARLY_SEGMENTS + 1 && cell.is_shown(id))
        },
    )
    .await;
    stop.cancel();
    run.await.unwrap().unwrap();
    let mut shown = BTreeSet::new();
    for id in CALLS {
        let scored = cell.scored(id);
        let distinct: BTreeSet<&SegmentId> = scored.iter().collect();
        assert_eq!(distinct.len(), scored.len(), "{what}: scored twice");
        let view = cell
            .calls
            .view(id, Timestamp::now())
            .await
            .unwrap()
            .unwrap();
        assert_eq!(view.status, "live", "{what}");
        assert_eq!(cell.state(id).await.unscored_count(), 0, "{what}");
        let keys: BTreeSet<&String> = view
            .suggestions
            .iter()
            .map(|suggestion| &suggestion.idempotency_key)
            .collect();
        assert_eq!(
            keys.len(),
            view.suggestions.len(),
            "{what}: suggested twice"
        );
        assert!(
            cell.suggestions(id) <= view.suggestions.len(),
            "{what}: more was suggested than was stored"
        );
        shown.extend(view.suggestions.iter().map(|suggestion| suggestion.status));
    }
    format!("| {endpoint:?} | {name} | works | all scored once | {shown:?} |")
}

#[tokio::test]
async fn a_fault_of_one_endpoint_stops_nothing_that_does_not_need_it() {
    let settings = SentimentSettings::from_env(&Env::default()).unwrap();
    let scoring = &settings.scoring;
    let model = LocalProvider::load(&scoring.models, scoring.emotion_threshold).await;
    let provider = Provider::Local(model.unwrap());
    let cells = Endpoint::ALL
        .into_iter()
        .flat_map(|endpoint| faults().map(|(name, fault)| (endpoint, name, fault)));
    let rows: Vec<String> = iter(cells)
        .map(|(endpoint, name, fault)| try_cell(endpoint, name, fault, provider.clone()))
        .buffered(CELLS_AT_ONCE)
        .collect()
        .await;
    println!("| endpoint | fault | everything else | after the fault | suggestions |");
    println!("|---|---|---|---|---|");
    rows.iter().for_each(|row| println!("{row}"));
    assert_eq!(rows.len(), 44);
}
