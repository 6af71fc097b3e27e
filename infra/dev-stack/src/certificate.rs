//! Certificates for servers that tests start.

use std::path::Path;
use std::process::Command;

use crate::python;

/// Writes `certificate.pem`, a certificate for some hosts that signs itself, and its key `key.pem` into a folder.
///
/// # Panics
/// If the files cannot be written.
pub fn create_certificate(folder: &Path, hosts: &[&str]) {
    let program = include_str!("../servers/certificate.py");
    let created = python::interpreter().and_then(|interpreter| {
        let mut command = Command::new(interpreter);
        python::run(command.args(["-c", program]).arg(folder).args(hosts))
    });
    created.unwrap_or_else(|error| panic!("no certificate: {error:#}"));
}
