//! Single sign-on: people log in at an OpenID provider, by the authorization code flow with PKCE, state and nonce.
//!
//! 1. `GET /board/sign-on` sends the browser to the provider. What the return must match stays in a cookie of that very browser.
//! 2. `GET /board/sign-on-return` takes the provider's code once, exchanges it, checks the identity token, and opens a session for whom
//!    the settings allow.
//!
//! Both lead to fixed addresses, whatever they are called with. A return is used once: a process notes its state in the state store before it
//! exchanges the code.

pub mod application;
mod error;
mod identity_token;
mod people;
mod provider;
mod verifier;

use backends::caller_keys::SIGN_ON_NAME;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use http::header::{LOCATION, SET_COOKIE};
use http::{HeaderValue, StatusCode};
use insights_core::WithCauses;
use insights_http::Deadline;
use jiff::{SignedDuration, Timestamp};
use runtime::{Failure, Request, RequestExt, Response, metrics};
use sha2::{Digest, Sha256};
use store::state::{Expect, Key, Put, StateStore};
use subtle::ConstantTimeEq;
use tokio::time::Instant;

use self::application::SignOn;
use self::error::SignOnError;
use self::identity_token::Expected;
use self::provider::Client;
use crate::deps::Deps;
use crate::random::random_text;
use crate::session;

/// Longest time between the two steps of a login, in seconds.
const LONGEST_LOGIN_SECONDS: i64 = 600;
/// How long it is remembered that a return was used: longer than it could be used again.
const USED_RETENTION: SignedDuration = SignedDuration::from_mins(30);
/// Partition of the used returns in the state store.
const USED_PARTITION: &str = "board#logins";
/// Longest code of a provider that is taken, in bytes.
const MAX_CODE_BYTES: usize = 4096;

/// What the return of a login must match. The browser keeps it, so that another one cannot complete the login.
struct BegunLogin {
    state: String,
    nonce: String,
    verifier: String,
}

impl BegunLogin {
    fn new(now: Timestamp) -> Result<Self, Failure> {
        Ok(Self {
            state: format!("{}-{}", now.as_second(), random_text::<24>()?),
            nonce: random_text::<24>()?,
            verifier: random_text::<32>()?,
        })
    }

    /// Reads what the browser has kept, if it is not too old.
    fn read(cookie: &str, now: Timestamp) -> Option<Self> {
        let mut parts = cookie.split('.').map(str::to_owned);
        let login = Self {
            state: parts.next()?,
            nonce: parts.next()?,
            verifier: parts.next()?,
        };
        let begun_at: i64 = login.state.split_once('-')?.0.parse().ok()?;
        let age = now.as_second().checked_sub(begun_at)?;
        let is_whole = parts.next().is_none() && !login.nonce.is_empty();
        (is_whole && (-60..=LONGEST_LOGIN_SECONDS).contains(&age)).then_some(login)
    }

    fn challenge(&self) -> String {
        URL_SAFE_NO_PAD.encode(Sha256::digest(self.verifier.as_bytes()))
    }
}

/// Sends the browser to the provider.
///
/// # Errors
/// The failure 404 where no provider is configured.
pub(crate) async fn begin(deps: &Deps, request: &Request) -> Result<Response, Failure> {
    let sign_on = configured(deps)?;
    let deadline = Deadline::at(request.deadline().into());
    let discovery = match sign_on.provider.discovery(deadline).await {
        Ok(discovery) => discovery,
        Err(error) => return Ok(refused(deps, request, &error)),
    };
    let login = BegunLogin::new(Timestamp::now())?;
    let mut to = discovery.authorization_endpoint.clone();
    to.query_pairs_mut()
        .append_pair("response_type", "code")
        .append_pair("client_id", &sign_on.client_id)
        .append_pair("redirect_uri", sign_on.redirect_url.as_str())
        .append_pair("scope", &sign_on.scopes)
        .append_pair("state", &login.state)
        .append_pair("nonce", &login.nonce)
        .append_pair("code_challenge", &login.challenge())
        .append_pair("code_challenge_method", "S256");
    let mut response = redirect(to.as_str())?;
    let kept = format!("{}.{}.{}", login.state, login.nonce, login.verifier);
    set_login_cookie(&mut response, request, &kept, LONGEST_LOGIN_SECONDS)?;
    Ok(response)
}

/// Completes the login of a browser that comes back from the provider, and leads it to the board.
///
/// # Errors
/// The failure 404 where no provider is configured, 429 after too many refused logins, and 503 while the secret cannot be read.
pub(crate) async fn complete(deps: &Deps, request: &Request) -> Result<Response, Failure> {
    let sign_on = configured(deps)?;
    let address = session::address_of(request);
    if let Some(wait) = deps.login_limit.wait_of(&address, Instant::now()) {
        metrics::count("board_logins_refused", 1);
        return Err(Failure::too_many_requests(wait));
    }
    let secret = deps.callers.sign_on_secret().await?;
    let secret = secret.ok_or_else(|| {
        Failure::internal(anyhow::anyhow!(
            "the callers' secret has no board_oidc_client_secret"
        ))
    })?;
    let client = Client {
        id: &sign_on.client_id,
        secret,
        redirect_url: &sign_on.redirect_url,
    };
    let person = match prove_person(deps, sign_on, request, &client).await {
        Ok(person) => person,
        Err(error) => return Ok(refused(deps, request, &error)),
    };
    let (_, token, lasting) = session::open(deps, SIGN_ON_NAME.to_owned(), person).await?;
    let mut response = redirect("/board")?;
    let is_secure = session::is_secure(request);
    session::set_cookie(response.headers_mut(), &token, lasting, is_secure)?;
    set_login_cookie(&mut response, request, "", 0)?;
    Ok(response)
}

