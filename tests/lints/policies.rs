//! The template against the code: each function may call what its code can call and nothing else. That
//! each function is given the variables that it reads is tested with the settings, in `tests/settings`.
//!
//! What a function's code can call is found in its sources: a store, a client or a method of the store's trait that makes
//! a call which another does not. What each store calls is found in the store's sources, so a new call there is
//! seen here too.
#![expect(clippy::unwrap_used, reason = "a panic is how a test fails")]

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use regex::Regex;
use serde_json::Value;
use testkit::events::workspace_root;
use testkit::{FUNCTIONS, Function};

type Names = BTreeSet<String>;

/// Shared crates that open stores for the functions which use them.
const SHARED_WIRING: [&str; 2] = ["embedding", "sentiment"];

/// What in a function's sources makes which calls.
const CALLS: &[(&str, &[&str])] = &[
    (
        r"backends\s*\.(secrets|caller_secrets)\(",
        &["secretsmanager:GetSecretValue"],
    ),
    // Registering, stopping and showing a live call, and its list, which only the poller takes from.
    (
        r"\bInteractions\b",
        &["dynamodb:GetItem", "dynamodb:PutItem"],
    ),
    // The rows and marks of the board of supervisors.
    (
        r"\bboard\s*\.(write|mark|row|marks)\(",
        &["dynamodb:GetItem", "dynamodb:PutItem"],
    ),
    (r"\bboard\s*\.remove\(", &["dynamodb:DeleteItem"]),
    (r"\bboard\s*\.read\(", &["dynamodb:Query"]),
    (r"\bStateStore\b", &["dynamodb:GetItem", "dynamodb:PutItem"]),
    (r"\.unlist\(|\bstate\s*\.delete\(", &["dynamodb:DeleteItem"]),
    // Tokens are shared through the state, and leases are given back.
    (
        r"\bLeases\b|\.cxone_client\(",
        &[
            "dynamodb:GetItem",
            "dynamodb:PutItem",
            "dynamodb:DeleteItem",
        ],
    ),
    // A list with several arguments is the state's; that of objects has one.
    (r"\.list\([^()]*,", &["dynamodb:Query"]),
    (r"\.put_many\(", &["dynamodb:BatchWriteItem"]),
    // What was erased does not come back from the contact center.
    (r"\bErasedConversations\b", &["dynamodb:Query"]),
    (r"\berased_at\(", &["dynamodb:GetItem"]),
    // An erasure looks through every store, and through the earlier versions of objects.
    (
        r"\bEraser\b",
        &[
            "dynamodb:GetItem",
            "dynamodb:PutItem",
            "dynamodb:DeleteItem",
            "dynamodb:Query",
            "s3:PutObject",
            "s3:DeleteObject",
            "s3:GetObjectVersion",
            "s3:DeleteObjectVersion",
            "s3:ListBucketVersions",
        ],
    ),
    // Without the right to list, S3 answers 403 for an object that is not there, and not 404.
    (r"\bObjects\b", &["s3:GetObject", "s3:ListBucket"]),
    // The rule file is read from the bucket, and its last good version kept in the table.
    (
        r"\bRuleSource\b",
        &["s3:GetObject", "dynamodb:GetItem", "dynamodb:PutItem"],
    ),
    (r"objects\s*\.put\w*\(", &["s3:PutObject"]),
    // A large object is written in parts, which are aborted where the last step fails.
    (
        r"objects\s*\.upload\(",
        &["s3:PutObject", "s3:AbortMultipartUpload"],
    ),
    (r"objects\s*\.delete\(", &["s3:DeleteObject"]),
    (r"\bSqs::new\b|\bAnyQueue\b", &["sqs:SendMessage"]),
    // Messages come again sooner than the queue would deliver them.
    (r"\bqueue\s*\.give_back\(", &["sqs:ChangeMessageVisibility"]),
    // Dead letters are hidden while they are looked at, and sent back to their queue.
    (
        r"\bSqsDeadLetters\b",
        &[
            "sqs:ReceiveMessage",
            "sqs:ChangeMessageVisibility",
            "sqs:DeleteMessage",
            "sqs:SendMessage",
        ],
    ),
    (r"\baws_sdk_sns\b", &["sns:Publish"]),
    (r"\baws_sdk_lambda\b", &["lambda:InvokeFunction"]),
];

