//! Login, logout, and the session that every other request needs.

use std::borrow::Cow;

use backends::caller_keys::{CallerSession, SIGN_ON_NAME, Scope};
use http::header::{COOKIE, SET_COOKIE};
use http::{HeaderMap, HeaderValue, StatusCode};
use insights_core::board::mark::{MAX_NAME_CHARS, clean_text};
use jiff::Timestamp;
use runtime::http::reply;
use runtime::{Failure, Request, RequestExt, Response, metrics};
use serde::Deserialize;
use serde_json::json;
use tokio::time::Instant;

use crate::deps::Deps;
use crate::ended_sessions::SessionMark;
use crate::random::random_text;
use crate::unavailable;

/// Name of the cookie by TLS. Browsers take the prefix only with `Secure`, with the path `/` and for this very host.
const SECURE_COOKIE: &str = "__Host-board";
/// Name of the cookie on a laptop without TLS.
const PLAIN_COOKIE: &str = "board";
/// Header that scripts of this page send with every change. Another site's page cannot send it without being asked for leave, which is never
/// given.
const CHANGE_HEADER: &str = "x-board";
/// Largest body of a login or of a mark, in bytes.
pub(crate) const MAX_BODY_BYTES: usize = 8 << 10;

#[derive(Deserialize)]
struct Login {
    key: String,
    name: String,
}

/// Returns whether the browser came by TLS, as the gateway in front says.
pub(crate) fn is_secure(request: &Request) -> bool {
    let scheme = request.header_text("x-forwarded-proto").unwrap_or_default();
    scheme.split(',').next().unwrap_or_default().trim() == "https"
}

/// Checks that a change comes from a script of this page.
///
/// # Errors
/// The failure 403 if another site may have made the browser send it, 413 or 415 for a body that is none.
pub(crate) fn check_change(request: &Request) -> Result<(), Failure> {
    let site = request
        .header_text("sec-fetch-site")
        .unwrap_or("same-origin");
    if request.header_text(CHANGE_HEADER) != Some("1") || site != "same-origin" {
        return Err(Failure::forbidden(
            "foreign_request",
            "changes are made by the board's own page only",
        ));
    }
    if request.media_type() != "application/json" {
        return Err(Failure::unsupported_media_type("application/json"));
    }
    if request.body().len() > MAX_BODY_BYTES {
        return Err(Failure::too_large(MAX_BODY_BYTES));
    }
    Ok(())
}

/// Opens a session for whoever has a key with the scope `board`.
///
/// # Errors
/// The failure 401 or 403 for another key, and 429 after too many of them.
pub(crate) async fn log_in(deps: &Deps, request: &Request) -> Result<Response, Failure> {
    check_change(request)?;
    let login: Login = serde_json::from_slice(request.body()).map_err(|_| {
        Failure::invalid("invalid_login", "the body is an object with key and name")
    })?;
    let person = clean_text(&login.name);
    if !(1..=MAX_NAME_CHARS).contains(&person.chars().count()) {
        return Err(Failure::invalid(
            "invalid_name",
            "your name has 1 to 60 characters",
        ));
    }
    let address = address_of(request);
    if let Some(wait) = deps.login_limit.wait_of(&address, Instant::now()) {
        metrics::count("board_logins_refused", 1);
        return Err(Failure::too_many_requests(wait));
    }
    let checked = deps
        .callers
        .require_key(request, login.key.trim(), Scope::Board)
        .await;
    let caller = checked.inspect_err(|failure| {
        if failure.status().is_client_error() {
            deps.login_limit.note_failure(&address, Instant::now());
            metrics::count("board_logins_refused", 1);
        }
    })?;
    let (session, token, lasting) = open(deps, caller.name, person).await?;
    let mut response = reply::ok(&about(&session))?;
    set_cookie(response.headers_mut(), &token, lasting, is_secure(request))?;
    Ok(response)
}

/// Opens a session for a person whose right to it was checked. Returns it with its token and the seconds that it lasts.
///
/// # Errors
/// The failures of [`Callers::open_session`](backends::caller_keys::Callers::open_session).
pub(crate) async fn open(
    deps: &Deps,
    key_name: String,
    person: String,
) -> Result<(CallerSession, String, i64), Failure> {
    let lasting = i64::from(deps.config.session_hours) * 3600;
    let session = CallerSession {
        key_name,
        person,
        expires_at: Timestamp::now().as_second() + lasting,
        id: random_text::<9>()?,
    };
    let token = deps.callers.open_session(&session, Scope::Board).await?;
    tracing::info!(
        viewer = session.person,
        key = session.key_name,
        "a supervisor logged in to the board"
    );
    Ok((session, token, lasting))
}

