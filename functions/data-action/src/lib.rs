//! The Data Action: a customer's words in; sentiment score, emotion tags and alert flag out, in milliseconds.
//!
//! `POST /data-actions/sentiment` scores (with `?reply=studio` in the form that a script of CXone Studio reads), `GET /health` tells versions and model digests, and
//! `PUT`, `DELETE` and `GET /interactions/{id}` say which live calls are scored and where they stand. [`handle`] is the
//! same for Lambda, the local server and the tests.

mod answer;
pub mod cache;
pub mod config;
pub mod deps;
pub mod health;
mod interactions;
mod studio;
pub mod text;

use std::sync::Arc;
use std::time::{Duration, Instant};

use backends::caller_keys::Scope;
use http::{HeaderValue, Method};
use insights_core::scale::round_milliseconds;
use insights_core::unscored::Unscored;
use insights_http::Deadline;
use runtime::http::reply;
use runtime::{Failure, Request, RequestExt, Response, metrics};

pub use crate::answer::Answer;
pub use crate::deps::Deps;
use crate::studio::StudioAnswer;
use sentiment::{ProviderError, SentimentProvider, SentimentScore};

/// Time kept back from the contact center's time limit for both directions of the network: a reply that comes too late is worth
/// nothing, a 503 in time can be retried.
const REPLY_MARGIN: Duration = Duration::from_millis(500);

/// Answers one HTTP request to the function.
///
/// # Errors
/// A [`Failure`] with the status and code that the caller sees.
pub async fn handle(deps: &Deps, request: Request) -> Result<Response, Failure> {
    let started = Instant::now();
    // Made before anything else: the read of the keys counts too, and so does every call of the state store.
    let limit = deps.config.execution_timeout.saturating_sub(REPLY_MARGIN);
    let deadline = Deadline::at(request.deadline().into()).or_within(limit);
    // Boxed: its type is nested so deep that the compiler gives up on a caller that holds it.
    deadline
        .bound(Box::pin(route(deps, &request, started, deadline)))
        .await
        .unwrap_or_else(|| Err(Failure::deadline_exceeded()))
}

/// Passes a request on by its path. Requests for which API Gateway knows no route come here too, so that they get an answer of
/// the same shape as any other.
async fn route(
    deps: &Deps,
    request: &Request,
    started: Instant,
    deadline: Deadline,
) -> Result<Response, Failure> {
    let segments = request.path_segments()?;
    let segments: Vec<&str> = segments.iter().map(String::as_str).collect();
    match (segments.as_slice(), request.method()) {
        (["data-actions", "sentiment"], &Method::POST) => {
            sentiment(deps, request, started, deadline).await
        }
        (["data-actions", "sentiment"], _) => Err(Failure::method_not_allowed("POST")),
        (["interactions", id], _) => interactions::handle(deps, request, id).await,
        (["health"], &Method::GET) => reply::ok(&deps.health),
        (["health"], _) => Err(Failure::method_not_allowed("GET")),
        // Other functions answer these paths with the right method.
        (["webhooks", "cxone"] | ["studio", "contact-ended"], method) if method != Method::POST => {
            Err(Failure::method_not_allowed("POST"))
        }
        (["search"], method) if method != Method::GET => Err(Failure::method_not_allowed("GET")),
        _ => Err(Failure::not_found(
            "no such path; try POST /data-actions/sentiment, PUT /interactions/{id} or GET /health",
        )),
    }
}

async fn sentiment(
    deps: &Deps,
    request: &Request,
    started: Instant,
    deadline: Deadline,
) -> Result<Response, Failure> {
    deps.callers.require(request, Scope::Score).await?;
    if !studio::is_wanted(request)? {
        let (answer, hit) = score(deps, request, started, deadline).await?;
        return Ok(with_cache_header(reply::ok(&answer)?, hit));
    }
    match score(deps, request, started, deadline).await {
        Ok((answer, hit)) => {
            let flat = reply::ok(&StudioAnswer::from(&answer))?;
            Ok(with_cache_header(flat, hit))
        }
        Err(failure) => match StudioAnswer::of_failure(&failure) {
            Some(answer) => {
                let code = failure.code();
                tracing::info!(code, "the script was answered that its text has no score");
                reply::ok(&answer)
            }
            None => Err(failure),
        },
    }
}

