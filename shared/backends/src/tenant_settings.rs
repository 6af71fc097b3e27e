//! The settings of the profile `cxone`: how the API of a NICE CXone tenant is called.

use runtime::config::ConfigError;
use runtime::settings::{choice, number, text, url};
use url::Url;

/// Which API the contact center has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Profile {
    /// The API that published tutorials describe.
    #[default]
    Tutorial,
    /// The API of a NICE CXone tenant.
    Cxone,
}

/// How tokens of a tenant are asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TenantGrant {
    /// A registered application asks in the name of a user with an access key.
    Password,
    /// A user's access key is enough.
    AccessKey,
}

/// The kinds of conversations that are read from a tenant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MediaTypes {
    /// Whether analyzed segments are read, which are calls and what else the tenant has analyzed.
    pub voice: bool,
    /// Whether digital contacts are read.
    pub digital: bool,
}

impl MediaTypes {
    /// What the setting may be.
    const FORM: &str = "voice, digital, or both separated by a comma";
    /// What holds where the setting is not set.
    const DEFAULT: &str = "voice,digital";

    fn parse(text: &str) -> Result<Self, String> {
        let mut media = Self {
            voice: false,
            digital: false,
        };
        for name in text.split(',').map(str::trim) {
            match name.to_ascii_lowercase().as_str() {
                "voice" => media.voice = true,
                "digital" => media.digital = true,
                _ => return Err(Self::FORM.to_owned()),
            }
        }
        Ok(media)
    }
}

impl Default for MediaTypes {
    fn default() -> Self {
        Self {
            voice: true,
            digital: true,
        }
    }
}

/// Where the digital part of a tenant is.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum DigitalHost {
    /// The usual host of the tenant's area.
    #[default]
    Auto,
    /// The host of the tenant's API.
    Api,
    /// The digital part is at this URL.
    Url(Url),
}

impl DigitalHost {
    /// What the setting may be.
    const FORM: &str = "auto, api, or an https URL";

    fn parse(text: &str) -> Result<Self, String> {
        match text.trim().to_ascii_lowercase().as_str() {
            "auto" => Ok(Self::Auto),
            "api" => Ok(Self::Api),
            _ => runtime::config::Env::from_pairs([("URL", text)])
                .url("URL")
                .ok()
                .flatten()
                .map(Self::Url)
                .ok_or_else(|| Self::FORM.to_owned()),
        }
    }
}

/// What an identifier in the settings may be.
const ID_FORM: &str = "letters, digits, `-` and `_`";

/// Checks an identifier that becomes part of a URL or of a request.
fn parse_id(text: &str) -> Result<String, String> {
    let text = text.trim();
    let is_plain = (1..=100).contains(&text.len())
        && text
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte));
    if is_plain {
        Ok(text.to_owned())
    } else {
        Err(ID_FORM.to_owned())
    }
}

/// Reads domains separated by commas.
fn parse_domains(text: &str) -> Result<Vec<String>, String> {
    let domains = text.split(',').map(str::trim).filter(|it| !it.is_empty());
    domains
        .map(|domain| {
            let is_domain = domain.contains('.')
                && domain
                    .bytes()
                    .all(|byte| byte.is_ascii_alphanumeric() || b"-.".contains(&byte));
            is_domain
                .then(|| domain.to_owned())
                .ok_or_else(|| DOMAINS_FORM.to_owned())
        })
        .collect()
}

/// What the URL of a WebSocket may be.
const SOCKET_URL_FORM: &str = "a wss URL";

/// Reads the URL of a WebSocket; one without TLS must lead to this machine.
fn parse_socket_url(text: &str) -> Result<Url, String> {
    let url = Url::parse(text.trim()).map_err(|_| SOCKET_URL_FORM.to_owned())?;
    let is_local = matches!(url.host_str(), Some("127.0.0.1" | "localhost" | "[::1]"));
    let is_allowed = url.scheme() == "wss" || (url.scheme() == "ws" && is_local);
    if is_allowed && url.username().is_empty() && url.password().is_none() {
        Ok(url)
    } else {
        Err(SOCKET_URL_FORM.to_owned())
    }
}

/// What the setting of trusted domains may be.
const DOMAINS_FORM: &str = "domains separated by commas, such as example.com";

