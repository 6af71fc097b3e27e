# What each function may call: its own log group, its own secrets and its own part of the stores.
locals {
  functions_arn = "arn:${local.partition}:lambda:${local.region}:${local.account}:function:${var.name}"
  secret_arns   = { for audience, secret in aws_secretsmanager_secret.audience : audience => secret.arn }

  common_statements = {
    for function in local.function_names : function => [
      {
        Sid      = "Logs"
        Effect   = "Allow"
        Action   = ["logs:CreateLogStream", "logs:PutLogEvents"]
        Resource = "${aws_cloudwatch_log_group.function[function].arn}:*"
      },
      {
        Sid      = "Traces"
        Effect   = "Allow"
        Action   = ["xray:PutTraceSegments", "xray:PutTelemetryRecords"]
        Resource = "*"
      },
      {
        Sid      = "Secrets"
        Effect   = "Allow"
        Action   = ["secretsmanager:GetSecretValue"]
        Resource = [for audience in local.readable_secrets[function] : local.secret_arns[audience]]
      },
    ]
  }

  readable_secrets = {
    data-action       = ["callers", "providers"]
    webhook-receiver  = ["callers"]
    embedding-writer  = ["database", "providers"]
    semantic-search   = ["callers", "database", "providers"]
    supervisor-board  = ["callers", "contact-center"]
    transcript-poller = ["contact-center", "providers"]
    analytics-report  = ["contact-center"]
    chat-session      = ["contact-center", "providers"]
    admin             = ["callers", "database", "providers"]
    heartbeat         = ["callers"]
  }

  own_statements = {
    data-action = [
      # Live calls and their lists only: tokens, chats and leases lie in the same table.
      {
        Sid      = "State"
        Effect   = "Allow"
        Action   = ["dynamodb:GetItem", "dynamodb:PutItem"]
        Resource = aws_dynamodb_table.state.arn
        Condition = {
          "ForAllValues:StringLike" = { "dynamodb:LeadingKeys" = ["interaction#*", "live#*", "board#*"] }
          Null                      = { "dynamodb:LeadingKeys" = "false" }
        }
      },
    ]
    webhook-receiver = [
      # Marks of queued webhooks only.
      {
        Sid      = "State"
        Effect   = "Allow"
        Action   = ["dynamodb:GetItem", "dynamodb:PutItem"]
        Resource = aws_dynamodb_table.state.arn
        Condition = {
          "ForAllValues:StringLike" = { "dynamodb:LeadingKeys" = ["webhook#*"] }
          Null                      = { "dynamodb:LeadingKeys" = "false" }
        }
      },
      {
        Sid      = "Send"
        Effect   = "Allow"
        Action   = ["sqs:SendMessage"]
        Resource = aws_sqs_queue.embedding.arn
      },
    ]
    embedding-writer = [
      {
        Sid      = "Consume"
        Effect   = "Allow"
        Action   = ["sqs:ReceiveMessage", "sqs:ChangeMessageVisibility", "sqs:DeleteMessage", "sqs:GetQueueAttributes"]
        Resource = aws_sqs_queue.embedding.arn
      },
      {
        Sid      = "Bury"
        Effect   = "Allow"
        Action   = ["sqs:SendMessage"]
        Resource = aws_sqs_queue.embedding_dead_letters.arn
      },
    ]
    semantic-search = []
    supervisor-board = [
      # Rows and marks, live calls, scores of chats, and the shared access tokens; no leases of agents, no reports.
      {
        Sid      = "State"
        Effect   = "Allow"
        Action   = ["dynamodb:GetItem", "dynamodb:Query"]
        Resource = aws_dynamodb_table.state.arn
        Condition = {
          "ForAllValues:StringLike" = { "dynamodb:LeadingKeys" = ["board#*", "board-marks#*", "interaction#*", "chat#*", "token#*"] }
          Null                      = { "dynamodb:LeadingKeys" = "false" }
        }
      },
      {
        Sid      = "Marks"
        Effect   = "Allow"
        Action   = ["dynamodb:PutItem"]
        Resource = aws_dynamodb_table.state.arn
        Condition = {
          "ForAllValues:StringLike" = { "dynamodb:LeadingKeys" = ["board#*", "board-marks#*", "token#*"] }
          Null                      = { "dynamodb:LeadingKeys" = "false" }
        }
      },
      {
        Sid      = "Tokens"
        Effect   = "Allow"
        Action   = ["dynamodb:DeleteItem"]
        Resource = aws_dynamodb_table.state.arn
        Condition = {
          "ForAllValues:StringLike" = { "dynamodb:LeadingKeys" = ["token#*"] }
          Null                      = { "dynamodb:LeadingKeys" = "false" }
        }
      },
    ]
    transcript-poller = [
      # Live calls, their lists and tokens only.
      {
        Sid      = "State"
        Effect   = "Allow"
        Action   = ["dynamodb:GetItem", "dynamodb:PutItem", "dynamodb:DeleteItem", "dynamodb:Query"]
        Resource = aws_dynamodb_table.state.arn
        Condition = {
          "ForAllValues:StringLike" = { "dynamodb:LeadingKeys" = ["interaction#*", "live#*", "board#*", "token#*", "rules"] }
          Null                      = { "dynamodb:LeadingKeys" = "false" }
        }
      },
      # A script's word that a contact has ended is read, and proved by the contact.
      {
        Sid      = "EndedContacts"
        Effect   = "Allow"
        Action   = ["dynamodb:Query"]
        Resource = aws_dynamodb_table.state.arn
        Condition = {
          "ForAllValues:StringLike" = { "dynamodb:LeadingKeys" = ["webhook#ended-contacts"] }
          Null                      = { "dynamodb:LeadingKeys" = "false" }
        }
      },
      {
        Sid      = "Rules"
        Effect   = "Allow"
        Action   = ["s3:GetObject"]
        Resource = "${aws_s3_bucket.objects.arn}/config/*"
      },
      {
        Sid      = "FanOut"
        Effect   = "Allow"
        Action   = ["lambda:InvokeFunction"]
        Resource = "${local.functions_arn}-transcript-poller:live"
      },
    ]
    analytics-report = [
      # Leases of reports, what the feed knows, notices of ended contacts, and tokens only.
      {
        Sid      = "State"
        Effect   = "Allow"
        Action   = ["dynamodb:GetItem", "dynamodb:PutItem", "dynamodb:DeleteItem"]
        Resource = aws_dynamodb_table.state.arn
        Condition = {
          "ForAllValues:StringLike" = { "dynamodb:LeadingKeys" = ["report#*", "feed#*", "feed-conversation#*", "webhook#ended-contacts", "token#*", "rules"] }
          Null                      = { "dynamodb:LeadingKeys" = "false" }
        }
      },
      # What was erased is left out of later reports and feeds.
      {
        Sid      = "Lists"
        Effect   = "Allow"
        Action   = ["dynamodb:Query"]
        Resource = aws_dynamodb_table.state.arn
        Condition = {
          "ForAllValues:StringLike" = { "dynamodb:LeadingKeys" = ["erasure", "feed#*", "webhook#ended-contacts"] }
          Null                      = { "dynamodb:LeadingKeys" = "false" }
        }
      },
      {
        Sid      = "Feed"
        Effect   = "Allow"
        Action   = ["sqs:SendMessage"]
        Resource = aws_sqs_queue.embedding.arn
      },
      {
        Sid      = "Objects"
        Effect   = "Allow"
        Action   = ["s3:GetObject", "s3:PutObject", "s3:AbortMultipartUpload", "s3:DeleteObject"]
        Resource = ["${aws_s3_bucket.objects.arn}/reports/*", "${aws_s3_bucket.objects.arn}/parts/*"]
      },
      {
        Sid      = "Rules"
        Effect   = "Allow"
        Action   = ["s3:GetObject"]
        Resource = "${aws_s3_bucket.objects.arn}/config/*"
      },
      {
        Sid       = "ListObjects"
        Effect    = "Allow"
        Action    = ["s3:ListBucket"]
        Resource  = aws_s3_bucket.objects.arn
        Condition = { StringLikeIfExists = { "s3:prefix" = ["reports", "reports/*", "parts", "parts/*"] } }
      },
      {
        Sid      = "TellOfFailure"
        Effect   = "Allow"
        Action   = ["sqs:SendMessage"]
        Resource = aws_sqs_queue.undelivered_events.arn
      },
    ]
    chat-session = [
      # Chats and tokens only.
      {
        Sid      = "State"
        Effect   = "Allow"
        Action   = ["dynamodb:GetItem", "dynamodb:PutItem", "dynamodb:DeleteItem", "dynamodb:Query", "dynamodb:BatchWriteItem"]
        Resource = aws_dynamodb_table.state.arn
        Condition = {
          "ForAllValues:StringLike" = { "dynamodb:LeadingKeys" = ["chat#*", "chat-agent#*", "chat-spill#*", "board#*", "token#*", "rules"] }
          Null                      = { "dynamodb:LeadingKeys" = "false" }
        }
      },
      # A script's word that a contact has ended is read, and proved by the contact.
      {
        Sid      = "EndedContacts"
        Effect   = "Allow"
        Action   = ["dynamodb:Query"]
        Resource = aws_dynamodb_table.state.arn
        Condition = {
          "ForAllValues:StringLike" = { "dynamodb:LeadingKeys" = ["webhook#ended-contacts"] }
          Null                      = { "dynamodb:LeadingKeys" = "false" }
        }
      },
      # What was erased is left out of later archives.
      {
        Sid      = "ErasureRecords"
        Effect   = "Allow"
        Action   = ["dynamodb:GetItem"]
        Resource = aws_dynamodb_table.state.arn
        Condition = {
          "ForAllValues:StringLike" = { "dynamodb:LeadingKeys" = ["erasure"] }
          Null                      = { "dynamodb:LeadingKeys" = "false" }
        }
      },
      {
        Sid      = "Objects"
        Effect   = "Allow"
        Action   = ["s3:GetObject", "s3:PutObject"]
        Resource = "${aws_s3_bucket.objects.arn}/archive/*"
      },
      {
        Sid      = "Rules"
        Effect   = "Allow"
        Action   = ["s3:GetObject"]
        Resource = "${aws_s3_bucket.objects.arn}/config/*"
      },
      {
        Sid       = "ListObjects"
        Effect    = "Allow"
        Action    = ["s3:ListBucket"]
        Resource  = aws_s3_bucket.objects.arn
        Condition = { StringLikeIfExists = { "s3:prefix" = ["archive", "archive/*"] } }
      },
      {
        Sid      = "Escalate"
        Effect   = "Allow"
        Action   = ["sns:Publish"]
        Resource = aws_sns_topic.escalations.arn
      },
    ]
    admin = [
      {
        Sid      = "State"
        Effect   = "Allow"
        Action   = ["dynamodb:GetItem", "dynamodb:PutItem", "dynamodb:DeleteItem", "dynamodb:Query"]
        Resource = aws_dynamodb_table.state.arn
        Condition = {
          "ForAllValues:StringLike" = {
            "dynamodb:LeadingKeys" = ["erasure", "interaction#*", "live#*", "board#*", "board-marks#*", "chat#*", "chat-agent#*", "chat-spill#*", "feed#*", "feed-conversation#*"]
          }
          Null = { "dynamodb:LeadingKeys" = "false" }
        }
      },
      {
        Sid      = "Objects"
        Effect   = "Allow"
        Action   = ["s3:GetObject"]
        Resource = "${aws_s3_bucket.objects.arn}/*"
      },
      {
        Sid      = "EraseObjects"
        Effect   = "Allow"
        Action   = ["s3:PutObject", "s3:DeleteObject", "s3:GetObjectVersion", "s3:DeleteObjectVersion"]
        Resource = [for folder in ["archive", "reports", "parts"] : "${aws_s3_bucket.objects.arn}/${folder}/*"]
      },
      {
        Sid      = "ListObjects"
        Effect   = "Allow"
        Action   = ["s3:ListBucket", "s3:ListBucketVersions"]
        Resource = aws_s3_bucket.objects.arn
      },
      {
        Sid      = "HoldDeadLetters"
        Effect   = "Allow"
        Action   = ["sqs:ReceiveMessage", "sqs:ChangeMessageVisibility", "sqs:DeleteMessage"]
        Resource = aws_sqs_queue.embedding_dead_letters.arn
      },
      {
        Sid      = "SendBack"
        Effect   = "Allow"
        Action   = ["sqs:SendMessage"]
        Resource = aws_sqs_queue.embedding.arn
      },
      {
        Sid      = "TellOfFailure"
        Effect   = "Allow"
        Action   = ["sqs:SendMessage"]
        Resource = aws_sqs_queue.undelivered_events.arn
      },
    ]
    heartbeat = []
  }

  interface_actions = [
    "ec2:CreateNetworkInterface",
    "ec2:DeleteNetworkInterface",
    "ec2:DescribeNetworkInterfaces",
    "ec2:DescribeSubnets",
    "ec2:AssignPrivateIpAddresses",
    "ec2:UnassignPrivateIpAddresses",
  ]
}

