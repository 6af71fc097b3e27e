"""Every policy of the template and of the guide, read by a policy linter: actions that exist, resources that fit them."""

import json

import parliament
import pytest

import render

# Findings that are meant, each with its reason.
ACCEPTED = {
    "RESOURCE_STAR": "calls that cannot be narrowed; the CDK tests list them",
    "RESOURCE_MISMATCH": "logs, network interfaces and deliveries name resources in ways that the linter's tables lack",
    "RESOURCE_POLICY_PRIVILEGE_ESCALATION": "only the deployment policy, whose holder deploys roles",
    "PRIVILEGE_ESCALATION": "the same",
    "CREDENTIALS_EXPOSURE": "the same",
    "PERMISSIONS_MANAGEMENT_ACTIONS": "the same",
    "UNKNOWN_CONDITION_FOR_ACTION": "lambda:SourceFunctionArn is a key of every call from a function",
}
PARAMETERS = [{}, {"KmsKeyArn": "arn:aws:kms:eu-central-1:123456789012:key/1234"}]


def policies(parameters):
    """Returns every identity policy with its place."""
    for name, one in render.rendered(parameters).items():
        properties = one.get("Properties", {})
        if one["Type"] == "AWS::IAM::Role":
            for policy in properties.get("Policies", []):
                yield f"{name}/{policy['PolicyName']}", policy["PolicyDocument"]
        if one["Type"] == "AWS::IAM::ManagedPolicy":
            yield name, properties["PolicyDocument"]


def concrete(node):
    """Puts an ARN in the place of each reference that is left, so that the linter can read the policy."""
    if isinstance(node, list):
        return [concrete(one) for one in node]
    if isinstance(node, dict):
        if set(node) & {"Ref", "Fn::GetAtt", "Fn::Sub"}:
            return arn(str(next(iter(node.values()))))
        return {key: concrete(one) for key, one in node.items()}
    return node


def arn(reference):
    kinds = {
        "Secret": "arn:aws:secretsmanager:eu-central-1:123456789012:secret:name",
        "Logs": "arn:aws:logs:eu-central-1:123456789012:log-group:name:*",
        "Table": "arn:aws:dynamodb:eu-central-1:123456789012:table/name",
        "Topic": "arn:aws:sns:eu-central-1:123456789012:name",
        "Bucket": "arn:aws:s3:::name" + ("/" + reference.split("/", 1)[1] if "/" in reference else ""),
    }
    for kind, value in kinds.items():
        if kind in reference:
            return value
    return "arn:aws:sqs:eu-central-1:123456789012:name"


@pytest.mark.parametrize("parameters", PARAMETERS, ids=["plain", "key"])
def test_the_linter_finds_nothing_in_the_roles(parameters):
    seen = 0
    for place, document in policies(parameters):
        seen += 1
        linted = parliament.analyze_policy_string(json.dumps(concrete(document)))
        found = [one for one in linted.findings if one.issue not in ACCEPTED]
        assert not found, f"{place}: {found}"
    assert seen >= 9


def test_the_linter_finds_nothing_in_the_deployment_policy():
    text = (render.INFRA / "docs" / "deployment-policy.json").read_text()
    findings = parliament.analyze_policy_string(text).findings
    # The transform of SAM belongs to the account `aws`.
    found = [one for one in findings if one.issue not in ACCEPTED and "transform/Serverless" not in str(one.location)]
    assert not found, found
