//! What a user reads where a tenant refuses or is away: one sentence that says what to do, by `doctor` and by the command that fails.

mod fedramp;
mod nice_cloud;
#[path = "../tenant_command/mod.rs"]
mod tenant_command;

use std::collections::BTreeSet;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Command, Stdio};

use cxone_simulator::fault::{Fault, FaultRule, RetryAfter};
use cxone_simulator::tenant::settings::{License, Permission};
use cxone_simulator::tenant::{TenantHandle, TenantSettings, TenantSimulator};
use cxone_simulator::{Conversations, Scenario};
use jiff::{Timestamp, ToSpan, tz::TimeZone};

/// Commands that read past conversations and end by themselves.
const ENDING: [&str; 2] = ["report", "embed"];
/// Commands that follow what goes on, and do so until they are stopped.
const FOLLOWING: [&str; 2] = ["chat", "poll"];

/// A tenant with some conversations, started with settings of its own.
pub(crate) async fn start_tenant(settings: TenantSettings) -> TenantHandle {
    let scenario = Scenario {
        conversations: Conversations {
            per_day: 5,
            ..Conversations::default()
        },
        tenant: TenantSettings {
            history_days: 3,
            transcript_delay_seconds: 0,
            ..settings
        },
        ..Scenario::default()
    };
    TenantSimulator::start(scenario).await.expect("a tenant")
}

/// Returns the name and the arguments of a command.
fn arguments_of(folder: &Path, name: &str) -> Vec<String> {
    let day = Timestamp::now().to_zoned(TimeZone::UTC).date();
    let day = day.saturating_sub(1.day()).to_string();
    let out = folder.join("report").display().to_string();
    let arguments: &[&str] = match name {
        "report" => &["--from", &day, "--to", &day, "--out", &out],
        "embed" => &["--from-cxone"],
        "chat" => &["--agent", "all"],
        "poll" => &["--interaction", "127000000001"],
        _ => &[],
    };
    [&[name], arguments]
        .concat()
        .into_iter()
        .map(str::to_owned)
        .collect()
}

/// Returns a command of the profile `cxone` with the arguments that it takes here.
pub(crate) fn command(folder: &Path, name: &str) -> Command {
    tenant_command::command(folder, &arguments_of(folder, name))
}

/// Returns the same command, which talks to a tenant.
fn on_tenant(tenant: &TenantHandle, folder: &Path, name: &str) -> Command {
    tenant_command::on_tenant(tenant, folder, &arguments_of(folder, name))
}

/// Runs a command that fails, and returns the one line that says why.
pub(crate) fn failure_of(mut command: Command) -> String {
    let output = command.output().expect("the command runs");
    let errors = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(1), "{errors}");
    let said = errors.lines().filter(|line| line.starts_with("error: "));
    let said: Vec<_> = said.collect();
    assert_eq!(said.len(), 1, "{errors}");
    said[0].to_owned()
}

/// Runs a command that succeeds.
fn succeed(mut command: Command) {
    let output = command.output().expect("the command runs");
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{command:?}: {errors}");
}

/// Runs `doctor`, and returns whether it succeeded and its lines.
pub(crate) fn examine(mut command: Command) -> (bool, Vec<String>) {
    let output = command.output().expect("the command runs");
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    let lines = said.lines().map(str::to_owned).collect();
    (output.status.success(), lines)
}

/// Returns the line of a check.
pub(crate) fn line_of<'a>(lines: &'a [String], check: &str) -> &'a str {
    let line = lines
        .iter()
        .find(|line| line.get(20..).is_some_and(|rest| rest.starts_with(check)));
    line.unwrap_or_else(|| panic!("no line of {check}: {lines:#?}"))
}

/// Runs a command that goes on until it is stopped, and waits for a line of its log that says all this.
fn wait_for_warning(mut command: Command, wanted: &[&str]) {
    let mut child = command
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the command runs");
    let log = BufReader::new(child.stderr.take().expect("its log"));
    let mut lines = log.lines().map_while(Result::ok);
    let is_found = lines.any(|line| wanted.iter().all(|part| line.contains(part)));
    child.kill().expect("the command is stopped");
    child.wait().expect("the command has ended");
    assert!(is_found, "the command ended without {wanted:?}");
}

/// Checks a sentence, which must say all this and hold no secret.
pub(crate) fn assert_tells(sentence: &str, wanted: &[&str]) {
    for part in wanted {
        assert!(sentence.contains(part), "`{part}` is not in: {sentence}");
    }
    for canary in ["CANARY", "Bearer", "eyJ"] {
        assert!(!sentence.contains(canary), "{sentence}");
    }
}

