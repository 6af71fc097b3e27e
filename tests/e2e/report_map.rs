//! The report of several days: the program of the report, which is deployed, does each step that the state machine of the template asks for, on
//! emulated AWS services and the simulated contact center.
//!
//! `report_map.json` holds these steps. A test of the CDK app (`infra/cdk/test/report-map.test.ts`) interprets the definition of the
//! template, as CloudFormation renders it, and compares what its tasks are given with that file.

use cxone_simulator::{Scenario, Simulator};
use e2e::programs::FunctionPrograms;
use serde_json::{Value, json};
use store::objects::Objects;
use testkit::events::event;

/// An execution of the state machine, step by step.
struct Execution {
    name: String,
    input: Value,
    /// The events of the days, of which some are worked at once.
    days: Vec<Value>,
    /// The event of the reducer, whose reply is the execution's output.
    reduce: Value,
}

impl Execution {
    fn load() -> Self {
        let text = include_str!("report_map.json");
        let mut steps: Value = serde_json::from_str(text).expect("JSON");
        Self {
            name: steps["name"].as_str().expect("a name").to_owned(),
            input: steps["input"].take(),
            days: steps["days"].as_array().expect("the days").clone(),
            reduce: steps["reduce"].take(),
        }
    }

    /// Does all steps in the order in which the state machine does them, and returns the execution's output.
    async fn run(&self, programs: &FunctionPrograms) -> Value {
        let work = |day| programs.invoke_event("analytics-report", day);
        let replies = futures::future::join_all(self.days.iter().map(work)).await;
        for reply in &replies {
            assert_eq!(reply["mode"], "map", "{reply}");
            assert_eq!(reply["conversations"], PER_DAY, "{reply}");
        }
        programs
            .invoke_event("analytics-report", &self.reduce)
            .await
    }
}

/// Number of conversations that the simulated contact center has on each day.
const PER_DAY: u32 = 30;

#[tokio::test(flavor = "multi_thread")]
async fn the_steps_of_the_state_machine_write_the_report_of_all_days() {
    let mut scenario = Scenario::default();
    scenario.conversations.per_day = PER_DAY;
    let simulator = Simulator::start(scenario).await.expect("the simulator");
    let aws = dev_stack::aws();
    let mut settings = dev_stack::unique_environment_on(&aws, "report-map");
    settings.insert("CXONE_BASE_URL".to_owned(), simulator.url());
    let database = dev_stack::create_database();
    dev_stack::create_resources(&settings, &database.url).expect("the resources");
    let config = store::aws::load_config(Some(&aws.endpoint_url)).await;
    let objects = Objects::open_bucket(&config, &settings["OBJECT_BUCKET"]).expect("the bucket");
    let mut programs = FunctionPrograms::start(settings).await;
    programs.start_program("analytics-report");

    let execution = Execution::load();
    let output = execution.run(&programs).await;
    let expected = PER_DAY as usize * execution.days.len();
    assert_eq!(output["conversations"], expected, "{output}");
    assert_eq!(output["failed_transcripts"], 0, "{output}");
    let folder = format!("reports/{}", execution.name);
    assert_eq!(output["summary"], format!("{folder}/summary.json"));
    for file in ["conversations.csv", "report.html", "summary.json"] {
        let object = objects.get(&format!("{folder}/{file}")).await;
        assert!(object.expect("an answer").is_some(), "{folder}/{file}");
    }
    let parts = objects.list("parts/").await.expect("a list");
    assert!(
        parts.is_empty(),
        "a complete report needs no parts: {parts:?}"
    );

    // The same days in one piece are the same bytes.
    let mut one_piece = execution.input.clone();
    one_piece["run"] = json!("in-one-piece");
    programs.invoke_event("analytics-report", &one_piece).await;
    let of_map = objects.get(&format!("{folder}/conversations.csv")).await;
    let of_one = objects.get("reports/in-one-piece/conversations.csv").await;
    assert_eq!(of_map.expect("a table"), of_one.expect("a table"));

    // What Step Functions starts again does the same again; the program may have been killed meanwhile.
    programs.kill_program("analytics-report");
    programs.start_program("analytics-report");
    assert_eq!(execution.run(&programs).await, output);

    // The events that are shown to users are such steps.
    let map = event("analytics-report-map.json");
    let mapped = programs.invoke_event("analytics-report", &map).await;
    assert_eq!(mapped["conversations"], PER_DAY, "{mapped}");
    let reduce = event("analytics-report-reduce.json");
    let reduced = programs.invoke_event("analytics-report", &reduce).await;
    assert_eq!(reduced["conversations"], PER_DAY, "{reduced}");

    let logs = programs.logs();
    for metric in ["report_written", "report_conversations"] {
        let name = format!("\"{metric}\"");
        assert!(logs.contains(&name), "no metric {metric}");
    }
}
