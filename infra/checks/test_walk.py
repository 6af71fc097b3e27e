"""The guide as a newcomer walks it: its shell blocks in their order, in one shell with nothing set, against AWS services by moto.

Blocks that need an account, a build or the Internet stand behind a comment `<!-- not run: why -->`. They are parsed, and the options of their AWS commands are compared
with the models of the services, in test_guide.py."""

import json
import os
import re
import subprocess
import sys

import pytest

import moto_stack
import render
from terraform_module import FUNCTIONS
from test_guide import GUIDE, PAGES

CHECKS = render.INFRA / "checks"
BLOCK = re.compile(r"^( *)(<!-- not run: .*? -->\n *)?```sh\n(.*?)^ *```", re.M | re.S)
# What moto does not know.
NOT_IN_MOTO = {"detect-stack-drift", "describe-stack-resource-drifts", "start-message-move-task", "get-account-settings"}
# Programs that a newcomer has, and that would leave this machine or change it.
STUBS = {
    "curl": 'while [ $# -gt 1 ]; do [ "$1" = -o ] && echo certificate > "$2"; shift; done',
    "zip": 'shift; file=$1; shift; exec "$PYTHON" -m zipfile -c "$file" "$@"',
    "editor": """exec "$PYTHON" -c '
import json, sys
values = {"client_id": "id-1", "client_secret": "secret-1", "webhook_secret": "w" * 32, "database_url": "postgresql://user:password@host:5432/d?sslmode=verify-full"}
path = sys.argv[1]
known = json.load(open(path))
json.dump({**known, **{name: value for name, value in values.items() if name in known}}, open(path, "w"), indent=1)
' "$1\"""",
}


def blocks(page):
    """Returns the blocks of a page that can be run."""
    for match in BLOCK.finditer(page.read_text()):
        indent, not_run, text = match.groups()
        if not not_run:
            yield re.sub(f"^{indent}", "", text, flags=re.M)


class Shell:
    """The shell of a newcomer, in a copy of what the guide's commands touch."""

    def __init__(self, folder, endpoint):
        programs = folder / "programs"
        programs.mkdir()
        stubs = {**STUBS, "aws": f'exec "$PYTHON" {CHECKS}/aws_cli.py "$@"'}
        for name, text in stubs.items():
            (programs / name).write_text(f"#!/bin/sh\n{text}\n")
            (programs / name).chmod(0o755)
        self.folder = folder / "cxone-insights"
        self.folder.mkdir()
        # Nothing of the user's shell, and nothing of the configuration of AWS but who he is.
        self.environment = {
            "PATH": f"{programs}:{os.environ['PATH']}", "HOME": str(folder), "EDITOR": "editor", "PYTHON": sys.executable,
            "AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test", "AWS_EC2_METADATA_DISABLED": "true", "AWS_ENDPOINT_URL": endpoint, "AWS_MAX_ATTEMPTS": "1",
        }
        self.exports = folder / "exports"
        self.output = ""

    def run(self, blocks):
        """Runs blocks one after the other, and returns what failed in them. What a part exports is there in the next one."""
        restored = f". {self.exports}\n" if self.exports.exists() else ""
        # As a person would see it: a command that fails stops nothing, and a variable that is not set is an error.
        script = restored + "set -Euo pipefail\ntrap 'echo \"@@failed $BASH_COMMAND\" >&2' ERR\n"
        script += "\n".join(blocks) + f"\necho @@done >&2\nexport -p > {self.exports}\n"
        done = subprocess.run(["bash", "-c", script], cwd=self.folder, env=self.environment, text=True, capture_output=True, timeout=300)
        self.output += done.stdout
        failed, said = [], []
        for line in done.stderr.splitlines():
            if line.startswith("@@failed "):
                # A pipe or a substitution that failed for the same reason is told of again.
                if said:
                    failed.append((line.removeprefix("@@failed "), "\n".join(said)))
                said = []
            else:
                said.append(line)
        if "@@done" not in said:
            failed.append(("the shell ended", "\n".join(said)))
        return failed


