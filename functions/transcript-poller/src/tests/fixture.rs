//! A poller with everything around it: the simulated contact center, a state store, and the batches that it reported.

use std::sync::{Arc, Mutex};

use backends::board::Board;
use backends::interactions::Interactions;
use cxone_simulator::live::{Call, Line, Suggestion};
use cxone_simulator::{Handle, Scenario};
use insights_core::live::{BatchReport, CallState, CallView, SegmentId};
use insights_core::scale::format_average;
use jiff::Timestamp;
use runtime::Observer;
use runtime::config::Env;
use sentiment::{LocalProvider, Provider, SentimentSettings};
use serde_json::{Map, Value};
use store::state::State;
use testkit::{TestFixture, TestFixtureBuilder, eventually, eventually_async};
use tokio::sync::OnceCell;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use crate::config::Config;
use crate::{CallSelection, CountedBatch, Deps, PollSummary, poll};

/// Short delays, so that tests take seconds.
const QUICK_SETTINGS: [(&str, &str); 3] = [
    ("POLL_IDLE_MS", "100"),
    ("POLL_RELIST_MS", "200"),
    ("LEASE_SECONDS", "3"),
];

/// Returns a provider whose model is loaded once for all tests.
pub(super) async fn provider() -> Provider {
    static PROVIDER: OnceCell<Provider> = OnceCell::const_new();
    let load = || async {
        let settings = SentimentSettings::from_env(&Env::default()).unwrap();
        Provider::Local(
            LocalProvider::load(&settings.scoring.models, settings.scoring.emotion_threshold)
                .await
                .unwrap(),
        )
    };
    PROVIDER.get_or_init(load).await.clone()
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
pub(super) struct PollerFixture {
    base: TestFixture,
    pub(super) calls: Interactions<State>,
    reports: Arc<Mutex<Vec<(String, BatchReport)>>>,
    provider: Provider,
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

impl PollerFixture {
    /// Starts the contact center with the given calls, and an embedded state store.
    pub(super) async fn start(calls: Vec<Call>) -> Self {
        Self::start_with(&[], calls).await
    }

    /// Starts a fixture whose poller has further settings.
    pub(super) async fn start_with(settings: &[(&str, &str)], calls: Vec<Call>) -> Self {
        Self::build(TestFixture::builder(), settings, calls).await
    }

    /// Starts a fixture on the given state store.
    pub(super) async fn start_on(
        state: State,
        settings: &[(&str, &str)],
        calls: Vec<Call>,
    ) -> Self {
        Self::build(TestFixture::builder().state(state), settings, calls).await
    }

    async fn build(
        builder: TestFixtureBuilder,
        settings: &[(&str, &str)],
        calls: Vec<Call>,
    ) -> Self {
        let scenario = Scenario {
            calls,
            ..Scenario::default()
        };
        let base = builder
            .scenario(scenario)
            .settings(&QUICK_SETTINGS)
            .settings(settings)
            .start()
            .await;
        let shards = Config::from_env(&base.env).unwrap().shards.count;
        Self {
            calls: Interactions::new(base.state.clone(), shards),
            base,
            reports: Arc::default(),
            provider: provider().await,
        }
    }

    /// Scores with another provider than the shipped model from now on.
    pub(super) fn with_provider(self, provider: Provider) -> Self {
        Self { provider, ..self }
    }

    /// Returns the stored state of a call.
    pub(super) async fn state(&self, id: &str) -> CallState {
        let loaded = self.calls.load(id, Timestamp::now()).await.unwrap();
        loaded.unwrap().call
    }

    /// Returns the rows of the calls on the board of supervisors.
    pub(super) fn board(&self) -> Board<State> {
        Board::new(self.base.state.clone(), self.calls.shards())
    }

    /// Returns the simulated contact center.
    pub(super) fn simulator(&self) -> &Handle {
        &self.base.simulator
    }

    /// Returns dependencies of a poller whose batches this fixture records.
    pub(super) fn deps(&self) -> impl Future<Output = Arc<Deps>> + Send + use<> {
        let backends = self.base.backends();
        let config = Config::from_env(&self.base.env).unwrap();
        let config = config.with_scorer(self.provider.clone());
        let reports = Arc::clone(&self.reports);
        async move {
            let deps = Deps::new(&backends, config).await.unwrap();
            Arc::new(
                deps.with_observer(Observer::new(move |batch: CountedBatch| {
                    let CountedBatch {
                        interaction_id,
                        report,
                    } = batch;
                    reports.lock().unwrap().push((interaction_id, report));
                })),
            )
        }
    }

    /// Starts a poller that follows all listed calls.
    pub(super) fn start_poller(&self, holder: &'static str) -> RunningPoller {
        let shards = (0..self.calls.shards()).collect();
        self.run(holder, CallSelection::Shards(shards))
    }

    /// Starts a poller that follows the given calls.
    pub(super) fn start_poller_for(&self, holder: &'static str, ids: &[&str]) -> RunningPoller {
        let ids = ids.iter().map(|&id| id.to_owned()).collect();
        self.run(holder, CallSelection::Ids(ids))
    }

    fn run(&self, holder: &'static str, selection: CallSelection) -> RunningPoller {
        let (deps, stop) = (self.deps(), CancellationToken::new());
        let task_stop = stop.clone();
        let task =
            tokio::spawn(async move { poll(&deps.await, selection, holder, task_stop).await });
        RunningPoller { stop, task }
    }

    /// Registers a call, as `PUT /interactions/{id}` does.
    pub(super) async fn register(&self, id: &str) {
        self.calls.register(id, Timestamp::now()).await.unwrap();
    }

    /// Returns what `GET /interactions/{id}` shows of a call.
    pub(super) async fn view(&self, id: &str) -> CallView {
        self.calls
            .view(id, Timestamp::now())
            .await
            .unwrap()
            .unwrap()
    }

    /// Returns the attributes that the contact center has of a call.
    pub(super) fn attributes(&self, id: &str) -> Map<String, Value> {
        self.simulator().world().live.attributes(id)
    }

    /// Returns the suggestions that the contact center has of a call.
    pub(super) fn suggestions(&self, id: &str) -> Vec<Suggestion> {
        self.simulator().world().live.suggestions(id)
    }

    /// Returns the batches of a call that pollers have reported.
    pub(super) fn batches(&self, id: &str) -> Vec<BatchReport> {
        self.reports
            .lock()
            .unwrap()
            .iter()
            .filter(|(call, _)| call == id)
            .map(|(_, report)| report.clone())
            .collect()
    }

    /// Returns the identities of all segments of a call that pollers have reported, in order, with repeats.
    pub(super) fn scored_ids(&self, id: &str) -> Vec<SegmentId> {
        self.batches(id)
            .iter()
            .flat_map(|report| report.segments.iter().map(|segment| segment.id))
            .collect()
    }

    /// Returns the number of final segments that the contact center serves of a call.
    pub(super) fn final_count(&self, id: &str) -> usize {
        self.simulator().world().live.finals(id).len()
    }

    /// Returns whether all lines of the call are scored and the contact center has the newest attributes.
    pub(super) fn is_caught_up(&self, id: &str) -> bool {
        let total = self.simulator().world().live.lines(id);
        let batches = self.batches(id);
        let newest = batches
            .last()
            .map(|report| format_average(report.sentiment.both.average));
        let sent = self
            .attributes(id)
            .get("realtime_sentiment_score")
            .and_then(Value::as_str)
            .map(str::to_owned);
        self.scored_ids(id).len() >= total && newest == sent
    }

    /// Returns the number of listed calls in all shards.
    pub(super) async fn listed_calls(&self) -> usize {
        let mut listed = 0;
        for shard in 0..self.calls.shards() {
            let calls = self.calls.list(shard, Timestamp::now()).await.unwrap();
            listed += calls.len();
        }
        listed
    }

    /// Waits until so many calls are listed.
    pub(super) async fn wait_until_listed(&self, expected: usize) {
        eventually_async(&format!("{expected} calls are listed"), async || {
            self.listed_calls().await == expected
        })
        .await;
    }

    /// Waits until a condition holds.
    pub(super) async fn wait_until(&self, what: &str, condition: impl Fn(&Self) -> bool) {
        eventually(what, || condition(self)).await;
    }
}
