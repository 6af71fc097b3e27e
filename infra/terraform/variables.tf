variable "name" {
  description = "What the names of all resources begin with; the name of the stack in guide and runbooks."
  type        = string
  default     = "cxone-insights"

  validation {
    condition     = can(regex("^[A-Za-z][A-Za-z0-9-]{0,45}$", var.name))
    error_message = "name must be at most 46 letters, digits and hyphens: the longest function's name begins with it, and Lambda allows 64."
  }
}

variable "packages_dir" {
  description = "Folder with the packages of a release: a zip for each function and processor, such as data-action-x86_64.zip. Empty takes them from packages_bucket."
  type        = string
  default     = ""

  validation {
    condition     = (var.packages_dir == "") != (var.packages_bucket == "")
    error_message = "One of packages_dir and packages_bucket must be given, and not both."
  }
}

variable "packages_bucket" {
  description = "Bucket with the packages of a release, in the region of the functions."
  type        = string
  default     = ""
}

variable "packages_prefix" {
  description = "What the keys of the packages in packages_bucket begin with, such as v0.2.0/. Another release needs another prefix, by which the change is seen."
  type        = string
  default     = ""
}

variable "cxone_base_url" {
  description = "Base URL of the contact center's API, such as https://api-na1.niceincontact.com. cxone_profile tutorial needs it; with cxone empty asks the tenant's discovery."
  type        = string
  default     = ""
  nullable    = false

  validation {
    condition     = can(regex("^((https?://[^\\s/?#@]+(/[^\\s?#@]*)?)?)$", var.cxone_base_url))
    error_message = "cxone_base_url must be empty, or an http or https URL without user, query or fragment."
  }

  validation {
    condition     = var.cxone_profile != "tutorial" || var.cxone_base_url != ""
    error_message = "cxone_profile tutorial needs cxone_base_url."
  }
}

variable "cxone_profile" {
  description = "Which API the contact center has. tutorial is that of published tutorials, cxone that of a NICE CXone tenant."
  type        = string
  default     = "tutorial"
  nullable    = false

  validation {
    condition     = contains(["tutorial", "cxone"], var.cxone_profile)
    error_message = "cxone_profile must be tutorial or cxone."
  }
}

variable "cxone_issuer" {
  description = "Issuer of a tenant's tokens. Empty takes that of the commercial cloud; FedRAMP needs https://cxone-gov.niceincontact.com."
  type        = string
  default     = ""
  nullable    = false

  validation {
    condition     = can(regex("^((https?://[^\\s/?#@]+(/[^\\s?#@]*)?)?)$", var.cxone_issuer))
    error_message = "cxone_issuer must be empty, or an http or https URL without user, query or fragment."
  }
}

variable "cxone_client_auth" {
  description = "How the application that is registered with a tenant proves itself."
  type        = string
  default     = "basic"
  nullable    = false

  validation {
    condition     = contains(["basic", "post"], var.cxone_client_auth)
    error_message = "cxone_client_auth must be basic or post."
  }
}

variable "cxone_auth" {
  description = "How a tenant's tokens are asked for. password needs a registered application and an access key, access_key an access key alone."
  type        = string
  default     = "password"
  nullable    = false

  validation {
    condition     = contains(["password", "access_key"], var.cxone_auth)
    error_message = "cxone_auth must be password or access_key."
  }
}

variable "cxone_tenant_id" {
  description = "Id of the tenant. Empty takes the tenant of the access key."
  type        = string
  default     = ""
  nullable    = false

  validation {
    condition     = can(regex("^([A-Za-z0-9_-]{0,100})$", var.cxone_tenant_id))
    error_message = "cxone_tenant_id must be empty, or letters, digits, hyphens and underscores."
  }
}

variable "cxone_acd_version" {
  description = "Version of a tenant's contact API. The command doctor lists those that the tenant has."
  type        = number
  default     = 31
  nullable    = false

  validation {
    condition     = var.cxone_acd_version >= 13 && var.cxone_acd_version <= 99 && floor(var.cxone_acd_version) == var.cxone_acd_version
    error_message = "cxone_acd_version must be a whole number from 13 to 99."
  }
}

