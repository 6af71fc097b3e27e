//! Starts the servers for work by hand, makes what `events/local.env` names, and keeps them until standard input ends or
//! Ctrl-C.

use std::io::Read;

use anyhow::Context;

#[expect(
    clippy::print_stdout,
    reason = "the addresses are what this program is for"
)]
fn main() -> anyhow::Result<()> {
    let settings = test_stack::local_environment();
    let endpoint = settings
        .get("AWS_ENDPOINT_URL")
        .context("events/local.env has no AWS_ENDPOINT_URL")?;
    let port = endpoint.rsplit(':').next().unwrap_or_default();
    let port = port
        .parse()
        .with_context(|| format!("no port in AWS_ENDPOINT_URL={endpoint}"))?;
    println!(
        "TEST_AWS_ENDPOINT_URL={}",
        test_stack::aws_at(Some(port)).endpoint_url
    );
    let database = test_stack::postgres();
    println!("TEST_DATABASE_URL={database}");
    test_stack::make_resources(&settings, &database)?;
    println!("ready: what events/local.env names is there; Ctrl-C ends it");
    std::io::stdin().read_to_string(&mut String::new())?;
    Ok(())
}
