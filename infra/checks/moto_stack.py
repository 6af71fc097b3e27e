"""The translated template as a stack on moto's CloudFormation, as far as moto goes, for tests that need a stack to talk to."""

import io
import json
import re
import zipfile

import boto3
from botocore.config import Config

import render

STACK = render.PSEUDO["AWS::StackName"]
ACCOUNT = render.PSEUDO["AWS::AccountId"]
REGION = render.PSEUDO["AWS::Region"]
FUNCTION_ARN = f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:{STACK}-"

# What moto's CloudFormation cannot make. Those with a service are made by a call of it; the others are left out.
CANNOT_CREATE = {
    "AWS::ApiGatewayV2::Api": "apigatewayv2",
    "AWS::ApiGatewayV2::Stage": None,
    "AWS::CloudWatch::Alarm": "cloudwatch",
    "AWS::CodeDeploy::Application": None,
    "AWS::CodeDeploy::DeploymentGroup": None,
    "AWS::Lambda::Alias": "lambda",
    "AWS::Lambda::EventInvokeConfig": None,
    "AWS::S3::BucketPolicy": "s3",
    "AWS::SNS::Subscription": None,
    "AWS::SNS::TopicPolicy": None,
    "AWS::SQS::QueuePolicy": None,
    "AWS::SecretsManager::Secret": "secretsmanager",
}
# What it can make and fails to make here: versions, and what needs an alias, which it cannot make.
FAILS_TO_CREATE = {"AWS::Lambda::Version": "lambda", "AWS::Lambda::EventSourceMapping": "lambda", "AWS::Lambda::Permission": "lambda"}
# Attributes that it does not know.
UNKNOWN_ATTRIBUTES = {("AWS::StepFunctions::StateMachine", "StateMachineRevisionId"): "revision-1"}


def clients(endpoint):
    """Returns a function that makes clients of services at one address."""
    return lambda service: boto3.client(
        service, endpoint_url=endpoint, region_name=REGION, aws_access_key_id="test", aws_secret_access_key="test", config=Config(retries={"total_max_attempts": 1})
    )


def package():
    """Returns an archive like that of a function."""
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w") as archive:
        archive.writestr("bootstrap", "program")
    return data.getvalue()


