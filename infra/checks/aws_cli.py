"""The AWS CLI 2 as far as the guide and the runbooks use it, over the same models of the services. The real one is no Python package."""

import base64
import json
import os
import re
import sys

import botocore.exceptions
import botocore.parsers
import botocore.session
import jmespath
from botocore import xform_name

SWITCHES = {"no-cli-pager"}
GLOBAL = {"query", "output", "cli-binary-format", "max-items", "page-size", "starting-token", "region"}


class Refused(Exception):
    """The command is wrong, as the CLI would say."""


def main(arguments):
    service, operation, *rest = arguments
    if (service, operation) == ("configure", "export-credentials"):
        for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
            print(f"export {name}={os.environ[name]}")
        return
    session = botocore.session.get_session()
    if session.get_config_variable("region") is None and "--region" not in rest:
        raise Refused("You must specify a region. You can also configure your region by running \"aws configure\".")
    if (service, operation) == ("logs", "tail"):
        return tail(session, rest)
    service = {"s3api": "s3"}.get(service, service)
    if service not in session.get_available_services():
        raise Refused(f"argument command: Invalid choice: {service}")
    client = session.create_client(service)
    names = {xform_name(name, "-"): name for name in client.meta.service_model.operation_names}
    if operation not in names:
        raise Refused(f"argument operation: Invalid choice: {operation}")
    model = client.meta.service_model.operation_model(names[operation])
    given, options, positional = parsed(model, rest)
    if (service, operation) == ("lambda", "invoke"):
        if isinstance(given.get("Payload"), bytes) and options.get("cli-binary-format") != "raw-in-base64-out":
            given["Payload"] = base64.b64decode(given["Payload"], validate=True)
        if len(positional) != 1:
            raise Refused("the following arguments are required: outfile")
    elif positional:
        raise Refused(f"Unknown options: {', '.join(positional)}")
    method = xform_name(names[operation])
    if client.can_paginate(method):
        config = {"MaxItems": int(options["max-items"])} if "max-items" in options else {}
        answer = client.get_paginator(method).paginate(**given, PaginationConfig=config).build_full_result()
    else:
        answer = getattr(client, method)(**given)
        answer.pop("ResponseMetadata", None)
    if (service, operation) == ("lambda", "invoke"):
        body = answer.pop("Payload").read()
        with open(positional[0], "wb") as file:
            file.write(body)
    if "query" in options:
        answer = jmespath.search(options["query"], answer)
    show(answer, options.get("output", "json"))


def parsed(model, rest):
    """Returns the arguments of the operation, the CLI's own options and what stands alone."""
    shape = model.input_shape
    members = {xform_name(name, "-"): (name, one) for name, one in (shape.members if shape else {}).items()}
    if model.name == "PublishLayerVersion":
        members["zip-file"] = ("Content", members["content"][1].members["ZipFile"])
    given, options, positional = {}, {}, []
    while rest:
        word = rest.pop(0)
        if not word.startswith("--"):
            positional.append(word)
            continue
        name = word[2:]
        if name in SWITCHES:
            continue
        if name in GLOBAL and name not in members:
            options[name] = rest.pop(0)
            continue
        if name.startswith("no-") and name[3:] in members and members[name[3:]][1].type_name == "boolean":
            given[members[name[3:]][0]] = False
            continue
        if name not in members:
            raise Refused(f"Unknown options: {word}")
        member, kind = members[name]
        values = []
        if kind.type_name != "boolean":
            # A list takes words up to the next option, everything else takes one.
            while rest and not rest[0].startswith("--") and (kind.type_name == "list" or not values):
                values.append(rest.pop(0))
            if not values:
                raise Refused(f"argument {word}: expected one argument")
        value = converted(kind, values)
        given[member] = {"ZipFile": value} if name == "zip-file" and member == "Content" else value
    missing = [name for name in (shape.required_members if shape else []) if name not in given]
    if missing:
        raise Refused(f"the following arguments are required: {', '.join('--' + xform_name(one, '-') for one in missing)}")
    return given, options, positional


def converted(kind, values):
    """Returns the value of an option in the type of its member."""
    if kind.type_name == "boolean":
        return True
    text = values[0]
    if text.startswith("fileb://"):
        with open(text.removeprefix("fileb://"), "rb") as file:
            return file.read()
    if text.startswith("file://"):
        with open(text.removeprefix("file://")) as file:
            text = file.read()
        values = [text]
    if kind.type_name in ("integer", "long"):
        return int(text)
    if kind.type_name in ("float", "double"):
        return float(text)
    if kind.type_name == "blob":
        return text.encode()
    if kind.type_name == "list":
        return json.loads(text) if text.startswith("[") else values
    if kind.type_name in ("structure", "map"):
        return json.loads(text) if text.lstrip().startswith("{") else dict(one.split("=", 1) for one in text.split(","))
    return text


def tail(session, rest):
    """Shows what a log group holds."""
    group = rest.pop(0)
    options = {}
    while rest:
        word = rest.pop(0)
        if word not in ("--since", "--filter-pattern", "--format"):
            raise Refused(f"Unknown options: {word}")
        options[word] = rest.pop(0)
    if not re.fullmatch(r"\d+[smhdw]", options.get("--since", "10m")):
        raise Refused("--since must be a time such as 5m")
    pattern = {"filterPattern": options["--filter-pattern"]} if "--filter-pattern" in options else {}
    for page in session.create_client("logs").get_paginator("filter_log_events").paginate(logGroupName=group, **pattern):
        for event in page["events"]:
            print(event["message"])


def show(answer, output):
    """Prints an answer as the CLI does."""
    if output != "text":
        if answer not in (None, {}, ""):
            print(json.dumps(answer, indent=4, default=str))
        return
    for row in answer if isinstance(answer, list) and any(isinstance(one, list) for one in answer) else [answer]:
        print("\t".join(str(one) for one in row) if isinstance(row, list) else str(row))


if __name__ == "__main__":
    try:
        main(sys.argv[1:])
    except Refused as refused:
        print(f"aws: error: {refused}", file=sys.stderr)
        sys.exit(252)
    except (botocore.exceptions.ClientError, botocore.exceptions.BotoCoreError, botocore.parsers.ResponseParserError) as failure:
        print(f"aws: {failure}", file=sys.stderr)
        sys.exit(254)