variable "cxone_media_types" {
  description = "Kinds of conversations that reports and embeddings read from a tenant. Empty is both."
  type        = string
  default     = ""
  nullable    = false

  validation {
    condition     = contains(["", "voice", "digital", "voice,digital"], var.cxone_media_types)
    error_message = "cxone_media_types must be empty, voice, digital or voice,digital."
  }
}

variable "cxone_digital_url" {
  description = "Host of a tenant's digital part. Empty is the usual one of its area, api the host of its API."
  type        = string
  default     = ""
  nullable    = false

  validation {
    condition     = can(regex("^((auto|api|https?://[^\\s/?#@]+(/[^\\s?#@]*)?)?)$", var.cxone_digital_url))
    error_message = "cxone_digital_url must be empty, auto, api, or an http or https URL without user, query or fragment."
  }
}

variable "cxone_trusted_domains" {
  description = "Domains beside NICE's own that a tenant's token may be sent to, for resellers with hosts of their own."
  type        = string
  default     = ""
  nullable    = false

  validation {
    condition     = can(regex("^(([A-Za-z0-9-]+(\\.[A-Za-z0-9-]+)+(,[A-Za-z0-9-]+(\\.[A-Za-z0-9-]+)+)*)?)$", var.cxone_trusted_domains))
    error_message = "cxone_trusted_domains must be empty, or domains separated by commas, without spaces."
  }
}

variable "cxone_event_hub" {
  description = "on listens to a tenant's event hub beside the polls of its digital contacts. NICE does not support it for servers."
  type        = string
  default     = "off"
  nullable    = false

  validation {
    condition     = contains(["off", "on"], var.cxone_event_hub)
    error_message = "cxone_event_hub must be off or on."
  }
}

variable "cxone_voice_notifications" {
  description = "Experimental and off unless on. Listens to the words of a tenant's calls while they go on, over a socket that NICE has not published, which nobody has tried on a tenant."
  type        = string
  default     = "off"
  nullable    = false

  validation {
    condition     = contains(["off", "on"], var.cxone_voice_notifications)
    error_message = "cxone_voice_notifications must be off or on."
  }
}

variable "cxone_voice_customer" {
  description = "Channels or participants that are the customer's in those words, separated by commas. Empty lets the names of the channels decide."
  type        = string
  default     = ""
  nullable    = false

  validation {
    condition     = can(regex("^([A-Za-z0-9_.:-]{0,100}(,[A-Za-z0-9_.:-]{1,100}){0,9})$", var.cxone_voice_customer))
    error_message = "cxone_voice_customer must be empty, or at most ten names of letters, digits, dots, colons, hyphens and underscores, separated by commas, without spaces."
  }
}

variable "cxone_sentiment_field" {
  description = "Custom field of digital contacts that the average sentiment is written into. Empty writes none."
  type        = string
  default     = ""
  nullable    = false

  validation {
    condition     = can(regex("^([A-Za-z0-9_-]{0,100})$", var.cxone_sentiment_field))
    error_message = "cxone_sentiment_field must be empty, or letters, digits, hyphens and underscores."
  }
}

variable "cxone_trend_field" {
  description = "Custom field of digital contacts that the trend of the sentiment is written into. Empty writes none."
  type        = string
  default     = ""
  nullable    = false

  validation {
    condition     = can(regex("^([A-Za-z0-9_-]{0,100})$", var.cxone_trend_field))
    error_message = "cxone_trend_field must be empty, or letters, digits, hyphens and underscores."
  }
}

variable "cxone_alert_team" {
  description = "Number of a team of the tenant whose agents get a message when a digital contact goes badly. Empty sends none."
  type        = string
  default     = ""
  nullable    = false

  validation {
    condition     = can(regex("^([0-9]{0,9})$", var.cxone_alert_team))
    error_message = "cxone_alert_team must be empty, or the number of a team."
  }
}

