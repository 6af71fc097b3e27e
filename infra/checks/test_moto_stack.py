"""The translated template is created on moto's CloudFormation, as far as moto goes."""

from moto.cloudformation import parsing

import moto_stack
import render
from moto_stack import CANNOT_CREATE, FAILS_TO_CREATE, STACK


def test_what_moto_cannot_create_is_known():
    types = {one["Type"] for one in render.translated()["Resources"].values()}
    assert types - set(parsing.get_model_map()) == set(CANNOT_CREATE) & types
    assert set(CANNOT_CREATE) | set(FAILS_TO_CREATE) <= types
    created = types - set(CANNOT_CREATE) - set(FAILS_TO_CREATE)
    assert {"AWS::Lambda::Function", "AWS::IAM::Role", "AWS::StepFunctions::StateMachine", "AWS::DynamoDB::Table", "AWS::Events::Rule"} <= created


def test_everything_else_is_created(moto_deployed):
    stack, outputs = moto_deployed
    listed = stack.client("cloudformation").get_paginator("list_stack_resources").paginate(StackName=STACK)
    made = {one["LogicalResourceId"]: one["PhysicalResourceId"] for page in listed for one in page["StackResourceSummaries"]}
    # It lists what it could not make under an empty name.
    made.pop("", None)
    left_out = {*CANNOT_CREATE, *FAILS_TO_CREATE}
    expected = {name for name, one in render.rendered().items() if one["Type"] not in left_out}
    assert set(made) == expected, (expected - set(made), set(made) - expected)
    assert all(made.values()), made
    assert set(outputs) == set(render.outputs())
    assert outputs["ApiUrl"].startswith("https://") and outputs["CallersSecretArn"].startswith("arn:aws:secretsmanager:")


def test_what_is_created_is_what_the_template_says(moto_deployed):
    stack, outputs = moto_deployed
    client = stack.client
    functions = {one["FunctionName"]: one for one in client("lambda").list_functions()["Functions"]}
    rendered = render.rendered()
    for one in rendered.values():
        if one["Type"] == "AWS::Lambda::Function":
            properties = one["Properties"]
            made = functions.pop(properties["FunctionName"])
            assert (made["MemorySize"], made["Timeout"], made["Runtime"]) == (properties["MemorySize"], properties["Timeout"], properties["Runtime"])
            variables = made["Environment"]["Variables"]
            assert set(variables) == set(properties["Environment"]["Variables"])
            # Each reference became the name or the address of what was made.
            unresolved = {name: value for name, value in variables.items() if isinstance(value, dict) or "{" in str(value)}
            assert not unresolved, unresolved
            assert variables.get("STATE_TABLE", outputs["StateTableName"]) == outputs["StateTableName"]
    assert not functions
    rules = {one["Name"]: one for one in client("events").list_rules()["Rules"]}
    assert {one["Properties"]["Name"]: one["Properties"]["State"] for one in rendered.values() if one["Type"] == "AWS::Events::Rule"} == {
        name: one["State"] for name, one in rules.items()
    }
    for name in rules:
        (target,) = client("events").list_targets_by_rule(Rule=name)["Targets"]
        assert target["Arn"].startswith(moto_stack.FUNCTION_ARN) and target["Arn"].endswith(":live")
    attributes = client("sqs").get_queue_attributes(QueueUrl=outputs["EmbeddingQueueUrl"], AttributeNames=["All"])["Attributes"]
    assert attributes["VisibilityTimeout"] == "722" and "maxReceiveCount" in attributes["RedrivePolicy"]
    table = client("dynamodb").describe_table(TableName=outputs["StateTableName"])["Table"]
    assert table["DeletionProtectionEnabled"] is True and [one["AttributeName"] for one in table["KeySchema"]] == ["pk", "sk"]


def test_the_state_machine_is_created_with_its_role(moto_deployed):
    stack, outputs = moto_deployed
    machine = stack.client("stepfunctions").describe_state_machine(stateMachineArn=outputs["ReportMapArn"])
    assert machine["name"] == f"{STACK}-report-map" and ":role/" in machine["roleArn"]
    # moto reads a definition that is text, and not one that is an object; the CDK tests give the definition to asl-validator.
    assert machine["definition"] == ""
