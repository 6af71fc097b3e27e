//! The rest of a reply that goes on, for servers that can keep a reply open.

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use futures::stream::{BoxStream, Stream, StreamExt};

/// What follows the body of a reply, part by part, as an extension of a [`Response`](super::Response).
///
/// A local server sends the body and then the parts, until the caller goes. API Gateway waits for a whole reply, so that the Lambda runtime
/// sends the body alone: a function puts everything that a caller must have into the body.
///
/// ```
/// use futures::StreamExt;
/// use runtime::http::LiveBody;
///
/// let body = LiveBody::new(futures::stream::iter(["one".to_owned(), "two".to_owned()]));
/// let mut response = http::Response::new("zero".to_owned());
/// response.extensions_mut().insert(body);
///
/// let rest = response.extensions().get::<LiveBody>().and_then(LiveBody::take);
/// let rest: Vec<String> = futures::executor::block_on(rest.unwrap().collect());
/// assert_eq!(rest, ["one", "two"]);
/// ```
#[derive(Clone)]
pub struct LiveBody(Arc<Mutex<Option<BoxStream<'static, String>>>>);

impl LiveBody {
    /// Creates the rest of a reply from the parts that follow its body.
    pub fn new(parts: impl Stream<Item = String> + Send + 'static) -> Self {
        Self(Arc::new(Mutex::new(Some(parts.boxed()))))
    }

    /// Takes the parts, which can be sent once.
    #[must_use]
    pub fn take(&self) -> Option<BoxStream<'static, String>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).take()
    }
}

impl fmt::Debug for LiveBody {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LiveBody").finish_non_exhaustive()
    }
}