variable "cxone_analytics_rate" {
  description = "Largest number of requests to a tenant's Interaction Analytics in a second, over all functions together."
  type        = number
  default     = 5
  nullable    = false

  validation {
    condition     = var.cxone_analytics_rate >= 1 && var.cxone_analytics_rate <= 100 && floor(var.cxone_analytics_rate) == var.cxone_analytics_rate
    error_message = "cxone_analytics_rate must be a whole number from 1 to 100."
  }
}

variable "cxone_acd_rate" {
  description = "Largest number of requests to a tenant's contact API in a second, over all functions together."
  type        = number
  default     = 5
  nullable    = false

  validation {
    condition     = var.cxone_acd_rate >= 1 && var.cxone_acd_rate <= 100 && floor(var.cxone_acd_rate) == var.cxone_acd_rate
    error_message = "cxone_acd_rate must be a whole number from 1 to 100."
  }
}

variable "cxone_digital_rate" {
  description = "Largest number of requests to a tenant's digital part in a second, over all functions together. NICE allows 33 to all tools of a tenant."
  type        = number
  default     = 10
  nullable    = false

  validation {
    condition     = var.cxone_digital_rate >= 1 && var.cxone_digital_rate <= 100 && floor(var.cxone_digital_rate) == var.cxone_digital_rate
    error_message = "cxone_digital_rate must be a whole number from 1 to 100."
  }
}

variable "poll_open_contacts" {
  description = "Largest number of open digital contacts of a tenant that the poller follows by itself. 0 follows those alone that a script has registered."
  type        = number
  default     = 0
  nullable    = false

  validation {
    condition     = var.poll_open_contacts >= 0 && var.poll_open_contacts <= 1000 && floor(var.poll_open_contacts) == var.poll_open_contacts
    error_message = "poll_open_contacts must be a whole number from 0 to 1000."
  }
}

variable "report_outcome_map" {
  description = "Which outcome each disposition stands for in reports, such as Refund granted=Success. Empty is the built-in table."
  type        = string
  default     = ""
  nullable    = false

  validation {
    condition     = can(regex("^(([^=,]+=[A-Za-z]+(,[^=,]+=[A-Za-z]+)*)?)$", var.report_outcome_map))
    error_message = "report_outcome_map must be pairs such as Refund granted=Success, separated by commas."
  }
}

variable "cxone_token_url" {
  description = "Where tokens are issued. Empty takes each system's default path under the base URL."
  type        = string
  default     = ""
  nullable    = false

  validation {
    condition     = can(regex("^((https?://[^\\s?#@]+)?)$", var.cxone_token_url))
    error_message = "cxone_token_url must be empty, or an http or https URL."
  }
}

variable "cxone_scopes" {
  description = "OAuth scopes asked for by every function. Empty lets each function ask for the scopes that it needs."
  type        = string
  default     = ""
  nullable    = false

  validation {
    condition     = can(regex("^([A-Za-z0-9:._ -]*)$", var.cxone_scopes))
    error_message = "cxone_scopes must be scopes separated by spaces."
  }
}

variable "sentiment_provider" {
  description = "local scores with the shipped model inside the function; http asks the service at sentiment_url."
  type        = string
  default     = "local"
  nullable    = false

  validation {
    condition     = contains(["local", "http"], var.sentiment_provider)
    error_message = "sentiment_provider must be one of local, http."
  }
}

variable "sentiment_url" {
  description = "The HTTP sentiment service. Needed where sentiment_provider is http; its key is nlp_api_key in the secret."
  type        = string
  default     = ""
  nullable    = false

  validation {
    condition     = can(regex("^((https?://[^\\s?#@]+)?)$", var.sentiment_url))
    error_message = "sentiment_url must be empty, or an http or https URL."
  }

  validation {
    condition     = var.sentiment_provider != "http" || var.sentiment_url != ""
    error_message = "sentiment_provider http needs sentiment_url."
  }
}

