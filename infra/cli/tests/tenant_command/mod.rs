//! The command with the profile `cxone`, as the tests of several files run it.

use std::ffi::OsStr;
use std::path::Path;
use std::process::Command;

use cxone_simulator::tenant::TenantHandle;

/// Returns the command with a folder of its own, at a pace that a simulated tenant takes.
pub(crate) fn command(folder: &Path, arguments: &[impl AsRef<OsStr>]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_cxone-insights"));
    for name in [
        "CXONE_BASE_URL",
        "CXONE_ISSUER",
        "CXONE_PROFILE",
        "CXONE_MEDIA_TYPES",
    ] {
        command.env_remove(name);
    }
    command
        .args(arguments)
        .args(["--profile", "cxone", "--data-dir"])
        .arg(folder)
        .env("CXONE_ANALYTICS_REQUESTS_PER_SECOND", "100")
        .env("CXONE_ACD_REQUESTS_PER_SECOND", "100")
        .env("CXONE_DIGITAL_REQUESTS_PER_SECOND", "100");
    command
}

/// Returns the command that talks to a tenant which a test has started.
pub(crate) fn on_tenant(
    tenant: &TenantHandle,
    folder: &Path,
    arguments: &[impl AsRef<OsStr>],
) -> Command {
    let hosts = tenant.hosts();
    let mut command = command(folder, arguments);
    command
        .env("CXONE_ISSUER", hosts.issuer)
        .env("CXONE_DIGITAL_URL", hosts.digital)
        .env("CXONE_VOICE_NOTIFICATIONS_URL", hosts.notify);
    command
}
