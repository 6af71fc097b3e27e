//! State in DynamoDB: one item is one row of a table with the keys `pk` and `sk`, and an expectation is a condition
//! expression.
//!
//! The attributes `pk`, `sk` and `body` are strings, `version` is a number, and `expires_at` is a number of epoch seconds,
//! which is also the TTL attribute of the table. DynamoDB deletes expired items late, so that every read and every
//! condition checks the expiry.

mod capacity;
mod row;
mod table;

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use aws_config::SdkConfig;
use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::error::SdkError;
use aws_sdk_dynamodb::operation::delete_item::DeleteItemError;
use aws_sdk_dynamodb::operation::put_item::PutItemError;
use aws_sdk_dynamodb::types::{
    AttributeValue, PutRequest, ReturnValuesOnConditionCheckFailure, WriteRequest,
};
use futures::{StreamExt, TryStreamExt};
use insights_core::backoff::{BackoffPolicy, Jitter};
use jiff::Timestamp;
use uuid::Uuid;

pub use capacity::Capacity;
use row::{ATTRIBUTES, Condition, Row, key_attributes, parse_item};

use super::item::{Expect, Item, KEY_MAX_BYTES, Key, Put, is_live_at, new_version};
use super::state_store::StateStore;
use crate::Error;
use crate::aws::FailedCall;

/// Most items of one BatchWriteItem request, which is the limit of DynamoDB.
const BATCH_MAX_ITEMS: usize = 25;
/// Batches in flight: enough to hide the round trip, too few to starve other calls.
const BATCHES_IN_FLIGHT: usize = 4;
/// Attempts to write the items that a batch left unprocessed: with the pauses below, about 5 s of throttling are waited
/// out.
const BATCH_ATTEMPTS: u32 = 8;
/// The pauses before unprocessed items are sent again. Half of each pause is random, so that throttled writers do not come
/// back together.
const BATCH_BACKOFF: BackoffPolicy = BackoffPolicy::new(
    Duration::from_millis(40),
    Duration::from_secs(2),
    Jitter::Equal,
);
/// Most items of one page of a Query; a page ends at 1 MB in any case.
const PAGE_MAX: usize = 1000;

/// The state store on one DynamoDB table. Clones share the connections and the count of consumed capacity.
#[derive(Debug, Clone)]
pub struct DynamoState {
    client: Client,
    table: String,
    capacity: Arc<Capacity>,
}

impl DynamoState {
    /// Creates a store on `table`. Nothing is sent yet.
    pub fn new(config: &SdkConfig, table: impl Into<String>) -> Self {
        Self {
            client: Client::new(config),
            table: table.into(),
            capacity: Arc::default(),
        }
    }

    /// Returns the read and write units that the calls of this store and its clones consumed.
    #[must_use]
    pub fn capacity(&self) -> &Capacity {
        &self.capacity
    }

    /// Creates the table with on-demand billing and the TTL attribute, for local use and tests. A table that exists is left
    /// as it is.
    ///
    /// # Errors
    /// [`Error::Missing`] without the right to create a table, [`Error::Unavailable`] if the service does not answer.
    pub async fn create_table(&self) -> Result<(), Error> {
        table::create_table(&self.client, &self.table).await
    }

    fn failed_call<'a>(&'a self, operation: &'static str) -> FailedCall<'a> {
        FailedCall {
            store: "DynamoDB",
            operation,
            what: &self.table,
        }
    }

    /// Sends one batch until all of its items are written.
    async fn write_batch(&self, mut batch: Vec<WriteRequest>) -> Result<(), Error> {
        for failures in 0..BATCH_ATTEMPTS {
            if failures > 0 {
                let random = f64::from(Uuid::new_v4().as_bytes()[0]) / 255.0;
                tokio::time::sleep(BATCH_BACKOFF.delay(failures, random)).await;
            }
            let answer = self
                .client
                .batch_write_item()
                .request_items(&self.table, batch)
                .send()
                .await
                .map_err(|error| self.failed_call("BatchWriteItem").with_cause(error))?;
            batch = answer
                .unprocessed_items
                .and_then(|mut left| left.remove(&self.table))
                .unwrap_or_default();
            if batch.is_empty() {
                return Ok(());
            }
        }
        let left = format!(
            "{} items were still unprocessed after {BATCH_ATTEMPTS} attempts",
            batch.len()
        );
        Err(Error::Unavailable {
            store: "DynamoDB",
            operation: "BatchWriteItem",
            source: left.into(),
        })
    }

    /// Reads one page of a partition from `start` on, and returns the start of the next page.
    async fn read_page(
        &self,
        condition: &Condition,
        size: usize,
        start: Option<HashMap<String, AttributeValue>>,
        is_consistent: bool,
    ) -> Result<(Vec<Row>, Option<HashMap<String, AttributeValue>>), Error> {
        let answer = self
            .client
            .query()
            .table_name(&self.table)
            .consistent_read(is_consistent)
            .key_condition_expression(&condition.expression)
            .set_expression_attribute_values(condition.values())
            .limit(i32::try_from(size).unwrap_or(i32::MAX))
            .set_exclusive_start_key(start)
            .send()
            .await
            .map_err(|error| self.failed_call("Query").with_cause(error))?;
        let rows = answer.items.unwrap_or_default();
        self.capacity
            .count_read(rows.iter().map(row::row_size).sum(), is_consistent);
        Ok((
            rows,
            answer.last_evaluated_key.filter(|key| !key.is_empty()),
        ))
    }

