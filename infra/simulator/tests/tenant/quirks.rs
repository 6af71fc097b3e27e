//! The quirks of the lists, each switched on alone.

use std::collections::BTreeSet;
use std::time::Duration;

use cxone_simulator::Scenario;
use cxone_simulator::tenant::digital::case::Writer;
use cxone_simulator::tenant::{Quirk, Quirks};
use serde_json::{Value, json};

use crate::analytics::read_feed;
use crate::digital::read_contacts;
use crate::support::{Tenant, rows, tenant, tenant_with};

fn only(quirk: Quirk) -> Quirks {
    Quirks::none().with(quirk)
}

#[tokio::test]
async fn quirk_1_answers_a_page_without_accept() {
    for (quirks, readable) in [(only(Quirk::AcceptRequired), false), (Quirks::none(), true)] {
        let tenant = tenant(quirks).await;
        // The client of the other tests always sends `Accept: */*`, which is enough.
        let url = tenant.acd("business-unit").parse().unwrap();
        let answer = raw_get(&url, &tenant.token).await;
        assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
        assert_eq!(answer.contains("businessUnits"), readable, "{answer}");
    }
}

/// Sends a `GET` without `Accept` and returns the whole answer.
async fn raw_get(url: &reqwest::Url, token: &str) -> String {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    let address = (url.host_str().unwrap(), url.port().unwrap());
    let mut stream = tokio::net::TcpStream::connect(address).await.unwrap();
    let head = format!(
        "GET {} HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {token}\r\nconnection: close\r\n\r\n",
        url.path()
    );
    stream.write_all(head.as_bytes()).await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    answer
}

#[tokio::test]
async fn quirk_2_repeats_the_row_of_the_cursor_and_puts_many_into_one_millisecond() {
    for (quirks, inclusive) in [
        (only(Quirk::InclusiveCursor), true),
        (Quirks::none(), false),
    ] {
        let tenant = tenant(quirks).await;
        let query = "analyzed?dateField=firstAnnotatedAt&order=asc&pageSize=30&cursor=0";
        let (_, first) = tenant.get(&tenant.segments(query)).await;
        let next = first["links"]["next"].as_str().unwrap();
        let (_, second) = tenant.get(next).await;
        let ids = |page: &Value| {
            rows(page, "interactions")
                .iter()
                .map(|row| row["segmentId"].to_string())
                .collect::<BTreeSet<_>>()
        };
        assert_eq!(!ids(&first).is_disjoint(&ids(&second)), inclusive);
        let feed = read_feed(&tenant, "asc", 500).await;
        let times: BTreeSet<_> = feed
            .iter()
            .map(|row| row["firstAnnotatedAt"].to_string())
            .collect();
        assert_eq!(
            times.len() + 8 < feed.len(),
            inclusive,
            "{} of {}",
            times.len(),
            feed.len()
        );
    }
}

#[tokio::test]
async fn quirk_3_links_each_third_page_to_itself() {
    for (quirks, repeats) in [(only(Quirk::RepeatedLinks), 1), (Quirks::none(), 0)] {
        let tenant = tenant(quirks).await;
        let mut url = tenant.segments("analyzed?order=desc&pageSize=20&cursor=9000000000000");
        let mut same = 0;
        for _ in 0..4 {
            let (_, page) = tenant.get(&url).await;
            let next = page["links"]["previous"].as_str().unwrap().to_owned();
            same += usize::from(page["links"]["self"] == page["links"]["previous"]);
            url = next;
        }
        assert_eq!(same, repeats);
    }
}

#[tokio::test]
async fn quirk_4_ignores_dates_in_runs_that_the_seed_chooses() {
    let mut ignored = BTreeSet::new();
    for seed in 0..8 {
        let tenant = tenant_with(only(Quirk::IgnoredDates), |scenario| scenario.seed = seed).await;
        let (_, all) = tenant.get(&tenant.segments("analyzed")).await;
        let (_, none) = tenant
            .get(&tenant.segments(
                "analyzed?beginningDate=2020-01-01T00:00:00Z&endingDate=2020-01-02T00:00:00Z",
            ))
            .await;
        let ignores = none["totalRecords"] == all["totalRecords"];
        assert_eq!(ignores, tenant.handle.world().ignores_dates());
        assert_eq!(ignores, none["totalRecords"] != 0);
        ignored.insert(ignores);
    }
    assert_eq!(ignored.len(), 2);
}

