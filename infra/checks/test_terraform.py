"""The Terraform module against the template: Terraform plans it, and the plan must say what the rendered template says."""

import json
import re

import pytest

import render
import terraform_module
from terraform_module import FUNCTIONS, MODULE, Refused, planned, snake, statements, terraform, words

KEY = "arn:aws:kms:eu-central-1:123456789012:key/1234"
LAYER = "arn:aws:lambda:eu-central-1:123456789012:layer:other:1"
NETWORK = {
    "VpcId": "vpc-1", "SubnetIds": "subnet-1,subnet-2", "SecurityGroupIds": "sg-1,sg-2", "CxoneSubnetIds": "subnet-3", "RouteTableIds": "rtb-1,rtb-2",
}
SETS = {
    "plain": {},
    "sealed": {**NETWORK, "ZeroEgress": "true", "KmsKeyArn": KEY, "AlarmEmail": "alarms@example.com", "ChatAgents": "a,b", "ProvisionedConcurrency": "2"},
    "other": {
        "CxoneBaseUrl": "https://other.example.com/api", "CxoneTokenUrl": "https://other.example.com/token", "CxoneScopes": "one two",
        "CxoneProfile": "cxone", "CxoneIssuer": "https://issuer.example.com", "CxoneClientAuth": "post",
        "CxoneAuth": "access_key", "CxoneTenantId": "11eb", "CxoneAcdVersion": "34", "CxoneMediaTypes": "digital", "CxoneDigitalUrl": "api",
        "CxoneTrustedDomains": "example.com", "CxoneEventHub": "on", "CxoneVoiceNotifications": "on", "CxoneVoiceCustomer": "customer,p-2",
        "CxoneSentimentField": "ai_sentiment", "CxoneTrendField": "ai_trend",
        "CxoneAlertTeam": "81", "CxoneAnalyticsRate": "7", "CxoneAcdRate": "8", "CxoneDigitalRate": "9", "PollOpenContacts": "50",
        "ReportOutcomeMap": "Sale=Success",
        "BoardOidcIssuer": "https://login.example.com", "BoardOidcClientId": "board", "BoardOidcRedirectUrl": "https://board.example.com/board/sign-on-return",
        "BoardOidcGroups": "floor,leads", "BoardOidcGroupsClaim": "roles", "BoardOidcDomains": "example.com",
        "SentimentProvider": "http", "SentimentUrl": "https://nlp.example.com", "ModelLayer": LAYER, "EmbeddingModelLayer": LAYER, "DatabaseCaLayer": LAYER,
        "EmbeddingProvider": "openai", "OpenaiBaseUrl": "https://gateway.example.com", "AlertThreshold": "0.25", "Architecture": "arm64",
        "SubnetIds": "subnet-1", "SecurityGroupIds": "sg-1", "ReserveConcurrency": "false", "Rollout": "AllAtOnce", "Tracing": "PassThrough",
        "LogLevel": "debug", "LogRetentionDays": "90", "RedactPii": "always", "RedactReports": "yes", "RulesFile": "object:config/rules.toml", "ChatRetentionDays": "30", "PollShards": "3",
        "ReportRetentionDays": "500", "ArchiveRetentionDays": "600", "ApiRateLimit": "50", "ApiBurstLimit": "60", "ReportMapConcurrency": "7",
        "ReportSchedule": "cron(30 4 * * ? *)", "ChatAgents": "agent-1", "Heartbeat": "on", "HeartbeatChecks": "health", "VectorRetentionDays": "400",
    },
    "idle": {"Schedules": "DISABLED", "Monitoring": "none", "ChatAgents": "a", "Heartbeat": "on", "VectorRetentionDays": "9", "PollerConcurrency": "20", "ChatConcurrency": "9"},
    "tenant": {"CxoneProfile": "cxone", "CxoneBaseUrl": ""},
    "shared-vpc": {**NETWORK, "ZeroEgress": "true", "CreateEndpoints": "false"},
}


@pytest.fixture(params=SETS, scope="module")
def both(request):
    """The template's resources and the module's plan, for the same parameters."""
    return of_type(render.rendered(SETS[request.param])), planned(SETS[request.param])


def of_type(resources):
    """Returns a function that lists the properties of a type's resources by their logical names."""
    return lambda kind: {name: words(one.get("Properties", {})) for name, one in resources.items() if one["Type"] == kind}


