//! What a token says about its tenant and user.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use secrecy::ExposeSecret;
use serde::Deserialize;

use super::scalars::Text;
use crate::oauth::AccessToken;

/// The claims of an access token, as far as it has them. The signature is not verified: the token came from the issuer itself.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Claims {
    /// The id of the tenant.
    pub tenant_id: Option<String>,
    /// The area of the tenant, such as `na1`; tokens of before 2022 have none.
    pub area: Option<String>,
    /// The cluster of the tenant, such as `C52`.
    pub cluster: Option<String>,
    /// The number of the business unit.
    pub business_unit: Option<String>,
    /// The id of the user.
    pub user_id: Option<String>,
    /// The id of the user as an agent; most access tokens have none.
    pub agent_id: Option<String>,
}

#[derive(Deserialize)]
struct WireClaims {
    #[serde(rename = "tenantId")]
    tenant_id: Option<Text>,
    area: Option<Text>,
    #[serde(rename = "icClusterId")]
    cluster: Option<Text>,
    #[serde(rename = "icBUId")]
    business_unit: Option<Text>,
    #[serde(rename = "userId")]
    user_id: Option<Text>,
    sub: Option<Text>,
    #[serde(rename = "icAgentId")]
    agent_id: Option<Text>,
}

impl Claims {
    /// Reads the claims of a token; a token of another form has none.
    #[must_use]
    pub fn of(token: &AccessToken) -> Self {
        let token = token.secret().expose_secret();
        let payload = token.split('.').nth(1).unwrap_or_default();
        let Ok(payload) = URL_SAFE_NO_PAD.decode(payload.trim_end_matches('=')) else {
            return Self::default();
        };
        let Ok(claims) = insights_core::lenient_json::from_slice::<WireClaims>(&payload) else {
            return Self::default();
        };
        let text = |claim: Option<Text>| claim.and_then(Text::into_plain_id);
        let subject = text(claims.sub);
        let of_subject = subject.map(|sub| sub.strip_prefix("user:").unwrap_or(&sub).to_owned());
        Self {
            tenant_id: text(claims.tenant_id),
            area: text(claims.area).map(|area| area.to_ascii_lowercase()),
            cluster: text(claims.cluster),
            business_unit: text(claims.business_unit),
            user_id: text(claims.user_id).or(of_subject),
            agent_id: text(claims.agent_id),
        }
    }
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;
    use secrecy::SecretString;

    use super::*;

    fn claims(token: &str) -> Claims {
        let token = AccessToken::new(SecretString::from(token), Timestamp::UNIX_EPOCH);
        Claims::of(&token.expect("a token"))
    }

    fn of_payload(payload: &str) -> Claims {
        claims(&format!("e30.{}.c2ln", URL_SAFE_NO_PAD.encode(payload)))
    }

    #[test]
    fn numbers_and_texts_are_read_alike() {
        let found = of_payload(
            r#"{"tenantId": "11eb-aa", "icBUId": -4600001, "icClusterId": "C52", "area": "NA1", "sub": "user:42", "icAgentId": 7}"#,
        );
        assert_eq!(found.tenant_id.as_deref(), Some("11eb-aa"));
        assert_eq!(found.business_unit.as_deref(), Some("-4600001"));
        assert_eq!(
            (found.area.as_deref(), found.cluster.as_deref()),
            (Some("na1"), Some("C52"))
        );
        assert_eq!(
            (found.user_id.as_deref(), found.agent_id.as_deref()),
            (Some("42"), Some("7"))
        );
        let old = of_payload(r#"{"tenantId": "11eb-aa", "userId": "9", "sub": "user:42"}"#);
        assert_eq!((old.area, old.user_id.as_deref()), (None, Some("9")));
    }

    #[test]
    fn what_is_no_claim_is_none() {
        for token in ["opaque", "a.b.c", "e30.!!!.x"] {
            assert_eq!(claims(token), Claims::default(), "{token}");
        }
        for payload in ["[]", "{", r#"{"tenantId": {"a": 1}, "area": "na1/../x"}"#] {
            assert_eq!(of_payload(payload), Claims::default(), "{payload}");
        }
    }
}
