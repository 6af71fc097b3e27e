"""The guide and the runbooks: every shell block is valid shell, each AWS command exists with its options, and every variable was exported before."""

import json
import re
import subprocess

import botocore.session
import pytest
from botocore import xform_name

import render

PAGES = sorted((render.INFRA / "docs").rglob("*.md"))
GUIDE = render.INFRA / "docs" / "deploy.md"
# Options of every command, and of the commands that the CLI adds to a service's operations.
GLOBAL = {"query", "output", "cli-binary-format", "max-items", "page-size", "starting-token", "no-cli-pager", "profile", "region"}
CUSTOM = {("logs", "tail"): {"since", "filter-pattern", "follow", "format"}, ("configure", "export-credentials"): {"format"}}
SESSION = botocore.session.get_session()


def blocks(page):
    """Returns the shell blocks of a page."""
    for match in re.finditer(r"^( *)```sh\n(.*?)^\1```", page.read_text(), re.M | re.S):
        yield re.sub(f"^{match[1]}", "", match[2], flags=re.M)


def inline(page):
    """Returns the AWS commands that stand in a sentence or a table."""
    text = re.sub(r"```.*?```", "", page.read_text(), flags=re.S)
    for match in re.finditer(r"`(aws [^`]+)`", text):
        yield match[1]


def aws_commands(shell):
    """Returns the arguments of each AWS command of a text."""
    joined = shell.replace("\\\n", " ")
    for match in re.finditer(r"(?<![\w-])aws ((?:[a-z0-9-]+) (?:[a-z0-9-]+)[^\n]*)", joined):
        command = match[1]
        yield command


def problems(command):
    """Says what the AWS CLI would refuse of a command."""
    service, operation, *_ = command.split()
    options = set(re.findall(r"(?<!\S)--([a-z][a-z0-9-]+)", command.split(" | ")[0]))
    if (service, operation) in CUSTOM:
        unknown = options - CUSTOM[service, operation] - GLOBAL
        return [f"{command}: no option {one}" for one in sorted(unknown)]
    service = {"s3api": "s3"}.get(service, service)
    if service not in SESSION.get_available_services():
        return [f"{command}: no service {service}"]
    model = SESSION.get_service_model(service)
    names = {xform_name(name, "-"): name for name in model.operation_names}
    if operation not in names:
        return [f"{command}: no operation {operation}"]
    shape = model.operation_model(names[operation]).input_shape
    members = {xform_name(name, "-"): one for name, one in (shape.members if shape else {}).items()}
    # The CLI takes the package of a layer apart from the rest of `content`.
    if (service, operation) == ("lambda", "publish-layer-version"):
        options = options - {"zip-file"} | {"content"}
    found = []
    for option in sorted(options - GLOBAL):
        positive = option.removeprefix("no-")
        is_switch = positive in members and members[positive].type_name == "boolean"
        if option not in members and not is_switch:
            found.append(f"{command}: no option {option}")
    # A sentence may name an operation alone.
    for required in shape.required_members if shape and options else []:
        name = xform_name(required, "-")
        if name not in options and f"no-{name}" not in options:
            found.append(f"{command}: lacks {name}")
    if (service, operation) == ("lambda", "invoke") and "payload" in options:
        if "cli-binary-format" not in options:
            found.append(f"{command}: the payload would have to be base64")
    return found


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_block_is_valid_shell(page):
    for block in blocks(page):
        checked = subprocess.run(["bash", "-n"], input=block, text=True, capture_output=True)
        assert checked.returncode == 0, f"{block}\n{checked.stderr}"


def test_every_aws_command_exists_with_its_options():
    commands = [one for page in PAGES for text in [*blocks(page), *inline(page)] for one in aws_commands(text)]
    assert len(commands) >= 30
    wrong = [problem for command in commands for problem in problems(command.split(" > ")[0])]
    assert not wrong, "\n".join(wrong)


