//! What is read of a tenant over several requests: pages of messages, whole contents, names of dispositions, texts of segments.

use cxone::endpoints::ClientAuthentication;
use cxone::tenant::TenantClient;
use cxone::tenant::agents::read_presence;
use cxone::tenant::chats::{read_chat_transcript, read_live_transcript};
use cxone::tenant::contacts::{LARGEST_PAGE, read_dispositions};
use cxone::tenant::digital::{
    DigitalMessages, WholeMessages, read_contact, read_message, read_messages, read_messages_again,
};
use cxone::tenant::segments::read_segment_transcript;
use insights_core::live::Speaker;
use serde_json::{Value, json};
use wiremock::matchers::{method, path, query_param, query_param_is_missing};
use wiremock::{Mock, MockServer, ResponseTemplate};

use crate::support::soon;
use crate::tenant::{answer, client, issuer, password};

const MESSAGES: &str = "/dfo/3.0/contacts/5/messages";

/// A tenant whose calls a test answers.
struct Tenant {
    api: MockServer,
    client: TenantClient,
    _issuer: MockServer,
}

impl Tenant {
    async fn start() -> Self {
        let api = MockServer::start().await;
        let issuer = issuer(&api).await;
        let client = client(&issuer, password(ClientAuthentication::Basic));
        Self {
            api,
            client,
            _issuer: issuer,
        }
    }

    async fn gets(&self, at: &str, status: u16, body: Value) {
        answer(&self.api, "GET", at, status, body).await;
    }

    /// Answers the messages of contact 5: the first page, or the page of a token.
    async fn messages_page(&self, token: Option<&str>, status: u16, body: Value) {
        let mock = Mock::given(method("GET")).and(path(MESSAGES));
        let mock = match token {
            Some(token) => mock.and(query_param("scrollToken", token)),
            None => mock.and(query_param_is_missing("scrollToken")),
        };
        mock.respond_with(ResponseTemplate::new(status).set_body_json(body))
            .mount(&self.api)
            .await;
    }

    /// Returns the number of requests whose path ends so.
    async fn requests(&self, end: &str) -> usize {
        let requests = self.api.received_requests().await.unwrap();
        requests
            .iter()
            .filter(|request| request.url.path().ends_with(end))
            .count()
    }

    /// Forgets the answers, but neither the token nor the hosts.
    async fn forget_answers(&self) {
        self.api.reset().await;
    }
}

/// An entry of a list of messages.
fn entry(id: &str, direction: &str, second: u32, text: &str, is_cut: bool) -> Value {
    json!({"id": id, "direction": direction, "createdAt": format!("2026-11-20T09:00:{second:02}+00:00"),
        "messageContent": {"payload": {"text": text}}, "hasAdditionalMessageContent": is_cut})
}

fn texts(found: &DigitalMessages) -> Vec<&str> {
    let messages = found.messages.iter();
    messages.map(|message| message.text.as_str()).collect()
}

#[tokio::test]
async fn all_pages_of_messages_are_read_in_the_order_of_their_times() {
    let tenant = Tenant::start().await;
    let first = [
        entry("b", "outbound", 2, "second", false),
        entry("a", "inbound", 1, "first", false),
    ];
    let second = [
        entry("b", "outbound", 2, "second", false),
        entry("c", "inbound", 3, "third", false),
        json!({"id": "d"}),
    ];
    let page = |data: &[Value], token: Option<&str>| json!({"hits": 5, "data": data, "scrollToken": token});
    tenant
        .messages_page(None, 200, page(&first, Some("t1")))
        .await;
    tenant
        .messages_page(Some("t1"), 200, page(&second, Some("t2")))
        .await;
    let found = read_messages(&tenant.client, "5", soon())
        .await
        .unwrap()
        .unwrap();
    assert_eq!(texts(&found), ["first", "second", "third"]);
    assert_eq!(found.unreadable, 1);
    // All five were listed, so that the last token leads nowhere.
    assert_eq!(tenant.requests("/messages").await, 2);

    let live = read_live_transcript(&tenant.client, "5", soon())
        .await
        .unwrap();
    let said: Vec<_> = live
        .segments
        .iter()
        .map(|it| (it.speaker, it.text.as_str()))
        .collect();
    assert_eq!(
        said,
        [
            (Speaker::Customer, "first"),
            (Speaker::Agent, "second"),
            (Speaker::Customer, "third")
        ]
    );
    assert_eq!(live.malformed, 1);
    let chat = read_chat_transcript(&tenant.client, "5", soon())
        .await
        .unwrap()
        .unwrap();
    let kinds: Vec<_> = chat
        .messages
        .iter()
        .map(|it| it.from.kind.as_str())
        .collect();
    assert_eq!(kinds, ["customer", "agent", "customer"]);
    assert!(chat.messages.iter().all(|it| it.conversation_id == "5"));
    assert_eq!(chat.malformed.total(), 1);
}

