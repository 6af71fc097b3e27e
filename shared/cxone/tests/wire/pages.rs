//! Lists in pages: where they end, and which links are not followed.

use cxone::pages::{Page, PageLimits, Pages, RepeatedLink};
use cxone::{Error, Request};
use cxone_simulator::{Fault, FaultRule, Handle, RetryAfter};
use insights_http::Error as HttpError;
use serde_json::json;

use crate::support::{ACTIONS, actions, client_of, soon, start_simulator};

#[derive(Debug, serde::Deserialize)]
#[serde(rename_all = "camelCase")]
struct Numbers {
    numbers: Vec<u32>,
    next_link: Option<String>,
}

impl Page for Numbers {
    fn next_link(&self) -> Option<&str> {
        self.next_link.as_deref()
    }
}

const WHOLE: PageLimits = PageLimits {
    max_pages: 10,
    repeated_link: RepeatedLink::IsError,
};

/// Starts a simulator whose list has these pages, each answered once, with the links between them.
async fn pages_of(links: &[Option<&str>]) -> Handle {
    let rules = links.iter().enumerate().map(|(page, link)| {
        let body = json!({"numbers": [page], "nextLink": link});
        FaultRule::new(ACTIONS, Fault::Answer(200, body)).times(1)
    });
    start_simulator(rules).await
}

/// Reads pages until the list ends or fails; returns the numbers read by then and the failure.
async fn read(simulator: &Handle, limits: PageLimits) -> (Vec<u32>, Option<Error>) {
    let client = client_of(simulator);
    let mut pages = Pages::<Numbers>::new(&client, Request::get(actions(&client)), limits);
    let mut numbers = Vec::new();
    loop {
        match pages.next_page(soon()).await {
            Ok(Some(page)) => numbers.extend(page.numbers),
            Ok(None) => return (numbers, None),
            Err(error) => return (numbers, Some(error)),
        }
    }
}

#[tokio::test]
async fn links_are_followed_until_there_is_none() {
    for last in [None, Some(""), Some("  ")] {
        let simulator = pages_of(&[Some("?page=1"), Some(" ?page=2 "), last]).await;
        let (numbers, error) = read(&simulator, WHOLE).await;
        assert_eq!(
            (numbers, error.is_none()),
            (vec![0, 1, 2], true),
            "{last:?}"
        );
        assert_eq!(simulator.requests("GET", ACTIONS), 3);
    }
}

#[tokio::test]
async fn a_link_back_ends_the_list_or_fails_it() {
    let links = [Some("?page=1"), Some(ACTIONS)];
    let (numbers, error) = read(&pages_of(&links).await, WHOLE).await;
    assert_eq!(numbers, [0]);
    assert!(
        matches!(error, Some(Error::Http(HttpError::InvalidResponse { .. }))),
        "{error:?}"
    );
    let lenient = PageLimits {
        repeated_link: RepeatedLink::EndsList,
        ..WHOLE
    };
    let (numbers, error) = read(&pages_of(&links).await, lenient).await;
    assert_eq!((numbers, error.is_none()), (vec![0, 1], true));
}

#[tokio::test]
async fn a_list_without_end_is_given_up() {
    let links: Vec<String> = (1..20).map(|page| format!("?page={page}")).collect();
    let links: Vec<Option<&str>> = links.iter().map(|link| Some(link.as_str())).collect();
    let simulator = pages_of(&links).await;
    let (numbers, error) = read(&simulator, WHOLE).await;
    assert_eq!(numbers.len(), 9);
    let error = error.expect("the list has more pages than the limit");
    assert!(error.to_string().contains("more than 10 pages"), "{error}");
    assert_eq!(simulator.requests("GET", ACTIONS), 10);
}

#[tokio::test]
async fn a_link_to_another_host_is_not_followed() {
    for link in ["https://evil.test/page", "//evil.test/page"] {
        let (numbers, error) = read(&pages_of(&[Some(link)]).await, WHOLE).await;
        assert!(numbers.is_empty());
        let error = error.expect("the link is refused");
        assert!(error.to_string().contains("evil.test"), "{error}");
    }
}

#[tokio::test]
async fn after_an_error_the_same_page_is_asked_for_again() {
    let page = |body| FaultRule::new(ACTIONS, Fault::Answer(200, body)).times(1);
    let simulator = start_simulator([
        page(json!({"numbers": [0], "nextLink": "?page=1"})),
        FaultRule::new(ACTIONS, Fault::Status(422, RetryAfter::Absent)).times(1),
        page(json!({"numbers": [1]})),
    ])
    .await;
    let client = client_of(&simulator);
    let mut pages = Pages::<Numbers>::new(&client, Request::get(actions(&client)), WHOLE);
    assert_eq!(pages.next_page(soon()).await.unwrap().unwrap().numbers, [0]);
    let error = pages.next_page(soon()).await.unwrap_err();
    assert!(error.is_request_refused(), "{error}");
    assert_eq!((pages.pages_read(), pages.has_next()), (1, true));
    assert_eq!(pages.next_page(soon()).await.unwrap().unwrap().numbers, [1]);
    assert!(pages.next_page(soon()).await.unwrap().is_none());
}
