"""The template as CloudFormation sees it: translated by the SAM translator, with parameters, mappings and conditions resolved."""

import contextlib
import functools
import io
import json
import os
from pathlib import Path

os.environ.setdefault("AWS_DEFAULT_REGION", "eu-central-1")
with contextlib.redirect_stderr(io.StringIO()):
    from samtranslator.translator.transform import transform
    from samtranslator.yaml_helper import yaml_parse

INFRA = Path(__file__).resolve().parent.parent
TEMPLATE = INFRA / "sam" / "template.yaml"
REQUIRED = {"CxoneBaseUrl": "https://cxone.example.com"}
PSEUDO = {
    "AWS::StackName": "cxone-insights",
    "AWS::Region": "eu-central-1",
    "AWS::AccountId": "123456789012",
    "AWS::Partition": "aws",
    "AWS::URLSuffix": "amazonaws.com",
}
NOTHING = object()


class _NoManagedPolicies:
    def load(self):
        return {}


def source(path=TEMPLATE):
    """Returns the template as it is written."""
    return yaml_parse(Path(path).read_text())


@functools.cache
def _translated(parameters, release):
    return _translate(dict(parameters), release)


def translated(parameters=None, release="1"):
    """Returns the template after SAM's translation; `release` stands for the code that was uploaded."""
    return json.loads(json.dumps(_translated(tuple(sorted((parameters or {}).items())), release)))


def _translate(parameters, release):
    document = json.loads(json.dumps(source()))
    for name, resource in document["Resources"].items():
        if resource["Type"] == "AWS::Serverless::Function":
            resource["Properties"]["CodeUri"] = f"s3://packages/{name}-{release}"
    with contextlib.redirect_stderr(io.StringIO()), contextlib.redirect_stdout(io.StringIO()):
        return transform(document, values(document, parameters or {}), _NoManagedPolicies())


def values(document, parameters):
    """Returns every parameter with its value."""
    unknown = set(parameters) - set(document["Parameters"])
    assert not unknown, f"no such parameters: {unknown}"
    given = {**REQUIRED, **parameters}
    return {
        name: str(given.get(name, parameter.get("Default", "")))
        for name, parameter in document["Parameters"].items()
    }


def rendered(parameters=None, release="1"):
    """Returns the resources that a stack with these parameters has; references between resources stay."""
    document = translated(parameters, release)
    resolver = _Resolver(document, values(document, parameters or {}))
    resources = {}
    for name, resource in document["Resources"].items():
        if "Condition" in resource and not resolver.condition(resource["Condition"]):
            continue
        resolved = resolver.value(resource)
        resolved.pop("Condition", None)
        resources[name] = resolved
    return resources


def outputs(parameters=None):
    """Returns the outputs of a stack with these parameters."""
    document = translated(parameters)
    resolver = _Resolver(document, values(document, parameters or {}))
    return {
        name: resolver.value({key: one for key, one in output.items() if key != "Condition"})
        for name, output in document["Outputs"].items()
        if "Condition" not in output or resolver.condition(output["Condition"])
    }


class _Resolver:
    def __init__(self, document, parameters):
        self.document = document
        self.parameters = parameters

    def condition(self, name):
        return self.truth(self.document["Conditions"][name])

    def truth(self, test):
        ((function, arguments),) = test.items()
        if function == "Condition":
            return self.condition(arguments)
        if function == "Fn::Not":
            return not self.truth(arguments[0])
        if function == "Fn::And":
            return all(self.truth(one) for one in arguments)
        if function == "Fn::Or":
            return any(self.truth(one) for one in arguments)
        assert function == "Fn::Equals", function
        left, right = (self.value(one) for one in arguments)
        return str(left) == str(right)

    def value(self, node):
        if isinstance(node, list):
            items = (self.value(one) for one in node)
            return [one for one in items if one is not NOTHING]
        if not isinstance(node, dict):
            return node
        if len(node) == 1:
            ((function, arguments),) = node.items()
            if function == "Ref":
                return self.reference(arguments)
            if function == "Fn::If":
                name, yes, no = arguments
                return self.value(yes if self.condition(name) else no)
            if function == "Fn::FindInMap":
                table, key, column = (self.value(one) for one in arguments)
                return self.document["Mappings"][table][key][column]
            if function == "Fn::Sub":
                return self.substitute(arguments)
            if function == "Fn::Join":
                separator, parts = arguments[0], self.value(arguments[1])
                if isinstance(parts, list) and all(isinstance(one, str) for one in parts):
                    return separator.join(parts)
            if function == "Fn::Split":
                text = self.value(arguments[1])
                if isinstance(text, str):
                    return text.split(arguments[0])
            if function == "Fn::Select":
                choices = self.value(arguments[1])
                if isinstance(choices, list):
                    return choices[int(arguments[0])]
        entries = ((name, self.value(one)) for name, one in node.items())
        return {name: one for name, one in entries if one is not NOTHING}

    def reference(self, name):
        if name == "AWS::NoValue":
            return NOTHING
        if name in PSEUDO:
            return PSEUDO[name]
        return self.parameters.get(name, {"Ref": name})

    def substitute(self, arguments):
        text, names = arguments if isinstance(arguments, list) else (arguments, {})
        own = {name: self.value(one) for name, one in names.items()}
        for name, one in {**PSEUDO, **self.parameters, **own}.items():
            if isinstance(one, str):
                text = text.replace("${" + name + "}", one)
        left = {name: one for name, one in own.items() if "${" + name + "}" in text}
        if left:
            return {"Fn::Sub": [text, left]}
        return {"Fn::Sub": text} if "${" in text else text

