//! The process under test, and what the kernel says of it.

use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use anyhow::{Context, ensure};
use insights_http::client::{IdleConnections, build_client};
use tokio::process::{Child, Command};

/// The key with which callers of the process prove who they are.
pub(crate) const KEY: &str = "soak-key";

/// Longest time until the process answers, model loading included.
const START_TIMEOUT: Duration = Duration::from_secs(120);

/// What the process uses at one moment.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Figures {
    /// Resident memory in MiB.
    pub(crate) memory_mib: f64,
    /// Number of threads.
    pub(crate) threads: usize,
    /// Number of open sockets.
    pub(crate) sockets: usize,
    /// Number of open files that are no sockets.
    pub(crate) files: usize,
}

/// A running `cxone-insights serve`.
#[derive(Debug)]
pub(crate) struct ServedProcess {
    child: Child,
    id: u32,
    /// The base URL of its HTTP functions.
    pub(crate) url: String,
    /// The client of its callers.
    pub(crate) http: reqwest::Client,
}

impl ServedProcess {
    /// Starts the program and waits until it answers.
    pub(crate) async fn start(
        program: Option<&Path>,
        contact_center: &str,
        folder: &Path,
    ) -> anyhow::Result<Self> {
        let program = match program {
            Some(program) => program.to_owned(),
            None => neighbor("cxone-insights")?,
        };
        let port = free_port()?;
        let child = Command::new(&program)
            .args(["serve", "--addr", &format!("127.0.0.1:{port}")])
            .args([
                "--cxone-url",
                contact_center,
                "--api-key",
                KEY,
                "--data-dir",
            ])
            .arg(folder)
            .env("CHAT_AGENTS", "agent-1,agent-2,agent-3")
            .env("RUST_LOG", "error")
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .kill_on_drop(true)
            .spawn()
            .with_context(|| format!("{} was not started", program.display()))?;
        let id = child.id().context("the process ended at once")?;
        let process = Self {
            child,
            id,
            url: format!("http://127.0.0.1:{port}"),
            http: build_client(IdleConnections::Keep)?,
        };
        let until = tokio::time::Instant::now() + START_TIMEOUT;
        loop {
            let health = process
                .http
                .get(format!("{}/health", process.url))
                .send()
                .await;
            if health.is_ok_and(|answer| answer.status().is_success()) {
                return Ok(process);
            }
            ensure!(
                tokio::time::Instant::now() < until,
                "the process did not answer in time"
            );
            tokio::time::sleep(Duration::from_millis(200)).await;
        }
    }

    /// Reads what the process uses now; `None` if it has ended.
    pub(crate) fn figures(&self) -> Option<Figures> {
        let folder = PathBuf::from(format!("/proc/{}", self.id));
        let status = std::fs::read_to_string(folder.join("status")).ok()?;
        let field = |name: &str| -> Option<usize> {
            let line = status.lines().find(|line| line.starts_with(name))?;
            line.split_whitespace().nth(1)?.parse().ok()
        };
        let (mut sockets, mut files) = (0, 0);
        for entry in std::fs::read_dir(folder.join("fd")).ok()?.flatten() {
            match std::fs::read_link(entry.path()) {
                Ok(target) if target.to_string_lossy().starts_with("socket:") => sockets += 1,
                Ok(_) => files += 1,
                Err(_) => {}
            }
        }
        Some(Figures {
            memory_mib: field("VmRSS:")? as f64 / 1024.0,
            threads: field("Threads:")?,
            sockets,
            files,
        })
    }

    /// Ends the process as Ctrl-C does, and kills it if it does not end.
    pub(crate) async fn stop(mut self) {
        let interrupt = Command::new("kill")
            .args(["-INT", &self.id.to_string()])
            .status()
            .await;
        let ended = tokio::time::timeout(Duration::from_secs(40), self.child.wait()).await;
        if interrupt.is_err() || ended.is_err() {
            let _ = self.child.kill().await;
        }
    }
}

/// Returns the path of a program in the folder of this one.
fn neighbor(name: &str) -> anyhow::Result<PathBuf> {
    let path = std::env::current_exe()?.with_file_name(name);
    ensure!(
        path.exists(),
        "{} does not exist; `cargo build -p {name}` makes it, in the same profile",
        path.display()
    );
    Ok(path)
}

fn free_port() -> anyhow::Result<u16> {
    Ok(std::net::TcpListener::bind("127.0.0.1:0")?
        .local_addr()?
        .port())
}
