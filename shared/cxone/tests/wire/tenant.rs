//! Access to a tenant: the token by an access key, the hosts by discovery, and what each refusal tells an operator.

use std::sync::Arc;
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use cxone::Error;
use cxone::endpoints::{ClientAuthentication, Grant};
use cxone::oauth::{AccessKey, ClientCredentials, TokenSource};
use cxone::tenant::doctor::{Finding, Verdict, examine};
use cxone::tenant::segments::{SegmentDate, read_segments};
use cxone::tenant::{Call, HostPaces, TenantClient, TenantOptions};
use insights_http::Deadline;
use insights_http::client::{IdleConnections, build_client};
use insights_http::rate_limit::RateLimiter;
use insights_http::secret::FixedSecret;
use jiff::Timestamp;
use serde_json::{Value, json};
use url::Url;
use wiremock::matchers::{
    body_json, body_string_contains, header, method, path, path_regex, query_param,
};
use wiremock::{Mock, MockServer, ResponseTemplate};

use crate::support::{quick_limits, soon};

const SECRET: &str = "SECRETCANARY====";
const TENANT: &str = "11eb0000-0000-0000-0000-0242ac110002";

pub(crate) fn password(authentication: ClientAuthentication) -> Grant {
    Grant::Password(authentication)
}

fn jwt(claims: &Value) -> String {
    format!("e30.{}.c2ln", URL_SAFE_NO_PAD.encode(claims.to_string()))
}

fn token_answer() -> Value {
    json!({"access_token": jwt(&json!({"tenantId": TENANT, "icBUId": 4_600_001, "sub": "user:42"})),
        "token_type": "Bearer", "expires_in": "3600", "refresh_token": "r", "id_token": "i"})
}

pub(crate) async fn answer(server: &MockServer, verb: &str, at: &str, status: u16, body: Value) {
    let answer = ResponseTemplate::new(status).set_body_json(body);
    Mock::given(method(verb))
        .and(path(at))
        .respond_with(answer)
        .mount(server)
        .await;
}

/// An issuer that gives a token and names `api` as the host of the API.
pub(crate) async fn issuer(api: &MockServer) -> MockServer {
    let issuer = MockServer::start().await;
    answer(&issuer, "POST", "/auth/token", 200, token_answer()).await;
    discovery(&issuer, &api.uri()).await;
    issuer
}

async fn discovery(issuer: &MockServer, api: &str) {
    let body = json!({"private": false, "area": "na1", "cluster": "B32", "domain": "niceincontact.com",
        "api_endpoint": api, "auth_endpoint": issuer.uri(), "tenantId": TENANT});
    Mock::given(method("GET"))
        .and(path("/.well-known/cxone-configuration"))
        .and(query_param("tenantId", TENANT))
        .respond_with(ResponseTemplate::new(200).set_body_json(body))
        .mount(issuer)
        .await;
}

pub(crate) fn client(issuer: &MockServer, grant: Grant) -> TenantClient {
    client_with(TenantOptions::new(
        Url::parse(&issuer.uri()).unwrap(),
        grant,
    ))
}

fn client_with(options: TenantOptions) -> TenantClient {
    let access_key = AccessKey {
        id: "KEYID7777777====".to_owned(),
        secret: SECRET.into(),
    };
    let credentials = match options.grant {
        Grant::AccessKey => ClientCredentials::of_access_key(access_key),
        _ => ClientCredentials {
            client_id: "insights-application".to_owned(),
            client_secret: "CLIENTCANARY".into(),
            access_key: Some(access_key),
        },
    };
    let http = build_client(IdleConnections::Close).unwrap();
    let site = TenantClient::token_site(&options).unwrap();
    let tokens = TokenSource::new(
        http.clone(),
        site.clone(),
        Arc::new(FixedSecret(credentials)),
        quick_limits(),
    );
    let pace = || Arc::new(RateLimiter::new(1000, 1000));
    let paces = HostPaces {
        analytics: pace(),
        contacts: pace(),
        digital: pace(),
    };
    TenantClient::new(http, options, site, Arc::new(tokens), paces, quick_limits())
}

async fn error_of(client: &TenantClient, call: Call) -> Error {
    let id: &[&str] = if call == Call::Contact { &["5"] } else { &[] };
    client
        .read(call, id, &[], soon())
        .await
        .expect_err("a refusal")
}

