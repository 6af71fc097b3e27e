# Alarms: each names its runbook. What an alarm does not say has the value that stands in the resource below.
locals {
  monitor = var.monitoring == "template"

  alarms = {
    data-action-errors = {
      description = "data-action failed. Runbook - infra/docs/runbooks/function-errors.md"
      namespace   = "AWS/Lambda"
      metric      = "Errors"
      dimensions  = { FunctionName = aws_lambda_function.function["data-action"].function_name }
      statistic   = "Sum"
      period      = 300
      periods     = 1
      threshold   = 3
    }
    webhook-receiver-errors = {
      description = "webhook-receiver failed. Runbook - infra/docs/runbooks/function-errors.md"
      namespace   = "AWS/Lambda"
      metric      = "Errors"
      dimensions  = { FunctionName = aws_lambda_function.function["webhook-receiver"].function_name }
      statistic   = "Sum"
      period      = 300
      periods     = 1
      threshold   = 3
    }
    embedding-writer-errors = {
      description = "embedding-writer failed. Runbook - infra/docs/runbooks/function-errors.md"
      namespace   = "AWS/Lambda"
      metric      = "Errors"
      dimensions  = { FunctionName = aws_lambda_function.function["embedding-writer"].function_name }
      statistic   = "Sum"
      period      = 300
      periods     = 1
      threshold   = 3
    }
    semantic-search-errors = {
      description = "semantic-search failed. Runbook - infra/docs/runbooks/function-errors.md"
      namespace   = "AWS/Lambda"
      metric      = "Errors"
      dimensions  = { FunctionName = aws_lambda_function.function["semantic-search"].function_name }
      statistic   = "Sum"
      period      = 300
      periods     = 1
      threshold   = 3
    }
    supervisor-board-errors = {
      description = "supervisor-board failed. Runbook - infra/docs/runbooks/function-errors.md"
      namespace   = "AWS/Lambda"
      metric      = "Errors"
      dimensions  = { FunctionName = aws_lambda_function.function["supervisor-board"].function_name }
      statistic   = "Sum"
      period      = 300
      periods     = 1
      threshold   = 3
    }
    transcript-poller-errors = {
      description = "transcript-poller failed. Runbook - infra/docs/runbooks/function-errors.md"
      namespace   = "AWS/Lambda"
      metric      = "Errors"
      dimensions  = { FunctionName = aws_lambda_function.function["transcript-poller"].function_name }
      statistic   = "Sum"
      period      = 300
      periods     = 1
      threshold   = 3
    }
    analytics-report-errors = {
      description = "analytics-report failed. Runbook - infra/docs/runbooks/function-errors.md"
      namespace   = "AWS/Lambda"
      metric      = "Errors"
      dimensions  = { FunctionName = aws_lambda_function.function["analytics-report"].function_name }
      statistic   = "Sum"
      period      = 300
      periods     = 1
      threshold   = 1
    }
    chat-session-errors = {
      description = "chat-session failed. Runbook - infra/docs/runbooks/function-errors.md"
      namespace   = "AWS/Lambda"
      metric      = "Errors"
      dimensions  = { FunctionName = aws_lambda_function.function["chat-session"].function_name }
      statistic   = "Sum"
      period      = 300
      periods     = 1
      threshold   = 3
    }
    admin-errors = {
      description = "admin failed. Runbook - infra/docs/runbooks/function-errors.md"
      namespace   = "AWS/Lambda"
      metric      = "Errors"
      dimensions  = { FunctionName = aws_lambda_function.function["admin"].function_name }
      statistic   = "Sum"
      period      = 300
      periods     = 1
      threshold   = 1
    }
    heartbeat-errors = {
      description = "heartbeat failed. Runbook - infra/docs/runbooks/function-errors.md"
      namespace   = "AWS/Lambda"
      metric      = "Errors"
      dimensions  = { FunctionName = aws_lambda_function.function["heartbeat"].function_name }
      statistic   = "Sum"
      period      = 300
      periods     = 1
      threshold   = 1
    }
    throttles = {
      description = "Functions were refused for want of concurrency. Runbook - infra/docs/runbooks/throttles.md"
      period      = 300
      sum_of = [
        { namespace = "AWS/Lambda", metric = "Throttles", dimensions = { FunctionName = aws_lambda_function.function["data-action"].function_name } },
        { namespace = "AWS/Lambda", metric = "Throttles", dimensions = { FunctionName = aws_lambda_function.function["webhook-receiver"].function_name } },
        { namespace = "AWS/Lambda", metric = "Throttles", dimensions = { FunctionName = aws_lambda_function.function["embedding-writer"].function_name } },
        { namespace = "AWS/Lambda", metric = "Throttles", dimensions = { FunctionName = aws_lambda_function.function["semantic-search"].function_name } },
        { namespace = "AWS/Lambda", metric = "Throttles", dimensions = { FunctionName = aws_lambda_function.function["supervisor-board"].function_name } },
        { namespace = "AWS/Lambda", metric = "Throttles", dimensions = { FunctionName = aws_lambda_function.function["transcript-poller"].function_name } },
        { namespace = "AWS/Lambda", metric = "Throttles", dimensions = { FunctionName = aws_lambda_function.function["analytics-report"].function_name } },
        { namespace = "AWS/Lambda", metric = "Throttles", dimensions = { FunctionName = aws_lambda_function.function["chat-session"].function_name } },
        { namespace = "AWS/Lambda", metric = "Throttles", dimensions = { FunctionName = aws_lambda_function.function["admin"].function_name } },
        { namespace = "AWS/Lambda", metric = "Throttles", dimensions = { FunctionName = aws_lambda_function.function["heartbeat"].function_name } },
      ]
      periods   = 1
      threshold = 10
    }
    api-failures = {
      description = "The API answered 5xx. Runbook - infra/docs/runbooks/api-failures.md"
      namespace   = "AWS/ApiGateway"
      metric      = "5xx"
      dimensions  = { ApiId = aws_apigatewayv2_api.api.id }
      statistic   = "Sum"
      period      = 300
      periods     = 1
      threshold   = 5
    }
    data-action-latency = {
      description = "Data Actions near their 5 s limit (p99 in ms). Runbook - infra/docs/runbooks/latency.md"
      namespace   = "AWS/Lambda"
      metric      = "Duration"
      dimensions  = { FunctionName = aws_lambda_function.function["data-action"].function_name }
      percentile  = "p99"
      period      = 300
      periods     = 3
      datapoints  = 2
      threshold   = 2000
      comparison  = "GreaterThanThreshold"
    }
    search-latency = {
      description = "Searches are slow (p99 in ms). Runbook - infra/docs/runbooks/latency.md"
      namespace   = "AWS/Lambda"
      metric      = "Duration"
      dimensions  = { FunctionName = aws_lambda_function.function["semantic-search"].function_name }
      percentile  = "p99"
      period      = 300
      periods     = 3
      datapoints  = 2
      threshold   = 3000
      comparison  = "GreaterThanThreshold"
    }
    dead-letters = {
      description = "Conversations that could not be embedded wait to be looked at. Runbook - infra/docs/runbooks/dead-letters.md"
      namespace   = "AWS/SQS"
      metric      = "ApproximateNumberOfMessagesVisible"
      dimensions  = { QueueName = aws_sqs_queue.embedding_dead_letters.name }
      statistic   = "Maximum"
      period      = 300
      periods     = 1
      threshold   = 1
    }
    dead-letter-age = {
      description = "A dead letter is ten days old; after fourteen it is lost. Runbook - infra/docs/runbooks/dead-letters.md"
      namespace   = "AWS/SQS"
      metric      = "ApproximateAgeOfOldestMessage"
      dimensions  = { QueueName = aws_sqs_queue.embedding_dead_letters.name }
      statistic   = "Maximum"
      period      = 3600
      periods     = 1
      threshold   = 864000
    }
    queue-age = {
      description = "Conversations wait more than a quarter of an hour to be embedded. Runbook - infra/docs/runbooks/queue-age.md"
      namespace   = "AWS/SQS"
      metric      = "ApproximateAgeOfOldestMessage"
      dimensions  = { QueueName = aws_sqs_queue.embedding.name }
      statistic   = "Maximum"
      period      = 300
      periods     = 2
      threshold   = 900
      comparison  = "GreaterThanThreshold"
    }
    poller-lag = {
      description = "Live scores lag the calls (p95 in ms). Runbook - infra/docs/runbooks/poller-lag.md"
      namespace   = "cxone-insights"
      metric      = "poller_lag_ms"
      dimensions  = { function = "transcript-poller", stack = var.name }
      percentile  = "p95"
      period      = 60
      periods     = 5
      datapoints  = 3
      threshold   = 5000
      comparison  = "GreaterThanThreshold"
    }
    poller-stopped = {
      description = "The transcript poller has not run for five minutes. Runbook - infra/docs/runbooks/schedule-stopped.md"
      namespace   = "AWS/Lambda"
      metric      = "Invocations"
      dimensions  = { FunctionName = aws_lambda_function.function["transcript-poller"].function_name }
      statistic   = "Sum"
      period      = 300
      periods     = 1
      threshold   = 1
      comparison  = "LessThanThreshold"
      missing     = "breaching"
      only_where  = "schedules"
    }
    report-missing = {
      description = "The report of the day before was not written for 26 hours. Runbook - infra/docs/runbooks/schedule-stopped.md"
      namespace   = "cxone-insights"
      metric      = "daily_reports_written"
      dimensions  = { function = "analytics-report", stack = var.name }
      statistic   = "Sum"
      period      = 3600
      periods     = 26
      threshold   = 1
      comparison  = "LessThanThreshold"
      missing     = "breaching"
      only_where  = "schedules"
    }
    feed-missing = {
      description = "The finished conversations of the tenant were not read to their end for 12 hours. Runbook - infra/docs/runbooks/schedule-stopped.md"
      namespace   = "cxone-insights"
      metric      = "feed_lists_completed"
      dimensions  = { function = "analytics-report", stack = var.name }
      statistic   = "Sum"
      period      = 3600
      periods     = 12
      threshold   = 1
      comparison  = "LessThanThreshold"
      missing     = "breaching"
      only_where  = "feed"
    }
    chat-stopped = {
      description = "Chat sessions have not been started for five minutes. Runbook - infra/docs/runbooks/schedule-stopped.md"
      namespace   = "AWS/Lambda"
      metric      = "Invocations"
      dimensions  = { FunctionName = aws_lambda_function.function["chat-session"].function_name }
      statistic   = "Sum"
      period      = 300
      periods     = 1
      threshold   = 1
      comparison  = "LessThanThreshold"
      missing     = "breaching"
      only_where  = "chats"
    }
    heartbeat-stopped = {
      description = "The heartbeat has not run for a quarter of an hour. Runbook - infra/docs/runbooks/schedule-stopped.md"
      namespace   = "AWS/Lambda"
      metric      = "Invocations"
      dimensions  = { FunctionName = aws_lambda_function.function["heartbeat"].function_name }
      statistic   = "Sum"
      period      = 900
      periods     = 1
      threshold   = 1
      comparison  = "LessThanThreshold"
      missing     = "breaching"
      only_where  = "heartbeat"
    }
    report-map-failures = {
      description = "A report map failed, ran out of time or was aborted. Runbook - infra/docs/runbooks/report-map.md"
      period      = 300
      sum_of = [
        { namespace = "AWS/States", metric = "ExecutionsFailed", dimensions = { StateMachineArn = aws_sfn_state_machine.report_map.arn } },
        { namespace = "AWS/States", metric = "ExecutionsTimedOut", dimensions = { StateMachineArn = aws_sfn_state_machine.report_map.arn } },
        { namespace = "AWS/States", metric = "ExecutionsAborted", dimensions = { StateMachineArn = aws_sfn_state_machine.report_map.arn } },
      ]
      periods   = 1
      threshold = 1
    }
    sla-breaches = {
      description = "Chat messages took longer than the SLA allows. Runbook - infra/docs/runbooks/sla-breaches.md"
      namespace   = "cxone-insights"
      metric      = "sla_breaches"
      dimensions  = { function = "chat-session", stack = var.name }
      statistic   = "Sum"
      period      = 300
      periods     = 1
      threshold   = 10
    }
    poll-failures = {
      description = "A fifth of the reads of live calls or more fails (percent). Runbook - infra/docs/runbooks/poll-failures.md"
      period      = 60
      sum_of = [
        { namespace = "cxone-insights", metric = "poll_errors", dimensions = { function = "transcript-poller", stack = var.name } },
      ]
      out_of     = [{ namespace = "cxone-insights", metric = "poll_rounds", dimensions = { function = "transcript-poller", stack = var.name } }]
      periods    = 5
      datapoints = 3
      threshold  = 20
    }
    rules-file-rejected = {
      description = "The rule file is refused and the last good one is in force. Runbook - infra/docs/runbooks/rules-file.md"
      namespace   = "cxone-insights"
      metric      = "rules_file_rejected"
      dimensions  = { function = "transcript-poller", stack = var.name }
      statistic   = "Sum"
      period      = 300
      periods     = 1
      threshold   = 1
    }
    calls-unfollowed = {
      description = "There are more live calls than the poller follows. Runbook - infra/docs/runbooks/poller-lag.md"
      namespace   = "cxone-insights"
      metric      = "calls_unfollowed"
      dimensions  = { function = "transcript-poller", stack = var.name }
      statistic   = "Maximum"
      period      = 60
      periods     = 5
      datapoints  = 3
      threshold   = 1
    }
    escalations-not-told = {
      description = "An escalation of a chat reached nobody. Runbook - infra/docs/runbooks/chat-failures.md"
      namespace   = "cxone-insights"
      metric      = "chat_escalations_not_told"
      dimensions  = { function = "chat-session", stack = var.name }
      statistic   = "Sum"
      period      = 300
      periods     = 1
      threshold   = 1
    }
    archive-failures = {
      description = "Chats could not be archived. Runbook - infra/docs/runbooks/chat-failures.md"
      namespace   = "cxone-insights"
      metric      = "chat_archive_failures"
      dimensions  = { function = "chat-session", stack = var.name }
      statistic   = "Sum"
      period      = 300
      periods     = 1
      threshold   = 3
    }
    report-transcripts-failed = {
      description = "A report lacks transcripts that could not be read. Runbook - infra/docs/runbooks/report-transcripts.md"
      namespace   = "cxone-insights"
      metric      = "report_transcripts_failed"
      dimensions  = { function = "analytics-report", stack = var.name }
      statistic   = "Sum"
      period      = 3600
      periods     = 1
      threshold   = 1
    }
    events-dropped = {
      description = "Lambda gave up starts of the poller, the report or the chats. Runbook - infra/docs/runbooks/undelivered-events.md"
      period      = 300
      sum_of = [
        { namespace = "AWS/Lambda", metric = "AsyncEventsDropped", dimensions = { FunctionName = aws_lambda_function.function["transcript-poller"].function_name } },
        { namespace = "AWS/Lambda", metric = "AsyncEventsDropped", dimensions = { FunctionName = aws_lambda_function.function["analytics-report"].function_name } },
        { namespace = "AWS/Lambda", metric = "AsyncEventsDropped", dimensions = { FunctionName = aws_lambda_function.function["chat-session"].function_name } },
      ]
      periods   = 1
      threshold = 3
    }
    event-age = {
      description = "A start waits in Lambda for more than an hour (ms). Runbook - infra/docs/runbooks/undelivered-events.md"
      namespace   = "AWS/Lambda"
      metric      = "AsyncEventAge"
      dimensions  = { FunctionName = aws_lambda_function.function["analytics-report"].function_name }
      statistic   = "Maximum"
      period      = 300
      periods     = 1
      threshold   = 3600000
      comparison  = "GreaterThanThreshold"
    }
    rule-failures = {
      description = "A rule could not start its function. Runbook - infra/docs/runbooks/undelivered-events.md"
      period      = 300
      sum_of = [
        { namespace = "AWS/Events", metric = "FailedInvocations", dimensions = { RuleName = aws_cloudwatch_event_rule.schedule["poller"].name } },
        { namespace = "AWS/Events", metric = "FailedInvocations", dimensions = { RuleName = aws_cloudwatch_event_rule.schedule["report"].name } },
        { namespace = "AWS/Events", metric = "FailedInvocations", dimensions = { RuleName = aws_cloudwatch_event_rule.schedule["chat"].name } },
        { namespace = "AWS/Events", metric = "FailedInvocations", dimensions = { RuleName = aws_cloudwatch_event_rule.schedule["chat-1"].name } },
        { namespace = "AWS/Events", metric = "FailedInvocations", dimensions = { RuleName = aws_cloudwatch_event_rule.schedule["chat-2"].name } },
        { namespace = "AWS/Events", metric = "FailedInvocations", dimensions = { RuleName = aws_cloudwatch_event_rule.schedule["chat-3"].name } },
        { namespace = "AWS/Events", metric = "FailedInvocations", dimensions = { RuleName = aws_cloudwatch_event_rule.schedule["chat-4"].name } },
        { namespace = "AWS/Events", metric = "FailedInvocations", dimensions = { RuleName = aws_cloudwatch_event_rule.schedule["expire"].name } },
        { namespace = "AWS/Events", metric = "FailedInvocations", dimensions = { RuleName = aws_cloudwatch_event_rule.schedule["heartbeat"].name } },
        { namespace = "AWS/Events", metric = "FailedInvocations", dimensions = { RuleName = aws_cloudwatch_event_rule.schedule["feed"].name } },
      ]
      periods   = 1
      threshold = 1
    }
    undelivered-events = {
      description = "A start was not delivered, or a daily report failed thrice. Runbook - infra/docs/runbooks/undelivered-events.md"
      namespace   = "AWS/SQS"
      metric      = "ApproximateNumberOfMessagesVisible"
      dimensions  = { QueueName = aws_sqs_queue.undelivered_events.name }
      statistic   = "Maximum"
      period      = 300
      periods     = 1
      threshold   = 1
    }
    token-refresh-failures = {
      description = "Tokens of the contact center could not be renewed. Runbook - infra/docs/runbooks/token-refresh.md"
      period      = 300
      sum_of = [
        { namespace = "cxone-insights", metric = "token_refresh_failures", dimensions = { function = "transcript-poller", stack = var.name } },
        { namespace = "cxone-insights", metric = "token_refresh_failures", dimensions = { function = "analytics-report", stack = var.name } },
        { namespace = "cxone-insights", metric = "token_refresh_failures", dimensions = { function = "chat-session", stack = var.name } },
      ]
      periods   = 1
      threshold = 3
    }
    model-errors = {
      description = "A model or its provider failed. Runbook - infra/docs/runbooks/model-errors.md"
      period      = 300
      sum_of = [
        { namespace = "cxone-insights", metric = "model_errors", dimensions = { function = "data-action", stack = var.name } },
        { namespace = "cxone-insights", metric = "model_errors", dimensions = { function = "transcript-poller", stack = var.name } },
        { namespace = "cxone-insights", metric = "model_errors", dimensions = { function = "chat-session", stack = var.name } },
        { namespace = "cxone-insights", metric = "model_errors", dimensions = { function = "embedding-writer", stack = var.name } },
        { namespace = "cxone-insights", metric = "model_errors", dimensions = { function = "semantic-search", stack = var.name } },
      ]
      periods   = 1
      threshold = 5
    }
    segments-unscored = {
      description = "Segments of live calls were given up without a score. Runbook - infra/docs/runbooks/model-errors.md"
      namespace   = "cxone-insights"
      metric      = "segments_unscored"
      dimensions  = { function = "transcript-poller", stack = var.name }
      statistic   = "Sum"
      period      = 300
      periods     = 1
      threshold   = 1
    }
    provider-errors = {
      description = "The sentiment service is out of reach for live calls. Runbook - infra/docs/runbooks/model-errors.md"
      namespace   = "cxone-insights"
      metric      = "provider_errors"
      dimensions  = { function = "transcript-poller", stack = var.name }
      statistic   = "Sum"
      period      = 300
      periods     = 1
      threshold   = 5
    }
    send-failures = {
      description = "Attributes or suggestions do not reach the contact center. Runbook - infra/docs/runbooks/send-failures.md"
      period      = 300
      sum_of = [
        { namespace = "cxone-insights", metric = "send_errors", dimensions = { function = "transcript-poller", stack = var.name } },
        { namespace = "cxone-insights", metric = "sends_refused", dimensions = { function = "transcript-poller", stack = var.name } },
      ]
      periods   = 1
      threshold = 10
    }
    store-errors = {
      description = "A store refused or did not answer. Runbook - infra/docs/runbooks/store-errors.md"
      period      = 300
      sum_of = [
        { namespace = "cxone-insights", metric = "store_errors", dimensions = { function = "transcript-poller", stack = var.name } },
        { namespace = "cxone-insights", metric = "store_errors", dimensions = { function = "embedding-writer", stack = var.name } },
        { namespace = "cxone-insights", metric = "store_errors", dimensions = { function = "semantic-search", stack = var.name } },
        { namespace = "cxone-insights", metric = "store_errors", dimensions = { function = "data-action", stack = var.name } },
        { namespace = "cxone-insights", metric = "store_errors", dimensions = { function = "webhook-receiver", stack = var.name } },
      ]
      periods   = 1
      threshold = 5
    }
    conversations-removed = {
      description = "Many conversations were taken out of the search by their sender. Runbook - infra/docs/runbooks/conversations-removed.md"
      namespace   = "cxone-insights"
      metric      = "conversations_removed"
      dimensions  = { function = "embedding-writer", stack = var.name }
      statistic   = "Sum"
      period      = 3600
      periods     = 1
      threshold   = 100
    }
    chat-set-aside = {
      description = "A chat message was too large to be stored whole. Runbook - infra/docs/runbooks/chat-failures.md"
      namespace   = "cxone-insights"
      metric      = "chat_set_aside"
      dimensions  = { function = "chat-session", stack = var.name }
      statistic   = "Sum"
      period      = 300
      periods     = 1
      threshold   = 1
    }
    chat-session-failures = {
      description = "Chat sessions failed and were started again. Runbook - infra/docs/runbooks/chat-failures.md"
      namespace   = "cxone-insights"
      metric      = "chat_session_failures"
      dimensions  = { function = "chat-session", stack = var.name }
      statistic   = "Sum"
      period      = 300
      periods     = 1
      threshold   = 3
    }
    chat-agents-unworked = {
      description = "There are more agents than the chat workers take. Runbook - infra/docs/runbooks/chat-failures.md"
      namespace   = "cxone-insights"
      metric      = "chat_agents_unworked"
      dimensions  = { function = "chat-session", stack = var.name }
      statistic   = "Maximum"
      period      = 300
      periods     = 1
      threshold   = 1
    }
  }

  # What an alarm on silence hangs on.
  runs = {
    schedules = var.schedules == "ENABLED"
    feed      = var.schedules == "ENABLED" && local.is_tenant
    chats     = var.schedules == "ENABLED" && local.has_chats
    heartbeat = var.schedules == "ENABLED" && var.heartbeat == "on"
  }

  # Known before the metrics' dimensions are: `try` would leave the whole alarm unknown until then.
  sums   = [for name, alarm in local.alarms : name if contains(keys(alarm), "sum_of")]
  shares = [for name, alarm in local.alarms : name if contains(keys(alarm), "out_of")]

  made_alarms = {
    for name, alarm in local.alarms : name => alarm
    if local.monitor && lookup(local.runs, try(alarm.only_where, ""), true)
  }
}

