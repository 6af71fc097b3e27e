//! Single sign-on at a small OpenID provider in this process.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex};

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::{KeyPair as RsaKeyPair, KeySize};
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair, RSA_PKCS1_SHA256,
};
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use sha2::{Digest, Sha256};
use url::Url;
use wiremock::matchers::{method, path};
use wiremock::{Mock, MockServer, Respond, ResponseTemplate};

use super::*;

const CLIENT: &str = "board client";
const CLIENT_SECRET: &str = "a secret/of+the client";
const REDIRECT: &str = "https://board.example/board/sign-on-return";

/// A key with which the provider signs.
enum Signer {
    Elliptic(EcdsaKeyPair),
    Rsa(RsaKeyPair),
}

impl Signer {
    fn elliptic() -> Self {
        Self::Elliptic(EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).unwrap())
    }

    fn rsa() -> Self {
        Self::Rsa(RsaKeyPair::generate(KeySize::Rsa2048).unwrap())
    }

    fn algorithm(&self) -> &'static str {
        match self {
            Self::Elliptic(_) => "ES256",
            Self::Rsa(_) => "RS256",
        }
    }

    /// Returns the public key as the provider publishes it.
    fn published(&self, id: &str) -> Value {
        let text = |bytes: &[u8]| URL_SAFE_NO_PAD.encode(bytes);
        match self {
            Self::Elliptic(pair) => {
                let point = pair.public_key().as_ref();
                json!({"kty": "EC", "crv": "P-256", "use": "sig", "kid": id, "x": text(&point[1..33]), "y": text(&point[33..])})
            }
            Self::Rsa(pair) => {
                // A sequence of two integers: the modulus of 256 bytes after a zero, and the exponent.
                let der = pair.public_key().as_ref();
                let modulus = &der[9..9 + 256];
                json!({"kty": "RSA", "alg": "RS256", "kid": id, "n": text(modulus), "e": text(&der[der.len() - 3..])})
            }
        }
    }

    fn token(&self, head: &Value, claims: &Value) -> String {
        let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
        let message = format!("{}.{}", part(head), part(claims));
        let random = SystemRandom::new();
        let signature = match self {
            Self::Elliptic(pair) => pair
                .sign(&random, message.as_bytes())
                .unwrap()
                .as_ref()
                .to_vec(),
            Self::Rsa(pair) => {
                let mut signature = vec![0; pair.public_modulus_len()];
                pair.sign(
                    &RSA_PKCS1_SHA256,
                    &random,
                    message.as_bytes(),
                    &mut signature,
                )
                .unwrap();
                signature
            }
        };
        format!("{message}.{}", URL_SAFE_NO_PAD.encode(signature))
    }
}

/// What the provider knows: the keys that it publishes, and for each code its challenge and the token that it is good for.
#[derive(Default)]
struct ProviderRecords {
    keys: Vec<Value>,
    codes: HashMap<String, (String, String)>,
    key_reads: u32,
}

#[derive(Clone, Default)]
struct Provider(Arc<Mutex<ProviderRecords>>);

struct Keys(Provider);

impl Respond for Keys {
    fn respond(&self, _: &wiremock::Request) -> ResponseTemplate {
        let mut known = self.0.0.lock().unwrap();
        known.key_reads += 1;
        ResponseTemplate::new(200).set_body_json(json!({ "keys": known.keys }))
    }
}

struct Tokens(Provider);

impl Respond for Tokens {
    fn respond(&self, request: &wiremock::Request) -> ResponseTemplate {
        let form: HashMap<String, String> = url::form_urlencoded::parse(&request.body)
            .into_owned()
            .collect();
        let encoded =
            |text: &str| url::form_urlencoded::byte_serialize(text.as_bytes()).collect::<String>();
        let proof = STANDARD.encode(format!("{}:{}", encoded(CLIENT), encoded(CLIENT_SECRET)));
        let is_client = request.headers["authorization"] == format!("Basic {proof}").as_str();
        let code = self.0.0.lock().unwrap().codes.remove(&form["code"]);
        let challenge = URL_SAFE_NO_PAD.encode(Sha256::digest(&form["code_verifier"]));
        let is_asked_well =
            form["grant_type"] == "authorization_code" && form["redirect_uri"] == REDIRECT;
        match code {
            Some((wanted, token)) if is_client && is_asked_well && wanted == challenge => {
                ResponseTemplate::new(200).set_body_json(
                    json!({"token_type": "Bearer", "access_token": "x", "id_token": token}),
                )
            }
            _ => ResponseTemplate::new(400).set_body_json(json!({"error": "invalid_grant"})),
        }
    }
}