/// Checks that a refusal is one sentence, says what to do, and gives no secret away.
fn assert_tells(error: &Error, wanted: &[&str]) {
    let message = insights_http::WithCauses(error).to_string();
    for part in wanted {
        assert!(message.contains(part), "{message}");
    }
    for canary in ["CANARY", "KEYID7777777====", "eyJ"] {
        assert!(
            !message.contains(canary) && !format!("{error:?}").contains(canary),
            "{message}"
        );
    }
}

#[tokio::test]
async fn the_access_key_is_encoded_and_the_application_proves_itself_as_registered() {
    for (authentication, proof) in [
        (ClientAuthentication::Basic, None),
        (
            ClientAuthentication::Post,
            Some("client_secret=CLIENTCANARY"),
        ),
    ] {
        let (api, issuer) = (MockServer::start().await, MockServer::start().await);
        let mut mock = Mock::given(method("POST"))
            .and(path("/auth/token"))
            .and(header("accept", "application/json"))
            .and(body_string_contains("grant_type=password"))
            .and(body_string_contains("username=KEYID7777777%3D%3D%3D%3D"))
            .and(body_string_contains("password=SECRETCANARY%3D%3D%3D%3D"));
        mock = match proof {
            Some(proof) => mock.and(body_string_contains(proof)),
            None => mock.and(header(
                "authorization",
                "Basic aW5zaWdodHMtYXBwbGljYXRpb246Q0xJRU5UQ0FOQVJZ",
            )),
        };
        let wrapped = json!([token_answer()]);
        mock.respond_with(ResponseTemplate::new(200).set_body_json(wrapped))
            .mount(&issuer)
            .await;
        discovery(&issuer, &api.uri()).await;
        Mock::given(method("GET"))
            .and(path("/incontactapi/services/v31.0/contacts/active"))
            .and(header("accept", "application/json"))
            .respond_with(ResponseTemplate::new(204))
            .expect(1)
            .mount(&api)
            .await;
        let client = client(&issuer, password(authentication));
        let answer = client
            .read(Call::ActiveContacts, &[], &[], soon())
            .await
            .unwrap();
        assert!(answer.body.is_empty());
    }
}

#[tokio::test]
async fn an_access_key_alone_asks_in_json() {
    let (api, issuer) = (MockServer::start().await, MockServer::start().await);
    Mock::given(method("POST"))
        .and(path("/authentication/v1/token/access-key"))
        .and(body_json(
            json!({"accessKeyId": "KEYID7777777====", "accessKeySecret": SECRET}),
        ))
        .respond_with(ResponseTemplate::new(200).set_body_json(token_answer()))
        .mount(&issuer)
        .await;
    discovery(&issuer, &api.uri()).await;
    let client = client(&issuer, Grant::AccessKey);
    let hosts = client.hosts(soon()).await.unwrap();
    assert_eq!(hosts.tenant_id.as_deref(), Some(TENANT));
    assert_eq!(hosts.api.as_str().trim_end_matches('/'), api.uri());
}

#[tokio::test]
async fn a_refused_key_and_a_refused_application_are_told_apart() {
    for (status, body, wanted) in [
        (
            401,
            json!({"error": "invalid_client", "errorDescription": "x"}),
            &["refused the application", "CXONE_CLIENT_AUTH"][..],
        ),
        (
            401,
            json!({"error": "invalid_grant", "errorDescription": "Bad user"}),
            &["refused the access key", "create an access key"],
        ),
        (
            400,
            json!({"error": "invalid_grant", "error_description": "The access key has expired"}),
            &["it has expired", "create an access key"],
        ),
        (401, json!({}), &["refused the access key"]),
    ] {
        let issuer = MockServer::start().await;
        answer(&issuer, "POST", "/auth/token", status, body).await;
        let error = error_of(
            &client(&issuer, password(ClientAuthentication::Basic)),
            Call::ActiveContacts,
        )
        .await;
        assert!(error.is_access_refused() && !error.is_retryable());
        assert_tells(&error, wanted);
    }
    let issuer = MockServer::start().await;
    answer(
        &issuer,
        "POST",
        "/authentication/v1/token/access-key",
        403,
        json!({"message": "locked"}),
    )
    .await;
    let error = error_of(&client(&issuer, Grant::AccessKey), Call::ActiveContacts).await;
    assert_tells(&error, &["refused the access key"]);
}

