//! The semantic search: a question in, the nearest conversation chunks out.
//!
//! `GET /search?q=&limit=&intent=&contains_pii=`, with the API key.

pub mod config;
pub mod deps;
pub mod question;
pub mod reply;

use std::time::Instant;

use backends::caller_keys::Scope;
use embedding::provider::ProviderError;
use embedding::searcher::SearchError;
use http::Method;
use insights_http::Deadline;
use runtime::{Failure, Request, RequestExt, Response, metrics};

pub use crate::deps::Deps;
use crate::question::Question;

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
    let hits = found.map_err(failure)?;
    let latency_ms = started.elapsed().as_secs_f64() * 1e3;
    metrics::count("searches", 1);
    metrics::observe("search_latency_ms", latency_ms);
    tracing::info!(
        hits = hits.len(),
        limit = question.limit,
        latency_ms,
        "the search was answered"
    );
    reply::reply(&hits)
}

fn failure(error: SearchError) -> Failure {
    metrics::count("model_errors", 1);
    match error {
        SearchError::Provider(error @ ProviderError::Text(_)) => Failure::invalid(
            "invalid_question",
            "'q' holds nothing that can be searched for",
        )
        .with_cause(error),
        SearchError::Provider(error) => Failure::unavailable(
            "provider_unavailable",
            "the embedding provider is out of reach, try again",
        )
        .with_cause(error),
        SearchError::Store(error) if error.is_retryable() => Failure::unavailable(
            "store_unavailable",
            "the database is out of reach, try again",
        )
        .with_cause(error),
        SearchError::Store(error) => Failure::internal(error),
    }
}
