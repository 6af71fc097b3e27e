//! The one HTTP client: every connection of the product to the contact centre and its neighbours is made here.

use std::time::Duration;

use bytes::{Bytes, BytesMut};
use reqwest::redirect;

use crate::{Error, WithCauses};

/// How long a connection, TLS included, may take. A healthy one takes a tenth of this; a Data Action has 5 s in all.
pub const CONNECT_TIMEOUT: Duration = Duration::from_secs(2);

/// How long a request may take at most when a call sets no shorter limit of its own.
pub const REQUEST_TIMEOUT: Duration = Duration::from_secs(30);

/// Redirects followed within one origin.
const MAX_REDIRECTS: usize = 3;

/// Whether idle connections are kept for the next call.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum IdleConnections {
    /// None is kept. A Lambda is frozen between invocations, the server closes the socket meanwhile, and the next call
    /// would be written into a dead connection. Costs one connect a call.
    #[default]
    Close,
    /// Kept for 20 s, for processes that run on: `serve`, backfills, load tests.
    Keep,
}

/// The HTTP client: rustls, [`CONNECT_TIMEOUT`], [`REQUEST_TIMEOUT`], redirects only within the same origin.
///
/// A redirect to another origin is not followed but returned as what it is, so that no credential travels there.
///
/// # Errors
/// [`Error::Invalid`] if the machine has no root certificates or TLS cannot be set up.
pub fn build_client(idle: IdleConnections) -> Result<reqwest::Client, Error> {
    #[expect(
        clippy::disallowed_methods,
        reason = "this is the one builder that the lint points to"
    )]
    let builder = reqwest::Client::builder();
    let builder = match idle {
        IdleConnections::Close => builder.pool_max_idle_per_host(0),
        IdleConnections::Keep => builder.pool_idle_timeout(Duration::from_secs(20)),
    };
    builder
        .user_agent(concat!("cxone-insights/", env!("CARGO_PKG_VERSION")))
        .connect_timeout(CONNECT_TIMEOUT)
        .timeout(REQUEST_TIMEOUT)
        .tcp_nodelay(true)
        .redirect(redirect::Policy::custom(same_origin))
        .build()
        .map_err(|error| Error::invalid("the HTTP client", WithCauses(&error).to_string()))
}

/// The client for the chat stream: as [`build_client`], but HTTP/1.1 alone, since a WebSocket is an upgrade of that, and without a
/// limit on the whole request, which lasts as long as the stream. The stream watches over its own silence.
///
/// # Errors
/// As [`build_client`].
pub fn build_stream_client() -> Result<reqwest::Client, Error> {
    #[expect(
        clippy::disallowed_methods,
        reason = "the builder of the connections that outlast a request"
    )]
    let builder = reqwest::Client::builder();
    builder
        .user_agent(concat!("cxone-insights/", env!("CARGO_PKG_VERSION")))
        .connect_timeout(CONNECT_TIMEOUT)
        .http1_only()
        .pool_max_idle_per_host(0)
        .tcp_nodelay(true)
        .redirect(redirect::Policy::none())
        .build()
        .map_err(|error| {
            Error::invalid(
                "the HTTP client of the stream",
                WithCauses(&error).to_string(),
            )
        })
}

fn same_origin(attempt: redirect::Attempt<'_>) -> redirect::Action {
    let stays = attempt
        .previous()
        .first()
        .is_some_and(|first| first.origin() == attempt.url().origin());
    if stays && attempt.previous().len() <= MAX_REDIRECTS {
        attempt.follow()
    } else {
        attempt.stop()
    }
}

/// Why a body could not be read.
#[derive(Debug)]
pub enum BodyError {
    /// It is longer than the limit in bytes.
    TooLarge(usize),
    /// The connection broke off.
    Broken(reqwest::Error),
}

/// Reads a body of at most `limit` bytes. A longer one is given up as soon as that is known.
///
/// # Errors
/// [`BodyError`], as its variants say.
pub async fn read_body(mut response: reqwest::Response, limit: usize) -> Result<Bytes, BodyError> {
    if response
        .content_length()
        .is_some_and(|length| length > limit as u64)
    {
        return Err(BodyError::TooLarge(limit));
    }
    let mut body = BytesMut::new();
    while let Some(chunk) = response.chunk().await.map_err(BodyError::Broken)? {
        if body.len() + chunk.len() > limit {
            return Err(BodyError::TooLarge(limit));
        }
        body.extend_from_slice(&chunk);
    }
    Ok(body.freeze())
}