#[tokio::test]
async fn a_token_after_the_last_message_and_a_page_without_news_end_the_list() {
    for (hits, pages) in [(json!(1), 1), (json!(null), 1), (json!(9), 2)] {
        let tenant = Tenant::start().await;
        let page = json!({"hits": hits, "data": [entry("a", "inbound", 1, "first", false)], "scrollToken": "t1"});
        tenant.gets(MESSAGES, 200, page).await;
        let found = read_messages(&tenant.client, "5", soon())
            .await
            .unwrap()
            .unwrap();
        assert_eq!(texts(&found), ["first"]);
        assert_eq!(tenant.requests("/messages").await, pages, "{hits}");
    }
}

#[tokio::test]
async fn a_contact_that_is_not_there_has_no_messages_and_a_page_that_is_not_there_is_an_error() {
    let tenant = Tenant::start().await;
    tenant.gets(MESSAGES, 404, json!({})).await;
    assert_eq!(
        read_messages(&tenant.client, "5", soon()).await.unwrap(),
        None
    );
    assert!(
        read_chat_transcript(&tenant.client, "5", soon())
            .await
            .unwrap()
            .is_none()
    );
    let live = read_live_transcript(&tenant.client, "5", soon())
        .await
        .unwrap();
    assert!(live.segments.is_empty() && live.malformed == 0);

    let tenant = Tenant::start().await;
    let first =
        json!({"hits": 9, "data": [entry("a", "inbound", 1, "first", false)], "scrollToken": "t1"});
    tenant.messages_page(None, 200, first).await;
    tenant.messages_page(Some("t1"), 404, json!({})).await;
    let error = read_messages(&tenant.client, "5", soon())
        .await
        .unwrap_err();
    assert!(error.is_not_found());

    let tenant = Tenant::start().await;
    tenant
        .gets(MESSAGES, 200, json!({"data": [{"id": "d"}]}))
        .await;
    assert!(
        read_messages(&tenant.client, "5", soon()).await.is_err(),
        "nothing of it is a message"
    );
}

#[tokio::test]
async fn the_whole_content_of_a_message_is_asked_for_once_and_again_where_it_has_changed() {
    let tenant = Tenant::start().await;
    let mut known = WholeMessages::default();
    for (listed, is_cut, whole, read, requests) in [
        ("Hel", true, "Hello all", "Hello all", 1),
        ("Hel", true, "Hello all", "Hello all", 0),
        ("Bye", true, "Bye all", "Bye all", 1),
        ("Bye", false, "Bye all", "Bye", 0),
    ] {
        tenant.forget_answers().await;
        let page = json!({"hits": 1, "data": [entry("m", "inbound", 1, listed, is_cut)]});
        tenant.gets(MESSAGES, 200, page).await;
        tenant
            .gets(
                "/dfo/3.0/messages/m",
                200,
                entry("m", "inbound", 1, whole, false),
            )
            .await;
        let found = read_messages_again(&tenant.client, "5", &mut known, soon()).await;
        assert_eq!(texts(&found.unwrap().unwrap()), [read]);
        assert_eq!(
            tenant.requests("/messages/m").await,
            requests,
            "{listed} {is_cut}"
        );
    }
}

#[tokio::test]
async fn a_cut_message_without_a_whole_content_stays_as_it_is_listed() {
    let tenant = Tenant::start().await;
    let page = json!({"hits": 1, "data": [entry("m", "inbound", 1, "Hel", true)]});
    tenant.gets(MESSAGES, 200, page).await;
    tenant.gets("/dfo/3.0/messages/m", 404, json!({})).await;
    let found = read_messages(&tenant.client, "5", soon())
        .await
        .unwrap()
        .unwrap();
    assert_eq!(texts(&found), ["Hel"]);
    assert_eq!(
        read_message(&tenant.client, "m", soon()).await.unwrap(),
        None
    );
}

#[tokio::test]
async fn a_digital_contact_is_read_or_is_not_there() {
    let tenant = Tenant::start().await;
    tenant
        .gets(
            "/dfo/3.0/contacts/5",
            200,
            json!({"id": 5, "status": "Open"}),
        )
        .await;
    tenant.gets("/dfo/3.0/contacts/6", 404, json!({})).await;
    tenant.gets("/dfo/3.0/contacts/7", 403, json!({})).await;
    tenant
        .gets("/dfo/3.0/contacts/8", 200, json!({"id": null}))
        .await;
    let read = |id| read_contact(&tenant.client, id, soon());
    assert_eq!(read("5").await.unwrap().unwrap().id, "5");
    assert_eq!(read("6").await.unwrap(), None);
    assert!(read("7").await.unwrap_err().is_access_refused());
    assert!(read("8").await.is_err());
}

