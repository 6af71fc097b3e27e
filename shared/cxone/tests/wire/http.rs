//! The HTTP client: where a redirect may lead, and that a connection which the server closed is not used again.

use cxone::Error;
use insights_http::client::{IdleConnections, build_client};
use insights_http::{Deadline, Error as HttpError};
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

use crate::support::{TOKEN, list, quick_limits, site, soon, start_simulator};

/// Starts a server that redirects every request to `location`; returns its URL.
async fn start_redirecting_server(location: String) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let _ = stream.read(&mut [0; 4096]).await;
            let head = format!(
                "HTTP/1.1 307 Moved\r\nlocation: {location}\r\ncontent-length: 0\r\nconnection: close\r\n\r\n"
            );
            let _ = stream.write_all(head.as_bytes()).await;
        }
    });
    url
}

#[tokio::test]
async fn credentials_do_not_follow_a_redirect_to_another_host() {
    let simulator = start_simulator([]).await;
    let elsewhere = format!("{}{TOKEN}", simulator.url());
    let site = site(&start_redirecting_server(elsewhere).await);
    let error = crate::support::tokens(site)
        .token(soon())
        .await
        .unwrap_err();
    assert!(
        matches!(error, Error::Http(HttpError::Rejected { status: 307, .. })),
        "{error:?}"
    );
    assert_eq!(simulator.requests("POST", TOKEN), 0);
}

#[tokio::test]
async fn a_redirect_in_a_circle_ends() {
    let url = start_redirecting_server("/oauth/token".to_owned()).await;
    let error = crate::support::tokens(site(&url))
        .token(soon())
        .await
        .unwrap_err();
    assert!(
        matches!(error, Error::Http(HttpError::Rejected { status: 307, .. })),
        "{error:?}"
    );
}

#[tokio::test]
async fn kept_connections_survive_a_server_that_hangs_up() {
    use cxone_simulator::{Fault, FaultRule};
    let simulator = start_simulator([FaultRule::new("/api/**", Fault::LoseAnswer)
        .after(1)
        .times(1)])
    .await;
    let here = site(&simulator.url());
    let tokens = std::sync::Arc::new(crate::support::tokens(here.clone()));
    let client = cxone::CxoneClient::new(
        build_client(IdleConnections::Keep).unwrap(),
        here,
        tokens,
        quick_limits(),
    );
    for _ in 0..3 {
        list(&client, Deadline::within(Duration::from_secs(10)))
            .await
            .unwrap();
    }
}