def camel(name):
    return "".join(part.capitalize() for part in name.split("-"))


def first(blocks):
    """Returns the only block of a list, or nothing."""
    assert len(blocks) <= 1
    return blocks[0] if blocks else {}


def test_the_module_is_formatted_and_valid():
    terraform("fmt", "-check", "-diff")
    terraform("validate", "-no-color")


def test_every_variable_and_local_value_is_used():
    texts = {path.name: path.read_text() for path in MODULE.glob("*.tf")}
    uses = "\n".join(text for name, text in texts.items() if name != "variables.tf")
    declared = re.findall(r'^variable "(\w+)"', texts["variables.tf"], re.M)
    unused = [name for name in declared if not re.search(rf"\bvar\.{name}\b", uses)]
    assert len(declared) > 40 and not unused, unused
    local_values = [name for block in re.findall(r"^locals \{\n(.*?)^\}", uses, re.M | re.S) for name in re.findall(r"^  (\w+) +=", block, re.M)]
    unused = [name for name in local_values if not re.search(rf"\blocal\.{name}\b", uses)]
    assert len(local_values) > 30 and not unused, unused


def test_variables_are_the_templates_parameters_with_their_defaults():
    own = {"name", "packages_dir", "packages_bucket", "packages_prefix"}
    declared = planned().configuration["variables"]
    parameters = render.source()["Parameters"]
    assert set(declared) - own == {snake(name) for name in parameters}
    for name, parameter in parameters.items():
        one = declared[snake(name)]
        assert ("default" in one) == ("Default" in parameter), name
        if "Default" in parameter:
            default = one["default"]
            written = ",".join(default) if isinstance(default, list) else str(default).lower() if isinstance(default, bool) else str(default)
            assert written == str(parameter["Default"]), name


@pytest.mark.parametrize("name", SETS)
def test_a_first_plan_knows_all_but_what_the_services_make_up(name):
    told, first_plan = planned(SETS[name]), planned(SETS[name], speaking=False)
    assert {one["address"] for one in first_plan.resources} == {one["address"] for one in told.resources}
    for one in first_plan.shown["resource_changes"]:
        schema = terraform_module.SCHEMA["resources"].get(one["type"])
        if schema:
            unknown = {key for key, value in one["change"]["after_unknown"].items() if value is True}
            # No block may be unknown as a whole, and no number or switch: they hang on variables alone.
            firm = set(schema["block_types"]) | {key for key, value in schema["attributes"].items() if value["type"] in ("number", "bool") and "computed" not in value}
            assert not unknown & firm, (one["address"], unknown & firm)


def refused(given):
    """Returns the variables that Terraform refuses, by the places of their rules."""
    with pytest.raises(Refused) as failure:
        planned(given)
    lines = (MODULE / "variables.tf").read_text().splitlines()
    places = re.findall(r"checked by the validation rule at\s+variables\.tf:(\d+)", str(failure.value))
    return {re.findall(r'^variable "(\w+)"', "\n".join(lines[: int(place)]), re.M)[-1] for place in places}


def test_what_the_template_refuses_is_refused():
    parameters = render.source()["Parameters"]
    low, high, foreign = {}, {}, {}
    for name, one in parameters.items():
        if "MinValue" in one:
            low[name] = str(one["MinValue"] - 1)
        if "MaxValue" in one:
            high[name] = str(one["MaxValue"] + 1)
        if one.get("AllowedValues") not in (None, ["true", "false"]):
            foreign[name] = "-7" if one["Type"] == "Number" else "nonsense"
        if "AllowedPattern" in one:
            foreign[name] = "no such!"
    assert len(foreign) >= 20 and len(low) >= 9 and len(high) >= 7
    for given in (low, high, foreign):
        # Terraform does not try a rule over two variables where the other one is refused already: what is left is given again.
        while given:
            found = refused(given)
            left = {name: value for name, value in given.items() if snake(name) not in found}
            assert len(left) < len(given), left
            given = left


def test_patterns_are_the_templates():
    text = (MODULE / "variables.tf").read_text()
    for name, one in render.source()["Parameters"].items():
        variable = re.search(rf'^variable "{snake(name)}" \{{\n(.*?)^\}}', text, re.M | re.S)[1]
        for pattern in [one["AllowedPattern"]] if "AllowedPattern" in one else []:
            quoted = json.dumps(pattern)[1:-1]
            if name in terraform_module.LISTS:
                item = re.search(r"^\(+(.+?)\(,", pattern)[1]
                assert json.dumps(item)[1:-1] in variable, name
            else:
                assert f"^({quoted})$" in variable, name