/// Scores the text of a request, and returns whether the score was known already.
async fn score(
    deps: &Deps,
    request: &Request,
    started: Instant,
    deadline: Deadline,
) -> Result<(Answer, bool), Failure> {
    let text = text::interaction_text(request, deps.config.max_body_bytes)?;
    let scored = deadline
        .bound(
            deps.cache
                .get_or_score(&text, deadline, || deps.provider.score(&text, deadline)),
        )
        .await;
    match scored {
        Some(Ok((sentiment, hit))) => Ok((answer(deps, &sentiment, hit, started), hit)),
        Some(Err(error)) => {
            if is_failure_of_provider(&error) {
                metrics::count("model_errors", 1);
            }
            Err(failure(error))
        }
        None => {
            metrics::count("model_errors", 1);
            let message = "the text was not scored in time";
            Err(Failure::unavailable("deadline_exceeded", message))
        }
    }
}

/// Returns whether a text was not scored because model or provider failed. A text that the provider refuses, and more texts at
/// once than the model takes, are no failures of the provider.
fn is_failure_of_provider(error: &ProviderError) -> bool {
    !matches!(error, ProviderError::Refused(_) | ProviderError::Overloaded)
}

fn answer(deps: &Deps, sentiment: &SentimentScore, hit: bool, started: Instant) -> Answer {
    let latency_ms = started.elapsed().as_secs_f64() * 1e3;
    let metric = match sentiment.unscored {
        Some(Unscored::NoWords) => "texts_without_words",
        Some(Unscored::OtherLanguage) => "texts_in_other_languages",
        None if hit => "cache_hits",
        None => "inference_count",
    };
    metrics::count(metric, 1);
    metrics::observe("cache_hit_rate", if hit { 1.0 } else { 0.0 });
    metrics::observe("latency_ms", latency_ms);
    let answer = Answer {
        sentiment_score: sentiment.score.to_four_decimals(),
        emotion_tags: sentiment.emotions.clone(),
        // A threshold above 0.5 must not raise an alert for a text without a sentiment of its own.
        alert_triggered: sentiment.unscored.is_none()
            && sentiment.score.get() < deps.config.alert_threshold,
        processing_latency_ms: round_milliseconds(latency_ms),
        signals: sentiment.signals,
        language: sentiment.language,
    };
    if answer.alert_triggered {
        metrics::count("alerts", 1);
    }
    let (score, alert, duration_ms) = (
        answer.sentiment_score,
        answer.alert_triggered,
        answer.processing_latency_ms,
    );
    tracing::info!(
        score,
        alert,
        cache_hit = hit,
        duration_ms,
        "the text was scored"
    );
    answer
}

fn with_cache_header(mut response: Response, hit: bool) -> Response {
    let cache = HeaderValue::from_static(if hit { "hit" } else { "miss" });
    response.headers_mut().insert("x-cache", cache);
    response
}

fn failure(error: Arc<ProviderError>) -> Failure {
    let failure = match *error {
        ProviderError::Overloaded => Failure::too_many_requests(Duration::from_secs(1)),
        ProviderError::Unavailable(_) => Failure::unavailable(
            "provider_unavailable",
            "the sentiment provider is out of reach, try again",
        ),
        ProviderError::Refused(_) => Failure::unprocessable(
            "text_refused",
            "the sentiment provider refuses this text, do not send it again",
        ),
        ProviderError::AccessRefused(_) => Failure::provider_refused(
            "provider_access_refused",
            "the sentiment provider refuses the key of this function; an operator must correct it",
        ),
        ProviderError::InvalidAnswer(_) => Failure::bad_gateway(
            "invalid_provider_answer",
            "the sentiment provider gave an invalid answer",
        ),
        ProviderError::Model(_) => Failure::internal(anyhow::Error::new(Arc::clone(&error))),
    };
    failure.with_cause(anyhow::Error::new(error))
}
