//! The semantic search: a question in, the nearest conversation chunks out.
//!
//! `GET /search?q=&limit=&intent=&contains_pii=`, with the API key.

pub mod config;
pub mod deps;
pub mod question;
pub mod reply;

use std::time::{Duration, Instant};

use backends::caller_keys::Scope;
use embedding::provider::ProviderError;
use embedding::searcher::SearchError;
use http::Method;
use insights_http::Deadline;
use runtime::{Failure, Request, RequestExt, Response, metrics};

pub use crate::deps::Deps;
use crate::question::Question;

/// When a caller may come again whose search met no database: one that sleeps wakes up within this time.
const DATABASE_PAUSE: Duration = Duration::from_secs(15);

/// Answers one HTTP request to the function.
///
/// # Errors
/// A [`Failure`] with the status and code that the caller sees.
pub async fn handle(deps: &Deps, request: Request) -> Result<Response, Failure> {
    let segments = request.path_segments()?;
    let segments: Vec<&str> = segments.iter().map(String::as_str).collect();
    if segments != ["search"] {
        return Err(Failure::not_found("no such path; try GET /search?q=TEXT"));
    }
    if request.method() != Method::GET {
        return Err(Failure::method_not_allowed("GET"));
    }
    let started = Instant::now();
    deps.callers.require(&request, Scope::Search).await?;
    let question = Question::read(&request)?;
    let deadline = Deadline::at(request.deadline().into());
    let found = deps
        .searcher
        .search(&question.text, question.limit, &question.filter, deadline)
        .await;
    let hits = found.map_err(|error| {
        let (failure, metric) = failure(error);
        if let Some(metric) = metric {
            metrics::count(metric, 1);
        }
        failure
    })?;
    let latency_ms = started.elapsed().as_secs_f64() * 1e3;
    metrics::count("searches", 1);
    metrics::observe("search_latency_ms", latency_ms);
    tracing::info!(
        hits = hits.len(),
        limit = question.limit,
        latency_ms,
        "the search was answered"
    );
    reply::reply(hits, deps.views.as_ref())
}

/// Returns what a failed search is to the caller, and the metric that counts it. A question that the model does not take is
/// nobody's fault but the caller's.
fn failure(error: SearchError) -> (Failure, Option<&'static str>) {
    match error {
        SearchError::Provider(error @ ProviderError::Text(_)) => {
            let message = "'q' holds nothing that can be searched for";
            let failure = Failure::invalid("invalid_question", message);
            (failure.with_cause(error), None)
        }
        SearchError::Provider(error) => {
            let message = "the embedding provider is out of reach, try again";
            let failure = Failure::unavailable("provider_unavailable", message);
            (failure.with_cause(error), Some("model_errors"))
        }
        // A database that is not there yet may be configured while the caller waits.
        SearchError::Store(
            error @ (store::Error::Unavailable { .. } | store::Error::Missing { .. }),
        ) => {
            let message = "the database is out of reach, try again";
            let failure = Failure::unavailable("store_unavailable", message);
            let failure = failure.retry_after(DATABASE_PAUSE).with_cause(error);
            (failure, Some("store_errors"))
        }
        SearchError::Store(error) => (Failure::internal(error), Some("store_errors")),
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;

    #[test]
    fn a_database_that_is_away_or_not_configured_is_a_503_that_says_when_to_come_again() {
        let missing = store::Error::Missing {
            what: "the key database_url of the secret".to_owned(),
            source: None,
        };
        let unavailable = store::Error::Unavailable {
            store: "PostgreSQL",
            operation: "search",
            source: "connection refused".into(),
        };
        for error in [missing, unavailable] {
            let (failure, _) = failure(SearchError::Store(error));
            assert!(failure.is_retryable());
            assert_eq!(failure.code(), "store_unavailable");
            let response = failure.into_response();
            assert_eq!(response.status(), 503);
            assert_eq!(response.headers()["retry-after"], "15");
        }
    }

    #[test]
    fn each_failure_is_counted_for_the_one_whose_fault_it_is() {
        let cause = || Arc::new(std::io::Error::other("canary"));
        let errors = [
            SearchError::Provider(ProviderError::Text(cause())),
            SearchError::Provider(ProviderError::Unavailable(cause())),
            SearchError::Store(store::Error::Unavailable {
                store: "PostgreSQL",
                operation: "search",
                source: "connection refused".into(),
            }),
        ];
        let counted: Vec<_> = errors.into_iter().map(|error| failure(error).1).collect();
        assert_eq!(counted, [None, Some("model_errors"), Some("store_errors")]);
    }
}
