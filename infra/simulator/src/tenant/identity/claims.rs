//! The tokens of a simulated tenant: JSON Web Tokens with the claims of real ones, and a signature that nobody can check.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};

use crate::tenant::quirks::Quirk;
use crate::tenant::world::TenantWorld;

/// GUID of the service user.
const USER_ID: &str = "11eb0000-0000-4000-8000-000000000007";

/// Returns an access token of the service user.
pub(super) fn access_token(world: &TenantWorld, life: u64) -> String {
    let mut claims = common(world, life);
    let hosts = world.hosts();
    claims["iss"] = json!(hosts.auth);
    claims["role"] = json!({
        "legacyId": "Custom", "id": "11eb0000-0000-4000-8000-000000000008",
        "lastUpdateTime": 1_700_000_000_000_i64, "secondaryRoles": [],
    });
    if !world.has(Quirk::NoAreaClaim) {
        claims["area"] = json!(world.settings().area);
    }
    encode(&claims)
}

/// Returns an id token of the service user.
pub(super) fn id_token(world: &TenantWorld, life: u64) -> String {
    let mut claims = common(world, life);
    claims["iss"] = json!(world.hosts().issuer);
    claims["icAgentId"] = json!("690099");
    claims["userId"] = json!(USER_ID);
    claims["icDomain"] = json!(world.settings().domain);
    if !world.has(Quirk::NoAreaClaim) {
        claims["area"] = json!(world.settings().area);
    }
    encode(&claims)
}

fn common(world: &TenantWorld, life: u64) -> Value {
    let settings = world.settings();
    let now = world.clock.now().as_second();
    json!({
        "sub": format!("user:{USER_ID}"),
        "aud": settings.client_id,
        "tenantId": settings.tenant_id,
        "tenant": "simulated_tenant",
        "icBUId": settings.business_unit,
        "icClusterId": settings.cluster,
        "name": "service@example.com",
        "given_name": "Service",
        "family_name": "User",
        "iat": now,
        "exp": now + i64::try_from(life).unwrap_or(0),
    })
}

fn encode(claims: &Value) -> String {
    let part = |bytes: &[u8]| URL_SAFE_NO_PAD.encode(bytes);
    let header = json!({"alg": "RS256", "typ": "JWT", "kid": "simulator"}).to_string();
    let signature = uuid::Uuid::new_v4();
    format!(
        "{}.{}.{}",
        part(header.as_bytes()),
        part(claims.to_string().as_bytes()),
        part(signature.as_bytes())
    )
}
