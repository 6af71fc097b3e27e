//! The simulator's own API, by which other processes inject faults and count requests.

use cxone_simulator::Handle;
use insights_http::client::{IdleConnections, build_client};
use serde_json::{Value, json};

use crate::support::{ACTIONS, TOKEN, client_of, list, soon, start_simulator};

async fn admin(
    simulator: &Handle,
    method: http::Method,
    path: &str,
    body: Option<&Value>,
) -> (u16, Value) {
    let url = format!("{}/_simulator{path}", simulator.url());
    let mut request = build_client(IdleConnections::Close)
        .unwrap()
        .request(method, url);
    if let Some(body) = body {
        request = request.json(body);
    }
    let response = request.send().await.unwrap();
    let status = response.status().as_u16();
    (status, response.json().await.unwrap_or(Value::Null))
}

#[tokio::test]
async fn faults_are_added_shown_and_cleared_over_http() {
    use http::Method;
    let simulator = start_simulator([]).await;
    let rule = json!({"path": ACTIONS, "kind": "status", "status": 404, "times": 1});
    assert_eq!(
        admin(&simulator, Method::POST, "/faults", Some(&rule))
            .await
            .0,
        200
    );
    assert!(list(&client_of(&simulator), soon()).await.is_err());
    list(&client_of(&simulator), soon()).await.unwrap();
    let rules = json!([rule, {"path": "/**", "kind": "delay", "delay_ms": 1}]);
    assert_eq!(
        admin(&simulator, Method::POST, "/faults", Some(&rules))
            .await
            .1,
        json!({"added": 2})
    );
    let (_, shown) = admin(&simulator, Method::GET, "/faults", None).await;
    assert_eq!(shown[1]["delay_ms"], 1);
    admin(&simulator, Method::DELETE, "/faults", None).await;
    assert_eq!(
        admin(&simulator, Method::GET, "/faults", None).await.1,
        json!([])
    );
}

#[tokio::test]
async fn a_bad_rule_is_refused_with_what_is_allowed() {
    let simulator = start_simulator([]).await;
    let rule = json!({"path": ACTIONS, "kind": "explode"});
    let (status, problem) = admin(&simulator, http::Method::POST, "/faults", Some(&rule)).await;
    assert_eq!(status, 400);
    assert!(
        problem["message"].as_str().unwrap().contains("lose_answer"),
        "{problem}"
    );
}

#[tokio::test]
async fn requests_are_counted_by_path_and_status() {
    use http::Method;
    let simulator = start_simulator([]).await;
    let client = client_of(&simulator);
    list(&client, soon()).await.unwrap();
    admin(&simulator, Method::POST, "/tokens/revoke", None).await;
    list(&client, soon()).await.unwrap();
    let (_, counts) = admin(&simulator, Method::GET, "/requests", None).await;
    let wanted = json!({
        format!("GET {ACTIONS}"): {"200": 2, "401": 1},
        format!("POST {TOKEN}"): {"200": 2},
    });
    assert_eq!(counts, wanted);
    admin(&simulator, Method::DELETE, "/requests", None).await;
    assert_eq!(
        admin(&simulator, Method::GET, "/requests", None).await.1,
        json!({})
    );
}

#[tokio::test]
async fn settings_change_while_it_runs() {
    let simulator = start_simulator([]).await;
    let settings = json!({"client_secret": "rotated"});
    let (status, shown) = admin(&simulator, http::Method::PUT, "/settings", Some(&settings)).await;
    assert_eq!(
        (status, &shown["client_secret"], &shown["client_id"]),
        (200, &json!("rotated"), &json!("demo-client"))
    );
    let error = list(&client_of(&simulator), soon()).await.unwrap_err();
    assert!(
        matches!(error, cxone::Error::BadCredentials { .. }),
        "{error:?}"
    );
}

#[tokio::test]
async fn unknown_paths_are_named_as_such() {
    let simulator = start_simulator([]).await;
    let (status, problem) = admin(&simulator, http::Method::GET, "/nothing", None).await;
    assert_eq!((status, &problem["error"]), (404, &json!("no_such_path")));
}