@pytest.mark.parametrize("given, variable", [
    ({"SentimentProvider": "http"}, "sentiment_url"),
    ({"CxoneBaseUrl": ""}, "cxone_base_url"),
    ({"SubnetIds": "subnet-1"}, "subnet_ids"),
    ({"ZeroEgress": "true"}, "zero_egress"),
    ({**NETWORK, "ZeroEgress": "true", "EmbeddingProvider": "openai"}, "zero_egress"),
    *[({**NETWORK, "ZeroEgress": "true", name: ""}, "subnet_ids" if name == "SecurityGroupIds" else "zero_egress") for name in NETWORK],
    ({**NETWORK, "ZeroEgress": "true", "Heartbeat": "on"}, "zero_egress"),
    ({"HeartbeatChecks": ""}, "heartbeat_checks"),
    ({"ChatAgents": ",".join(f"a{number}" for number in range(51))}, "chat_agents"),
    ({"ChatAgents": ",".join(f"a{number}" for number in range(251)), "ChatShards": "5", "ChatConcurrency": "10"}, "chat_agents"),
    ({"PollShards": "6"}, "poller_concurrency"),
    ({"PollShards": "6", "PollerConcurrency": "12"}, "poller_concurrency"),
    ({"ChatShards": "3"}, "chat_concurrency"),
])
def test_rules_over_several_parameters_hold(given, variable):
    assert variable in refused(given)


def test_nothing_of_the_template_is_forgotten(both):
    template, plan = both
    kinds = {
        "AWS::Lambda::Function": "aws_lambda_function", "AWS::Lambda::Alias": "aws_lambda_alias", "AWS::Lambda::Permission": "aws_lambda_permission",
        "AWS::Lambda::EventSourceMapping": "aws_lambda_event_source_mapping", "AWS::Lambda::EventInvokeConfig": "aws_lambda_function_event_invoke_config",
        "AWS::CodeDeploy::Application": "aws_codedeploy_app", "AWS::CodeDeploy::DeploymentGroup": "aws_codedeploy_deployment_group",
        "AWS::ApiGatewayV2::Api": "aws_apigatewayv2_api", "AWS::ApiGatewayV2::Stage": "aws_apigatewayv2_stage", "AWS::IAM::Role": "aws_iam_role",
        "AWS::IAM::ManagedPolicy": "aws_iam_policy", "AWS::Logs::LogGroup": "aws_cloudwatch_log_group", "AWS::DynamoDB::Table": "aws_dynamodb_table",
        "AWS::S3::Bucket": "aws_s3_bucket", "AWS::S3::BucketPolicy": "aws_s3_bucket_policy", "AWS::SecretsManager::Secret": "aws_secretsmanager_secret",
        "AWS::SQS::Queue": "aws_sqs_queue", "AWS::SQS::QueuePolicy": None, "AWS::SNS::Topic": "aws_sns_topic", "AWS::SNS::TopicPolicy": "aws_sns_topic_policy",
        "AWS::SNS::Subscription": "aws_sns_topic_subscription", "AWS::StepFunctions::StateMachine": "aws_sfn_state_machine",
        "AWS::EC2::VPCEndpoint": "aws_vpc_endpoint", "AWS::EC2::SecurityGroup": "aws_security_group", "AWS::CloudWatch::Alarm": "aws_cloudwatch_metric_alarm",
        "AWS::CloudWatch::Dashboard": "aws_cloudwatch_dashboard", "AWS::Events::Rule": "aws_cloudwatch_event_rule",
        # The module publishes a version with each change of a function.
        "AWS::Lambda::Version": None,
    }
    known = {one["Type"] for one in render.translated()["Resources"].values()}
    assert known <= set(kinds), known - set(kinds)
    for kind, own in kinds.items():
        if own:
            assert len(template(kind)) == len([one for one in plan.resources if one["type"] == own]), kind