variable "model_layer" {
  description = "A layer with another sentiment model in its folder model/ (model.onnx, tokenizer.json, config.json). Empty is the shipped one."
  type        = string
  default     = ""
  nullable    = false

  validation {
    condition     = can(regex("^((arn:[^:]+:lambda:[^:]+:[0-9]+:layer:[A-Za-z0-9_-]+:[0-9]+)?)$", var.model_layer))
    error_message = "model_layer must be empty, or the ARN of a layer version."
  }
}

variable "embedding_provider" {
  description = "local embeds with the shipped model (384 dimensions); openai asks OpenAI (1536 dimensions)."
  type        = string
  default     = "local"
  nullable    = false

  validation {
    condition     = contains(["local", "openai"], var.embedding_provider)
    error_message = "embedding_provider must be one of local, openai."
  }
}

variable "openai_base_url" {
  description = "Another address with OpenAI's embeddings API, such as a gateway of yours. Empty is OpenAI itself."
  type        = string
  default     = ""
  nullable    = false

  validation {
    condition     = can(regex("^((https?://[^\\s?#@]+)?)$", var.openai_base_url))
    error_message = "openai_base_url must be empty, or an http or https URL."
  }
}

variable "embedding_model_layer" {
  description = "A layer with another embedding model in its folder model/. Empty is the shipped one. Vectors of two models cannot be compared."
  type        = string
  default     = ""
  nullable    = false

  validation {
    condition     = can(regex("^((arn:[^:]+:lambda:[^:]+:[0-9]+:layer:[A-Za-z0-9_-]+:[0-9]+)?)$", var.embedding_model_layer))
    error_message = "embedding_model_layer must be empty, or the ARN of a layer version."
  }
}

variable "alert_threshold" {
  description = "A Data Action's score below this raises alert_triggered (0 is negative, 1 is positive)."
  type        = number
  default     = 0.3
  nullable    = false

  validation {
    condition     = var.alert_threshold >= 0 && var.alert_threshold <= 1
    error_message = "alert_threshold must be between 0 and 1."
  }
}

variable "schedules" {
  description = "Whether the poller, the report and the chat sessions start by themselves. DISABLED for a first look."
  type        = string
  default     = "ENABLED"
  nullable    = false

  validation {
    condition     = contains(["ENABLED", "DISABLED"], var.schedules)
    error_message = "schedules must be one of ENABLED, DISABLED."
  }
}

variable "report_schedule" {
  description = "When the daily report starts, in UTC."
  type        = string
  default     = "cron(15 2 * * ? *)"
  nullable    = false

  validation {
    condition     = can(regex("^(cron\\([0-5]?[0-9] ([01]?[0-9]|2[0-3]) (\\*|\\?) \\* (\\*|\\?) \\*\\)|rate\\((1 day|24 hours)\\))$", var.report_schedule))
    error_message = "report_schedule must be once a day, such as cron(15 2 * * ? *). The alarm report-missing expects one report a day."
  }
}

variable "chat_agents" {
  description = "Agents whose chat sessions are worked, at most 50 for each of chat_shards. Empty works none."
  type        = list(string)
  default     = []
  nullable    = false

  validation {
    condition     = length(var.chat_agents) <= 250 && alltrue([for id in var.chat_agents : can(regex("^[A-Za-z0-9_.@-]+$", id))])
    error_message = "chat_agents must be at most 250 agent ids."
  }

  validation {
    condition     = length(var.chat_agents) <= 50 * var.chat_shards
    error_message = "chat_agents must be at most 50 agents for each of chat_shards."
  }
}

variable "chat_shards" {
  description = "Workers that share the agents. Ids are spread by their digests, which is not even, so count 40 agents for each. The alarm chat-agents-unworked tells of agents that are left out."
  type        = number
  default     = 1
  nullable    = false

  validation {
    condition     = contains([1, 2, 3, 4, 5], var.chat_shards)
    error_message = "chat_shards must be one of 1, 2, 3, 4, 5."
  }
}

variable "heartbeat" {
  description = "on checks the API from outside every five minutes with heartbeat_key of the callers' secret, or api_key, and raises an alarm when a check fails."
  type        = string
  default     = "off"
  nullable    = false

  validation {
    condition     = contains(["off", "on"], var.heartbeat)
    error_message = "heartbeat must be off or on."
  }
}