/// Ends a chat and returns its number after some seconds.
async fn ended_chat(tenant: &Tenant, seconds: u64) -> i64 {
    let world = tenant.handle.world();
    let number = world.digital.open();
    for place in 0..4 {
        world.digital.say(
            number,
            Writer::Customer,
            &format!("Message {place} of a chat that says quite a lot."),
        );
    }
    world.digital.close(number);
    world.clock.advance(Duration::from_secs(seconds));
    number
}

#[tokio::test]
async fn quirk_5_has_no_transcript_in_the_first_seconds() {
    let tenant = tenant_with(only(Quirk::LateTranscripts), |scenario| {
        scenario.conversations.per_day = 0
    })
    .await;
    let mut numbers = Vec::new();
    for _ in 0..8 {
        numbers.push(ended_chat(&tenant, 0).await);
    }
    tenant.handle.world().clock.advance(Duration::from_secs(6));
    let feed = read_feed(&tenant, "asc", 100).await;
    assert_eq!(feed.len(), numbers.len());
    let ready = async || {
        let mut ready = 0;
        for row in &feed {
            let id = row["segmentId"].as_str().unwrap();
            ready += usize::from(
                tenant
                    .get(&tenant.segments(&format!("{id}/analyzed-transcript")))
                    .await
                    .0
                    == 200,
            );
        }
        ready
    };
    let early = ready().await;
    assert!(early < numbers.len(), "{early}");
    tenant.handle.world().clock.advance(Duration::from_secs(30));
    assert_eq!(ready().await, numbers.len());
}

#[tokio::test]
async fn quirk_6_brings_segments_late_out_of_order_and_again_with_another_text() {
    for (quirks, disordered) in [(only(Quirk::LateSegments), true), (Quirks::none(), false)] {
        let tenant = tenant(quirks).await;
        let feed = read_feed(&tenant, "asc", 500).await;
        let calls: Vec<_> = feed
            .iter()
            .filter(|row| row["mediaType"] == "PhoneCall")
            .collect();
        let ends: Vec<_> = calls
            .iter()
            .map(|row| row["endTime"].as_str().unwrap())
            .collect();
        assert_eq!(!ends.is_sorted(), disordered);
        let again = feed
            .iter()
            .find(|row| row["publishedAt"].as_str() > row["firstAnnotatedAt"].as_str());
        assert_eq!(again.is_some(), disordered);
        let Some(again) = again else { continue };
        let id = again["segmentId"].as_str().unwrap();
        let (status, text) = tenant
            .get(&tenant.segments(&format!("{id}/analyzed-transcript")))
            .await;
        assert!(
            status == 404
                || text["transcriptBlocks"]
                    .to_string()
                    .contains("added a note"),
            "{text}"
        );
    }
}

#[tokio::test]
async fn quirk_7_throttles_some_calls_without_saying_how_long() {
    let tenant = tenant(only(Quirk::RandomThrottling)).await;
    let (mut throttled, mut waits) = (0, BTreeSet::new());
    for _ in 0..600 {
        let request = tenant
            .client
            .get(tenant.acd("server-time"))
            .bearer_auth(&tenant.token);
        let answer = request.send().await.unwrap();
        if answer.status() == 429 {
            throttled += 1;
            waits.insert(
                answer
                    .headers()
                    .get("retry-after")
                    .map(|value| value.to_str().unwrap().to_owned()),
            );
        }
    }
    assert!((1..60).contains(&throttled), "{throttled}");
    assert!(
        waits
            .iter()
            .all(|waits| waits.as_deref().is_none_or(|waits| waits == "0")),
        "{waits:?}"
    );
}

#[tokio::test]
async fn quirk_8_ends_the_first_token_early_and_no_other() {
    let mut tenant = tenant(only(Quirk::EarlyTokenEnd)).await;
    let statuses = async |tenant: &Tenant| {
        let mut statuses = Vec::new();
        for _ in 0..30 {
            statuses.push(tenant.get(&tenant.acd("server-time")).await.0);
        }
        statuses
    };
    let first = statuses(&tenant).await;
    assert_eq!((first[24], first[25], first[29]), (200, 401, 401));
    tenant.log_in().await;
    assert!(statuses(&tenant).await.iter().all(|status| *status == 200));
}

