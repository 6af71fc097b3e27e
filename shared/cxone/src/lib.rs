//! The contact centre: OAuth, endpoints, retry and breaker, typed REST calls.
//!
//! - [`endpoints`] holds every path, token path and default scope, as data.
//! - [`http`] builds the one HTTP client; [`retry`], [`breaker`] and [`deadline`] decide when a call is made again.
//! - [`oauth`] gets tokens once and shares them; [`CxoneClient`] makes calls with them.
//! - [`data_actions`] describes and registers the Data Action; [`nlp`] asks an HTTP sentiment service.
//! - [`live`] reads the transcripts of live calls, and writes attributes and suggestions back.
//! - [`conversations`] lists past conversations and reads their transcripts.
//!
//! A new system of the contact centre gets a module of its own beside [`data_actions`]: its paths go into
//! [`endpoints`], its functions take a [`CxoneClient`] and a [`Deadline`].

pub mod chat;
mod client;
pub mod conversations;
pub mod data_actions;
pub mod endpoints;
pub mod live;
pub mod oauth;

pub use client::{CxoneClient, IDEMPOTENCY_KEY, Request};
