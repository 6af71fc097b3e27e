# Table, buckets, secrets, queues and topics.

resource "aws_dynamodb_table" "state" {
  name                        = "${var.name}-state"
  billing_mode                = "PAY_PER_REQUEST"
  hash_key                    = "pk"
  range_key                   = "sk"
  deletion_protection_enabled = true
  tags                        = local.tags

  attribute {
    name = "pk"
    type = "S"
  }

  attribute {
    name = "sk"
    type = "S"
  }

  ttl {
    attribute_name = "expires_at"
    enabled        = true
  }

  point_in_time_recovery {
    enabled = true
  }

  # Without a key of yours DynamoDB encrypts with its own, which is free of charge.
  dynamic "server_side_encryption" {
    for_each = local.key == null ? [] : [local.key]
    content {
      enabled     = true
      kms_key_arn = server_side_encryption.value
    }
  }

  lifecycle {
    prevent_destroy = true
  }
}

# Buckets ---------------------------------------------------------------------------------------------------------------
resource "aws_s3_bucket" "objects" {
  # A prefix has at most 37 characters, and no capital letters.
  bucket_prefix = "${substr(lower(var.name), 0, 28)}-objects-"
  tags          = local.tags

  lifecycle {
    prevent_destroy = true
  }
}

# Who read or wrote an object. S3 can deliver these logs only into a bucket that is encrypted with keys of its own.
resource "aws_s3_bucket" "access_logs" {
  bucket_prefix = "${substr(lower(var.name), 0, 28)}-access-"
  tags          = local.tags

  lifecycle {
    prevent_destroy = true
  }
}

locals {
  buckets = {
    objects     = aws_s3_bucket.objects
    access-logs = aws_s3_bucket.access_logs
  }
  bucket_policies = {
    objects = []
    access-logs = [{
      Sid       = "Deliver"
      Effect    = "Allow"
      Principal = { Service = "logging.s3.amazonaws.com" }
      Action    = "s3:PutObject"
      Resource  = "${aws_s3_bucket.access_logs.arn}/objects/*"
      Condition = { StringEquals = { "aws:SourceAccount" = local.account } }
    }]
  }
}

resource "aws_s3_bucket_server_side_encryption_configuration" "objects" {
  bucket = aws_s3_bucket.objects.id

  rule {
    bucket_key_enabled = local.key != null
    apply_server_side_encryption_by_default {
      sse_algorithm     = local.key == null ? "AES256" : "aws:kms"
      kms_master_key_id = local.key
    }
  }
}

resource "aws_s3_bucket_server_side_encryption_configuration" "access_logs" {
  bucket = aws_s3_bucket.access_logs.id

  rule {
    apply_server_side_encryption_by_default {
      sse_algorithm = "AES256"
    }
  }
}

resource "aws_s3_bucket_public_access_block" "bucket" {
  for_each = local.buckets

  bucket                  = each.value.id
  block_public_acls       = true
  block_public_policy     = true
  ignore_public_acls      = true
  restrict_public_buckets = true
}

resource "aws_s3_bucket_ownership_controls" "bucket" {
  for_each = local.buckets

  bucket = each.value.id

  rule {
    object_ownership = "BucketOwnerEnforced"
  }
}

resource "aws_s3_bucket_policy" "bucket" {
  for_each = local.buckets

  bucket = each.value.id
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = concat(local.bucket_policies[each.key], [{
      Sid       = "TlsOnly"
      Effect    = "Deny"
      Principal = "*"
      Action    = "s3:*"
      Resource  = [each.value.arn, "${each.value.arn}/*"]
      Condition = { Bool = { "aws:SecureTransport" = "false" } }
    }])
  })

  depends_on = [aws_s3_bucket_public_access_block.bucket]
}

resource "aws_s3_bucket_versioning" "objects" {
  bucket = aws_s3_bucket.objects.id

  versioning_configuration {
    status = "Enabled"
  }
}

resource "aws_s3_bucket_logging" "objects" {
  bucket        = aws_s3_bucket.objects.id
  target_bucket = aws_s3_bucket.access_logs.id
  target_prefix = "objects/"

  depends_on = [aws_s3_bucket_policy.bucket]
}