variable "heartbeat_checks" {
  description = "Checks that the heartbeat makes. Leave search out where there is no database, or where it may sleep while it is not used."
  type        = string
  default     = "health,score,search,call"
  nullable    = false

  validation {
    condition     = can(regex("^((health|score|search|call)(,(health|score|search|call)){0,3})$", var.heartbeat_checks))
    error_message = "heartbeat_checks must be checks separated by commas - health, score, search, call."
  }
}

variable "kms_key_arn" {
  description = "A key of yours that encrypts table, bucket, queues, secrets, topics and logs. Its policy must let the services in that the guide lists. Empty uses keys that AWS owns."
  type        = string
  default     = ""
  nullable    = false

  validation {
    condition     = can(regex("^((arn:[^:]+:kms:[^:]+:[0-9]+:key/[A-Za-z0-9-]+)?)$", var.kms_key_arn))
    error_message = "kms_key_arn must be empty, or the ARN of a key (not of an alias)."
  }
}

variable "redact_pii" {
  description = "Where personal data is masked - store, in everything that is written; always, also in what is shown and sent; off, nowhere."
  type        = string
  default     = "store"
  nullable    = false

  validation {
    condition     = contains(["store", "off", "always"], var.redact_pii)
    error_message = "redact_pii must be one of store, off, always."
  }
}

variable "redact_reports" {
  description = "Whether personal data in the transcripts of reports is masked - auto, as redact_pii says for everything that is written."
  type        = string
  default     = "auto"
  nullable    = false

  validation {
    condition     = contains(["auto", "yes", "no"], var.redact_reports)
    error_message = "redact_reports must be one of auto, yes, no."
  }
}

variable "chat_retention_days" {
  description = "Days that chat messages stay in the table. Archives in the bucket are kept for archive_retention_days."
  type        = number
  default     = 7
  nullable    = false

  validation {
    condition     = contains([1, 2, 3, 5, 7, 14, 30, 60, 90, 180, 365], var.chat_retention_days)
    error_message = "chat_retention_days must be one of 1, 2, 3, 5, 7, 14, 30, 60, 90, 180, 365."
  }
}

variable "vector_retention_days" {
  description = "Days after its end that a conversation stays searchable. 0 keeps it for ever."
  type        = number
  default     = 0
  nullable    = false

  validation {
    condition     = var.vector_retention_days >= 0 && var.vector_retention_days <= 36500 && floor(var.vector_retention_days) == var.vector_retention_days
    error_message = "vector_retention_days must be from 0 to 36500."
  }
}

variable "report_retention_days" {
  description = "Days that reports are kept."
  type        = number
  default     = 400
  nullable    = false

  validation {
    condition     = var.report_retention_days >= 1 && floor(var.report_retention_days) == var.report_retention_days
    error_message = "report_retention_days must be at least 1."
  }
}

variable "archive_retention_days" {
  description = "Days that archived chat transcripts are kept. After 30 days those over 128 KB move to a cheaper storage class."
  type        = number
  default     = 400
  nullable    = false

  validation {
    condition     = var.archive_retention_days >= 91 && floor(var.archive_retention_days) == var.archive_retention_days
    error_message = "archive_retention_days must be at least 91."
  }
}

variable "vpc_id" {
  description = "The VPC of the subnets below. Needed for zero_egress only."
  type        = string
  default     = ""
  nullable    = false

  validation {
    condition     = can(regex("^((vpc-[0-9a-f]+)?)$", var.vpc_id))
    error_message = "vpc_id must be empty or the id of a VPC."
  }
}

variable "subnet_ids" {
  description = "Subnets from which the functions that use the database reach it. Empty - no VPC, database on a public address."
  type        = list(string)
  default     = []
  nullable    = false

  validation {
    condition     = alltrue([for id in var.subnet_ids : can(regex("^subnet-[0-9a-f]+$", id))])
    error_message = "subnet_ids must be a list of subnet ids."
  }

  validation {
    condition     = length(var.subnet_ids) == 0 || length(var.security_group_ids) > 0
    error_message = "subnet_ids needs security_group_ids."
  }
}

