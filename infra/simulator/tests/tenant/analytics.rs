//! The segment feed and transcripts.

use std::collections::BTreeSet;

use cxone_simulator::tenant::{Quirk, Quirks};
use serde_json::{Value, json};

use crate::support::{Tenant, rows, tenant};

/// Reads the whole feed as a careful client does: steps to the last millisecond, drops what it knows, and steps one
/// millisecond further only when a whole page brought nothing new.
pub(crate) async fn read_feed(tenant: &Tenant, order: &str, size: usize) -> Vec<Value> {
    let mut cursor = if order == "asc" {
        0
    } else {
        i64::MAX / 2_000_000
    };
    let (mut known, mut found) = (BTreeSet::new(), Vec::new());
    loop {
        let query = format!(
            "analyzed?dateField=firstAnnotatedAt&order={order}&pageSize={size}&cursor={cursor}"
        );
        let (status, page) = tenant.get(&tenant.segments(&query)).await;
        assert_eq!(status, 200, "{page}");
        let page = rows(&page, "interactions").to_vec();
        let Some(last) = page.last() else {
            return found;
        };
        let last: jiff::Timestamp = last["firstAnnotatedAt"].as_str().unwrap().parse().unwrap();
        let is_whole = page.len() == size;
        let before = found.len();
        found.extend(
            page.into_iter()
                .filter(|row| known.insert(row["segmentId"].to_string())),
        );
        if !is_whole {
            return found;
        }
        let step = if order == "asc" { 1 } else { -1 };
        let stuck = found.len() == before && last.as_millisecond() == cursor;
        cursor = last.as_millisecond() + if stuck { step } else { 0 };
    }
}

#[tokio::test]
async fn both_orders_of_the_feed_bring_the_same_segments_once() {
    let tenant = tenant(Quirks::none().with(Quirk::InclusiveCursor)).await;
    let ascending = read_feed(&tenant, "asc", 50).await;
    let mut descending = read_feed(&tenant, "desc", 50).await;
    assert!(ascending.len() > 500, "{}", ascending.len());
    descending.reverse();
    assert_eq!(ascending, descending);
}

#[tokio::test]
async fn a_segment_has_a_transcript_with_blocks_of_client_and_agent() {
    let tenant = tenant(Quirks::none()).await;
    let feed = read_feed(&tenant, "asc", 500).await;
    let mut with_text = 0;
    let mut languages = BTreeSet::new();
    for row in feed.iter().take(150) {
        let id = row["segmentId"].as_str().unwrap();
        let (status, text) = tenant
            .get(&tenant.segments(&format!("{id}/analyzed-transcript?wordLevel=false")))
            .await;
        if status == 404 {
            continue;
        }
        with_text += 1;
        languages.insert(text["language"].to_string());
        assert_eq!(
            text["metrics"]["acdcontactid"],
            json!(row["acdContactId"].to_string())
        );
        let names: BTreeSet<_> = rows(&text, "transcriptBlocks")
            .iter()
            .map(|block| block["channelName"].to_string())
            .collect();
        assert!(
            names
                .iter()
                .all(|name| name == "\"CLIENT\"" || name == "\"AGENT\""),
            "{names:?}"
        );
    }
    assert!(
        with_text > 100 && with_text < 150,
        "some contacts have no transcript: {with_text}"
    );
    assert_eq!(languages.len(), 2);
    let (status, _) = tenant
        .get(&tenant.segments("6f0c6b1e-0000-4000-8000-000000000001/analyzed-transcript"))
        .await;
    assert_eq!(status, 404);
}

#[tokio::test]
async fn the_feed_is_filtered_by_media_type_and_language_and_refuses_what_is_wrong() {
    let tenant = tenant(Quirks::none()).await;
    let (_, calls) = tenant
        .get(&tenant.segments("analyzed?mediaType=PhoneCall&lang=es-es&pageSize=20"))
        .await;
    assert!(!rows(&calls, "interactions").is_empty());
    assert!(
        rows(&calls, "interactions")
            .iter()
            .all(|row| row["mediaType"] == "PhoneCall")
    );
    for query in [
        "dateField=endTime",
        "order=up",
        "pageSize=0",
        "cursor=now",
        "beginningDate=yesterday",
    ] {
        assert_eq!(
            tenant
                .get(&tenant.segments(&format!("analyzed?{query}")))
                .await
                .0,
            400,
            "{query}"
        );
    }
}

#[tokio::test]
async fn a_chat_that_ends_is_in_feed_and_completed_contacts_under_one_number() {
    use cxone_simulator::tenant::digital::case::Writer;
    let tenant = tenant(Quirks::none()).await;
    let world = tenant.handle.world();
    let number = world.digital.open();
    world
        .digital
        .say(number, Writer::Customer, "I was charged twice.");
    world.digital.close(number);
    world.clock.advance(std::time::Duration::from_secs(120));
    let feed = read_feed(&tenant, "asc", 500).await;
    let row = feed
        .iter()
        .find(|row| row["acdContactId"] == json!(number))
        .unwrap();
    let id = row["segmentId"].as_str().unwrap();
    let (_, text) = tenant
        .get(&tenant.segments(&format!("{id}/analyzed-transcript")))
        .await;
    assert_eq!(text["transcriptBlocks"][0]["text"], "I was charged twice.");
    assert!(
        tenant
            .completed()
            .await
            .iter()
            .any(|row| row["contactId"] == json!(number))
    );
}