resource "aws_iam_role" "function" {
  for_each = local.function_names

  name_prefix = substr("${var.name}-${each.key}-", 0, 38)
  description = "What ${each.key} may call."
  tags        = local.tags
  assume_role_policy = jsonencode({
    Version   = "2012-10-17"
    Statement = [{ Effect = "Allow", Action = "sts:AssumeRole", Principal = { Service = "lambda.amazonaws.com" } }]
  })
}

resource "aws_iam_role_policy" "function" {
  for_each = local.function_names

  name = each.key
  role = aws_iam_role.function[each.key].name
  policy = jsonencode({
    Version   = "2012-10-17"
    Statement = concat(local.common_statements[each.key], local.own_statements[each.key])
  })
}

# Every role has this policy, in a VPC or not: Lambda removes the interfaces of a function some minutes after it has left a VPC, and needs
# the rights until then. The second statement denies the same calls to the functions' own code.
resource "aws_iam_policy" "network_interfaces" {
  name_prefix = "${var.name}-network-interfaces-"
  description = "Network interfaces of functions in a VPC, made by Lambda and not by their code."
  tags        = local.tags
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [
      { Sid = "NetworkInterfaces", Effect = "Allow", Action = local.interface_actions, Resource = "*" },
      {
        Sid       = "NotByTheCode"
        Effect    = "Deny"
        Action    = local.interface_actions
        Resource  = "*"
        Condition = { ArnLike = { "lambda:SourceFunctionArn" = "${local.functions_arn}-*" } }
      },
    ]
  })
}