variable "security_group_ids" {
  description = "Security groups of those functions. The database's group lets them in on port 5432."
  type        = list(string)
  default     = []
  nullable    = false

  validation {
    condition     = alltrue([for id in var.security_group_ids : can(regex("^sg-[0-9a-f]+$", id))])
    error_message = "security_group_ids must be a list of security group ids."
  }
}

variable "database_ca_layer" {
  description = "A layer with the certificates that the database's is signed by, for sslrootcert=/opt/... in its URL. RDS and Aurora need one."
  type        = string
  default     = ""
  nullable    = false

  validation {
    condition     = can(regex("^((arn:[^:]+:lambda:[^:]+:[0-9]+:layer:[A-Za-z0-9_-]+:[0-9]+)?)$", var.database_ca_layer))
    error_message = "database_ca_layer must be empty, or the ARN of a layer version."
  }
}

variable "zero_egress" {
  description = "true puts every function into the VPC, adds VPC endpoints for the AWS services they call, and allows local models only. The subnets then need no route to the Internet; only cxone_subnet_ids need one, to the contact center."
  type        = bool
  default     = false
  nullable    = false

  validation {
    condition     = !var.zero_egress || (var.sentiment_provider == "local" && var.embedding_provider == "local")
    error_message = "zero_egress allows the local models only (sentiment_provider local, embedding_provider local)."
  }

  validation {
    condition     = !var.zero_egress || (var.vpc_id != "" && alltrue([for ids in [var.subnet_ids, var.security_group_ids, var.cxone_subnet_ids, var.route_table_ids] : length(ids) > 0]))
    error_message = "zero_egress needs vpc_id, subnet_ids, security_group_ids, cxone_subnet_ids and route_table_ids."
  }

  validation {
    condition     = !var.zero_egress || var.heartbeat == "off"
    error_message = "zero_egress allows no heartbeat, which calls the public address of the API."
  }
}

variable "create_endpoints" {
  description = "zero_egress - whether this stack makes the VPC endpoints. false where the VPC has them already, as for a second stack in the same VPC."
  type        = bool
  default     = true
  nullable    = false
}

variable "cxone_subnet_ids" {
  description = "zero_egress - subnets of the three functions that call the contact center; their one way out is your firewall."
  type        = list(string)
  default     = []
  nullable    = false

  validation {
    condition     = alltrue([for id in var.cxone_subnet_ids : can(regex("^subnet-[0-9a-f]+$", id))])
    error_message = "cxone_subnet_ids must be a list of subnet ids."
  }
}

variable "route_table_ids" {
  description = "zero_egress - route tables of all these subnets, for the S3 and DynamoDB gateway endpoints."
  type        = list(string)
  default     = []
  nullable    = false

  validation {
    condition     = alltrue([for id in var.route_table_ids : can(regex("^rtb-[0-9a-f]+$", id))])
    error_message = "route_table_ids must be a list of route table ids."
  }
}

variable "api_rate_limit" {
  description = "Requests per second that a route of the API takes before it answers 429."
  type        = number
  default     = 200
  nullable    = false

  validation {
    condition     = var.api_rate_limit >= 1 && var.api_rate_limit <= 10000 && floor(var.api_rate_limit) == var.api_rate_limit
    error_message = "api_rate_limit must be between 1 and 10000."
  }
}

variable "api_burst_limit" {
  description = "Requests at once that a route takes above its rate."
  type        = number
  default     = 400
  nullable    = false

  validation {
    condition     = var.api_burst_limit >= 1 && var.api_burst_limit <= 5000 && floor(var.api_burst_limit) == var.api_burst_limit
    error_message = "api_burst_limit must be between 1 and 5000."
  }
}

variable "reserve_concurrency" {
  description = "true caps each function so that a runaway cannot drain the account. It takes 210 of the account's concurrent executions with the defaults below; an account with the initial limit of 10 needs false until its quota is raised."
  type        = bool
  default     = true
  nullable    = false
}

