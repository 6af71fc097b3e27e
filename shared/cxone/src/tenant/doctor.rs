//! What a tenant allows: read-only checks, each with one line that can be pasted into an issue.
//!
//! A [`Finding`] names the check, what came of it, the evidence, and what to do. The evidence is a status, the names of members,
//! or a figure: never a value that is somebody's, a text or a secret.

mod analytics;
mod contacts;
mod digital;
mod evidence;

use std::time::Duration;

use insights_http::{Deadline, Error as HttpError};

use super::claims::Claims;
use super::client::TenantClient;
use crate::cloud::Cloud;
use crate::error::Error;

/// Longest time of one check, tries included.
const CHECK_TIMEOUT: Duration = Duration::from_secs(30);

/// What came of a check.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// What was checked works.
    Ok,
    /// The service user or the application lacks a right.
    MissingPermission,
    /// The tenant has not licensed the product.
    NotLicensed,
    /// The check failed in another way, or there was nothing to check with.
    Unknown,
}

impl Verdict {
    /// Returns the verdict in the words of the output.
    #[must_use]
    pub fn words(self) -> &'static str {
        match self {
            Self::Ok => "OK",
            Self::MissingPermission => "missing permission",
            Self::NotLicensed => "not licensed",
            Self::Unknown => "unknown",
        }
    }
}

/// The result of one check.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// The name of what was checked.
    pub check: &'static str,
    /// What came of it.
    pub verdict: Verdict,
    /// What the verdict rests on.
    pub evidence: String,
    /// What to do about it; empty where nothing is to be done.
    pub advice: String,
    /// Whether the product works at all without what was checked.
    pub is_needed: bool,
}

impl Finding {
    /// Builds the finding of a check that succeeded.
    pub(super) fn ok(check: &'static str, evidence: impl Into<String>) -> Self {
        Self {
            check,
            verdict: Verdict::Ok,
            evidence: evidence.into(),
            advice: String::new(),
            is_needed: false,
        }
    }

    /// Builds the finding of a check that had nothing to check with.
    pub(super) fn unknown(check: &'static str, evidence: impl Into<String>) -> Self {
        Self {
            verdict: Verdict::Unknown,
            ..Self::ok(check, evidence)
        }
    }

    /// Builds the finding of a check that failed.
    pub(super) fn failed(check: &'static str, error: &Error) -> Self {
        let verdict = match error {
            Error::MissingPermission { .. } | Error::MissingScope { .. } => {
                Verdict::MissingPermission
            }
            Error::NotLicensed { .. } => Verdict::NotLicensed,
            _ => Verdict::Unknown,
        };
        Self {
            verdict,
            evidence: evidence::of_error(error),
            advice: advice(error),
            ..Self::ok(check, String::new())
        }
    }

    /// Returns the same finding with what to do.
    #[must_use]
    pub(super) fn advising(mut self, advice: impl Into<String>) -> Self {
        self.advice = advice.into();
        self
    }

    /// Returns the same finding of a check without which nothing works.
    #[must_use]
    fn needed(mut self) -> Self {
        self.is_needed = true;
        self
    }
}

impl std::fmt::Display for Finding {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let verdict = self.verdict.words();
        write!(f, "{verdict:<18}  {:<28}  {}", self.check, self.evidence)?;
        if !self.advice.is_empty() {
            write!(f, "; {}", self.advice)?;
        }
        Ok(())
    }
}

/// Returns what to do about a failed check.
fn advice(error: &Error) -> String {
    match error {
        Error::Http(HttpError::Unauthorized { .. }) => {
            "the token is good elsewhere and refused here: ask NICE to grant the application this API".to_owned()
        }
        Error::Http(HttpError::NotFound { .. }) => {
            "the path is not there: check CXONE_ACD_VERSION and CXONE_DIGITAL_URL".to_owned()
        }
        Error::Http(HttpError::RateLimited { .. }) => {
            "other tools of the tenant use up the limit: try again later, or lower CXONE_*_REQUESTS_PER_SECOND".to_owned()
        }
        error if error.is_retryable() => "try again later".to_owned(),
        Error::Refused { .. } | Error::Http(_) => "report this line".to_owned(),
        // The other errors say what to do in their own sentence, which the evidence is.
        _ => String::new(),
    }
}

/// Makes all checks, one after the other, and passes each finding on as soon as it is known. Where no token is given, the checks
/// that need one are left out.
pub async fn examine(client: &TenantClient, mut report: impl FnMut(Finding)) {
    let claims = match client.claims(deadline()).await {
        Ok(claims) => {
            let grant = evidence::of_grant(client.options().grant);
            report(Finding::ok("token", grant).needed());
            claims
        }
        Err(error) => {
            report(no_token(client, &error).needed());
            report(live_voice());
            return;
        }
    };
    report(tenant_of(&claims));
    match client.hosts(deadline()).await {
        Ok(hosts) if hosts.is_guess => report(
            Finding::unknown(
                "hosts",
                "the discovery is away; the usual hosts of the area are used",
            )
            .advising("try again later, or name the tenant's API in CXONE_BASE_URL"),
        ),
        Ok(hosts) => report(Finding::ok("hosts", evidence::of_hosts(&hosts)).needed()),
        Err(error) => {
            report(Finding::failed("hosts", &error).needed());
            report(live_voice());
            return;
        }
    }
    contacts::examine(client, &mut report).await;
    analytics::examine(client, &mut report).await;
    digital::examine(client, &mut report).await;
    report(live_voice());
}

/// Returns the finding of a token that was not given. A refusal says in its own sentence what to do.
fn no_token(client: &TenantClient, error: &Error) -> Finding {
    let finding = Finding::failed("token", error);
    let cloud = Cloud::of_issuer(&client.options().issuer);
    match cloud.filter(|_| error.is_retryable()) {
        Some(cloud) => {
            let reach = "check that this machine may reach the host of CXONE_ISSUER over HTTPS";
            finding.advising(format!(
                "try again later; {reach}; {}",
                cloud.advice_to_strangers()
            ))
        }
        None => finding,
    }
}

/// Returns which claims the token has.
fn tenant_of(claims: &Claims) -> Finding {
    let has = [
        ("tenantId", claims.tenant_id.is_some()),
        ("area", claims.area.is_some()),
        ("icClusterId", claims.cluster.is_some()),
        ("icBUId", claims.business_unit.is_some()),
        ("user", claims.user_id.is_some()),
    ];
    let found: Vec<_> = has
        .iter()
        .filter(|(_, has)| *has)
        .map(|(name, _)| *name)
        .collect();
    if claims.tenant_id.is_some() {
        return Finding::ok("claims", format!("the token has {}", found.join(", ")));
    }
    Finding::unknown("claims", "the token names no tenant").advising("set CXONE_TENANT_ID")
}

/// Says what no check can change.
fn live_voice() -> Finding {
    Finding::unknown(
        "live words of calls",
        "no supported API of NICE gives a server the words of an agent's call while it goes on",
    )
    .advising("calls are read once they are analyzed; digital contacts and bots are read live")
}

fn deadline() -> Deadline {
    Deadline::within(CHECK_TIMEOUT)
}
