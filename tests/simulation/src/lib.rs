#![doc = include_str!("../README.md")]

pub mod chat;
pub mod chat_center;
pub mod contact_center;
pub mod conversations;
pub mod copies;
pub mod embedding_service;
pub mod faults;
pub mod items;
pub mod network;
pub mod objects;
pub mod outage;
pub mod pipeline;
pub mod poller;
pub mod processes;
pub mod queue;
pub mod queued_messages;
pub mod run;
pub mod seeded_os;
pub mod state_store;
mod stream;
pub mod surroundings;
pub mod trace;
pub mod vector_store;
pub mod world;
