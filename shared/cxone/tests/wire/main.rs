//! The client against the simulated contact center, over real HTTP, fault by fault.

#![expect(
    clippy::unwrap_used,
    reason = "helpers of tests may unwrap: a panic is how a test fails"
)]

mod admin;
mod agents;
mod breaker;
mod data_actions;
mod http;
mod oauth;
mod pages;
mod retry;
mod secrecy;
mod shared_tokens;
mod support;
mod tenant;
mod tenant_doctor;
mod tenant_reads;
mod token_outages;
