"""What the template takes, tells and joins: limits of parameters, rules over several of them, outputs that the guide needs, and ids that join logs."""

import json
import pathlib
import re
import tomllib
from fnmatch import fnmatchcase

import pytest

import render

PARAMETERS = render.source()["Parameters"]


def allowed(name, value):
    """Returns whether CloudFormation takes a value of a parameter."""
    one = PARAMETERS[name]
    if "AllowedPattern" in one and not re.fullmatch(one["AllowedPattern"], value):
        return False
    if "AllowedValues" in one and value not in [str(known) for known in one["AllowedValues"]]:
        return False
    if one["Type"] == "Number":
        return one.get("MinValue", float(value)) <= float(value) <= one.get("MaxValue", float(value))
    return True


def refusals(parameters):
    """Returns what the rules of the template say to these parameters, as CloudFormation evaluates them before anything is made."""
    document = render.source()
    known = render.values(document, parameters)

    def value(node):
        if isinstance(node, dict):
            ((function, arguments),) = node.items()
            if function == "Ref":
                return known[arguments]
            if function == "Fn::Equals":
                return str(value(arguments[0])) == str(value(arguments[1]))
            if function == "Fn::Not":
                return not value(arguments[0])
            if function == "Fn::And":
                return all(value(one) for one in arguments)
            if function == "Fn::Or":
                return any(value(one) for one in arguments)
            assert function == "Fn::Contains", function
            return str(value(arguments[1])) in [str(one) for one in arguments[0]]
        return node

    return [
        assertion["AssertDescription"]
        for rule in document["Rules"].values()
        if value(rule.get("RuleCondition", True))
        for assertion in rule["Assertions"]
        if not value(assertion["Assert"])
    ]


def agents(count):
    return ",".join(f"agent-{number}" for number in range(count))


def test_as_many_agents_are_taken_as_the_shards_can_work():
    assert allowed("ChatAgents", "") and allowed("ChatAgents", agents(1)) and allowed("ChatAgents", agents(250))
    assert not allowed("ChatAgents", agents(251))
    for odd in (",", "a,", "a, b", "a/b", "a#b", ","):
        assert not allowed("ChatAgents", odd), odd
    most = max(PARAMETERS["ChatShards"]["AllowedValues"])
    assert 250 == most * 50
    assert str(most * 50) in PARAMETERS["ChatAgents"]["Description"]


@pytest.mark.parametrize("shards", range(1, 6))
def test_each_shard_of_the_chats_has_a_rule_and_no_other_shard_has(shards):
    rules = [one["Properties"] for one in render.rendered({"ChatAgents": "a-1", "ChatShards": str(shards)}).values() if one["Type"] == "AWS::Events::Rule"]
    inputs = [json.loads(target["Input"])["shard"] for rule in rules if "-chat" in rule["Name"] and rule["State"] == "ENABLED" for target in rule["Targets"]]
    assert sorted(inputs) == list(range(shards))
    names = {rule["Name"] for rule in rules if "-chat" in rule["Name"]}
    assert len(names) == 5


def test_without_agents_and_without_schedules_no_shard_is_started():
    for parameters in ({"ChatShards": "5"}, {"ChatShards": "5", "ChatAgents": "a-1", "Schedules": "DISABLED"}):
        rules = [one["Properties"] for one in render.rendered(parameters).values() if one["Type"] == "AWS::Events::Rule"]
        assert not [rule["Name"] for rule in rules if "-chat" in rule["Name"] and rule["State"] == "ENABLED"]


def test_the_defaults_break_no_rule():
    assert refusals({}) == []


@pytest.mark.parametrize("shards", range(1, 7))
def test_too_few_executions_for_the_shards_of_the_poller_are_refused(shards):
    # Above twelve the numbers cannot be compared by a rule; the default is what would be forgotten.
    for reserved in range(3, 13):
        refused = bool(refusals({"PollShards": str(shards), "PollerConcurrency": str(reserved)}))
        assert refused == (reserved < 2 * shards + 1), (shards, reserved)
    assert refusals({"PollShards": str(shards), "PollerConcurrency": "40"}) == []
    assert refusals({"PollShards": "10", "ReserveConcurrency": "false"}) == []
    assert not allowed("PollerConcurrency", "2")


@pytest.mark.parametrize("shards", range(1, 6))
def test_too_few_executions_for_the_shards_of_the_chats_are_refused(shards):
    for reserved in range(2, 13):
        refused = bool(refusals({"ChatShards": str(shards), "ChatConcurrency": str(reserved)}))
        assert refused == (reserved < 2 * shards), (shards, reserved)


@pytest.mark.parametrize("parameters", [
    {"SentimentProvider": "http"},
    {"SubnetIds": "subnet-1"},
    {"ZeroEgress": "true"},
    {"ZeroEgress": "true", "Heartbeat": "on"},
])
def test_what_cannot_work_together_is_refused(parameters):
    assert refusals(parameters)


