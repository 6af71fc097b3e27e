//! Starts the functions' programs under the emulated Lambda runtime of `cargo lambda watch`, and invokes them.

use std::fs::{self, File};
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use dev_stack::Settings;
use serde_json::Value;
use testkit::events::{event_path, workspace_root};
use testkit::{FUNCTIONS, Function};

/// Longest time that the emulator may take to start, or a function to answer.
pub const PROGRAM_TIMEOUT: Duration = Duration::from_secs(60);

/// Functions that work until shortly before their deadline. The emulator does not know a deadline, so that these functions
/// get one of [`EMULATED_TIMEOUT_SECONDS`].
const LONG_RUNNING: [&str; 2] = ["chat-session", "transcript-poller"];

/// Deadline of long-running functions under the emulator.
const EMULATED_TIMEOUT_SECONDS: &str = "25";

/// A child process that is killed when this value is dropped.
#[derive(Debug)]
struct Process(Child);

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// A running emulator of the Lambda runtime, and the programs of functions that wait for invocations.
#[derive(Debug)]
pub struct FunctionPrograms {
    folder: tempfile::TempDir,
    settings: Settings,
    port: u16,
    running: Vec<(&'static str, Process)>,
    _emulator: Process,
}

impl FunctionPrograms {
    /// Starts the emulator of the Lambda runtime. Programs that are started later get the environment `settings`.
    ///
    /// # Panics
    /// If a program is missing, or the emulator does not listen in time.
    pub async fn start(settings: Settings) -> Self {
        // Building takes a while and would block the thread on which a simulator answers.
        let built =
            tokio::task::spawn_blocking(|| FUNCTIONS.map(|function| program(function.name)));
        built.await.expect("every function has a program");
        let folder = tempfile::tempdir().expect("a temporary folder");
        let port = free_port();
        let emulator = Command::new(dev_stack::cargo_lambda())
            .args(["lambda", "watch", "--only-lambda-apis", "--ignore-changes"])
            .args([
                "--invoke-address",
                "127.0.0.1",
                "--invoke-port",
                &port.to_string(),
            ])
            .current_dir(workspace_root())
            .stdin(Stdio::null())
            .stdout(log_file(folder.path(), "cargo-lambda"))
            .stderr(log_file(folder.path(), "cargo-lambda"))
            .spawn()
            .expect("cargo-lambda");
        let programs = Self {
            folder,
            settings,
            port,
            running: Vec::new(),
            _emulator: Process(emulator),
        };
        let until = Instant::now() + PROGRAM_TIMEOUT;
        while std::net::TcpStream::connect(("127.0.0.1", port)).is_err() {
            assert!(Instant::now() < until, "{}", programs.logs());
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        programs
    }

    /// Returns the URL at which a function is invoked, as Lambda's API would do it.
    #[must_use]
    pub fn invoke_url(&self, function: &str) -> String {
        let port = self.port;
        format!("http://127.0.0.1:{port}/2015-03-31/functions/{function}/invocations")
    }

    /// Returns the URL of a path of an HTTP function, as a Lambda function URL would have it.
    #[must_use]
    pub fn function_url(&self, function: &str, path: &str) -> String {
        format!("http://127.0.0.1:{}/lambda-url/{function}{path}", self.port)
    }

    /// Starts a function's program and returns the process id.
    ///
    /// # Panics
    /// If the program cannot be started.
    pub fn start_program(&mut self, function: &'static str) -> u32 {
        let child = Command::new(program(function))
            .env_clear()
            .envs(&self.settings)
            .envs(
                LONG_RUNNING
                    .contains(&function)
                    .then_some(("EMULATED_TIMEOUT_SECONDS", EMULATED_TIMEOUT_SECONDS)),
            )
            .env(
                "AWS_LAMBDA_RUNTIME_API",
                format!("http://127.0.0.1:{}/.rt/{function}", self.port),
            )
            .env("AWS_LAMBDA_FUNCTION_NAME", function)
            .env("AWS_LAMBDA_FUNCTION_VERSION", "1")
            .env("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "1769")
            .stdin(Stdio::null())
            .stdout(log_file(self.folder.path(), function))
            .stderr(log_file(self.folder.path(), function))
            .spawn()
            .unwrap_or_else(|error| panic!("{function}: {error}"));
        let id = child.id();
        self.running.push((function, Process(child)));
        id
    }

    /// Kills a function's program, as Lambda does with a program that exceeds its timeout.
    ///
    /// # Panics
    /// If the program was not started.
    pub fn kill_program(&mut self, function: &str) {
        let before = self.running.len();
        self.running.retain(|(name, _)| *name != function);
        assert_eq!(self.running.len(), before - 1, "{function} was not running");
    }

    /// Invokes a function with a file of `events/` and returns the function's reply.
    ///
    /// # Panics
    /// If the function fails, or does not answer in time.
    pub async fn invoke(&self, function: &str, event: &str) -> Value {
        let path = event_path(event).display().to_string();
        self.run_invoke(function, "--data-file", path).await
    }

    /// Invokes a function with an event that is given as JSON and returns the function's reply.
    ///
    /// # Panics
    /// As [`FunctionPrograms::invoke`].
    pub async fn invoke_event(&self, function: &str, event: &Value) -> Value {
        self.run_invoke(function, "--data-ascii", event.to_string())
            .await
    }

    async fn run_invoke(&self, function: &str, kind: &str, data: String) -> Value {
        let output = tokio::process::Command::new(dev_stack::cargo_lambda())
            .args(["lambda", "invoke", function, kind, &data])
            .args(["-A", "127.0.0.1", "-P", &self.port.to_string()])
            .kill_on_drop(true)
            .output();
        let output = tokio::time::timeout(PROGRAM_TIMEOUT, output)
            .await
            .unwrap_or_else(|_| panic!("{function} did not answer: {}", self.logs()))
            .expect("cargo-lambda");
        let text = String::from_utf8_lossy(&output.stdout);
        assert!(
            output.status.success(),
            "{function}: {text}{}\n{}",
            String::from_utf8_lossy(&output.stderr),
            self.logs()
        );
        serde_json::from_str(text.trim())
            .unwrap_or_else(|error| panic!("{function} answered {text:?}: {error}"))
    }

    /// Returns everything that the programs and the emulator wrote, by program.
    #[must_use]
    pub fn logs(&self) -> String {
        FUNCTIONS
            .iter()
            .map(|function| function.name)
            .chain(["cargo-lambda"])
            .map(|name| {
                let path = self.folder.path().join(name);
                let text = fs::read_to_string(&path).unwrap_or_default();
                format!("== {name}\n{text}\n")
            })
            .collect()
    }

    /// Runs the command `cxone-insights` with the functions' environment and returns what the command prints.
    ///
    /// # Panics
    /// If the command fails.
    pub async fn run_command(&self, arguments: &[&str]) -> String {
        let output = tokio::process::Command::new(build_folder().join("cxone-insights"))
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

impl Drop for FunctionPrograms {
    /// Prints the logs of all programs if the test failed; they are lost with the folder otherwise.
    #[expect(clippy::print_stderr, reason = "the test harness shows it")]
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("{}", self.logs());
        }
    }
}

/// Opens the file to which all output of a program is appended.
fn log_file(folder: &Path, name: &str) -> File {
    File::options()
        .create(true)
        .append(true)
        .open(folder.join(name))
        .expect("a writable log file")
}

fn free_port() -> u16 {
    let listener = TcpListener::bind(("127.0.0.1", 0)).expect("a port");
    listener.local_addr().expect("an address").port()
}

/// Returns the path of a program of this workspace. With the variable `TEST_FUNCTIONS_DIR`, the program is taken from that
/// folder, as `cargo lambda build` or `sam build` leaves it; otherwise it is built with the profile of this test.
fn program(name: &str) -> PathBuf {
    if let Some(folder) = std::env::var_os("TEST_FUNCTIONS_DIR") {
        let folder = PathBuf::from(folder);
        let function = FUNCTIONS.iter().find(|function| function.name == name);
        let candidates = [Some(name.to_owned()), function.map(Function::logical_id)];
        let found = candidates
            .iter()
            .flatten()
            .map(|candidate| folder.join(candidate).join("bootstrap"))
            .find(|path| path.exists());
        return found.unwrap_or_else(|| panic!("no {name} in {}", folder.display()));
    }
    build_folder().join(name)
}

/// Builds the programs of the workspace once and returns their folder.
fn build_folder() -> PathBuf {
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
            .current_dir(workspace_root());
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
