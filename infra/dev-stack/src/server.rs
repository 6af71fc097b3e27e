//! A server as a child process that ends with this process, even if this process is killed: the standard input of the server
//! is a pipe that only this process holds open.

use std::fs::File;
use std::io::{BufRead, BufReader, Read, Seek};
use std::process::{Child, Command, Stdio};

use anyhow::{Context, Result, bail};

use crate::python::interpreter;

/// A running server.
#[derive(Debug)]
pub(crate) struct Server {
    /// Words that the server printed after `ready`.
    pub(crate) ready_words: Vec<String>,
    child: Child,
}

impl Server {
    /// Starts a Python program with its arguments and waits until it prints `ready ...`.
    pub(crate) fn start(name: &str, program: &str, arguments: &[&str]) -> Result<Self> {
        let mut error_output =
            tempfile::tempfile().context("cannot make a file for the server's error output")?;
        let mut child = Command::new(interpreter()?)
            .args(["-c", program])
            .args(arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(
                error_output
                    .try_clone()
                    .context("cannot share the file for the error output")?,
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
            bail!(
                "{name} did not start ({status}): {}",
                tail(&mut error_output)
            );
        }
        Ok(Self {
            ready_words: words.collect(),
            child,
        })
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        drop(self.child.stdin.take());
        // The server ends by itself now. Without waiting, it would stay as a zombie.
        let _status = self.child.wait();
    }
}

/// Returns the last lines that a server wrote to standard error.
fn tail(error_output: &mut File) -> String {
    let mut text = String::new();
    let read = error_output
        .rewind()
        .and_then(|()| error_output.read_to_string(&mut text));
    if read.is_err() {
        return "its error output cannot be read".to_owned();
    }
    let lines: Vec<&str> = text.lines().collect();
    lines[lines.len().saturating_sub(20)..].join("\n")
}
