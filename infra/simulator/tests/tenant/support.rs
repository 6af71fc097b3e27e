//! A running tenant with a client that has a token.

use cxone_simulator::tenant::{Quirks, TenantHandle, TenantSettings};
use cxone_simulator::{Conversations, Scenario, TenantSimulator, demo_secrets};
use insights_http::client::{IdleConnections, build_client};
use serde_json::{Value, json};

/// A tenant, and a client that calls it.
pub(crate) struct Tenant {
    pub(crate) handle: TenantHandle,
    pub(crate) client: reqwest::Client,
    pub(crate) token: String,
}

/// Starts a tenant with these quirks, 60 conversations a working day and nothing else.
pub(crate) async fn tenant(quirks: Quirks) -> Tenant {
    tenant_with(quirks, |_| ()).await
}

/// Starts a tenant whose scenario is changed before.
pub(crate) async fn tenant_with(quirks: Quirks, change: impl FnOnce(&mut Scenario)) -> Tenant {
    let mut scenario = Scenario {
        conversations: Conversations {
            per_day: 60,
            ..Conversations::default()
        },
        tenant: TenantSettings {
            quirks,
            ..TenantSettings::default()
        },
        ..Scenario::default()
    };
    change(&mut scenario);
    let handle = TenantSimulator::start(scenario).await.unwrap();
    let mut tenant = Tenant {
        handle,
        client: build_client(IdleConnections::Keep).unwrap(),
        token: String::new(),
    };
    tenant.log_in().await;
    tenant
}

impl Tenant {
    /// Gets a token for the access key.
    pub(crate) async fn log_in(&mut self) {
        let url = format!(
            "{}/authentication/v1/token/access-key",
            self.handle.hosts().auth
        );
        let keys = json!({"accessKeyId": demo_secrets::ACCESS_KEY_ID, "accessKeySecret": demo_secrets::ACCESS_KEY_SECRET});
        let answer = self.client.post(url).json(&keys).send().await.unwrap();
        let mut answer: Value = answer.json().await.unwrap();
        if answer.is_array() {
            answer = answer[0].take();
        }
        self.token = answer["access_token"].as_str().unwrap().to_owned();
    }

    /// Returns status and body of a `GET` with the token; a body that is not JSON is a text.
    pub(crate) async fn get(&self, url: &str) -> (u16, Value) {
        let request = self.client.get(url).header("accept", "application/json");
        self.send(request).await
    }

    /// Returns status and body of a `POST` of JSON with the token.
    pub(crate) async fn post(&self, url: &str, body: Value) -> (u16, Value) {
        let request = self.client.post(url).header("accept", "application/json");
        self.send(request.json(&body)).await
    }

    /// Returns status and body of a `PUT` of JSON with the token.
    pub(crate) async fn put(&self, url: &str, body: Value) -> (u16, Value) {
        self.send(self.client.put(url).json(&body)).await
    }

    /// Sends a request with the token.
    pub(crate) async fn send(&self, request: reqwest::RequestBuilder) -> (u16, Value) {
        let answer = request.bearer_auth(&self.token).send().await.unwrap();
        let status = answer.status().as_u16();
        let text = answer.text().await.unwrap();
        let body = serde_json::from_str(&text).unwrap_or(Value::String(text));
        (status, body)
    }

    /// Returns the URL of a contact list of version 31.
    pub(crate) fn acd(&self, path: &str) -> String {
        format!(
            "{}/incontactapi/services/v31.0/{path}",
            self.handle.hosts().api
        )
    }

    /// Returns the URL of the segment feed and its transcripts.
    pub(crate) fn segments(&self, path: &str) -> String {
        format!(
            "{}/interaction-analytics-gateway/v2/segments/{path}",
            self.handle.hosts().api
        )
    }

    /// Returns a URL of the digital API on its own host.
    pub(crate) fn digital(&self, path: &str) -> String {
        format!("{}/dfo/3.0/{path}", self.handle.hosts().digital)
    }

    /// Returns the completed contacts of the last 30 days.
    pub(crate) async fn completed(&self) -> Vec<Value> {
        let from = jiff::Timestamp::now() - jiff::SignedDuration::from_hours(30 * 24);
        let from = from.strftime("%Y-%m-%dT%H:%M:%SZ");
        let (status, list) = self
            .get(&self.acd(&format!("contacts/completed?startDate={from}&top=10000")))
            .await;
        assert_eq!(status, 200, "{list}");
        list["completedContacts"].as_array().unwrap().clone()
    }
}

/// Returns the list of an answer under a name.
pub(crate) fn rows<'a>(answer: &'a Value, name: &str) -> &'a [Value] {
    answer[name]
        .as_array()
        .map(Vec::as_slice)
        .unwrap_or_default()
}
