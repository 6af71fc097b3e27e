"""Creates the resources that the functions need: secret, table, queue with its dead-letter queue, bucket and topic. Standard
input has the settings and the secret as JSON. Resources that exist are left as they are."""

import json
import sys

import boto3
from botocore.exceptions import ClientError

EXISTS = {"ResourceInUseException", "ResourceExistsException", "QueueAlreadyExists", "BucketAlreadyOwnedByYou"}


def client(service, settings):
    return boto3.client(
        service,
        endpoint_url=settings["AWS_ENDPOINT_URL"],
        region_name=settings["AWS_REGION"],
        aws_access_key_id=settings["AWS_ACCESS_KEY_ID"],
        aws_secret_access_key=settings["AWS_SECRET_ACCESS_KEY"],
    )


def made(call, **arguments):
    try:
        return call(**arguments)
    except ClientError as error:
        if error.response["Error"]["Code"] not in EXISTS:
            raise
        return None


def queue(sqs, url, **attributes):
    name = url.rsplit("/", 1)[-1]
    made(sqs.create_queue, QueueName=name, Attributes=attributes)
    return sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]


def main():
    asked = json.load(sys.stdin)
    settings, secret = asked["settings"], asked["secret"]
    made(client("secretsmanager", settings).create_secret, Name=settings["SECRET_ID"], SecretString=json.dumps(secret))
    keys = [("pk", "HASH"), ("sk", "RANGE")]
    dynamo, table = client("dynamodb", settings), settings["STATE_TABLE"]
    if made(
        dynamo.create_table,
        TableName=table,
        BillingMode="PAY_PER_REQUEST",
        AttributeDefinitions=[{"AttributeName": name, "AttributeType": "S"} for name, _ in keys],
        KeySchema=[{"AttributeName": name, "KeyType": kind} for name, kind in keys],
    ):
        ttl = {"Enabled": True, "AttributeName": "expires_at"}
        dynamo.update_time_to_live(TableName=table, TimeToLiveSpecification=ttl)
    sqs = client("sqs", settings)
    dead = queue(sqs, settings["EMBEDDING_DLQ_URL"])
    redrive = json.dumps({"deadLetterTargetArn": dead, "maxReceiveCount": 960})
    queue(sqs, settings["EMBEDDING_QUEUE_URL"], VisibilityTimeout="360", RedrivePolicy=redrive)
    objects, bucket = client("s3", settings), settings["OBJECT_BUCKET"]
    made(objects.create_bucket, Bucket=bucket)
    objects.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Enabled"})
    client("sns", settings).create_topic(Name=settings["ESCALATION_TOPIC_ARN"].rsplit(":", 1)[-1])


main()
