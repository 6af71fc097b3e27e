//! State in DynamoDB.
