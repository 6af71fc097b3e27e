//! HTTP requests made of the trigger events of `events/`.

use std::time::{Duration, Instant};

use runtime::Request;
use testkit::events::event;

/// Returns the HTTP request of an event, due in 30 seconds.
pub(crate) fn request(name: &str) -> Request {
    Request::from_event(&event(name), Instant::now() + Duration::from_secs(30))
        .expect("an HTTP event")
}
