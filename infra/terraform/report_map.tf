# The report of many days: one worker a day, one reducer (infra/docs/report-map.md).
locals {
  invoke          = "arn:${local.partition}:states:::lambda:invoke"
  report_function = "${local.functions_arn}-analytics-report:live"

  report_map_days = join(" ", [
    "{% ( $first := $toMillis($states.input.from); $last := $toMillis($states.input.to);",
    "$count := ($last - $first) / 86400000 + 1;",
    "$assert($count >= 1 and $count <= 400, 'from must not be after to, and at most 400 days may be asked for');",
    "{ 'days': [[0..($count - 1)].{ 'mode': 'map', 'run': $states.context.Execution.Name,",
    "'day': $fromMillis($first + $ * 86400000, '[Y0001]-[M01]-[D01]') }] } ) %}",
  ])
}

resource "aws_sfn_state_machine" "report_map" {
  name     = "${var.name}-report-map"
  type     = "STANDARD"
  role_arn = aws_iam_role.report_map.arn
  tags     = local.tags

  definition = jsonencode({
    Comment       = "Reports the days from `from` to `to`, both inclusive."
    QueryLanguage = "JSONata"
    StartAt       = "Days"
    States = {
      Days = {
        Type    = "Pass"
        Comment = "One item a day, at most 400. The run's name is the execution's, so a redriven execution finds its parts."
        Assign = {
          from = "{% $states.input.from %}"
          to   = "{% $states.input.to %}"
          run  = "{% $states.context.Execution.Name %}"
        }
        Output = local.report_map_days
        Next   = "EachDay"
      }
      EachDay = {
        Type           = "Map"
        Items          = "{% $states.input.days %}"
        MaxConcurrency = var.report_map_concurrency
        ItemProcessor = {
          ProcessorConfig = { Mode = "DISTRIBUTED", ExecutionType = "STANDARD" }
          StartAt         = "OneDay"
          States = {
            OneDay = {
              Type           = "Task"
              Resource       = local.invoke
              Arguments      = { FunctionName = local.report_function, Payload = "{% $states.input %}" }
              TimeoutSeconds = 960
              # Whatever stopped the worker, the day continues from its checkpoint.
              Retry  = [{ ErrorEquals = ["States.ALL"], IntervalSeconds = 10, BackoffRate = 2, MaxAttempts = 4, JitterStrategy = "FULL" }]
              Output = "{% $states.result.Payload %}"
              End    = true
            }
          }
        }
        # The result of each day stays in the bucket. Step Functions could pass on at most 256 KB here.
        Output = {}
        Next   = "Reduce"
      }
      Reduce = {
        Type     = "Task"
        Resource = local.invoke
        Arguments = {
          FunctionName = local.report_function
          Payload      = "{% { 'mode': 'reduce', 'run': $run, 'from': $from, 'to': $to } %}"
        }
        TimeoutSeconds = 960
        Retry          = [{ ErrorEquals = ["States.ALL"], IntervalSeconds = 10, BackoffRate = 2, MaxAttempts = 2, JitterStrategy = "FULL" }]
        Output         = "{% $states.result.Payload %}"
        End            = true
      }
    }
  })

  tracing_configuration {
    enabled = true
  }

  logging_configuration {
    level                  = "ALL"
    include_execution_data = false
    log_destination        = "${aws_cloudwatch_log_group.report_map.arn}:*"
  }

  # The service tries the role's rights when the state machine is made.
  depends_on = [aws_iam_role_policy.report_map]
}

resource "aws_cloudwatch_log_group" "report_map" {
  name              = "/aws/vendedlogs/states/${var.name}-report-map"
  retention_in_days = var.log_retention_days
  kms_key_id        = local.key
  skip_destroy      = true
}
