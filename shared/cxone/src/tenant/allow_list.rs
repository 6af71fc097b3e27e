//! Which hosts a token may be sent to.

use url::{Host, Url};

use crate::error::Error;

/// The domains of the contact center; a host may be one of them or lie below one.
const DOMAINS: &[&str] = &[
    "niceincontact.com",
    "nice-incontact.com",
    "nicecxone.com",
    "nicecxone-gov.com",
    "incontact.com",
    "incontact.eu",
];

/// The hosts that a wrong answer of the discovery cannot add to.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct AllowList {
    /// Further domains, in lower case.
    domains: Vec<String>,
    /// The origins that an operator has configured.
    configured: Vec<url::Origin>,
    /// Whether hosts of this machine are allowed, because the contact center itself is simulated on it.
    allows_this_machine: bool,
}

impl AllowList {
    /// Builds the list of NICE's domains, those of `domains`, and the configured URLs.
    ///
    /// If the issuer is on this machine, so is the contact center, and all its hosts may be.
    #[must_use]
    pub fn new(issuer: &Url, configured: &[&Url], domains: &[String]) -> Self {
        let domains = domains
            .iter()
            .map(|domain| domain.trim().trim_matches('.').to_ascii_lowercase())
            .filter(|domain| !domain.is_empty())
            .collect();
        let configured = configured.iter().copied().chain([issuer]);
        Self {
            domains,
            configured: configured.map(Url::origin).collect(),
            allows_this_machine: is_on_this_machine(issuer),
        }
    }

    /// Checks that a token may be sent to a URL; `origin` says what named it.
    ///
    /// # Errors
    /// [`Error::ForeignHost`] unless the URL was configured, or has a host of NICE, over `https`, at the usual port and without a
    /// user.
    pub fn check(&self, url: &Url, origin: &'static str) -> Result<(), Error> {
        if self.allows(url) {
            return Ok(());
        }
        Err(Error::ForeignHost {
            origin,
            host: url.host_str().unwrap_or("none").to_owned(),
        })
    }

    fn allows(&self, url: &Url) -> bool {
        if !url.username().is_empty() || url.password().is_some() {
            return false;
        }
        if self.configured.contains(&url.origin()) {
            return true;
        }
        // A simulated contact center never leads to a real one, and the other way round.
        if is_on_this_machine(url) || self.allows_this_machine {
            return is_on_this_machine(url) && self.allows_this_machine;
        }
        let Some(Host::Domain(host)) = url.host() else {
            return false;
        };
        let is_secure = matches!(url.scheme(), "https" | "wss") && url.port().is_none();
        let own = self.domains.iter().map(String::as_str);
        is_secure
            && DOMAINS
                .iter()
                .copied()
                .chain(own)
                .any(|domain| lies_in(host, domain))
    }
}

/// Returns whether a host is a domain or lies below it.
fn lies_in(host: &str, domain: &str) -> bool {
    host == domain
        || host
            .strip_suffix(domain)
            .is_some_and(|rest| rest.len() > 1 && rest.ends_with('.'))
}

/// Returns whether a URL leads to this machine.
pub(super) fn is_on_this_machine(url: &Url) -> bool {
    match url.host() {
        Some(Host::Domain(host)) => host == "localhost",
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn url(text: &str) -> Url {
        Url::parse(text).expect("a URL")
    }

    fn allows(list: &AllowList, text: &str) -> bool {
        list.check(&url(text), "the discovery").is_ok()
    }

    #[test]
    fn only_hosts_of_nice_get_a_token() {
        let list = AllowList::new(&url("https://cxone.niceincontact.com"), &[], &[]);
        for allowed in [
            "https://api-na1.niceincontact.com",
            "https://API-C52.Nice-Incontact.COM/",
            "https://api-de-na2.nicecxone-gov.com/dfo/3.0",
            "wss://eventhub-de-eu1.niceincontact.com",
            "https://niceincontact.com:443",
            "https://api-c71.incontact.eu",
        ] {
            assert!(allows(&list, allowed), "{allowed}");
        }
        for refused in [
            "http://api-na1.niceincontact.com",
            "https://api-na1.niceincontact.com:8443",
            "https://evilniceincontact.com",
            "https://niceincontact.com.evil.test",
            "https://api-na1.niceincontact.com@evil.test",
            "https://user@api-na1.niceincontact.com",
            "https://.niceincontact.com.",
            "https://10.0.0.1",
            "https://169.254.169.254",
            "http://localhost:8080",
            "http://127.0.0.1:1",
            "https://[::1]",
        ] {
            let Ok(parsed) = Url::parse(refused) else {
                continue;
            };
            assert!(list.check(&parsed, "the discovery").is_err(), "{refused}");
        }
    }

    #[test]
    fn what_an_operator_names_is_allowed_as_named() {
        let (issuer, api) = (
            url("https://sso.reseller.test"),
            url("https://api.reseller.test:8443"),
        );
        let list = AllowList::new(&issuer, &[&api], &[" Cloud.Reseller.test ".to_owned()]);
        for allowed in [
            "https://sso.reseller.test/auth",
            "https://api.reseller.test:8443/x",
            "https://api.cloud.reseller.test",
        ] {
            assert!(allows(&list, allowed), "{allowed}");
        }
        assert!(!allows(&list, "https://api.reseller.test"));
        assert!(!allows(&list, "https://cloud.reseller.test:1"));
    }

    #[test]
    fn this_machine_is_allowed_where_the_contact_center_is_on_it() {
        let list = AllowList::new(&url("http://127.0.0.1:9000"), &[], &[]);
        assert!(allows(&list, "http://127.0.0.1:9001/dfo/3.0"));
        assert!(allows(&list, "ws://localhost:9002"));
        assert!(!allows(&list, "http://10.0.0.1:9001"));
        assert!(!allows(&list, "https://api-na1.niceincontact.com"));
    }

    #[test]
    fn the_message_names_the_host_and_what_to_do() {
        let list = AllowList::new(&url("https://cxone.niceincontact.com"), &[], &[]);
        let error = list.check(&url("https://evil.test/path?token=x"), "the discovery");
        let message = error.expect_err("a foreign host").to_string();
        assert!(message.contains("`evil.test`") && message.contains("CXONE_TRUSTED_DOMAINS"));
        assert!(!message.contains("token=x"));
    }
}
