# The names are those of the template, in snake case.
output "api_url" {
  description = "Base URL of the API; a Studio script calls {api_url}/data-actions/sentiment."
  value       = "https://${aws_apigatewayv2_api.api.id}.execute-api.${local.region}.${data.aws_partition.current.dns_suffix}"
}

output "callers_secret_arn" {
  description = "Keys of those who call the API; a first one was generated."
  value       = aws_secretsmanager_secret.audience["callers"].arn
}

output "contact_center_secret_arn" {
  description = "Credentials for the contact center; put them in after the first deployment."
  value       = aws_secretsmanager_secret.audience["contact-center"].arn
}

output "database_secret_arn" {
  description = "Addresses of the database; put them in before webhooks come."
  value       = aws_secretsmanager_secret.audience["database"].arn
}

output "providers_secret_arn" {
  description = "Keys of services that score or embed, where sentiment_provider is http or embedding_provider is openai."
  value       = aws_secretsmanager_secret.audience["providers"].arn
}

output "state_table_name" {
  description = "The state table."
  value       = aws_dynamodb_table.state.name
}

output "object_bucket_name" {
  description = "Reports under reports/, archived chats under archive/."
  value       = aws_s3_bucket.objects.id
}

output "embedding_queue_url" {
  description = "Where webhooks wait to be embedded."
  value       = aws_sqs_queue.embedding.url
}

output "embedding_dead_letters_url" {
  description = "What could not be embedded; cxone-insights dlq lists and redrives it."
  value       = aws_sqs_queue.embedding_dead_letters.url
}

output "report_map_arn" {
  description = "The state machine that reports many days."
  value       = aws_sfn_state_machine.report_map.arn
}

output "alarm_topic_arn" {
  description = "Alarms; subscribe more people or tools here."
  value       = aws_sns_topic.alarms.arn
}

output "escalation_topic_arn" {
  description = "Chat escalations, without text."
  value       = aws_sns_topic.escalations.arn
}

output "data_action_function_name" {
  description = "Name of the function data-action."
  value       = aws_lambda_function.function["data-action"].function_name
}

output "webhook_receiver_function_name" {
  description = "Name of the function webhook-receiver."
  value       = aws_lambda_function.function["webhook-receiver"].function_name
}

output "embedding_writer_function_name" {
  description = "Name of the function embedding-writer."
  value       = aws_lambda_function.function["embedding-writer"].function_name
}

output "semantic_search_function_name" {
  description = "Name of the function semantic-search."
  value       = aws_lambda_function.function["semantic-search"].function_name
}

output "supervisor_board_function_name" {
  description = "Name of the function supervisor-board."
  value       = aws_lambda_function.function["supervisor-board"].function_name
}

output "board_url" {
  description = "The page of supervisors; a key with the scope board logs in."
  value       = "https://${aws_apigatewayv2_api.api.id}.execute-api.${local.region}.${data.aws_partition.current.dns_suffix}/board"
}

output "transcript_poller_function_name" {
  description = "Name of the function transcript-poller."
  value       = aws_lambda_function.function["transcript-poller"].function_name
}

output "analytics_report_function_name" {
  description = "Name of the function analytics-report."
  value       = aws_lambda_function.function["analytics-report"].function_name
}

output "chat_session_function_name" {
  description = "Name of the function chat-session."
  value       = aws_lambda_function.function["chat-session"].function_name
}

output "admin_function_name" {
  description = "Name of the function admin."
  value       = aws_lambda_function.function["admin"].function_name
}

output "heartbeat_function_name" {
  description = "Name of the function heartbeat."
  value       = aws_lambda_function.function["heartbeat"].function_name
}

output "undelivered_events_url" {
  description = "Starts that could not be delivered, and daily reports that failed thrice."
  value       = aws_sqs_queue.undelivered_events.url
}

output "access_log_bucket_name" {
  description = "Who read or wrote an object of the object bucket."
  value       = aws_s3_bucket.access_logs.id
}

output "endpoint_security_group_id" {
  description = "zero_egress - the group of the endpoints, for the egress of security_group_ids."
  value       = one(aws_security_group.endpoints[*].id)
}
