#![doc = include_str!("../README.md")]

pub mod analytics;
mod apostrophes;
pub mod backoff;
pub mod board;
pub mod card;
pub mod chat;
pub mod chunking;
pub mod emoji;
mod error_chain;
pub mod feed;
pub mod indexing;
pub mod intent;
pub mod language;
pub mod lenient_json;
pub mod lexicon;
pub mod live;
pub mod mapper;
pub mod moments;
pub mod negation;
pub mod outcomes;
pub mod phrases;
pub mod pii;
pub mod rules;
pub mod scale;
pub mod signals;
pub mod talk_metrics;
pub mod topics;
pub mod unscored;
pub mod vader;
pub mod webhook;
mod words;

pub use error_chain::WithCauses;