class Stack:
    """A stack whose template moto takes, with what it cannot make made beside it."""

    def __init__(self, client, parameters=None):
        self.client = client
        self.parameters = {**render.REQUIRED, **(parameters or {})}
        self.document = render.translated(self.parameters)
        self.resources = self.document["Resources"]
        self.stand_ins = {}

    def create(self):
        """Creates the stack, and returns its outputs."""
        packages = self.client("s3")
        packages.create_bucket(Bucket="packages", CreateBucketConfiguration={"LocationConstraint": REGION})
        for one in self.resources.values():
            if one["Type"] == "AWS::Lambda::Function":
                packages.put_object(Bucket="packages", Key=one["Properties"]["Code"]["S3Key"], Body=package())
        self.make_secrets()
        self.make_api()
        for name, one in self.resources.items():
            if one["Type"] == "AWS::Lambda::Alias":
                function = one["Properties"]["FunctionName"]["Ref"]
                self.stand_ins[name] = f"{FUNCTION_ARN}{self.function_name(function)}:live"
        template = self.template()
        formation = self.client("cloudformation")
        formation.create_stack(
            StackName=STACK,
            TemplateBody=json.dumps(template),
            Parameters=[{"ParameterKey": name, "ParameterValue": value} for name, value in self.parameters.items()],
            Capabilities=["CAPABILITY_IAM"],
        )
        for one in self.resources.values():
            if one["Type"] == "AWS::Lambda::Alias":
                name = f"{STACK}-{self.function_name(one['Properties']['FunctionName']['Ref'])}"
                version = self.client("lambda").publish_version(FunctionName=name)["Version"]
                self.client("lambda").create_alias(FunctionName=name, Name=one["Properties"]["Name"], FunctionVersion=version)
        for name, one in self.resources.items():
            if one["Type"] == "AWS::Lambda::Permission":
                function, qualifier = self.stand_ins[one["Properties"]["FunctionName"]["Ref"]].rsplit(":", 2)[1:]
                principal = one["Properties"]["Principal"]
                self.client("lambda").add_permission(FunctionName=function, Qualifier=qualifier, StatementId=name, Action="lambda:InvokeFunction", Principal=principal)
        return self.outputs()

    def outputs(self):
        """Returns the outputs of the stack."""
        (stack,) = self.client("cloudformation").describe_stacks(StackName=STACK)["Stacks"]
        assert stack["StackStatus"] == "CREATE_COMPLETE", stack
        return {one["OutputKey"]: one["OutputValue"] for one in stack["Outputs"]}

    def function_name(self, logical):
        return self.resources[logical]["Properties"]["FunctionName"]["Fn::Sub"].removeprefix("${AWS::StackName}-")

    def make_secrets(self):
        """Makes the secrets with the values that CloudFormation would give them."""
        for name, one in self.resources.items():
            if one["Type"] != "AWS::SecretsManager::Secret":
                continue
            properties = one["Properties"]
            text = properties.get("SecretString")
            if text is None:
                generated = properties["GenerateSecretString"]
                text = json.dumps({**json.loads(generated["SecretStringTemplate"]), generated["GenerateStringKey"]: "g" * generated["PasswordLength"]})
            made = self.client("secretsmanager").create_secret(Name=f"{STACK}-{name}", SecretString=text)
            self.stand_ins[name] = made["ARN"]

    def make_api(self):
        """Makes the API, without routes."""
        for name, one in self.resources.items():
            if one["Type"] == "AWS::ApiGatewayV2::Api":
                self.stand_ins[name] = self.client("apigatewayv2").create_api(Name=STACK, ProtocolType="HTTP")["ApiId"]

    def template(self):
        """Returns the template without what moto cannot make, and with its stand-ins."""
        left_out = {name for name, one in self.resources.items() if one["Type"] in {*CANNOT_CREATE, *FAILS_TO_CREATE}}
        document = {**self.document, "Resources": {name: one for name, one in self.resources.items() if name not in left_out}}
        # Maps are looked up by the text of a number, which moto takes for a number.
        resolver = render._Resolver(self.document, render.values(self.document, self.parameters))
        return self.prepared(document, left_out, resolver)

    def prepared(self, node, left_out, resolver):
        if isinstance(node, list):
            return [self.prepared(one, left_out, resolver) for one in node]
        if isinstance(node, str):
            return self.replaced(node)
        if not isinstance(node, dict):
            return node
        if set(node) == {"Fn::FindInMap"}:
            return resolver.value(node)
        if set(node) == {"Ref"} and node["Ref"] in left_out:
            return self.stand_ins[node["Ref"]]
        if set(node) == {"Fn::GetAtt"}:
            name, attribute = node["Fn::GetAtt"]
            if (self.resources[name]["Type"], attribute) in UNKNOWN_ATTRIBUTES:
                return UNKNOWN_ATTRIBUTES[self.resources[name]["Type"], attribute]
        prepared = {key: self.prepared(one, left_out, resolver) for key, one in node.items() if key != "DependsOn"}
        depends = node.get("DependsOn")
        if isinstance(depends, list):
            prepared["DependsOn"] = [one for one in depends if one not in left_out]
        elif depends is not None and depends not in left_out:
            prepared["DependsOn"] = depends
        return prepared

    def replaced(self, text):
        """Puts the stand-ins into a text of `Fn::Sub`."""
        for name, value in self.stand_ins.items():
            text = text.replace("${" + name + "}", value)
        for (kind, attribute), value in UNKNOWN_ATTRIBUTES.items():
            for name in re.findall(r"\$\{(\w+)\." + attribute + r"\}", text):
                if self.resources[name]["Type"] == kind:
                    text = text.replace("${" + name + "." + attribute + "}", value)
        return text