#[tokio::test]
async fn a_missing_permission_and_a_missing_license_are_told_apart() {
    for (status, body, call, wanted) in [
        (
            403,
            json!({"message": "Forbidden"}),
            Call::ActiveContacts,
            &["permission ACD: View", "have NICE grant"][..],
        ),
        (
            403,
            json!({}),
            Call::Segments,
            &["Analytics Access: View", "Interaction Analytics"],
        ),
        (
            403,
            json!({"message": "Tenant is not licensed"}),
            Call::Segments,
            &["no license for Interaction Analytics"],
        ),
        (
            402,
            json!({}),
            Call::DigitalContacts,
            &["no license for Digital Experience"],
        ),
    ] {
        let api = MockServer::start().await;
        let refusal = ResponseTemplate::new(status).set_body_json(body);
        Mock::given(path_regex(".*"))
            .respond_with(refusal)
            .mount(&api)
            .await;
        let issuer = issuer(&api).await;
        let error = error_of(
            &client(&issuer, password(ClientAuthentication::Basic)),
            call,
        )
        .await;
        assert!(error.is_access_refused());
        assert_tells(&error, wanted);
    }
}

#[tokio::test]
async fn a_list_of_segments_that_is_not_there_means_no_license() {
    let api = MockServer::start().await;
    let issuer = issuer(&api).await;
    let client = client(&issuer, password(ClientAuthentication::Basic));
    let read = read_segments(
        &client,
        SegmentDate::Start,
        Timestamp::UNIX_EPOCH,
        100,
        soon(),
    )
    .await;
    assert_tells(
        &read.expect_err("a 404"),
        &["no license for Interaction Analytics"],
    );
}

#[tokio::test]
async fn an_error_is_explained_by_the_header_of_the_older_parts() {
    let api = MockServer::start().await;
    let refusal = ResponseTemplate::new(400)
        .insert_header("icStatusDescription", "startDate 480000000001 is invalid");
    Mock::given(path_regex(".*"))
        .respond_with(refusal)
        .mount(&api)
        .await;
    let issuer = issuer(&api).await;
    let error = error_of(
        &client(&issuer, password(ClientAuthentication::Basic)),
        Call::Contact,
    )
    .await;
    assert_eq!(
        error.to_string(),
        "{acd}/contacts/{id} returned 400: startDate … is invalid"
    );
    assert!(error.is_request_refused() && !error.is_access_refused());
}

#[tokio::test]
async fn a_token_that_dies_early_is_renewed_once() {
    let api = MockServer::start().await;
    Mock::given(path_regex(".*"))
        .respond_with(ResponseTemplate::new(401))
        .up_to_n_times(1)
        .mount(&api)
        .await;
    Mock::given(path_regex(".*"))
        .respond_with(ResponseTemplate::new(200).set_body_json(json!({"activeContacts": []})))
        .mount(&api)
        .await;
    let issuer = issuer(&api).await;
    let client = client(&issuer, password(ClientAuthentication::Basic));
    client
        .read(Call::ActiveContacts, &[], &[], soon())
        .await
        .unwrap();
    let tokens = issuer.received_requests().await.unwrap();
    assert_eq!(
        tokens
            .iter()
            .filter(|request| request.url.path() == "/auth/token")
            .count(),
        2
    );
}

#[tokio::test]
async fn the_token_never_goes_to_a_host_that_the_discovery_made_up() {
    let foreign = MockServer::start().await;
    let issuer = MockServer::start().await;
    answer(&issuer, "POST", "/auth/token", 200, token_answer()).await;
    let there = foreign.uri().replace("127.0.0.1", "evil.test");
    discovery(&issuer, &there).await;
    let error = error_of(
        &client(&issuer, password(ClientAuthentication::Basic)),
        Call::ActiveContacts,
    )
    .await;
    assert!(matches!(error, Error::ForeignHost { .. }), "{error:?}");
    assert_tells(&error, &["`evil.test`", "CXONE_TRUSTED_DOMAINS"]);
    assert!(foreign.received_requests().await.unwrap().is_empty());
    let asked = issuer.received_requests().await.unwrap();
    let discovery = asked
        .iter()
        .find(|request| request.url.path().starts_with("/.well-known"));
    assert!(!discovery.unwrap().headers.contains_key("authorization"));
}