/// Returns the name of the person whom the provider has proven, if that person may see the board.
async fn prove_person(
    deps: &Deps,
    sign_on: &SignOn,
    request: &Request,
    client: &Client<'_>,
) -> Result<String, SignOnError> {
    let now = Timestamp::now();
    let deadline = Deadline::at(request.deadline().into());
    let cookie = session::cookie_of(request, login_cookie(request));
    let login = cookie.and_then(|cookie| BegunLogin::read(&cookie, now));
    let login = login.ok_or(SignOnError::NotBegun)?;
    let state = request.query_value("state").unwrap_or_default();
    if !bool::from(state.as_bytes().ct_eq(login.state.as_bytes())) {
        return Err(SignOnError::NotBegun);
    }
    if request.query_value("error").is_some() {
        return Err(SignOnError::RefusedByProvider);
    }
    let code = request.query_value("code").unwrap_or_default();
    if !(1..=MAX_CODE_BYTES).contains(&code.len()) {
        return Err(SignOnError::RefusedByProvider);
    }
    let discovery = sign_on.provider.discovery(deadline).await?;
    // Some providers name themselves in the return, so that it cannot be mistaken for another one's.
    if request
        .query_value("iss")
        .is_some_and(|issuer| issuer != discovery.issuer)
    {
        return Err(SignOnError::RefusedByProvider);
    }
    use_once(deps, &login, now).await?;
    let token = sign_on
        .provider
        .identity_token(client, &code, &login.verifier, deadline)
        .await?;
    let (algorithm, key_id) = identity_token::head_of(&token).map_err(SignOnError::InvalidToken)?;
    let key = sign_on
        .provider
        .key(key_id.as_deref(), algorithm, deadline)
        .await?;
    let expected = Expected {
        issuer: &discovery.issuer,
        client_id: &sign_on.client_id,
        nonce: &login.nonce,
    };
    let claims = identity_token::check(&token, algorithm, &key, &expected)
        .map_err(SignOnError::InvalidToken)?;
    sign_on
        .people
        .name_of(&claims)
        .ok_or(SignOnError::NotAllowed)
}

/// Notes that a login was returned from; whoever comes second with it is refused.
async fn use_once(deps: &Deps, login: &BegunLogin, now: Timestamp) -> Result<(), SignOnError> {
    let digest = Sha256::digest(login.state.as_bytes());
    let hex = digest
        .iter()
        .take(16)
        .fold(String::new(), |hex, byte| hex + &format!("{byte:02x}"));
    let key = Key::new(USED_PARTITION, format!("used#{hex}"));
    let put = Put::encode(key, &now.as_second(), Some(now + USED_RETENTION))
        .map_err(SignOnError::Store)?;
    match deps.state.put(put, Expect::Absent, now).await {
        Ok(_) => Ok(()),
        Err(store::Error::Conflict { .. }) => Err(SignOnError::Used),
        Err(error) => Err(SignOnError::Store(error)),
    }
}

fn configured(deps: &Deps) -> Result<&SignOn, Failure> {
    let sign_on = deps.sign_on.as_ref();
    sign_on.ok_or_else(|| Failure::not_found("no provider is configured for the board"))
}

/// Leads the browser back to the login, which says what went wrong.
fn refused(deps: &Deps, request: &Request, error: &SignOnError) -> Response {
    if error.is_refusal() {
        deps.login_limit
            .note_failure(&session::address_of(request), Instant::now());
        metrics::count("board_logins_refused", 1);
    }
    tracing::warn!(
        reason = error.word(),
        cause = %WithCauses(error),
        "a login by single sign-on was not completed"
    );
    let to = format!("/board?login={}", error.word());
    let mut response = redirect(&to).unwrap_or_else(Failure::into_response);
    // What is left of the login is of no use any more.
    let _is_left = set_login_cookie(&mut response, request, "", 0);
    response
}

fn redirect(to: &str) -> Result<Response, Failure> {
    let mut response = Response::new(String::new());
    *response.status_mut() = StatusCode::SEE_OTHER;
    let location = HeaderValue::from_str(to).map_err(Failure::internal)?;
    response.headers_mut().insert(LOCATION, location);
    Ok(response)
}

/// Returns the name of the cookie that keeps a begun login.
fn login_cookie(request: &Request) -> &'static str {
    if session::is_secure(request) {
        "__Host-board-login"
    } else {
        "board-login"
    }
}

/// Sets the cookie of a begun login. It must come back with the browser from the provider's site, which a strict one does not.
fn set_login_cookie(
    response: &mut Response,
    request: &Request,
    value: &str,
    lasting: i64,
) -> Result<(), Failure> {
    let name = login_cookie(request);
    let secure = if session::is_secure(request) {
        "; Secure"
    } else {
        ""
    };
    let cookie =
        format!("{name}={value}; Path=/; Max-Age={lasting}; HttpOnly; SameSite=Lax{secure}");
    let cookie = HeaderValue::from_str(&cookie).map_err(Failure::internal)?;
    response.headers_mut().append(SET_COOKIE, cookie);
    Ok(())
}
