//! Who may see the board by single sign-on, and by which name.

use insights_core::board::mark::{MAX_NAME_CHARS, clean_text};
use serde_json::{Map, Value};

/// Claims that name a person where the configured one is missing.
const OTHER_NAMES: [&str; 3] = ["preferred_username", "email", "sub"];

/// The people who may see the board.
#[derive(Debug, Clone, Default)]
pub(super) struct AllowedPeople {
    /// Claim that holds the name.
    pub(super) name_claim: String,
    /// Claim that holds the groups.
    pub(super) groups_claim: String,
    /// Groups of which a person must be in one; none asks for none.
    pub(super) groups: Vec<String>,
    /// Domains of which a person's proven e-mail address must have one; none asks for none.
    pub(super) domains: Vec<String>,
}

impl AllowedPeople {
    /// Returns the name of whoever a token claims to be, if that person may see the board.
    pub(super) fn name_of(&self, claims: &Map<String, Value>) -> Option<String> {
        // Nobody is let in by a list that is not there.
        let is_limited = !(self.groups.is_empty() && self.domains.is_empty());
        let is_allowed = is_limited && self.has_group(claims) && self.has_domain(claims);
        is_allowed.then(|| self.shown_name(claims)).flatten()
    }

    fn has_group(&self, claims: &Map<String, Value>) -> bool {
        let is_wanted = |group: &Value| {
            let group = group.as_str();
            group.is_some_and(|group| self.groups.iter().any(|wanted| wanted == group))
        };
        self.groups.is_empty()
            || match claims.get(&self.groups_claim) {
                Some(Value::Array(groups)) => groups.iter().any(is_wanted),
                Some(group) => is_wanted(group),
                None => false,
            }
    }

    fn has_domain(&self, claims: &Map<String, Value>) -> bool {
        // Some providers write the truth value as a text.
        let is_proven = match claims.get("email_verified") {
            Some(Value::Bool(is_proven)) => *is_proven,
            Some(Value::String(text)) => text == "true",
            _ => false,
        };
        let email = claims.get("email").and_then(Value::as_str);
        let domain = email.and_then(|email| email.rsplit_once('@'));
        self.domains.is_empty()
            || (is_proven
                && domain.is_some_and(|(_, domain)| {
                    let mut wanted = self.domains.iter();
                    wanted.any(|wanted| wanted.eq_ignore_ascii_case(domain))
                }))
    }

    fn shown_name(&self, claims: &Map<String, Value>) -> Option<String> {
        let wanted = [self.name_claim.as_str()].into_iter().chain(OTHER_NAMES);
        let mut names = wanted.filter_map(|claim| {
            let name = clean_text(claims.get(claim)?.as_str()?);
            let short: String = name.chars().take(MAX_NAME_CHARS).collect();
            Some(short.trim().to_owned()).filter(|name| !name.is_empty())
        });
        names.next()
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn name(people: &AllowedPeople, claims: &Value) -> Option<String> {
        people.name_of(claims.as_object().unwrap())
    }

    fn people(groups: &[&str], domains: &[&str]) -> AllowedPeople {
        let owned = |texts: &[&str]| texts.iter().map(|text| (*text).to_owned()).collect();
        AllowedPeople {
            name_claim: "name".to_owned(),
            groups_claim: "groups".to_owned(),
            groups: owned(groups),
            domains: owned(domains),
        }
    }

    #[test]
    fn only_whom_every_list_names_is_let_in() {
        let groups = people(&["floor", "leads"], &[]);
        let ada = |groups: Value| json!({"sub": "1", "name": "Ada", "groups": groups});
        assert_eq!(
            name(&groups, &ada(json!(["x", "leads"]))).as_deref(),
            Some("Ada")
        );
        assert_eq!(name(&groups, &ada(json!("floor"))).as_deref(), Some("Ada"));
        for other in [
            json!([]),
            json!(["Floor"]),
            json!(["floor "]),
            json!(7),
            Value::Null,
        ] {
            assert_eq!(name(&groups, &ada(other.clone())), None, "{other}");
        }
        let domain = people(&[], &["example.com"]);
        let mail = |email: &str, verified: Value| json!({"sub": "1", "email": email, "email_verified": verified});
        assert!(name(&domain, &mail("ada@Example.com", json!(true))).is_some());
        assert!(name(&domain, &mail("ada@example.com", json!("true"))).is_some());
        for (email, verified) in [
            ("ada@example.com", json!(false)),
            ("ada@example.com", Value::Null),
            ("ada@evil-example.com", json!(true)),
            ("ada@example.com@evil.com", json!(true)),
            ("ada@sub.example.com", json!(true)),
            ("example.com", json!(true)),
        ] {
            assert_eq!(name(&domain, &mail(email, verified)), None, "{email}");
        }
        let both = people(&["floor"], &["example.com"]);
        assert_eq!(name(&both, &ada(json!(["floor"]))), None);
        assert_eq!(name(&people(&[], &[]), &ada(json!(["floor"]))), None);
    }

    #[test]
    fn a_name_is_clean_and_short_and_there_is_always_one() {
        let people = people(&["floor"], &[]);
        let with = |name: &str| json!({"sub": "s-1", "preferred_username": "ada", "groups": "floor", "name": name});
        assert_eq!(
            name(&people, &with(" A\u{202e}da\u{1b} ")).as_deref(),
            Some("Ada")
        );
        assert_eq!(name(&people, &with(" \u{7}")).as_deref(), Some("ada"));
        let long = name(&people, &with(&"é".repeat(500))).unwrap();
        assert_eq!(long.chars().count(), MAX_NAME_CHARS);
        let bare = json!({"sub": "s-1", "groups": ["floor"]});
        assert_eq!(name(&people, &bare).as_deref(), Some("s-1"));
    }
}
