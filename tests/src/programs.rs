//! The functions' programs under the Lambda runtime of `cargo lambda watch`.

use std::fs::{self, File};
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use dev_stack::Settings;
use serde_json::Value;

/// How long anything that is waited for may take.
pub const PATIENCE: Duration = Duration::from_secs(60);

/// All functions, by the names of their programs.
pub const FUNCTIONS: [&str; 7] = [
    "analytics-report",
    "chat-session",
    "data-action",
    "embedding-writer",
    "semantic-search",
    "transcript-poller",
    "webhook-receiver",
];

/// Those that work until shortly before their deadline, which is 25 s here.
const SHORT: [&str; 2] = ["chat-session", "transcript-poller"];

/// A process that ends with the test.
#[derive(Debug)]
struct Process(Child);

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// The Lambda runtime, and the functions that wait at it.
#[derive(Debug)]
pub struct Programs {
    folder: tempfile::TempDir,
    settings: Settings,
    port: u16,
    running: Vec<(&'static str, Process)>,
    _emulator: Process,
}

impl Programs {
    /// Starts the runtime, for functions with the environment `settings`.
    pub async fn idle(settings: Settings) -> Self {
        // Building takes a while, and this thread is the simulator's too.
        let found = tokio::task::spawn_blocking(|| FUNCTIONS.map(program));
        found.await.expect("the programs");
        let folder = tempfile::tempdir().expect("a folder");
        let port = free_port();
        let emulator = Command::new(dev_stack::cargo_lambda())
            .args(["lambda", "watch", "--only-lambda-apis", "--ignore-changes"])
            .args([
                "--invoke-address",
                "127.0.0.1",
                "--invoke-port",
                &port.to_string(),
            ])
            .current_dir(workspace())
            .stdin(Stdio::null())
            .stdout(log(folder.path(), "cargo-lambda"))
            .stderr(log(folder.path(), "cargo-lambda"))
            .spawn()
            .expect("cargo-lambda");
        let programs = Self {
            folder,
            settings,
            port,
            running: Vec::new(),
            _emulator: Process(emulator),
        };
        let until = Instant::now() + PATIENCE;
        while std::net::TcpStream::connect(("127.0.0.1", port)).is_err() {
            assert!(Instant::now() < until, "{}", programs.logged());
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        programs
    }

    /// Where a function is invoked over HTTP, as by Lambda's API.
    #[must_use]
    pub fn address(&self, function: &str) -> String {
        let port = self.port;
        format!("http://127.0.0.1:{port}/2015-03-31/functions/{function}/invocations")
    }

    /// Where a path of a function is called over HTTP, as by a function's URL.
    #[must_use]
    pub fn url(&self, function: &str, path: &str) -> String {
        format!("http://127.0.0.1:{}/lambda-url/{function}{path}", self.port)
    }

    /// Starts a function's program; its process id.
    pub fn begin(&mut self, function: &'static str) -> u32 {
        let child = Command::new(program(function))
            .env_clear()
            .envs(&self.settings)
            .envs(
                SHORT
                    .contains(&function)
                    .then_some(("EMULATED_TIMEOUT_SECONDS", "25")),
            )
            .env(
                "AWS_LAMBDA_RUNTIME_API",
                format!("http://127.0.0.1:{}/.rt/{function}", self.port),
            )
            .env("AWS_LAMBDA_FUNCTION_NAME", function)
            .env("AWS_LAMBDA_FUNCTION_VERSION", "1")
            .env("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "1769")
            .stdin(Stdio::null())
            .stdout(log(self.folder.path(), function))
            .stderr(log(self.folder.path(), function))
            .spawn()
            .unwrap_or_else(|error| panic!("{function}: {error}"));
        let id = child.id();
        self.running.push((function, Process(child)));
        id
    }

    /// Kills a function's program, as Lambda does with one that is over its time.
    pub fn kill(&mut self, function: &str) {
        let before = self.running.len();
        self.running.retain(|(name, _)| *name != function);
        assert_eq!(self.running.len(), before - 1, "{function} did not run");
    }

    /// Invokes a function by `cargo lambda invoke` with a file of `events/`.
    pub async fn invoke(&self, function: &str, event: &str) -> Value {
        let path = workspace().join("events").join(event);
        self.run_invoke(function, "--data-file", path.display().to_string())
            .await
    }

    /// The same with an event of the caller's.
    pub async fn invoke_with(&self, function: &str, event: &Value) -> Value {
        self.run_invoke(function, "--data-ascii", event.to_string())
            .await
    }

    async fn run_invoke(&self, function: &str, kind: &str, data: String) -> Value {
        let output = tokio::process::Command::new(dev_stack::cargo_lambda())
            .args(["lambda", "invoke", function, kind, &data])
            .args(["-A", "127.0.0.1", "-P", &self.port.to_string()])
            .kill_on_drop(true)
            .output();
        let output = tokio::time::timeout(PATIENCE, output)
            .await
            .unwrap_or_else(|_| panic!("{function} did not answer: {}", self.logged()))
            .expect("cargo-lambda");
        let text = String::from_utf8_lossy(&output.stdout);
        assert!(
            output.status.success(),
            "{function}: {text}{}\n{}",
            String::from_utf8_lossy(&output.stderr),
            self.logged()
        );
        serde_json::from_str(text.trim())
            .unwrap_or_else(|error| panic!("{function} answered {text:?}: {error}"))
    }

    /// Everything that the programs wrote.
    pub fn logged(&self) -> String {
        FUNCTIONS
            .into_iter()
            .chain(["cargo-lambda"])
            .map(|name| {
                let path = self.folder.path().join(name);
                let text = fs::read_to_string(&path).unwrap_or_default();
                format!("== {name}\n{text}\n")
            })
            .collect()
    }

    /// What the command `cxone-insights` prints with the functions' environment.
    pub async fn command(&self, arguments: &[&str]) -> String {
        let output = tokio::process::Command::new(built().join("cxone-insights"))
            .args(arguments)
            .env_clear()
            .envs(&self.settings)
            .output()
            .await
            .expect("cxone-insights");
        let complaint = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{arguments:?}: {complaint}");
        String::from_utf8(output.stdout).expect("text")
    }
}

/// A file that all of a program's output is added to.
fn log(folder: &Path, name: &str) -> File {
    File::options()
        .create(true)
        .append(true)
        .open(folder.join(name))
        .expect("a log")
}

fn free_port() -> u16 {
    let listener = TcpListener::bind(("127.0.0.1", 0)).expect("a port");
    listener.local_addr().expect("an address").port()
}

fn workspace() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// A program of this workspace: that of `TEST_FUNCTIONS_DIR`, a folder as `cargo lambda build` or `sam build` leaves it, or
/// one built as this test was.
fn program(name: &str) -> PathBuf {
    if let Some(folder) = std::env::var_os("TEST_FUNCTIONS_DIR") {
        let folder = PathBuf::from(folder);
        let candidates = [name.to_owned(), logical_id(name)];
        let found = candidates
            .iter()
            .map(|candidate| folder.join(candidate).join("bootstrap"))
            .find(|path| path.exists());
        return found.unwrap_or_else(|| panic!("no {name} in {}", folder.display()));
    }
    built().join(name)
}

/// What the template calls a function: `data-action` is `DataActionFunction`.
fn logical_id(name: &str) -> String {
    let words = name.split('-').map(|word| {
        let (first, rest) = word.split_at(1);
        first.to_uppercase() + rest
    });
    words.chain(["Function".to_owned()]).collect()
}

/// The folder of this build's programs, which are brought up to date first.
fn built() -> PathBuf {
    static BUILT: std::sync::OnceLock<PathBuf> = std::sync::OnceLock::new();
    let build = || {
        let test = std::env::current_exe().expect("this program's path");
        let folder = test
            .ancestors()
            .nth(2)
            .expect("the profile's folder")
            .to_owned();
        let mut command = Command::new(std::env::var_os("CARGO").unwrap_or("cargo".into()));
        command
            .args(["build", "--workspace", "--bins", "--locked"])
            .current_dir(workspace());
        if folder.ends_with("release") {
            command.arg("--release");
        }
        let output = command.output().expect("cargo");
        let complaint = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{complaint}");
        folder
    };
    BUILT.get_or_init(build).clone()
}
