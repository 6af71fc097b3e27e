//! The token cache in the state store: shared by instances, renewed by one of them, unreadable to whoever only has the table.

use std::time::Duration;

use backends::Backends;
use backends::settings::CxoneSettings;
use cxone::data_actions::{register, sentiment_action};
use cxone::endpoints::System;
use cxone_simulator::{Fault, FaultRule, Handle, Scenario, Simulator};
use futures::future::join_all;
use insights_http::Deadline;
use jiff::Timestamp;
use runtime::config::Env;
use secrecy::{ExposeSecret, SecretString};
use store::secrets::Secrets;
use store::state::{DynamoState, SqliteState, State};
use testkit::{demo_secrets, secrets_of};

const TOKEN: &str = "/oauth/token";

/// The two stores that tokens are kept in, each empty.
async fn states(folder: &tempfile::TempDir) -> [(&'static str, State); 2] {
    let aws = store::aws::load_config(Some(&dev_stack::aws().endpoint_url)).await;
    let dynamo = DynamoState::new(&aws, dev_stack::unique("tokens"));
    dynamo.create_table().await.expect("a table");
    let sqlite = SqliteState::open(folder.path().join("state.sqlite")).expect("a file");
    [
        ("DynamoDB", State::Dynamo(dynamo)),
        ("SQLite", State::Sqlite(sqlite)),
    ]
}

/// A client as a new instance of a function makes it: nothing in memory, the state shared.
fn instance(simulator: &Handle, state: &State) -> cxone::CxoneClient {
    let env = Env::from_pairs([("CXONE_BASE_URL", simulator.url())]);
    let settings = CxoneSettings::from_env(&env).expect("the settings");
    Backends::laptop("unused", Secrets::default())
        .cxone_client(&settings, System::DataAction, &secrets_of(&[]), state)
        .expect("a client")
}

async fn call(client: &cxone::CxoneClient) {
    let deadline = Deadline::within(Duration::from_secs(20));
    register(client, &sentiment_action(), deadline)
        .await
        .expect("registered");
}

async fn token(client: &cxone::CxoneClient) -> String {
    let token = client
        .tokens()
        .token(Deadline::within(Duration::from_secs(20)))
        .await
        .expect("a token");
    token.secret().expose_secret().to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hundred_cold_callers_in_ten_instances_ask_for_one_token() {
    let folder = tempfile::tempdir().unwrap();
    for (name, state) in states(&folder).await {
        let simulator = Simulator::start(Scenario::default()).await.unwrap();
        simulator.fault(FaultRule::new(
            TOKEN,
            Fault::Delay(Duration::from_millis(100)),
        ));
        let instances: Vec<_> = (0..10).map(|_| instance(&simulator, &state)).collect();
        let tokens = join_all(
            instances
                .iter()
                .flat_map(|client| (0..10).map(move |_| token(client))),
        )
        .await;
        assert!(tokens.iter().all(|one| *one == tokens[0]), "{name}");
        assert_eq!(simulator.requests("POST", TOKEN), 1, "{name}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_revoked_token_costs_one_renewal_over_all_instances() {
    let folder = tempfile::tempdir().unwrap();
    for (name, state) in states(&folder).await {
        let simulator = Simulator::start(Scenario::default()).await.unwrap();
        let instances: Vec<_> = (0..5).map(|_| instance(&simulator, &state)).collect();
        join_all(instances.iter().map(token)).await;
        assert_eq!(simulator.requests("POST", TOKEN), 1, "{name}");
        simulator.revoke_tokens();
        join_all(
            instances
                .iter()
                .flat_map(|client| (0..4).map(move |_| call(client))),
        )
        .await;
        assert_eq!(simulator.requests("POST", TOKEN), 2, "{name}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_state_holds_no_token_in_the_open() {
    let folder = tempfile::tempdir().unwrap();
    let simulator = Simulator::start(Scenario::default()).await.unwrap();
    let state = SqliteState::open(folder.path().join("state.sqlite")).unwrap();
    let token = token(&instance(&simulator, &State::Sqlite(state.clone()))).await;
    drop(state);
    let mut bytes = Vec::new();
    for entry in std::fs::read_dir(folder.path()).unwrap() {
        bytes.extend(std::fs::read(entry.unwrap().path()).unwrap());
    }
    assert!(
        bytes.windows(6).any(|window| window == b"token#"),
        "the item is there"
    );
    for secret in [
        token.as_str(),
        demo_secrets::CLIENT_SECRET,
        demo_secrets::CLIENT_ID,
    ] {
        assert!(
            !bytes
                .windows(secret.len())
                .any(|window| window == secret.as_bytes()),
            "{secret} is in the file"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_sealed_with_the_old_client_secret_is_a_miss() {
    use cxone::oauth::{AccessToken, SharedTokenCache, TokenKey};
    let folder = tempfile::tempdir().unwrap();
    let state = State::Sqlite(SqliteState::open(folder.path().join("state.sqlite")).unwrap());
    let key = TokenKey::new(
        &"https://x.example/oauth/token".parse().unwrap(),
        demo_secrets::CLIENT_ID,
        "a b",
    );
    let other = TokenKey::new(
        &"https://x.example/oauth/token".parse().unwrap(),
        demo_secrets::CLIENT_ID,
        "a b c",
    );
    let later = Timestamp::now() + jiff::SignedDuration::from_hours(1);
    let token = AccessToken::new(SecretString::from("abc"), later).unwrap();
    let before = backends::token_cache::StateTokens::new(
        state.clone(),
        secrets_of(&[("client_secret", "old")]),
    );
    before.store(&key, &token).await.unwrap();
    assert!(before.load(&key).await.unwrap().is_some());
    assert!(before.load(&other).await.unwrap().is_none());
    let after =
        backends::token_cache::StateTokens::new(state, secrets_of(&[("client_secret", "new")]));
    assert!(after.load(&key).await.unwrap().is_none());
    after.invalidate(&key, &token.fingerprint()).await.unwrap();
    assert!(
        before.load(&key).await.unwrap().is_some(),
        "what cannot be read is not one's own to remove"
    );
    before.invalidate(&key, &token.fingerprint()).await.unwrap();
    assert!(before.load(&key).await.unwrap().is_none());
}
