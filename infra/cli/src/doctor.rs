//! The subcommand `doctor`: finds out what a tenant allows, with read-only checks.

use anyhow::{Context, bail};
use backends::TenantShare;
use backends::tenant_settings::Profile;
use cxone::tenant::doctor::{Finding, Verdict, examine};

use crate::local_context::{LocalArgs, LocalContext};

const EXAMPLES: &str = "Examples:
  cxone-insights doctor --profile cxone
  CXONE_ISSUER=https://cxone-gov.niceincontact.com cxone-insights doctor --profile cxone

Prints one line a check: OK, missing permission, not licensed or unknown, what that rests on, and what to do. Nothing is
changed in the contact center. The output holds no secret, no text of a conversation and nobody's name, so that it can be
pasted into an issue. The exit code is 1 if there is no token or no host. The access key of the service user is read from secrets.toml
in --data-dir; without one, and with no tenant in the settings, a simulated tenant is examined.";

/// Arguments of the subcommand `doctor`.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Args {
    #[command(flatten)]
    local: LocalArgs,
}

/// Makes the checks and prints each as soon as it is made.
///
/// # Errors
/// If the profile is not `cxone`, or a check failed without which nothing works.
pub(crate) async fn run(args: Args) -> anyhow::Result<()> {
    let context = LocalContext::open(&args.local).await?;
    context.announce_simulated_tenant();
    let profile = context.cxone_settings()?.profile;
    if profile != Profile::Cxone {
        bail!(
            "doctor examines a tenant of NICE CXone: add --profile cxone, or set CXONE_PROFILE=cxone"
        );
    }
    let client = context
        .tenant_client(TenantShare::Reports)
        .context("the settings of the tenant cannot be used")?;
    println!(
        "cxone-insights {} examines a tenant",
        env!("CARGO_PKG_VERSION")
    );
    let mut failed: Option<&'static str> = None;
    examine(&client, |finding: Finding| {
        println!("{finding}");
        if finding.is_needed && finding.verdict != Verdict::Ok {
            failed = failed.or(Some(finding.check));
        }
    })
    .await;
    context.shutdown().await;
    match failed {
        Some(check) => bail!("the check `{check}` failed, without which nothing works"),
        None => Ok(()),
    }
}