#[tokio::test]
async fn quirk_9_tosses_types_and_uses_old_names_in_old_versions() {
    let tenant = tenant(only(Quirk::LooseScalars)).await;
    let all = tenant.completed().await;
    let kinds: BTreeSet<bool> = all.iter().map(|row| row["contactId"].is_string()).collect();
    assert_eq!(kinds.len(), 2);
    let from = (jiff::Timestamp::now() - jiff::SignedDuration::from_hours(72))
        .strftime("%Y-%m-%dT%H:%M:%SZ");
    let url = tenant
        .acd(&format!("contacts/completed?startDate={from}"))
        .replace("v31.0", "v21.0");
    let (_, old) = tenant.get(&url).await;
    let row = &old["completedContacts"][0];
    assert!(
        row.get("contactStart").is_some() && row.get("contactStartDate").is_none(),
        "{row}"
    );
}

#[tokio::test]
async fn quirk_10_puts_the_list_elsewhere() {
    let tenant = tenant(only(Quirk::OtherShapes)).await;
    let mut shapes = BTreeSet::new();
    for _ in 0..30 {
        let (_, page) = tenant.get(&tenant.segments("analyzed?pageSize=2")).await;
        assert!(page.get("interactions").is_none());
        shapes.insert(page.is_array());
    }
    assert_eq!(shapes.len(), 2);
}

#[tokio::test]
async fn quirk_12_ends_the_list_of_digital_contacts_with_an_empty_page() {
    let tenant = tenant(only(Quirk::EmptyLastPage)).await;
    let (found, pages) = read_contacts(&tenant, "status%5B%5D=closed").await;
    assert_eq!(pages, found.len().div_ceil(25) + 1);
}

#[tokio::test]
async fn quirk_13_shortens_texts_in_lists_alone() {
    let tenant = tenant(only(Quirk::StrippedMessages)).await;
    let number = ended_chat(&tenant, 0).await;
    let (_, list) = tenant
        .get(&tenant.digital(&format!("contacts/{number}/messages")))
        .await;
    let short: Vec<_> = rows(&list, "data")
        .iter()
        .filter(|row| row["hasAdditionalMessageContent"] == true)
        .collect();
    assert_eq!(short.len(), 1);
    let id = short[0]["id"].as_str().unwrap();
    let (_, whole) = tenant.get(&tenant.digital(&format!("messages/{id}"))).await;
    let text = |message: &Value| {
        message["messageContent"]["payload"]["text"]
            .as_str()
            .unwrap()
            .to_owned()
    };
    assert!(text(&whole).starts_with(&text(short[0])) && text(&whole).len() > text(short[0]).len());
}

#[tokio::test]
async fn quirk_14_removes_the_texts_of_one_closed_contact_at_its_second_read() {
    let tenant = tenant(only(Quirk::RemovedContent)).await;
    let numbers = [ended_chat(&tenant, 0).await, ended_chat(&tenant, 0).await];
    let mut removed = Vec::new();
    for _ in 0..3 {
        for number in numbers {
            let (_, list) = tenant
                .get(&tenant.digital(&format!("contacts/{number}/messages")))
                .await;
            let first = &list["data"][0];
            let is_removed = first.get("contentRemoved").is_some();
            assert_eq!(is_removed, first["messageContent"]["payload"]["text"] == "");
            removed.push(is_removed);
        }
    }
    assert_eq!(removed, [false, false, true, false, true, false]);
    assert_eq!(tenant.handle.world().digital.removed(), Some(numbers[0]));
}

#[tokio::test]
async fn quirk_15_counts_the_updates_of_a_contact_with_the_agents_messages() {
    let tenant = tenant(only(Quirk::ContactWriteBudget)).await;
    let digital = &tenant.handle.world().digital;
    let number = digital.open();
    for place in 0..240 {
        digital.say(number, Writer::Agent, &format!("Message {place}"));
    }
    assert_eq!(digital.blocked_agent_messages(), 0);
    let url = tenant.digital(&format!("contacts/{number}/custom-fields"));
    let mut statuses = BTreeSet::new();
    // A new update is there every 3.5 seconds, so that one of so many calls in a row finds none.
    for place in 0..100 {
        let fields = json!([{"ident": "ai_trend", "value": place.to_string()}]);
        statuses.insert(tenant.put(&url, fields).await.0);
    }
    assert_eq!(statuses, BTreeSet::from([200, 429]));
    for _ in 0..20 {
        digital.say(number, Writer::Agent, "I am blocked by you");
    }
    let blocked = digital.blocked_agent_messages();
    assert!(blocked > 10, "{blocked}");
    tenant.handle.world().clock.advance(Duration::from_secs(60));
    for _ in 0..10 {
        digital.say(number, Writer::Agent, "It is my turn again");
    }
    assert_eq!(digital.blocked_agent_messages(), blocked);
}

