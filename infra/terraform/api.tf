# The HTTP API. The functions authenticate their callers.
locals {
  routes = {
    "POST /data-actions/sentiment" = "data-action"
    "PUT /interactions/{id}"       = "data-action"
    "DELETE /interactions/{id}"    = "data-action"
    "GET /interactions/{id}"       = "data-action"
    "GET /health"                  = "data-action"
    # An unknown path or method is answered in the shape of every other error.
    "$default"                   = "data-action"
    "POST /webhooks/cxone"       = "webhook-receiver"
    "POST /studio/contact-ended" = "webhook-receiver"
    "GET /search"                = "semantic-search"
    "DELETE /conversations/{id}" = "admin"
    "GET /board"                 = "supervisor-board"
    "GET /board/{resource}"      = "supervisor-board"
    "GET /board/calls/{id}"      = "supervisor-board"
    "GET /board/cards/{id}"      = "supervisor-board"
    "POST /board/cards/{id}"     = "supervisor-board"
    "POST /board/alerts/{id}"    = "supervisor-board"
    "POST /board/{action}"       = "supervisor-board"
  }
  # Longer than the time limit of the function, or than what admin takes for a request, so that its own answer is what callers get.
  integration_timeouts = {
    data-action      = 6000
    webhook-receiver = 12000
    semantic-search  = 12000
    supervisor-board = 12000
    admin            = 30000
  }
}

resource "aws_apigatewayv2_api" "api" {
  name          = var.name
  description   = "Data Action, webhooks, live interactions, search and the board of supervisors. The functions authenticate their callers."
  protocol_type = "HTTP"
  tags          = local.tags
}

resource "aws_apigatewayv2_integration" "function" {
  for_each = local.integration_timeouts

  api_id                 = aws_apigatewayv2_api.api.id
  integration_type       = "AWS_PROXY"
  integration_method     = "POST"
  integration_uri        = aws_lambda_alias.live[each.key].invoke_arn
  payload_format_version = "2.0"
  timeout_milliseconds   = each.value
}

resource "aws_apigatewayv2_route" "route" {
  for_each = local.routes

  api_id    = aws_apigatewayv2_api.api.id
  route_key = each.key
  target    = "integrations/${aws_apigatewayv2_integration.function[each.value].id}"
}

resource "aws_apigatewayv2_stage" "default" {
  api_id      = aws_apigatewayv2_api.api.id
  name        = "$default"
  auto_deploy = true
  tags        = local.tags

  default_route_settings {
    throttling_rate_limit  = var.api_rate_limit
    throttling_burst_limit = var.api_burst_limit
  }

  access_log_settings {
    destination_arn = aws_cloudwatch_log_group.api.arn
    # The route is logged instead of the path and the query, because the words of a search are conversation text.
    format = jsonencode({
      request_id          = "$context.requestId"
      function_request_id = "$context.integration.requestId"
      time                = "$context.requestTime"
      route               = "$context.routeKey"
      status              = "$context.status"
      duration_ms         = "$context.responseLatency"
      function_ms         = "$context.integrationLatency"
      bytes               = "$context.responseLength"
      ip                  = "$context.identity.sourceIp"
      error               = "$context.error.message"
      function_error      = "$context.integration.error"
    })
  }
}

resource "aws_lambda_permission" "route" {
  for_each = local.routes

  statement_id  = replace(replace(each.key, "/[{}$]/", ""), "/[^A-Za-z0-9]+/", "-")
  action        = "lambda:InvokeFunction"
  function_name = aws_lambda_alias.live[each.value].function_name
  qualifier     = aws_lambda_alias.live[each.value].name
  principal     = "apigateway.amazonaws.com"
  source_arn    = "${aws_apigatewayv2_api.api.execution_arn}/*/${each.key == "$default" ? "*" : replace(replace(each.key, " ", ""), "/\\{[^}]*\\}/", "*")}"
}

resource "aws_cloudwatch_log_group" "api" {
  # Below this prefix the account's resource policy for logs does not grow with each API.
  name              = "/aws/vendedlogs/apigateway/${var.name}"
  retention_in_days = var.log_retention_days
  kms_key_id        = local.key
  skip_destroy      = true
}
