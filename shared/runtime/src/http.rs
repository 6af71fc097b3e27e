//! Requests and replies of the HTTP functions: one pair of types for Lambda, the local server and tests.
//!
//! [`Request`] and [`Response`] are plain `http` types. [`RequestExt`] adds what functions read of a request, [`reply`] builds
//! JSON replies within the size that a caller reads, and [`event`] turns an event of API Gateway into a request.

pub mod caller_name;
pub mod event;
pub mod live_body;
pub mod reply;
pub mod request;
pub mod response;

pub use live_body::LiveBody;
pub use request::{Request, RequestExt};
pub use response::Response;