def test_the_region_is_set_for_every_tool_before_anything_else():
    first = next(blocks(GUIDE))
    assert "AWS_REGION=" in first and "AWS_DEFAULT_REGION=" in first
    region = re.search(r"AWS_REGION=(\S+)", first)[1]
    assert set(re.findall(r'^region = "(.*)"', (render.INFRA / "sam" / "samconfig.example.toml").read_text(), re.M)) == {region}


def test_every_variable_is_exported_before_it_is_used():
    known = {"PATH", "PWD", "EDITOR", "HOME", "PYTHON"}
    exported = set()
    for page in [GUIDE, *[page for page in PAGES if page != GUIDE]]:
        own = set()
        for block in blocks(page):
            for name in re.findall(r"^\s*(?:export )?(?:[A-Za-z_]+=\S* )*?([A-Za-z_]+)=", block, re.M):
                own.add(name)
            own |= set(re.findall(r"\b([A-Za-z_]+)=", block)) | set(re.findall(r"\bfor (\w+) in", block))
            used = set(re.findall(r"\$\{?([A-Za-z_]+)", re.sub(r"'[^']*'", "", block)))
            missing = used - known - own - exported
            assert not missing, f"{page.name}: {missing} in\n{block}"
        if page == GUIDE:
            exported = own


def test_what_is_removed_is_named_exactly():
    text = GUIDE.read_text()
    assert "contains(logGroupName" not in text
    resources = render.rendered({"Monitoring": "none"})
    groups = {one["Properties"]["LogGroupName"] for one in resources.values() if one["Type"] == "AWS::Logs::LogGroup"}
    functions = re.search(r"for function in ([a-z -]+); do\n  aws logs", text)[1].split()
    named = {f"/aws/lambda/$STACK-{name}" for name in functions}
    named |= set(re.findall(r'delete-log-group --log-group-name "([^"]*\$STACK[^"]*)"', text)) - {"/aws/lambda/$STACK-$function"}
    assert {name.replace("$STACK", "cxone-insights") for name in named} == groups


def test_every_output_that_is_exported_exists():
    outputs = set(render.source()["Outputs"]) | {"DatabaseMasterSecretArn"}
    named = set(re.findall(r"\$\(output (\w+)\)", GUIDE.read_text()))
    assert named and named <= outputs, named - outputs


def test_the_first_deployment_asks_nothing_and_can_be_repeated():
    assert "--guided" not in GUIDE.read_text()
    config = (render.INFRA / "sam" / "samconfig.example.toml").read_text()
    assert config.count('on_failure = "DELETE"') == 2
    # The build must read the processor too.
    for name in ("dev", "prod"):
        section = re.search(rf"\[{name}\.global\.parameters\]\n(.*?)\n\[", config, re.S)[1]
        assert "Architecture=" in section, name
    ignored = (render.INFRA.parent / ".gitignore").read_text().split()
    assert "/infra/sam/samconfig.toml" in ignored


def test_the_deployment_policy_allows_each_type_of_resource():
    policy = json.loads((render.INFRA / "docs" / "deployment-policy.json").read_text())
    services = {action.split(":")[0] for one in policy["Statement"] for action in one["Action"]}
    needed = {
        "ApiGatewayV2": "apigateway", "CloudWatch": "cloudwatch", "CodeDeploy": "codedeploy", "DynamoDB": "dynamodb", "EC2": "ec2", "Events": "events",
        "IAM": "iam", "Lambda": "lambda", "Logs": "logs", "S3": "s3", "SNS": "sns", "SQS": "sqs", "SecretsManager": "secretsmanager", "StepFunctions": "states",
    }
    for one in render.translated()["Resources"].values():
        assert needed[one["Type"].split("::")[1]] in services, one["Type"]


def test_the_costs_count_the_alarms_of_the_template():
    alarms = [one["Properties"] for one in render.source()["Resources"].values() if one["Type"] == "AWS::CloudWatch::Alarm"]
    metrics = sum(json.dumps(one).count('"MetricName"') for one in alarms)
    price = f"${metrics * 0.1:.2f}"
    assert f"| {len(alarms)} alarms | {metrics} metrics in all × $0.10 | {price} |" in GUIDE.read_text(), (len(alarms), metrics)
