//! The calls about live interactions, against the simulator.

use std::sync::Arc;
use std::time::Duration;

use cxone_simulator::live::{Call, Line};
use cxone_simulator::{Fault, FaultRule, Handle, RetryAfter, Scenario, Simulator};
use serde_json::json;

use super::*;
use crate::endpoints::{CXONE_API, Site, System};
use crate::oauth::{ClientCredentials, TokenSource};
use insights_http::client::{IdleConnections, build_client};
use insights_http::secret::FixedSecret;
use insights_http::{CallLimits, Error as HttpError};

async fn simulator(lines: Vec<Line>) -> (Handle, CxoneClient) {
    let call = Call::new("call 1", lines);
    let scenario = Scenario {
        calls: vec![call],
        ..Scenario::default()
    };
    let simulator = Simulator::start(scenario).await.unwrap();
    let site = Site::new(CXONE_API, System::RealTime, &simulator.url()).unwrap();
    let credentials = ClientCredentials {
        client_id: "demo-client".into(),
        client_secret: "demo-secret".into(),
        access_key: None,
    };
    let http = build_client(IdleConnections::Close).unwrap();
    let tokens = TokenSource::new(
        http.clone(),
        site.clone(),
        Arc::new(FixedSecret(credentials)),
        CallLimits::default(),
    );
    let client = CxoneClient::new(http, site, Arc::new(tokens), CallLimits::default());
    (simulator, client)
}

fn soon() -> Deadline {
    Deadline::within(Duration::from_secs(5))
}

#[tokio::test]
async fn a_transcript_is_read_from_the_cursor_on() {
    let past = |at_ms| Line {
        at_ms,
        ..Line::said("customer", at_ms, "hello")
    };
    let (simulator, client) = simulator(vec![past(-5000), past(-3000)]).await;
    let all = read_transcript(&client, "call 1", 0, soon()).await.unwrap();
    assert_eq!((all.segments.len(), all.malformed), (2, 0));
    assert!(
        all.segments
            .iter()
            .all(|segment| segment.is_final && segment.speaker == Speaker::Customer)
    );
    let cursor = all
        .segments
        .iter()
        .map(|segment| segment.end)
        .max()
        .unwrap();
    let rest = read_transcript(&client, "call 1", cursor, soon())
        .await
        .unwrap();
    assert_eq!(rest.segments, all.segments[1..], "the cursor is inclusive");
    simulator.shutdown().await;
}

#[tokio::test]
async fn no_transcript_is_an_empty_one() {
    let (_simulator, client) = simulator(Vec::new()).await;
    assert!(
        read_transcript(&client, "unknown", 0, soon())
            .await
            .unwrap()
            .segments
            .is_empty()
    );
}

#[tokio::test]
async fn segments_that_cannot_be_read_do_not_hide_the_others() {
    let (simulator, client) = simulator(Vec::new()).await;
    let good = json!({"text": "hi", "startTime": 1.0, "endTime": 2, "direction": "agent", "isFinal": true});
    let mut answers = vec![good.clone(), json!(null), json!({"text": "hi"})];
    for (name, bad) in [
        ("text", json!(5)),
        ("text", json!("x".repeat(MAX_TEXT_BYTES + 1))),
        ("startTime", json!("soon")),
        ("endTime", json!(1e300)),
        ("direction", json!("supervisor")),
    ] {
        let mut segment = good.clone();
        segment[name] = bad;
        answers.push(segment);
    }
    let malformed = answers.len() - 1;
    simulator.fault(
        FaultRule::new(
            "/api/v2/interactions/*/transcripts",
            Fault::Answer(200, json!(answers)),
        )
        .times(1),
    );
    let transcript = read_transcript(&client, "call 1", 0, soon()).await.unwrap();
    assert_eq!(
        (transcript.segments.len(), transcript.malformed),
        (1, malformed)
    );
    simulator.fault(
        FaultRule::new(
            "/api/v2/interactions/*/transcripts",
            Fault::Answer(200, json!({})),
        )
        .times(1),
    );
    let error = read_transcript(&client, "call 1", 0, soon())
        .await
        .unwrap_err();
    assert!(
        matches!(error, Error::Http(HttpError::InvalidResponse { .. })),
        "{error}"
    );
}

#[tokio::test]
async fn attributes_merge_and_a_suggestion_is_shown_once_for_a_key() {
    let (simulator, client) = simulator(Vec::new()).await;
    for value in ["0.5", "0.25"] {
        let attributes = [("realtime_sentiment_score", value.to_owned())];
        patch_attributes(&client, "call 1", &attributes, soon())
            .await
            .unwrap();
    }
    patch_attributes(
        &client,
        "call 1",
        &[("sentiment_trend", "declining".to_owned())],
        soon(),
    )
    .await
    .unwrap();
    let live = &simulator.world().live;
    let attributes = live.attributes("call 1");
    assert_eq!(attributes["realtime_sentiment_score"], "0.25");
    assert_eq!(attributes["sentiment_trend"], "declining");
    let first = post_suggestion(&client, "call 1", "Listen.", "key-1", soon())
        .await
        .unwrap();
    assert_eq!(
        post_suggestion(&client, "call 1", "Listen.", "key-1", soon())
            .await
            .unwrap(),
        first
    );
    assert!(first.is_some());
    assert_eq!(live.suggestions("call 1").len(), 1);
}