def test_functions_are_the_templates(both):
    template, plan = both
    functions = plan.all("aws_lambda_function")
    assert set(functions) == set(FUNCTIONS)
    for name, one in functions.items():
        expected = template("AWS::Lambda::Function")[f"{camel(name)}Function"]
        assert one["environment"][0]["variables"] == expected["Environment"]["Variables"], name
        assert one["function_name"] == expected["FunctionName"]
        assert expected["Description"].startswith(one["description"]), name
        assert (one["runtime"], one["handler"], one["architectures"]) == (expected["Runtime"], expected["Handler"], expected["Architectures"])
        assert (one["memory_size"], one["timeout"]) == (expected["MemorySize"], expected["Timeout"]), name
        assert one["reserved_concurrent_executions"] == int(expected.get("ReservedConcurrentExecutions", -1)), name
        assert one["layers"] == expected.get("Layers", []), name
        assert one["role"] == expected["Role"]
        assert one["tracing_config"][0]["mode"] == expected["TracingConfig"]["Mode"]
        assert one["logging_config"][0]["log_group"] == expected["LoggingConfig"]["LogGroup"]
        network = first(one["vpc_config"])
        assert network.get("subnet_ids", []) == expected.get("VpcConfig", {}).get("SubnetIds", []), name
        assert network.get("security_group_ids", []) == expected.get("VpcConfig", {}).get("SecurityGroupIds", []), name
        assert first(one["dead_letter_config"]).get("target_arn") == expected.get("DeadLetterConfig", {}).get("TargetArn"), name
        assert one["publish"] is True


def test_versions_take_over_as_in_the_template(both):
    template, plan = both
    aliases, groups = plan.all("aws_lambda_alias"), plan.all("aws_codedeploy_deployment_group")
    for name in FUNCTIONS:
        alias = template("AWS::Lambda::Alias")[f"{camel(name)}FunctionAliaslive"]
        assert (aliases[name]["name"], aliases[name]["function_name"]) == (alias["Name"], alias["FunctionName"])
        expected, one = template("AWS::CodeDeploy::DeploymentGroup")[f"{camel(name)}FunctionDeploymentGroup"], groups[name]
        assert one["deployment_config_name"] == expected["DeploymentConfigName"]
        assert one["service_role_arn"] == expected["ServiceRoleArn"]
        assert sorted(first(one["alarm_configuration"]).get("alarms", [])) == sorted(alarm["Name"] for alarm in expected.get("AlarmConfiguration", {}).get("Alarms", []))
        assert sorted(one["auto_rollback_configuration"][0]["events"]) == sorted(expected["AutoRollbackConfiguration"]["Events"])
        style = one["deployment_style"][0]
        assert {"DeploymentType": style["deployment_type"], "DeploymentOption": style["deployment_option"]} == expected["DeploymentStyle"]
    provisioned = {
        name: int(one["ProvisionedConcurrencyConfig"]["ProvisionedConcurrentExecutions"])
        for name, one in template("AWS::Lambda::Alias").items() if "ProvisionedConcurrencyConfig" in one
    }
    own = plan.all("aws_lambda_provisioned_concurrency_config").values()
    assert {f"{camel(one['function_name'].removeprefix('cxone-insights-'))}FunctionAlias{one['qualifier']}": one["provisioned_concurrent_executions"] for one in own} == provisioned


def test_roles_may_do_what_the_template_allows(both):
    template, plan = both
    roles, policies = plan.all("aws_iam_role"), plan.all("aws_iam_role_policy")
    attached = plan.all("aws_iam_role_policy_attachment", "network_interfaces"), plan.all("aws_iam_role_policy_attachment", "key_use")
    assert len(roles) == len(FUNCTIONS) + 2
    for name, role in roles.items():
        expected = template("AWS::IAM::Role")[f"{camel(name.replace('_', '-'))}Role"]
        assert role["description"] == expected["Description"]
        assert statements(role["assume_role_policy"]) == statements(expected["AssumeRolePolicyDocument"]), name
        assert len(expected["Policies"]) == 1
        assert policies[name]["name"] == expected["Policies"][0]["PolicyName"]
        assert statements(policies[name]["policy"]) == statements(expected["Policies"][0]["PolicyDocument"]), name
        given = sorted(one[name]["policy_arn"] for one in attached if name in one)
        assert given == sorted(expected.get("ManagedPolicyArns", [])), name
    for own, name in (("network_interfaces", "NetworkInterfaces"), ("key_use", "KeyUse")):
        expected = template("AWS::IAM::ManagedPolicy").get(name)
        one = plan.all("aws_iam_policy").get(own)
        assert (one is None) == (expected is None)
        if one:
            assert statements(one["policy"]) == statements(expected["PolicyDocument"])


