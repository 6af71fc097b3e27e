//! What a function knows of the invocation that it works for.

use std::time::Instant;

/// One invocation of a function: its identifier and the moment by which it must be over.
///
/// An HTTP request carries its invocation among its extensions, see [`crate::http::RequestExt`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Invocation {
    /// Lambda's identifier of the invocation, or API Gateway's identifier of the request. It is unique, so it may name the
    /// holder of a lease.
    pub request_id: String,
    /// The moment at which Lambda ends the invocation, less a margin for writing the reply.
    pub deadline: Instant,
}
