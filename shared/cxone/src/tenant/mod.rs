//! The API of a NICE CXone tenant as public evidence describes it: the second profile, beside the paths of
//! [`crate::endpoints`].
//!
//! A tenant has several hosts, which are learned and not configured. [`TenantClient`] gets a token with the access key of a
//! service user, reads the tenant from the token, asks the public discovery for the hosts, and calls each host at a pace of its
//! own. A host that is not one of NICE's is refused ([`AllowList`]), because the token must not go there.
//!
//! | Module | What it reads or writes |
//! |---|---|
//! | [`segments`] | Analyzed segments of finished conversations, and what was said in them. |
//! | [`contacts`] | Finished contacts with their dispositions. |
//! | [`active_calls`] | Calls that go on. |
//! | [`digital`] | Digital contacts and their messages; custom fields. |
//! | [`chats`] | Digital contacts in the form of chats. |
//! | [`live_voice`] | What is said in calls that go on, over a socket that NICE has not published. |
//! | [`event_hub`] | Hints that something happened in a digital contact. |
//! | [`agents`] | The states of agents, and messages to a team. |
//! | [`doctor`] | What of all this a tenant allows. |
//!
//! Nothing here was run against a tenant. What an answer holds is read leniently: a scalar may be a number or a text, a list may
//! stand under one of several names, and what is not understood is counted and left out.

pub mod active_calls;
pub mod agents;
mod allow_list;
mod calls;
pub mod chats;
mod claims;
mod client;
pub mod contacts;
pub mod digital;
mod discovery;
pub mod doctor;
pub mod event_hub;
mod hosts;
mod lists;
pub mod live_voice;
mod options;
mod scalars;
pub mod segments;
mod websocket;

pub use self::allow_list::AllowList;
pub use self::calls::Call;
pub use self::claims::Claims;
pub use self::client::TenantClient;
pub use self::hosts::{Host, TenantHosts};
pub use self::options::{DigitalBase, HostPaces, TenantOptions};