#[tokio::test]
async fn a_discovery_that_is_away_says_what_to_do_and_may_be_tried_again() {
    let issuer = MockServer::start().await;
    answer(&issuer, "POST", "/auth/token", 200, token_answer()).await;
    answer(
        &issuer,
        "GET",
        "/.well-known/cxone-configuration",
        503,
        json!({}),
    )
    .await;
    let client = client(&issuer, password(ClientAuthentication::Basic));
    let error = client
        .hosts(Deadline::within(Duration::from_secs(3)))
        .await
        .expect_err("no hosts");
    assert!(
        error.is_retryable() && !error.is_access_refused(),
        "{error:?}"
    );
    assert_tells(
        &error,
        &["the hosts of the tenant are not known", "CXONE_BASE_URL"],
    );
}

#[tokio::test]
async fn the_doctor_tells_each_part_from_the_others_without_a_secret_or_a_name() {
    let api = MockServer::start().await;
    let contact =
        json!({"contactId": 480_000_000_001_i64, "firstName": "NAMECANARY", "mediaTypeId": 4});
    for (at, body) in [
        (
            "/incontactapi/services/v31.0/apiversion",
            json!({"versions": ["v30.0", "v31.0"]}),
        ),
        (
            "/incontactapi/services/v31.0/contacts/active",
            json!({"activeContacts": [contact]}),
        ),
        (
            "/incontactapi/services/v31.0/contacts/completed",
            json!({"completedContacts": []}),
        ),
        (
            "/incontactapi/services/v31.0/dispositions",
            json!({"dispositions": [{"dispositionId": 1, "dispositionName": "NAMECANARY"}]}),
        ),
    ] {
        answer(&api, "GET", at, 200, body).await;
    }
    answer(
        &api,
        "GET",
        "/incontactapi/services/v31.0/agents/states",
        403,
        json!({}),
    )
    .await;
    answer(
        &api,
        "GET",
        "/dfo/3.0/contacts",
        403,
        json!({"errors": [{"message": "license required"}]}),
    )
    .await;
    let segments = json!({"interactions": [{"segmentId": "s-1", "acdContactId": 1, "startTime": Timestamp::now().to_string(),
        "endTime": Timestamp::now().to_string(), "agentName": "NAMECANARY",
        "channels": [{"name": "CLIENT", "sentiment": {"value": "NEGATIVE"}}]}]});
    answer(
        &api,
        "GET",
        "/interaction-analytics-gateway/v2/segments/analyzed",
        200,
        segments,
    )
    .await;
    let text = json!({"transcriptBlocks": [{"channelName": "CLIENT", "text": "TEXTCANARY"}]});
    answer(
        &api,
        "GET",
        "/interaction-analytics-gateway/v2/segments/s-1/analyzed-transcript",
        200,
        text,
    )
    .await;
    let issuer = issuer(&api).await;
    let mut findings: Vec<Finding> = Vec::new();
    examine(
        &client(&issuer, password(ClientAuthentication::Basic)),
        |finding| findings.push(finding),
    )
    .await;
    let verdict = |check: &str| {
        findings
            .iter()
            .find(|it| it.check == check)
            .map(|it| it.verdict)
    };
    for (check, expected) in [
        ("token", Verdict::Ok),
        ("hosts", Verdict::Ok),
        ("contact API", Verdict::Ok),
        ("contacts going on", Verdict::Ok),
        ("states of agents", Verdict::MissingPermission),
        ("analyzed segments", Verdict::Ok),
        ("text of a segment", Verdict::Ok),
        ("digital contacts", Verdict::NotLicensed),
        ("live words of calls", Verdict::Unknown),
    ] {
        assert_eq!(verdict(check), Some(expected), "{check}: {findings:#?}");
    }
    let output: Vec<String> = findings.iter().map(ToString::to_string).collect();
    let output = output.join("\n");
    for canary in ["CANARY", TENANT, "480000000001", "KEYID7777777===="] {
        assert!(!output.contains(canary), "{output}");
    }
    assert!(
        findings
            .iter()
            .all(|finding| !finding.to_string().contains('\n'))
    );
}

#[tokio::test]
async fn the_doctor_ends_with_the_token_where_there_is_none() {
    let issuer = MockServer::start().await;
    answer(
        &issuer,
        "POST",
        "/auth/token",
        401,
        json!({"error": "invalid_grant"}),
    )
    .await;
    let mut findings: Vec<Finding> = Vec::new();
    examine(
        &client(&issuer, password(ClientAuthentication::Basic)),
        |finding| findings.push(finding),
    )
    .await;
    assert_eq!(findings[0].check, "token");
    assert!(findings[0].is_needed && findings[0].verdict == Verdict::Unknown);
    assert!(findings[0].to_string().contains("refused the access key"));
}
