//! What a finding may quote.

use std::collections::BTreeSet;

use insights_http::Answer;
use serde_json::Value;

use super::super::hosts::TenantHosts;
use crate::endpoints::{ClientAuthentication, Grant};
use crate::error::Error;

/// Largest number of member names that a finding quotes.
const MAX_NAMES: usize = 40;

/// Returns an error as its sentence, which never holds a secret, a text or a name.
pub(super) fn of_error(error: &Error) -> String {
    insights_core::WithCauses(error).to_string()
}

/// Returns how the token was asked for.
pub(super) fn of_grant(grant: Grant) -> &'static str {
    match grant {
        Grant::Password(ClientAuthentication::Basic) => "access key and application, basic",
        Grant::Password(ClientAuthentication::Post) => "access key and application, post",
        Grant::AccessKey => "access key alone",
        Grant::ClientCredentials => "application alone",
    }
}

/// Returns the hosts, which name the area and the cluster and no tenant.
pub(super) fn of_hosts(hosts: &TenantHosts) -> String {
    let host = |url: &url::Url| url.host_str().unwrap_or("none").to_owned();
    let hub = hosts
        .event_hub
        .as_ref()
        .map_or_else(|| "asked for".to_owned(), host);
    format!(
        "API {}, digital {}, event hub {hub}",
        host(&hosts.api),
        host(&hosts.digital)
    )
}

/// Returns the names of an object's members, as far as they are plain words.
pub(super) fn member_names(value: &Value) -> String {
    let Value::Object(members) = value else {
        return "no object".to_owned();
    };
    let plain = |name: &&String| {
        (1..=40).contains(&name.len())
            && name.starts_with(|c: char| c.is_ascii_alphabetic())
            && name
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
    };
    let names: BTreeSet<&String> = members.keys().filter(plain).collect();
    if names.is_empty() {
        return "no members".to_owned();
    }
    let names: Vec<_> = names
        .into_iter()
        .take(MAX_NAMES)
        .map(String::as_str)
        .collect();
    names.join(" ")
}

/// Returns the body of an answer as JSON; null where it is none.
pub(super) fn body_of(answer: &Answer) -> Value {
    insights_core::lenient_json::from_slice(&answer.body).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn only_names_of_members_that_are_plain_words_are_quoted() {
        let value = json!({
            "agentName": "Ada", "contact_id": 1, "a": 0, "x2": 0, "": 0, "2x": 0, "_x": 0, "Ada Example": 0,
            "ada@example.com": 0, "naïve": 0, ("l".repeat(40)): 0, ("l".repeat(41)): 0,
        });
        assert_eq!(
            member_names(&value),
            format!("a agentName contact_id {} x2", "l".repeat(40))
        );
        assert_eq!(member_names(&json!({"Ada Example": 0})), "no members");
        assert_eq!(member_names(&json!([1])), "no object");
    }

    #[test]
    fn no_more_names_are_quoted_than_fit_a_line() {
        let value: Value = (0..60).map(|n| (format!("n{n:02}"), json!(0))).collect();
        let names = member_names(&value);
        assert_eq!(names.split(' ').count(), MAX_NAMES);
        assert!(names.starts_with("n00 n01 ") && names.ends_with(" n39"));
    }
}
