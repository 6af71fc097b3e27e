//! The settings of the function, read once at start.

use std::time::Duration;

use backends::settings::{
    CallerSecretSettings, ContactCenterSecretSettings, CxoneSettings, ShardSettings, StateSettings,
};
use runtime::settings::{group, millis, number, text, url};
use url::Url;

/// What a list of names may be.
const NAMES_FORM: &str = "names separated by commas";
/// What a list of domains may be.
const DOMAINS_FORM: &str = "domains separated by commas";

/// Reads a list whose entries are separated by commas.
fn parse_list(text: &str) -> Vec<String> {
    let entries = text.split(',').map(str::trim);
    entries
        .filter(|entry| !entry.is_empty())
        .map(str::to_owned)
        .collect()
}

fn parse_domains(text: &str) -> Result<Vec<String>, String> {
    let domains = parse_list(text);
    let is_domain = |domain: &String| {
        let mut bytes = domain.bytes();
        domain.contains('.')
            && bytes.all(|byte| byte.is_ascii_alphanumeric() || b"-.".contains(&byte))
    };
    let are_domains = domains.iter().all(is_domain);
    are_domains
        .then_some(domains)
        .ok_or_else(|| DOMAINS_FORM.to_owned())
}

runtime::settings! {
    /// The login of supervisors at an OpenID provider.
    #[derive(Debug, Clone)]
    pub struct SignOnSettings {
        /// Issuer of an OpenID provider at which supervisors may log in. It needs the client, the redirect URL, groups or domains, and
        /// `board_oidc_client_secret` in the callers' secret.
        pub issuer: Option<Url> = url("BOARD_OIDC_ISSUER").otherwise("no single sign-on"),
        /// Name of this application at the provider.
        pub client_id: Option<String> = text("BOARD_OIDC_CLIENT_ID", "the identifier that the provider gave").otherwise("none"),
        /// Address to which the provider sends the browser back: that of the board and `/sign-on-return`.
        pub redirect_url: Option<Url> = url("BOARD_OIDC_REDIRECT_URL").otherwise("none"),
        /// What is asked of the provider.
        pub scopes: String = text("BOARD_OIDC_SCOPES", "scopes separated by spaces").or("openid profile email"),
        /// Claim that holds the name which others see.
        pub name_claim: String = text("BOARD_OIDC_NAME_CLAIM", "the name of a claim").or("name"),
        /// Claim that holds a person's groups.
        pub groups_claim: String = text("BOARD_OIDC_GROUPS_CLAIM", "the name of a claim").or("groups"),
        /// Groups of which a person must be in one.
        pub groups: Option<Vec<String>> = text("BOARD_OIDC_GROUPS", NAMES_FORM).parse(|text| Ok(parse_list(text))).otherwise("any group"),
        /// Domains of which a person's proven e-mail address must have one.
        pub domains: Option<Vec<String>> = text("BOARD_OIDC_DOMAINS", DOMAINS_FORM).parse(parse_domains).otherwise("any domain"),
    }
}

runtime::settings! {
    /// The configuration of the supervisor board.
    #[derive(Debug, Clone)]
    pub struct Config {
        /// The secret that proves supervisors.
        pub callers: CallerSecretSettings = group::<CallerSecretSettings>(),
        /// The secret with the credentials for the contact center, from which transcripts are read through.
        pub contact_center: ContactCenterSecretSettings = group::<ContactCenterSecretSettings>(),
        /// The state store with the rows of the board.
        pub state: StateSettings = group::<StateSettings>(),
        /// How the contact center is reached.
        pub cxone: CxoneSettings = group::<CxoneSettings>(),
        /// The lists of live calls, whose rows the board reads.
        pub shards: ShardSettings = group::<ShardSettings>(),
        /// The login at an OpenID provider.
        pub sign_on: SignOnSettings = group::<SignOnSettings>(),
        /// Shortest time between two reads of the rows; all open boards of a process share them.
        pub refresh: Duration = millis("BOARD_REFRESH_MS", 1000, 200..=60_000),
        /// Time after which a browser asks again, where a reply cannot stay open.
        pub retry: Duration = millis("BOARD_RETRY_MS", 2000, 500..=60_000),
        /// How long a supervisor stays logged in.
        pub session_hours: u32 = number("BOARD_SESSION_HOURS", 10, 1..=72, "hours"),
        /// How long it is kept who acknowledged, snoozed or called wrong which alert, for the replay of rules.
        pub mark_retention_days: u32 = number("BOARD_MARK_RETENTION_DAYS", 90, 1..=730, "days"),
    }
}
