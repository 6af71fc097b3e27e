#![doc = include_str!("../README.md")]

mod config;
mod embedder;
mod encoder;
mod engine;
mod error;
mod kernels;
mod labels;
mod model;
mod model_output;
mod normalization;
mod onnx;
mod pooling;
mod sentiment;
#[cfg(any(feature = "sentiment-model", feature = "embedding-model"))]
mod shipped;
mod tokenizer;
#[cfg(feature = "tract")]
mod tract;
mod worker_pool;

pub use embedder::Embedder;
pub use error::Error;
pub use insights_core::unscored::Unscored;
pub use normalization::has_words;
pub use sentiment::{SentimentAnalysis, SentimentModel};
pub use worker_pool::WorkerPool;
