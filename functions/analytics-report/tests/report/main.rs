//! The report of a simulated contact center, over real HTTP, into a folder.
#![expect(clippy::unwrap_used, reason = "a panic is how a test fails")]

mod answers;
mod checkpoints;
mod disturbing_proxy;
mod erasures;
mod feed;
mod files;
mod matrix;
mod outages;
mod privacy;
mod support;
mod tasks;
