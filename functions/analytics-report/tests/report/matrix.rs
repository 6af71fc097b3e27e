//! Every endpoint that the report uses with every fault: nothing is lost, no report claims to be complete that is not, and the
//! next run completes it.
//!
//! `cargo test -p analytics-report --test report -- matrix --nocapture` prints the table.

use std::collections::BTreeMap;
use std::time::Duration;

use analytics_report::config::Config;
use analytics_report::deps::LeaseTimes;
use analytics_report::event::ReportTask;
use analytics_report::{Deps, Reply, run_task};
use axum::http::request::Parts;
use backends::Backends;
use cxone_simulator::Conversations;
use futures::StreamExt;
use insights_http::Deadline;
use runtime::config::Env;
use serde_json::Value;
use store::objects::Objects;
use testkit::quick_limits;

use crate::disturbing_proxy::{Disturbance, DisturbingProxy, Matches};
use crate::support::*;

/// How long a disturbed run may take before its deadline.
const DISTURBED_TIME: Duration = Duration::from_secs(8);
/// Number of cases that run at the same time.
const CONCURRENT_CASES: usize = 18;

/// An endpoint of the contact center or of AWS.
struct Endpoint {
    name: &'static str,
    is_aws: bool,
    matches: Matches,
}

fn is_dynamo(parts: &Parts) -> bool {
    let target = parts.headers.get("x-amz-target");
    target.is_some_and(|target| target.to_str().unwrap_or_default().starts_with("DynamoDB"))
}

const ENDPOINTS: [Endpoint; 6] = [
    Endpoint {
        name: "token",
        is_aws: false,
        matches: |parts| parts.uri.path().ends_with("/token"),
    },
    Endpoint {
        name: "list",
        is_aws: false,
        matches: |parts| parts.uri.path() == QUERY,
    },
    Endpoint {
        name: "transcript",
        is_aws: false,
        matches: |parts| parts.uri.path().ends_with("/transcripts"),
    },
    Endpoint {
        name: "S3 put",
        is_aws: true,
        matches: |parts| parts.method == "PUT",
    },
    Endpoint {
        name: "S3 get",
        is_aws: true,
        matches: |parts| parts.method == "GET",
    },
    Endpoint {
        name: "DynamoDB",
        is_aws: true,
        matches: is_dynamo,
    },
];

fn conversations() -> Conversations {
    Conversations::only(vec![
        said("a", "resolved", &["Thank you, great help"]),
        said("b", "escalated", &["I am furious about this invoice"]),
        said("c", "resolved", &["The refund arrived, wonderful"]),
    ])
}

/// The figures of a stored report that must be the same in all runs.
async fn stored(objects: &Objects, run: &str) -> Option<(Value, Vec<u8>)> {
    let key = |name: &str| format!("reports/{run}/{name}");
    let summary = objects.get(&key("summary.json")).await.unwrap()?;
    let csv = objects.get(&key("conversations.csv")).await.unwrap();
    Some((
        serde_json::from_slice(&summary).unwrap(),
        csv.expect("a report with a summary has its other files")
            .to_vec(),
    ))
}

async fn deps_on(settings: &BTreeMap<String, String>, center: &str, aws: &str) -> Deps {
    let mut env = Env::from_pairs([("REPORT_OUTAGE_WAIT_SECONDS", "0")]);
    for (name, value) in settings {
        env = env.with(name, value.as_str());
    }
    let env = env
        .with("CXONE_BASE_URL", center)
        .with("AWS_ENDPOINT_URL", aws);
    let env = env.with("CXONE_TOKEN_URL", format!("{center}/oauth2/token"));
    let backends = Backends::aws(&env).await.unwrap();
    let mut deps = Deps::new(&backends, Config::from_env(&env).unwrap()).unwrap();
    deps.lease_times = LeaseTimes {
        duration: Duration::from_secs(20),
        wait: Duration::from_secs(60),
    };
    deps
}

fn task(run: &str) -> ReportTask {
    let event = serde_json::json!({"from": "2026-11-02", "to": "2026-11-02", "run": run});
    ReportTask::from_event(&event).unwrap()
}

