//! A server as a child process that ends when this process does, however that happens: its standard input is a pipe
//! that only this process holds open.

use std::fs::File;
use std::io::{BufRead, BufReader, Read, Seek};
use std::process::{Child, Command, Stdio};

use anyhow::{Context, Result, bail};

use crate::python::interpreter;

/// A running server.
#[derive(Debug)]
pub(crate) struct Server {
    /// What the server said after `ready`, word by word.
    pub(crate) said: Vec<String>,
    child: Child,
}

impl Server {
    /// Starts a Python program with its arguments and waits until it prints `ready ...`.
    pub(crate) fn start(name: &str, program: &str, arguments: &[&str]) -> Result<Self> {
        let mut complaints =
            tempfile::tempfile().context("cannot make a file for the server's complaints")?;
        let mut child = Command::new(interpreter()?)
            .args(["-c", program])
            .args(arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(
                complaints
                    .try_clone()
                    .context("cannot share the file for complaints")?,
            )
            .spawn()
            .with_context(|| format!("cannot start {name}"))?;
        let mut line = String::new();
        if let Some(output) = child.stdout.take() {
            BufReader::new(output)
                .read_line(&mut line)
                .with_context(|| format!("cannot read from {name}"))?;
        }
        let mut words = line.split_whitespace().map(str::to_owned);
        if words.next().as_deref() != Some("ready") {
            let status = child
                .wait()
                .with_context(|| format!("cannot wait for {name}"))?;
            bail!("{name} did not start ({status}): {}", tail(&mut complaints));
        }
        Ok(Self {
            said: words.collect(),
            child,
        })
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        drop(self.child.stdin.take());
        // It ends by itself now; waiting keeps it from staying as a zombie.
        let _status = self.child.wait();
    }
}

/// The end of what a server complained about.
fn tail(complaints: &mut File) -> String {
    let mut text = String::new();
    let read = complaints
        .rewind()
        .and_then(|()| complaints.read_to_string(&mut text));
    if read.is_err() {
        return "its complaints cannot be read".to_owned();
    }
    let lines: Vec<&str> = text.lines().collect();
    lines[lines.len().saturating_sub(20)..].join("\n")
}