#[tokio::test]
async fn dispositions_are_read_to_the_end_of_their_list() {
    let tenant = Tenant::start().await;
    let rows = |from: usize, to: usize| -> Value {
        (from..to)
            .map(|id| json!({"dispositionId": id, "dispositionName": format!("name {id}")}))
            .collect()
    };
    let last = LARGEST_PAGE + 1;
    let mut second = rows(LARGEST_PAGE, last);
    second
        .as_array_mut()
        .unwrap()
        .push(json!({"dispositionId": 7_000}));
    for (skip, rows) in [(0, rows(0, LARGEST_PAGE)), (LARGEST_PAGE, second)] {
        Mock::given(method("GET"))
            .and(path("/incontactapi/services/v31.0/dispositions"))
            .and(query_param("skip", skip.to_string()))
            .and(query_param("top", LARGEST_PAGE.to_string()))
            .respond_with(ResponseTemplate::new(200).set_body_json(json!({"dispositions": rows})))
            .mount(&tenant.api)
            .await;
    }
    let names = read_dispositions(&tenant.client, soon()).await.unwrap();
    assert_eq!(names.len(), last, "one without a name is none");
    assert_eq!(
        names[&LARGEST_PAGE.to_string()],
        format!("name {LARGEST_PAGE}")
    );
    assert_eq!(tenant.requests("/dispositions").await, 2);
}

#[tokio::test]
async fn the_presence_of_an_agent_is_found_by_either_id_and_of_nobody_else() {
    let tenant = Tenant::start().await;
    let statuses = json!({"data": [
        {"userId": 1, "incontactId": "one", "status": "Available"},
        {"userId": "2", "incontactId": "two", "status": "Busy"},
        {"userId": 3, "status": null},
    ]});
    tenant
        .gets("/engager/2.0/user-statuses", 200, statuses)
        .await;
    for (agent, presence) in [
        ("one", Some("Available")),
        ("1", Some("Available")),
        ("two", Some("Busy")),
        ("2", Some("Busy")),
        ("3", None),
        ("four", None),
    ] {
        let found = read_presence(&tenant.client, agent, soon()).await.unwrap();
        assert_eq!(found.as_deref(), presence, "{agent}");
    }
}

#[tokio::test]
async fn a_segment_without_a_transcript_is_told_from_one_that_cannot_be_read() {
    let tenant = Tenant::start().await;
    let at =
        |id: &str| format!("/interaction-analytics-gateway/v2/segments/{id}/analyzed-transcript");
    let blocks = json!({"transcriptBlocks": [
        {"channelName": "CLIENT", "text": "hello", "emailMetadata": {"sentDate": "2026-11-20T09:00:00Z"}},
        {"channelName": "AGENT", "text": "good morning", "emailMetadata": {"sentDate": null},
            "voiceMetadata": {"startTime": 1_763_629_260_000_i64}},
    ]});
    tenant.gets(&at("full"), 200, blocks).await;
    tenant.gets(&at("missing"), 404, json!({})).await;
    tenant
        .gets(&at("odd"), 200, json!({"status": "pending"}))
        .await;
    Mock::given(path(at("empty")))
        .respond_with(ResponseTemplate::new(200).set_body_string(" \n"))
        .mount(&tenant.api)
        .await;
    let read = |id| read_segment_transcript(&tenant.client, id, None, soon());
    let full = read("full").await.unwrap().unwrap();
    let lines: Vec<_> = full
        .lines
        .iter()
        .map(|it| (it.text.as_str(), it.at.map(|at| at.to_string())))
        .collect();
    assert_eq!(
        lines,
        [
            ("hello", Some("2026-11-20T09:00:00Z".to_owned())),
            ("good morning", Some("2025-11-20T09:01:00Z".to_owned())),
        ]
    );
    assert!(read("missing").await.unwrap().is_none());
    assert!(read("empty").await.unwrap().is_none());
    assert!(read("odd").await.is_err());
}

#[tokio::test]
async fn the_hosts_of_a_tenant_are_asked_for_once() {
    let (api, issuer) = {
        let api = MockServer::start().await;
        let issuer = issuer(&api).await;
        (api, issuer)
    };
    answer(
        &api,
        "GET",
        "/dfo/3.0/contacts/5",
        200,
        json!({"id": 5, "status": "Open"}),
    )
    .await;
    let client = client(&issuer, password(ClientAuthentication::Basic));
    for _ in 0..3 {
        read_contact(&client, "5", soon()).await.unwrap();
    }
    let asked = issuer.received_requests().await.unwrap();
    let discoveries = asked
        .iter()
        .filter(|it| it.url.path().starts_with("/.well-known"));
    assert_eq!(discoveries.count(), 1);
}