resource "aws_cloudwatch_metric_alarm" "alarm" {
  for_each = local.made_alarms

  alarm_name          = "${var.name}-${each.key}"
  alarm_description   = each.value.description
  evaluation_periods  = each.value.periods
  datapoints_to_alarm = try(each.value.datapoints, null)
  threshold           = each.value.threshold
  comparison_operator = try(each.value.comparison, "GreaterThanOrEqualToThreshold")
  treat_missing_data  = try(each.value.missing, "notBreaching")
  alarm_actions       = [aws_sns_topic.alarms.arn]
  ok_actions          = [aws_sns_topic.alarms.arn]
  tags                = local.tags

  # Alarms of one metric.
  namespace          = try(each.value.namespace, null)
  metric_name        = try(each.value.metric, null)
  dimensions         = try(each.value.dimensions, null)
  statistic          = try(each.value.statistic, null)
  extended_statistic = try(each.value.percentile, null)
  period             = contains(local.sums, each.key) ? null : each.value.period

  # Alarms of a sum: a metric that nothing was written to counts as zero.
  dynamic "metric_query" {
    for_each = contains(local.sums, each.key) ? each.value.sum_of : []
    content {
      id          = "m${metric_query.key}"
      return_data = false
      metric {
        namespace   = metric_query.value.namespace
        metric_name = metric_query.value.metric
        dimensions  = metric_query.value.dimensions
        stat        = "Sum"
        period      = each.value.period
      }
    }
  }

  # What the sum is a share of.
  dynamic "metric_query" {
    for_each = contains(local.shares, each.key) ? each.value.out_of : []
    content {
      id          = "all"
      return_data = false
      metric {
        namespace   = metric_query.value.namespace
        metric_name = metric_query.value.metric
        dimensions  = metric_query.value.dimensions
        stat        = "Sum"
        period      = each.value.period
      }
    }
  }

  dynamic "metric_query" {
    for_each = contains(local.sums, each.key) ? [join("+", [for index, _ in each.value.sum_of : "FILL(m${index},0)"])] : []
    content {
      id          = "sum"
      label       = each.key
      expression  = contains(local.shares, each.key) ? "IF(all>0,100*(${metric_query.value})/all,0)" : metric_query.value
      return_data = true
    }
  }
}

resource "aws_cloudwatch_dashboard" "dashboard" {
  count = local.monitor ? 1 : 0

  dashboard_name = var.name
  dashboard_body = templatefile("${path.module}/dashboard.json.tftpl", {
    name         = var.name
    region       = local.region
    api          = aws_apigatewayv2_api.api.id
    functions    = { for name, function in aws_lambda_function.function : name => function.function_name }
    queue        = aws_sqs_queue.embedding.name
    dead_letters = aws_sqs_queue.embedding_dead_letters.name
    undelivered  = aws_sqs_queue.undelivered_events.name
    table        = aws_dynamodb_table.state.name
    report_map   = aws_sfn_state_machine.report_map.arn
  })
}
