"""The stores of the Terraform module against the template's, what it does with secrets, its outputs, and how it hands over to a new version."""

import json
import os
import subprocess

import pytest

import render
from terraform_module import FUNCTIONS, GENERATED_KEY, MODULE, Refused, planned, snake, statements
from test_terraform import both, camel, first  # noqa: F401, the fixture is used by its name


def test_table_is_the_templates(both):
    template, plan = both
    ((_, expected),) = template("AWS::DynamoDB::Table").items()
    table = plan.all("aws_dynamodb_table")["state"]
    assert table["billing_mode"] == expected["BillingMode"] and table["deletion_protection_enabled"] is expected["DeletionProtectionEnabled"]
    assert [(table["hash_key"], "HASH"), (table["range_key"], "RANGE")] == [(one["AttributeName"], one["KeyType"]) for one in expected["KeySchema"]]
    assert sorted((one["name"], one["type"]) for one in table["attribute"]) == [(one["AttributeName"], one["AttributeType"]) for one in expected["AttributeDefinitions"]]
    assert table["ttl"] == [{"attribute_name": "expires_at", "enabled": True}]
    assert expected["TimeToLiveSpecification"] == {"AttributeName": "expires_at", "Enabled": True}
    assert first(table["point_in_time_recovery"])["enabled"] is expected["PointInTimeRecoverySpecification"]["PointInTimeRecoveryEnabled"]
    assert first(table["server_side_encryption"]).get("kms_key_arn") == expected.get("SSESpecification", {}).get("KMSMasterKeyId")


def test_buckets_are_the_templates(both):
    template, plan = both
    for own, key, name in (("objects", "objects", "ObjectBucket"), ("access_logs", "access-logs", "AccessLogs")):
        expected = template("AWS::S3::Bucket")[name]
        (encryption,) = expected["BucketEncryption"]["ServerSideEncryptionConfiguration"]
        rule = first(plan.all("aws_s3_bucket_server_side_encryption_configuration")[own]["rule"])
        default = first(rule["apply_server_side_encryption_by_default"])
        wanted = encryption["ServerSideEncryptionByDefault"]
        assert (default["sse_algorithm"], default["kms_master_key_id"]) == (wanted["SSEAlgorithm"], wanted.get("KMSMasterKeyID"))
        assert bool(rule["bucket_key_enabled"]) == encryption.get("BucketKeyEnabled", False)
        blocked = plan.all("aws_s3_bucket_public_access_block")[key]
        assert {name: blocked[snake(name)] for name in expected["PublicAccessBlockConfiguration"]} == expected["PublicAccessBlockConfiguration"]
        owner = first(plan.all("aws_s3_bucket_ownership_controls")[key]["rule"])["object_ownership"]
        assert [{"ObjectOwnership": owner}] == expected["OwnershipControls"]["Rules"]
        rules = plan.all("aws_s3_bucket_lifecycle_configuration")[own]["rule"]
        assert [lifecycle(one) for one in rules] == [wanted_lifecycle(one) for one in expected["LifecycleConfiguration"]["Rules"]]
    objects = template("AWS::S3::Bucket")["ObjectBucket"]
    versioning = first(plan.all("aws_s3_bucket_versioning")["objects"]["versioning_configuration"])
    assert versioning["status"] == objects["VersioningConfiguration"]["Status"]
    logging = plan.all("aws_s3_bucket_logging")["objects"]
    assert {"DestinationBucketName": logging["target_bucket"], "LogFilePrefix": logging["target_prefix"]} == objects["LoggingConfiguration"]


def lifecycle(rule):
    return {
        "id": rule["id"], "status": rule["status"], "prefix": first(rule["filter"])["prefix"] or "", "days": first(rule["expiration"]).get("days"),
        "old": first(rule["noncurrent_version_expiration"]).get("noncurrent_days"),
        "parts": first(rule["abort_incomplete_multipart_upload"]).get("days_after_initiation"),
        "moves": [(int(one["days"]), one["storage_class"]) for one in rule["transition"]],
    }


def wanted_lifecycle(rule):
    days = rule.get("ExpirationInDays")
    return {
        "id": rule["Id"], "status": rule["Status"], "prefix": rule.get("Prefix", ""), "days": days and int(days),
        "old": rule.get("NoncurrentVersionExpiration", {}).get("NoncurrentDays"),
        "parts": rule.get("AbortIncompleteMultipartUpload", {}).get("DaysAfterInitiation"),
        "moves": [(one["TransitionInDays"], one["StorageClass"]) for one in rule.get("Transitions", [])],
    }