/// What Lambda does in a function's name, whatever its code is.
const PLATFORM: [&str; 10] = [
    "logs:CreateLogStream",
    "logs:PutLogEvents",
    "xray:PutTraceSegments",
    "xray:PutTelemetryRecords",
    "ec2:CreateNetworkInterface",
    "ec2:DeleteNetworkInterface",
    "ec2:DescribeNetworkInterfaces",
    "ec2:DescribeSubnets",
    "ec2:AssignPrivateIpAddresses",
    "ec2:UnassignPrivateIpAddresses",
];

/// What Lambda does with the queue that a function is fed from.
const FED_FROM_QUEUE: [&str; 3] = [
    "sqs:ReceiveMessage",
    "sqs:DeleteMessage",
    "sqs:GetQueueAttributes",
];

/// The operations of each AWS client in the store crate, by folder or file; those that only set up local servers apart.
const STORE_OPERATIONS: [(&str, &[&str]); 3] = [
    (
        "state/dynamo",
        &[
            "batch_write_item",
            "delete_item",
            "get_item",
            "put_item",
            "query",
        ],
    ),
    ("secrets/manager.rs", &["get_secret_value"]),
    (
        "queue/sqs.rs",
        &[
            "change_message_visibility_batch",
            "delete_message",
            "receive_message",
            "send_message",
        ],
    ),
];

/// Set-up of local servers: what is deployed comes from the template.
const SET_UP: [&str; 7] = [
    "create_queue",
    "create_secret",
    "create_table",
    "describe_table",
    "put_secret_value",
    "update_time_to_live",
    "wait_until_table_exists",
];

pub(crate) fn root() -> PathBuf {
    workspace_root()
}