/// A login of which the browser was sent to the provider.
struct Begun {
    state: String,
    nonce: String,
    challenge: String,
    cookie: String,
}

struct SignOnFixture {
    board: BoardFixture,
    server: MockServer,
    provider: Provider,
    signer: Signer,
    comers: AtomicU32,
}

impl SignOnFixture {
    async fn start(signer: Signer) -> Self {
        let server = MockServer::start().await;
        let provider = Provider::default();
        provider.0.lock().unwrap().keys = vec![
            json!({"kty": "a kind of the future", "kid": "new"}),
            signer.published("one"),
        ];
        let uri = server.uri();
        let discovery = json!({
            "issuer": uri,
            "authorization_endpoint": format!("{uri}/authorize?tenant=7"),
            "token_endpoint": format!("{uri}/token"),
            "jwks_uri": format!("{uri}/keys"),
        });
        let found = ResponseTemplate::new(200).set_body_json(discovery);
        let discoveries = Mock::given(path("/.well-known/openid-configuration"));
        discoveries.respond_with(found).mount(&server).await;
        let keys = Mock::given(path("/keys")).respond_with(Keys(provider.clone()));
        keys.mount(&server).await;
        let tokens = Mock::given(method("POST")).and(path("/token"));
        tokens
            .respond_with(Tokens(provider.clone()))
            .mount(&server)
            .await;
        let keys = json!([{"name": "floor", "key": KEY, "scopes": ["board"]}]);
        let base = TestFixture::builder()
            .secret("api_keys", keys.to_string())
            .secret("board_oidc_client_secret", CLIENT_SECRET)
            .settings(&settings(&uri))
            .start()
            .await;
        let deps = deps_of(&base.backends(), &base.env);
        Self {
            board: BoardFixture { base, deps },
            server,
            provider,
            signer,
            comers: AtomicU32::new(0),
        }
    }

    async fn begin(&self) -> Begun {
        let response = self
            .board
            .get("/board/sign-on?next=https://evil.example", "")
            .await;
        assert_eq!(response.status(), 303, "{}", response.body());
        let to = Url::parse(response.headers()["location"].to_str().unwrap()).unwrap();
        let asked: HashMap<String, String> = to.query_pairs().into_owned().collect();
        assert!(
            to.as_str()
                .starts_with(&format!("{}/authorize?", self.server.uri()))
        );
        assert_eq!(asked["tenant"], "7");
        assert_eq!(
            (asked["response_type"].as_str(), asked["client_id"].as_str()),
            ("code", CLIENT)
        );
        assert_eq!(
            (asked["redirect_uri"].as_str(), asked["scope"].as_str()),
            (REDIRECT, "openid profile email")
        );
        assert_eq!(asked["code_challenge_method"], "S256");
        assert!(!to.as_str().contains("evil"));
        let cookie = response.headers()["set-cookie"].to_str().unwrap();
        assert!(
            cookie.ends_with("; Path=/; Max-Age=600; HttpOnly; SameSite=Lax"),
            "{cookie}"
        );
        Begun {
            state: asked["state"].clone(),
            nonce: asked["nonce"].clone(),
            challenge: asked["code_challenge"].clone(),
            cookie: cookie.split(';').next().unwrap().to_owned(),
        }
    }

    fn claims(&self, begun: &Begun) -> Value {
        let now = Timestamp::now().as_second();
        json!({
            "iss": self.server.uri(), "aud": CLIENT, "sub": "s-1", "exp": now + 300, "iat": now, "nonce": begun.nonce,
            "name": "Ada Lovelace", "groups": ["floor"], "email": "ada@example.com",
        })
    }

    fn head(&self) -> Value {
        json!({"alg": self.signer.algorithm(), "kid": "one", "typ": "JWT"})
    }

    /// Comes back from the provider, which has a token for the code. Each comes from another address.
    async fn come_back(&self, begun: &Begun, token: String) -> Response {
        let granted = (begun.challenge.clone(), token);
        {
            let mut known = self.provider.0.lock().unwrap();
            known.codes.insert("code-1".to_owned(), granted);
        }
        let place = format!(
            "/board/sign-on-return?code=code-1&state={}&next=https://evil.example",
            begun.state
        );
        self.visit(&place, &begun.cookie).await
    }

    async fn visit(&self, place: &str, cookie: &str) -> Response {
        let address = format!("203.0.113.{}", self.comers.fetch_add(1, Ordering::Relaxed));
        let headers = [
            ("cookie", cookie),
            ("x-forwarded-for", address.as_str()),
            ("sec-fetch-site", "cross-site"),
        ];
        self.board
            .send(request("GET", place, &headers, &Value::Null))
            .await
    }
}

