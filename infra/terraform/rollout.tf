# How a new version takes over. Terraform publishes it and asks CodeDeploy to move the alias; an alarm of the function moves it back.
resource "aws_lambda_alias" "live" {
  for_each = aws_lambda_function.function

  name             = "live"
  function_name    = each.value.function_name
  function_version = each.value.version

  lifecycle {
    # CodeDeploy moves the alias.
    ignore_changes = [function_version, routing_config]
  }
}

resource "aws_lambda_provisioned_concurrency_config" "data_action" {
  count = var.provisioned_concurrency > 0 ? 1 : 0

  function_name                     = aws_lambda_alias.live["data-action"].function_name
  qualifier                         = aws_lambda_alias.live["data-action"].name
  provisioned_concurrent_executions = var.provisioned_concurrency
}

resource "aws_codedeploy_app" "functions" {
  name             = var.name
  compute_platform = "Lambda"
  tags             = local.tags
}

resource "aws_codedeploy_deployment_group" "function" {
  for_each = local.functions

  app_name               = aws_codedeploy_app.functions.name
  deployment_group_name  = "${var.name}-${each.key}"
  deployment_config_name = "CodeDeployDefault.Lambda${var.rollout}"
  service_role_arn       = aws_iam_role.deployment.arn
  tags                   = local.tags

  deployment_style {
    deployment_option = "WITH_TRAFFIC_CONTROL"
    deployment_type   = "BLUE_GREEN"
  }

  auto_rollback_configuration {
    enabled = true
    events  = ["DEPLOYMENT_FAILURE", "DEPLOYMENT_STOP_ON_ALARM", "DEPLOYMENT_STOP_ON_REQUEST"]
  }

  dynamic "alarm_configuration" {
    for_each = local.monitor ? [each.value.alarms] : []
    content {
      enabled = true
      alarms  = [for alarm in alarm_configuration.value : aws_cloudwatch_metric_alarm.alarm[alarm].alarm_name]
    }
  }
}

resource "terraform_data" "rollout" {
  for_each = local.function_names

  triggers_replace = aws_lambda_function.function[each.key].version

  provisioner "local-exec" {
    command = "\"${path.module}/rollout.sh\""
    environment = {
      AWS_REGION  = local.region
      APPLICATION = aws_codedeploy_app.functions.name
      GROUP       = aws_codedeploy_deployment_group.function[each.key].deployment_group_name
      FUNCTION    = aws_lambda_alias.live[each.key].function_name
      VERSION     = self.triggers_replace
    }
  }

  depends_on = [aws_iam_role_policy.deployment]
}
