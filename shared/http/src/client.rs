//! The HTTP clients: every connection of the product to the contact center and other HTTP services is made by one of them.

use std::time::Duration;

use bytes::{Bytes, BytesMut};
use reqwest::redirect;

use crate::error::{Error, SharedCause};

/// Longest time that making a connection may take, TLS included. A healthy one takes a tenth of this; a Data Action has
/// 5 s for everything.
pub const CONNECT_TIMEOUT: Duration = Duration::from_secs(2);

/// Longest time that a request may take when a call sets no shorter limit of its own.
pub const REQUEST_TIMEOUT: Duration = Duration::from_secs(30);

/// How long an idle connection is kept, where any are.
const IDLE_TIMEOUT: Duration = Duration::from_secs(20);

/// Number of redirects that are followed within one origin.
const MAX_REDIRECTS: usize = 3;

/// How this product names itself to servers.
const USER_AGENT: &str = concat!("cxone-insights/", env!("CARGO_PKG_VERSION"));

/// What becomes of a connection after its call.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum IdleConnections {
    /// The connection is closed. A Lambda is frozen between invocations, the server closes the socket in the meantime, and the next call
    /// would be written into a dead connection. Costs one connect a call.
    #[default]
    Close,
    /// The connection is kept for 20 s, for processes that run on: `serve`, backfills, load tests.
    Keep,
}

/// Builds the HTTP client: rustls, [`CONNECT_TIMEOUT`], [`REQUEST_TIMEOUT`], redirects only within the same origin.
///
/// A redirect to another origin is not followed but returned as the answer, so that no credential travels there.
///
/// # Errors
/// [`Error::Invalid`] if the machine has no root certificates or TLS cannot be set up.
pub fn build_client(idle: IdleConnections) -> Result<reqwest::Client, Error> {
    build_with(idle, |builder| builder)
}

/// Builds the same client as [`build_client`] that speaks HTTP/1.1 alone, for servers that announce HTTP/2 and fail over it.
///
/// # Errors
/// As [`build_client`].
pub fn build_http1_client(idle: IdleConnections) -> Result<reqwest::Client, Error> {
    build_with(idle, reqwest::ClientBuilder::http1_only)
}

/// Builds a client for requests, after `adjust` has changed what is special about it.
fn build_with(
    idle: IdleConnections,
    adjust: impl FnOnce(reqwest::ClientBuilder) -> reqwest::ClientBuilder,
) -> Result<reqwest::Client, Error> {
    #[expect(
        clippy::disallowed_methods,
        reason = "this is the one builder that the lint points to"
    )]
    let builder = adjust(reqwest::Client::builder());
    let builder = match idle {
        IdleConnections::Close => builder.pool_max_idle_per_host(0),
        IdleConnections::Keep => builder.pool_idle_timeout(IDLE_TIMEOUT),
    };
    builder
        .user_agent(USER_AGENT)
        .connect_timeout(CONNECT_TIMEOUT)
        .timeout(REQUEST_TIMEOUT)
        .tcp_nodelay(true)
        .redirect(redirect::Policy::custom(follow_same_origin))
        .build()
        .map_err(|error| {
            Error::invalid_with_cause("the HTTP client", "it cannot be set up here", error)
        })
}

/// Builds the client for streams that last longer than a request.
///
/// It differs from [`build_client`] in two points: it speaks HTTP/1.1 alone, because a WebSocket is an upgrade of that,
/// and it sets no limit on the whole request, which lasts as long as the stream. A stream has to watch for silence itself.
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
        .user_agent(USER_AGENT)
        .connect_timeout(CONNECT_TIMEOUT)
        .http1_only()
        .pool_max_idle_per_host(0)
        .tcp_nodelay(true)
        .redirect(redirect::Policy::none())
        .build()
        .map_err(|error| {
            Error::invalid_with_cause(
                "the HTTP client of the stream",
                "it cannot be set up here",
                error,
            )
        })
}

fn follow_same_origin(attempt: redirect::Attempt<'_>) -> redirect::Action {
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
#[derive(Debug, thiserror::Error)]
pub enum BodyError {
    /// The body is longer than the limit in bytes.
    #[error("the body is longer than {0} bytes")]
    TooLarge(usize),
    /// The stand-in for the network gave no answer.
    #[error("no answer came")]
    NoAnswer(#[source] SharedCause),
    /// The connection broke while the body was read.
    #[error("the body could not be read")]
    Broken(#[source] reqwest::Error),
}

/// Reads the body of an answer, of at most `limit` bytes. Reading ends as soon as a body is known to be longer.
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

#[cfg(test)]
mod tests {
    use tokio::io::AsyncReadExt;
    use tokio::net::TcpListener;

    use super::*;

    /// Returns the first message of a client to a server with TLS, which names the versions of HTTP that the client offers.
    async fn client_hello(client: reqwest::Client) -> Vec<u8> {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("https://{}/auth/token", listener.local_addr().unwrap());
        let request = tokio::spawn(async move { client.get(url).send().await });
        let (mut stream, _) = listener.accept().await.unwrap();
        let mut header = [0; 5];
        stream.read_exact(&mut header).await.unwrap();
        let length = u16::from_be_bytes([header[3], header[4]]);
        let mut hello = vec![0; usize::from(length)];
        stream.read_exact(&mut hello).await.unwrap();
        drop(stream);
        assert!(request.await.unwrap().is_err());
        hello
    }

    #[tokio::test]
    async fn a_client_of_http_1_offers_no_other_version() {
        let offers = |hello: &[u8], list: &[u8]| hello.windows(list.len()).any(|part| part == list);
        let both = client_hello(build_client(IdleConnections::Close).unwrap()).await;
        assert!(offers(&both, b"\x02h2\x08http/1.1"));
        let one = client_hello(build_http1_client(IdleConnections::Close).unwrap()).await;
        assert!(!offers(&one, b"\x02h2\x08"));
    }
}
