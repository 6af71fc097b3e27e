# Zero egress: the AWS services that the functions call, without a route to the Internet.
locals {
  make_endpoints = var.zero_egress && var.create_endpoints

  interface_endpoints = {
    secretsmanager = [{ Effect = "Allow", Principal = "*", Action = "secretsmanager:GetSecretValue", Resource = values(local.secret_arns) }]
    sqs = [{
      Effect    = "Allow"
      Principal = "*"
      Action    = ["sqs:SendMessage", "sqs:ReceiveMessage", "sqs:ChangeMessageVisibility", "sqs:DeleteMessage"]
      Resource  = [aws_sqs_queue.embedding.arn, aws_sqs_queue.embedding_dead_letters.arn]
    }]
    sns    = [{ Effect = "Allow", Principal = "*", Action = "sns:Publish", Resource = aws_sns_topic.escalations.arn }]
    lambda = [{ Effect = "Allow", Principal = "*", Action = "lambda:InvokeFunction", Resource = "${local.functions_arn}-transcript-poller:live" }]
  }
  gateway_endpoints = {
    dynamodb = [{ Effect = "Allow", Principal = "*", Action = "dynamodb:*", Resource = aws_dynamodb_table.state.arn }]
    s3       = [{ Effect = "Allow", Principal = "*", Action = "s3:*", Resource = [aws_s3_bucket.objects.arn, "${aws_s3_bucket.objects.arn}/*"] }]
  }
}

resource "aws_security_group" "endpoints" {
  count = local.make_endpoints ? 1 : 0

  name_prefix = "${var.name}-endpoints-"
  description = "Lets the functions reach the endpoints of AWS services"
  vpc_id      = var.vpc_id
  tags        = local.tags
}

resource "aws_vpc_security_group_ingress_rule" "endpoints" {
  count = local.make_endpoints ? 1 : 0

  security_group_id            = aws_security_group.endpoints[0].id
  referenced_security_group_id = var.security_group_ids[0]
  ip_protocol                  = "tcp"
  from_port                    = 443
  to_port                      = 443
  description                  = "HTTPS from the functions"
  tags                         = local.tags
}

resource "aws_vpc_endpoint" "interface" {
  for_each = { for service, statements in local.interface_endpoints : service => statements if local.make_endpoints }

  vpc_endpoint_type   = "Interface"
  service_name        = "com.amazonaws.${local.region}.${each.key}"
  vpc_id              = var.vpc_id
  subnet_ids          = var.subnet_ids
  security_group_ids  = [aws_security_group.endpoints[0].id]
  private_dns_enabled = true
  policy              = jsonencode({ Version = "2012-10-17", Statement = each.value })
  tags                = local.tags
}

resource "aws_vpc_endpoint" "gateway" {
  for_each = { for service, statements in local.gateway_endpoints : service => statements if local.make_endpoints }

  vpc_endpoint_type = "Gateway"
  service_name      = "com.amazonaws.${local.region}.${each.key}"
  vpc_id            = var.vpc_id
  route_table_ids   = var.route_table_ids
  policy            = jsonencode({ Version = "2012-10-17", Statement = each.value })
  tags              = local.tags
}
