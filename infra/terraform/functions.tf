# The functions: what each is given. Their policies stand in iam.tf, their routes in api.tf, their schedules in schedules.tf.
locals {
  in_vpc    = length(var.subnet_ids) > 0 && length(var.security_group_ids) > 0
  no_egress = var.zero_egress

  # What every function is given.
  common_settings = {
    STACK_NAME = var.name
    RUST_LOG   = "${var.log_level},hyper=warn,aws=warn,aws_config=warn,tract=warn,lambda_runtime=warn"
  }
  callers_settings = {
    CALLERS_SECRET_ID = aws_secretsmanager_secret.audience["callers"].arn
  }
  contact_center_settings = {
    CONTACT_CENTER_SECRET_ID            = aws_secretsmanager_secret.audience["contact-center"].arn
    CXONE_BASE_URL                      = var.cxone_base_url
    CXONE_TOKEN_URL                     = var.cxone_token_url
    CXONE_SCOPES                        = var.cxone_scopes
    CXONE_PROFILE                       = var.cxone_profile
    CXONE_ISSUER                        = var.cxone_issuer
    CXONE_CLIENT_AUTH                   = var.cxone_client_auth
    CXONE_AUTH                          = var.cxone_auth
    CXONE_TENANT_ID                     = var.cxone_tenant_id
    CXONE_ACD_VERSION                   = var.cxone_acd_version
    CXONE_MEDIA_TYPES                   = var.cxone_media_types
    CXONE_DIGITAL_URL                   = var.cxone_digital_url
    CXONE_TRUSTED_DOMAINS               = var.cxone_trusted_domains
    CXONE_EVENT_HUB                     = var.cxone_event_hub
    CXONE_ANALYTICS_REQUESTS_PER_SECOND = var.cxone_analytics_rate
    CXONE_ACD_REQUESTS_PER_SECOND       = var.cxone_acd_rate
    CXONE_DIGITAL_REQUESTS_PER_SECOND   = var.cxone_digital_rate
  }
  database_settings = {
    DATABASE_SECRET_ID = aws_secretsmanager_secret.audience["database"].arn
  }
  providers_settings = {
    PROVIDERS_SECRET_ID = aws_secretsmanager_secret.audience["providers"].arn
  }
  state_settings = {
    STATE_TABLE = aws_dynamodb_table.state.name
  }
  sentiment_settings = {
    SENTIMENT_PROVIDER = var.sentiment_provider
    SENTIMENT_URL      = var.sentiment_url
    MODEL_DIR          = var.model_layer == "" ? null : "/opt/model"
  }
  embedding_settings = {
    EMBEDDING_PROVIDER = var.embedding_provider
    OPENAI_BASE_URL    = var.openai_base_url
    MODEL_DIR          = var.embedding_model_layer == "" ? null : "/opt/model"
  }

  # The database is reached from subnet_ids, the contact center from cxone_subnet_ids.
  sealed_subnets         = local.no_egress ? var.subnet_ids : []
  database_subnets       = local.in_vpc ? var.subnet_ids : []
  contact_center_subnets = local.no_egress ? var.cxone_subnet_ids : []

  functions = {
    data-action = {
      description = "Scores one text for a Studio script; starts and stops live scoring; health."
      # 1,769 MB is one whole vCPU, which is what one inference uses.
      memory      = 1769
      timeout     = 5
      concurrency = 100
      layers      = [var.model_layer]
      subnets     = local.sealed_subnets
      alarms      = ["data-action-errors", "data-action-latency"]
      settings = merge(local.common_settings, local.callers_settings, local.providers_settings, local.state_settings, local.sentiment_settings, {
        ALERT_THRESHOLD = var.alert_threshold
        POLL_SHARDS     = var.poll_shards
      })
    }
    webhook-receiver = {
      description = "Checks a webhook and puts it in the queue."
      memory      = 512
      timeout     = 10
      concurrency = 30
      layers      = []
      subnets     = local.sealed_subnets
      alarms      = ["webhook-receiver-errors"]
      settings = merge(local.common_settings, local.callers_settings, local.state_settings, {
        EMBEDDING_QUEUE_URL = aws_sqs_queue.embedding.url
      })
    }
    embedding-writer = {
      description = "Turns queued conversations into vectors."
      memory      = 1769
      timeout     = 120
      concurrency = 10
      layers      = [var.database_ca_layer, var.embedding_model_layer]
      subnets     = local.database_subnets
      alarms      = ["embedding-writer-errors"]
      settings = merge(local.common_settings, local.database_settings, local.providers_settings, local.embedding_settings, {
        REDACT_PII          = var.redact_pii
        EMBEDDING_QUEUE_URL = aws_sqs_queue.embedding.url
        EMBEDDING_DLQ_URL   = aws_sqs_queue.embedding_dead_letters.url
      })
    }
    semantic-search = {
      description = "Finds conversations by meaning."
      memory      = 1769
      timeout     = 10
      concurrency = 20
      layers      = [var.database_ca_layer, var.embedding_model_layer]
      subnets     = local.database_subnets
      alarms      = ["semantic-search-errors", "search-latency"]
      settings = merge(local.common_settings, local.callers_settings, local.database_settings, local.providers_settings, local.embedding_settings, {
        REDACT_PII = var.redact_pii
      })
    }
    supervisor-board = {
      description = "Shows supervisors every live call and chat; takes what they say about alerts."
      memory      = 512
      timeout     = 10
      concurrency = 20
      layers      = []
      subnets     = local.contact_center_subnets
      alarms      = ["supervisor-board-errors"]
      settings = merge(local.common_settings, local.callers_settings, local.contact_center_settings, local.state_settings, {
        POLL_SHARDS             = var.poll_shards
        BOARD_OIDC_ISSUER       = var.board_oidc_issuer
        BOARD_OIDC_CLIENT_ID    = var.board_oidc_client_id
        BOARD_OIDC_REDIRECT_URL = var.board_oidc_redirect_url
        BOARD_OIDC_GROUPS       = var.board_oidc_groups
        BOARD_OIDC_GROUPS_CLAIM = var.board_oidc_groups_claim
        BOARD_OIDC_DOMAINS      = var.board_oidc_domains
      })
    }
    transcript-poller = {
      description = "Follows every live call until shortly before its deadline, then hands over."
      memory      = 1769
      timeout     = 75
      concurrency = var.poller_concurrency
      layers      = [var.model_layer]
      subnets     = local.contact_center_subnets
      alarms      = ["transcript-poller-errors", "poll-failures"]
      settings = merge(local.common_settings, local.contact_center_settings, local.providers_settings, local.state_settings, local.sentiment_settings, {
        CXONE_SENTIMENT_FIELD     = var.cxone_sentiment_field
        CXONE_TREND_FIELD         = var.cxone_trend_field
        CXONE_ALERT_TEAM          = var.cxone_alert_team
        CXONE_VOICE_NOTIFICATIONS = var.cxone_voice_notifications
        CXONE_VOICE_CUSTOMER      = var.cxone_voice_customer
        POLL_OPEN_CONTACTS        = var.poll_open_contacts
        POLL_SHARDS               = var.poll_shards
        OBJECT_BUCKET             = aws_s3_bucket.objects.id
        RULES_FILE                = var.rules_file
        FUNCTION_ALIAS            = "live"
      })
    }
    analytics-report = {
      description = "The daily report, the steps of a long one, and the feed of embeddings from a tenant."
      memory      = 3008
      timeout     = 900
      concurrency = 10
      layers      = []
      subnets     = local.contact_center_subnets
      alarms      = ["analytics-report-errors"]
      settings = merge(local.common_settings, local.contact_center_settings, local.state_settings, {
        REPORT_OUTCOME_MAP  = var.report_outcome_map
        EMBEDDING_QUEUE_URL = aws_sqs_queue.embedding.url
        OBJECT_BUCKET       = aws_s3_bucket.objects.id
        REDACT_PII          = var.redact_pii
        REPORT_REDACT       = var.redact_reports
        RULES_FILE          = var.rules_file
      })
    }
    chat-session = {
      description = "Works the agents' chat sessions, one lease an agent."
      memory      = 1769
      timeout     = 900
      concurrency = var.chat_concurrency
      layers      = [var.model_layer]
      subnets     = local.contact_center_subnets
      alarms      = ["chat-session-errors"]
      settings = merge(local.common_settings, local.contact_center_settings, local.providers_settings, local.state_settings, local.sentiment_settings, {
        OBJECT_BUCKET          = aws_s3_bucket.objects.id
        RULES_FILE             = var.rules_file
        REDACT_PII             = var.redact_pii
        CHAT_AGENTS            = join(",", var.chat_agents)
        CHAT_SHARDS            = var.chat_shards
        CHAT_RETENTION_SECONDS = var.chat_retention_days * 24 * 60 * 60
        ESCALATION_TOPIC_ARN   = aws_sns_topic.escalations.arn
      })
    }
    admin = {
      description = "An operator's tasks beside the database, erasures, and the daily expiry of vectors."
      memory      = 1769
      timeout     = 900
      concurrency = 2
      layers      = [var.database_ca_layer, var.embedding_model_layer]
      subnets     = local.database_subnets
      alarms      = ["admin-errors"]
      settings = merge(local.common_settings, local.callers_settings, local.database_settings, local.providers_settings, local.state_settings, local.embedding_settings, {
        REDACT_PII            = var.redact_pii
        OBJECT_BUCKET         = aws_s3_bucket.objects.id
        CHAT_AGENTS           = join(",", var.chat_agents)
        VECTOR_RETENTION_DAYS = var.vector_retention_days
        EMBEDDING_QUEUE_URL   = aws_sqs_queue.embedding.url
        EMBEDDING_DLQ_URL     = aws_sqs_queue.embedding_dead_letters.url
      })
    }
    heartbeat = {
      description = "Checks the API from outside, as a caller does."
      memory      = 256
      timeout     = 240
      concurrency = 1
      layers      = []
      subnets     = local.sealed_subnets
      alarms      = ["heartbeat-errors"]
      settings = merge(local.common_settings, local.callers_settings, {
        HEARTBEAT_API_URL = "https://${aws_apigatewayv2_api.api.id}.execute-api.${local.region}.${data.aws_partition.current.dns_suffix}"
        HEARTBEAT_CHECKS  = var.heartbeat_checks
      })
    }
  }

  # Names without references, so that other parts can be keyed by them.
  function_names = toset(["data-action", "webhook-receiver", "embedding-writer", "semantic-search", "supervisor-board", "transcript-poller", "analytics-report", "chat-session", "admin", "heartbeat"])
}