/// The template as plain values: `!Ref X` is `"X"`, `!GetAtt X.Y` is `"X.Y"`, other functions are their arguments.
fn template() -> Value {
    let path = root().join("infra/sam/template.yaml");
    let text = std::fs::read_to_string(&path)
        .unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    serde_saphyr::from_str(&text).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

fn pattern(text: &str) -> Regex {
    Regex::new(text).unwrap_or_else(|error| panic!("{text}: {error}"))
}

/// The sources below a path, without their tests, one string.
pub(crate) fn sources(path: &Path) -> String {
    let mut text = String::new();
    if path.is_file() {
        let file = std::fs::read_to_string(path).unwrap_or_default();
        let end = file.find("#[cfg(test)]\nmod ").unwrap_or(file.len());
        text.push_str(&file[..end]);
        return text;
    }
    let entries =
        std::fs::read_dir(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    let mut paths: Vec<_> = entries
        .filter_map(|entry| Some(entry.ok()?.path()))
        .collect();
    paths.sort();
    for path in paths {
        let is_tests = path
            .file_name()
            .is_some_and(|name| name == "tests.rs" || name == "tests");
        if !is_tests && (path.is_dir() || path.extension().is_some_and(|kind| kind == "rs")) {
            text.push_str(&sources(&path));
        }
    }
    text
}

/// A function's sources and those of the other functions and the shared wiring that it is built on.
fn function_sources(name: &str) -> String {
    let folder = root().join("functions").join(name);
    let manifest = std::fs::read_to_string(folder.join("Cargo.toml"))
        .unwrap_or_else(|error| panic!("{name} has no Cargo.toml: {error}"));
    let dependencies = manifest
        .split("[dev-dependencies]")
        .next()
        .unwrap_or_default();
    let others = FUNCTIONS.iter().map(|other| ("functions", other.name));
    let wiring = SHARED_WIRING.iter().map(|other| ("shared", *other));
    let mut text = sources(&folder.join("src"));
    for (place, other) in others.chain(wiring).filter(|(_, other)| *other != name) {
        let named = [format!("\n{other}.workspace"), format!("\n{other} =")];
        if named.iter().any(|named| dependencies.contains(named)) {
            text.push_str(&sources(&root().join(place).join(other).join("src")));
        }
    }
    text
}

/// The actions that a role's policies allow, each with its resources.
fn allowed(template: &Value, id: &str) -> BTreeMap<String, Vec<String>> {
    let policies = template["Resources"][format!("{id}Role")]["Properties"]["Policies"]
        .as_array()
        .unwrap();
    let mut allowed = BTreeMap::<String, Vec<String>>::new();
    for policy in policies {
        // `!If [condition, policy, nothing]`
        let document = if policy.is_array() {
            &policy[1]["PolicyDocument"]
        } else {
            &policy["PolicyDocument"]
        };
        for statement in document["Statement"].as_array().unwrap() {
            if statement["Effect"] == "Allow" {
                for action in one_or_many(&statement["Action"]) {
                    allowed
                        .entry(action)
                        .or_default()
                        .extend(one_or_many(&statement["Resource"]));
                }
            }
        }
    }
    allowed
}

fn one_or_many(value: &Value) -> Vec<String> {
    match value {
        Value::Array(many) => many
            .iter()
            .filter_map(Value::as_str)
            .map(str::to_owned)
            .collect(),
        one => one.as_str().map(str::to_owned).into_iter().collect(),
    }
}

fn names<'a>(from: impl IntoIterator<Item = &'a &'a str>) -> Names {
    from.into_iter().map(|name| (*name).to_owned()).collect()
}

/// The actions that a function's code can make, and that Lambda makes for what feeds it.
fn reachable(template: &Value, name: &str, id: &str) -> Names {
    let text = function_sources(name);
    let mut actions = Names::new();
    for (marker, calls) in CALLS {
        if pattern(marker).is_match(&text) {
            actions.extend(names(*calls));
        }
    }
    let function = &template["Resources"][format!("{id}Function")]["Properties"];
    let events = function["Events"].as_object().into_iter().flatten();
    if events.into_iter().any(|(_, event)| event["Type"] == "SQS") {
        actions.extend(names(&FED_FROM_QUEUE));
    }
    // Lambda sends an event that failed as often as allowed in the name of the function.
    if function["DeadLetterQueue"].is_object() {
        actions.insert("sqs:SendMessage".to_owned());
    }
    actions
}

#[test]
fn each_role_allows_what_its_function_can_call_and_nothing_else() {
    let template = template();
    let mut wrong = Vec::new();
    for Function { name, id, .. } in FUNCTIONS {
        let platform = names(&PLATFORM);
        let granted: Names = allowed(&template, id)
            .into_keys()
            .filter(|action| !platform.contains(action))
            .collect();
        let needed = reachable(&template, name, id);
        for action in needed.difference(&granted) {
            wrong.push(format!(
                "{name} can call {action}, but {id}Role does not allow it"
            ));
        }
        for action in granted.difference(&needed) {
            wrong.push(format!(
                "{id}Role allows {action}, but {name} cannot call it"
            ));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn what_a_function_may_call_is_narrowed_to_the_stacks_own_resources() {
    let template = template();
    for Function { id, .. } in FUNCTIONS {
        for (action, resources) in allowed(&template, id) {
            assert!(!action.contains('*'), "{id}Role allows {action}");
            let everywhere = action.starts_with("xray:") || action.starts_with("ec2:");
            for resource in resources {
                assert_eq!(
                    resource == "*",
                    everywhere,
                    "{id}Role allows {action} on {resource}"
                );
            }
        }
        let logs = &allowed(&template, id)["logs:PutLogEvents"];
        assert_eq!(
            logs,
            &[format!("{id}Logs.Arn")],
            "{id} writes the logs of another function"
        );
    }
    let prefixes: [(&str, &[&str]); 2] = [
        ("AnalyticsReport", &["reports", "parts"]),
        ("ChatSession", &["archive"]),
    ];
    for (id, prefixes) in prefixes {
        let objects = &allowed(&template, id)["s3:PutObject"];
        let expected = prefixes
            .iter()
            .map(|it| format!("${{ObjectBucket.Arn}}/{it}/*"));
        assert_eq!(objects, &expected.collect::<Vec<_>>(), "{id}");
    }
}

#[test]
fn conversations_wait_four_days_for_a_database_that_is_away() {
    const DAY: u64 = 24 * 3600;
    let resources = &template()["Resources"];
    let queue = &resources["EmbeddingQueue"]["Properties"];
    let letters = &resources["EmbeddingDeadLetters"]["Properties"];
    let number = |value: &Value| value.as_u64().unwrap();
    let deliveries = number(&queue["RedrivePolicy"]["maxReceiveCount"]);
    let redelivered_for = deliveries * number(&queue["VisibilityTimeout"]);
    let kept_for = number(&queue["MessageRetentionPeriod"]);
    assert!(redelivered_for >= 4 * DAY, "{redelivered_for} s");
    // A message that the queue drops by its age is lost, and a dead letter keeps the age of its message.
    assert!(kept_for >= redelivered_for + DAY, "{kept_for} s");
    assert!(number(&letters["MessageRetentionPeriod"]) >= kept_for + DAY);
}

#[test]
fn the_stores_make_no_call_that_the_roles_were_not_compared_with() {
    let operation = pattern(r"\b(?:client|Client::new\(\w+\))\s*\.([a-z_]+)\(\)");
    for (place, expected) in STORE_OPERATIONS {
        let text = sources(&root().join("shared/store/src").join(place));
        let found: Names = operation
            .captures_iter(&text)
            .map(|found| found[1].to_owned())
            .filter(|name| !SET_UP.contains(&name.as_str()))
            .collect();
        assert_eq!(found, names(expected), "{place}");
    }
    let set_up = pattern(r"(?:DynamoState|Sqs|SecretsManager)::create\w*\(");
    for Function { name, .. } in FUNCTIONS {
        assert!(
            !set_up.is_match(&function_sources(name)),
            "{name} creates what the template has"
        );
    }
}

#[test]
fn every_metric_that_an_alarm_looks_at_is_written_by_its_function() {
    let template = template();
    let shared = sources(&root().join("shared"));
    let mut watched = Vec::new();
    for alarm in template["Resources"].as_object().unwrap().values() {
        let alarm = &alarm["Properties"];
        let sums = alarm["Metrics"].as_array().into_iter().flatten();
        for metric in sums.map(|one| &one["MetricStat"]["Metric"]).chain([alarm]) {
            if metric["Namespace"] == "cxone-insights" {
                let dimensions = metric["Dimensions"].as_array().unwrap();
                let named = |name: &str| {
                    let found = dimensions.iter().find(|one| one["Name"] == name);
                    found.unwrap_or_else(|| panic!("{metric} has no dimension {name}"))
                };
                assert_eq!(named("stack")["Value"], "AWS::StackName");
                let function = named("function")["Value"].as_str().unwrap();
                watched.push((metric["MetricName"].as_str().unwrap(), function));
            }
        }
    }
    let silent: Vec<_> = watched
        .iter()
        .filter(|(metric, function)| {
            let name = format!("\"{metric}\"");
            !function_sources(function).contains(&name) && !shared.contains(&name)
        })
        .collect();
    assert!(
        watched.len() >= 10 && silent.is_empty(),
        "nobody writes {silent:?}"
    );
}

#[test]
fn every_metric_that_the_dashboard_draws_is_written_by_its_function() {
    let template = template();
    let body = template["Resources"]["Dashboard"]["Properties"]["DashboardBody"]
        .as_str()
        .unwrap();
    let dashboard: Value = serde_json::from_str(body).unwrap();
    let shared = sources(&root().join("shared"));
    let mut drawn = 0;
    for widget in dashboard["widgets"].as_array().unwrap() {
        let mut last: Vec<String> = Vec::new();
        for row in widget["properties"]["metrics"]
            .as_array()
            .into_iter()
            .flatten()
        {
            // `...` repeats all names of the row above but the last ones, `.` one of them.
            let own: Vec<&str> = row
                .as_array()
                .unwrap()
                .iter()
                .filter_map(Value::as_str)
                .collect();
            let names: Vec<String> = match own.split_first() {
                Some((&"...", rest)) => {
                    let kept = last.len() - rest.len();
                    last[..kept]
                        .iter()
                        .cloned()
                        .chain(rest.iter().map(|one| (*one).to_owned()))
                        .collect()
                }
                _ => own
                    .iter()
                    .enumerate()
                    .map(|(index, name)| {
                        if *name == "." {
                            last[index].clone()
                        } else {
                            (*name).to_owned()
                        }
                    })
                    .collect(),
            };
            if names[0] == "cxone-insights" {
                let [_, metric, stack, own_stack, function, name] = &names[..] else {
                    panic!("{names:?} has not both dimensions");
                };
                assert_eq!(
                    [stack, own_stack, function],
                    ["stack", "${AWS::StackName}", "function"]
                );
                let quoted = format!("\"{metric}\"");
                assert!(
                    function_sources(name).contains(&quoted) || shared.contains(&quoted),
                    "nobody writes {metric} of {name}, which the dashboard draws"
                );
                drawn += 1;
            }
            last = names;
        }
    }
    assert!(drawn >= 15, "only {drawn} metrics are drawn");
}

/// Calls on a queue that Lambda makes from outside the VPC for a function that is fed from it.
const MADE_BY_LAMBDA: [&str; 2] = ["sqs:ReceiveMessage", "sqs:GetQueueAttributes"];

/// The queue that a function is fed from.
const FEEDING_QUEUE: &str = "EmbeddingQueue.Arn";

#[test]
fn every_endpoint_lets_through_what_the_functions_behind_it_may_call() {
    let template = template();
    let resources = template["Resources"].as_object().unwrap();
    let mut compared = 0;
    for (endpoint, resource) in resources {
        if resource["Type"] != "AWS::EC2::VPCEndpoint" {
            continue;
        }
        let properties = &resource["Properties"];
        let service = properties["ServiceName"]
            .as_str()
            .unwrap()
            .rsplit('.')
            .next()
            .unwrap();
        let statement = &properties["PolicyDocument"]["Statement"][0];
        let open = one_or_many(&statement["Action"]);
        let reachable = one_or_many(&statement["Resource"]);
        let mut needed = Names::new();
        for Function { id, .. } in FUNCTIONS {
            for (action, targets) in allowed(&template, id) {
                let is_of_service = action.starts_with(&format!("{service}:"));
                let is_feeding = MADE_BY_LAMBDA.contains(&action.as_str())
                    && targets.iter().all(|target| target == FEEDING_QUEUE);
                if !is_of_service || is_feeding {
                    continue;
                }
                // What a function cannot do by itself but Lambda does for it does not go through the VPC.
                if targets
                    .iter()
                    .all(|target| target == "UndeliveredEvents.Arn")
                {
                    continue;
                }
                compared += 1;
                let everything = format!("{service}:*");
                assert!(
                    open.contains(&action) || open.contains(&everything),
                    "{endpoint} does not let {action} of {id} through"
                );
                let own = targets
                    .into_iter()
                    .filter(|target| target != "UndeliveredEvents.Arn");
                for target in own {
                    let whole = target
                        .split("/")
                        .next()
                        .unwrap()
                        .replace("${", "")
                        .replace('}', "");
                    let name = target.rsplit(':').nth(1).unwrap_or_default();
                    assert!(
                        reachable
                            .iter()
                            .any(|one| *one == target || one.contains(&whole))
                            || (!name.is_empty()
                                && service == "lambda"
                                && reachable[0].ends_with(":live")
                                && target.ends_with(":live")),
                        "{endpoint} does not let {id} reach {target}: {reachable:?}"
                    );
                }
                needed.insert(action);
            }
        }
        for action in open.iter().filter(|action| !action.ends_with('*')) {
            assert!(
                needed.contains(action),
                "{endpoint} lets {action} through, which nobody calls"
            );
        }
    }
    assert!(compared >= 20, "only {compared} calls were compared");
}

#[test]
fn every_function_of_the_workspace_is_deployed_under_its_own_name() {
    let template = template();
    let folders: Names = std::fs::read_dir(root().join("functions"))
        .unwrap()
        .filter_map(|entry| entry.ok()?.file_name().into_string().ok())
        .collect();
    assert_eq!(
        folders,
        FUNCTIONS
            .iter()
            .map(|function| function.name.to_owned())
            .collect()
    );
    for Function { name, id, .. } in FUNCTIONS {
        let function = &template["Resources"][format!("{id}Function")];
        assert_eq!(function["Metadata"]["BuildProperties"]["Binary"], name);
        assert_eq!(
            function["Properties"]["CodeUri"],
            format!("../../functions/{name}")
        );
        assert_eq!(
            function["Properties"]["FunctionName"],
            format!("${{AWS::StackName}}-{name}")
        );
        assert_eq!(function["Properties"]["Role"], format!("{id}Role.Arn"));
    }
}
