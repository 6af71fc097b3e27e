//! HTTP requests made of the trigger events of `events/`.

use std::time::{Duration, Instant};

use runtime::Request;
use runtime::http::event::read_request;
use testkit::events::event;

/// Returns the HTTP request of an event, due in 30 seconds.
pub(crate) fn request(name: &str) -> Request {
    read_request(event(name), Instant::now() + Duration::from_secs(30)).expect("an HTTP event")
}