def test_queues_and_topics_are_the_templates(both):
    template, plan = both
    expected = {one["QueueName"]: one for one in template("AWS::SQS::Queue").values()}
    for one in plan.all("aws_sqs_queue").values():
        wanted = expected.pop(one["name"])
        assert one["visibility_timeout_seconds"] == wanted.get("VisibilityTimeout")
        assert one["message_retention_seconds"] == wanted["MessageRetentionPeriod"]
        assert one["receive_wait_time_seconds"] == wanted.get("ReceiveMessageWaitTimeSeconds")
        assert one["sqs_managed_sse_enabled"] == wanted.get("SqsManagedSseEnabled")
        assert one["kms_master_key_id"] == wanted.get("KmsMasterKeyId")
        for own, name in (("redrive_policy", "RedrivePolicy"), ("redrive_allow_policy", "RedriveAllowPolicy")):
            assert (json.loads(one[own]) if one[own] else None) == wanted.get(name)
    assert not expected
    topics = {one["name"]: one["kms_master_key_id"] for one in plan.all("aws_sns_topic").values()}
    assert topics == {one["TopicName"]: one.get("KmsMasterKeyId") for one in template("AWS::SNS::Topic").values()}
    mails = {(one["topic_arn"], one["protocol"], one["endpoint"]) for one in plan.all("aws_sns_topic_subscription").values()}
    assert mails == {(one["TopicArn"], one["Protocol"], one["Endpoint"]) for one in template("AWS::SNS::Subscription").values()}


def test_log_groups_are_the_templates(both):
    template, plan = both
    groups = {one["name"]: (one["retention_in_days"], one["kms_key_id"], one["skip_destroy"]) for one in plan.all("aws_cloudwatch_log_group").values()}
    expected = template("AWS::Logs::LogGroup").values()
    assert groups == {one["LogGroupName"]: (int(one["RetentionInDays"]), one.get("KmsKeyId"), True) for one in expected}


def test_secrets_are_the_templates_and_no_value_is_in_the_plan(both):
    template, plan = both
    secrets = plan.all("aws_secretsmanager_secret")
    configured = {key[1]: one for key, one in plan.configured.items()}
    for key, one in secrets.items():
        expected = template("AWS::SecretsManager::Secret")[f"{camel(key)}Secret"]
        assert (one["description"], one["kms_key_id"]) == (expected["Description"], expected.get("KmsKeyId"))
        first_value = configured[f"((aws_secretsmanager_secret|cxone-insights-{key}-|id))"]
        value = json.loads(first_value["secret_string_wo"])
        if "SecretString" in expected:
            assert value == json.loads(expected["SecretString"])
        else:
            generated = expected["GenerateSecretString"]
            assert value.pop(generated["GenerateStringKey"]) == GENERATED_KEY
            assert value == json.loads(generated["SecretStringTemplate"])
            text = (MODULE / "storage.tf").read_text()
            assert f"length  = {generated['PasswordLength']}" in text and "special = false" in text
        assert first_value["secret_string_wo_version"] == 1
    assert len(configured) == 4
    assert GENERATED_KEY not in json.dumps(plan.shown) and GENERATED_KEY.encode() not in plan.binary


def test_what_holds_data_cannot_be_destroyed_by_accident():
    text = (MODULE / "storage.tf").read_text()
    for kind, name in (("aws_dynamodb_table", "state"), ("aws_s3_bucket", "objects"), ("aws_s3_bucket", "access_logs"), ("aws_secretsmanager_secret", "audience")):
        block = text.split(f'resource "{kind}" "{name}" {{')[1].split("\n}\n")[0]
        assert "prevent_destroy = true" in block, name


def test_the_report_map_is_the_templates(both):
    template, plan = both
    ((_, expected),) = template("AWS::StepFunctions::StateMachine").items()
    machine = plan.all("aws_sfn_state_machine")["report_map"]
    text = json.dumps(expected.get("Definition") or json.loads(expected["DefinitionString"]))
    for name, value in expected["DefinitionSubstitutions"].items():
        text = text.replace("${" + name + "}", value)
    wanted, definition = json.loads(text), json.loads(machine["definition"])
    # SAM needs the settings in the comment, and the number as an expression.
    wanted["Comment"] = wanted["Comment"].partition(" Settings:")[0]
    concurrency = wanted["States"]["EachDay"].pop("MaxConcurrency")
    assert f"{{% {definition['States']['EachDay'].pop('MaxConcurrency')} %}}" == concurrency
    assert definition == wanted
    assert (machine["name"], machine["type"], machine["role_arn"]) == (expected["StateMachineName"], expected["StateMachineType"], expected["RoleArn"])
    assert first(machine["tracing_configuration"])["enabled"] is True
    logging = first(machine["logging_configuration"])
    wanted = expected["LoggingConfiguration"]
    assert (logging["level"], logging["include_execution_data"]) == (wanted["Level"], wanted["IncludeExecutionData"])
    assert logging["log_destination"] == wanted["Destinations"][0]["CloudWatchLogsLogGroup"]["LogGroupArn"]


