#!/usr/bin/env bash
# Lets CodeDeploy move the alias `live` of a function to a version, and fails where the alias went back. Terraform calls it with the
# variables APPLICATION, GROUP, FUNCTION and VERSION; it needs the AWS CLI 2 with the credentials that Terraform has.
set -euo pipefail

current=$(aws lambda get-alias --function-name "$FUNCTION" --name live --query FunctionVersion --output text)
if [[ $current == "$VERSION" ]]; then
    exit 0
fi

content="{\"version\":0.0,\"Resources\":[{\"$FUNCTION\":{\"Type\":\"AWS::Lambda::Function\",\"Properties\":{\"Name\":\"$FUNCTION\",\"Alias\":\"live\",\"CurrentVersion\":\"$current\",\"TargetVersion\":\"$VERSION\"}}}]}"
escaped=${content//\"/\\\"}
deployment=$(aws deploy create-deployment --application-name "$APPLICATION" --deployment-group-name "$GROUP" \
    --revision "{\"revisionType\":\"AppSpecContent\",\"appSpecContent\":{\"content\":\"$escaped\"}}" --query deploymentId --output text)
echo "$FUNCTION: version $current hands over to version $VERSION by deployment $deployment"
# Looks every 15 seconds, for half an hour at most, and fails as soon as the deployment did.
aws deploy wait deployment-successful --deployment-id "$deployment"