#[tokio::test]
async fn a_lost_answer_does_not_show_a_suggestion_twice() {
    let (simulator, client) = simulator(Vec::new()).await;
    simulator.fault(FaultRule::new("/api/v2/agentassist/suggestions", Fault::LoseAnswer).times(1));
    post_suggestion(&client, "call 1", "Listen.", "key-1", soon())
        .await
        .unwrap();
    assert_eq!(
        simulator.requests("POST", "/api/v2/agentassist/suggestions"),
        2
    );
    assert_eq!(simulator.world().live.suggestions("call 1").len(), 1);
}

#[tokio::test]
async fn each_refusal_has_its_own_error() {
    let (simulator, client) = simulator(Vec::new()).await;
    let refuse = |status| {
        let fault = Fault::Status(status, RetryAfter::Seconds(60));
        simulator.fault(FaultRule::new("/api/v2/agentassist/suggestions", fault).times(1));
        post_suggestion(&client, "call 1", "Listen.", "key", soon())
    };
    assert_eq!(refuse(409).await.unwrap(), None);
    assert!(matches!(
        refuse(404).await,
        Err(Error::Http(HttpError::NotFound { .. }))
    ));
    assert!(matches!(
        refuse(422).await,
        Err(Error::Http(HttpError::Rejected { status: 422, .. }))
    ));
    let forbidden = refuse(403).await.unwrap_err().to_string();
    assert!(forbidden.contains("agentassist:write"), "{forbidden}");
    assert_eq!(
        refuse(429).await.unwrap_err().retry_after(),
        Some(Duration::from_secs(60))
    );
}

#[tokio::test]
async fn a_page_in_place_of_an_answer_does_not_count_as_sent() {
    let (simulator, client) = simulator(vec![Line::said("customer", 0, "hello")]).await;
    for path in [
        "/api/v2/interactions/*/attributes",
        "/api/v2/agentassist/suggestions",
    ] {
        simulator.fault(FaultRule::new(path, Fault::WrongContent).times(1));
    }
    let attributes = [("sentiment_trend", "stable".to_owned())];
    let patched = patch_attributes(&client, "call 1", &attributes, soon()).await;
    let suggested = post_suggestion(&client, "call 1", "Offer help.", "key-1", soon()).await;
    for error in [patched.unwrap_err(), suggested.unwrap_err()] {
        assert!(
            matches!(error, Error::Http(HttpError::InvalidResponse { .. })),
            "{error:?}"
        );
    }
    patch_attributes(&client, "call 1", &attributes, soon())
        .await
        .unwrap();
    post_suggestion(&client, "call 1", "Offer help.", "key-1", soon())
        .await
        .unwrap();
    assert_eq!(simulator.world().live.suggestions("call 1").len(), 1);
    simulator.shutdown().await;
}

#[test]
fn a_segment_is_read_in_the_forms_of_the_systems_in_between() {
    let usual = json!({"text": "hi", "startTime": 1_793_610_000_000_i64, "endTime": 1_793_610_001_000_i64,
        "direction": "customer", "isFinal": true});
    let read = |changes: serde_json::Value| {
        let mut segment = usual.clone();
        for (name, value) in changes.as_object().unwrap() {
            segment[name] = value.clone();
        }
        let segment = serde_json::from_value::<WireSegment>(segment).ok()?;
        let segment = segment.into_segment()?;
        Some((
            segment.start,
            segment.end,
            segment.speaker,
            segment.is_final,
        ))
    };
    let (start, end) = (1_793_610_000_000, 1_793_610_001_000);
    let expected = Some((start, end, Speaker::Customer, true));
    for changes in [
        json!({}),
        json!({"startTime": "1793610000000", "endTime": "1793610001000"}),
        json!({"startTime": "2026-11-02T09:00:00Z", "endTime": "2026-11-02T10:00:01+01:00"}),
        json!({"startTime": 1_793_610_000, "endTime": 1_793_610_001.0}),
        json!({"startTime": 1_793_610_000_000_000_i64, "endTime": 1_793_610_001_000_000_i64}),
        json!({"direction": "CUSTOMER", "isFinal": "true"}),
        json!({"direction": " Customer ", "isFinal": 1}),
        json!({"isFinal": "True"}),
        json!({"isFinal": "1"}),
    ] {
        assert_eq!(read(changes.clone()), expected, "{changes}");
    }
    for (changes, expected) in [
        (
            json!({"endTime": null}),
            Some((start, start, Speaker::Customer, true)),
        ),
        (
            json!({"startTime": null}),
            Some((end, end, Speaker::Customer, true)),
        ),
        (
            json!({"isFinal": null}),
            Some((start, end, Speaker::Customer, false)),
        ),
        (
            json!({"isFinal": "false"}),
            Some((start, end, Speaker::Customer, false)),
        ),
        (
            json!({"isFinal": 0}),
            Some((start, end, Speaker::Customer, false)),
        ),
        (json!({"startTime": null, "endTime": null}), None),
        (json!({"startTime": "soon"}), None),
        (json!({"startTime": {"at": 1}}), None),
        (json!({"direction": "supervisor"}), None),
        (json!({"direction": 1}), None),
    ] {
        assert_eq!(read(changes.clone()), expected, "{changes}");
    }
}