fn settings(issuer: &str) -> [(&str, &str); 5] {
    [
        ("BOARD_OIDC_ISSUER", issuer),
        ("BOARD_OIDC_CLIENT_ID", CLIENT),
        ("BOARD_OIDC_REDIRECT_URL", REDIRECT),
        ("BOARD_OIDC_GROUPS", "leads, floor"),
        ("BOARD_REFRESH_MS", "200"),
    ]
}

/// Returns the session that a reply opens, if it opens one.
fn session_of(response: &Response) -> Option<String> {
    let cookies = response.headers().get_all("set-cookie").iter();
    let mut cookies = cookies.map(|cookie| cookie.to_str().unwrap());
    let session = cookies.find(|cookie| cookie.starts_with("board="))?;
    assert!(
        session.ends_with("; HttpOnly; SameSite=Strict"),
        "{session}"
    );
    Some(session.split(';').next().unwrap().to_owned())
}

#[track_caller]
fn assert_refused(response: &Response, word: &str, what: &str) {
    assert_eq!(response.status(), 303, "{what}: {}", response.body());
    let location = response.headers()["location"].to_str().unwrap();
    assert_eq!(location, format!("/board?login={word}"), "{what}");
    assert_eq!(session_of(response), None, "{what}");
}

#[tokio::test]
async fn whom_the_provider_proves_and_the_settings_allow_sees_the_board_by_the_name_of_the_claim() {
    for signer in [Signer::elliptic(), Signer::rsa()] {
        let fixture = SignOnFixture::start(signer).await;
        let ways = json_of(&fixture.board.get("/board/ways", "").await);
        assert_eq!(ways, json!({"key": true, "sign_on": true}));
        let begun = fixture.begin().await;
        let token = fixture
            .signer
            .token(&fixture.head(), &fixture.claims(&begun));
        let response = fixture.come_back(&begun, token).await;
        assert_eq!(response.status(), 303, "{}", response.body());
        assert_eq!(response.headers()["location"], "/board", "and nowhere else");
        let cookie = session_of(&response).unwrap();
        let session = json_of(&fixture.board.get("/board/session", &cookie).await);
        assert_eq!(session["viewer"], "Ada Lovelace");
        fixture.board.write_row("call-1", Some(7)).await;
        let taken =
            json!({"action": "acknowledge", "alert": {"rule": "customer-average", "at": 7}});
        let response = fixture
            .board
            .post("/board/alerts/call-1", &cookie, &taken)
            .await;
        assert_eq!(json_of(&response)["row"]["alert"]["by"], "Ada Lovelace");
        let marks =
            backends::board::read_marks(&fixture.board.deps.state, "call-1", Timestamp::now());
        assert_eq!(marks.await.unwrap()[0].key, "single sign-on");
        fixture
            .board
            .post("/board/logout", &cookie, &json!({}))
            .await;
        assert_eq!(
            fixture.board.get("/board/session", &cookie).await.status(),
            401
        );
    }
}

