//! Discovery, tokens and permissions.

use std::collections::BTreeSet;

use cxone_simulator::demo_secrets as demo;
use cxone_simulator::tenant::settings::{ClientAuth, License, Permission};
use cxone_simulator::tenant::{Quirk, Quirks};
use serde_json::{Value, json};

use crate::support::{Tenant, tenant, tenant_with};

/// The form of a password grant, with the keys as they are to be encoded.
fn password_form(id: &str, secret: &str) -> String {
    format!("grant_type=password&username={id}&password={secret}")
}

fn encoded(text: &str) -> String {
    text.replace('=', "%3D")
}

fn good_form() -> String {
    password_form(
        &encoded(demo::ACCESS_KEY_ID),
        &encoded(demo::ACCESS_KEY_SECRET),
    )
}

async fn token(tenant: &Tenant, form: String, basic: bool) -> (u16, Value) {
    let request = tenant
        .client
        .post(format!("{}/auth/token", tenant.handle.hosts().issuer))
        .header("content-type", "application/x-www-form-urlencoded")
        .body(form);
    let request = if basic {
        request.basic_auth(demo::CLIENT_ID, Some(demo::CLIENT_SECRET))
    } else {
        request
    };
    let answer = request.send().await.unwrap();
    (answer.status().as_u16(), answer.json().await.unwrap())
}

/// Returns the claims of a token.
fn claims(token: &str) -> Value {
    use base64::Engine as _;
    let middle = token.split('.').nth(1).unwrap();
    let bytes = base64::engine::general_purpose::URL_SAFE_NO_PAD
        .decode(middle)
        .unwrap();
    serde_json::from_slice(&bytes).unwrap()
}

#[tokio::test]
async fn the_password_grant_takes_the_client_in_the_registered_place_alone() {
    let tenant = tenant(Quirks::none()).await;
    let (status, answer) = token(&tenant, good_form(), true).await;
    assert_eq!(
        (status, &answer["expires_in"]),
        (200, &json!(3600)),
        "{answer}"
    );
    let access = claims(answer["access_token"].as_str().unwrap());
    assert_eq!(
        (&access["area"], &access["icClusterId"], &access["icBUId"]),
        (&json!("na1"), &json!("C52"), &json!(4_600_001))
    );
    let id = claims(answer["id_token"].as_str().unwrap());
    assert_eq!(id["icAgentId"], "690099");
    let posted = format!(
        "{}&client_id={}&client_secret={}",
        good_form(),
        demo::CLIENT_ID,
        demo::CLIENT_SECRET
    );
    let (status, answer) = token(&tenant, posted.clone(), false).await;
    assert_eq!((status, &answer["error"]), (401, &json!("invalid_client")));
    tenant
        .handle
        .world()
        .change(|settings| settings.client_auth = ClientAuth::Post);
    assert_eq!(token(&tenant, posted, false).await.0, 200);
    assert_eq!(token(&tenant, good_form(), true).await.0, 401);
}

#[tokio::test]
async fn keys_that_are_wrong_expired_or_not_encoded_are_refused() {
    let tenant = tenant(Quirks::none()).await;
    let raw = password_form(demo::ACCESS_KEY_ID, demo::ACCESS_KEY_SECRET);
    for form in [raw, password_form(&encoded(demo::ACCESS_KEY_ID), "wrong")] {
        let (status, answer) = token(&tenant, form, true).await;
        assert_eq!((status, &answer["error"]), (401, &json!("invalid_grant")));
        assert!(answer["errorDescription"].is_string());
    }
    let (status, answer) = token(&tenant, "grant_type=client_credentials".to_owned(), true).await;
    assert_eq!(
        (status, &answer["error"]),
        (400, &json!("unsupported_grant_type"))
    );
    tenant
        .handle
        .world()
        .change(|settings| settings.access_key_expired = true);
    let (status, answer) = token(&tenant, good_form(), true).await;
    assert_eq!(status, 401);
    assert!(
        answer["errorDescription"]
            .as_str()
            .unwrap()
            .contains("expired")
    );
}

#[tokio::test]
async fn a_refresh_token_gives_new_tokens_and_opens_no_api() {
    let mut tenant = tenant(Quirks::none()).await;
    let (_, first) = token(&tenant, good_form(), true).await;
    let refresh = first["refresh_token"].as_str().unwrap();
    let form = format!("grant_type=refresh_token&refresh_token={refresh}");
    let (status, second) = token(&tenant, form, true).await;
    assert_eq!(status, 200);
    assert_ne!(second["access_token"], first["access_token"]);
    let url = format!("{}/public/user/refresh", tenant.handle.hosts().auth);
    let (status, third) = tenant.post(&url, json!({"token": refresh})).await;
    assert_eq!(
        (status, &third["tokenExpirationTimeSec"]),
        (200, &json!(3600))
    );
    tenant.token = refresh.to_owned();
    assert_eq!(tenant.get(&tenant.acd("business-unit")).await.0, 401);
}

