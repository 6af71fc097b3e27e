# What starts by itself, and how often a start is tried.
locals {
  # One for each function that starts by itself.
  first_schedules = {
    poller = {
      function    = "transcript-poller"
      description = "Starts the transcript poller; the lease decides which invocation works on what."
      expression  = "rate(1 minute)"
      state       = var.schedules
      # A late or repeated start is useless, because the next minute brings another one.
      retries      = 0
      age          = 60
      rule_retries = [{ retries = 0, age = 60 }]
    }
    report = {
      function    = "analytics-report"
      description = "Starts the report of the day before."
      expression  = var.report_schedule
      state       = var.schedules
      # A killed report continues from its checkpoints, so that a second and a third attempt get further.
      retries      = 2
      age          = 21600
      rule_retries = []
    }
    chat = {
      function    = "chat-session"
      description = "Starts a chat worker each minute; it takes an agent's lease that is free, or ends at once."
      expression  = "rate(1 minute)"
      # In a tenant without agents of its own list, one session follows all open contacts.
      state        = local.has_chats ? var.schedules : "DISABLED"
      input        = jsonencode({ shard = 0 })
      retries      = 0
      age          = 60
      rule_retries = [{ retries = 0, age = 60 }]
    }
    expire = {
      function    = "admin"
      description = "Deletes the vectors of conversations that are older than VectorRetentionDays."
      expression  = "cron(45 3 * * ? *)"
      state       = var.vector_retention_days > 0 ? var.schedules : "DISABLED"
      input       = jsonencode({ task = "expire" })
      # A task may be repeated.
      retries      = 2
      age          = 21600
      rule_retries = []
    }
    heartbeat = {
      function    = "heartbeat"
      description = "Starts the checks of the API."
      expression  = "rate(5 minutes)"
      state       = var.heartbeat == "on" ? var.schedules : "DISABLED"
      # A late or repeated start is useless, because the next one follows in five minutes.
      retries      = 0
      age          = 60
      rule_retries = [{ retries = 0, age = 60 }]
    }
  }

  # The other shards of the chats.
  shard_schedules = {
    for shard in [1, 2, 3, 4] : "chat-${shard}" => {
      function     = "chat-session"
      description  = "Starts a chat worker of the shard ${shard} each minute, where ChatShards has so many."
      expression   = "rate(1 minute)"
      state        = local.has_chats && var.chat_shards > shard ? var.schedules : "DISABLED"
      input        = jsonencode({ shard = shard })
      rule_retries = [{ retries = 0, age = 60 }]
    }
  }

  # The feed is a second task of a function that starts by itself; its starts are tried as the reports are.
  feed_schedules = {
    feed = {
      function     = "analytics-report"
      description  = "Starts the feed of embeddings from a tenant; the lease keeps two from working at once."
      expression   = "rate(15 minutes)"
      state        = local.is_tenant ? var.schedules : "DISABLED"
      input        = jsonencode({ feed = {} })
      rule_retries = []
    }
  }

  schedules = merge(local.first_schedules, local.shard_schedules, local.feed_schedules)

  is_tenant = var.cxone_profile == "cxone"
  has_chats = local.is_tenant || length(var.chat_agents) > 0
}

resource "aws_cloudwatch_event_rule" "schedule" {
  for_each = local.schedules

  name                = "${var.name}-${each.key}"
  description         = each.value.description
  schedule_expression = each.value.expression
  state               = each.value.state
  tags                = local.tags
}

resource "aws_cloudwatch_event_target" "schedule" {
  for_each = local.schedules

  rule  = aws_cloudwatch_event_rule.schedule[each.key].name
  arn   = aws_lambda_alias.live[each.value.function].arn
  input = try(each.value.input, null)

  dead_letter_config {
    arn = aws_sqs_queue.undelivered_events.arn
  }

  dynamic "retry_policy" {
    for_each = each.value.rule_retries
    content {
      maximum_retry_attempts       = retry_policy.value.retries
      maximum_event_age_in_seconds = retry_policy.value.age
    }
  }
}

resource "aws_lambda_permission" "schedule" {
  for_each = local.schedules

  statement_id  = "schedule-${each.key}"
  action        = "lambda:InvokeFunction"
  function_name = aws_lambda_alias.live[each.value.function].function_name
  qualifier     = aws_lambda_alias.live[each.value.function].name
  principal     = "events.amazonaws.com"
  source_arn    = aws_cloudwatch_event_rule.schedule[each.key].arn
}

resource "aws_lambda_function_event_invoke_config" "schedule" {
  for_each = local.first_schedules

  function_name                = aws_lambda_alias.live[each.value.function].function_name
  qualifier                    = aws_lambda_alias.live[each.value.function].name
  maximum_retry_attempts       = each.value.retries
  maximum_event_age_in_seconds = each.value.age
}