def test_executions_can_be_provisioned_because_whoever_calls_calls_an_alias():
    resources = render.rendered({"ProvisionedConcurrency": "3"})
    provisioned = {name: one["Properties"]["ProvisionedConcurrencyConfig"] for name, one in resources.items() if "ProvisionedConcurrencyConfig" in one.get("Properties", {})}
    assert provisioned == {"DataActionFunctionAliaslive": {"ProvisionedConcurrentExecutions": "3"}}
    (api,) = [one["Properties"]["Body"] for one in resources.values() if one["Type"] == "AWS::ApiGatewayV2::Api"]
    targets = re.findall(r"functions/\$\{(\w+)\}/invocations", json.dumps(api))
    assert targets and all(resources[name]["Type"] == "AWS::Lambda::Alias" for name in targets)


def test_the_group_that_the_functions_need_a_way_to_is_an_output():
    sealed = {"ZeroEgress": "true", "VpcId": "vpc-1", "SubnetIds": "subnet-1,subnet-2", "SecurityGroupIds": "sg-1", "CxoneSubnetIds": "subnet-3", "RouteTableIds": "rtb-1"}
    assert refusals(sealed) == []
    assert render.outputs(sealed)["EndpointSecurityGroupId"]["Value"] == {"Ref": "EndpointSecurityGroup"}
    assert "EndpointSecurityGroupId" not in render.outputs()
    assert "EndpointSecurityGroupId" in (render.INFRA / "docs" / "deploy.md").read_text()


def test_a_line_of_the_api_names_the_invocation_and_holds_nothing_of_the_caller_s_words():
    (stage,) = [one["Properties"] for one in render.rendered().values() if one["Type"] == "AWS::ApiGatewayV2::Stage"]
    line = json.loads(stage["AccessLogSettings"]["Format"])
    assert line["function_request_id"] == "$context.integration.requestId" and line["request_id"] == "$context.requestId"
    for forbidden in ("path", "query", "body", "header", "userAgent", "authorizer"):
        assert not any(forbidden.lower() in value.lower() for value in line.values()), forbidden


def test_an_unknown_path_goes_to_a_function_that_answers_in_the_shape_of_every_error():
    (api,) = [one["Properties"]["Body"] for one in render.rendered().values() if one["Type"] == "AWS::ApiGatewayV2::Api"]
    (default,) = [one for path in api["paths"].values() for one in path.values() if one.get("isDefaultRoute")]
    assert "DataActionFunctionAliaslive" in json.dumps(default["x-amazon-apigateway-integration"])


def test_the_items_that_a_role_reaches_are_those_of_its_function_in_the_list_of_the_table():
    page = (render.INFRA.parent / "docs" / "state-table.md").read_text()
    granted = {}
    for one in render.rendered().values():
        if one["Type"] == "AWS::IAM::Role":
            for policy in one["Properties"].get("Policies", []):
                for statement in policy["PolicyDocument"]["Statement"]:
                    if "dynamodb:" in json.dumps(statement["Action"]):
                        granted.setdefault(policy["PolicyName"], set()).update(statement["Condition"]["ForAllValues:StringLike"]["dynamodb:LeadingKeys"])
    written, partition, names = {}, None, []
    for row in re.findall(r"^\|(.*) \|$", page, re.M):
        cells = [cell.strip() for cell in row.split(" | ")]
        # A name in capitals stands for any value; one in small letters is a partition of its own, to which a right may be narrowed.
        key = re.match(r"`([a-z-]+#?[a-z-]*)", cells[0])
        if key:
            partition = key[1] + "*" * key[1].endswith("#")
        if partition is None or len(cells) != 5:
            continue
        if "whoever calls" in cells[3]:
            names = ["transcript-poller", "analytics-report", "chat-session"]
        elif cells[3] != "the same":
            names = [name for name in re.findall(r"`([a-z-]+)`", cells[3]) if name in granted]
        written.setdefault(partition, set()).update(names)
    assert len(written) >= 8, written
    for partition, names in written.items():
        for name in names:
            assert any(fnmatchcase(partition, key) for key in granted[name]), f"{name} cannot write {partition}"
    for name, keys in granted.items():
        assert keys <= set(written), f"{name} may reach what the list does not know: {keys - set(written)}"


def test_checkpoints_of_reports_expire_a_day_after_their_map_can_be_redriven():
    """They hold whole transcripts, and a report that never becomes complete does not delete its own. A map can be redriven for 14 days."""
    for parameters in ({}, {"ReportRetentionDays": "3650", "ArchiveRetentionDays": "3650"}):
        bucket = render.rendered(parameters)["ObjectBucket"]["Properties"]
        (rule,) = [one for one in bucket["LifecycleConfiguration"]["Rules"] if one.get("Prefix", "").startswith("parts")]
        assert (rule["Prefix"], rule["Status"], rule["ExpirationInDays"]) == ("parts/", "Enabled", 15)
        # The bucket keeps versions: what expires would else stay for as long as the other versions do.
        assert bucket["VersioningConfiguration"]["Status"] == "Enabled"
        assert rule["NoncurrentVersionExpiration"] == {"NoncurrentDays": 1}


def test_the_functions_are_built_with_the_same_features_of_their_dependencies():
    """Those that the manifest of the workspace does not name would compile many of their dependencies once more."""
    manifest = tomllib.loads((pathlib.Path(__file__).parents[2] / "Cargo.toml").read_text())
    together = manifest["workspace"]["metadata"]["lambda"]["build"]["packages"]
    functions = render.source()["Resources"].values()
    built = {one["Metadata"]["BuildProperties"]["Binary"] for one in functions if "BuildMethod" in one.get("Metadata", {})}
    assert set(together) == built
