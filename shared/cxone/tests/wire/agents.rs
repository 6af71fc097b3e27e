//! What the client writes of an agent: presence, availability and skills.

use cxone::chat::{Skill, set_availability, set_presence};
use serde_json::{Value, json};
use wiremock::matchers::{header, method};
use wiremock::{Mock, MockServer, ResponseTemplate};

use crate::support::{client_with, patient_limits, site, soon};

/// A contact center that gives a token and accepts every change.
async fn contact_center(status: u16) -> MockServer {
    let server = MockServer::start().await;
    let token = json!({"access_token": "t", "token_type": "Bearer", "expires_in": 3600});
    Mock::given(method("POST"))
        .respond_with(ResponseTemplate::new(200).set_body_json(token))
        .mount(&server)
        .await;
    Mock::given(method("PUT"))
        .and(header("authorization", "Bearer t"))
        .respond_with(ResponseTemplate::new(status))
        .mount(&server)
        .await;
    server
}

/// Returns the path and the body of each change, in their order.
async fn changes(server: &MockServer) -> Vec<(String, Value)> {
    let requests = server.received_requests().await.unwrap();
    requests
        .iter()
        .filter(|request| request.method.as_str() == "PUT")
        .map(|request| {
            let body = serde_json::from_slice(&request.body).unwrap();
            (request.url.path().to_owned(), body)
        })
        .collect()
}

#[tokio::test]
async fn presence_and_availability_of_an_agent_are_written() {
    let server = contact_center(204).await;
    let client = client_with(site(&server.uri()), patient_limits());
    set_presence(&client, "agent-7", "available", soon())
        .await
        .unwrap();
    let skill = json!({"skillId": 5, "proficiency": 2});
    let skills = [Skill(skill.as_object().unwrap().clone())];
    set_availability(&client, "agent-7", 0.25, &skills, soon())
        .await
        .unwrap();
    let changes = changes(&server).await;
    assert_eq!(changes.len(), 2);
    assert!(changes.iter().all(|(path, _)| path.contains("agent-7")));
    assert_ne!(changes[0].0, changes[1].0);
    assert_eq!(changes[0].1, json!({"status": {"statusName": "available"}}));
    assert_eq!(
        changes[1].1,
        json!({"availability": 0.25, "skills": [skill]})
    );
}

#[tokio::test]
async fn a_change_that_is_refused_is_an_error() {
    let server = contact_center(422).await;
    let client = client_with(site(&server.uri()), patient_limits());
    let presence = set_presence(&client, "agent-7", "available", soon()).await;
    assert!(presence.unwrap_err().is_request_refused());
    let availability = set_availability(&client, "agent-7", 1.0, &[], soon()).await;
    assert!(availability.unwrap_err().is_request_refused());
}
