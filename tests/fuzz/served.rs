//! A contact center that answers every request with given bytes.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use cxone::conversations::{ConversationPages, ConversationQuery};
use cxone::endpoints::{CXONE_API, Site, System};
use cxone::live::LiveTranscript;
use cxone::oauth::{ClientCredentials, TokenSource};
use cxone::{CxoneClient, Error};
use futures::future::BoxFuture;
use insights_http::client::{IdleConnections, build_client};
use insights_http::error::SharedCause;
use insights_http::exchange::{HttpClient, HttpExchange};
use insights_http::secret::FixedSecret;
use insights_http::{CallLimits, Deadline};
use jiff::Timestamp;
use secrecy::SecretString;

/// The answer to every request but the one for a token.
#[derive(Debug, Clone, Default)]
struct Served {
    body: Arc<Mutex<Vec<u8>>>,
    is_for_tokens: bool,
}

impl HttpExchange for Served {
    fn execute(
        &self,
        request: reqwest::Request,
    ) -> BoxFuture<'_, Result<reqwest::Response, SharedCause>> {
        let is_token = request.url().path().ends_with("/token");
        let body = if is_token && !self.is_for_tokens {
            br#"{"access_token":"abc","token_type":"bearer","expires_in":3600}"#.to_vec()
        } else {
            let body = self.body.lock().unwrap_or_else(PoisonError::into_inner);
            body.clone()
        };
        Box::pin(async move { Ok(http::Response::new(body).into()) })
    }
}

/// Clients of a contact center whose answers a test chooses.
pub(crate) struct ContactCenterAnswer {
    http: HttpClient,
    token_http: HttpClient,
    body: Arc<Mutex<Vec<u8>>>,
    runtime: tokio::runtime::Runtime,
}

impl std::panic::RefUnwindSafe for ContactCenterAnswer {}

impl ContactCenterAnswer {
    /// Creates the clients that read the served bytes.
    pub(crate) fn new() -> Self {
        let body = Arc::default();
        let served = |is_for_tokens| Served {
            body: Arc::clone(&body),
            is_for_tokens,
        };
        let http = HttpClient::from(build_client(IdleConnections::Close).expect("a client"));
        Self {
            token_http: http.clone().with_exchange(Arc::new(served(true))),
            http: http.with_exchange(Arc::new(served(false))),
            body,
            runtime: tokio::runtime::Builder::new_current_thread()
                .enable_time()
                .start_paused(true)
                .build()
                .expect("a runtime"),
        }
    }

    fn serve(&self, body: &[u8]) {
        *self.body.lock().unwrap_or_else(PoisonError::into_inner) = body.to_vec();
    }

    fn tokens(http: &HttpClient, system: System) -> (Site, TokenSource) {
        let site = Site::new(CXONE_API, system, "http://127.0.0.1:1").expect("a site");
        let credentials = ClientCredentials {
            client_id: "fuzz".to_owned(),
            client_secret: SecretString::from("not secret"),
            access_key: None,
        };
        let tokens = TokenSource::new(
            http.clone(),
            site.clone(),
            Arc::new(FixedSecret(credentials)),
            CallLimits::default(),
        );
        (site, tokens)
    }

    fn client(&self, system: System) -> CxoneClient {
        let (site, tokens) = Self::tokens(&self.http, system);
        CxoneClient::new(
            self.http.clone(),
            site,
            Arc::new(tokens),
            CallLimits::default(),
        )
    }

    /// Reads the body as the transcript of a live call.
    pub(crate) fn read_live_transcript(&self, body: &[u8]) -> Result<LiveTranscript, Error> {
        self.serve(body);
        let client = self.client(System::RealTime);
        self.runtime
            .block_on(cxone::live::read_transcript(&client, "42", 0, deadline()))
    }

    /// Reads the body as a page of the list of conversations.
    pub(crate) fn read_page(&self, body: &[u8]) -> Result<(), Error> {
        self.serve(body);
        let client = self.client(System::Analytics);
        let query = ConversationQuery {
            from: Timestamp::UNIX_EPOCH,
            to: Timestamp::MAX,
        };
        let mut pages = ConversationPages::new(&client, query)?;
        self.runtime.block_on(pages.next_page(deadline())).map(drop)
    }

    /// Reads the body as the transcript of a finished conversation.
    pub(crate) fn read_transcript(&self, body: &[u8]) -> Result<(), Error> {
        self.serve(body);
        let client = self.client(System::Analytics);
        let reading = cxone::conversations::read_transcript(&client, "42", deadline());
        self.runtime.block_on(reading).map(drop)
    }

    /// Reads the body as the answer of the token endpoint.
    pub(crate) fn read_token(&self, body: &[u8]) -> Result<(), Error> {
        self.serve(body);
        let (_, tokens) = Self::tokens(&self.token_http, System::RealTime);
        self.runtime.block_on(tokens.token(deadline())).map(drop)
    }
}

fn deadline() -> Deadline {
    Deadline::within(Duration::from_secs(5))
}