#[tokio::test]
async fn quirk_20_takes_time_for_each_row_and_breaks_off() {
    let tenant = tenant(only(Quirk::SlowCompleted)).await;
    assert!(!tenant.completed().await.is_empty());
    tenant.handle.world().change(|settings| {
        settings.completed_row_ms = 1000;
        settings.completed_limit_ms = 20;
    });
    let from = (jiff::Timestamp::now() - jiff::SignedDuration::from_hours(200))
        .strftime("%Y-%m-%dT%H:%M:%SZ");
    let request = tenant
        .client
        .get(tenant.acd(&format!("contacts/completed?startDate={from}")));
    let answer = request.bearer_auth(&tenant.token).send().await;
    assert!(answer.is_err(), "the connection ends without an answer");
}

#[tokio::test]
async fn quirk_21_says_the_reason_in_a_header_alone() {
    for (quirks, empty) in [
        (only(Quirk::StatusDescriptionOnly), true),
        (Quirks::none(), false),
    ] {
        let tenant = tenant(quirks).await;
        let request = tenant
            .client
            .get(tenant.acd("contacts/completed?startDate=x"))
            .bearer_auth(&tenant.token);
        let answer = request.send().await.unwrap();
        let reason = answer.headers()["icStatusDescription"]
            .to_str()
            .unwrap()
            .to_owned();
        assert!(
            reason.starts_with("InvalidParameter: startDate"),
            "{reason}"
        );
        assert_eq!(answer.text().await.unwrap().is_empty(), empty);
    }
}

#[tokio::test]
async fn quirk_22_brings_the_disposition_two_minutes_after_the_end() {
    let tenant = tenant_with(only(Quirk::LateDispositions), |scenario| {
        scenario.conversations.per_day = 0
    })
    .await;
    ended_chat(&tenant, 1).await;
    let row = tenant.completed().await.remove(0);
    assert_eq!(row["primaryDispositionId"], Value::Null);
    tenant
        .handle
        .world()
        .clock
        .advance(Duration::from_secs(120));
    let later = tenant.completed().await.remove(0);
    assert_eq!(later["primaryDispositionId"], json!(11));
    assert!(later["lastUpdateTime"].as_str() > row["lastUpdateTime"].as_str());
}

#[tokio::test]
async fn quirk_23_makes_two_contacts_and_two_segments_of_some_calls() {
    for (quirks, transferred) in [
        (only(Quirk::Transfers).with(Quirk::InclusiveCursor), true),
        (Quirks::none(), false),
    ] {
        let tenant = tenant(quirks).await;
        let all = tenant.completed().await;
        let second = all
            .iter()
            .find(|row| row["masterContactId"] != row["contactId"]);
        assert_eq!(second.is_some(), transferred);
        let Some(second) = second else { continue };
        let master = &second["masterContactId"];
        assert!(
            all.iter()
                .any(|row| row["contactId"] == *master && row["masterContactId"] == *master)
        );
        let feed = read_feed(&tenant, "asc", 500).await;
        let segment = feed
            .iter()
            .find(|row| row["acdContactId"] == second["contactId"])
            .unwrap();
        let id = segment["segmentId"].as_str().unwrap();
        let (status, text) = tenant
            .get(&tenant.segments(&format!("{id}/analyzed-transcript")))
            .await;
        assert!(
            status == 404 || text["metrics"]["contactid"] == json!(master.to_string()),
            "{text}"
        );
    }
}

#[tokio::test]
async fn quirk_25_has_no_old_path_and_takes_any_case() {
    for (quirks, statuses) in [
        (only(Quirk::OldPathsGone), [404, 200]),
        (Quirks::none(), [200, 404]),
    ] {
        let tenant = tenant(quirks).await;
        let old = tenant.segments("analyzed").replace("-gateway", "");
        let odd = tenant
            .acd("business-unit")
            .replace("incontactapi", "InContactApi")
            .replace("/v31", "/V31");
        assert_eq!(
            [tenant.get(&old).await.0, tenant.get(&odd).await.0],
            statuses
        );
    }
}

#[tokio::test]
async fn a_scenario_file_switches_quirks() {
    let scenario =
        Scenario::from_toml("[tenant.quirks]\nall = false\nlate-segments = true\n").unwrap();
    assert_eq!(scenario.tenant.quirks, only(Quirk::LateSegments));
    let error = Scenario::from_toml("[tenant.quirks]\nlate = true\n").unwrap_err();
    assert!(error.to_string().contains("late-segments"), "{error}");
}
