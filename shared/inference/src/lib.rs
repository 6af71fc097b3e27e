#![doc = include_str!("../README.md")]

mod config;
mod embedder;
mod encoder;
mod engine;
mod error;
mod kernels;
mod model;
mod model_output;
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
pub use sentiment::{SentimentAnalysis, SentimentModel};
pub use worker_pool::WorkerPool;