resource "aws_s3_bucket_lifecycle_configuration" "objects" {
  bucket = aws_s3_bucket.objects.id

  rule {
    id     = "reports"
    status = "Enabled"
    filter {
      prefix = "reports/"
    }
    expiration {
      days = var.report_retention_days
    }
  }

  # Checkpoints of reports hold whole transcripts. A report that is complete deletes them; a map can be redriven for 14 days.
  rule {
    id     = "parts"
    status = "Enabled"
    filter {
      prefix = "parts/"
    }
    expiration {
      days = 15
    }
    noncurrent_version_expiration {
      noncurrent_days = 1
    }
  }

  rule {
    id     = "archive"
    status = "Enabled"
    filter {
      prefix = "archive/"
    }
    transition {
      days          = 30
      storage_class = "STANDARD_IA"
    }
    expiration {
      days = var.archive_retention_days
    }
  }

  rule {
    id     = "leftovers"
    status = "Enabled"
    filter {}
    noncurrent_version_expiration {
      noncurrent_days = 30
    }
    abort_incomplete_multipart_upload {
      days_after_initiation = 7
    }
  }

  depends_on = [aws_s3_bucket_versioning.objects]
}

resource "aws_s3_bucket_lifecycle_configuration" "access_logs" {
  bucket = aws_s3_bucket.access_logs.id

  rule {
    id     = "logs"
    status = "Enabled"
    filter {}
    expiration {
      days = var.log_retention_days
    }
  }
}

# Secrets ---------------------------------------------------------------------------------------------------------------
# One secret for each audience, so that a function can read only what it needs. They are created with their names and no values, but for a
# random API key, and never written again: the values that were put in stay, and neither state nor plan knows any of them.
locals {
  secrets = {
    callers        = "Keys of those who call the API of ${var.name}; infra/docs/deploy.md says what each value is."
    contact-center = "Credentials for the contact center of ${var.name}; infra/docs/deploy.md says what each value is."
    database       = "Addresses of the database with user and password of ${var.name}; infra/docs/deploy.md says what each value is."
    providers      = "Keys of services that score or embed of ${var.name}; infra/docs/deploy.md says what each value is."
  }
  first_values = {
    callers        = { api_key = ephemeral.random_password.api_key.result, api_keys = [], webhook_secret = "" }
    contact-center = { client_id = "", client_secret = "" }
    database       = { database_url = "", search_database_url = "" }
    providers      = { nlp_api_key = "", openai_api_key = "" }
  }
}

ephemeral "random_password" "api_key" {
  length  = 48
  special = false
}

resource "aws_secretsmanager_secret" "audience" {
  for_each = local.secrets

  name_prefix = "${var.name}-${each.key}-"
  description = each.value
  kms_key_id  = local.key
  tags        = local.tags

  lifecycle {
    prevent_destroy = true
  }
}

resource "aws_secretsmanager_secret_version" "first" {
  for_each = local.secrets

  secret_id        = aws_secretsmanager_secret.audience[each.key].id
  secret_string_wo = jsonencode(local.first_values[each.key])
  # Another number would overwrite the values that were put in.
  secret_string_wo_version = 1
}

# Queues ----------------------------------------------------------------------------------------------------------------
resource "aws_sqs_queue" "embedding" {
  name                    = "${var.name}-embedding"
  sqs_managed_sse_enabled = local.key == null ? true : null
  kms_master_key_id       = local.key
  # Six times the timeout of the function and the batching window, as AWS recommends, so that no second worker receives a slow batch.
  visibility_timeout_seconds = 722
  message_retention_seconds  = 864000 # 10 days: longer than the deliveries last, and shorter than dead letters are kept
  receive_wait_time_seconds  = 20
  # What can never be embedded becomes a dead letter at once, by the function. What fails while the database is away is given
  # back by the function 480 times, for seconds, which is more than half an hour; then, as what fails for any other reason, it
  # comes again every 12 minutes: 480 times, which is four days. SQS allows 1000 deliveries.
  redrive_policy = jsonencode({ deadLetterTargetArn = aws_sqs_queue.embedding_dead_letters.arn, maxReceiveCount = 960 })
  tags           = local.tags
}

