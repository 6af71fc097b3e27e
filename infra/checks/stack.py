"""The translated template as a stack of moto's CloudFormation, as far as moto goes."""

import io
import json
import zipfile

import boto3

import render

# What moto cannot create, with what happens instead. The test fails when moto learns one, so that the list stays true.
NOT_CREATED = {
    "AWS::ApiGatewayV2::Api": "moto has the service, but not in CloudFormation",
    "AWS::ApiGatewayV2::Stage": "the same",
    "AWS::CloudWatch::Dashboard": "not implemented",
    "AWS::CodeDeploy::Application": "not in CloudFormation",
    "AWS::CodeDeploy::DeploymentGroup": "not in CloudFormation",
    "AWS::Lambda::Alias": "not in CloudFormation",
    "AWS::Lambda::Version": "moto does not resolve the name of its function",
    "AWS::Lambda::EventInvokeConfig": "not in CloudFormation",
    "AWS::S3::BucketPolicy": "not in CloudFormation",
    "AWS::SQS::QueuePolicy": "not in CloudFormation",
    "AWS::SNS::TopicPolicy": "not in CloudFormation",
}


def document(parameters=None):
    """Returns the rendered template with what moto cannot resolve by itself put in."""
    text = json.dumps({"Resources": render.rendered(parameters), "Outputs": render.outputs(parameters)})
    # An attribute that moto does not have.
    whole = json.loads(text.replace("${ReportMap.StateMachineRevisionId}", "INITIAL"))
    resources = whole["Resources"]
    for name in [name for name, one in resources.items() if one["Type"] in NOT_CREATED]:
        del resources[name]
    return json.loads(json.dumps(whole).replace("FunctionAliaslive", "Function").replace("${HttpApi}", "api-id"))


def create(endpoint, parameters=None, name="cxone-insights"):
    """Creates the stack and returns moto's description of it."""
    client = lambda service: boto3.client(
        service, endpoint_url=endpoint, region_name="eu-central-1", aws_access_key_id="test", aws_secret_access_key="test"
    )
    whole = document(parameters)
    client("s3").create_bucket(Bucket="packages", CreateBucketConfiguration={"LocationConstraint": "eu-central-1"})
    package = io.BytesIO()
    with zipfile.ZipFile(package, "w") as archive:
        archive.writestr("bootstrap", "#!/bin/sh\n")
    for one in whole["Resources"].values():
        if one["Type"] == "AWS::Lambda::Function":
            client("s3").put_object(Bucket="packages", Key=one["Properties"]["Code"]["S3Key"], Body=package.getvalue())
    formation = client("cloudformation")
    formation.create_stack(
        StackName=name,
        TemplateBody=json.dumps(whole),
        Capabilities=["CAPABILITY_IAM"],
    )
    return formation.describe_stacks(StackName=name)["Stacks"][0], formation.list_stack_resources(StackName=name)["StackResourceSummaries"]