resource "aws_iam_role_policy_attachment" "network_interfaces" {
  for_each = local.function_names

  role       = aws_iam_role.function[each.key].name
  policy_arn = aws_iam_policy.network_interfaces.arn
}

resource "aws_iam_policy" "key_use" {
  count = local.key == null ? 0 : 1

  name_prefix = "${var.name}-key-use-"
  description = "Use of the key that encrypts the stack's data."
  tags        = local.tags
  policy = jsonencode({
    Version   = "2012-10-17"
    Statement = [{ Sid = "Key", Effect = "Allow", Action = ["kms:Decrypt", "kms:GenerateDataKey"], Resource = local.key }]
  })
}

resource "aws_iam_role_policy_attachment" "key_use" {
  for_each = local.key == null ? toset([]) : local.function_names

  role       = aws_iam_role.function[each.key].name
  policy_arn = aws_iam_policy.key_use[0].arn
}

resource "aws_iam_role" "deployment" {
  name_prefix = substr("${var.name}-deployment-", 0, 38)
  description = "What CodeDeploy may do to move an alias from one version to the next."
  tags        = local.tags
  assume_role_policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Effect    = "Allow"
      Action    = "sts:AssumeRole"
      Principal = { Service = "codedeploy.amazonaws.com" }
      Condition = { StringEquals = { "aws:SourceAccount" = local.account } }
    }]
  })
}

