"""Upgrades as change sets: what each would replace, update in place, add and remove. Nothing that holds data is ever replaced or removed."""

import json
import re

import pytest

import render

# Types that hold what cannot be made again, with the properties whose change replaces the resource.
STATEFUL = {
    "AWS::DynamoDB::Table": ["TableName", "KeySchema", "AttributeDefinitions"],
    "AWS::S3::Bucket": ["BucketName"],
    "AWS::SecretsManager::Secret": ["Name"],
    "AWS::SQS::Queue": ["QueueName", "FifoQueue"],
    "AWS::SNS::Topic": ["TopicName", "FifoTopic"],
    "AWS::Logs::LogGroup": ["LogGroupName"],
}
# What a change of it would overwrite in a secret of a stack that exists.
OVERWRITING = ["SecretString", "GenerateSecretString"]
STATEFUL_FILE = render.INFRA / "checks" / "stateful.json"
CANARY = re.compile(r"^CodeDeployDefault\.Lambda|^\{")


def change_set(before, after):
    """Returns the names of the resources that are added, removed, replaced and updated in place."""
    added = sorted(set(after) - set(before))
    removed = sorted(set(before) - set(after))
    replaced, updated = [], []
    for name in sorted(set(before) & set(after)):
        old, new = before[name], after[name]
        if old == new:
            continue
        fixed = [*STATEFUL.get(new["Type"], []), "FunctionName", "Name"]
        is_replaced = old["Type"] != new["Type"] or any(
            old.get("Properties", {}).get(one) != new.get("Properties", {}).get(one) for one in fixed
        )
        (replaced if is_replaced else updated).append(name)
    return {"added": added, "removed": removed, "replaced": replaced, "updated": updated}


def stateful(resources):
    return {
        name: {
            "type": one["Type"],
            "deletion": one.get("DeletionPolicy"),
            **{
                key: one["Properties"][key]
                for key in [*STATEFUL[one["Type"]], *OVERWRITING]
                if key in one["Properties"]
            },
        }
        for name, one in sorted(resources.items())
        if one["Type"] in STATEFUL
    }


def assert_keeps_data(changes, before):
    lost = [name for name in changes["removed"] + changes["replaced"] if before[name]["Type"] in STATEFUL]
    assert not lost, f"loses data: {lost}"


def settings_of(resources):
    """Returns what the settings of the functions are: the text whose change publishes versions."""
    return resources["ReportMap"]["Properties"]["DefinitionSubstitutions"]["settings"]


def test_what_holds_data_is_what_the_last_release_had():
    """A change here must be wanted: the file is the last release's, and an upgrade from it may replace nothing."""
    current = stateful(render.rendered({"KmsKeyArn": ""}))
    known = json.loads(STATEFUL_FILE.read_text())
    for name, one in known.items():
        assert current.get(name) == one, f"{name} would be replaced, removed or overwritten; see infra/docs/upgrade.md"
    assert set(current) == set(known), f"add what is new to {STATEFUL_FILE.name}: {sorted(set(current) - set(known))}"


def test_a_new_release_publishes_versions_and_moves_aliases_in_place():
    before, after = render.rendered(release="1"), render.rendered(release="2")
    changes = change_set(before, after)
    assert_keeps_data(changes, before)
    assert not changes["replaced"]
    types = {after[name]["Type"] for name in changes["updated"]}
    assert types <= {"AWS::Lambda::Function", "AWS::Lambda::Alias"}, types
    assert {after[name]["Type"] for name in changes["added"]} == {"AWS::Lambda::Version"}
    assert all(before[name]["DeletionPolicy"] == "Retain" for name in changes["removed"])
    functions = [name for name, one in after.items() if one["Type"] == "AWS::Lambda::Function"]
    assert len(changes["added"]) == len(functions) >= 7


def test_a_rollback_is_the_same_change_the_other_way():
    newer, older = render.rendered(release="2"), render.rendered(release="1")
    changes = change_set(newer, older)
    assert_keeps_data(changes, newer)
    assert not changes["replaced"] and {older[name]["Type"] for name in changes["added"]} == {"AWS::Lambda::Version"}


