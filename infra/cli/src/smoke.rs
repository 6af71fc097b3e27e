//! The subcommand `smoke`: checks a deployment from outside, one line a check.

use std::io::Read;
use std::path::{Path, PathBuf};
use std::time::Duration;

use ::smoke::{
    ALL_CHECKS, Api, Check, CheckResult, Outcome, RunName, TimeLimits, parse_api_url, parse_checks,
    run_checks,
};
use anyhow::{Context, ensure};
use insights_http::Deadline;
use insights_http::client::{IdleConnections, build_client};
use secrecy::SecretString;
use url::Url;

const EXAMPLES: &str = "Examples:
  cxone-insights smoke --api https://abc123.execute-api.eu-central-1.amazonaws.com --key-file key.txt
  cxone-insights smoke --api \"$URL\" --key-file key.txt --checks health,score --json
  aws secretsmanager get-secret-value --secret-id \"$SECRET\" --query SecretString --output text \\
    | jq -r .api_key | cxone-insights smoke --api \"$URL\" --key-file /dev/stdin

Checks:
  health  the Data Action is healthy
  score   a positive and a negative text are scored, and a wrong key is refused
  search  a marked conversation comes by webhook, a search finds it, and it is removed; skipped without a database
  call    a live call is registered, shown and stopped

The exit code is 1 if a check failed.";

/// Longest time of all checks, removing what they created apart.
const RUN_TIMEOUT: Duration = Duration::from_secs(200);
/// Largest size of a file with a key, in bytes.
const MAX_KEY_FILE_BYTES: u64 = 4096;

/// Arguments of the subcommand `smoke`.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Args {
    /// URL of the deployed API, the output ApiUrl of the stack; https, unless it is on this machine
    #[arg(long, value_name = "URL", value_parser = parse_api_url)]
    api: Url,
    /// File that holds the key of a caller and nothing else
    #[arg(long, value_name = "FILE")]
    key_file: PathBuf,
    /// Checks to make, separated by commas [default: health,score,search,call]
    #[arg(long, value_name = "LIST", value_parser = parse_chosen)]
    checks: Option<ChosenChecks>,
    /// Prints one JSON object per check
    #[arg(long)]
    json: bool,
}

/// The checks that the command line names.
#[derive(Debug, Clone)]
struct ChosenChecks(Vec<Check>);

fn parse_chosen(names: &str) -> Result<ChosenChecks, String> {
    parse_checks(names).map(ChosenChecks)
}

/// Makes the checks and prints each result as soon as it is known.
///
/// # Errors
/// If a check failed, or the key cannot be read.
pub(crate) async fn run(args: Args) -> anyhow::Result<()> {
    check_all(&args, |line| println!("{line}")).await
}

async fn check_all(args: &Args, mut print: impl FnMut(String)) -> anyhow::Result<()> {
    let key = read_key(&args.key_file)
        .with_context(|| format!("cannot use {}", args.key_file.display()))?;
    let client = build_client(IdleConnections::Keep)?;
    let api = Api::new(client, args.api.clone(), &key)?;
    let chosen = args.checks.as_ref().map(|chosen| chosen.0.as_slice());
    let checks = chosen.unwrap_or(&ALL_CHECKS);
    let show = |result: &CheckResult| {
        print(if args.json {
            // A result of texts and numbers always serializes.
            serde_json::to_string(result).unwrap_or_default()
        } else {
            result.to_string()
        });
    };
    let (run, limits) = (RunName::random(), TimeLimits::default());
    let deadline = Deadline::within(RUN_TIMEOUT);
    let results = run_checks(&api, checks, &run, &limits, deadline, show).await;
    let is_failed = |result: &&CheckResult| result.outcome == Outcome::Failed;
    let failed = results.iter().filter(is_failed).count();
    ensure!(failed == 0, "{failed} of {} checks failed", results.len());
    Ok(())
}

/// Reads the key of a file; no error quotes it.
fn read_key(file: &Path) -> anyhow::Result<SecretString> {
    let mut text = String::new();
    let opened = std::fs::File::open(file)?;
    opened
        .take(MAX_KEY_FILE_BYTES + 1)
        .read_to_string(&mut text)?;
    let key = text.trim();
    let is_key = !key.is_empty() && key.bytes().all(|byte| byte.is_ascii_graphic());
    ensure!(
        is_key && text.len() as u64 <= MAX_KEY_FILE_BYTES,
        "it must hold a key of visible ASCII characters and nothing else, in at most {MAX_KEY_FILE_BYTES} bytes"
    );
    Ok(SecretString::from(key))
}

#[cfg(test)]
mod tests {
    use std::net::SocketAddr;

    use clap::Parser;
    use cxone_simulator::{Scenario, demo_secrets};
    use serde_json::Value;
    use tokio::sync::oneshot;

    use super::*;
    use crate::local_context::{LocalArgs, LocalContext};
    use crate::pipeline::Pipeline;
    use crate::{gateway, serve};

    #[derive(Debug, Parser)]
    struct Line {
        #[command(flatten)]
        args: Args,
    }

