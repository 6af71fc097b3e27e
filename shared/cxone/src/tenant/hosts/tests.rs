//! Which hosts follow from settings, claims and discovery, and which contradictions end in a sentence that says what to do.

use serde_json::{Value, json};

use super::*;
use crate::endpoints::{ClientAuthentication, Grant};

fn url(text: &str) -> Url {
    Url::parse(text).expect("a URL")
}

fn options(issuer: &str) -> TenantOptions {
    TenantOptions::new(url(issuer), Grant::Password(ClientAuthentication::Basic))
}

fn claims(area: Option<&str>, cluster: Option<&str>) -> Claims {
    Claims {
        tenant_id: Some("11eb-aa".to_owned()),
        area: area.map(str::to_owned),
        cluster: cluster.map(str::to_owned),
        ..Claims::default()
    }
}

fn answer(value: Value) -> Result<Configuration, Error> {
    Ok(serde_json::from_value(value).expect("any object is a configuration"))
}

fn away() -> Result<Configuration, Error> {
    let endpoint = "the issuer".to_owned();
    let source = HttpError::invalid_response(&endpoint, "it is no JSON");
    Err(Error::NoDiscovery { endpoint, source })
}

fn derive(
    options: &TenantOptions,
    claims: &Claims,
    discovered: Result<Configuration, Error>,
) -> Result<TenantHosts, Error> {
    let configured = options.api_url.iter().collect::<Vec<_>>();
    let allow_list = AllowList::new(&options.issuer, &configured, &[]);
    TenantHosts::derive(options, &allow_list, claims, discovered)
}

const COMMERCIAL: &str = "https://cxone.niceincontact.com";
const FEDRAMP: &str = "https://cxone-gov.niceincontact.com";

#[test]
fn the_discovery_names_the_api_and_the_area_the_digital_part() {
    let discovered = answer(json!({
        "area": "eu1", "domain": "niceincontact.com", "api_endpoint": "https://api-eu1.niceincontact.com",
        "unknown": [1]
    }));
    let hosts = derive(&options(COMMERCIAL), &claims(None, None), discovered).expect("hosts");
    assert_eq!(hosts.api, url("https://api-eu1.niceincontact.com"));
    assert_eq!(hosts.digital, url("https://api-de-eu1.niceincontact.com"));
    assert_eq!(
        hosts.event_hub,
        Some(url("wss://eventhub-de-eu1.niceincontact.com"))
    );
    assert_eq!(
        hosts.notifications,
        Some(url("wss://websocket-eu1.niceincontact.com"))
    );
    assert!(!hosts.is_guess);
}

#[test]
fn fedramp_has_another_domain_for_its_digital_part() {
    let discovered =
        answer(json!({"area": "na2", "api_endpoint": "https://api-na2.niceincontact.com"}));
    let hosts = derive(&options(FEDRAMP), &claims(Some("na2"), None), discovered).expect("hosts");
    assert_eq!(hosts.digital, url("https://api-de-na2.nicecxone-gov.com"));
    assert_eq!(
        hosts.event_hub,
        Some(url("wss://eventhub-de-na2.nicecxone-gov.com"))
    );
    assert_eq!(hosts.notifications, None, "nobody knows its name");
}

#[test]
fn the_fedramp_issuer_tells_the_area_where_nothing_else_does() {
    for discovered in [
        away(),
        answer(json!({"api_endpoint": "https://api-na2.niceincontact.com"})),
    ] {
        let hosts = derive(&options(FEDRAMP), &claims(None, Some("C72")), discovered);
        let hosts = hosts.expect("hosts");
        assert_eq!(hosts.api, url("https://api-na2.niceincontact.com"));
        assert_eq!(hosts.digital, url("https://api-de-na2.nicecxone-gov.com"));
    }
}

#[test]
fn each_cloud_needs_its_issuer() {
    for (issuer, area, wanted) in [
        (
            COMMERCIAL,
            "na2",
            "set CXONE_ISSUER to https://cxone-gov.niceincontact.com",
        ),
        (
            FEDRAMP,
            "eu1",
            "set CXONE_ISSUER to https://cxone.niceincontact.com",
        ),
    ] {
        for discovered in [away(), answer(json!({"area": area}))] {
            let error = derive(&options(issuer), &claims(Some(area), None), discovered);
            let message = error.expect_err("the wrong cloud").to_string();
            assert!(message.contains(wanted), "{message}");
        }
    }
    let by_host = answer(json!({"api_endpoint": "https://api-na2.nicecxone-gov.com"}));
    assert!(derive(&options(COMMERCIAL), &claims(None, None), by_host).is_err());
}