def test_the_processor_changes_in_place_together_with_the_code():
    before, after = render.rendered(release="x86"), render.rendered({"Architecture": "arm64"}, release="arm")
    changes = change_set(before, after)
    assert_keeps_data(changes, before)
    assert not changes["replaced"]
    for name, one in after.items():
        if one["Type"] == "AWS::Lambda::Function":
            assert one["Properties"]["Architectures"] == ["arm64"], name
            assert name in changes["updated"]


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("AlertThreshold", "0.2"),
        ("BoardOidcClientId", "board"),
        ("BoardOidcDomains", "example.com"),
        ("BoardOidcGroups", "floor,leads"),
        ("BoardOidcGroupsClaim", "roles"),
        ("BoardOidcIssuer", "https://login.example.com"),
        ("BoardOidcRedirectUrl", "https://board.example.com/board/sign-on-return"),
        ("ChatAgents", "a-1,a-2"),
        ("ChatRetentionDays", "14"),
        ("ChatShards", "2"),
        ("CxoneBaseUrl", "https://other.example.com"),
        ("CxoneAcdRate", "7"),
        ("CxoneAcdVersion", "34"),
        ("CxoneAlertTeam", "81"),
        ("CxoneAnalyticsRate", "7"),
        ("CxoneAuth", "access_key"),
        ("CxoneClientAuth", "post"),
        ("CxoneDigitalRate", "7"),
        ("CxoneDigitalUrl", "api"),
        ("CxoneEventHub", "on"),
        ("CxoneIssuer", "https://issuer.example.com"),
        ("CxoneMediaTypes", "digital"),
        ("CxoneProfile", "cxone"),
        ("CxoneScopes", "one two"),
        ("CxoneSentimentField", "ai_sentiment"),
        ("CxoneTenantId", "11eb"),
        ("CxoneTrendField", "ai_trend"),
        ("CxoneTrustedDomains", "example.com"),
        ("CxoneVoiceCustomer", "customer"),
        ("CxoneVoiceNotifications", "on"),
        ("CxoneTokenUrl", "https://other.example.com/token"),
        ("EmbeddingProvider", "openai"),
        ("HeartbeatChecks", "health,score"),
        ("LogLevel", "debug"),
        ("ModelLayer", "arn:aws:lambda:eu-central-1:123456789012:layer:model:1"),
        ("OpenaiBaseUrl", "https://gateway.example.com"),
        ("PollOpenContacts", "50"),
        ("PollShards", "2"),
        ("ReportOutcomeMap", "Sale=Success"),
        ("RedactPii", "always"),
        ("RedactReports", "yes"),
        ("RulesFile", "object:config/rules.toml"),
        ("SentimentUrl", "https://nlp.example.com"),
        ("Tracing", "PassThrough"),
        ("VectorRetentionDays", "400"),
    ],
)
def test_a_new_value_of_a_parameter_reaches_the_alias(name, value):
    before, after = render.rendered(), render.rendered({name: value})
    changes = change_set(before, after)
    assert_keeps_data(changes, before)
    changed = [
        one
        for one in after
        if after[one]["Type"] == "AWS::Lambda::Function"
        and before[one]["Properties"].get("Environment") != after[one]["Properties"].get("Environment")
    ]
    assert changed or name in ("Tracing", "ModelLayer"), f"{name} changes no function"
    # The versions themselves are published by the new revision of the definition that holds the settings.
    assert settings_of(before) != settings_of(after), f"{name} would change the unpublished functions only"
    for resource in after.values():
        if resource["Type"] in ("AWS::Lambda::Function", "AWS::Lambda::Version"):
            assert "ReportMap.StateMachineRevisionId" in json.dumps(resource["Properties"]["Description"])


def test_the_schedules_stay_on_in_an_upgrade():
    resources = render.rendered()
    rules = [one["Properties"] for one in resources.values() if one["Type"] == "AWS::Events::Rule"]
    assert len(rules) >= 3
    assert {one["State"] for one in rules if one["Name"].endswith(("-poller", "-report"))} == {"ENABLED"}
    for path in (render.INFRA / "sam").glob("samconfig*"):
        assert "Schedules" not in path.read_text(), f"{path.name} keeps a value of the first run"


def test_every_rule_source_and_route_invokes_an_alias():
    resources = render.rendered({"ChatAgents": "a-1"})
    targets = 0
    for name, one in resources.items():
        properties = one.get("Properties", {})
        if one["Type"] == "AWS::Events::Rule":
            invoked = [target["Arn"] for target in properties["Targets"]]
        elif one["Type"] in ("AWS::Lambda::EventSourceMapping", "AWS::Lambda::Permission"):
            invoked = [properties["FunctionName"]]
        elif one["Type"] == "AWS::Lambda::EventInvokeConfig":
            assert properties["Qualifier"] == "live", name
            continue
        else:
            continue
        for arn in invoked:
            targets += 1
            assert resources[arn["Ref"]]["Type"] == "AWS::Lambda::Alias", f"{name} invokes {arn}"
    assert targets >= 12


def test_a_stack_without_its_subnets_keeps_the_rights_to_remove_its_interfaces():
    network = {"SubnetIds": "subnet-1a,subnet-2b", "SecurityGroupIds": "sg-1"}
    before, after = render.rendered(network), render.rendered()
    changes = change_set(before, after)
    assert_keeps_data(changes, before)
    for name, one in after.items():
        if one["Type"] == "AWS::IAM::Role":
            assert before[name] == one, f"{name} changes when the functions leave the VPC"


def test_without_endpoints_of_its_own_a_second_stack_fits_into_the_vpc():
    parameters = {
        "ZeroEgress": "true",
        "VpcId": "vpc-1",
        "SubnetIds": "subnet-1a,subnet-2b",
        "SecurityGroupIds": "sg-1",
        "CxoneSubnetIds": "subnet-3c",
        "RouteTableIds": "rtb-1",
    }
    count = lambda resources: sum(one["Type"] == "AWS::EC2::VPCEndpoint" for one in resources.values())
    assert count(render.rendered(parameters)) == 6
    assert count(render.rendered({**parameters, "CreateEndpoints": "false"})) == 0
