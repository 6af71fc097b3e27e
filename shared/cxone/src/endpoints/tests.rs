//! Paths from ids of any kind, the table of token paths and scopes, and links that lead elsewhere.

use proptest::prelude::*;

use insights_http::Error as HttpError;

use super::*;

fn site(base: &str) -> Site {
    Site::new(CXONE_API, System::RealTime, base).unwrap()
}

fn live(id: &str) -> Result<Endpoint, Error> {
    site("https://cx.test/base/").endpoint(Route::LiveTranscript, &[id])
}

#[test]
fn an_id_is_one_segment_below_the_base_url() {
    let url = |id| live(id).unwrap().url().to_string();
    let path = |segment| format!("https://cx.test/base/api/v2/interactions/{segment}/transcripts");
    assert_eq!(url("a1-B_2.c~"), path("a1-B_2.c~"));
    assert_eq!(url("../x"), path("..%2Fx"));
    assert_eq!(url("a b?c#d%2f"), path("a%20b%3Fc%23d%252f"));
    assert_eq!(url("ü"), path("%C3%BC"));
}

#[test]
fn ids_that_no_encoding_makes_safe_are_refused() {
    for id in ["", ".", "..", &"x".repeat(513)] {
        let error = live(id).unwrap_err();
        assert!(
            matches!(error, Error::Http(HttpError::Invalid { .. })),
            "{id}"
        );
    }
    assert!(
        site("https://cx.test")
            .endpoint(Route::LiveTranscript, &[])
            .is_err()
    );
    assert!(
        site("https://cx.test")
            .endpoint(Route::Suggestions, &["1"])
            .is_err()
    );
}

#[test]
fn each_system_has_its_token_url_and_scopes() {
    let cases = [
        (System::DataAction, "/oauth/token", 3),
        (System::RealTime, "/oauth/token", 3),
        (System::Analytics, "/oauth2/token", 0),
        (System::Embeddings, "/oauth/token", 2),
        (System::Chat, "/api/v2/oauth/token", 6),
    ];
    for (system, path, scopes) in cases {
        let site = Site::new(CXONE_API, system, "https://cx.test").unwrap();
        assert_eq!(site.token_url().as_str(), format!("https://cx.test{path}"));
        assert_eq!(
            site.scopes().split_whitespace().count(),
            scopes,
            "{system:?}"
        );
    }
}

#[test]
fn token_url_and_scopes_are_configuration() {
    let site = site("https://cx.test")
        .with_token_url("https://auth.test/t")
        .unwrap();
    assert_eq!(site.token_url().as_str(), "https://auth.test/t");
    assert_eq!(
        site.with_scopes("  a:read\n b:write ").scopes(),
        "a:read b:write"
    );
}

#[test]
fn a_bad_base_url_is_refused_with_what_is_allowed() {
    for base in [
        "",
        "cx.test",
        "ftp://cx.test",
        "https://me:pw@cx.test",
        "https://cx.test/?q=1",
        "https://cx.test/#f",
    ] {
        let error = Site::new(CXONE_API, System::Chat, base)
            .unwrap_err()
            .to_string();
        assert!(error.starts_with("the base URL is not usable"), "{error}");
        assert!(!error.contains("pw"), "{error}");
    }
}

#[test]
fn links_are_followed_on_the_same_origin_only() {
    let site = site("https://cx.test");
    let from = site.endpoint(Route::ConversationQuery, &[]).unwrap();
    let next = |link| {
        site.link(&from, link)
            .map(|endpoint| endpoint.url().to_string())
    };
    assert_eq!(
        next("/api/v1/x?page=2").unwrap(),
        "https://cx.test/api/v1/x?page=2"
    );
    assert_eq!(next("?page=2").unwrap(), format!("{}?page=2", from.url()));
    assert_eq!(next("https://cx.test:443/y").unwrap(), "https://cx.test/y");
    for link in [
        "https://evil.test/y",
        "//evil.test/y",
        "http://cx.test/y",
        "https://cx.test:8443/y",
        "file:///y",
    ] {
        assert!(next(link).is_err(), "{link}");
    }
}

#[test]
fn query_values_are_encoded() {
    let endpoint = live("1")
        .unwrap()
        .query("direction", "both&x=1")
        .query("startTime", "5");
    assert_eq!(
        endpoint.url().query(),
        Some("direction=both%26x%3D1&startTime=5")
    );
    assert_eq!(endpoint.template(), "/api/v2/interactions/{id}/transcripts");
}

proptest! {
    #[test]
    fn no_id_changes_the_rest_of_the_url(id in "\\PC{1,60}") {
        prop_assume!(id != "." && id != "..");
        let endpoint = live(&id).unwrap();
        let url = endpoint.url();
        prop_assert_eq!(url.host_str(), Some("cx.test"));
        prop_assert_eq!((url.query(), url.fragment()), (None, None));
        let segments: Vec<_> = url.path().split('/').skip(1).collect();
        prop_assert_eq!(segments.len(), 6, "{}", url);
        prop_assert_eq!(&segments[..4], &["base", "api", "v2", "interactions"]);
        prop_assert_eq!(segments[5], "transcripts");
        let decoded = percent_encoding::percent_decode_str(segments[4]).decode_utf8().unwrap();
        prop_assert_eq!(decoded.as_ref(), id);
    }
}