def test_endpoints_are_the_templates(both):
    template, plan = both
    expected = {one["ServiceName"]: one for one in template("AWS::EC2::VPCEndpoint").values()}
    for one in plan.all("aws_vpc_endpoint").values():
        wanted = expected.pop(one["service_name"])
        assert (one["vpc_endpoint_type"], one["vpc_id"]) == (wanted["VpcEndpointType"], wanted["VpcId"])
        assert (one["subnet_ids"] or []) == wanted.get("SubnetIds", []) and (one["route_table_ids"] or []) == wanted.get("RouteTableIds", [])
        assert one["private_dns_enabled"] == wanted.get("PrivateDnsEnabled")
        assert statements(one["policy"]) == statements(wanted["PolicyDocument"])
    for one in plan.all("aws_vpc_security_group_ingress_rule").values():
        ((_, group),) = template("AWS::EC2::SecurityGroup").items()
        (wanted,) = group["SecurityGroupIngress"]
        assert (one["ip_protocol"], one["from_port"], one["to_port"]) == (wanted["IpProtocol"], wanted["FromPort"], wanted["ToPort"])
        assert one["referenced_security_group_id"] == wanted["SourceSecurityGroupId"]
    assert not expected


def test_outputs_are_the_templates():
    declared = planned().configuration["outputs"]
    assert set(declared) == {snake(name) for name in render.source()["Outputs"]}
    values = {name: one.get("value") for name, one in planned().outputs.items()}
    expected = {snake(name): one["Value"] for name, one in render.outputs().items()}
    assert {name for name, value in values.items() if value is not None} == set(expected)
    for name, value in values.items():
        if isinstance(value, str) and not value.startswith("((") and isinstance(expected[name], str):
            assert value == expected[name], name


def test_packages_come_from_a_folder_or_from_a_bucket_and_not_from_both():
    local = planned().all("aws_lambda_function")
    stored = planned(packages_dir="", packages_bucket="releases", packages_prefix="v1/").all("aws_lambda_function")
    for name in FUNCTIONS:
        assert local[name]["filename"].endswith(f"/{name}-x86_64.zip") and local[name]["source_code_hash"] and local[name]["s3_key"] is None
        assert (stored[name]["s3_bucket"], stored[name]["s3_key"]) == ("releases", f"v1/{name}-x86_64.zip") and stored[name]["filename"] is None
    for more in ({"packages_dir": ""}, {"packages_bucket": "releases"}):
        with pytest.raises(Refused, match="One of packages_dir and packages_bucket"):
            planned(**more)


def test_a_long_name_stays_within_the_limits_of_each_service():
    name = "Abcdefghij-abcdefghij-abcdefghij-abcdefghij-ab"
    plan = planned(name=name)
    assert all(len(one["function_name"]) <= 64 for one in plan.all("aws_lambda_function").values())
    assert all(len(one["name_prefix"]) <= 38 for one in plan.all("aws_iam_role").values())
    for one in plan.all("aws_s3_bucket").values():
        assert len(one["bucket_prefix"]) <= 37 and one["bucket_prefix"] == one["bucket_prefix"].lower()
    with pytest.raises(Refused, match="at most 46"):
        planned(name=name + "c")


AWS = """#!/usr/bin/env python3
import json, os, sys
with open(os.environ["CALLS"], "a") as calls:
    calls.write(json.dumps(sys.argv[1:]) + "\\n")
if sys.argv[2] == "get-alias":
    print("3")
if sys.argv[2] == "create-deployment":
    print("d-1")
if sys.argv[2] == "wait":
    sys.exit(int(os.environ["OUTCOME"]))
"""


@pytest.mark.parametrize("version, outcome, calls, code", [("3", "0", 1, 0), ("4", "0", 3, 0), ("4", "255", 3, 255)], ids=["there", "moved", "went-back"])
def test_the_alias_is_moved_by_a_deployment(tmp_path, version, outcome, calls, code):
    program = tmp_path / "aws"
    program.write_text(AWS)
    program.chmod(0o755)
    log = tmp_path / "calls"
    environment = {
        **os.environ, "PATH": f"{tmp_path}:{os.environ['PATH']}", "CALLS": str(log), "OUTCOME": outcome,
        "APPLICATION": "cxone-insights", "GROUP": "cxone-insights-data-action", "FUNCTION": "cxone-insights-data-action", "VERSION": version,
    }
    done = subprocess.run([MODULE / "rollout.sh"], env=environment, text=True, capture_output=True)
    assert done.returncode == code, done.stderr
    asked = [json.loads(line) for line in log.read_text().splitlines()]
    assert len(asked) == calls
    if calls > 1:
        revision = json.loads(asked[1][asked[1].index("--revision") + 1])
        assert revision["revisionType"] == "AppSpecContent"
        (resource,) = json.loads(revision["appSpecContent"]["content"])["Resources"]
        properties = resource["cxone-insights-data-action"]["Properties"]
        assert properties == {"Name": "cxone-insights-data-action", "Alias": "live", "CurrentVersion": "3", "TargetVersion": "4"}
        assert asked[2][-2:] == ["--deployment-id", "d-1"]