def test_stores_let_in_whom_the_template_lets_in(both):
    template, plan = both
    for own, kind in (("aws_sqs_queue_policy", "SQS::QueuePolicy"), ("aws_sns_topic_policy", "SNS::TopicPolicy"), ("aws_s3_bucket_policy", "S3::BucketPolicy")):
        expected = set().union(*(statements(one["PolicyDocument"]) for one in template(f"AWS::{kind}").values()))
        assert set().union(*(statements(one["policy"]) for one in plan.all(own).values())) == expected, own


def test_the_api_has_the_templates_routes(both):
    template, plan = both
    ((_, body),) = template("AWS::ApiGatewayV2::Api").items()
    expected = {}
    for path, methods in body["Body"]["paths"].items():
        for method, one in methods.items():
            integration = one["x-amazon-apigateway-integration"]
            function = re.search(r"functions/(\{\w+\})/invocations", integration["uri"])[1]
            route = "$default" if one.get("isDefaultRoute") else f"{method.upper()} {path}"
            expected[route] = (function, integration["timeoutInMillis"], integration["payloadFormatVersion"])
    integrations = plan.all("aws_apigatewayv2_integration")
    by_target = {function: (one["integration_uri"], one["timeout_milliseconds"], one["payload_format_version"]) for function, one in integrations.items()}
    routes = {one["route_key"] for one in plan.all("aws_apigatewayv2_route").values()}
    targets = routes_of(plan)
    assert {route: by_target[targets[route]] for route in routes} == expected
    permissions = {(one["function_name"], one["qualifier"], one["source_arn"].removeprefix("{HttpApi.Execution}")) for one in plan.all("aws_lambda_permission", "route").values()}
    allowed = {
        (one["FunctionName"], one["SourceArn"].partition("{HttpApi}")[2])
        for one in template("AWS::Lambda::Permission").values() if one["Principal"] == "apigateway.amazonaws.com"
    }
    assert {(f"{{{camel(name.removeprefix('cxone-insights-'))}FunctionAlias{alias}}}", arn) for name, alias, arn in permissions} == allowed


def routes_of(plan):
    """Returns the function of each route, from the permission that was made beside it."""
    return {key: one["function_name"].removeprefix("cxone-insights-") for key, one in plan.all("aws_lambda_permission", "route").items()}


def test_the_api_throttles_and_logs_as_in_the_template(both):
    template, plan = both
    ((_, expected),) = template("AWS::ApiGatewayV2::Stage").items()
    stage = plan.all("aws_apigatewayv2_stage")["default"]
    assert stage["name"] == expected["StageName"] and stage["auto_deploy"]
    settings = stage["default_route_settings"][0]
    assert settings["throttling_rate_limit"] == int(expected["DefaultRouteSettings"]["ThrottlingRateLimit"])
    assert settings["throttling_burst_limit"] == int(expected["DefaultRouteSettings"]["ThrottlingBurstLimit"])
    log = stage["access_log_settings"][0]
    assert json.loads(log["format"]) == json.loads(expected["AccessLogSettings"]["Format"])
    assert log["destination_arn"] == expected["AccessLogSettings"]["DestinationArn"]


