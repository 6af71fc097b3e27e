//! The HTTP functions behind the local server. The first segment of a request's path chooses the function, as the routes of
//! API Gateway do.

use std::sync::Arc;

use futures::future::BoxFuture;
use runtime::{Failure, Request, Response};

type Handler = Arc<dyn Fn(Request) -> BoxFuture<'static, Result<Response, Failure>> + Send + Sync>;

/// The HTTP functions of a local run, each with the path segment that it serves.
#[derive(Clone, Default)]
pub(crate) struct Services(Vec<(&'static str, Handler)>);

impl Services {
    /// Adds a function whose `handle` serves the paths below `/{segment}` for each of the segments.
    pub(crate) fn route<D, H, F>(
        mut self,
        segments: &[&'static str],
        deps: &Arc<D>,
        handle: H,
    ) -> Self
    where
        D: Send + Sync + 'static,
        H: Fn(Arc<D>, Request) -> F + Send + Sync + Copy + 'static,
        F: Future<Output = Result<Response, Failure>> + Send + 'static,
    {
        for segment in segments {
            let deps = Arc::clone(deps);
            self.0.push((
                *segment,
                Arc::new(move |request| Box::pin(handle(Arc::clone(&deps), request))),
            ));
        }
        self
    }

    /// Passes a request to the function that serves the request's path.
    ///
    /// # Errors
    /// The failure of the function, or 404 if no function serves the path.
    pub(crate) async fn handle(&self, request: Request) -> Result<Response, Failure> {
        let first = request
            .uri()
            .path()
            .trim_start_matches('/')
            .split('/')
            .next()
            .unwrap_or_default();
        match self.0.iter().find(|(segment, _)| *segment == first) {
            Some((_, handler)) => handler(request).await,
            None => {
                let known: Vec<_> = self
                    .0
                    .iter()
                    .map(|(segment, _)| format!("/{segment}"))
                    .collect();
                Err(Failure::not_found(format!(
                    "no such path; paths begin with {}",
                    known.join(", ")
                )))
            }
        }
    }
}