runtime::settings! {
    /// The tenant that a function calls in the profile `cxone`.
    #[derive(Debug, Clone)]
    pub struct TenantSettings {
        /// Issuer of the tenant's cloud, which gives tokens and names the tenant's hosts. A FedRAMP tenant needs
        /// `https://cxone-gov.niceincontact.com`.
        pub issuer: Option<Url> = url("CXONE_ISSUER").otherwise("https://cxone.niceincontact.com"),
        /// Id of the tenant.
        pub tenant_id: Option<String> = text("CXONE_TENANT_ID", ID_FORM).parse(parse_id).otherwise("the tenant of the access key"),
        /// How tokens are asked for: `password` with a registered application and an access key, `access_key` with an access key
        /// alone.
        pub grant: TenantGrant = choice("CXONE_AUTH", &[("password", TenantGrant::Password), ("access_key", TenantGrant::AccessKey)]),
        /// How the registered application proves itself: `basic` by a header, `post` by fields of the form. It must be what the
        /// application was registered for.
        pub sends_client_in_form: bool = choice("CXONE_CLIENT_AUTH", &[("basic", false), ("post", true)]),
        /// Version of the contact API; `doctor` lists the versions that the tenant has.
        pub contact_api_version: u32 = number("CXONE_ACD_VERSION", 31, 13..=99, "version"),
        /// Host of the digital part: `auto` for the usual one of the tenant's area, `api` for the host of the API, or a URL.
        pub digital: Option<DigitalHost> = text("CXONE_DIGITAL_URL", DigitalHost::FORM).parse(DigitalHost::parse).otherwise("auto"),
        /// Whether the event hub tells of messages in digital contacts, beside the polls. NICE does not support it for servers.
        pub event_hub: bool = choice("CXONE_EVENT_HUB", &[("off", false), ("on", true)]),
        /// URL of the event hub.
        pub event_hub_url: Option<Url> = text("CXONE_EVENT_HUB_URL", SOCKET_URL_FORM).parse(parse_socket_url).otherwise("the one that the tenant names"),
        /// URL of the socket of `CXONE_VOICE_NOTIFICATIONS`.
        pub notifications_url: Option<Url> = text("CXONE_VOICE_NOTIFICATIONS_URL", SOCKET_URL_FORM).parse(parse_socket_url).otherwise("the usual one of the tenant's area; none is known in the FedRAMP cloud"),
        /// Domains beside NICE's own that the token may be sent to, for resellers with hosts of their own.
        pub trusted_domains: Option<Vec<String>> = text("CXONE_TRUSTED_DOMAINS", DOMAINS_FORM).parse(parse_domains).otherwise("NICE's own alone"),
        /// Kinds of conversations that are read: `voice` for what Interaction Analytics has analyzed, `digital` for digital
        /// contacts.
        pub media_types: MediaTypes = text("CXONE_MEDIA_TYPES", MediaTypes::FORM)
            .parse(MediaTypes::parse)
            .otherwise(MediaTypes::DEFAULT)
            .map(Option::unwrap_or_default),
        /// Largest number of requests to Interaction Analytics in a second, over all functions together.
        pub analytics_rate: u32 = number("CXONE_ANALYTICS_REQUESTS_PER_SECOND", 5, 1..=100, "requests/s"),
        /// Largest number of requests to the contact API in a second, over all functions together.
        pub contacts_rate: u32 = number("CXONE_ACD_REQUESTS_PER_SECOND", 5, 1..=100, "requests/s"),
        /// Largest number of requests to the digital part in a second, over all functions together. NICE allows 33 to a tenant,
        /// for all of its tools.
        pub digital_rate: u32 = number("CXONE_DIGITAL_REQUESTS_PER_SECOND", 10, 1..=100, "requests/s"),
    }
}

impl TenantSettings {
    /// Returns the issuer, which is the commercial cloud's where none is set.
    ///
    /// # Errors
    /// Never; the default is a URL.
    pub fn issuer(&self) -> Result<Url, ConfigError> {
        const DEFAULT: &str = "https://cxone.niceincontact.com";
        match &self.issuer {
            Some(url) => Ok(url.clone()),
            None => Url::parse(DEFAULT)
                .map_err(|_| ConfigError::invalid("CXONE_ISSUER", DEFAULT, "a URL")),
        }
    }
}

#[cfg(test)]
mod tests {
    use runtime::config::Env;

    use super::*;

    fn read(name: &str, value: &str) -> Result<TenantSettings, ConfigError> {
        TenantSettings::from_env(&Env::from_pairs([(name, value)]))
    }

    #[test]
    fn each_setting_is_read_or_refused_by_name() {
        let digital = |value| read("CXONE_DIGITAL_URL", value).map(|it| it.digital);
        assert_eq!(digital("API"), Ok(Some(DigitalHost::Api)));
        assert!(matches!(
            digital("https://api-de-na1.niceincontact.com"),
            Ok(Some(DigitalHost::Url(_)))
        ));
        let media = read("CXONE_MEDIA_TYPES", " Digital ")
            .expect("one medium")
            .media_types;
        assert!(media.digital && !media.voice);
        for (name, value) in [
            ("CXONE_DIGITAL_URL", "ftp://x"),
            ("CXONE_MEDIA_TYPES", "fax"),
            ("CXONE_TENANT_ID", "a/b"),
            ("CXONE_TRUSTED_DOMAINS", "localhost"),
            ("CXONE_AUTH", "oauth"),
            ("CXONE_ACD_VERSION", "31.0"),
            ("CXONE_EVENT_HUB_URL", "ws://hub.example.com"),
            (
                "CXONE_VOICE_NOTIFICATIONS_URL",
                "https://socket.example.com",
            ),
        ] {
            let message = read(name, value).expect_err(value).to_string();
            assert!(message.starts_with(name), "{message}");
        }
    }

    #[test]
    fn the_defaults_are_the_commercial_cloud_and_all_media() {
        let settings = TenantSettings::from_env(&Env::default()).expect("defaults");
        assert_eq!(
            settings.issuer().map(|url| url.to_string()),
            Ok("https://cxone.niceincontact.com/".to_owned())
        );
        assert_eq!(settings.media_types, MediaTypes::default());
        assert_eq!(settings.grant, TenantGrant::Password);
    }
}
