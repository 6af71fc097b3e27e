//! One conformance suite for each store, run against both of its implementations, the AWS services as real servers; and the
//! faults that only one of them can have.

mod dead_letters;
mod objects;
mod proxy;
mod queue;
mod secrets;
mod state;