resource "aws_sqs_queue" "embedding_dead_letters" {
  name                       = "${var.name}-embedding-dead-letters"
  sqs_managed_sse_enabled    = local.key == null ? true : null
  kms_master_key_id          = local.key
  visibility_timeout_seconds = 60
  message_retention_seconds  = 1209600 # 14 days, the maximum
  # The ARN is written out, because each queue refers to the other.
  redrive_allow_policy = jsonencode({
    redrivePermission = "byQueue"
    sourceQueueArns   = ["arn:${local.partition}:sqs:${local.region}:${local.account}:${var.name}-embedding"]
  })
  tags = local.tags
}

# Starts that a rule could not deliver, and daily reports that failed thrice; infra/docs/runbooks/undelivered-events.md.
resource "aws_sqs_queue" "undelivered_events" {
  name                      = "${var.name}-undelivered-events"
  sqs_managed_sse_enabled   = local.key == null ? true : null
  kms_master_key_id         = local.key
  message_retention_seconds = 1209600 # 14 days, the maximum
  tags                      = local.tags
}

locals {
  queues = {
    embedding              = aws_sqs_queue.embedding
    embedding-dead-letters = aws_sqs_queue.embedding_dead_letters
    undelivered-events     = aws_sqs_queue.undelivered_events
  }
  queue_policies = {
    embedding              = []
    embedding-dead-letters = []
    undelivered-events = [{
      Sid       = "Rules"
      Effect    = "Allow"
      Principal = { Service = "events.amazonaws.com" }
      Action    = "sqs:SendMessage"
      Resource  = aws_sqs_queue.undelivered_events.arn
      Condition = { ArnLike = { "aws:SourceArn" = "arn:${local.partition}:events:${local.region}:${local.account}:rule/${var.name}-*" } }
    }]
  }
}

resource "aws_sqs_queue_policy" "queue" {
  for_each = local.queues

  queue_url = each.value.url
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = concat(local.queue_policies[each.key], [{
      Sid       = "TlsOnly"
      Effect    = "Deny"
      Principal = "*"
      Action    = "sqs:*"
      Resource  = each.value.arn
      Condition = { Bool = { "aws:SecureTransport" = "false" } }
    }])
  })
}

# Topics ----------------------------------------------------------------------------------------------------------------
# Without a key of yours the topics are not encrypted by one: CloudWatch may not use the AWS-managed key. Messages have ids, never text.
resource "aws_sns_topic" "alarms" {
  name              = "${var.name}-alarms"
  kms_master_key_id = local.key
  tags              = local.tags
}

resource "aws_sns_topic" "escalations" {
  name              = "${var.name}-escalations"
  kms_master_key_id = local.key
  tags              = local.tags
}

locals {
  topics = {
    alarms      = aws_sns_topic.alarms
    escalations = aws_sns_topic.escalations
  }
  topic_policies = {
    alarms = [{
      Sid       = "Alarms"
      Effect    = "Allow"
      Principal = { Service = "cloudwatch.amazonaws.com" }
      Action    = "sns:Publish"
      Resource  = aws_sns_topic.alarms.arn
      Condition = { StringEquals = { "aws:SourceAccount" = local.account } }
    }]
    escalations = []
  }
}

resource "aws_sns_topic_policy" "topic" {
  for_each = local.topics

  arn = each.value.arn
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = concat(local.topic_policies[each.key], [{
      Sid       = "TlsOnly"
      Effect    = "Deny"
      Principal = "*"
      Action    = "sns:Publish"
      Resource  = each.value.arn
      Condition = { Bool = { "aws:SecureTransport" = "false" } }
    }])
  })
}

resource "aws_sns_topic_subscription" "mail" {
  for_each = { for name, topic in local.topics : name => topic.arn if var.alarm_email != "" }

  topic_arn = each.value
  protocol  = "email"
  endpoint  = var.alarm_email
}