#[test]
fn without_discovery_area_or_cluster_name_the_usual_hosts() {
    let by_area = derive(&options(COMMERCIAL), &claims(Some("au1"), None), away()).expect("hosts");
    assert_eq!(by_area.api, url("https://api-au1.niceincontact.com"));
    assert!(by_area.is_guess);
    let by_cluster =
        derive(&options(COMMERCIAL), &claims(None, Some("C52")), away()).expect("hosts");
    assert_eq!(by_cluster.api, url("https://api-c52.nice-incontact.com"));
    assert_eq!(by_cluster.digital, by_cluster.api);
    let error =
        derive(&options(COMMERCIAL), &claims(None, None), away()).expect_err("nothing known");
    assert!(
        error
            .to_string()
            .contains("name the tenant's API in CXONE_BASE_URL"),
        "{error}"
    );
    let odd = claims(Some("na1.evil.test/"), Some("a.b"));
    assert!(derive(&options(COMMERCIAL), &odd, away()).is_err());
}

#[test]
fn a_foreign_host_is_refused_wherever_it_is_named() {
    for discovered in [
        json!({"area": "na1", "api_endpoint": "https://api.evil.test"}),
        json!({"area": "na1", "domain": "evil.test", "api_endpoint": "https://api-na1.niceincontact.com"}),
        json!({"area": "na1", "api_endpoint": "http://127.0.0.1:8080"}),
    ] {
        let error = derive(
            &options(COMMERCIAL),
            &claims(None, None),
            answer(discovered.clone()),
        );
        assert!(
            matches!(error, Err(Error::ForeignHost { .. })),
            "{discovered}: {error:?}"
        );
    }
}

#[test]
fn a_simulated_issuer_never_leads_to_a_real_host() {
    let simulated = options("http://127.0.0.1:9000");
    let real = answer(json!({"api_endpoint": "https://api-na1.niceincontact.com"}));
    let error = derive(&simulated, &claims(Some("na1"), None), real);
    assert!(matches!(error, Err(Error::ForeignHost { .. })), "{error:?}");
    // A guess is not what the discovery named.
    let error = derive(&simulated, &claims(Some("na1"), None), away());
    assert!(matches!(error, Err(Error::NoDiscovery { .. })), "{error:?}");
    let local = answer(json!({"area": "na1", "api_endpoint": "http://127.0.0.1:9001"}));
    let hosts = derive(&simulated, &claims(Some("na1"), None), local).expect("hosts");
    assert_eq!(
        (hosts.digital, hosts.event_hub),
        (url("http://127.0.0.1:9001"), None)
    );
}

#[test]
fn settings_go_before_the_discovery() {
    let mut own = options(COMMERCIAL);
    own.api_url = Some(url("https://api.reseller.test"));
    own.digital = DigitalBase::Api;
    let discovered =
        answer(json!({"area": "na1", "api_endpoint": "https://api-na1.niceincontact.com"}));
    let hosts = derive(&own, &claims(None, None), discovered).expect("hosts");
    assert_eq!(hosts.api, url("https://api.reseller.test"));
    assert_eq!(hosts.digital, hosts.api);
}

#[test]
fn a_token_of_another_tenant_is_refused() {
    let mut own = options(COMMERCIAL);
    own.tenant_id = Some("11EB-AA".to_owned());
    assert!(check_tenant(&own, &claims(None, None)).is_ok());
    own.tenant_id = Some("11eb-bb".to_owned());
    let error = check_tenant(&own, &claims(None, None)).expect_err("another tenant");
    assert!(error.to_string().contains("CXONE_TENANT_ID"), "{error}");
}

#[test]
fn a_digital_base_with_the_whole_path_is_not_doubled() {
    let mut own = options("http://127.0.0.1:9000");
    for base in ["http://127.0.0.1:9/dfo/3.0", "http://127.0.0.1:9"] {
        own.digital = DigitalBase::Url(url(base));
        let local = answer(json!({"api_endpoint": "http://127.0.0.1:9001"}));
        let hosts = derive(&own, &claims(None, None), local).expect("hosts");
        let (base, below) = hosts.base(Host::Digital, 31);
        let joined = crate::endpoints::append_path(&base, &format!("{below}/contacts"));
        assert_eq!(joined.as_str(), "http://127.0.0.1:9/dfo/3.0/contacts");
    }
}
