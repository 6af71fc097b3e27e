//! The functions as programs under an emulated Lambda runtime, for the end-to-end test of a day and the benchmark of cold
//! starts.

pub mod programs;
pub mod starts;
pub mod tls_proxy;