variable "provisioned_concurrency" {
  description = "Executions of data-action that are kept started, so that a call never waits for a cold start. 0 keeps none; each costs all day."
  type        = number
  default     = 0
  nullable    = false

  validation {
    condition     = var.provisioned_concurrency >= 0 && var.provisioned_concurrency <= 100 && floor(var.provisioned_concurrency) == var.provisioned_concurrency
    error_message = "provisioned_concurrency must be between 0 and 100."
  }
}

variable "board_oidc_issuer" {
  description = "Issuer of an OpenID provider at which supervisors may log in to the board. Empty offers no single sign-on."
  type        = string
  default     = ""
  nullable    = false

  validation {
    condition     = can(regex("^((https://[^\\s/?#@]+(/[^\\s?#@]*)?)?)$", var.board_oidc_issuer))
    error_message = "board_oidc_issuer must be empty, or an https URL without user, query or fragment."
  }
}

variable "board_oidc_client_id" {
  description = "Name of the board at that provider. Its secret is board_oidc_client_secret in the callers' secret."
  type        = string
  default     = ""
  nullable    = false

  validation {
    condition     = can(regex("^([^\\s,]{0,200})$", var.board_oidc_client_id))
    error_message = "board_oidc_client_id has at most 200 characters without white space and commas."
  }
}

variable "board_oidc_redirect_url" {
  description = "Address to which that provider sends browsers back, which is the output BoardUrl and /sign-on-return."
  type        = string
  default     = ""
  nullable    = false

  validation {
    condition     = can(regex("^((https://[^\\s/?#@]+/board/sign-on-return)?)$", var.board_oidc_redirect_url))
    error_message = "board_oidc_redirect_url must be empty, or an https URL that ends in /board/sign-on-return."
  }
}

variable "board_oidc_groups" {
  description = "Groups separated by commas, of which a supervisor must be in one. Groups or domains are needed."
  type        = string
  default     = ""
  nullable    = false

  validation {
    condition     = can(regex("^([^\\s]{0,1000})$", var.board_oidc_groups))
    error_message = "board_oidc_groups has at most 1000 characters without white space."
  }
}

variable "board_oidc_groups_claim" {
  description = "Claim of that provider that holds a person's groups."
  type        = string
  default     = "groups"
  nullable    = false

  validation {
    condition     = can(regex("^([^\\s]{1,200})$", var.board_oidc_groups_claim))
    error_message = "board_oidc_groups_claim has 1 to 200 characters without white space."
  }
}

variable "board_oidc_domains" {
  description = "Domains of which a supervisor's proven e-mail address must have one."
  type        = string
  default     = ""
  nullable    = false

  validation {
    condition     = can(regex("^(([A-Za-z0-9.-]+(,[A-Za-z0-9.-]+)*)?)$", var.board_oidc_domains))
    error_message = "board_oidc_domains must be empty, or domains separated by commas."
  }
}

variable "rules_file" {
  description = "Rule file in the bucket, such as object:config/rules.toml; empty keeps the built-in rules. A file that is refused raises an alarm, and the last good one stays in force."
  type        = string
  default     = ""
  nullable    = false

  validation {
    condition     = can(regex("^((object:config/[A-Za-z0-9._/-]{1,200})?)$", var.rules_file))
    error_message = "rules_file must be empty or object:config/ and the name of an object in the bucket."
  }
}

variable "poll_shards" {
  description = "Invocations that share the live calls, each following up to 1,000. Change it when no call is live - calls are listed by it."
  type        = number
  default     = 1
  nullable    = false

  validation {
    condition     = var.poll_shards >= 1 && var.poll_shards <= 1000 && floor(var.poll_shards) == var.poll_shards
    error_message = "poll_shards must be between 1 and 1000."
  }
}