@pytest.fixture(scope="module")
def walk(tmp_path_factory, fresh_moto):
    """Walks the guide up to the removal, and the runbooks after it, in the same shell."""
    client = moto_stack.clients(fresh_moto)
    shell = Shell(tmp_path_factory.mktemp("newcomer"), fresh_moto)
    guide = list(blocks(GUIDE))
    first = next(index for index, one in enumerate(guide) if "$STACK-StateTable-" in one) + 1
    last = next(index for index, one in enumerate(guide) if 'delete-table --table-name "$TABLE"' in one)
    # What a first deployment that failed leaves behind.
    client("dynamodb").create_table(
        TableName=f"{moto_stack.STACK}-StateTable-0ABC", BillingMode="PAY_PER_REQUEST", DeletionProtectionEnabled=True,
        AttributeDefinitions=[{"AttributeName": "pk", "AttributeType": "S"}], KeySchema=[{"AttributeName": "pk", "KeyType": "HASH"}],
    )
    failed = shell.run(guide[:first])
    orphans = client("dynamodb").list_tables()["TableNames"]
    stack = moto_stack.Stack(client)
    outputs = stack.create()
    # What there is after some time: older versions, a report map that failed, and the log that the database of the CDK app has.
    client("stepfunctions").start_execution(stateMachineArn=outputs["ReportMapArn"], name="november")
    client("logs").create_log_group(logGroupName=f"/aws/rds/cluster/{moto_stack.STACK}-vectors/postgresql")
    for name in FUNCTIONS:
        client("lambda").publish_version(FunctionName=f"{moto_stack.STACK}-{name}", Description="an older one")
    failed += shell.run(guide[first:last])
    runbooks = [one for page in PAGES if page.parent.name == "runbooks" for one in blocks(page)]
    failed += shell.run(runbooks)
    return {"client": client, "shell": shell, "outputs": outputs, "orphans": orphans, "failed": failed, "removal": guide[last:], "runbooks": len(runbooks)}


def unexpected(failed):
    """Returns failures that are not moto's own gaps."""
    return [one for one in failed if not any(gap in one[0] for gap in NOT_IN_MOTO)]


def test_every_command_of_guide_and_runbooks_works_in_its_order(walk):
    assert walk["runbooks"] >= 10
    assert not unexpected(walk["failed"]), "\n".join(map(str, walk["failed"]))
    gaps = {gap for gap in NOT_IN_MOTO if any(gap in command for command, _ in walk["failed"])}
    assert gaps == NOT_IN_MOTO, f"moto knows more than before: {NOT_IN_MOTO - gaps}"


def test_what_a_failed_first_deployment_leaves_is_removed(walk):
    assert walk["orphans"] == []


def test_the_secrets_have_the_values_that_were_put_in(walk):
    def value(name):
        return json.loads(walk["client"]("secretsmanager").get_secret_value(SecretId=walk["outputs"][name])["SecretString"])

    assert value("ContactCenterSecretArn") == {"client_id": "id-1", "client_secret": "secret-1"}
    callers = value("CallersSecretArn")
    assert callers["webhook_secret"] == "w" * 32 and len(callers["api_key"]) == 48 and callers["api_keys"] == []
    assert value("DatabaseSecretArn")["database_url"].startswith("postgresql://")
    assert "secret-1" not in walk["shell"].output


def test_a_layer_with_the_certificates_was_published(walk):
    assert f"layer:rds-ca:1" in walk["shell"].output


def test_the_alias_went_back_to_the_version_before(walk):
    alias = walk["client"]("lambda").get_alias(FunctionName=f"{moto_stack.STACK}-data-action", Name="live")
    versions = walk["client"]("lambda").list_versions_by_function(FunctionName=f"{moto_stack.STACK}-data-action")["Versions"]
    assert alias["FunctionVersion"] == versions[-2]["Version"]


def test_everything_that_holds_data_can_be_removed(walk):
    client, outputs = walk["client"], walk["outputs"]
    bucket = outputs["ObjectBucketName"]
    # More than one call takes.
    for number in range(1001):
        client("s3").put_object(Bucket=bucket, Key=f"archive/{number}.jsonl", Body=b"{}")
    failed = walk["shell"].run(walk["removal"])
    assert not unexpected(failed), "\n".join(map(str, failed))
    assert outputs["StateTableName"] not in client("dynamodb").list_tables()["TableNames"]
    left = {one["Name"] for one in client("s3").list_buckets()["Buckets"]}
    assert not left & {bucket, outputs["AccessLogBucketName"]}
    assert [one["logGroupName"] for one in client("logs").describe_log_groups()["logGroups"]] == [f"/aws/rds/cluster/{moto_stack.STACK}-vectors/postgresql"]
    for name in ("CallersSecretArn", "ContactCenterSecretArn", "DatabaseSecretArn", "ProvidersSecretArn"):
        assert "DeletedDate" in client("secretsmanager").describe_secret(SecretId=outputs[name])
