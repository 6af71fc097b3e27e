//! The clouds of NICE. Each has tenants, registered applications and access keys of its own, and knows nothing of the other's.

use url::Url;

/// A cloud of NICE.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Cloud {
    /// The cloud of most tenants.
    Commercial,
    /// The cloud of the authorities of the United States.
    FedRamp,
}

/// The areas of the commercial cloud.
const COMMERCIAL_AREAS: &[&str] = &["na1", "eu1", "au1", "uk1", "ca1", "jp1"];

/// The one area of the FedRAMP cloud.
pub(crate) const FEDRAMP_AREA: &str = "na2";

/// The domain of the digital part in the FedRAMP cloud.
pub(crate) const FEDRAMP_DOMAIN: &str = "nicecxone-gov.com";

impl Cloud {
    /// Returns the cloud whose tokens a URL gives; `None` for a host that is not one of NICE's issuers, such as a reseller's.
    pub(crate) fn of_issuer(url: &Url) -> Option<Self> {
        match url.host_str()? {
            "cxone.niceincontact.com" => Some(Self::Commercial),
            "cxone-gov.niceincontact.com" | "na2.niceincontact.com" => Some(Self::FedRamp),
            host => is_in_fedramp_domain(host).then_some(Self::FedRamp),
        }
    }

    /// Returns the cloud of a tenant with this area and this host of its API, as far as they tell.
    pub(crate) fn of_tenant(area: Option<&str>, api: Option<&Url>) -> Option<Self> {
        let api = api.and_then(Url::host_str).unwrap_or_default();
        if area == Some(FEDRAMP_AREA) || is_in_fedramp_domain(api) {
            return Some(Self::FedRamp);
        }
        let is_commercial = area.is_some_and(|area| COMMERCIAL_AREAS.contains(&area));
        is_commercial.then_some(Self::Commercial)
    }

    /// Returns what to do where this cloud does not know who asks, who may belong to the other one.
    pub(crate) fn advice_to_strangers(self) -> &'static str {
        match self {
            Self::Commercial => {
                "if the tenant is in the FedRAMP cloud, set CXONE_ISSUER to https://cxone-gov.niceincontact.com"
            }
            Self::FedRamp => {
                "if the tenant is in the commercial cloud, set CXONE_ISSUER to https://cxone.niceincontact.com"
            }
        }
    }
}

fn is_in_fedramp_domain(host: &str) -> bool {
    host.strip_suffix(FEDRAMP_DOMAIN)
        .is_some_and(|rest| rest.is_empty() || rest.ends_with('.'))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn url(text: &str) -> Url {
        Url::parse(text).expect("a URL")
    }

    #[test]
    fn issuers_tell_their_cloud_and_hosts_of_others_do_not() {
        for (issuer, expected) in [
            (
                "https://cxone.niceincontact.com/auth/token",
                Some(Cloud::Commercial),
            ),
            ("https://CXONE-GOV.niceincontact.com", Some(Cloud::FedRamp)),
            ("https://na2.niceincontact.com", Some(Cloud::FedRamp)),
            ("https://sso.nicecxone-gov.com", Some(Cloud::FedRamp)),
            ("https://evilnicecxone-gov.com", None),
            ("https://sso.reseller.test", None),
            ("http://127.0.0.1:9000", None),
        ] {
            assert_eq!(Cloud::of_issuer(&url(issuer)), expected, "{issuer}");
        }
    }

    #[test]
    fn an_area_or_a_host_tells_the_cloud_of_a_tenant() {
        let gov = url("https://api-na2.nicecxone-gov.com");
        assert_eq!(Cloud::of_tenant(None, Some(&gov)), Some(Cloud::FedRamp));
        assert_eq!(Cloud::of_tenant(Some("na2"), None), Some(Cloud::FedRamp));
        assert_eq!(Cloud::of_tenant(Some("eu1"), None), Some(Cloud::Commercial));
        assert_eq!(Cloud::of_tenant(Some("xx9"), None), None);
    }
}
