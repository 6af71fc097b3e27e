terraform {
  # Write-only arguments keep the generated key out of state and plan; they came with 1.11.
  required_version = ">= 1.11"

  required_providers {
    aws = {
      source  = "hashicorp/aws"
      version = ">= 6.0, < 7.0"
    }
    random = {
      source  = "hashicorp/random"
      version = ">= 3.7, < 4.0"
    }
  }
}

data "aws_caller_identity" "current" {}

data "aws_partition" "current" {}

data "aws_region" "current" {}

locals {
  account   = data.aws_caller_identity.current.account_id
  partition = data.aws_partition.current.partition
  region    = data.aws_region.current.region
  tags      = { project = "cxone-insights" }

  # Without a key of yours everything is encrypted with keys that AWS owns.
  key = var.kms_key_arn == "" ? null : var.kms_key_arn
}