resource "aws_iam_role_policy" "deployment" {
  name = "rollout"
  role = aws_iam_role.deployment.name
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [
      {
        Sid      = "Aliases"
        Effect   = "Allow"
        Action   = ["lambda:GetAlias", "lambda:UpdateAlias", "lambda:GetProvisionedConcurrencyConfig"]
        Resource = "${local.functions_arn}-*"
      },
      # Alarms cannot be named by this call.
      { Sid = "Alarms", Effect = "Allow", Action = "cloudwatch:DescribeAlarms", Resource = "*" },
    ]
  })
}

resource "aws_iam_role" "report_map" {
  name_prefix = substr("${var.name}-report-map-", 0, 38)
  description = "What the report map may call."
  tags        = local.tags
  assume_role_policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Effect    = "Allow"
      Action    = "sts:AssumeRole"
      Principal = { Service = "states.amazonaws.com" }
      Condition = { StringEquals = { "aws:SourceAccount" = local.account } }
    }]
  })
}

resource "aws_iam_role_policy" "report_map" {
  name = "report-map"
  role = aws_iam_role.report_map.name
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [
      { Sid = "Work", Effect = "Allow", Action = "lambda:InvokeFunction", Resource = "${local.functions_arn}-analytics-report:live" },
      # A distributed map runs its items as executions of its own state machine.
      {
        Sid      = "StartItems"
        Effect   = "Allow"
        Action   = "states:StartExecution"
        Resource = "arn:${local.partition}:states:${local.region}:${local.account}:stateMachine:${var.name}-report-map"
      },
      {
        Sid      = "FollowItems"
        Effect   = "Allow"
        Action   = ["states:DescribeExecution", "states:StopExecution", "states:RedriveExecution"]
        Resource = "arn:${local.partition}:states:${local.region}:${local.account}:execution:${var.name}-report-map*"
      },
      {
        Sid      = "Traces"
        Effect   = "Allow"
        Action   = ["xray:PutTraceSegments", "xray:PutTelemetryRecords", "xray:GetSamplingRules", "xray:GetSamplingTargets"]
        Resource = "*"
      },
      # These calls set up log delivery. None of them can be restricted to a log group.
      {
        Sid    = "LogDelivery"
        Effect = "Allow"
        Action = [
          "logs:CreateLogDelivery",
          "logs:GetLogDelivery",
          "logs:UpdateLogDelivery",
          "logs:DeleteLogDelivery",
          "logs:ListLogDeliveries",
          "logs:PutResourcePolicy",
          "logs:DescribeResourcePolicies",
          "logs:DescribeLogGroups",
        ]
        Resource = "*"
      },
    ]
  })
}
