//! What the end-to-end test of a day and the benchmark of cold starts share.

pub mod programs;
