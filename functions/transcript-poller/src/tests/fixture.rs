//! A poller with everything around it: the simulated contact center, a state store, and the batches that it reported.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use backends::interactions::Interactions;
use backends::stores::FunctionSecrets;
use cxone_simulator::live::{Call, Line, Suggestion};
use cxone_simulator::{Handle, Scenario, Simulator};
use insights_core::live::{BatchReport, CallView, SegmentId};
use jiff::Timestamp;
use runtime::config::Env;
use secrecy::SecretString;
use sentiment::{LocalProvider, Provider, Settings};
use serde_json::{Map, Value};
use store::secrets::AnySecretStore;
use store::state::{SqliteState, State};
use tokio::sync::OnceCell;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use crate::config::Config;
use crate::scorer::SegmentScorer;
use crate::{CallSelection, Deps, PollSummary, poll, start};

/// Returns a scorer whose model is loaded once for all tests.
async fn scorer() -> SegmentScorer {
    static SCORER: OnceCell<SegmentScorer> = OnceCell::const_new();
    let load = || async {
        let settings = Settings::from_env(&Env::default()).unwrap();
        SegmentScorer::new(Provider::Local(
            LocalProvider::load(&settings).await.unwrap(),
        ))
    };
    SCORER.get_or_init(load).await.clone()
}

pub(super) fn secrets() -> Arc<FunctionSecrets> {
    let pairs = [
        ("client_id", "demo-client"),
        ("client_secret", "demo-secret"),
    ];
    let given = pairs
        .map(|(name, value)| (name.to_owned(), SecretString::from(value)))
        .into_iter()
        .collect();
    Arc::new(FunctionSecrets::new(AnySecretStore::Given(given)))
}

/// Returns a call in which the customer becomes angry. Its last segments become final a second after the test begins.
pub(super) fn declining_call(id: &str) -> Call {
    let said = [
        ("agent", "Thank you for calling, how can I help you today?"),
        (
            "customer",
            "Hello, I hope you can help me with my order, thank you.",
        ),
        ("agent", "Of course, I am happy to look into that for you."),
        (
            "customer",
            "It was supposed to arrive on Monday and it is still not here.",
        ),
        (
            "customer",
            "This is the third time I call and nobody does anything.",
        ),
        (
            "customer",
            "I am furious, this is the worst service I have ever had.",
        ),
        (
            "customer",
            "I hate this, you people are completely useless.",
        ),
    ];
    let line = |(place, (who, text)): (i64, &(&str, &str))| {
        let mut line = Line::said(who, 4000 * place - 30_000, text);
        // Four seconds lie between two of them; the last two become final while the test runs.
        line.final_after_ms = match place {
            5 => 300 - line.at_ms - line.duration_ms,
            6 => 1200 - line.at_ms - line.duration_ms,
            _ => 300,
        };
        line
    };
    Call::new(id, (0..).zip(&said).map(line).collect())
}

/// A poller with everything around it.
pub(super) struct TestFixture {
    pub(super) simulator: Handle,
    pub(super) calls: Interactions<State>,
    pub(super) env: Env,
    state: State,
    reported: Arc<Mutex<Vec<(String, BatchReport)>>>,
    scorer: SegmentScorer,
    _folder: tempfile::TempDir,
}

/// A poller that runs in a task of its own.
pub(super) struct RunningPoller {
    stop: CancellationToken,
    task: JoinHandle<anyhow::Result<PollSummary>>,
}

impl RunningPoller {
    /// Stops the poller as the deadline of an invocation does, and returns its summary.
    pub(super) async fn finish(self) -> PollSummary {
        self.stop.cancel();
        self.task.await.unwrap().unwrap()
    }

    /// Kills the poller: whatever it was doing stays undone.
    pub(super) fn kill(self) {
        self.task.abort();
    }
}

impl TestFixture {
    pub(super) async fn new(calls: Vec<Call>) -> Self {
        Self::with(&[], calls).await
    }

