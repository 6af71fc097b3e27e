//! The commands with `--profile cxone` against the simulated tenant with its habits switched on, as a user runs them.

use std::path::Path;
use std::process::{Command, Output};

/// Runs the command with the folder of this test, at a pace that a simulated tenant takes.
fn run(folder: &Path, arguments: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_cxone-insights"));
    for name in ["CXONE_BASE_URL", "CXONE_ISSUER", "CXONE_PROFILE"] {
        command.env_remove(name);
    }
    command
        .args(arguments)
        .args(["--profile", "cxone", "--data-dir"])
        .arg(folder)
        .env("CXONE_ANALYTICS_REQUESTS_PER_SECOND", "100")
        .env("CXONE_ACD_REQUESTS_PER_SECOND", "100")
        .env("CXONE_DIGITAL_REQUESTS_PER_SECOND", "100")
        .output()
        .expect("the command runs")
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

#[test]
fn the_doctor_finds_that_everything_works() {
    let folder = tempfile::tempdir().expect("a folder");
    let output = run(folder.path(), &["doctor"]);
    let (found, errors) = (text(&output.stdout), text(&output.stderr));
    assert!(output.status.success(), "{found}\n{errors}");
    for check in [
        "token",
        "hosts",
        "contact API",
        "contacts that ended",
        "analyzed segments",
        "order by first analysis",
        "text of a segment",
        "digital contacts",
    ] {
        let line = found
            .lines()
            .find(|line| line.get(20..).is_some_and(|rest| rest.starts_with(check)));
        let line = line.unwrap_or_else(|| panic!("no line of {check}: {found}"));
        assert!(line.starts_with("OK"), "{line}");
    }
    assert!(
        !found.contains("DEMOACCESSKEY") && !found.contains("demo-secret"),
        "{found}"
    );
}