#[tokio::test]
async fn discovery_names_the_hosts_and_needs_a_tenant_at_the_issuer() {
    let tenant = tenant(Quirks::none()).await;
    let hosts = tenant.handle.hosts();
    let (_, issuer) = tenant
        .get(&format!(
            "{}/.well-known/openid-configuration",
            hosts.issuer
        ))
        .await;
    assert_eq!(
        issuer["token_endpoint"],
        json!(format!("{}/auth/token", hosts.issuer))
    );
    assert!(issuer.get("grant_types_supported").is_none());
    let path = "/.well-known/cxone-configuration";
    let id = &tenant.handle.world().settings().tenant_id;
    let (status, found) = tenant
        .get(&format!("{}{path}?tenantId={id}", hosts.issuer))
        .await;
    assert_eq!((status, &found["api_endpoint"]), (200, &json!(hosts.api)));
    assert_eq!(tenant.get(&format!("{}{path}", hosts.issuer)).await.0, 404);
    assert_eq!(
        tenant
            .get(&format!("{}{path}?tenantId=other", hosts.issuer))
            .await
            .0,
        404
    );
    assert_eq!(tenant.get(&format!("{}{path}", hosts.auth)).await.0, 200);
    // The hosts have paths of their own.
    assert_eq!(tenant.get(&format!("{}{path}", hosts.api)).await.0, 404);
    assert_eq!(
        tenant.get(&format!("{}/dfo/3.0/me", hosts.auth)).await.0,
        404
    );
}

#[tokio::test]
async fn without_a_token_permission_or_license_each_api_refuses_in_its_own_shape() {
    let mut tenant = tenant(Quirks::none()).await;
    let urls = [
        tenant.acd("contacts/active"),
        tenant.segments("analyzed"),
        tenant.digital("contacts"),
    ];
    let change = |permissions: &[Permission], licenses: &[License]| {
        tenant.handle.world().change(|settings| {
            settings.permissions = permissions.iter().copied().collect::<BTreeSet<_>>();
            settings.licenses = licenses.iter().copied().collect::<BTreeSet<_>>();
        });
    };
    change(&[], &[License::Analytics, License::Digital]);
    for (url, member) in urls
        .iter()
        .zip(["error_Description", "description", "errors"])
    {
        let (status, answer) = tenant.get(url).await;
        assert_eq!(status, 403);
        assert!(answer.get(member).is_some(), "{answer}");
    }
    change(
        &[Permission::Acd, Permission::Analytics, Permission::Digital],
        &[],
    );
    let mut found = Vec::new();
    for url in &urls {
        found.push(tenant.get(url).await.0);
    }
    assert!(found[0] < 300 && found[1..] == [403, 403], "{found:?}");
    tenant.token = "unknown".to_owned();
    for url in &urls {
        assert_eq!(tenant.get(url).await.0, 401);
    }
}

#[tokio::test]
async fn a_tenant_may_serve_the_digital_api_on_one_host_alone() {
    use cxone_simulator::tenant::settings::DigitalHosts;
    for (hosts, expected) in [
        (DigitalHosts::Both, [200, 200]),
        (DigitalHosts::Api, [200, 404]),
        (DigitalHosts::Digital, [404, 200]),
    ] {
        let tenant = tenant_with(Quirks::none(), |scenario| {
            scenario.tenant.digital_hosts = hosts
        })
        .await;
        let own = tenant.get(&tenant.digital("me")).await.0;
        let api = tenant
            .get(&format!("{}/dfo/3.0/me", tenant.handle.hosts().api))
            .await
            .0;
        assert_eq!([api, own], expected, "{hosts:?}");
    }
}

#[tokio::test]
async fn quirk_10_wraps_the_token_in_a_list() {
    let tenant = tenant(Quirks::none().with(Quirk::OtherShapes)).await;
    let (_, answer) = token(&tenant, good_form(), true).await;
    assert!(answer[0]["access_token"].is_string());
}

#[tokio::test]
async fn quirk_11_leaves_the_area_out_of_the_claims() {
    let tenant = tenant(Quirks::none().with(Quirk::NoAreaClaim)).await;
    assert!(claims(&tenant.token).get("area").is_none());
}

#[tokio::test]
async fn quirk_26_names_a_host_of_somebody_else() {
    let tenant = tenant(Quirks::none().with(Quirk::ForeignHost)).await;
    let url = format!(
        "{}/.well-known/cxone-configuration",
        tenant.handle.hosts().auth
    );
    let (_, found) = tenant.get(&url).await;
    assert!(
        found["api_endpoint"]
            .as_str()
            .unwrap()
            .ends_with(".example")
    );
}