/// Runs a report with one endpoint disturbed and then undisturbed, and returns what came of the first run.
async fn run_case(
    settings: &BTreeMap<String, String>,
    aws_url: &str,
    objects: &Objects,
    expected: &(Value, Vec<u8>),
    endpoint: &Endpoint,
    fault: Disturbance,
) -> String {
    let simulator = start(conversations()).await;
    let center = DisturbingProxy::start(&simulator.url()).await;
    let aws = DisturbingProxy::start(aws_url).await;
    let run = format!("{}-{fault}", endpoint.name).replace(' ', "-");
    let mut deps = deps_on(settings, center.url(), aws.url()).await;
    let mut limits = quick_limits();
    limits.retry.max_attempts = 2;
    limits.attempt_timeout = Duration::from_secs(1);
    deps.source = deps.source.with_limits(limits);
    let disturbed = if endpoint.is_aws { &aws } else { &center };
    disturbed.disturb(endpoint.matches, fault);
    let deadline = Deadline::within(DISTURBED_TIME);
    let first = tokio::time::timeout(
        Duration::from_secs(120),
        run_task(&deps, task(&run), deadline),
    )
    .await
    .expect("the disturbed run ends");
    disturbed.restore();

    let found = stored(objects, &run).await;
    let outcome = match (&first, &found) {
        (Ok(Reply::Report(_)), Some(found)) if found == expected => "complete",
        (Ok(Reply::Report(reply)), Some((summary, _))) if reply.failed_transcripts > 0 => {
            assert_eq!(summary["complete"], false, "{run}");
            "incomplete"
        }
        // Nothing without a body says that there is a transcript.
        (Ok(Reply::Report(_)), Some((summary, _)))
            if (endpoint.name, fault) == ("transcript", Disturbance::Empty) =>
        {
            assert_eq!(summary["conversations"]["without_transcript"], 3, "{run}");
            "no transcript"
        }
        (Err(_), None) => "error",
        (Err(_), Some(found)) if found == expected => "error after a complete report",
        (Err(_), Some((summary, _))) => {
            assert_eq!(summary["complete"], false, "{run}");
            "error after an incomplete report"
        }
        (first, found) => panic!("{run}: {first:?} and {found:?}"),
    };

    simulator.world().traffic.clear();
    // The next invocation is another process, with the usual limits of its calls.
    let deps = deps_on(settings, center.url(), aws.url()).await;
    let deadline = Deadline::within(Duration::from_secs(120));
    let second = run_task(&deps, task(&run), deadline).await;
    assert!(matches!(second, Ok(Reply::Report(_))), "{run}: {second:?}");
    assert_eq!(
        stored(objects, &run).await.as_ref(),
        Some(expected),
        "{run}"
    );
    assert!(
        simulator.requests("GET", TRANSCRIPTS) <= 3,
        "{run}: a transcript was fetched twice"
    );
    let parts = objects.list(&format!("parts/{run}/")).await.unwrap();
    assert!(parts.is_empty(), "{run}: {parts:?}");
    outcome.to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn no_fault_of_any_endpoint_loses_anything() {
    let aws = dev_stack::aws();
    let settings = dev_stack::unique_environment_on(&aws, "report-matrix");
    dev_stack::create_resources(&settings, "").unwrap();
    let config = store::aws::load_config(Some(&aws.endpoint_url)).await;
    let objects = Objects::open_bucket(&config, &settings["OBJECT_BUCKET"]).unwrap();

    let simulator = start(conversations()).await;
    let deps = deps_on(&settings, &simulator.url(), &aws.endpoint_url).await;
    run_task(&deps, task("undisturbed"), until()).await.unwrap();
    let expected = stored(&objects, "undisturbed").await.unwrap();
    assert_eq!(expected.0["complete"], true);

    let cases = ENDPOINTS
        .iter()
        .flat_map(|endpoint| Disturbance::ALL.map(|fault| (endpoint, fault)));
    let (settings, objects, expected) = (&settings, &objects, &expected);
    let url = aws.endpoint_url.as_str();
    let outcomes: Vec<_> = futures::stream::iter(cases)
        .map(|(endpoint, fault)| async move {
            let outcome = run_case(settings, url, objects, expected, endpoint, fault).await;
            (endpoint.name, fault, outcome)
        })
        .buffered(CONCURRENT_CASES)
        .collect()
        .await;
    println!(
        "{:12} {:12} first run (the second one always completes the report)",
        "endpoint", "fault"
    );
    for (endpoint, fault, outcome) in outcomes {
        println!("{endpoint:12} {fault:12} {outcome}");
    }
}