    fn parse(arguments: &[&str]) -> Result<Args, clap::Error> {
        let program = std::iter::once(&"smoke");
        Line::try_parse_from(program.chain(arguments)).map(|line| line.args)
    }

    /// The local server, with everything that the checks need.
    struct Server {
        addr: SocketAddr,
        folder: tempfile::TempDir,
        pipeline: Pipeline,
        _stop: oneshot::Sender<()>,
        _simulator: Option<cxone_simulator::Handle>,
    }

    async fn start(redaction: &str) -> Server {
        let folder = tempfile::tempdir().unwrap();
        let local = LocalArgs::in_folder(folder.path());
        let mut context = LocalContext::open_with(&local, Scenario::default(), None)
            .await
            .unwrap();
        context.env = context.env.with("REDACT_PII", redaction);
        let data_action = serve::build_data_action(&context).await.unwrap();
        let pipeline = Pipeline::open(&context).await.unwrap();
        let services = serve::http_services(&data_action);
        let (services, writer) = pipeline.add_functions(&context, services).await.unwrap();
        tokio::spawn(writer.run());
        let listener = gateway::bind(SocketAddr::from(([127, 0, 0, 1], 0)))
            .await
            .unwrap();
        let addr = listener.local_addr().unwrap();
        let (stop, stopped) = oneshot::channel::<()>();
        tokio::spawn(gateway::serve(listener, services, async {
            let _stopped = stopped.await;
        }));
        Server {
            addr,
            folder,
            pipeline,
            _stop: stop,
            _simulator: context.simulator,
        }
    }

    impl Server {
        /// Runs the command with a key and further arguments; returns its lines and its error.
        async fn smoke(&self, key: &str, arguments: &[&str]) -> (Vec<String>, Option<String>) {
            let file = self.folder.path().join("key.txt");
            std::fs::write(&file, format!("{key}\n")).unwrap();
            let url = format!("http://{}", self.addr);
            let file = file.display().to_string();
            let mut all = vec!["--api", &url, "--key-file", &file];
            all.extend(arguments);
            let mut lines = Vec::new();
            let ended = check_all(&parse(&all).unwrap(), |line| lines.push(line)).await;
            let error = ended.err().map(|error| format!("{error:#}"));
            (lines, error)
        }
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn a_working_deployment_passes_every_check_and_keeps_nothing() {
        for redaction in ["store", "always", "off"] {
            let server = start(redaction).await;
            let (lines, error) = server.smoke(demo_secrets::API_KEY, &[]).await;
            assert_eq!(error, None, "{lines:#?}");
            assert_eq!(lines.len(), ALL_CHECKS.len());
            for (line, check) in lines.iter().zip(ALL_CHECKS) {
                assert!(line.starts_with("ok "), "{line}");
                assert!(line.contains(check.name()), "{line}");
                assert!(!line.contains(demo_secrets::API_KEY), "{line}");
            }
            let searcher = server.pipeline.searcher();
            testkit::eventually_async("the conversation is removed", async || {
                let deadline = Deadline::within(Duration::from_secs(10));
                let filter = embedding::searcher::Filter::default();
                let hits = searcher.search("check", 10, &filter, deadline).await;
                hits.unwrap().is_empty()
            })
            .await;
        }
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn a_wrong_key_fails_and_is_told_as_json() {
        let server = start("store").await;
        let chosen = ["--checks", "call,health", "--json"];
        let (lines, error) = server.smoke("canary-key", &chosen).await;
        assert_eq!(error.as_deref(), Some("1 of 2 checks failed"));
        let lines: Vec<Value> = lines
            .iter()
            .map(|line| serde_json::from_str(line).unwrap())
            .collect();
        assert_eq!(lines[0]["check"], "health");
        assert_eq!(lines[0]["outcome"], "ok");
        assert_eq!(lines[1]["outcome"], "failed");
        assert_eq!(
            lines[1]["detail"],
            "PUT /interactions/{id} answered 401 (unauthorized) and not 200"
        );
    }

    #[test]
    fn wrong_arguments_are_refused_before_anything_is_sent() {
        let good = ["--api", "https://x.example", "--key-file", "key"];
        assert!(parse(&good).is_ok());
        for (name, wrong) in [
            ("--api", "http://x.example"),
            ("--api", "x.example"),
            ("--checks", "healthy"),
            ("--checks", ","),
        ] {
            let mut arguments = good.to_vec();
            match arguments.iter().position(|one| *one == name) {
                Some(at) => arguments[at + 1] = wrong,
                None => arguments.extend([name, wrong]),
            }
            assert!(parse(&arguments).is_err(), "{arguments:?}");
        }
    }

    #[test]
    fn a_file_that_holds_no_key_is_refused_without_quoting_it() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("key");
        assert!(read_key(&file).is_err());
        let long = format!("canary{}", "x".repeat(5000));
        for wrong in [
            "",
            " \n",
            "canary key",
            "{\"api_key\": \"canary\"}\n{}",
            &long,
        ] {
            std::fs::write(&file, wrong).unwrap();
            let error = format!("{:#}", read_key(&file).unwrap_err());
            assert!(error.contains("a key of visible ASCII"), "{error}");
            assert!(!error.contains("canary"), "{error}");
        }
    }
}