variable "poller_concurrency" {
  description = "Concurrent executions reserved for the poller. At least twice poll_shards and one, since one generation follows the other."
  type        = number
  default     = 12
  nullable    = false

  validation {
    condition     = var.poller_concurrency >= 3 && var.poller_concurrency <= 5000 && floor(var.poller_concurrency) == var.poller_concurrency
    error_message = "poller_concurrency must be between 3 and 5000."
  }

  validation {
    condition     = !var.reserve_concurrency || var.poller_concurrency > 2 * var.poll_shards
    error_message = "poller_concurrency must be at least twice poll_shards and one."
  }
}

variable "chat_concurrency" {
  description = "Concurrent executions reserved for chat sessions. At least twice chat_shards, since one generation follows the other."
  type        = number
  default     = 5
  nullable    = false

  validation {
    condition     = var.chat_concurrency >= 2 && var.chat_concurrency <= 1000 && floor(var.chat_concurrency) == var.chat_concurrency
    error_message = "chat_concurrency must be between 2 and 1000."
  }

  validation {
    condition     = !var.reserve_concurrency || var.chat_concurrency >= 2 * var.chat_shards
    error_message = "chat_concurrency must be at least twice chat_shards."
  }
}

variable "report_map_concurrency" {
  description = "Days of a report map that are worked at once. The contact center's rate limit is shared by all of them."
  type        = number
  default     = 5
  nullable    = false

  validation {
    condition     = var.report_map_concurrency >= 1 && var.report_map_concurrency <= 50 && floor(var.report_map_concurrency) == var.report_map_concurrency
    error_message = "report_map_concurrency must be between 1 and 50."
  }
}

variable "architecture" {
  description = "Processor of every function. The programs must be built for the same one. What each costs and how fast it is stands in BENCHMARKS.md."
  type        = string
  default     = "x86_64"
  nullable    = false

  validation {
    condition     = contains(["x86_64", "arm64"], var.architecture)
    error_message = "architecture must be one of x86_64, arm64."
  }
}

variable "rollout" {
  description = "How a new version of a function takes over. A canary gives it a tenth of the invocations first and goes back by itself when an alarm of the function goes off; AllAtOnce is for stacks that nobody depends on."
  type        = string
  default     = "Canary10Percent5Minutes"
  nullable    = false

  validation {
    condition     = contains(["Canary10Percent5Minutes", "Canary10Percent10Minutes", "Canary10Percent15Minutes", "Linear10PercentEvery1Minute", "AllAtOnce"], var.rollout)
    error_message = "rollout must be one of Canary10Percent5Minutes, Canary10Percent10Minutes, Canary10Percent15Minutes, Linear10PercentEvery1Minute, AllAtOnce."
  }
}

variable "tracing" {
  description = "Active records traces in X-Ray (one a second and a twentieth of the rest); PassThrough only what callers ask for."
  type        = string
  default     = "Active"
  nullable    = false

  validation {
    condition     = contains(["Active", "PassThrough"], var.tracing)
    error_message = "tracing must be one of Active, PassThrough."
  }
}

variable "log_level" {
  description = "Log level of the functions. No level logs conversation text."
  type        = string
  default     = "info"
  nullable    = false

  validation {
    condition     = contains(["error", "warn", "info", "debug"], var.log_level)
    error_message = "log_level must be one of error, warn, info, debug."
  }
}

variable "log_retention_days" {
  description = "Days that logs are kept."
  type        = number
  default     = 30
  nullable    = false

  validation {
    condition     = contains([1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1827, 3653], var.log_retention_days)
    error_message = "log_retention_days must be one of 1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1827, 3653."
  }
}

variable "monitoring" {
  description = "template makes alarms and dashboard here; none leaves them out, as where the CDK app makes its own."
  type        = string
  default     = "template"
  nullable    = false

  validation {
    condition     = contains(["template", "none"], var.monitoring)
    error_message = "monitoring must be one of template, none."
  }
}

variable "alarm_email" {
  description = "E-mail address for alarms and chat escalations. Empty subscribes nobody; other subscribers can be added to the topics."
  type        = string
  default     = ""
  nullable    = false

  validation {
    condition     = can(regex("^(([^\\s@]+@[^\\s@]+\\.[^\\s@]+)?)$", var.alarm_email))
    error_message = "alarm_email must be empty or an e-mail address."
  }
}