resource "aws_lambda_function" "function" {
  for_each = local.functions

  function_name = "${var.name}-${each.key}"
  description   = each.value.description
  role          = aws_iam_role.function[each.key].arn
  runtime       = "provided.al2023"
  handler       = "bootstrap"
  architectures = [var.architecture]
  memory_size   = each.value.memory
  timeout       = each.value.timeout
  layers        = [for layer in each.value.layers : layer if layer != ""]
  # Whoever invokes a function invokes its alias. A change of its code or settings publishes a version, and CodeDeploy moves the alias.
  publish                        = true
  reserved_concurrent_executions = var.reserve_concurrency ? each.value.concurrency : -1

  filename         = var.packages_dir == "" ? null : "${var.packages_dir}/${each.key}-${var.architecture}.zip"
  source_code_hash = var.packages_dir == "" ? null : filebase64sha256("${var.packages_dir}/${each.key}-${var.architecture}.zip")
  s3_bucket        = var.packages_dir == "" ? var.packages_bucket : null
  s3_key           = var.packages_dir == "" ? "${var.packages_prefix}${each.key}-${var.architecture}.zip" : null

  tracing_config {
    mode = var.tracing
  }

  logging_config {
    log_format = "Text"
    log_group  = aws_cloudwatch_log_group.function[each.key].name
  }

  dynamic "vpc_config" {
    for_each = length(each.value.subnets) > 0 ? [each.value.subnets] : []
    content {
      subnet_ids         = vpc_config.value
      security_group_ids = var.security_group_ids
    }
  }

  # A report or a task that failed thrice is kept.
  dynamic "dead_letter_config" {
    for_each = contains(["analytics-report", "admin"], each.key) ? [aws_sqs_queue.undelivered_events.arn] : []
    content {
      target_arn = dead_letter_config.value
    }
  }

  environment {
    variables = { for setting, value in each.value.settings : setting => tostring(value) if value != null }
  }

  tags = local.tags

  # A function may be started as soon as it is there, and needs its rights from then on.
  depends_on = [aws_iam_role_policy.function, aws_iam_role_policy_attachment.network_interfaces, aws_iam_role_policy_attachment.key_use]
}

resource "aws_cloudwatch_log_group" "function" {
  for_each = local.function_names

  name              = "/aws/lambda/${var.name}-${each.key}"
  retention_in_days = var.log_retention_days
  kms_key_id        = local.key
  skip_destroy      = true
}

resource "aws_lambda_event_source_mapping" "conversations" {
  event_source_arn                   = aws_sqs_queue.embedding.arn
  function_name                      = aws_lambda_alias.live["embedding-writer"].arn
  batch_size                         = 10
  maximum_batching_window_in_seconds = 2
  function_response_types            = ["ReportBatchItemFailures"]

  # Fewer workers than reserved executions, so that throttling never moves messages to the dead-letter queue.
  scaling_config {
    maximum_concurrency = 8
  }
}
