//! Creates the table, for local use and tests; the deployed table comes from the template.

use std::time::Duration;

use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::client::Waiters;
use aws_sdk_dynamodb::error::BuildError;
use aws_sdk_dynamodb::types::{
    AttributeDefinition, BillingMode, KeySchemaElement, KeyType, ScalarAttributeType,
    TimeToLiveSpecification,
};

use super::row::{EXPIRES_AT, PK, SK};
use crate::Error;
use crate::aws::FailedCall;

/// How long a new table may take to become usable.
const CREATION_TIMEOUT: Duration = Duration::from_secs(60);

/// Creates a table with on-demand billing and the TTL attribute. A table that exists is left as it is.
pub(super) async fn create_table(client: &Client, table: &str) -> Result<(), Error> {
    let failed_call = |operation| FailedCall {
        store: "DynamoDB",
        operation,
        what: table,
    };
    let incomplete = |source: BuildError| Error::Corrupt {
        what: format!("the definition of {table}"),
        source: Box::new(source),
    };
    let mut request = client
        .create_table()
        .table_name(table)
        .billing_mode(BillingMode::PayPerRequest);
    for (name, kind) in [(PK, KeyType::Hash), (SK, KeyType::Range)] {
        let attribute = AttributeDefinition::builder()
            .attribute_name(name)
            .attribute_type(ScalarAttributeType::S)
            .build()
            .map_err(incomplete)?;
        let element = KeySchemaElement::builder()
            .attribute_name(name)
            .key_type(kind)
            .build()
            .map_err(incomplete)?;
        request = request.attribute_definitions(attribute).key_schema(element);
    }
    match request.send().await {
        Ok(_) => {}
        Err(error)
            if error
                .as_service_error()
                .is_some_and(|error| error.is_resource_in_use_exception()) =>
        {
            return Ok(());
        }
        Err(error) => return Err(failed_call("CreateTable").with_cause(error)),
    }
    client
        .wait_until_table_exists()
        .table_name(table)
        .wait(CREATION_TIMEOUT)
        .await
        .map_err(|error| Error::Unavailable {
            store: "DynamoDB",
            operation: "DescribeTable",
            source: Box::new(error),
        })?;
    let time_to_live = TimeToLiveSpecification::builder()
        .enabled(true)
        .attribute_name(EXPIRES_AT)
        .build()
        .map_err(incomplete)?;
    client
        .update_time_to_live()
        .table_name(table)
        .time_to_live_specification(time_to_live)
        .send()
        .await
        .map_err(|error| failed_call("UpdateTimeToLive").with_cause(error))?;
    Ok(())
}
