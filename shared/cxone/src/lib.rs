#![doc = include_str!("../README.md")]

pub mod chat;
pub mod client;
mod cloud;
pub mod conversations;
pub mod data_actions;
pub mod endpoints;
pub mod error;
mod explanation;
pub mod live;
mod need;
pub mod oauth;
pub mod pages;
pub mod request;
mod status;
pub mod tenant;

pub use client::CxoneClient;
pub use error::Error;
pub use request::{IDEMPOTENCY_KEY, Request};
