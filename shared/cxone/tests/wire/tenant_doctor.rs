//! What the doctor says of answers that need a second look.

use cxone::endpoints::ClientAuthentication;
use cxone::tenant::doctor::{Finding, Verdict, examine};
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};
use wiremock::MockServer;

use crate::tenant::{answer, client, issuer, password};

const SEGMENTS: &str = "/interaction-analytics-gateway/v2/segments/analyzed";
const TRANSCRIPT: &str = "/interaction-analytics-gateway/v2/segments/s-1/analyzed-transcript";

/// Lets the doctor examine a tenant with some answers; whatever has none is a 404.
async fn findings(answers: &[(&str, u16, Value)]) -> Vec<Finding> {
    let api = MockServer::start().await;
    for (at, status, body) in answers {
        answer(&api, "GET", at, *status, body.clone()).await;
    }
    let issuer = issuer(&api).await;
    let mut findings = Vec::new();
    examine(
        &client(&issuer, password(ClientAuthentication::Basic)),
        |finding| findings.push(finding),
    )
    .await;
    findings
}

fn find<'f>(findings: &'f [Finding], check: &str) -> &'f Finding {
    let found = findings.iter().find(|finding| finding.check == check);
    found.unwrap_or_else(|| panic!("no {check} in {findings:#?}"))
}

/// An empty list of digital contacts, without which the rest of the digital part is not examined.
fn no_digital_contacts() -> (&'static str, u16, Value) {
    ("/dfo/3.0/contacts", 200, json!({"hits": 0, "data": []}))
}

#[tokio::test]
async fn what_is_not_there_is_unknown_and_says_what_to_set() {
    let findings = findings(&[no_digital_contacts()]).await;
    let versions = find(&findings, "contact API");
    assert_eq!(versions.verdict, Verdict::Unknown);
    assert_eq!(versions.evidence, "404 for version 31");
    assert!(versions.advice.contains("CXONE_ACD_VERSION"));
    let user = find(&findings, "digital user");
    assert_eq!(
        (user.verdict, user.evidence.as_str()),
        (
            Verdict::Unknown,
            "404; the usual host of the area is used instead"
        )
    );
    let hosts = find(&findings, "hosts");
    assert!(
        hosts
            .evidence
            .starts_with("API 127.0.0.1, digital 127.0.0.1, event hub "),
        "{}",
        hosts.evidence
    );
}

#[tokio::test]
async fn each_failure_has_its_own_advice() {
    for (status, body, advice) in [
        (429, json!({}), "lower CXONE_*_REQUESTS_PER_SECOND"),
        (503, json!({}), "try again later"),
        (400, json!({"message": "bad"}), "report this line"),
        (401, json!({}), "ask NICE to grant the application this API"),
    ] {
        let findings = findings(&[no_digital_contacts(), ("/dfo/3.0/me", status, body)]).await;
        let user = find(&findings, "digital user");
        assert!(user.advice.contains(advice), "{status}: {user:?}");
    }
}

#[tokio::test]
async fn another_version_of_the_contact_api_is_named() {
    let versions = json!({"versions": ["v29.0", "v30.0"]});
    let findings = findings(&[("/incontactapi/services/v31.0/apiversion", 200, versions)]).await;
    let versions = find(&findings, "contact API");
    assert_eq!(versions.verdict, Verdict::Unknown);
    assert_eq!(versions.evidence, "the tenant has the versions 29, 30");
}

/// A list with one segment of an hour that began at a moment.
fn segment(start: Timestamp) -> Value {
    let end = start + SignedDuration::from_hours(1);
    json!({"interactions": [{"segmentId": "s-1", "acdContactId": 1, "startTime": start.to_string(),
        "endTime": end.to_string(), "channels": [{"name": "CLIENT", "sentiment": {"value": "NEGATIVE"}}]}]})
}

#[tokio::test]
async fn times_of_lines_are_compared_with_the_segment() {
    let start = Timestamp::now() - SignedDuration::from_hours(48);
    for (offset_ms, expected) in [
        (Some(1_800_000_i64), "within the segment"),
        (Some(1_800), "outside the segment"),
        (Some(9_000_000), "outside the segment"),
        (None, "not comparable"),
    ] {
        let block = json!({"channelName": "CLIENT", "text": "hello", "voiceMetadata": {"startTime": offset_ms}});
        let findings = findings(&[
            (SEGMENTS, 200, segment(start)),
            (TRANSCRIPT, 200, json!({"transcriptBlocks": [block]})),
        ])
        .await;
        let text = find(&findings, "text of a segment");
        let timed = usize::from(offset_ms.is_some());
        assert_eq!(
            text.evidence,
            format!("1 lines, {timed} with a time, {expected}, 0 unreadable")
        );
    }
}

#[tokio::test]
async fn a_filter_by_dates_is_heeded_only_where_every_row_lies_within() {
    let now = Timestamp::now();
    for (hours, expected) in [
        (23 * 60 + 30, "heeded"),
        (48 * 60, "ignored"),
        (60, "ignored"),
    ] {
        let start = now - SignedDuration::from_mins(hours);
        let findings = findings(&[(SEGMENTS, 200, segment(start))]).await;
        assert_eq!(
            find(&findings, "filter by dates").evidence,
            expected,
            "{hours}"
        );
    }
    let findings = findings(&[(SEGMENTS, 200, json!({"interactions": []}))]).await;
    let filter = find(&findings, "filter by dates");
    assert_eq!(filter.evidence, "no rows in an hour of yesterday");
}
