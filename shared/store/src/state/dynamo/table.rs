//! The table itself, for local use and tests; the deployed one comes from the template.

use std::time::Duration;

use aws_sdk_dynamodb::client::Waiters;
use aws_sdk_dynamodb::error::BuildError;
use aws_sdk_dynamodb::types::{
    AttributeDefinition, BillingMode, KeySchemaElement, KeyType, ScalarAttributeType,
    TimeToLiveSpecification,
};

use super::DynamoState;
use super::row::{EXPIRES_AT, PK, SK};
use crate::Error;

/// How long a new table may take to become usable.
const CREATION_MAX: Duration = Duration::from_secs(60);

impl DynamoState {
    /// Creates the table with on-demand billing and the TTL attribute; one that exists is left as it is.
    ///
    /// # Errors
    /// As any call: [`Error::Missing`] without the right, [`Error::Unavailable`] if the service does not answer.
    pub async fn create_table(&self) -> Result<(), Error> {
        let what = |source: BuildError| Error::Corrupt {
            what: format!("the definition of {}", self.table),
            source: Box::new(source),
        };
        let mut request = self
            .client
            .create_table()
            .table_name(&self.table)
            .billing_mode(BillingMode::PayPerRequest);
        for (name, kind) in [(PK, KeyType::Hash), (SK, KeyType::Range)] {
            let attribute = AttributeDefinition::builder()
                .attribute_name(name)
                .attribute_type(ScalarAttributeType::S)
                .build()
                .map_err(what)?;
            let element = KeySchemaElement::builder()
                .attribute_name(name)
                .key_type(kind)
                .build()
                .map_err(what)?;
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
            Err(error) => return Err(self.failed("CreateTable").with_cause(error)),
        }
        self.client
            .wait_until_table_exists()
            .table_name(&self.table)
            .wait(CREATION_MAX)
            .await
            .map_err(|error| Error::Unavailable {
                store: "DynamoDB",
                operation: "DescribeTable",
                source: Box::new(error),
            })?;
        let ttl = TimeToLiveSpecification::builder()
            .enabled(true)
            .attribute_name(EXPIRES_AT);
        self.client
            .update_time_to_live()
            .table_name(&self.table)
            .time_to_live_specification(ttl.build().map_err(what)?)
            .send()
            .await
            .map_err(|error| self.failed("UpdateTimeToLive").with_cause(error))?;
        Ok(())
    }
}
