//! The supervisor board: a page with every live call and chat, the worst first, and what supervisors say about alerts.
//!
//! - **Trigger:** HTTP. `GET /board` is the page, which holds no data; everything else needs a session: `POST /board/login` opens one for
//!   a key with the scope `board`, and single sign-on for whom the settings allow.
//! - **Reads:** the rows of the board and the states of live calls in the state store; a transcript of the contact center, when somebody opens
//!   a conversation, masked in passing and not stored.
//! - **Writes:** marks of alerts, objections to answers of rules, which sessions were ended, and which returns of a provider were used, into the state store.
//! - **Idempotency key:** a mark that says what the newest mark of its kind says, and an objection that the same person made before with
//!   the same words, are not stored again.
//!
//! | route | answers |
//! |---|---|
//! | `GET /board`, `GET /board/FILE` | the page and its files |
//! | `POST /board/login`, `POST /board/logout` | a session, as a cookie that scripts cannot read |
//! | `GET /board/ways` | the ways in which people can log in |
//! | `GET /board/sign-on`, `GET /board/sign-on-return` | the login at an OpenID provider, where one is configured |
//! | `GET /board/session` | who is logged in |
//! | `GET /board/events` | the conversations, as a stream of server-sent events |
//! | `GET /board/calls/{id}` | one conversation with its transcript; who opens it is logged |
//! | `GET /board/cards/{id}` | the card, the rules and the scorecard of a call that has ended; who opens it is logged |
//! | `POST /board/cards/{id}` | objects to the answer of a rule, with a reason |
//! | `POST /board/alerts/{id}` | acknowledges, snoozes, calls wrong or reopens the alert of a conversation |

mod alerts;
mod card_view;
pub mod config;
mod contests;
pub mod deps;
mod drawer;
pub mod ended_sessions;
mod events;
mod kept_card;
pub mod login_limit;
mod random;
mod row_view;
mod rules_view;
mod session;
mod shell;
pub mod sign_on;
pub mod snapshots;
mod transcript;
pub mod transcript_center;

use http::HeaderValue;
use http::Method;
use http::header::{CACHE_CONTROL, WWW_AUTHENTICATE};
use runtime::http::reply;
use runtime::{Failure, Request, RequestExt, Response, metrics};

pub use crate::deps::{Delivery, Deps};

/// Answers one HTTP request to the function.
///
/// # Errors
/// None that escapes: a failure becomes its reply here, because that has the headers of the board too.
pub async fn handle(deps: &Deps, request: Request) -> Result<Response, Failure> {
    let is_secure = session::is_secure(&request);
    let mut response = route(deps, &request)
        .await
        .unwrap_or_else(Failure::into_response);
    let headers = response.headers_mut();
    shell::secure(headers, is_secure);
    headers
        .entry(CACHE_CONTROL)
        .or_insert(HeaderValue::from_static("no-store"));
    // The browser would ask for a name and a password.
    headers.remove(WWW_AUTHENTICATE);
    Ok(response)
}

async fn route(deps: &Deps, request: &Request) -> Result<Response, Failure> {
    let segments = request.path_segments()?;
    let segments: Vec<&str> = segments.iter().map(String::as_str).collect();
    let is_get = request.method() == Method::GET;
    let is_post = request.method() == Method::POST;
    match segments.as_slice() {
        ["board", "login"] if is_post => session::log_in(deps, request).await,
        ["board", "logout"] if is_post => session::log_out(deps, request).await,
        ["board", "alerts", id] if is_post => {
            let viewer = session::require(deps, request).await?;
            alerts::mark(deps, request, &viewer, id).await
        }
        ["board", "session"] if is_get => {
            let viewer = session::require(deps, request).await?;
            reply::ok(&session::about(&viewer))
        }
        ["board", "events"] if is_get => {
            session::require(deps, request).await?;
            let session = session::mark_of(request);
            events::stream(deps, request, session).await
        }
        ["board", "calls", id] if is_get => {
            let viewer = session::require(deps, request).await?;
            drawer::open(deps, request, &viewer, id).await
        }
        ["board", "cards", id] if is_get => {
            let viewer = session::require(deps, request).await?;
            kept_card::open(deps, &viewer, id).await
        }
        ["board", "cards", id] if is_post => {
            let viewer = session::require(deps, request).await?;
            contests::contest(deps, request, &viewer, id).await
        }
        ["board", "ways"] if is_get => reply::ok(&session::ways(deps)),
        ["board", "sign-on"] if is_get => sign_on::begin(deps, request).await,
        ["board", "sign-on-return"] if is_get => sign_on::complete(deps, request).await,
        ["board"] if is_get => shell::file("").ok_or_else(no_such_path),
        ["board", name] if is_get => shell::file(name).ok_or_else(no_such_path),
        ["board", "login" | "logout" | "alerts", ..] => Err(Failure::method_not_allowed("POST")),
        ["board", ..] if !is_get => Err(Failure::method_not_allowed("GET")),
        _ => Err(no_such_path()),
    }
}

fn no_such_path() -> Failure {
    Failure::not_found("no such path; the board is at /board")
}

/// Returns the failure of a store that did not answer.
fn unavailable(error: store::Error) -> Failure {
    metrics::count_store_error();
    let message = "the state of live conversations cannot be reached, try again";
    if error.is_retryable() || matches!(error, store::Error::Conflict { .. }) {
        Failure::unavailable("state_unavailable", message).with_cause(error)
    } else {
        Failure::internal(error)
    }
}

#[cfg(test)]
mod tests;