/// Writes an access key that nobody has given out.
fn write_wrong_key(folder: &Path) {
    let secrets =
        "access_key_id = \"WRONGKEY77777777====\"\naccess_key_secret = \"SECRETCANARY====\"\n";
    std::fs::write(folder.join("secrets.toml"), secrets).expect("a file");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_and_an_expired_access_key_are_to_be_replaced() {
    for is_expired in [false, true] {
        let folder = tempfile::tempdir().expect("a folder");
        let tenant = start_tenant(TenantSettings {
            access_key_expired: is_expired,
            ..TenantSettings::default()
        })
        .await;
        if !is_expired {
            write_wrong_key(folder.path());
        }
        let reason = if is_expired {
            "it has expired"
        } else {
            "it is wrong, expired or revoked"
        };
        let wanted = [
            "refused the access key",
            reason,
            "create an access key for the service user, and store access_key_id and access_key_secret",
        ];
        let (is_success, lines) = examine(on_tenant(&tenant, folder.path(), "doctor"));
        assert!(!is_success);
        assert_tells(line_of(&lines, "token"), &wanted);
        // Nothing tells of a cloud that the issuer of a simulated tenant belongs to.
        assert!(!line_of(&lines, "token").contains("FedRAMP"), "{lines:#?}");
        for name in ENDING {
            assert_tells(
                &failure_of(on_tenant(&tenant, folder.path(), name)),
                &wanted,
            );
        }
        for name in FOLLOWING {
            wait_for_warning(on_tenant(&tenant, folder.path(), name), &wanted);
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_missing_permission_is_named() {
    let folder = tempfile::tempdir().expect("a folder");
    for (missing, check, permission, failing) in [
        (
            Permission::Analytics,
            "analyzed segments",
            "Analytics Access: View",
            &ENDING[..],
        ),
        (Permission::Acd, "dispositions", "ACD: View", &ENDING[..]),
        (
            Permission::Digital,
            "digital contacts",
            "Digital: View",
            &["report", "embed", "chat", "poll"][..],
        ),
    ] {
        let mut settings = TenantSettings::default();
        settings.permissions.remove(&missing);
        let tenant = start_tenant(settings).await;
        let wanted = [
            "is forbidden: give the role of the service user the permission",
            permission,
            "have NICE grant the application",
        ];
        let (is_success, lines) = examine(on_tenant(&tenant, folder.path(), "doctor"));
        assert!(is_success, "{lines:#?}");
        let line = line_of(&lines, check);
        assert!(line.starts_with("missing permission"), "{line}");
        assert_tells(line, &wanted);
        for name in failing {
            let command = on_tenant(&tenant, folder.path(), name);
            if FOLLOWING.contains(name) {
                wait_for_warning(command, &wanted);
            } else {
                assert_tells(&failure_of(command), &wanted);
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_missing_license_is_named_and_the_setting_without_it_works() {
    for (missing, check, product, setting) in [
        (
            License::Analytics,
            "analyzed segments",
            "Interaction Analytics",
            "digital",
        ),
        (
            License::Digital,
            "digital contacts",
            "Digital Experience",
            "voice",
        ),
    ] {
        let folder = tempfile::tempdir().expect("a folder");
        let mut licenses: BTreeSet<_> = TenantSettings::default().licenses;
        licenses.remove(&missing);
        let tenant = start_tenant(TenantSettings {
            licenses,
            ..TenantSettings::default()
        })
        .await;
        let advice = format!("ask NICE for it, or do without by CXONE_MEDIA_TYPES={setting}");
        let product = format!("the tenant has no license for {product}");
        let wanted = [product.as_str(), &advice];
        let (is_success, lines) = examine(on_tenant(&tenant, folder.path(), "doctor"));
        assert!(is_success, "{lines:#?}");
        let line = line_of(&lines, check);
        assert!(line.starts_with("not licensed"), "{line}");
        assert_tells(line, &wanted);
        for name in ENDING {
            assert_tells(
                &failure_of(on_tenant(&tenant, folder.path(), name)),
                &wanted,
            );
            let mut without = on_tenant(&tenant, folder.path(), name);
            without.env("CXONE_MEDIA_TYPES", setting);
            succeed(without);
        }
        if missing == License::Digital {
            for name in FOLLOWING {
                wait_for_warning(on_tenant(&tenant, folder.path(), name), &[&product]);
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_discovery_that_is_away_is_tried_again_later() {
    let folder = tempfile::tempdir().expect("a folder");
    let tenant = start_tenant(TenantSettings::default()).await;
    let away = Fault::Status(503, RetryAfter::Absent);
    tenant.fault(FaultRule::new("/.well-known/cxone-configuration", away));
    let wanted = [
        "the hosts of the tenant are not known, because",
        "/.well-known/cxone-configuration gave no usable answer: try again later, or name the tenant's API in CXONE_BASE_URL",
    ];
    let (is_success, lines) = examine(on_tenant(&tenant, folder.path(), "doctor"));
    assert!(!is_success);
    assert_tells(line_of(&lines, "hosts"), &wanted);
    for name in ENDING {
        let said = failure_of(on_tenant(&tenant, folder.path(), name));
        assert_tells(&said, &wanted);
    }
    for name in FOLLOWING {
        wait_for_warning(on_tenant(&tenant, folder.path(), name), &wanted);
    }
    // What the sentence says to do helps.
    let mut named = on_tenant(&tenant, folder.path(), "embed");
    named.env("CXONE_BASE_URL", tenant.hosts().api);
    succeed(named);
}

#[test]
fn a_tenant_is_simulated_only_where_nothing_names_one() {
    let folder = tempfile::tempdir().expect("a folder");
    let notice = "this is a simulated tenant";
    let output = command(folder.path(), "doctor")
        .output()
        .expect("the command runs");
    assert!(output.status.success());
    assert!(String::from_utf8_lossy(&output.stderr).contains(notice));

    // An access key is enough to name a tenant of the commercial cloud, which cannot be reached here.
    write_wrong_key(folder.path());
    let mut named = command(folder.path(), "doctor");
    let output = named.env("HTTPS_PROXY", "http://127.0.0.1:9").output();
    let output = output.expect("the command runs");
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    let lines: Vec<String> = said.lines().map(str::to_owned).collect();
    assert!(!output.status.success(), "{said}");
    assert!(!String::from_utf8_lossy(&output.stderr).contains(notice));
    let wanted = [
        "check that this machine may reach the host of CXONE_ISSUER over HTTPS",
        "if the tenant is in the FedRAMP cloud, set CXONE_ISSUER to https://cxone-gov.niceincontact.com",
    ];
    assert_tells(line_of(&lines, "token"), &wanted);
}
