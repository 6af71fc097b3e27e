//! The demo against the simulated tenant, as a user runs it.

use std::process::Command;

#[test]
fn the_demo_of_a_tenant_plays_every_scene() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut command = Command::new(env!("CARGO_BIN_EXE_cxone-insights"));
    for name in ["CXONE_BASE_URL", "CXONE_ISSUER", "CXONE_PROFILE"] {
        command.env_remove(name);
    }
    // Twice in one folder, as a user does who wants to see it again.
    for run in ["first", "second"] {
        let output = command
            .args(["demo", "--profile", "cxone", "--speed", "10", "--data-dir"])
            .arg(folder.path())
            .output()
            .expect("the command runs");
        let (shown, errors) = (
            String::from_utf8_lossy(&output.stdout),
            String::from_utf8_lossy(&output.stderr),
        );
        assert!(output.status.success(), "{run}: {shown}\n{errors}");
        for part in [
            "issuer http://127.0.0.1:",
            "called by a Studio script",
            "2. Live digital contacts",
            "customer 0.",
            "followed by polling",
            "<< LEGAL (lawyer)",
            "archived",
            "conversations listed",
            "wants a refund\" finds",
            "with a transcript",
            "Done in",
        ] {
            assert!(shown.contains(part), "{run}, no {part}: {shown}\n{errors}");
        }
        let report = std::fs::read_to_string(folder.path().join("report/report.html"));
        assert!(report.is_ok_and(|page| page.contains("<html")), "{run}");
        command = Command::new(env!("CARGO_BIN_EXE_cxone-insights"));
    }
}