/// Ends the session, also for whoever has a copy of the cookie, and takes the cookie back.
///
/// # Errors
/// The failure of [`check_change`], and 503 while the store or the keys cannot be reached: the session then goes on.
pub(crate) async fn log_out(deps: &Deps, request: &Request) -> Result<Response, Failure> {
    check_change(request)?;
    if let Some(token) = token_of(request) {
        let session = deps
            .callers
            .find_session(request, &token, Scope::Board)
            .await?;
        if let Some(session) = session {
            let mark = SessionMark::of_token(&token);
            let now = Timestamp::now();
            let ending = deps.ended_sessions.end(&mark, session.expires_at, now);
            ending.await.map_err(unavailable)?;
            tracing::info!(
                viewer = session.person,
                key = session.key_name,
                "a supervisor logged out of the board"
            );
        }
    }
    let mut response = reply::json(StatusCode::OK, &json!({ "logged_out": true }))?;
    set_cookie(response.headers_mut(), "", 0, is_secure(request))?;
    Ok(response)
}

/// Returns the session of a request.
///
/// # Errors
/// The failure 401 without one, and 503 while the keys cannot be read.
pub(crate) async fn require(deps: &Deps, request: &Request) -> Result<CallerSession, Failure> {
    let token = token_of(request).ok_or_else(not_logged_in)?;
    let session = deps
        .callers
        .find_session(request, &token, Scope::Board)
        .await?
        .ok_or_else(not_logged_in)?;
    // A session by single sign-on ends when that is switched off.
    if session.key_name == SIGN_ON_NAME && deps.sign_on.is_none() {
        return Err(not_logged_in());
    }
    let mark = SessionMark::of_token(&token);
    let ended = deps.ended_sessions.contains(&mark, Timestamp::now());
    if ended.await.map_err(unavailable)? {
        return Err(not_logged_in());
    }
    Ok(session)
}

/// Returns the name by which the session of a request is known once it has ended.
pub(crate) fn mark_of(request: &Request) -> SessionMark {
    SessionMark::of_token(&token_of(request).unwrap_or_default())
}

/// Returns what the page shows of a session.
pub(crate) fn about(session: &CallerSession) -> serde_json::Value {
    json!({ "viewer": session.person, "expires_at": session.expires_at * 1000 })
}

/// Returns the ways in which people can log in.
pub(crate) fn ways(deps: &Deps) -> serde_json::Value {
    json!({ "key": true, "sign_on": deps.sign_on.is_some() })
}

fn not_logged_in() -> Failure {
    Failure::invalid_credentials("log in at /board")
}

fn token_of(request: &Request) -> Option<Cow<'_, str>> {
    let name = if is_secure(request) {
        SECURE_COOKIE
    } else {
        PLAIN_COOKIE
    };
    cookie_of(request, name)
}

/// Returns the value of a cookie, if the browser sent one.
pub(crate) fn cookie_of<'r>(request: &'r Request, name: &str) -> Option<Cow<'r, str>> {
    let headers = request.headers().get_all(COOKIE).iter();
    headers
        .filter_map(|header| header.to_str().ok())
        .flat_map(|header| header.split(';'))
        .filter_map(|cookie| cookie.trim().split_once('='))
        .find(|(cookie, value)| *cookie == name && !value.is_empty())
        .map(|(_, value)| Cow::Borrowed(value))
}

/// Sets the cookie of a session.
pub(crate) fn set_cookie(
    headers: &mut HeaderMap,
    token: &str,
    lasting: i64,
    is_secure: bool,
) -> Result<(), Failure> {
    let (name, secure) = if is_secure {
        (SECURE_COOKIE, "; Secure")
    } else {
        (PLAIN_COOKIE, "")
    };
    let cookie =
        format!("{name}={token}; Path=/; Max-Age={lasting}; HttpOnly; SameSite=Strict{secure}");
    let cookie = HeaderValue::from_str(&cookie).map_err(Failure::internal)?;
    headers.append(SET_COOKIE, cookie);
    Ok(())
}

/// Returns the address that a request came from: the last one that the gateway added, since a caller can make up those before it.
pub(crate) fn address_of(request: &Request) -> String {
    let forwarded = request.header_text("x-forwarded-for").unwrap_or_default();
    let last = forwarded.rsplit(',').next().unwrap_or_default().trim();
    last.chars().take(64).collect()
}