def test_schedules_are_the_templates(both):
    template, plan = both
    rules = {one["Name"]: (name, one) for name, one in template("AWS::Events::Rule").items()}
    permissions = {(one["FunctionName"], one["SourceArn"]) for one in template("AWS::Lambda::Permission").values() if one["Principal"] == "events.amazonaws.com"}
    targets, own_permissions = plan.all("aws_cloudwatch_event_target"), plan.all("aws_lambda_permission", "schedule")
    for key, one in plan.all("aws_cloudwatch_event_rule").items():
        logical, expected = rules[one["name"]]
        assert (one["description"], one["schedule_expression"], one["state"]) == (expected["Description"], expected["ScheduleExpression"], expected["State"])
        target, (wanted,) = targets[key], expected["Targets"]
        assert (target["rule"], target["arn"]) == (one["name"], wanted["Arn"])
        assert target["dead_letter_config"][0]["arn"] == wanted["DeadLetterConfig"]["Arn"]
        assert target["input"] == wanted.get("Input") or json.loads(target["input"]) == json.loads(wanted["Input"])
        retry = first(target["retry_policy"])
        assert (retry.get("maximum_retry_attempts"), retry.get("maximum_event_age_in_seconds")) == tuple(
            wanted.get("RetryPolicy", {}).get(name) for name in ("MaximumRetryAttempts", "MaximumEventAgeInSeconds")
        )
        assert (wanted["Arn"], f"{{{logical}.Arn}}") in permissions
        assert own_permissions[key]["source_arn"] == f"((aws_cloudwatch_event_rule|{one['name']}|arn))"
        assert wanted["Arn"] == f"{{{camel(own_permissions[key]['function_name'].removeprefix('cxone-insights-'))}FunctionAlias{own_permissions[key]['qualifier']}}}"
    invokes = {one["FunctionName"]: one for one in template("AWS::Lambda::EventInvokeConfig").values()}
    for one in plan.all("aws_lambda_function_event_invoke_config").values():
        expected = invokes.pop(one["function_name"])
        assert (one["qualifier"], one["maximum_retry_attempts"], one["maximum_event_age_in_seconds"]) == (
            expected["Qualifier"], expected["MaximumRetryAttempts"], expected["MaximumEventAgeInSeconds"],
        )
    assert not invokes
    ((_, expected),) = template("AWS::Lambda::EventSourceMapping").items()
    one = plan.all("aws_lambda_event_source_mapping")["conversations"]
    assert (one["event_source_arn"], one["function_name"], one["batch_size"]) == (expected["EventSourceArn"], expected["FunctionName"], expected["BatchSize"])
    assert one["maximum_batching_window_in_seconds"] == expected["MaximumBatchingWindowInSeconds"]
    assert one["function_response_types"] == expected["FunctionResponseTypes"]
    assert one["scaling_config"][0]["maximum_concurrency"] == expected["ScalingConfig"]["MaximumConcurrency"]


def test_alarms_are_the_templates(both):
    template, plan = both
    expected = {one["AlarmName"]: one for one in template("AWS::CloudWatch::Alarm").values()}
    alarms = {one["alarm_name"]: one for one in plan.all("aws_cloudwatch_metric_alarm").values()}
    assert set(alarms) == set(expected)
    same = {
        "AlarmDescription": "alarm_description", "Namespace": "namespace", "MetricName": "metric_name", "Statistic": "statistic", "Period": "period",
        "ExtendedStatistic": "extended_statistic", "EvaluationPeriods": "evaluation_periods", "DatapointsToAlarm": "datapoints_to_alarm",
        "Threshold": "threshold", "ComparisonOperator": "comparison_operator", "TreatMissingData": "treat_missing_data", "AlarmActions": "alarm_actions",
        "OKActions": "ok_actions",
    }
    for name, wanted in expected.items():
        one = alarms[name]
        assert set(wanted) <= {*same, "AlarmName", "Dimensions", "Metrics"}
        assert {key: one[own] for key, own in same.items()} == {key: wanted.get(key) for key in same}, name
        assert (one["dimensions"] or {}) == dimensions(wanted.get("Dimensions", [])), name
        queries = []
        for query in one["metric_query"]:
            metric = first(query["metric"])
            queries.append((query["id"], query["return_data"], query["expression"], query["label"], *(metric.get(key) for key in ("namespace", "metric_name", "dimensions", "stat", "period"))))
        # A metric of which nothing is said is returned.
        assert sorted(queries, key=str) == sorted((one_query(query) for query in wanted.get("Metrics", [])), key=str), name


def dimensions(listed):
    return {one["Name"]: one["Value"] for one in listed}


def one_query(query):
    measured = query.get("MetricStat", {})
    metric = measured.get("Metric", {})
    return (
        query["Id"], query.get("ReturnData", True), query.get("Expression"), query.get("Label"), metric.get("Namespace"), metric.get("MetricName"),
        dimensions(metric["Dimensions"]) if metric else None, measured.get("Stat"), measured.get("Period"),
    )


def test_the_dashboard_is_the_templates(both):
    template, plan = both
    boards = {one["dashboard_name"]: json.loads(one["dashboard_body"]) for one in plan.all("aws_cloudwatch_dashboard").values()}
    assert boards == {one["DashboardName"]: json.loads(one["DashboardBody"]) for one in template("AWS::CloudWatch::Dashboard").values()}
