#![doc = include_str!("../README.md")]

pub mod batches;
pub mod indexer;
pub mod openai;
pub mod provider;
pub mod searcher;
pub mod settings;
pub mod setup;
