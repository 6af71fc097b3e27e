//! The registration of the Data Action.

use cxone::Error;
use cxone::Request;
use cxone::data_actions::{Registration, register, sentiment_action};
use cxone_simulator::{Fault, FaultRule};
use insights_http::Error as HttpError;
use serde_json::json;

use crate::support::{ACTIONS, actions, client_of, list, soon, start_simulator};

#[tokio::test]
async fn the_action_is_registered_once_and_listed() {
    let simulator = start_simulator([]).await;
    let client = client_of(&simulator);
    let Registration::Created { id } = register(&client, &sentiment_action(), soon())
        .await
        .unwrap()
    else {
        panic!("it did not exist yet");
    };
    assert_eq!(
        register(&client, &sentiment_action(), soon())
            .await
            .unwrap(),
        Registration::Exists
    );
    let listed = list(&client, soon()).await.unwrap();
    assert_eq!(listed["dataActions"].as_array().unwrap().len(), 1);
    assert_eq!(listed["dataActions"][0]["id"], json!(id));
    assert_eq!(
        listed["dataActions"][0]["name"],
        "sentiment-analysis-action"
    );
}

#[tokio::test]
async fn a_registration_whose_answer_was_lost_is_recognized_by_its_key() {
    let simulator = start_simulator([FaultRule::new(ACTIONS, Fault::LoseAnswer).times(1)]).await;
    let registered = register(&client_of(&simulator), &sentiment_action(), soon())
        .await
        .unwrap();
    assert!(
        matches!(registered, Registration::Created { .. }),
        "{registered:?}"
    );
    assert_eq!(simulator.requests("POST", ACTIONS), 2);
    assert_eq!(simulator.world().data_actions.all().len(), 1);
}

#[tokio::test]
async fn an_invalid_definition_is_refused_before_the_wire_and_by_the_platform() {
    let simulator = start_simulator([]).await;
    let client = client_of(&simulator);
    let mut bad = sentiment_action();
    bad.input_schema["properties"]["interaction_text"] = json!({"anyOf": [{"type": "string"}]});
    let error = register(&client, &bad, soon()).await.unwrap_err();
    assert!(
        error
            .to_string()
            .starts_with("/inputSchema/properties/interaction_text/anyOf"),
        "{error}"
    );
    assert_eq!(simulator.requests("POST", ACTIONS), 0);

    let request = Request::json(http::Method::POST, actions(&client), &bad).unwrap();
    let error = client.send_unit(request, soon()).await.unwrap_err();
    assert!(
        matches!(error, Error::Http(HttpError::Rejected { status: 400, .. })),
        "{error:?}"
    );
}