    pub(super) async fn with(variables: &[(&str, &str)], calls: Vec<Call>) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let state = State::Sqlite(SqliteState::open(folder.path().join("state.sqlite")).unwrap());
        Self::on(state, folder, variables, calls).await
    }

    pub(super) async fn on(
        state: State,
        folder: tempfile::TempDir,
        variables: &[(&str, &str)],
        calls: Vec<Call>,
    ) -> Self {
        let simulator = Simulator::start(Scenario {
            calls,
            ..Scenario::default()
        })
        .await
        .unwrap();
        // Short delays, so that tests take seconds.
        let quick = [
            ("POLL_IDLE_MS", "100"),
            ("POLL_RELIST_MS", "200"),
            ("LEASE_SECONDS", "3"),
        ];
        let mut env = Env::from_pairs(quick).with("CXONE_BASE_URL", simulator.url());
        for (name, value) in variables {
            env = env.with(name, *value);
        }
        let calls = Interactions::new(state.clone(), Config::from_env(&env).unwrap().shards);
        let (reported, scorer) = (Arc::default(), scorer().await);
        Self {
            simulator,
            calls,
            env,
            state,
            reported,
            scorer,
            _folder: folder,
        }
    }

    pub(super) fn deps(&self) -> Arc<Deps> {
        let config = Config::from_env(&self.env).unwrap();
        let mut deps = start::build(
            &self.env,
            config,
            &secrets(),
            self.state.clone(),
            self.scorer.clone(),
        )
        .unwrap();
        let reported = Arc::clone(&self.reported);
        deps.observer = Some(Arc::new(move |id, batch| {
            reported.lock().unwrap().push((id.into(), batch.clone()))
        }));
        Arc::new(deps)
    }

    pub(super) fn start(&self, holder: &'static str) -> RunningPoller {
        self.run(
            holder,
            CallSelection::Shards((0..self.calls.shards()).collect()),
        )
    }

    pub(super) fn start_ids(&self, holder: &'static str, ids: &[&str]) -> RunningPoller {
        self.run(
            holder,
            CallSelection::Ids(ids.iter().map(|&id| id.to_owned()).collect()),
        )
    }

    fn run(&self, holder: &'static str, calls: CallSelection) -> RunningPoller {
        let (deps, stop) = (self.deps(), CancellationToken::new());
        let stopped = stop.clone();
        let task = tokio::spawn(async move { poll(&deps, calls, holder, stopped).await });
        RunningPoller { stop, task }
    }

    pub(super) async fn register(&self, id: &str) {
        self.calls.register(id, Timestamp::now()).await.unwrap();
    }

    pub(super) async fn view(&self, id: &str) -> CallView {
        self.calls
            .view(id, Timestamp::now())
            .await
            .unwrap()
            .unwrap()
    }

    pub(super) fn attributes(&self, id: &str) -> Map<String, Value> {
        self.simulator.world().live.attributes(id)
    }

    pub(super) fn suggestions(&self, id: &str) -> Vec<Suggestion> {
        self.simulator.world().live.suggestions(id)
    }

    pub(super) fn batches(&self, id: &str) -> Vec<BatchReport> {
        self.reported
            .lock()
            .unwrap()
            .iter()
            .filter(|(call, _)| call == id)
            .map(|(_, batch)| batch.clone())
            .collect()
    }

    pub(super) fn scored(&self, id: &str) -> Vec<SegmentId> {
        self.batches(id)
            .iter()
            .flat_map(|batch| batch.segments.iter().map(|segment| segment.id))
            .collect()
    }

    pub(super) fn finals(&self, id: &str) -> usize {
        self.simulator.world().live.finals(id).len()
    }

    /// Returns whether all lines of the call are scored and the contact center has the newest attributes.
    pub(super) fn caught_up(&self, id: &str) -> bool {
        let total = self.simulator.world().live.lines(id);
        let batches = self.batches(id);
        let newest = batches
            .last()
            .map(|batch| format!("{:.3}", batch.sentiment.both.average));
        let sent = self
            .attributes(id)
            .get("realtime_sentiment_score")
            .and_then(Value::as_str)
            .map(str::to_owned);
        self.scored(id).len() >= total && newest == sent
    }

    pub(super) async fn listed(&self) -> usize {
        let mut listed = 0;
        for shard in 0..self.calls.shards() {
            listed += self
                .calls
                .list(shard, Timestamp::now())
                .await
                .unwrap()
                .len();
        }
        listed
    }

    pub(super) async fn until_listed(&self, wanted: usize) {
        let listed = async {
            while self.listed().await != wanted {
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        };
        tokio::time::timeout(super::WAIT_TIMEOUT, listed)
            .await
            .expect("the list of calls did not get the expected length");
    }

    /// Waits until a condition holds.
    pub(super) async fn until(&self, holds: impl Fn(&Self) -> bool) {
        let held = async {
            while !holds(self) {
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        };
        if tokio::time::timeout(super::WAIT_TIMEOUT, held)
            .await
            .is_err()
        {
            panic!(
                "the condition did not hold in time; batches scored so far: {}",
                self.reported.lock().unwrap().len()
            );
        }
    }
}