    /// Reads the pages of a listing until there are `limit` items or no more; `None` lists nothing.
    async fn read_list(
        &self,
        condition: Option<Condition>,
        after: Option<&str>,
        limit: usize,
        now: Timestamp,
        is_consistent: bool,
    ) -> Result<Vec<Item>, Error> {
        let Some(condition) = condition else {
            return Ok(Vec::new());
        };
        let mut items = Vec::new();
        let mut start = None;
        while items.len() < limit {
            // One more than wanted, because the first item may be `after` itself.
            let size = (limit - items.len()).saturating_add(1).min(PAGE_MAX);
            let (rows, next) = self
                .read_page(&condition, size, start, is_consistent)
                .await?;
            for row in rows {
                let item = parse_item(row)?;
                let wanted =
                    is_live_at(item.expires_at, now) && after != Some(item.key.sort.as_str());
                if wanted && items.len() < limit {
                    items.push(item);
                }
            }
            if next.is_none() {
                break;
            }
            start = next;
        }
        Ok(items)
    }
}

impl StateStore for DynamoState {
    async fn get(&self, key: &Key, now: Timestamp) -> Result<Option<Item>, Error> {
        key.check()?;
        let answer = self
            .client
            .get_item()
            .table_name(&self.table)
            .set_key(Some(key_attributes(key)))
            .consistent_read(true)
            .send()
            .await
            .map_err(|error| self.failed_call("GetItem").with_cause(error))?;
        self.capacity
            .count_read(answer.item.as_ref().map_or(0, row::row_size), true);
        let item = answer.item.map(parse_item).transpose()?;
        Ok(item.filter(|item| is_live_at(item.expires_at, now)))
    }

    async fn put(&self, put: Put, expect: Expect, now: Timestamp) -> Result<u64, Error> {
        put.check()?;
        let version = new_version();
        let condition = Condition::expecting(expect, now);
        let row = row::build_row(&put, version);
        self.capacity.count_write(row::row_size(&row));
        let sent = self
            .client
            .put_item()
            .table_name(&self.table)
            .set_item(Some(row))
            .set_condition_expression(condition.as_ref().map(|it| it.expression.clone()))
            .set_expression_attribute_values(condition.as_ref().and_then(Condition::values))
            .set_return_values_on_condition_check_failure(
                condition
                    .is_some()
                    .then_some(ReturnValuesOnConditionCheckFailure::AllOld),
            )
            .send()
            .await;
        match sent {
            Ok(_) => Ok(version),
            Err(SdkError::ServiceError(error))
                if error.err().is_conditional_check_failed_exception() =>
            {
                // The client retries by itself: if the first attempt was written and only its answer was lost, the
                // condition fails on our own write.
                let PutItemError::ConditionalCheckFailedException(failed) = error.err() else {
                    return Err(put.key.conflict());
                };
                let found = failed.item().and_then(row::row_version);
                if found == Some(version) {
                    Ok(version)
                } else {
                    Err(put.key.conflict())
                }
            }
            Err(error) => Err(self.failed_call("PutItem").with_cause(error)),
        }
    }

    async fn put_many(&self, puts: Vec<Put>, _now: Timestamp) -> Result<(), Error> {
        let mut rows = HashMap::with_capacity(puts.len());
        for put in puts {
            put.check()?;
            let row = row::build_row(&put, new_version());
            // DynamoDB refuses a batch that names a key twice: the last write wins, as if they came one after the other.
            rows.insert(put.key, row);
        }
        let mut requests = Vec::with_capacity(rows.len());
        for row in rows.into_values() {
            self.capacity.count_write(row::row_size(&row));
            let put = PutRequest::builder().set_item(Some(row)).build();
            let put = put.map_err(|source| Error::Corrupt {
                what: format!("a batch for {}", self.table),
                source: Box::new(source),
            })?;
            requests.push(WriteRequest::builder().put_request(put).build());
        }
        let batches: Vec<_> = requests
            .chunks(BATCH_MAX_ITEMS)
            .map(<[_]>::to_vec)
            .collect();
        futures::stream::iter(batches)
            .map(|batch| self.write_batch(batch))
            .buffer_unordered(BATCHES_IN_FLIGHT)
            .try_collect()
            .await
    }

    async fn delete(&self, key: &Key, expect: Expect, now: Timestamp) -> Result<(), Error> {
        key.check()?;
        let condition = Condition::expecting(expect, now);
        self.capacity.count_write(1);
        let sent = self
            .client
            .delete_item()
            .table_name(&self.table)
            .set_key(Some(key_attributes(key)))
            .set_condition_expression(condition.as_ref().map(|it| it.expression.clone()))
            .set_expression_attribute_values(condition.as_ref().and_then(Condition::values))
            .send()
            .await;
        match sent {
            Ok(_) => Ok(()),
            Err(SdkError::ServiceError(error))
                if matches!(
                    error.err(),
                    DeleteItemError::ConditionalCheckFailedException(_)
                ) =>
            {
                Err(key.conflict())
            }
            Err(error) => Err(self.failed_call("DeleteItem").with_cause(error)),
        }
    }

    async fn list(
        &self,
        partition: &str,
        prefix: &str,
        after: Option<&str>,
        limit: usize,
        now: Timestamp,
    ) -> Result<Vec<Item>, Error> {
        let listing = Condition::listing(partition, prefix, after, KEY_MAX_BYTES);
        self.read_list(listing, after, limit, now, true).await
    }

    async fn list_relaxed(
        &self,
        partition: &str,
        prefix: &str,
        after: Option<&str>,
        limit: usize,
        now: Timestamp,
    ) -> Result<Vec<Item>, Error> {
        let listing = Condition::listing(partition, prefix, after, KEY_MAX_BYTES);
        self.read_list(listing, after, limit, now, false).await
    }
}

/// The names of the attributes of a row: keys, body, version and expiry, as the template must know them.
pub const TABLE_ATTRIBUTES: [&str; 5] = ATTRIBUTES;
