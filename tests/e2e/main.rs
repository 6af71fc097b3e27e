//! End-to-end tests: the events of `events/` through the real functions, against real servers. One binary, so that the
//! models load and the servers start once.

mod data_action;
mod day;
mod embedding;
mod erasure;
mod events;
mod report_map;
mod starts;