#[tokio::test]
async fn a_token_that_proves_nothing_opens_no_session() {
    let fixture = SignOnFixture::start(Signer::elliptic()).await;
    let now = Timestamp::now().as_second();
    let changes: [(&str, Value); 11] = [
        ("another audience", json!({"aud": "another client"})),
        ("another issuer", json!({"iss": "https://evil.example"})),
        ("expired", json!({"exp": now - 3600})),
        ("not valid yet", json!({"nbf": now + 3600})),
        ("no end", json!({"exp": null})),
        ("an end that is no number", json!({"exp": "never"})),
        ("the nonce of another login", json!({"nonce": "another"})),
        ("no nonce", json!({"nonce": null})),
        ("issued for another party", json!({"azp": "another client"})),
        (
            "several audiences and no party",
            json!({"aud": [CLIENT, "another client"]}),
        ),
        ("no subject", json!({"sub": null})),
    ];
    for (what, change) in changes {
        let begun = fixture.begin().await;
        let mut claims = fixture.claims(&begun);
        for (name, value) in change.as_object().unwrap() {
            if value.is_null() {
                claims.as_object_mut().unwrap().remove(name);
            } else {
                claims[name] = value.clone();
            }
        }
        let token = fixture.signer.token(&fixture.head(), &claims);
        assert_refused(&fixture.come_back(&begun, token).await, "refused", what);
    }
    let (other, rsa) = (Signer::elliptic(), Signer::rsa());
    let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
    type Forge<'f> = Box<dyn Fn(&Value) -> String + 'f>;
    let forgeries: [(&str, Forge<'_>); 6] = [
        (
            "the signature of another key",
            Box::new(|claims| other.token(&fixture.head(), claims)),
        ),
        (
            "another algorithm than the key's",
            Box::new(|claims| rsa.token(&json!({"alg": "RS256", "kid": "one"}), claims)),
        ),
        (
            "an algorithm with a shared secret",
            Box::new(|claims| {
                fixture
                    .signer
                    .token(&json!({"alg": "HS256", "kid": "one"}), claims)
            }),
        ),
        (
            "no signature",
            Box::new(|claims| format!("{}.{}.", part(&json!({"alg": "none"})), part(claims))),
        ),
        (
            "an unknown key",
            Box::new(|claims| {
                fixture
                    .signer
                    .token(&json!({"alg": "ES256", "kid": "two"}), claims)
            }),
        ),
        ("no token", Box::new(|_| "x".repeat(100_000))),
    ];
    for (what, forge) in forgeries {
        let begun = fixture.begin().await;
        let token = forge(&fixture.claims(&begun));
        assert_refused(&fixture.come_back(&begun, token).await, "refused", what);
    }
}

#[tokio::test]
async fn a_return_counts_once_in_the_browser_that_began_and_not_for_long() {
    let fixture = SignOnFixture::start(Signer::elliptic()).await;
    let begun = fixture.begin().await;
    let token = |begun: &Begun| {
        fixture
            .signer
            .token(&fixture.head(), &fixture.claims(begun))
    };
    let elsewhere = Begun {
        cookie: String::new(),
        ..fixture.begin().await
    };
    assert_refused(
        &fixture.come_back(&elsewhere, token(&elsewhere)).await,
        "expired",
        "another browser",
    );
    let swapped = Begun {
        cookie: begun.cookie.clone(),
        ..fixture.begin().await
    };
    assert_refused(
        &fixture.come_back(&swapped, token(&swapped)).await,
        "expired",
        "another login of the browser",
    );
    let first = fixture.come_back(&begun, token(&begun)).await;
    assert!(session_of(&first).is_some(), "{first:?}");
    let again = fixture.come_back(&begun, token(&begun)).await;
    assert_refused(&again, "expired", "a state that was used");
    let late = fixture.begin().await;
    let (begun_at, rest) = late.state.split_once('-').unwrap();
    let begun_at = begun_at.parse::<i64>().unwrap() - 700;
    let state = format!("{begun_at}-{rest}");
    let cookie = late.cookie.replace(&late.state, &state);
    let late = Begun {
        state,
        cookie,
        ..late
    };
    assert_refused(
        &fixture.come_back(&late, token(&late)).await,
        "expired",
        "a login of long ago",
    );
    for (place, word) in [
        ("/board/sign-on-return", "expired"),
        ("/board/sign-on-return?code=code-1&state=", "expired"),
        ("/board/sign-on-return?error=access_denied", "expired"),
    ] {
        assert_refused(&fixture.visit(place, "board-login=..").await, word, place);
    }
    let begun = fixture.begin().await;
    for (more, what) in [
        (
            "error=access_denied&error_description=%3Cscript%3E",
            "the person said no",
        ),
        ("code=unknown", "a code that the provider does not know"),
        (
            "code=code-1&iss=https://evil.example",
            "the return of another provider",
        ),
    ] {
        let begun = if more.contains("unknown") {
            fixture.begin().await
        } else {
            Begun {
                state: begun.state.clone(),
                nonce: String::new(),
                challenge: String::new(),
                cookie: begun.cookie.clone(),
            }
        };
        let place = format!("/board/sign-on-return?{more}&state={}", begun.state);
        assert_refused(&fixture.visit(&place, &begun.cookie).await, "refused", what);
    }
}

#[tokio::test]
async fn keys_are_kept_and_read_again_for_one_that_is_not_known_but_not_for_each() {
    let mut fixture = SignOnFixture::start(Signer::elliptic()).await;
    let reads = |fixture: &SignOnFixture| fixture.provider.0.lock().unwrap().key_reads;
    for _ in 0..2 {
        let begun = fixture.begin().await;
        let token = fixture
            .signer
            .token(&fixture.head(), &fixture.claims(&begun));
        assert!(session_of(&fixture.come_back(&begun, token).await).is_some());
    }
    assert_eq!(reads(&fixture), 1);
    fixture.signer = Signer::elliptic();
    let renewed = fixture.signer.published("renewed");
    fixture.provider.0.lock().unwrap().keys = vec![renewed];
    let begun = fixture.begin().await;
    let head = json!({"alg": "ES256", "kid": "renewed"});
    let token = fixture.signer.token(&head, &fixture.claims(&begun));
    assert!(session_of(&fixture.come_back(&begun, token).await).is_some());
    assert_eq!(reads(&fixture), 2);
    for _ in 0..3 {
        let begun = fixture.begin().await;
        let head = json!({"alg": "ES256", "kid": "unknown"});
        let token = fixture.signer.token(&head, &fixture.claims(&begun));
        assert_refused(
            &fixture.come_back(&begun, token).await,
            "refused",
            "an unknown key",
        );
    }
    assert!(reads(&fixture) <= 3, "unknown keys cost few reads");
}

#[tokio::test]
async fn a_person_of_no_allowed_group_is_refused_and_a_session_ends_with_the_secret_or_the_sign_on()
{
    let fixture = SignOnFixture::start(Signer::elliptic()).await;
    let begun = fixture.begin().await;
    let mut claims = fixture.claims(&begun);
    claims["groups"] = json!(["guests"]);
    let token = fixture.signer.token(&fixture.head(), &claims);
    assert_refused(
        &fixture.come_back(&begun, token).await,
        "not-allowed",
        "a guest",
    );
    let begun = fixture.begin().await;
    let token = fixture
        .signer
        .token(&fixture.head(), &fixture.claims(&begun));
    let cookie = session_of(&fixture.come_back(&begun, token).await).unwrap();
    assert_eq!(
        fixture.board.get("/board/session", &cookie).await.status(),
        200
    );
    let uri = fixture.server.uri();
    for (secret, settings) in [
        ("another secret", &settings(&uri)[..]),
        (CLIENT_SECRET, &[]),
    ] {
        let base = TestFixture::builder()
            .secret("board_oidc_client_secret", secret)
            .settings(settings)
            .start()
            .await;
        let deps = deps_of(&base.backends(), &base.env);
        let headers = [("cookie", cookie.as_str())];
        let asked = request("GET", "/board/session", &headers, &Value::Null);
        assert_eq!(handle(&deps, asked).await.unwrap().status(), 401);
    }
}

#[tokio::test]
async fn without_a_provider_there_is_no_sign_on_and_half_a_configuration_is_refused() {
    let fixture = fixture(Vec::new()).await;
    let ways = json_of(&fixture.get("/board/ways", "").await);
    assert_eq!(ways["sign_on"], false);
    for path in ["/board/sign-on", "/board/sign-on-return?code=a&state=b"] {
        assert_eq!(fixture.get(path, "").await.status(), 404, "{path}");
    }
    let whole = settings("https://login.example");
    let open = |settings: &[(&str, &str)]| {
        let mut env = fixture.base.env.clone();
        for (name, value) in settings {
            env = env.with(name, *value);
        }
        let config = Config::from_env(&env).map_err(anyhow::Error::from)?;
        Deps::new(&fixture.base.backends(), config).map(|_| ())
    };
    open(&whole).unwrap();
    for left_out in [
        "BOARD_OIDC_CLIENT_ID",
        "BOARD_OIDC_REDIRECT_URL",
        "BOARD_OIDC_GROUPS",
    ] {
        let rest: Vec<_> = whole
            .iter()
            .copied()
            .filter(|(name, _)| *name != left_out)
            .collect();
        let error = open(&rest).unwrap_err().to_string();
        assert!(error.contains(left_out), "{error}");
    }
    let mut plain = settings("http://login.example").to_vec();
    assert!(open(&plain).is_err(), "an issuer without TLS");
    plain[0].1 = "https://login.example";
    plain.push(("BOARD_OIDC_DOMAINS", "not a domain"));
    assert!(open(&plain).is_err());
}

#[tokio::test]
async fn a_provider_that_does_not_answer_or_names_another_issuer_is_said_to_be_unavailable() {
    let server = MockServer::start().await;
    let uri = server.uri();
    let base = TestFixture::builder()
        .secret("board_oidc_client_secret", CLIENT_SECRET)
        .settings(&settings(&uri))
        .start()
        .await;
    let deps = deps_of(&base.backends(), &base.env);
    let board = BoardFixture { base, deps };
    assert_refused(
        &board.get("/board/sign-on", "").await,
        "unavailable",
        "no discovery",
    );
    let discovery = json!({
        "issuer": "https://evil.example", "authorization_endpoint": format!("{uri}/a"), "token_endpoint": format!("{uri}/t"), "jwks_uri": format!("{uri}/k"),
    });
    let found = ResponseTemplate::new(200).set_body_json(discovery);
    Mock::given(method("GET"))
        .respond_with(found)
        .mount(&server)
        .await;
    assert_refused(
        &board.get("/board/sign-on", "").await,
        "unavailable",
        "another issuer",
    );
}
